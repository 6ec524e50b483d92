"""The file in which the queue of an SQLite site keeps what it was given, set up as DBOS needs it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event

FILE = "jobs.sqlite"
_BUSY_MS = 30_000


def queue_engine(file: Path) -> Engine:
    """Return an engine for the file of the queue, set up as DBOS needs it and as fast as the site's own."""
    engine = create_engine(f"sqlite:///{file}", connect_args={"timeout": _BUSY_MS / 1000})

    @event.listens_for(engine, "connect")
    def set_up(driver: Any, record: Any) -> None:
        for pragma in (
            f"busy_timeout = {_BUSY_MS:d}",
            "journal_mode = WAL",
            "synchronous = NORMAL",
            "foreign_keys = ON",
        ):
            driver.execute(f"PRAGMA {pragma}")
        driver.isolation_level = "IMMEDIATE"
        give_unixepoch(driver)

    return engine


def give_unixepoch(driver: Any) -> None:
    """Give a connection `unixepoch('subsec')`, which SQLite before 3.42 answers with NULL and DBOS asks."""
    known = driver.execute("SELECT typeof(unixepoch('subsec'))").fetchone()[0] if _has_unixepoch(driver) else "null"
    if known != "real":
        driver.create_function("unixepoch", 1, _unixepoch)


def _has_unixepoch(driver: Any) -> bool:
    return bool(driver.execute("SELECT count(*) FROM pragma_function_list WHERE name = 'unixepoch'").fetchone()[0])


def _unixepoch(how: str) -> float | int | None:
    if how not in {"subsec", "now"}:
        return None
    return time.time() if how == "subsec" else int(time.time())
