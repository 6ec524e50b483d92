"""Gives records away: in two statements where nothing has to look at the rows, else through the steps of a write."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.data import pipeline
from engine.data.answers import answers
from engine.data.batch import Change
from engine.data.mass import Wish, update_where
from engine.data.probes import reaches_all
from engine.data.shape import Shape
from engine.data.steps.load import load_links
from engine.data.unit import CHUNK, Unit
from engine.errors import AccessDenied, GuanxiError, RecordInvalid
from engine.handover.belongings import Belonging
from engine.i18n import Message


@dataclass(slots=True)
class Given:
    """What became of some records."""

    moved: int = 0
    left: list[tuple[str, Message]] = field(default_factory=list)
    """(id, why) of those that stayed."""


def give(unit: Unit, belonging: Belonging, ids: Sequence[str], person: str, to: str | None) -> Given:
    """Put `to` in the place of a person in some records; None takes the person out.

    Values that were good enough to be stored are not checked again: an old record that lacks what is required today
    does not stay behind for it.

    Raises:
        RecordInvalid: the successor cannot be chosen at all.
    """
    if not ids:
        return Given()
    shape = unit.shape(belonging.entity)
    field_ = shape.entity.fields[belonging.field]
    if belonging.hold != "list" and (to is not None or not field_.required):
        wish = Wish({belonging.field: to}, ids=tuple(ids))
        if _at_once(unit, belonging, wish, shape):
            return Given(update_where(unit, shape, wish).count)
    found = Given()
    for start in range(0, len(ids), CHUNK):
        changes = []
        for id_, value in _values(unit, belonging, ids[start : start + CHUNK], person, to):
            if value or not field_.required:
                changes.append(Change(id_, {belonging.field: value}))
            else:
                found.left.append((id_, Message("{label} is required: say who gets it", label=field_.label)))
        _through_steps(unit, shape, changes, found)
    return found


def _at_once(unit: Unit, belonging: Belonging, wish: Wish, shape: Shape) -> bool:
    """Say whether two statements do it: no rule of rows, no plugin and no formula looks at the records."""
    if not all(reaches_all(unit, belonging.entity, action) for action in ("read", "update", "transfer")):
        return False
    return update_where(unit, shape, wish, explain=True).path == "set"


def _values(unit: Unit, belonging: Belonging, ids: Sequence[str], person: str, to: str | None) -> list[tuple[str, Any]]:
    """Return by record what the field will hold."""
    if belonging.hold != "list":
        return [(id_, to) for id_ in ids]
    links = load_links(unit, unit.shape(belonging.entity).entity.fields[belonging.field], ids)
    found = []
    for id_ in ids:
        others = (to if each == person else each for each in links.get(id_, ()))
        found.append((id_, list(dict.fromkeys(each for each in others if each is not None))))
    return found


def _through_steps(unit: Unit, shape: Shape, changes: Sequence[Change], found: Given) -> None:
    if not changes:
        return
    try:
        with unit.savepoint():
            batch = pipeline.update(unit, shape, changes, 0, trusted=True)
    except (AccessDenied, RecordInvalid) as error:
        # A rule over all of them, or a plugin, refused the lot: the others need not stay for one.
        if len(changes) == 1:
            found.left.append((changes[0].id, _why(error)))
            return
        for change in changes:
            _through_steps(unit, shape, [change], found)
        return
    for row, each in answers(unit, shape, batch).items():
        if isinstance(each, GuanxiError):
            found.left.append((changes[row].id, _why(each)))
        else:
            found.moved += each.action == "updated"


def _why(error: GuanxiError) -> Message:
    return error.problems[0].message if isinstance(error, RecordInvalid) and error.problems else error.message
