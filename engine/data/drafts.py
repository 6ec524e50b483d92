"""Batches and drafts as the write path makes them."""

from __future__ import annotations

from engine.data.batch import Batch, Draft, Verb
from engine.data.shape import Shape
from engine.data.steps.load import Stored
from engine.data.unit import Unit


def new_batch(unit: Unit, shape: Shape, action: Verb, drafts: list[Draft]) -> Batch:
    """Return a batch of this unit."""
    return Batch(
        unit.published.model,
        shape.entity,
        action,
        unit.principal,
        drafts,
        via=unit.via,
        change_set=unit.change_set.id,
        depth=unit.depth,
    )


def stored_draft(found: Stored, row: int = 0) -> Draft:
    """Return a draft of a record that nobody has given anything yet."""
    values = found.values
    draft = Draft(values["id"], row, {}, dict(values), old=values, version=values["version"], sealed=dict(found.sealed))
    draft.old_version = draft.version
    return draft
