"""The few phrases of SQL that the write path says differently to SQLite and to PostgreSQL.

Texts are built once per Model and run with `exec_driver_sql`, so placeholders are the driver's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import orjson

from engine.storage.codec import moment
from engine.storage.columns import quoted

Kind = Literal["sqlite", "postgresql"]


@dataclass(frozen=True, slots=True)
class Phrases:
    """How one kind of database is spoken to."""

    kind: Kind
    mark: str
    """A placeholder."""
    same: str
    """Compares two values, nothing being equal to nothing."""
    differs: str

    def name(self, word: str) -> str:
        """Return a table's or column's name as it stands in SQL."""
        return quoted(word)

    def moment(self, at: datetime) -> Any:
        """Return a time as a column of a system table takes it."""
        return moment(self.kind)(at)

    def is_in(self, column: str, cast: str = "uuid") -> str:
        """Return the condition that a column is one of the values that `values` binds to one placeholder."""
        if self.kind == "sqlite":
            return f"{column} IN (SELECT value FROM json_each(?))"  # noqa: S608 - names of the Model
        return f"{column} = ANY(%s::{cast}[])"

    def values(self, values: Iterable[Any]) -> Any:
        """Return what `is_in` takes as its parameter; the values are as the driver takes them."""
        return orjson.dumps(list(values)).decode() if self.kind == "sqlite" else list(values)

    def tuples_in(self, columns: Sequence[str], casts: Sequence[str]) -> str:
        """Return the condition that several columns together are one of the rows that `tuples` binds."""
        left = ", ".join(columns)
        if self.kind == "sqlite":
            parts = ", ".join(f"json_extract(value, '$[{place}]')" for place in range(len(columns)))
            return f"({left}) IN (SELECT {parts} FROM json_each(?))"  # noqa: S608 - as above
        parts = ", ".join(f"%s::{cast}[]" for cast in casts)
        return f"({left}) IN (SELECT * FROM unnest({parts}))"  # noqa: S608 - as above

    def tuples(self, rows: Sequence[Sequence[Any]]) -> list[Any]:
        """Return what `tuples_in` takes as its parameters."""
        if self.kind == "sqlite":
            return [orjson.dumps([list(row) for row in rows]).decode()]
        return [list(column) for column in zip(*rows, strict=True)]


SQLITE = Phrases("sqlite", "?", "IS", "IS NOT")
POSTGRESQL = Phrases("postgresql", "%s", "IS NOT DISTINCT FROM", "IS DISTINCT FROM")


def phrases(dialect: str) -> Phrases:
    """Return how a database is spoken to, by SQLAlchemy's name for its kind."""
    return SQLITE if dialect == "sqlite" else POSTGRESQL
