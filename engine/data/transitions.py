"""Transitions by name: the state moves, what the transition needs is given along, and its rules are asked."""

from __future__ import annotations

from collections.abc import Sequence

from engine.data import pipeline
from engine.data.batch import Batch, Change
from engine.data.shape import Shape
from engine.data.unit import Unit
from engine.errors import NotFound
from engine.i18n import Message


def transition(
    unit: Unit, shape: Shape, changes: Sequence[Change], first_row: int, name: str, *, strict: bool = False
) -> Batch:
    """Make a transition of records; the values of each change are given along.

    `strict` refuses those that are no longer at the version that the change says was read.

    Raises:
        NotFound: the entity has no such transition.
    """
    states = shape.entity.states
    if states is None or name not in states.transitions:
        raise NotFound(Message("{plural} have no transition {name}", plural=shape.entity.plural, name=name))
    to = states.transitions[name].to
    moved = [Change(change.id, {**change.values, states.field: to}, change.version) for change in changes]
    return pipeline.update(unit, shape, moved, first_row, transition=name, strict=strict)
