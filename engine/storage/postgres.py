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

# Prepared by name, for parsing and planning them took half the time of a BEGIN.
_PREPARE = (
    b"PREPARE guanxi_probe AS SELECT revision, access_epoch FROM meta_state WHERE id = 1",
    b"PREPARE guanxi_lock AS SELECT pg_advisory_xact_lock_shared(%d)" % PUBLICATION_LOCK,
)
_BEGIN = {
    "plain": b"BEGIN",
    "bare": b"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
    "read": b"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; EXECUTE guanxi_probe",
    "write": b"BEGIN; EXECUTE guanxi_lock; EXECUTE guanxi_probe",
    "exclusive": b"BEGIN; SELECT pg_advisory_xact_lock(%d); EXECUTE guanxi_probe" % PUBLICATION_LOCK,
}
_WELL = {ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK}
_NOT_PREPARED = b"26000"


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
    result = server.exec_(_BEGIN[mode])
    if result.status not in _WELL and result.error_field(DiagnosticField.SQLSTATE) == _NOT_PREPARED:
        # A new connection, or one whose driver has let go of everything that was prepared.
        _done(server, b"ROLLBACK")
        for statement in _PREPARE:
            _done(server, statement)
        result = server.exec_(_BEGIN[mode])
    if result.status not in _WELL:
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
