"""Statements on the tables of the log, written once for both databases, with `?` for every value."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection

from engine.storage.codec import moment
from engine.storage.database import Database, run, run_many


class Statements:
    """A database, spoken to with `?`."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.sqlite = database.dialect == "sqlite"
        self.moment = moment(database.dialect)

    def run(self, connection: Connection, text: str, *values: Any) -> Any:
        """Run a statement and return its cursor; values that are times become what columns take."""
        return run(connection, self.said(text), self.bound(values))

    def run_many(self, connection: Connection, text: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run a statement for each row of values."""
        run_many(connection, self.said(text), [self.bound(row) for row in rows])

    def said(self, text: str) -> str:
        """Return a statement with the marks of the database."""
        return text if self.sqlite else text.replace("?", "%s")

    def bound(self, values: Sequence[Any]) -> tuple[Any, ...]:
        """Return values as the driver takes them."""
        return tuple(self.moment(value) if isinstance(value, datetime) else value for value in values)


def time_of(value: Any) -> datetime:
    """Return a time as the driver gives it as an aware one in UTC."""
    found: datetime = datetime.fromisoformat(value) if isinstance(value, str) else value
    return found.astimezone(UTC)


def text_of(value: Any) -> str | None:
    """Return an id as the driver gives it as text."""
    return None if value is None else str(value)
