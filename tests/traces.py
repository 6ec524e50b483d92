"""What SQLite is really asked: every statement of a database while a test looks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from engine.storage.database import Database


@contextmanager
def traced(database: Database, note: Callable[[str], None]) -> Iterator[None]:
    """Hand every statement to `note`, but for those that full text runs inside of others.

    Connections that wait are opened anew for it, and again afterwards.
    """

    def told(text: str) -> None:
        if not text.startswith(("--", "PRAGMA")) and "'main'.'" not in text:
            note(text)

    def watch(driver: Any, _record: Any) -> None:
        driver.set_trace_callback(told)

    database.dispose()
    event.listen(database.engine, "connect", watch)
    try:
        yield
    finally:
        event.remove(database.engine, "connect", watch)
        database.dispose()
