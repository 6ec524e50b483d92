"""PostgreSQL: how a connection is set up, and how transactions begin.

A read is one snapshot (REPEATABLE READ, READ ONLY), as on SQLite, and brings the revision along with BEGIN in one
round trip. A write takes lock 42 shared and only then, in a statement of its own, reads the revision: a statement
that did both would look at a snapshot from before the lock, and write with a Model that is no longer valid.
"""

from __future__ import annotations

from typing import Any

import orjson
from psycopg.types.json import set_json_loads
from psycopg.types.string import TextLoader
from sqlalchemy import URL, Engine, create_engine, event

PUBLICATION_LOCK = 42
"""Advisory lock: writers hold it shared, the switch of a publication holds it alone."""

_PROBE = "SELECT revision, access_epoch FROM meta_state WHERE id = 1"
_BEGIN = {
    "plain": "BEGIN",
    "bare": "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
    "read": f"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; {_PROBE}",
    "write": f"BEGIN; SELECT pg_advisory_xact_lock_shared({PUBLICATION_LOCK}); {_PROBE}",
    "exclusive": f"BEGIN; SELECT pg_advisory_xact_lock({PUBLICATION_LOCK}); {_PROBE}",
}


def make_engine(address: URL, busy_timeout_ms: int, pool_size: int) -> Engine:
    """Return an engine; nothing is connected yet."""
    # A server's default style or zone would change what comes back as text.
    settings = f"-c timezone=UTC -c datestyle=ISO,YMD -c lock_timeout={busy_timeout_ms:d}"
    engine = create_engine(
        address.set(drivername="postgresql+psycopg"),
        pool_size=pool_size,
        pool_use_lifo=True,
        max_overflow=pool_size * 3,
        use_native_hstore=False,
        connect_args={"autocommit": True, "options": settings, "prepare_threshold": 3},
    )

    @event.listens_for(engine, "connect")
    def set_up(driver: Any, record: Any) -> None:
        # Transactions begin and end by our own statements, see `begin`.
        driver.autocommit = True
        driver.adapters.register_loader("uuid", TextLoader)
        set_json_loads(orjson.loads, driver)

    return engine


def begin(driver: Any, mode: str) -> tuple[int, int] | None:
    """Begin a transaction and return (revision, access_epoch) where the mode asks for it."""
    if mode == "beside":
        return None
    cursor = driver.execute(_BEGIN[mode], prepare=False)
    if mode in {"plain", "bare"}:
        return None
    row = None
    while cursor.nextset():
        if cursor.description is not None:
            row = cursor.fetchone()
    assert row is not None  # noqa: S101 - the migration that makes the table puts the row there
    return row[0], row[1]
