"""Rows of proposals and of their parts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import orjson
from sqlalchemy import Connection

from engine import clock
from engine.errors import FieldProblem, GuanxiError, NotFound, RecordInvalid
from engine.i18n import LANGUAGES, Message
from engine.identity.store import Store
from engine.ids import is_id
from engine.proposals.operations import Kind, Operation
from engine.storage.database import Database

State = Literal["open", "done", "rejected", "expired"]
PartState = Literal["open", "written", "failed", "rejected"]
"""A part that failed is still open: somebody may look at it and try again."""
MOST_OPEN = 200
"""Open proposals that one person's agents may leave lying, and that an inbox looks at of others."""

_COLUMNS = (
    "id, user_id, token_id, token_name, client, reason, state, created_at, expires_at, decided_at, decided_by, note,"
    " change_set"
)


@dataclass(frozen=True, slots=True)
class Author:
    """Through what something is proposed."""

    token_id: str | None = None
    token_name: str = ""
    client: str = ""
    """The program, as it names itself: "Claude 2.1"."""


@dataclass(slots=True)
class ProposalPart:
    """One operation of a proposal, and what became of it."""

    place: int
    operation: Operation
    state: PartState = "open"
    title: str = ""
    """What the record was called, as the agent could see it."""
    before: Mapping[str, Any] = field(default_factory=dict)
    """What the fields held that would change, as the agent could see it."""
    after: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[Mapping[str, Any], ...] = ()
    """path, code and message, the message in every language."""
    problems: tuple[Mapping[str, Any], ...] = ()
    """Why it could not be written, in the same shape."""
    written_id: str | None = None

    @property
    def due(self) -> bool:
        """Say whether something is still to be decided about it."""
        return self.state in {"open", "failed"}


@dataclass(slots=True)
class Proposal:
    """Changes that an agent asks for."""

    id: str
    user_id: str
    """The person in whose name the agent works."""
    author: Author
    reason: str
    """Why, in the agent's words."""
    state: State
    created_at: datetime
    expires_at: datetime
    parts: list[ProposalPart]
    decided_at: datetime | None = None
    decided_by: str | None = None
    note: str = ""
    """Why it was rejected."""
    change_set: str | None = None

    @property
    def due(self) -> bool:
        """Say whether it waits for somebody."""
        return self.state == "open" and self.expires_at > clock.now()

    @property
    def standing(self) -> State:
        """Return its state; one that nobody decided about in time is over, whoever has noticed it."""
        return "expired" if self.state == "open" and not self.due else self.state


