"""Step 7: stored formulas, in order of dependency."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from engine.data.batch import Draft
from engine.data.shape import Shape, settle
from engine.data.steps.evaluate import Evaluation


def work_out(shape: Shape, drafts: Sequence[Draft], evaluation: Evaluation, *, late: bool = False) -> None:
    """Put the value of each stored formula into the drafts for which what it reads has changed.

    `late` are those over related rows, asked once child rows are written, and what follows from them.
    """
    for field, condition in shape.formulas:
        key = field.key
        if late != (key in shape.settled_late):
            continue
        if late and condition.evaluate is None:
            due = list(drafts)
        else:
            due = [draft for draft in drafts if draft.old is None or condition.listens(draft.changed)]
        for draft, value in evaluation.values(condition, due, field):
            _put(draft, key, settle(field, value))


def work_out_named(
    shape: Shape, drafts: Sequence[Draft], evaluation: Evaluation, named: Mapping[str, Collection[str]]
) -> None:
    """Put the value of some formulas, by record, and of what follows from them and from what changed, into drafts."""
    for field, condition in shape.formulas:
        due = [draft for draft in drafts if field.key in named.get(draft.id, ()) or condition.listens(draft.changed)]
        for draft, value in evaluation.values(condition, due, field):
            _put(draft, field.key, settle(field, value))


def _put(draft: Draft, key: str, value: Any) -> None:
    if draft.new[key] != value:
        draft.unsaved.add(key)
    draft.new[key] = value
    if value != (draft.old[key] if draft.old is not None else None):
        draft.changed.add(key)
    else:
        draft.changed.discard(key)
