"""What an error of a database driver means for the person who asked."""

from __future__ import annotations

import sqlite3
from typing import Any

from sqlalchemy.exc import DataError, DBAPIError, OperationalError

from engine.errors import DatabaseUnavailable, GuanxiError, QueryInvalid, QueryTooSlow
from engine.i18n import Message

BUSY = Message("The database is busy; please try again")
_SILENT = Message("The database does not answer")
_SLOW = Message("The query takes too long; narrow it down")

_SQLITE = {
    sqlite3.SQLITE_BUSY: BUSY,
    sqlite3.SQLITE_LOCKED: BUSY,
    sqlite3.SQLITE_CANTOPEN: Message("The database file cannot be opened"),
    sqlite3.SQLITE_FULL: Message("The disk is full"),
    sqlite3.SQLITE_IOERR: Message("The database file cannot be read or written"),
    sqlite3.SQLITE_READONLY: Message("The database file may not be written"),
    sqlite3.SQLITE_PERM: Message("The database file may not be written"),
    sqlite3.SQLITE_CORRUPT: Message("The database file is damaged; restore a backup"),
    sqlite3.SQLITE_NOTADB: Message("The database file is no SQLite database"),
}

# Classes of SQLSTATE: https://www.postgresql.org/docs/current/errcodes-appendix.html
_POSTGRES = {
    "08": _SILENT,  # connection exception
    "28": Message("The database refuses the user or the password"),
    "3D": Message("The database does not exist"),
    "40": BUSY,  # deadlock, serialization failure
    "53": Message("The database has no room or no connection left"),
    "55": BUSY,  # lock not available
    "57": _SILENT,  # the server is shutting down or starting
    "58": Message("The database cannot read or write its files"),
    "XX": Message("The database is damaged; restore a backup"),
}
_QUERY_CANCELED = "57014"


def explain_failure(error: DBAPIError) -> GuanxiError | None:
    """Return what to raise instead; None when the statement itself is wrong or breaks a constraint."""
    cause: Any = error.orig
    if isinstance(cause, sqlite3.Error):
        code = getattr(cause, "sqlite_errorcode", 0) & 0xFF
        if code == sqlite3.SQLITE_INTERRUPT:
            return QueryTooSlow(_SLOW)
        message = _SQLITE.get(code)
        return DatabaseUnavailable(message) if message is not None else None
    # PostgreSQL; its driver is not imported for that, a site on SQLite has no use for it.
    state = getattr(cause, "sqlstate", None) or ""
    if state == _QUERY_CANCELED:
        return QueryTooSlow(_SLOW)
    if not state and isinstance(error, DataError):
        return QueryInvalid(Message("A value holds a character that the database cannot hold"))
    message = _POSTGRES.get(state[:2])
    if message is None and not state and isinstance(error, OperationalError):
        message = _SILENT
    return DatabaseUnavailable(message) if message is not None else None


def is_dropped(error: DBAPIError) -> bool:
    """Say whether the connection is gone, so that a new one may do better."""
    if error.connection_invalidated:
        return True
    if not isinstance(error, OperationalError) or isinstance(error.orig, sqlite3.Error):
        return False
    state: str | None = getattr(error.orig, "sqlstate", None)
    # Without a state nothing came back from the server. Admin shutdown, crash shutdown: it closed the connection.
    return state is None or state in {"57P01", "57P02", "57P05"} or state.startswith("08")
