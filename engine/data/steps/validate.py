"""Step 8: what a record must keep: required values, choices, checks. States and uniqueness stand beside it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine.data.batch import Batch, Draft
from engine.data.shape import CheckShape, Shape
from engine.data.steps.evaluate import Evaluation
from engine.i18n import Message, Text
from engine.metadata.model import Field


def check_required(shape: Shape, batch: Batch, evaluation: Evaluation) -> None:
    """Refuse rows without a value that is required: always on create, else where something about it changed."""
    for field in shape.required:
        for draft in batch.drafts:
            if (draft.old is None or field.key in draft.changed) and is_missing(shape, draft, field):
                batch.refuse(draft, field.key, required(field), "required")
    for each in shape.required_when:
        condition = each.required_when
        field = each.field
        assert condition is not None  # noqa: S101 - the shape lists no others
        due = [
            draft
            for draft in batch.drafts
            if (draft.old is None or field.key in draft.changed or condition.listens(draft.changed))
            and is_missing(shape, draft, field)
        ]
        for draft in evaluation.true(condition, due):
            batch.refuse(draft, field.key, required(field), "required")


def required(field: Field) -> Message:
    """Return the message for a value that is missing."""
    return Message("{label} is required", label=field.label)


def is_missing(shape: Shape, draft: Draft, field: Field) -> bool:
    """Say whether a draft has nothing in a field, wherever its values are kept; a wrong value is not nothing."""
    key = field.key
    if key in draft.bad:
        return False
    if key in draft.new:
        return draft.new[key] is None
    if field.type.links == "many":
        return not draft.links.get(key, draft.old_links.get(key, ()))
    if field.type.links == "children":
        given = draft.children.get(key)
        return not given if given is not None else draft.old is None
    return False


def check_read_only(shape: Shape, batch: Batch, evaluation: Evaluation) -> None:
    """Refuse changes of fields that are read-only as the record stood before the change."""
    for each in shape.read_only_when:
        condition, field = each.read_only_when, each.field
        assert condition is not None  # noqa: S101 - the shape lists no others
        due = [draft for draft in batch.drafts if draft.old is not None and field.key in draft.changed]
        for draft, value in evaluation.before(condition, due):
            if value:
                batch.refuse(draft, field.key, Message("{label} cannot be changed now", label=field.label), "read_only")


def check_options(shape: Shape, batch: Batch, evaluation: Evaluation) -> None:
    """Refuse options that may not be chosen as things stand; an option that was chosen before may stay."""
    for each in shape.fields.values():
        if not each.options_when:
            continue
        field = each.field
        for option, condition in each.options_when.items():
            due = [
                draft
                for draft in batch.drafts
                if option in _chosen(draft, field) and _looks_again(draft, field, condition)
            ]
            for draft, value in evaluation.values(condition, due):
                if not value:
                    label: Any = field.choices[option].label if option in field.choices else option
                    batch.refuse(
                        draft,
                        field.key,
                        Message("{label}: “{option}” cannot be chosen here", label=field.label, option=label),
                        "option",
                    )


def _looks_again(draft: Draft, field: Field, condition: Any) -> bool:
    return draft.old is None or field.key in draft.changed or condition.listens(draft.changed)


def _chosen(draft: Draft, field: Field) -> Sequence[str]:
    value = draft.new.get(field.key)
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else tuple(value)


def check_rules(shape: Shape, batch: Batch, evaluation: Evaluation, *, late: bool = False) -> None:
    """Refuse, or warn of, rows that break a check.

    A check is asked on create, and afterwards when something that it reads changes. `late` are those that read child
    rows, related rows or rollups; they are asked once these are written.
    """
    for each in shape.checks:
        if each.late == late:
            _check(batch, each, evaluation)


def _check(batch: Batch, each: CheckShape, evaluation: Evaluation) -> None:
    check, condition = each.check, each.condition
    due = [
        draft
        for draft in batch.drafts
        if not draft.failed and (draft.old is None or draft.touch or condition.listens(draft.changed))
    ]
    for draft in evaluation.true(condition, due):
        message = shown(check.message)
        if check.severity == "warning":
            batch.warn(draft, check.at or "", message, check.key)
        else:
            batch.refuse(draft, check.at or "", message, check.key)


def shown(message: Message | Text | str) -> Message:
    """Return words of a document as a message."""
    return message if isinstance(message, Message) else Message("{text}", text=message)
