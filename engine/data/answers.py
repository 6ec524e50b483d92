"""What callers get back: records as they stand, without what the caller may not see."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.data.batch import Batch, Draft, Outcome, Written, by_row
from engine.data.marks import MARK
from engine.data.shape import Shape
from engine.data.unit import Unit
from engine.errors import FieldProblem, GuanxiError, RecordInvalid

_OUTCOMES: Mapping[str, Outcome] = {
    "create": "created",
    "update": "updated",
    "delete": "deleted",
    "restore": "restored",
    "purge": "purged",
}


def answers(unit: Unit, shape: Shape, batch: Batch) -> dict[int, Written | GuanxiError]:
    """Return by place in the caller's list what became of it: a record or the error that kept it out."""
    problems = by_row(batch.problems)
    warnings = by_row(batch.warnings)
    hidden = frozenset(key for key, mask in unit.access.mask(shape.entity.key).items() if mask in {"hidden", "masked"})
    found: dict[int, Written | GuanxiError] = dict(batch.errors)
    for draft in batch.drafts:
        if not draft.failed:
            found[draft.row] = _written(unit, shape, batch, draft, hidden, warnings.get(draft.row, ()))
    for row, each in problems.items():
        found[row] = RecordInvalid(each)
    return found


def _written(
    unit: Unit, shape: Shape, batch: Batch, draft: Draft, hidden: frozenset[str], warnings: tuple[FieldProblem, ...]
) -> Written:
    values: dict[str, Any] = {**draft.new, **draft.links}
    mask = unit.access.mask(shape.entity.key) if hidden else {}
    for key in hidden:
        if mask[key] == "masked" and values.get(key) is not None:
            values[key] = MARK
        elif mask[key] == "hidden":
            values.pop(key, None)
    for key, children in draft.written_children.items():
        if key not in hidden:
            table = shape.entity.fields[key]
            values[key] = tuple(visible(unit, table.target or "", child) for child in children)
    outcome: Outcome = _OUTCOMES[batch.action] if draft.writes or batch.action != "update" else "unchanged"
    changed = frozenset(draft.changed - hidden)
    return Written(draft.id, draft.version, values, changed, outcome, warnings, settled=not unit.tail.joined)


def visible(unit: Unit, entity: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of a record without those that the principal may not see."""
    mask = unit.access.mask(entity)
    return {
        key: MARK if mask.get(key) == "masked" and value is not None else value
        for key, value in values.items()
        if mask.get(key) != "hidden"
    }
