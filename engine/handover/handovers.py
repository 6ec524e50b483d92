"""`Handovers`: a person leaves, and what was theirs goes to others, in portions, in one change set, with one way back.

The account is closed first, so that nothing new comes from there. Then records go in portions, each a transaction of
its own that keeps how far it came: others can work beside it, and a process that dies leaves a hand-over that anybody
with the right carries on, or takes back. At the end it looks once more for what came in meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection

from engine.data.access import Access
from engine.data.principal import SYSTEM, Principal
from engine.data.records import Records
from engine.data.sets import write_set
from engine.data.undo import UndoReport
from engine.data.unit import Unit
from engine.errors import AccessDenied, FieldProblem, GuanxiError, NotFound, RecordInvalid
from engine.handover import closing, planning
from engine.handover.assignments import Assignment, Order, in_turn, order_from_json, orders
from engine.handover.belongings import USER, belongings
from engine.handover.finding import Finder
from engine.handover.giving import give
from engine.handover.planning import HandoverPlan, Preview, Remaining
from engine.handover.store import MOST_NAMED, Handover, Progress, Rows
from engine.i18n import Message
from engine.identity import Identity, Person
from engine.identity.people import People
from engine.identity.store import Store
from engine.publish import Published

KIND = "handover"
PORTION = 2_000
"""Records that one transaction gives away: a second or two of work."""
_PERMISSION, _EVERYTHING = "users", "admin"


class Handovers:
    """Hand-overs of one site. Safe to share between threads.

    All methods raise:

        NotFound: there is no such person or hand-over, or whoever asks may not know of it.
        AccessDenied: whoever asks neither looks after people nor is the person's superior.
    """

    def __init__(self, records: Records, identity: Identity) -> None:
        self._records, self._identity = records, identity
        self._database = records.database
        self._people = People(Store(records.database))

    # --- before -----------------------------------------------------------------------------------------------------

    def plan(self, principal: Principal, user_id: str) -> HandoverPlan:
        """Return what a person has, in numbers."""
        person = self._person(user_id)
        with self._database.read() as connection:
            access, elevated = self._access(connection, principal, person)
            return planning.plan(connection, access, self._eyes(connection, person), elevated=elevated)

    def preview(self, principal: Principal, user_id: str, assignments: Sequence[Assignment]) -> list[Preview]:
        """Return what assignments would do, in their order; nothing is written.

        Raises:
            RecordInvalid: an assignment cannot be carried out; the row of a problem is its place.
            ExpressionInvalid: a condition speaks of what there is not.
        """
        person = self._person(user_id)
        with self._database.read() as connection:
            access, elevated = self._access(connection, principal, person)
            self._require_successors(person, assignments)
            wanted = orders(access.model, assignments)
            if elevated:
                self._require_own_sight(connection, principal, wanted)
            finder = Finder(connection, access, self._eyes(connection, person))
            blind = self._blind(connection, access.published)
            return planning.preview(finder, access.model, assignments, wanted, blind)

    def of(self, principal: Principal, user_id: str) -> list[Handover]:
        """Return the hand-overs of a person, the newest first."""
        person = self._person(user_id)
        with self._database.read() as connection:
            self._access(connection, principal, person)
            return Rows(connection).of(person.id)

    def remaining(self, principal: Principal, user_id: str) -> list[Remaining]:
        """Return what is still a person's, and why."""
        person = self._person(user_id)
        with self._database.read() as connection:
            access, _ = self._access(connection, principal, person)
            everything = Access(access.published, SYSTEM)
            return planning.remaining(connection, access, everything, self._eyes(connection, person))

    def may(self, principal: Principal, user_id: str) -> bool:
        """Say whether somebody may hand over what is a person's."""
        try:
            with self._database.read() as connection:
                self._access(connection, principal, self._person(user_id))
        except (AccessDenied, NotFound):
            return False
        return True

    # --- at work ----------------------------------------------------------------------------------------------------

    def begin(
        self,
        principal: Principal,
        user_id: str,
        assignments: Sequence[Assignment],
        *,
        keep_enabled: bool = False,
        via: str = "web",
    ) -> Handover:
        """Close the account, unless `keep_enabled`, and note what is to be done; `carry_on` does it.

        Who is only the person's superior, and does not look after people, gives their records away and nothing else.

        Raises:
            RecordInvalid: as `preview`, or nobody would be left who may look after the site.
            ExpressionInvalid: as `preview`.
            GuanxiError: an earlier hand-over of the person is not finished.
        """
        person = self._person(user_id)
        if principal.id == person.id and not keep_enabled:
            raise GuanxiError(Message("Nobody closes their own account: let somebody else hand over what is yours"))
        self._require_successors(person, assignments)

        def work(unit: Unit) -> Handover:
            access, elevated = self._access(unit.connection, principal, person)
            asked = orders(access.model, assignments)
            if elevated:
                self._require_own_sight(unit.connection, principal, asked)
            wanted = in_turn(asked)
            finder = Finder(unit.connection, access, self._eyes(unit.connection, person))
            expected = sum(finder.count(each.belonging, each.condition) for each in wanted if not each.keep)
            rows = Rows(unit.connection)
            if any(each.state == "running" for each in rows.of(person.id)):
                raise GuanxiError(
                    Message("A hand-over of {name} was begun and is not finished: carry it on or take it back",
                            name=person.name)
                )  # fmt: skip
            unit.change_set.title = person.name
            write_set(
                unit.run, unit.phrases, unit.change_set,
                entity=None, actor=principal.id, via=via, at=unit.now,
            )  # fmt: skip
            close = elevated and not keep_enabled
            ended, shares = closing.close(unit, person) if close else ({}, [])
            made = Handover(
                unit.change_set.id, person.id, principal.id, "running", [each.to_json() for each in wanted],
                elevated, close, ended, shares, Progress(), unit.now, expected,
            )  # fmt: skip
            rows.add(made)
            told = {"orders": made.orders, "account_closed": close, **ended}
            unit.note(KIND, entity=USER, record_id=person.id, number=expected, details={"step": "begun", **told})
            return made

        return self._records.carry_out(_elevated(principal), work, kind=KIND, via=via, title=person.name)

    def carry_on(self, principal: Principal, handover_id: str, *, via: str = "web") -> Handover:
        """Give away the next portion and return how far it has come; nothing happens to one that is finished.

        Raises:
            GuanxiError: the one who asks may do less than the one who began it.
        """
        with self._database.read() as connection:
            known = Rows(connection).get(handover_id)
        person = self._person(known.user_id)

        def work(unit: Unit) -> Handover:
            rows = Rows(unit.connection)
            here = rows.get(handover_id, lock=True)
            if here.state != "running":
                return here
            access, elevated = self._access(unit.connection, principal, person)
            if here.elevated and not elevated:
                raise AccessDenied(Message("Only who looks after people can carry this on"))
            finder = Finder(unit.connection, access, self._eyes(unit.connection, person))
            if _portion(unit, finder, person, here):
                here.state = "done"
                unit.note(
                    KIND, entity=USER, record_id=person.id, number=here.moved,
                    details={"step": "done", "moved": here.progress.moved, "left": here.progress.left_count},
                )  # fmt: skip
            rows.keep(here)
            return here

        actor = _elevated(principal) if known.elevated else principal
        return self._records.carry_out(actor, work, kind=KIND, via=via, change_set=handover_id)

    def carry_out(
        self,
        principal: Principal,
        user_id: str,
        assignments: Sequence[Assignment],
        *,
        keep_enabled: bool = False,
        via: str = "web",
        progress: Callable[[Handover], None] = lambda _known: None,
    ) -> Handover:
        """Do a hand-over from the beginning to the end; `progress` is told after every portion.

        Raises:
            RecordInvalid, ExpressionInvalid, GuanxiError: as `begin`.
        """
        made = self.begin(principal, user_id, assignments, keep_enabled=keep_enabled, via=via)
        return self.finish(principal, made, via=via, progress=progress)

    def finish(
        self,
        principal: Principal,
        known: Handover,
        *,
        via: str = "web",
        progress: Callable[[Handover], None] = lambda _known: None,
    ) -> Handover:
        """Carry a hand-over on to its end."""
        while known.state == "running":
            known = self.carry_on(principal, known.id, via=via)
            progress(known)
        return known

    # --- and back ---------------------------------------------------------------------------------------------------

    def undo(self, principal: Principal, handover_id: str, *, via: str = "web") -> UndoReport:
        """Take a hand-over back, also one that is not finished: owners, teams, the account, what was shared.

        What somebody has given on since stays and is in the report. Sign-ins and tokens stay ended.

        Raises:
            GuanxiError: it was taken back before.
        """
        with self._database.read() as connection:
            known = Rows(connection).get(handover_id)
        person = self._person(known.user_id)

        def work(unit: Unit) -> UndoReport:
            rows = Rows(unit.connection)
            here = rows.get(handover_id, lock=True)
            _, elevated = self._access(unit.connection, principal, person)
            if here.elevated and not elevated:
                raise AccessDenied(Message("Only who looks after people can take this back"))
            report = closing.take_back(unit, here)
            here.state = "undone"
            rows.keep(here)
            unit.note(
                KIND, entity=USER, record_id=person.id, number=report.undone,
                details={"step": "undone", "kept": len(report.kept)},
            )  # fmt: skip
            return report

        return self._records.carry_out(_elevated(principal), work, kind="undo", via=via, undoes=handover_id)

    # --- who may ----------------------------------------------------------------------------------------------------

    def _person(self, user_id: str) -> Person:
        return self._identity.find(user_id)

    def _eyes(self, connection: Connection, person: Person) -> Principal:
        """Return a person as conditions know them, also one who can no longer sign in."""
        return self._people.principal(connection, self._published(connection), person)

    def _published(self, connection: Connection) -> Published:
        return self._records.models.get(self._database.probe(connection)[0])

    def _access(self, connection: Connection, principal: Principal, person: Person) -> tuple[Access, bool]:
        """Return what the asker may do with a person's records, and whether that is by looking after people."""
        published = self._published(connection)
        access = Access(published, principal)
        if access.has(_PERMISSION) or access.has(_EVERYTHING):
            theirs = Access(published, self._eyes(connection, person)).roles.permissions
            if not access.has(_EVERYTHING) and any(not access.has(each) for each in theirs):
                raise AccessDenied(Message("{name} may do more than you: ask an administrator", name=person.name))
            return Access(published, _elevated(principal)), True
        gives = any(
            each.hold == "owner" and not access.rule(each.entity, "transfer").nobody
            for each in belongings(access.model)
        )
        if gives and principal.id is not None and closing.is_above(connection, principal.id, person.id):
            return access, False
        raise AccessDenied(Message("Only who looks after people, or a superior, hands over what is somebody's"))

    def _require_successors(self, person: Person, assignments: Sequence[Assignment]) -> None:
        """Refuse successors who are not there, or cannot sign in."""
        problems = []
        for row, each in enumerate(assignments):
            for to in each.to:
                if to == person.id:
                    problems.append(
                        FieldProblem("to", Message("It is {name} who leaves", name=person.name), "self", row)
                    )
                    continue
                try:
                    successor = self._identity.find(to)
                except NotFound as error:
                    problems.append(FieldProblem("to", error.message, "link", row))
                    continue
                if not successor.active:
                    message = Message("{name} is no longer active", name=successor.name)
                    problems.append(FieldProblem("to", message, "inactive", row))
        if problems:
            raise RecordInvalid(problems)

    def _require_own_sight(self, connection: Connection, principal: Principal, wanted: Sequence[Order]) -> None:
        """Refuse people who look after people as successors of what their own roles do not let them see.

        Raises:
            RecordInvalid: so it is.
        """
        own = Access(self._published(connection), principal)
        problems = [
            FieldProblem("to", Message("Nobody gives themselves what they may not see"), "self", row)
            for row, each in enumerate(wanted)
            if principal.id in each.to
            and not own.has(_EVERYTHING)
            and not own.rule(each.belonging.entity, "read").everybody
        ]
        if problems:
            raise RecordInvalid(problems)

    def _blind(self, connection: Connection, published: Published) -> Callable[[Sequence[str], str], list[str]]:
        """Return a function that names those of some people who may see no record of an entity."""

        def blind(people: Sequence[str], entity: str) -> list[str]:
            found = []
            for each in people:
                known = self._identity.principal_within(connection, each)
                if Access(published, known).rule(entity, "read").nobody:
                    found.append(known.name)
            return found

        return blind


