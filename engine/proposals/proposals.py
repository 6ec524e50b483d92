"""`Proposals`: an agent asks for changes, a person decides, and what they approve is written as theirs.

Asking tries everything out, so that what cannot be written is refused at once, with every problem. Deciding happens in
one transaction: what was written and what the proposal says of it commit together, and a process that dies in between
leaves a proposal that still waits. Whatever is written belongs to one change set, which can be taken back as a whole.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from engine import clock
from engine.audit import Event
from engine.data.access import Access
from engine.data.phrases import phrases
from engine.data.principal import Principal
from engine.data.query import Query
from engine.data.reader import Reader
from engine.data.records import Records
from engine.data.scopes import is_agent
from engine.data.sets import new_set, write_set
from engine.errors import AccessDenied, GuanxiError, IdempotencyMismatch
from engine.i18n import Message
from engine.ids import new_id
from engine.proposals.operations import Operation, OperationsRefused, Preview, carry_out, carry_out_one, try_out
from engine.proposals.store import MOST_OPEN, Author, Proposal, ProposalPart, Rows, no_proposal, problems_of, told
from engine.storage.database import run

KIND = "proposal"
MOST_OPERATIONS = 50
"""Operations of one proposal: more than that nobody looks through."""
LASTS = timedelta(days=7)
KEPT = timedelta(days=90)
"""How long a proposal is kept after it was made, whatever became of it."""
_LONGEST_REASON = 2_000

Readers = Callable[[Connection, Principal], Reader]


@dataclass(frozen=True, slots=True)
class Decision:
    """What came of deciding about a proposal."""

    proposal: Proposal
    written: tuple[Preview, ...]
    failed: tuple[ProposalPart, ...]
    """Parts that could not be written, with their problems; they wait on."""


class Proposals:
    """Proposals of one site. Safe to share between threads.

    Args:
        records: writes them.
        readers: returns what reads in a transaction as somebody.
    """

    def __init__(self, records: Records, readers: Readers) -> None:
        self._records, self._readers = records, readers
        self._database, self._trail = records.database, records.trail

    # --- an agent asks ----------------------------------------------------------------------------------------------

    def propose(
        self,
        principal: Principal,
        operations: Sequence[Operation],
        *,
        reason: str = "",
        author: Author | None = None,
        request: str | None = None,
    ) -> Proposal:
        """Try operations out, keep them for a person to decide on, and return the proposal; nothing is written.

        A call with the same `request` makes no second one.

        Raises:
            OperationsRefused: some could not be carried out; nothing is kept.
            IdempotencyMismatch: another call had that `request` before.
            AccessDenied: the principal stands for nobody, or only looks as somebody.
        """
        self._require(principal, operations)
        user_id = principal.id or ""
        with self._database.read() as connection:
            rows = Rows(self._database, connection)
            known = rows.by_request(user_id, request) if request is not None else None
            waiting = rows.number_open(user_id)
        if known is not None:
            return _again(known, operations)
        if waiting >= MOST_OPEN:
            raise GuanxiError(
                Message("{count} proposals wait already: somebody has to decide about them first", count=waiting)
            )
        previews = try_out(self._records, self._readers, principal, operations)
        now = clock.now()
        parts = [
            ProposalPart(place, replace(operation, version=each.version if operation.id else None), "open", each.title,
                 each.before, each.after, told(each.warnings))
            for place, (operation, each) in enumerate(zip(operations, previews, strict=True))
        ]  # fmt: skip
        reason = " ".join(reason.split())[:_LONGEST_REASON]
        made = Proposal(new_id(), user_id, author or Author(), reason, "open", now, now + LASTS, parts)
        try:
            with self._database.write() as connection:
                Rows(self._database, connection).add(made, request)
                self._tell(connection, "made", principal.id, made, len(parts))
        except IntegrityError:
            # The same call came twice at once.
            with self._database.read() as connection:
                known = Rows(self._database, connection).by_request(user_id, request or "")
            if known is None:
                raise
            return _again(known, operations)
        return made

    def write(
        self,
        principal: Principal,
        operations: Sequence[Operation],
        *,
        reason: str = "",
        via: str = "mcp",
        request: str | None = None,
    ) -> tuple[list[Preview], str | None]:
        """Carry operations out at once, all of them or none; return what they did, and their change set.

        A call with the same `request` writes nothing a second time, and has no change set.

        Raises:
            OperationsRefused: some could not be carried out.
            AccessDenied: the principal only looks as somebody.
        """
        self._require(principal, operations)
        with self._records.begin() as connection:
            change_set = self._begin_set(connection, principal, " ".join(reason.split())[:200], via)
            done = carry_out(
                self._records, self._readers, principal, operations, connection, via=via, change_set=change_set,
                request=request,
            )  # fmt: skip
            kept = Rows(self._database, connection).keep_set(change_set)
        return done, change_set if kept else None

    def state_of(self, principal: Principal, id_: str) -> Proposal:
        """Return a proposal of one's own, or that one's agent has made.

        Raises:
            NotFound: there is none.
        """
        with self._database.read() as connection:
            found = Rows(self._database, connection).get(id_)
        if found.user_id != principal.id:
            raise no_proposal()
        return found

    # --- a person decides -------------------------------------------------------------------------------------------

    def waiting(self, principal: Principal) -> list[Proposal]:
        """Return what somebody may decide about, the newest first: their own, and what is about records of theirs."""
        with self._database.read() as connection:
            found = Rows(self._database, connection).open(principal.id)
            reader = self._readers(connection, principal)
            reach = _reach(reader, [each for each in found if each.user_id != principal.id])
            return [each for each in found if _may_decide(reader.access, each, reach)]

    def number_waiting(self, principal: Principal, connection: Connection) -> int:
        """Return how many proposals of their own agents wait for somebody."""
        return 0 if principal.id is None else Rows(self._database, connection).number_open(principal.id)

    def decided(self, principal: Principal, limit: int = 50) -> list[Proposal]:
        """Return what was decided about one's own, or by oneself, or is over, the newest first."""
        if principal.id is None:
            return []
        with self._database.read() as connection:
            return Rows(self._database, connection).decided(principal.id, limit)

    def get(self, principal: Principal, id_: str) -> Proposal:
        """Return one that somebody may decide about, or could have.

        Raises:
            NotFound: there is none, or it is nothing of theirs.
        """
        with self._database.read() as connection:
            found = Rows(self._database, connection).get(id_)
            self._require_reach(self._readers(connection, principal), found)
        return found

    def approve(self, principal: Principal, id_: str, chosen: Mapping[int, int | None], *, via: str = "") -> Decision:
        """Write some parts of a proposal as the person who approves, and return what became of them.

        `chosen` has the place of each part, and the version of its record that the person has looked at; None is the
        version that the agent had seen. What somebody else has changed since in the same fields is not written over.

        Raises:
            NotFound: there is no such proposal.
            GuanxiError: it waits no longer, or has no such part.
        """
        self._require_person(principal)
        with self._records.begin() as connection:
            rows = Rows(self._database, connection)
            known = self._due(connection, principal, rows, id_)
            parts = [part for part in known.parts if part.place in chosen]
            if len(parts) != len(chosen) or not all(part.due for part in parts):
                raise GuanxiError(Message("Something of this was decided meanwhile: look at it again"))
            via = via or f"{KIND}:{known.id}"
            change_set = known.change_set or self._begin_set(connection, principal, known.reason[:200], via)
            written = [
                each
                for part in parts
                if (each := self._write(connection, principal, part, chosen[part.place], via, change_set)) is not None
            ]
            if written:
                known.change_set = change_set
                known.decided_at, known.decided_by = clock.now(), principal.id
            elif known.change_set is None:
                rows.keep_set(change_set)
            if not any(part.due for part in known.parts):
                known.state = "done"
            rows.keep(known, parts)
            self._tell(connection, "approved", principal.id, known, len(written), change_set=known.change_set)
        return Decision(known, tuple(written), tuple(part for part in parts if part.due))

    def reject(self, principal: Principal, id_: str, note: str = "") -> Proposal:
        """Turn down what of a proposal still waits, and return it.

        Raises:
            NotFound: there is no such proposal.
            GuanxiError: it waits no longer.
        """
        self._require_person(principal)
        with self._database.write() as connection:
            rows = Rows(self._database, connection)
            known = self._due(connection, principal, rows, id_)
            parts = [part for part in known.parts if part.due]
            for part in parts:
                part.state = "rejected"
            written = any(part.state == "written" for part in known.parts)
            known.state = "done" if written else "rejected"
            known.note = note.strip()[:_LONGEST_REASON]
            known.decided_at, known.decided_by = clock.now(), principal.id
            rows.keep(known, parts)
            self._tell(connection, "rejected", principal.id, known, len(parts))
        return known

    def forget(self, now: datetime | None = None) -> int:
        """Delete proposals that were made long ago, and return how many."""
        with self._database.write() as connection:
            return Rows(self._database, connection).forget((now or clock.now()) - KEPT)

    # --- inside -----------------------------------------------------------------------------------------------------

    def _write(
        self,
        connection: Connection,
        principal: Principal,
        part: ProposalPart,
        seen: int | None,
        via: str,
        change_set: str,
    ) -> Preview | None:
        """Carry out one part and note in it what became of it; None when it could not be."""
        operation = replace(part.operation, version=seen or part.operation.version)
        try:
            done = carry_out_one(self._records, self._readers, principal, operation, connection, via, change_set)
        except GuanxiError as error:
            part.state, part.problems = "failed", problems_of(error)
            return None
        part.state, part.problems, part.written_id = "written", (), done.id
        return done

    def _due(self, connection: Connection, principal: Principal, rows: Rows, id_: str) -> Proposal:
        found = rows.get(id_, lock=True)
        self._require_reach(self._readers(connection, principal), found)
        if not found.due:
            raise GuanxiError(Message("This proposal waits no longer: somebody decided about it, or its time is over"))
        return found

    def _require_reach(self, reader: Reader, found: Proposal) -> None:
        own = found.user_id == reader.principal.id
        if not _may_decide(reader.access, found, _reach(reader, [] if own else [found])):
            raise no_proposal()

    def _begin_set(self, connection: Connection, principal: Principal, title: str, via: str) -> str:
        made = new_set(KIND, title)
        write_set(
            lambda text, values: run(connection, text, values),
            phrases(self._database.dialect),
            made,
            entity=None,
            actor=principal.id,
            via=via,
            at=clock.now(),
        )
        return made.id

    @staticmethod
    def _require(principal: Principal, operations: Sequence[Operation]) -> None:
        principal.require_own_hands()
        if principal.id is None:
            raise AccessDenied(Message("An agent works in the name of a person"))
        if not 1 <= len(operations) <= MOST_OPERATIONS:
            raise GuanxiError(Message("One call changes from 1 to {most} records", most=MOST_OPERATIONS))

    @staticmethod
    def _require_person(principal: Principal) -> None:
        principal.require_own_hands()
        if is_agent(principal.scopes):
            raise AccessDenied(Message("A person decides about what an agent proposes"))

    def _tell(
        self, connection: Connection, step: str, actor: str | None, known: Proposal, number: int, **more: Any
    ) -> None:
        details = {
            "step": step, "proposal": known.id, "client": known.author.client, "called": known.author.token_name, **more
        }  # fmt: skip
        self._trail.note(connection, Event(KIND, actor, "user", known.user_id, number, details))


