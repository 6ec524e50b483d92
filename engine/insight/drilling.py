"""The way from a number to its records: the condition that keeps exactly those that were counted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine.data.query import Bucket
from engine.expression import NULL, Call, Expr, Literal, Path, Type, conjunction
from engine.insight.periods import period_of_label, within_period
from engine.insight.question import RATIO, Question
from engine.metadata.model import Entity, Field, Model


def records_of(
    model: Model, question: Question, row: Sequence[Any], column: Sequence[Any], measure: str, timezone: str
) -> Expr | None:
    """Return the condition of the records behind one number; None for those behind all.

    `row` and `column` may be shorter than the groups and the pivot: then it is that of a subtotal.
    """
    entity = model.entity(question.entity)
    parts: list[Expr] = [question.where] if question.where is not None else []
    for bucket, value in (
        *zip(question.groups, row, strict=False),
        *zip(question.pivot, column, strict=False),
    ):
        parts.append(_same(model, entity, bucket, value, timezone))
    found = question.measure(measure)
    if found is not None and found.function == RATIO:
        found = question.measure(found.of)
    if found is not None:
        if found.where is not None:
            parts.append(found.where)
        if found.path is not None and found.function in {"count", "count_distinct"}:
            parts.append(Call("!=", (_path(found.path), NULL)))
    return conjunction(*parts) if parts else None


def _same(model: Model, entity: Entity, bucket: Bucket, value: Any, timezone: str) -> Expr:
    path = _path(bucket.path)
    if value is None:
        return Call("==", (path, NULL))
    if not bucket.unit:
        return Call("==", (path, Literal(value)))
    if bucket.unit == "weekday":
        return Call("==", (Call("weekday", (path,)), Literal(int(value))))
    field = field_along(model, entity, bucket.path)
    kind = Type.DATE if field is None else field.value_type
    found = within_period(bucket.path, kind, period_of_label(str(value), bucket.unit), timezone)
    assert found is not None  # noqa: S101 - a part of time has two ends
    return found


def field_along(model: Model, entity: Entity, dotted: str) -> Field | None:
    """Return the field at the end of a path, whoever asks; None when it leads nowhere."""
    here: Entity | None = entity
    field: Field | None = None
    for key in dotted.split("."):
        field = None if here is None else here.fields.get(key)
        here = None if field is None or not field.target else model.entities.get(field.target)
    return field


def _path(dotted: str) -> Path:
    return Path(tuple(dotted.split(".")))
