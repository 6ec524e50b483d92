"""Reading the log: filtered pages for people, gapless order for alarms, numbers for the dashboard."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from engine.audit.events import COLUMNS, LogEntry, entry
from engine.audit.statements import Statements

_E = ", ".join(f"e.{name}" for name in COLUMNS.split(", "))


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events; what is None or empty does not matter."""

    kinds: tuple[str, ...] = ()
    actor_id: str | None = None
    entity: str | None = None
    record_id: str | None = None
    address: str | None = None
    via: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    """Before this moment."""

    def conditions(self) -> tuple[str, list[Any]]:
        """Return the condition in SQL, with its values."""
        parts: list[str] = ["1 = 1"]
        values: list[Any] = []
        if self.kinds:
            parts.append(f"kind IN ({', '.join('?' * len(self.kinds))})")
            values += self.kinds
        for name in ("actor_id", "entity", "record_id", "address", "via"):
            if (value := getattr(self, name)) is not None:
                parts.append(f"{name} = ?")
                values.append(value)
        for sign, moment in ((">=", self.since), ("<", self.until)):
            if moment is not None:
                parts.append(f"at {sign} ?")
                values.append(moment)
        return " AND ".join(parts), values


def entries(
    statements: Statements, connection: Connection, wanted: Wanted, limit: int, before: tuple[datetime, int] | None
) -> list[LogEntry]:
    """Return events, the latest first, from behind one of them on."""
    condition, values = wanted.conditions()
    if before is not None:
        condition += " AND (at, seq) < (?, ?)"
        values += before
    text = f"SELECT {COLUMNS} FROM audit_event WHERE {condition} ORDER BY at DESC, seq DESC LIMIT ?"  # noqa: S608
    return [entry(row) for row in statements.run(connection, text, *values, limit).fetchall()]


def by_numbers(statements: Statements, connection: Connection, numbers: Iterable[int]) -> list[LogEntry]:
    """Return events by their numbers, the latest first."""
    wanted = sorted(set(numbers))
    if not wanted:
        return []
    marks = ", ".join("?" * len(wanted))
    text = f"SELECT {COLUMNS} FROM audit_event WHERE seq IN ({marks}) ORDER BY at DESC, seq DESC"  # noqa: S608 - marks
    return [entry(row) for row in statements.run(connection, text, *wanted).fetchall()]


def sealed_after(statements: Statements, connection: Connection, place: int, limit: int) -> list[tuple[int, LogEntry]]:
    """Return (place, event) of what was sealed after a place, in the order of the chain."""
    text = (
        f"SELECT s.place, {_E} FROM audit_seal AS s JOIN audit_event AS e ON e.seq = s.seq"  # noqa: S608 - constants
        " WHERE s.place > ? ORDER BY s.place LIMIT ?"
    )
    return [(row[0], entry(row[1:])) for row in statements.run(connection, text, place, limit).fetchall()]


def counts(
    statements: Statements, connection: Connection, wanted: Wanted, by: tuple[str, ...]
) -> list[tuple[Any, ...]]:
    """Return (values of the columns `by` ..., events, sum of their numbers), the most first; at most 200 rows.

    `by` names columns of the log, or `day`, the date in UTC.
    """
    day = "substr(at, 1, 10)" if statements.sqlite else "to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD')"
    columns = ", ".join(day if name == "day" else name for name in by)
    condition, values = wanted.conditions()
    places = ", ".join(str(number + 1) for number in range(len(by)))
    text = (
        f"SELECT {columns}, count(*), sum(number) FROM audit_event WHERE {condition}"  # noqa: S608 - names of columns
        f" GROUP BY {places} ORDER BY count(*) DESC LIMIT 200"
    )
    return [(*row[:-1], int(row[-1])) for row in statements.run(connection, text, *values).fetchall()]
