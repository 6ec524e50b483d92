"""SQLite: how a connection is set up, and how transactions begin.

A write begins with IMMEDIATE. A transaction that first reads and then writes after a deferred BEGIN fails with
"database is locked", at once and for three quarters of them when four processes write.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event

from engine.errors import SiteBroken
from engine.expression import register_functions
from engine.i18n import Message

_READING = frozenset({"read", "bare"})
_STEPS = 10_000  # instructions of SQLite's machine between two looks at the clock, about half a millisecond


def make_engine(address: URL, busy_timeout_ms: int, pool_size: int) -> Engine:
    """Return an engine for a file.

    Raises:
        SiteBroken: the address names no file, or no folder that exists.
    """
    if not address.database or address.database == ":memory:" or "mode" in address.query:
        raise SiteBroken(Message("A site needs an SQLite file; the address names none"))
    folder = Path(address.database).parent
    if not folder.is_dir():
        raise SiteBroken(Message("The folder of the database file does not exist: {folder}", folder=str(folder)))
    engine = create_engine(
        address.set(drivername="sqlite+pysqlite"),
        pool_size=pool_size,
        pool_use_lifo=True,
        max_overflow=pool_size * 3,
        connect_args={"check_same_thread": False, "isolation_level": None, "timeout": busy_timeout_ms / 1000},
    )

    @event.listens_for(engine, "connect")
    def set_up(driver: sqlite3.Connection, record: Any) -> None:
        for pragma in (
            "journal_mode = WAL",
            "synchronous = NORMAL",
            "foreign_keys = ON",
            f"busy_timeout = {busy_timeout_ms:d}",
            "temp_store = MEMORY",
            "cache_size = -16000",
            # Full text writes the same few pages again and again: fewer checkpoints write each of them less often.
            "wal_autocheckpoint = 4000",
            "journal_size_limit = 67108864",
        ):
            driver.execute(f"PRAGMA {pragma}")
        register_functions(driver)

    return engine


def begin(driver: Any, mode: str) -> None:
    """Begin a transaction."""
    if mode == "beside":
        return
    driver.execute("BEGIN" if mode in _READING else "BEGIN IMMEDIATE")


@contextmanager
def time_limit(connection: Connection, limit_ms: int) -> Iterator[None]:
    """End statements of the connection that run when `limit_ms` have passed since the first of them."""
    driver: Any = connection.connection.driver_connection
    deadline = time.monotonic() + limit_ms / 1000
    driver.set_progress_handler(lambda: time.monotonic() > deadline, _STEPS)
    try:
        yield
    finally:
        driver.set_progress_handler(None, 0)


def file_of(address: URL) -> Path:
    """Return the absolute path of the database file."""
    return Path(os.path.abspath(address.database or ""))  # noqa: PTH100 - resolve() would follow links
