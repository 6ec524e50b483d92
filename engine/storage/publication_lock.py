"""One publication at a time. The lock ends with the process that holds it, however that ends."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager

from engine.errors import DatabaseUnavailable
from engine.i18n import Message
from engine.storage.database import Database, run
from engine.storage.sqlite import file_of

PUBLISHER_LOCK = 43
"""Advisory lock of PostgreSQL, held by a transaction that does nothing else."""

WAIT_S = 60

_threads = threading.Lock()


@contextmanager
def publication_lock(database: Database) -> Iterator[None]:
    """Hold the lock.

    Raises:
        DatabaseUnavailable: somebody else has been publishing for a minute.
    """
    if database.dialect == "sqlite":
        with _sqlite_lock(database):
            yield
    else:
        with database.plain() as connection:
            run(connection, f"SET LOCAL lock_timeout = '{WAIT_S}s'")
            run(connection, f"SELECT pg_advisory_xact_lock({PUBLISHER_LOCK})")
            yield


@contextmanager
def _sqlite_lock(database: Database) -> Iterator[None]:
    """Hold a small file beside the database: a lock of SQLite itself works on every system it runs on."""
    path = file_of(database.engine.url)
    with closing(sqlite3.connect(f"{path}.publishing", timeout=WAIT_S, isolation_level=None)) as connection:
        try:
            connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            raise DatabaseUnavailable(Message("Somebody else is publishing; please try again")) from error
        try:
            yield
        finally:
            connection.rollback()
