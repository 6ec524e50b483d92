"""Rows of hand-overs: what was asked for, how far it has come, and what it has ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import orjson
from sqlalchemy import Connection

from engine import clock
from engine.errors import NotFound
from engine.i18n import Message, Text
from engine.ids import is_id
from engine.storage.codec import moment
from engine.storage.database import run

State = Literal["running", "done", "undone"]
MOST_NAMED = 200
"""Records that stayed and are named; of more only the number is kept."""


@dataclass(slots=True)
class Progress:
    """How far a hand-over has come; kept with every portion."""

    at: int = 0
    """Place of the order that is being carried out."""
    after: str = ""
    """The last record of it that was looked at."""
    turn: int = 0
    """How many records of it were given away: whose turn it is."""
    moved_in_pass: int = 0
    """After a pass that gave something away there is another one: for what came in meanwhile."""
    moved: dict[str, int] = field(default_factory=dict)
    """Belonging -> how many records were given away."""
    left: list[tuple[str, str, Message]] = field(default_factory=list)
    """(entity, id, why) of records that could not be given away in this pass."""
    left_count: int = 0


@dataclass(slots=True)
class Handover:
    """One hand-over, begun at least."""

    id: str
    """Also that of its change set."""
    user_id: str
    actor_id: str | None
    state: State
    orders: list[dict[str, Any]]
    elevated: bool
    """Whether rows are taken beyond the reach of who asked, by the right to look after people."""
    disabled: bool
    ended: Mapping[str, int]
    """What was ended: sign-ins, tokens, shares."""
    shares: list[list[Any]]
    """Shares that were taken away, for the way back."""
    progress: Progress
    started_at: datetime | None
    expected: int = 0
    """How many records there were to give away when it began."""

    @property
    def moved(self) -> int:
        """Return how many records were given away."""
        return sum(self.progress.moved.values())


class Rows:
    """The table of hand-overs in one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._sqlite = connection.dialect.name == "sqlite"
        self._moment = moment("sqlite" if self._sqlite else "postgresql")

    def add(self, made: Handover) -> None:
        """Keep a new one."""
        now = self._moment(clock.now())
        values = (made.id, made.user_id, made.actor_id, made.state, _body(made), now, now)
        self._run(
            "INSERT INTO handover (id, user_id, actor_id, state, body, started_at, changed_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            *values,
        )

    def keep(self, known: Handover) -> None:
        """Keep how far it has come."""
        self._run(
            "UPDATE handover SET state = ?, body = ?, changed_at = ? WHERE id = ?",
            known.state,
            _body(known),
            self._moment(clock.now()),
            known.id,
        )

    def get(self, id_: str, *, lock: bool = False) -> Handover:
        """Return one; locked, nobody else carries it on meanwhile.

        Raises:
            NotFound: there is none of that id.
        """
        row = self._one("id = ?", id_, lock=lock) if is_id(id_) else None
        if row is None:
            raise NotFound(Message("There is no hand-over {id}", id=id_))
        return row

    def of(self, user_id: str) -> list[Handover]:
        """Return those of a person, the newest first."""
        return self._many("h.user_id = ?", user_id)

    def _one(self, condition: str, value: Any, *, lock: bool) -> Handover | None:
        if lock and not self._sqlite:
            self._run(f"SELECT 1 FROM handover h WHERE h.{condition} FOR UPDATE", value)  # noqa: S608 - constants
        found = self._many(f"h.{condition}", value)
        return found[0] if found else None

    def _many(self, condition: str, value: Any) -> list[Handover]:
        # Its change set may have been taken back like any other.
        rows = self._run(
            "SELECT h.id, h.user_id, h.actor_id, h.state, h.body, h.started_at, c.undone_by FROM handover h"  # noqa: S608
            f" LEFT JOIN change_set c ON c.id = h.id WHERE {condition} ORDER BY h.started_at DESC, h.id DESC",
            value,
        ).fetchall()
        return [_read(row) for row in rows]

    def _run(self, statement: str, *values: Any) -> Any:
        return run(self._connection, statement if self._sqlite else statement.replace("?", "%s"), values)


def _body(known: Handover) -> str:
    progress = known.progress
    return orjson.dumps(
        {
            "orders": known.orders,
            "elevated": known.elevated,
            "disabled": known.disabled,
            "ended": dict(known.ended),
            "shares": known.shares,
            "expected": known.expected,
            "progress": {
                **{name: getattr(progress, name) for name in Progress.__slots__},
                "left": [[entity, id_, _message_json(why)] for entity, id_, why in progress.left],
            },
        },
        default=str,
    ).decode()


def _read(row: Any) -> Handover:
    id_, user_id, actor_id, state, text, started_at, undone_by = row
    body = orjson.loads(text)
    progress = Progress(**body["progress"])
    progress.left = [(entity, id_, _message(why)) for entity, id_, why in body["progress"]["left"]]
    return Handover(
        str(id_),
        str(user_id),
        None if actor_id is None else str(actor_id),
        "undone" if undone_by is not None else state,
        body["orders"],
        body["elevated"],
        body["disabled"],
        body["ended"],
        body["shares"],
        progress,
        datetime.fromisoformat(started_at) if isinstance(started_at, str) else started_at,
        body["expected"],
    )


def _message_json(message: Message) -> dict[str, Any]:
    values = {key: dict(value) if isinstance(value, Text) else str(value) for key, value in message.values.items()}
    return {"template": message.template, "values": values}


def _message(body: Mapping[str, Any]) -> Message:
    values = {key: Text(value) if isinstance(value, dict) else value for key, value in body["values"].items()}
    return Message(body["template"], **values)