class Rows:
    """The tables of proposals in one transaction."""

    def __init__(self, database: Database, connection: Connection) -> None:
        self._store, self._connection = Store(database), connection
        self._lock = "" if database.dialect == "sqlite" else " FOR UPDATE"

    def add(self, made: Proposal, request: str | None) -> None:
        """Keep a new one."""
        author = made.author
        self._run(
            "INSERT INTO proposal (id, user_id, token_id, token_name, client, reason, request, state, created_at,"
            " expires_at, note) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '')",
            made.id, made.user_id, author.token_id, author.token_name, author.client, made.reason, request,
            made.state, made.created_at, made.expires_at,
        )  # fmt: skip
        for part in made.parts:
            done = part.operation
            self._run(
                "INSERT INTO proposal_part (proposal_id, place, kind, entity, record_id, version, state, body)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                made.id, part.place, done.kind, done.entity, done.id, done.version, part.state, _body(part),
            )  # fmt: skip

    def keep(self, known: Proposal, parts: Iterable[ProposalPart]) -> None:
        """Keep what was decided about it, and about some of its parts."""
        self._run(
            "UPDATE proposal SET state = ?, decided_at = ?, decided_by = ?, note = ?, change_set = ? WHERE id = ?",
            known.state, known.decided_at, known.decided_by, known.note, known.change_set, known.id,
        )  # fmt: skip
        for part in parts:
            self._run(
                "UPDATE proposal_part SET state = ?, body = ? WHERE proposal_id = ? AND place = ?",
                part.state, _body(part), known.id, part.place,
            )  # fmt: skip

    def get(self, id_: str, *, lock: bool = False) -> Proposal:
        """Return one; locked, nobody else decides about it meanwhile.

        Raises:
            NotFound: there is none of that id.
        """
        found: list[Proposal] = []
        if is_id(id_):
            found = self._many(f"id = ?{self._lock if lock else ''}", id_)
        if not found:
            raise no_proposal()
        return found[0]

    def by_request(self, user_id: str, request: str) -> Proposal | None:
        """Return the one that a call of that name has made already."""
        found = self._many("user_id = ? AND request = ?", user_id, request)
        return found[0] if found else None

    def open(self, user_id: str | None) -> list[Proposal]:
        """Return those that wait, the newest first: somebody's own, and those of others, `MOST_OPEN` of each."""
        now, found = clock.now(), list[Proposal]()
        for whose in ("=", "<>"):
            condition = f"state = 'open' AND user_id {whose} ? AND expires_at > ?"
            found += self._many(f"{condition} ORDER BY created_at DESC, id DESC LIMIT ?", user_id, now, MOST_OPEN)
        return sorted(found, key=lambda each: (each.created_at, each.id), reverse=True)

    def decided(self, user_id: str, limit: int) -> list[Proposal]:
        """Return those of somebody, or that they decided about, that wait no longer, the newest first."""
        return self._many(
            "(user_id = ? OR decided_by = ?) AND (state <> 'open' OR expires_at <= ?)"
            " ORDER BY created_at DESC, id DESC LIMIT ?",
            user_id, user_id, clock.now(), limit,
        )  # fmt: skip

    def number_open(self, user_id: str) -> int:
        """Return how many of a person's wait for them."""
        text = "SELECT count(*) FROM proposal WHERE state = 'open' AND user_id = ? AND expires_at > ?"
        return int(self._run(text, user_id, clock.now()).fetchone()[0])

    def keep_set(self, change_set: str) -> bool:
        """Say whether anything was written under a change set; the row of one without is taken back."""
        gone = self._run(
            "DELETE FROM change_set WHERE id = ? AND NOT EXISTS"
            " (SELECT 1 FROM record_change WHERE change_set_id = change_set.id)",
            change_set,
        )
        return not gone.rowcount

    def forget(self, before: datetime) -> int:
        """Delete proposals made before a moment, and return how many."""
        return int(self._run("DELETE FROM proposal WHERE created_at < ?", before).rowcount)

    def _many(self, condition: str, *values: Any) -> list[Proposal]:
        rows = self._run(f"SELECT {_COLUMNS} FROM proposal WHERE {condition}", *values).fetchall()  # noqa: S608 - constants
        parts = self._parts([str(row[0]) for row in rows])
        at = self._store.read_moment
        return [
            Proposal(
                str(row[0]), str(row[1]), Author(row[2] and str(row[2]), row[3], row[4]), row[5], row[6],
                at(row[7]) or clock.now(), at(row[8]) or clock.now(), parts.get(str(row[0]), []), at(row[9]),
                row[10] and str(row[10]), row[11], row[12] and str(row[12]),
            )
            for row in rows
        ]  # fmt: skip

    def _parts(self, ids: Sequence[str]) -> dict[str, list[ProposalPart]]:
        if not ids:
            return {}
        marks = ", ".join("?" * len(ids))
        rows = self._run(
            "SELECT proposal_id, place, kind, entity, record_id, version, state, body FROM proposal_part"  # noqa: S608
            f" WHERE proposal_id IN ({marks}) ORDER BY proposal_id, place",
            *ids,
        ).fetchall()
        found: dict[str, list[ProposalPart]] = {}
        for id_, place, kind, entity, record_id, version, state, body in rows:
            record = record_id and str(record_id)
            found.setdefault(str(id_), []).append(_part(place, kind, entity, record, version, state, body))
        return found

    def _run(self, statement: str, *values: Any) -> Any:
        return self._store.run(self._connection, statement, *values)


def no_proposal() -> NotFound:
    """Return the error for a proposal that is not there, or not for whoever asks."""
    return NotFound(Message("There is no such proposal"))


def told(problems: Iterable[FieldProblem]) -> tuple[dict[str, Any], ...]:
    """Return problems as they are kept: their messages in every language."""
    return tuple(
        {"path": each.path, "code": each.code, "message": {name: each.message.in_(name) for name in LANGUAGES}}
        for each in problems
    )


def problems_of(error: GuanxiError) -> tuple[dict[str, Any], ...]:
    """Return what an error says, by path, as it is kept."""
    if isinstance(error, RecordInvalid):
        return told(error.problems)
    code = {"VersionConflict": "conflict", "NotFound": "not_found", "AccessDenied": "denied"}.get(type(error).__name__)
    paths: Iterable[str] = getattr(error, "fields", ()) or ("",)
    return told(FieldProblem(path, error.message, code or "refused") for path in paths)


def _body(part: ProposalPart) -> str:
    known = {
        **part.operation.to_json(),
        "title": part.title,
        "before": part.before,
        "after": part.after,
        "warnings": part.warnings,
        "problems": part.problems,
        "written_id": part.written_id,
    }
    return orjson.dumps(known, default=str).decode()


def _part(
    place: int, kind: Kind, entity: str, record_id: str | None, version: int | None, state: PartState, body: str
) -> ProposalPart:
    known = orjson.loads(body)
    operation = Operation(kind, entity, known["values"], record_id, version, known.get("name", ""))
    return ProposalPart(
        place, operation, state, known["title"], known["before"], known["after"], tuple(known["warnings"]),
        tuple(known["problems"]), known["written_id"],
    )  # fmt: skip
