"""Rollups: what records keep about related rows, worked out in one statement per relation.

A sum is taken over what is stored, after the rows that hold it are locked: two writers that add rows to one parent
wait for each other, and the second one sees what the first one added.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Select, case, func, select

from engine.data.dependencies import RollupGroup
from engine.data.place import Frame, Place
from engine.data.probes import IDS, prepared, rows
from engine.data.shape import Shape, rollup_blanks, settle
from engine.data.unit import Unit
from engine.expression import Type, compile_sql
from engine.fields import StorageType
from engine.metadata.model import Field, Order
from engine.storage.codec import decode_kind

_ORDERED = frozenset({"first", "last"})


def compute(unit: Unit, shape: Shape, group: RollupGroup, ids: Iterable[str]) -> Mapping[str, Mapping[str, Any]]:
    """Return by id the value of each rollup of a group, as the fields hold them."""
    wanted = list(ids)
    fields = [shape.entity.fields[key] for key in group.keys]
    blanks = rollup_blanks(shape.entity)
    found: dict[str, dict[str, Any]] = {id_: {field.key: blanks.get(field.key) for field in fields} for id_ in wanted}
    counted = [field for field in fields if field.rollup is not None and field.rollup.function not in _ORDERED]
    if counted:
        _aggregate(unit, shape, group, counted, found)
    for field in fields:
        if field.rollup is not None and field.rollup.function in _ORDERED:
            _pick(unit, shape, group, field, found)
    return found


def _aggregate(
    unit: Unit, shape: Shape, group: RollupGroup, fields: Sequence[Field], found: dict[str, dict[str, Any]]
) -> None:
    def build(frame: Frame, root: Place) -> Select[Any]:
        chosen, link, there = root.related(group.relation.key)
        columns: list[ColumnElement[Any]] = [link]
        for field in fields:
            columns += _columns(field, there)
        return (
            chosen.with_only_columns(*columns)
            .where(link.in_(frame.binds.listed(IDS)), there.alias.c.deleted_at.is_(None))
            .group_by(link)
        )

    statement = prepared(unit, shape.entity.key, ("rollup", group.relation.key, tuple(f.key for f in fields)), build)
    for row in rows(unit, statement, ids=list(found)):
        values = found.get(row[0])
        if values is None:
            continue
        at = 1
        for field in fields:
            values[field.key] = _value(unit, field, row[at], row[at + 1])
            at += 2


def _columns(field: Field, there: Place) -> list[ColumnElement[Any]]:
    """Return the two columns of a rollup: its number and how many rows stand behind it."""
    rollup = field.rollup
    assert rollup is not None  # noqa: S101 - only rollups come here
    condition = compile_sql(rollup.where, there.scope(asking=False)) if rollup.where is not None else None
    value: ColumnElement[Any] = there.value((rollup.field,), asking=False) if rollup.field else there.alias.c.id
    if condition is not None:
        value = case((condition, value))
    count = func.count(value)
    match rollup.function:
        case "sum" | "avg":
            return [func.sum(value), count]
        case "min":
            return [func.min(value), count]
        case "max":
            return [func.max(value), count]
        case _:
            return [count, count]


def _value(unit: Unit, field: Field, raw: Any, count: int) -> Any:
    rollup = field.rollup
    assert rollup is not None  # noqa: S101 - only rollups come here
    if rollup.function == "count":
        return settle(field, Decimal(count))
    if raw is None:
        return settle(field, Decimal(0)) if rollup.function == "sum" else None
    value = _decoded(unit, field, raw)
    if rollup.function == "avg":
        value = Decimal(value) / count
    return settle(field, value)


def _decoded(unit: Unit, field: Field, raw: Any) -> Any:
    """Return a value of the related rows' column as Python has it."""
    rollup = field.rollup
    assert rollup is not None  # noqa: S101 - only rollups come here
    source = unit.published.model.entity(rollup.entity).fields.get(rollup.field or "id")
    if source is None:
        return raw
    if source.storage is not None:
        storage = source.storage
    elif source.value_type is Type.NUMBER:
        storage = StorageType("decimal", source.scale or 0)
    else:
        return raw
    decode = decode_kind(storage, unit.phrases.kind)
    return raw if decode is None else decode(raw)


def _pick(unit: Unit, shape: Shape, group: RollupGroup, field: Field, found: dict[str, dict[str, Any]]) -> None:
    """Take the value of the first or last row, in the order of the related entity."""
    rollup = field.rollup
    assert rollup is not None  # noqa: S101 - only rollups come here
    backwards = rollup.function == "last"

    def build(frame: Frame, root: Place) -> Select[Any]:
        chosen, link, there = root.related(group.relation.key)
        value = there.value((rollup.field or "id",), asking=False)
        order = [
            _ordered(there.value(each.path, asking=False), descending=each.descending != backwards)
            for each in (*there.entity.order, Order(("created_at",)), Order(("id",)))
        ]
        number = func.row_number().over(partition_by=link, order_by=order).label("number")
        inner = chosen.with_only_columns(link.label("link"), value.label("value"), number).where(
            link.in_(frame.binds.listed(IDS)), there.alias.c.deleted_at.is_(None)
        )
        if rollup.where is not None:
            inner = inner.where(compile_sql(rollup.where, there.scope(asking=False)))
        ranked = inner.subquery()
        return select(ranked.c.link, ranked.c.value).where(ranked.c.number == 1)

    statement = prepared(unit, shape.entity.key, ("rollup", group.relation.key, field.key), build)
    for id_, raw in rows(unit, statement, ids=list(found)):
        if id_ in found:
            found[id_][field.key] = None if raw is None else settle(field, _decoded(unit, field, raw))


def _ordered(column: ColumnElement[Any], *, descending: bool) -> ColumnElement[Any]:
    return column.desc().nulls_last() if descending else column.asc().nulls_last()