def _again(known: Proposal, operations: Sequence[Operation]) -> Proposal:
    """Return the proposal of a call that came before.

    Raises:
        IdempotencyMismatch: the call asks for something else this time.
    """

    def plain(each: Operation) -> tuple[Any, ...]:
        return each.kind, each.entity, each.id, each.to_json()

    if [plain(part.operation) for part in known.parts] != [plain(each) for each in operations]:
        raise IdempotencyMismatch(Message("This name was given to another call before"))
    return known


_Reach = Mapping[tuple[str, str], bool]


def _reach(reader: Reader, proposals: Sequence[Proposal]) -> _Reach:
    """Return which records of some proposals the reader's principal may change: one statement for each entity."""
    ids: dict[str, dict[str, None]] = {}
    for proposal in proposals:
        for part in proposal.parts:
            if part.operation.id is not None and part.operation.entity in reader.model.entities:
                ids.setdefault(part.operation.entity, {})[part.operation.id] = None
    found: dict[tuple[str, str], bool] = {}
    for entity, wanted in ids.items():
        if reader.access.may(entity, "read") and reader.access.may(entity, "update"):
            query = Query(entity, select=("id",), ids=tuple(wanted), limit=len(wanted))
            rows = reader.query(query, abilities=("update",))
            found.update({(entity, id_): may for id_, may in zip(rows.ids, rows.abilities("update"), strict=True)})
    return found


def _may_decide(access: Access, proposal: Proposal, reach: _Reach) -> bool:
    """Say whether somebody may decide: it is theirs, or they may change every record that it is about."""
    if is_agent(access.principal.scopes):
        return False
    if proposal.user_id == access.principal.id:
        return True
    return bool(proposal.parts) and all(
        reach.get((each.operation.entity, each.operation.id), False)
        if each.operation.id is not None
        else each.operation.entity in access.model.entities and access.may(each.operation.entity, "create")
        for each in proposal.parts
    )


__all__ = ["Decision", "Operation", "OperationsRefused", "Proposals"]
