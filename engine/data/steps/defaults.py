"""Step 5, second half: what nobody gave. Literals, expressions in order of dependency, the owner, the next number."""

from __future__ import annotations

from engine.data.batch import Batch
from engine.data.shape import Condition, Shape, settle
from engine.data.steps.evaluate import Evaluation
from engine.data.unit import Unit
from engine.errors import BadValue
from engine.metadata.model import Field


def give_defaults(unit: Unit, shape: Shape, batch: Batch, evaluation: Evaluation) -> None:
    """Fill the fields that the caller left out, on create only; a field that was given as nothing stays nothing."""
    entity = batch.kind
    for key, value in shape.defaults:
        if key in shape.blank:
            for draft in batch.drafts:
                if key not in draft.given:
                    draft.new[key] = value
        elif entity.fields[key].type.links == "many":
            for draft in batch.drafts:
                draft.links.setdefault(key, tuple(value))
    if entity.owned and unit.principal.id is not None:
        for draft in batch.drafts:
            if "owner" not in draft.given:
                draft.new["owner"] = unit.principal.id
    for field, condition in shape.default_exprs:
        _work_out(shape, batch, field, condition, evaluation)


def _work_out(shape: Shape, batch: Batch, field: Field, condition: Condition, evaluation: Evaluation) -> None:
    due = [draft for draft in batch.drafts if field.key not in draft.given and field.key in draft.new]
    parse = shape.fields[field.key].parse
    for draft, value in evaluation.values(condition, due):
        try:
            draft.new[field.key] = settle(field, parse(value) if value is not None else None)
        except BadValue as error:
            batch.refuse(draft, field.key, error.message)


def stamp(unit: Unit, batch: Batch) -> None:
    """Say of new records when and by whom they were made; the product itself may have said it already."""
    now, actor = unit.now, unit.principal.id
    for draft in batch.drafts:
        new = draft.new
        new["version"] = 1
        if new["created_at"] is None:
            new["created_at"] = now
        if new["updated_at"] is None:
            new["updated_at"] = new["created_at"]
        if new["created_by"] is None:
            new["created_by"] = actor
        if new["updated_by"] is None:
            new["updated_by"] = actor


def give_numbers(unit: Unit, shape: Shape, batch: Batch) -> None:
    """Give every new record its next numbers."""
    for field in shape.numbers:
        drafts = [draft for draft in batch.drafts if not draft.failed and draft.new.get(field.key) is None]
        if drafts:
            for draft, number in zip(drafts, unit.numbers.take(unit, field, len(drafts)), strict=True):
                draft.new[field.key] = number
