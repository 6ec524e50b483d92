"""Shares: single records given to a person, a team or a department, to read or to edit, for a while or for good.

A share is one row; the next statement of whoever it is with finds it, so nothing is worked out per person. Nobody
gives more than they have: whoever may change a record only because it was shared with them passes on no higher level,
no longer time, and nothing of what hangs on the record unless that was given to them too.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import Select, or_, select

from engine import clock
from engine.data.conditions import condition, granted
from engine.data.phrases import Phrases, phrases
from engine.data.place import Frame, Place
from engine.data.principal import Principal
from engine.data.probes import IDS, prepared, reached, reaches_all, rows
from engine.data.rules import Branch, apart_from_shares
from engine.data.shape import Shape
from engine.data.shared import followers
from engine.data.steps.authorise import denied, missing, out_of_reach
from engine.data.steps.load import load
from engine.data.transactions import Transactions
from engine.data.unit import Unit
from engine.errors import AccessDenied, FieldProblem, NotFound, RecordInvalid
from engine.fields import StorageType
from engine.i18n import Message
from engine.ids import is_id
from engine.storage.codec import decode_kind
from engine.storage.database import run

if TYPE_CHECKING:
    from engine.data.reader import Reader

Kind = Literal["user", "team", "department"]
Level = Literal["read", "edit"]

KINDS: tuple[Kind, ...] = ("user", "team", "department")
LEVELS: tuple[Level, ...] = ("read", "edit")
MANUAL = "manual"
"""Cause of a share that a person gave; a rule or a run takes back only its own."""

_COLUMNS = "entity, record_id, kind, principal_id, level, cause, until, cascades, made_by, made_at"


@dataclass(frozen=True, slots=True)
class Share:
    """One record, given to somebody."""

    entity: str
    record_id: str
    kind: Kind
    """What it is given to. A department stands for its people and those of every department below it."""
    principal_id: str
    """Id of the user, team or department."""
    level: Level
    cause: str
    """manual, rule:<name> or run:<id>."""
    until: datetime | None
    """When it ends, aware UTC; None = never."""
    cascade: bool
    """Whether what hangs on the record by lookups with `share:` goes along."""
    made_by: str | None
    """Id of who gave it; None for the system."""
    made_at: datetime | None


class Sharing(Transactions):
    """Gives records to people, and takes them back. `Records` has these methods."""

    def share(  # noqa: PLR0913 - everything that a share says
        self,
        principal: Principal,
        entity: str,
        record_id: str,
        kind: str,
        principal_id: str,
        level: str = "read",
        *,
        until: datetime | None = None,
        cascade: bool = True,
        cause: str = MANUAL,
        via: str = "api",
    ) -> Share:
        """Give a record to somebody, or change what was given to them for the same cause.

        It takes the right to change the record. `until` is aware.

        Raises:
            NotFound: there is no such entity, record or principal, or the caller may not know of it.
            AccessDenied: the caller may not change the record, or has less than they would give.
            RecordInvalid: the kind, the level or the time makes no sense.
        """

        def work(unit: Unit) -> Share:
            shape = unit.shape(entity)
            given = Share(
                entity, record_id, kind, principal_id, level, cause, until, cascade, principal.id, unit.now  # type: ignore[arg-type]
            )  # fmt: skip
            _check(unit, shape, given)
            _may_share(unit, shape, given)
            _known(unit, given)
            _write(unit, given)
            if unit.hooks.listens("shared"):
                with unit.at_work():
                    unit.hooks.call("shared", share=given, connection=unit.connection)
            unit.note("share", entity=entity, record_id=record_id, details=_details(given))
            return given

        return self.carry_out(principal, work, kind="share", entity=entity, via=via)

    def unshare(
        self,
        principal: Principal,
        entity: str,
        record_id: str,
        principal_id: str,
        *,
        cause: str = MANUAL,
        via: str = "api",
    ) -> None:
        """Take back what was given. Whoever it was given to, and whoever gave it, may always do that.

        Raises:
            NotFound: there is no such share or record, or the caller may not know of it.
            AccessDenied: the caller may not change the record, or may so only because it was shared with them.
        """

        def work(unit: Unit) -> None:
            shape = unit.shape(entity)
            found = load(unit, shape, [record_id], action="update", lock="link", trashed=None).get(record_id)
            if found is None or not (found.readable or found.reached):
                raise missing(shape.entity, record_id)
            known = [each for each in _shares(unit, entity, record_id) if each.principal_id == principal_id]
            mine = [each for each in known if each.cause == cause]
            if not mine:
                raise NotFound(Message("It is not shared with them"))
            [old] = mine
            own = principal.id is not None and principal.id in {old.made_by, old.principal_id}
            if not own and not (found.reached and _reaches_by_itself(unit, entity, record_id)):
                raise denied(shape.entity, "update")
            marks = unit.phrases.mark
            unit.run(
                f"DELETE FROM share WHERE entity = {marks} AND record_id = {marks} AND principal_id = {marks}"  # noqa: S608
                f" AND cause = {marks}",
                (entity, record_id, principal_id, cause),
            )
            unit.note("unshare", entity=entity, record_id=record_id, details=_details(old))

        self.carry_out(principal, work, kind="unshare", entity=entity, via=via)

    def forget_shares(self) -> int:
        """Delete shares that have ended, which count for nothing any more, and return how many there were."""
        spoken = phrases(self.database.dialect)
        with self.database.write() as connection:
            text = f"DELETE FROM share WHERE until <= {spoken.mark}"  # noqa: S608 - constants
            return int(run(connection, text, (spoken.moment(clock.now()),)).rowcount)


def shares_of(reader: Reader, entity: str, record_id: str, now: datetime) -> tuple[Share, ...]:
    """Return the shares of a record that hold at a moment, the oldest first; who may see the record is not asked."""
    spoken = phrases(reader.kind)
    text = _text(spoken, f"AND (until IS NULL OR until > {spoken.mark})")
    found = run(reader.connection, text, (entity, record_id, spoken.moment(now))).fetchall()
    return tuple(_read(found, spoken))


def forget_principals(unit: Unit, kind: str, ids: Sequence[str]) -> None:
    """Take back whatever was shared with users, teams or departments that are deleted for good."""
    if kind in KINDS:
        unit.run(f"DELETE FROM share WHERE {unit.phrases.is_in('principal_id')}", [unit.ids(ids)])  # noqa: S608


# --- may it be given ------------------------------------------------------------------------------------------------


def _check(unit: Unit, shape: Shape, given: Share) -> None:
    entity, problems = shape.entity, []
    if given.kind not in KINDS:
        known = ", ".join(KINDS)
        problems.append(FieldProblem("kind", Message("Choose one of {known}", known=known), "option", 0))
    if given.level not in LEVELS:
        known = ", ".join(LEVELS)
        problems.append(FieldProblem("level", Message("Choose one of {known}", known=known), "option", 0))
    if given.until is not None and given.until.tzinfo is None:
        raise ValueError("`until` needs a time zone")
    if given.until is not None and given.until <= unit.now:
        problems.append(FieldProblem("until", Message("This moment is over already"), "past", 0))
    if entity.parent is not None:
        above = unit.published.model.entity(entity.parent)
        message = Message("{plural} are shared with their {parent}", plural=entity.plural, parent=above.label)
        problems.append(FieldProblem("", message, "child", 0))
    if problems:
        raise RecordInvalid(problems)


def _may_share(unit: Unit, shape: Shape, given: Share) -> None:
    """Refuse what the caller has not got to give."""
    id_ = given.record_id
    found = load(unit, shape, [id_], action="update", lock="link").get(id_) if is_id(id_) else None
    error = out_of_reach(shape.entity, id_, found, "update")
    if error is not None:
        raise error
    by_itself = _reaches_by_itself(unit, given.entity, id_)
    if by_itself and not (given.cascade and _hangs_on(unit, given)):
        return
    enough = LEVELS if by_itself and given.level == "read" else ("edit",)
    mine = set(unit.principal.sharing_ids)
    for each in _shares(unit, given.entity, id_):
        if each.principal_id in mine and each.level in enough and _within(given, each, unit.now):
            return
    message = Message("This was shared with you; you cannot give more of it, or for longer, than you were given")
    if by_itself:
        message = Message(
            "What hangs on this {label} goes along only when its owner shares it", label=shape.entity.label
        )
    raise AccessDenied(message, entity=given.entity, action="update")


def _within(given: Share, has: Share, now: datetime) -> bool:
    """Say whether a share gives nothing that another one does not."""
    if has.until is not None and (has.until <= now or given.until is None or given.until > has.until):
        return False
    return has.cascade or not given.cascade


def _hangs_on(unit: Unit, given: Share) -> bool:
    """Say whether a share would open what hangs on the record beyond what the caller has of it.

    Owners have it, those above them and those who stand in for them; so have those to whom all of it is open anyway.
    """
    action = "read" if given.level == "read" else "update"
    closed = [
        each for each in followers(unit.published.model, given.entity, action) if not reaches_all(unit, each, action)
    ]
    if not closed:
        return False

    def build(frame: Frame, place: Place) -> Select[Any]:
        chosen = select(place.alias.c.id).select_from(place.source)
        line = or_(granted(Branch("", "own"), action, place.inline), granted(Branch("", "subordinates"), action, place))
        return chosen.where(place.alias.c.id.in_(frame.binds.listed(IDS)), line)

    return not rows(unit, prepared(unit, given.entity, ("in line",), build), ids=[given.record_id])


def _reaches_by_itself(unit: Unit, entity: str, id_: str) -> bool:
    """Say whether the caller may change a record also without what was shared with them."""
    rule = apart_from_shares(unit.access.rule(entity, "update"))
    if rule.everybody:
        return True
    if rule.nobody:
        return False

    def build(frame: Frame, place: Place) -> Select[Any]:
        chosen = select(place.alias.c.id).select_from(place.source)
        return chosen.where(place.alias.c.id.in_(frame.binds.listed(IDS)), condition(rule, place.inline))

    return bool(rows(unit, prepared(unit, entity, ("reached by itself",), build), ids=[id_]))


def _known(unit: Unit, given: Share) -> None:
    """Refuse a user, team or department that is not there, or that the caller may not know of."""
    entity = unit.published.model.entity(given.kind)
    id_ = given.principal_id
    there = bool(load(unit, unit.shape(given.kind), [id_], lock="link")) if is_id(id_) else False
    if not there or not reached(unit, given.kind, "read", [id_]):
        raise missing(entity, id_)


# --- rows -----------------------------------------------------------------------------------------------------------


def _text(spoken: Phrases, more: str = "") -> str:
    mark = spoken.mark
    return (
        f"SELECT {_COLUMNS} FROM share WHERE entity = {mark} AND record_id = {mark} {more}"  # noqa: S608 - constants
        " ORDER BY made_at, principal_id, cause"
    )


def _shares(unit: Unit, entity: str, record_id: str) -> list[Share]:
    """Return every share of a record, also those that have ended."""
    return list(_read(unit.run(_text(unit.phrases), (entity, record_id)).fetchall(), unit.phrases))


def _read(found: Iterable[Sequence[Any]], spoken: Phrases) -> Iterable[Share]:
    decode = decode_kind(StorageType("datetime"), spoken.kind) or (lambda value: value)
    for entity, record, kind, principal, level, cause, until, cascades, made_by, made_at in found:
        yield Share(
            entity=entity,
            record_id=str(record),
            kind=kind,
            principal_id=str(principal),
            level=level,
            cause=cause,
            until=decode(until),
            cascade=bool(cascades),
            made_by=None if made_by is None else str(made_by),
            made_at=decode(made_at),
        )


def _write(unit: Unit, given: Share) -> None:
    spoken = unit.phrases
    values = (
        given.entity,
        given.record_id,
        given.kind,
        given.principal_id,
        given.level,
        given.cause,
        None if given.until is None else spoken.moment(given.until.astimezone(UTC)),
        int(given.cascade),
        given.made_by,
        unit.at,
    )
    changed = ", ".join(f"{each} = excluded.{each}" for each in ("level", "until", "cascades", "made_by", "made_at"))
    unit.run(
        f"INSERT INTO share ({_COLUMNS}) VALUES ({', '.join([spoken.mark] * len(values))})"  # noqa: S608 - constants
        f" ON CONFLICT (entity, record_id, principal_id, cause) DO UPDATE SET {changed}",
        values,
    )


def _details(given: Share) -> dict[str, Any]:
    return {
        "kind": given.kind,
        "principal": given.principal_id,
        "level": given.level,
        "until": given.until.isoformat() if given.until is not None else None,
        "cascade": given.cascade,
        "cause": given.cause,
    }
