"""A card goes to another column: by a transition where the columns are states, else by a change of the field.

What refuses it says why in words; what only lacks a value leads to the form that asks for it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from engine import (
    AccessDenied,
    Change,
    Entity,
    GuanxiError,
    Message,
    NotFound,
    Reader,
    RecordInvalid,
    Transition,
    VersionConflict,
    Written,
)
from ui.asking import principal, reading, site
from ui.frame import notice, said
from ui.pages.boards.columns import Board, Column

_REFUSED, _STALE, _DENIED, _GONE = 422, 409, 422, 422


@dataclass(frozen=True, slots=True)
class Move:
    """What is asked for."""

    entity: Entity
    id: str
    board: Board
    value: Any
    version: int | None
    back: str
    column: Column | None


@dataclass(slots=True)
class Moved:
    """The card went where it was to go."""

    message: Message
    undo: str = ""
    warnings: list[Message] = field(default_factory=list)
    status: int = 200

    def tell(self) -> None:
        """Say it on the next page or fragment, with the way back."""
        notice(self.message, undo=self.undo)
        for each in self.warnings:
            notice(each, "warning")


@dataclass(slots=True)
class Refused:
    """The card stays where it is."""

    messages: list[Message]
    status: int = _REFUSED
    form: str = ""
    """Address of the form that asks for what is missing."""

    def tell(self) -> None:
        """Say why."""
        for each in self.messages:
            notice(each, "danger")


def steps_to(reader: Reader, entity: Entity, now: Any, to: Any) -> list[Transition]:
    """Return the transitions that lead from one state to another, those first that who reads may make."""
    if entity.states is None:
        return []
    found = [
        each
        for each in entity.states.transitions.values()
        if each.to == to and now != to and (not each.sources or now in each.sources)
    ]
    return sorted((each for each in found if reader.access.may_make(each)), key=lambda each: len(each.requires))


def move(wish: Move) -> Moved | Refused:
    """Do what is asked for."""
    full = wish.column is not None and wish.column.full
    if full and wish.board.strict and wish.column is not None:
        return Refused([Message("“{column}” is full: it takes {limit} at most", **_about(wish.column))])
    try:
        done = _by_state(wish) if _is_state(wish) else _by_change(wish)
    except VersionConflict:
        return Refused([Message("Somebody else changed it meanwhile; this is how it is now")], _STALE)
    except NotFound:
        return Refused([Message("It is no longer there")], _GONE)
    except (AccessDenied, GuanxiError) as error:
        return Refused([error.message], _DENIED)
    if isinstance(done, Moved) and full and wish.column is not None:
        done.warnings.append(Message("“{column}” has more than the {limit} it should have", **_about(wish.column)))
    return done


def _about(column: Column) -> dict[str, Any]:
    return {"column": column.label.striptags(), "limit": column.limit}


def _is_state(wish: Move) -> bool:
    return wish.entity.states is not None and wish.entity.states.field == wish.board.by


def _by_state(wish: Move) -> Moved | Refused:
    entity, key = wish.entity, wish.board.by
    with reading() as reader:
        row = reader.record(entity.key, wish.id, (key, entity.title))
        now = row.values()[key]
        steps = steps_to(reader, entity, now, wish.value)
    if now == wish.value:
        return Moved(Message("It is there already"))
    if not steps:
        return Refused([_no_step(entity, now, wish.value)])
    step = steps[0]
    change_set = site().records.begin_set(principal(), "transition", entity=entity.key)
    try:
        [written] = site().records.transition(
            principal(), entity.key, [wish.id], step.key, {}, version=wish.version, via="web", change_set=change_set
        )
    except RecordInvalid as error:
        fields = [each for each in error.problems if each.path.partition("/")[0] in entity.fields and each.path != key]
        if fields:
            form = f"/{entity.key}/{wish.id}/transition/{step.key}?back={quote(wish.back)}"
            return Refused([each.message for each in fields], form=form)
        return Refused([each.message for each in error.problems])
    return _done(wish, written, change_set)


def _by_change(wish: Move) -> Moved | Refused:
    entity, key = wish.entity, wish.board.by
    change_set = site().records.begin_set(principal(), "update", entity=entity.key)
    try:
        [written] = site().records.update(
            principal(),
            entity.key,
            [Change(wish.id, {key: wish.value}, wish.version)],
            via="web",
            change_set=change_set,
        )
    except RecordInvalid as error:
        return Refused([_at_field(entity, each.path, each.message) for each in error.problems])
    return _done(wish, written, change_set)


def _at_field(entity: Entity, path: str, message: Message) -> Message:
    known = entity.fields.get(path.partition("/")[0])
    return Message("{field}: {message}", field=known.label, message=message) if known is not None else message


def _done(wish: Move, written: Written, change_set: str) -> Moved:
    warnings = [each.message for each in written.warnings]
    if written.action == "unchanged":
        return Moved(Message("It is there already"))
    name = wish.column.label.striptags() if wish.column is not None else said(wish.board.field.label)
    return Moved(Message("Moved to “{column}”", column=name), f"/{wish.entity.key}/undo/{change_set}", warnings)


def _no_step(entity: Entity, now: Any, to: Any) -> Message:
    assert entity.states is not None  # noqa: S101 - asked of states only
    choices = entity.fields[entity.states.field].choices
    names = [choices[each].label if each in choices else Message("Empty") for each in (now, to)]
    return Message("No step leads from “{now}” to “{to}” that you may make", now=names[0], to=names[1])
