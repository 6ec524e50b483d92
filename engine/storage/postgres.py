"""PostgreSQL: how a connection is set up, and how transactions begin.

A read is one snapshot (REPEATABLE READ, READ ONLY), as on SQLite, and brings the revision along with BEGIN in one
round trip. A write takes lock 42 shared and only then, in a statement of its own, reads the revision: a statement
that did both would look at a snapshot from before the lock, and write with a Model that is no longer valid.
"""

from __future__ import annotations

from typing import Any

import orjson
from psycopg.errors import Error, OperationalError, error_from_result
from psycopg.pq import ConnStatus, DiagnosticField, ExecStatus
from psycopg.types.json import set_json_loads
from psycopg.types.string import TextLoader
from sqlalchemy import URL, Engine, create_engine, event

PUBLICATION_LOCK = 42
"""Advisory lock: writers hold it shared, the switch of a publication holds it alone."""

_LOCK = f"SELECT pg_advisory_xact_lock_shared({PUBLICATION_LOCK})"
_LOCK_ALONE = f"SELECT pg_advisory_xact_lock({PUBLICATION_LOCK})"
_PROBE = "SELECT revision, access_epoch FROM meta_state WHERE id = 1"
_PREPARE = f"PREPARE guanxi_lock AS {_LOCK}; PREPARE guanxi_probe AS {_PROBE}"


def _ways(begin: str, *then: str) -> tuple[bytes, ...]:
    """Return how a transaction begins: with what is prepared; preparing it; with neither.

    Prepared they take half the time. They are missing in a new session, in one whose driver let go of everything after
    a ROLLBACK, and in any that a pooler hands out; that one transaction is one session holds behind a pooler too. A
    session may be older than this release, so who changes a statement gives it another name.
    """
    named = [each.replace(_LOCK, "EXECUTE guanxi_lock").replace(_PROBE, "EXECUTE guanxi_probe") for each in then]
    if not then:
        return (begin.encode(),)
    return tuple("; ".join(each).encode() for each in ((begin, *named), (begin, _PREPARE, *named), (begin, *then)))


_SNAPSHOT = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_BEGIN = {
    "plain": _ways("BEGIN"),
    "bare": _ways(_SNAPSHOT),
    "read": _ways(_SNAPSHOT, _PROBE),
    "write": _ways("BEGIN", _LOCK, _PROBE),
    "exclusive": _ways("BEGIN", _LOCK_ALONE, _PROBE),
}
_WELL = {ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK}
_OTHERWISE_PREPARED = {b"26000", b"42P05"}
"""There is no prepared statement of a name, or there is one already."""


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
    """Begin a transaction and return (revision, access_epoch) where the mode asks for it.

    The text goes to the server as it is, for the driver's cursors would look at each of its results.

    Raises:
        psycopg.Error: as the driver raises it.
    """
    if mode == "beside":
        return None
    server = driver.pgconn
    for way in _BEGIN[mode]:
        result = server.exec_(way)
        if result.status in _WELL:
            break
        if result.error_field(DiagnosticField.SQLSTATE) not in _OTHERWISE_PREPARED:
            raise _error(server, result)
        _done(server, b"ROLLBACK")
    else:
        raise _error(server, result)
    if mode in {"plain", "bare"}:
        return None
    return int(result.get_value(0, 0)), int(result.get_value(0, 1))


def _done(server: Any, statement: bytes) -> None:
    result = server.exec_(statement)
    if result.status not in _WELL:
        raise _error(server, result)


def _error(server: Any, result: Any) -> Error:
    if server.status != ConnStatus.OK:
        # Nothing came back, so there is no state that would tell what it is.
        return OperationalError(server.get_error_message())
    return error_from_result(result)