def _elevated(principal: Principal) -> Principal:
    """Return the same person with every row in reach, for those who look after people."""
    return replace(principal, system=True, scopes=None)


def _portion(unit: Unit, finder: Finder, person: Person, here: Handover) -> bool:
    """Give away the next records and say whether there are no more."""
    progress, room = here.progress, PORTION
    waited = unit.phrases.kind == "sqlite"
    while room > 0:
        if progress.at >= len(here.orders):
            if not progress.moved_in_pass:
                if waited:
                    return True
                # Who links something to the person just now holds their row; once they are done, we look again.
                closing.wait_for_others(unit, person)
                waited = True
            progress.at, progress.moved_in_pass, progress.left, progress.left_count = 0, 0, [], 0
        order = order_from_json(unit.published.model, here.orders[progress.at]) if here.orders else None
        ids: list[str] = []
        if order is not None and not order.keep:
            ids = finder.ids(order.belonging, order.condition, progress.after, room)
        if order is not None and ids:
            _give(unit, order, ids, person, progress)
            progress.after = ids[-1]
        if len(ids) < room:
            progress.at, progress.after, progress.turn = progress.at + 1, "", 0
        room -= len(ids)
    return False


def _give(unit: Unit, order: Order, ids: Sequence[str], person: Person, progress: Progress) -> None:
    takers: Sequence[Any] = order.to or (None,)
    for place, to in enumerate(takers):
        # Who comes first in this portion is whose turn it is.
        start = (place - progress.turn) % len(takers)
        given = give(unit, order.belonging, ids[start :: len(takers)], person.id, to)
        progress.moved_in_pass += given.moved
        key = order.belonging.key
        progress.moved[key] = progress.moved.get(key, 0) + given.moved
        progress.left_count += len(given.left)
        for id_, why in given.left[: max(0, MOST_NAMED - len(progress.left))]:
            progress.left.append((order.belonging.entity, id_, why))
    progress.turn = (progress.turn + len(ids)) % len(takers)
