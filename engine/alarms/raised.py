"""Alarms that rang, as rows: an inbox with a state and a note for each, and silence while one goes on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import orjson
from sqlalchemy import Connection

from engine import clock
from engine.alarms.rules import Rule
from engine.audit.events import read_details
from engine.audit.statements import Statements, text_of, time_of
from engine.errors import NotFound
from engine.i18n import Message
from engine.ids import is_id, new_id

State = Literal["new", "seen", "closed"]
ALERT_STATES: tuple[State, ...] = ("new", "seen", "closed")

_COLUMNS = (
    "id, alert, subject, state, severity, raised_at, last_at, times, person_id, address, entity, details, note,"
    " handled_by, handled_at"
)
_MOST_EVENTS = 50
LONGEST_NOTE = 2_000


@dataclass(frozen=True, slots=True)
class Ring:
    """That an alarm rings: what for, about whom, from where."""

    rule: Rule
    subject: str
    """What tells one cause from another: a person, an address; "" when there is only one."""
    at: datetime
    person_id: str | None = None
    address: str | None = None
    entity: str | None = None
    events: tuple[int, ...] = ()
    """Numbers of events of the audit log."""
    details: Mapping[str, Any] = field(default_factory=dict)
    """value, usual, limit."""


@dataclass(frozen=True, slots=True)
class Raised:
    """An alarm that rang."""

    id: str
    alert: str
    subject: str
    state: State
    severity: str
    raised_at: datetime
    last_at: datetime
    times: int
    person_id: str | None
    address: str | None
    entity: str | None
    details: Mapping[str, Any]
    """value, usual, limit, events."""
    note: str | None
    handled_by: str | None
    handled_at: datetime | None

    @property
    def events(self) -> tuple[int, ...]:
        """Return the numbers of the events of the audit log behind it."""
        return tuple(each for each in self.details.get("events") or () if isinstance(each, int))


class Inbox:
    """The alarms of one site."""

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    def ring(self, connection: Connection, ring: Ring) -> Raised | None:
        """Keep that an alarm rings; None when it rang lately for the same cause, which then counts once more."""
        run = self._statements.run
        row = run(
            connection,
            f"SELECT {_COLUMNS} FROM alert_raised WHERE alert = ? AND subject = ? AND last_at > ?"  # noqa: S608
            " ORDER BY last_at DESC LIMIT 1",
            ring.rule.name, ring.subject, ring.at - ring.rule.quiet,
        ).fetchone()  # fmt: skip
        if row is not None:
            known = _raised(row)
            events = tuple(dict.fromkeys((*known.events, *ring.events)))
            if events == known.events and ring.events:
                return None  # The same events, looked at once more.
            details = {**known.details, **ring.details, "events": events[-_MOST_EVENTS:]}
            run(
                connection,
                "UPDATE alert_raised SET times = times + 1, last_at = ?, details = ? WHERE id = ?",
                max(ring.at, known.last_at), orjson.dumps(details).decode(), known.id,
            )  # fmt: skip
            return None
        details = {**ring.details, "events": ring.events[-_MOST_EVENTS:]}
        made = Raised(
            new_id(), ring.rule.name, ring.subject, "new", ring.rule.severity, ring.at, ring.at, 1, ring.person_id,
            ring.address, ring.entity, details, None, None, None,
        )  # fmt: skip
        run(
            connection,
            f"INSERT INTO alert_raised ({_COLUMNS}) VALUES ({', '.join('?' * 15)})",  # noqa: S608 - marks
            made.id, made.alert, made.subject, made.state, made.severity, made.raised_at, made.last_at, made.times,
            made.person_id, made.address, made.entity, orjson.dumps(details).decode(), None, None, None,
        )  # fmt: skip
        return made

    def page(
        self,
        connection: Connection,
        *,
        states: Iterable[str] = (),
        alert: str | None = None,
        person_id: str | None = None,
        before: tuple[datetime, str] | None = None,
        since: datetime | None = None,
        limit: int = 50,
    ) -> Sequence[Raised]:
        """Return alarms, the latest first; `before` is (raised_at, id) of the last one that was shown."""
        conditions, values = ["1 = 1"], list[Any]()
        wanted = [each for each in states if each in ALERT_STATES]
        if wanted:
            conditions.append(f"state IN ({', '.join('?' * len(wanted))})")
            values += wanted
        for name, value in (("alert", alert), ("person_id", person_id)):
            if value is not None:
                conditions.append(f"{name} = ?")
                values.append(value)
        if before is not None:
            conditions.append("(raised_at, id) < (?, ?)")
            values += before
        if since is not None:
            conditions.append("raised_at >= ?")
            values.append(since)
        text = (
            f"SELECT {_COLUMNS} FROM alert_raised WHERE {' AND '.join(conditions)}"  # noqa: S608 - names of columns
            " ORDER BY raised_at DESC, id DESC LIMIT ?"
        )
        return [_raised(row) for row in self._statements.run(connection, text, *values, limit).fetchall()]

    def one(self, connection: Connection, id_: str) -> Raised:
        """Return one alarm.

        Raises:
            NotFound: there is none with the id.
        """
        row = None
        if is_id(id_):
            text = f"SELECT {_COLUMNS} FROM alert_raised WHERE id = ?"  # noqa: S608 - constants
            row = self._statements.run(connection, text, id_).fetchone()
        if row is None:
            raise NotFound(Message("There is no such alert"))
        return _raised(row)

    def unread(self, connection: Connection) -> int:
        """Return how many alarms nobody has looked at, counted up to 100."""
        text = "SELECT count(*) FROM (SELECT 1 FROM alert_raised WHERE state = 'new' LIMIT 100) AS fresh"
        return int(self._statements.run(connection, text).fetchone()[0])

    def handle(self, connection: Connection, id_: str, state: State, note: str | None, by: str | None) -> Raised:
        """Give an alarm a state and a note, by somebody.

        Raises:
            NotFound: there is none with the id.
        """
        found = self.one(connection, id_)
        words = found.note if note is None else note.strip()[:LONGEST_NOTE] or None
        self._statements.run(
            connection,
            "UPDATE alert_raised SET state = ?, note = ?, handled_by = ?, handled_at = ? WHERE id = ?",
            state, words, by, clock.now(), found.id,
        )  # fmt: skip
        return self.one(connection, id_)

    def counts(self, connection: Connection, since: datetime) -> list[tuple[str, int, int]]:
        """Return (alert, how many rang, how many of them are new) since a moment, the most first."""
        rows = self._statements.run(
            connection,
            "SELECT alert, count(*), sum(CASE WHEN state = 'new' THEN 1 ELSE 0 END) FROM alert_raised"
            " WHERE raised_at >= ? GROUP BY alert ORDER BY count(*) DESC, alert",
            since,
        ).fetchall()
        return [(row[0], int(row[1]), int(row[2])) for row in rows]


def _raised(row: Sequence[Any]) -> Raised:
    return Raised(
        str(row[0]), row[1], row[2], row[3], row[4], time_of(row[5]), time_of(row[6]), row[7], text_of(row[8]), row[9],
        row[10], read_details(row[11]), row[12], text_of(row[13]), None if row[14] is None else time_of(row[14]),
    )  # fmt: skip
