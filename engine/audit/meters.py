"""How much each person reads, by hour, kind and entity: counted in memory, written down every few seconds.

No request writes for it. Each process adds what it counted, so that several of them come to one sum.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from engine import clock
from engine.audit.statements import Statements, text_of, time_of
from engine.errors import GuanxiError
from engine.storage.database import Database

KINDS = ("list", "open", "search", "export")
"""Rows of lists, records that were opened, hits of searches, rows of exports."""
KEPT = timedelta(days=90)
_MOST = 5_000
"""Different counts that are held in memory at most."""
_HOUR_S = 3_600

_Key = tuple[str, int, str, str]


@dataclass(frozen=True, slots=True)
class Usage:
    """What one person read of some kinds in one hour."""

    actor_id: str
    hour: datetime
    number: int


class Meters:
    """The reading meters of one site. Safe to share between threads."""

    def __init__(self, database: Database) -> None:
        self._statements = Statements(database)
        self._lock = threading.Lock()
        self._counts: dict[_Key, int] = defaultdict(int)
        self._paused = False

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Count nothing meanwhile: what a check reads in people's names they have not read."""
        self._paused = True
        try:
            yield
        finally:
            self._paused = False

    def count(self, actor_id: str | None, kind: str, entity: str, number: int) -> None:
        """Count what a person was shown; nothing for the product itself."""
        if actor_id is None or number <= 0 or self._paused:
            return
        key = (actor_id, int(clock.seconds()) // _HOUR_S, kind, entity)
        with self._lock:
            self._counts[key] += number
            full = len(self._counts) >= _MOST
        if full:
            self.flush()

    @property
    def due(self) -> bool:
        """Say whether something was counted that is not written down."""
        return bool(self._counts)

    def flush(self) -> None:
        """Write down what was counted; what cannot be written now is kept for the next time."""
        with self._lock:
            counts, self._counts = self._counts, defaultdict(int)
        if not counts:
            return
        # In one order everywhere: two processes that write the same rows never wait for each other in a circle.
        rows = [
            (actor, datetime.fromtimestamp(hour * _HOUR_S, UTC), kind, entity, number)
            for (actor, hour, kind, entity), number in sorted(counts.items())
        ]
        try:
            with self._statements.database.write() as connection:
                self._statements.run_many(
                    connection,
                    "INSERT INTO reading_meter (actor_id, hour, kind, entity, number) VALUES (?, ?, ?, ?, ?)"
                    " ON CONFLICT (actor_id, hour, kind, entity)"
                    " DO UPDATE SET number = reading_meter.number + excluded.number",
                    rows,
                )
        except (GuanxiError, SQLAlchemyError):
            with self._lock:
                for key, number in counts.items():
                    self._counts[key] += number
            raise

    def close(self) -> None:
        """Write down what is left, if the database lets us."""
        with suppress(GuanxiError, SQLAlchemyError):
            self.flush()

    # --- reading ----------------------------------------------------------------------------------------------------

    def since(
        self, connection: Connection, kinds: Iterable[str], start: datetime, entity: str | None = None
    ) -> list[tuple[str, int]]:
        """Return (person, how much) since a moment, of some kinds, the most first."""
        wanted = tuple(kinds)
        condition, values = _condition(wanted, entity)
        rows = self._statements.run(
            connection,
            f"SELECT actor_id, sum(number) FROM reading_meter WHERE hour >= ? AND {condition}"  # noqa: S608 - marks
            " GROUP BY actor_id ORDER BY sum(number) DESC",
            _hour(start), *values,
        ).fetchall()  # fmt: skip
        return [(str(row[0]), int(row[1])) for row in rows]

    def hours(
        self, connection: Connection, actors: Iterable[str], kinds: Iterable[str], start: datetime,
        entity: str | None = None,
    ) -> list[Usage]:  # fmt: skip
        """Return what some persons read since a moment, hour by hour."""
        people, wanted = tuple(actors), tuple(kinds)
        if not people:
            return []
        condition, values = _condition(wanted, entity)
        marks = ", ".join("?" * len(people))
        rows = self._statements.run(
            connection,
            f"SELECT actor_id, hour, sum(number) FROM reading_meter WHERE actor_id IN ({marks})"  # noqa: S608 - marks
            f" AND hour >= ? AND {condition} GROUP BY actor_id, hour ORDER BY actor_id, hour",
            *people, _hour(start), *values,
        ).fetchall()  # fmt: skip
        return [Usage(text_of(row[0]) or "", time_of(row[1]), int(row[2])) for row in rows]

    def forget(self, before: datetime) -> None:
        """Delete counts of hours before a moment."""
        with self._statements.database.write() as connection:
            self._statements.run(connection, "DELETE FROM reading_meter WHERE hour < ?", before)


def _condition(kinds: tuple[str, ...], entity: str | None) -> tuple[str, list[str]]:
    condition, values = f"kind IN ({', '.join('?' * len(kinds))})", list(kinds)
    if entity is not None:
        condition += " AND entity = ?"
        values.append(entity)
    return condition, values


def _hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)
