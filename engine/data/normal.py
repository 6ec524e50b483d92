"""Conditions without their values, so that `amount > 1000` and `amount > 2000` are one statement.

A literal that is compared with a field becomes a parameter of the type and scale of that field, so the index of the
column still answers. Keys of options stay: there are few, and a wrong one has to be told. So does the part that
`contains` looks for, because the database searches for a known text much faster.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from engine.expression import MAX_STORED, Call, Expr, FieldInfo, Literal, Path, Type, Var
from engine.ids import is_id
from engine.metadata.model import Entity, Field, Model

_COMPARISONS = frozenset({"==", "!=", "<", "<=", ">", ">="})
_AGGREGATES = frozenset({"any", "all", "count", "sum_of"})
_CLASSES: Mapping[Type, type] = {Type.TEXT: str, Type.DATE: date, Type.DATETIME: datetime, Type.TIME: time}


@dataclass(frozen=True, slots=True)
class Normal:
    """A condition with its values beside it."""

    shape: Expr | None
    values: Mapping[str, Any]
    infos: Mapping[str, FieldInfo]


NOTHING = Normal(None, {}, {})


def normal(model: Model, entity: str, condition: Expr | None, prefix: str = "param") -> Normal:
    """Return a condition with parameters in place of the values that fields are compared with.

    Two conditions of one statement have parameters of different prefixes.
    """
    if condition is None:
        return NOTHING
    work = _Normalising(model, prefix)
    shape = work.node(condition, model.entity(entity))
    return Normal(shape, work.values, work.infos)


class _Normalising:
    def __init__(self, model: Model, prefix: str) -> None:
        self._model = model
        self._prefix = prefix
        self.values: dict[str, Any] = {}
        self.infos: dict[str, FieldInfo] = {}

    def node(self, expr: Expr, entity: Entity | None) -> Expr:
        if not isinstance(expr, Call) or entity is None:
            return expr
        if expr.name in _COMPARISONS and len(expr.args) == 2:  # noqa: PLR2004 - a comparison has two sides
            left, right = expr.args
            if isinstance(left, Path) and isinstance(right, Literal):
                return Call(expr.name, (left, self._value(left, right, entity)), expr.place)
            if isinstance(right, Path) and isinstance(left, Literal):
                return Call(expr.name, (self._value(right, left, entity), right), expr.place)
        if expr.name == "in" and isinstance(expr.args[0], Path) and isinstance(expr.args[1], Literal):
            return Call("in", (expr.args[0], self._list(expr.args[0], expr.args[1], entity)), expr.place)
        if expr.name in _AGGREGATES and expr.args and isinstance(expr.args[0], Path):
            inner = self._related(entity, expr.args[0].keys)
            return Call(expr.name, (expr.args[0], *(self.node(each, inner) for each in expr.args[1:])), expr.place)
        return Call(expr.name, tuple(self.node(each, entity) for each in expr.args), expr.place)

    def _value(self, path: Path, literal: Literal, entity: Entity) -> Expr:
        field = self._field(entity, path.keys)
        info = None if field is None else _info(field, literal.value)
        return literal if info is None else self._keep(literal.value, info)

    def _list(self, path: Path, literal: Literal, entity: Entity) -> Expr:
        field = self._field(entity, path.keys)
        items = literal.value
        if field is None or field.choices or not isinstance(items, tuple) or not items:
            return literal
        fits = is_id if field.value_type is Type.LINK else _is_text if field.value_type is Type.TEXT else _never
        return self._keep(items, FieldInfo(Type.LIST, nullable=False)) if all(map(fits, items)) else literal

    def _keep(self, value: Any, info: FieldInfo) -> Var:
        name = f"{self._prefix}.{len(self.values)}"
        self.values[name], self.infos[name] = value, info
        return Var(name)

    def _field(self, entity: Entity, keys: tuple[str, ...]) -> Field | None:
        here: Entity | None = entity
        for key in keys[:-1]:
            here = self._target(here, key)
        return None if here is None else here.fields.get(keys[-1])

    def _target(self, entity: Entity | None, key: str) -> Entity | None:
        field = None if entity is None else entity.fields.get(key)
        return None if field is None else self._model.entities.get(field.target or "")

    def _related(self, entity: Entity, keys: tuple[str, ...]) -> Entity | None:
        here: Entity | None = entity
        for key in keys:
            relation = None if here is None else here.relations.get(key)
            here = self._target(here, key) if relation is None else self._model.entities.get(relation.entity)
        return here


def _info(field: Field, value: Any) -> FieldInfo | None:
    """Return the type of the parameter for a value compared with a field; None when it must stay where it is."""
    kind = field.value_type
    if field.choices or isinstance(value, bool):
        return None
    if kind is Type.NUMBER:
        scale = field.scale
        if scale is None or not isinstance(value, Decimal):
            return None
        units = value.scaleb(scale)
        return (
            FieldInfo(kind, scale, nullable=False)
            if units == units.to_integral_value() and abs(units) <= MAX_STORED
            else None
        )
    if kind is Type.LINK:
        return FieldInfo(kind, nullable=False) if is_id(value) else None
    expected = _CLASSES.get(kind)
    if expected is None or not isinstance(value, expected) or (kind is Type.DATE and isinstance(value, datetime)):
        return None
    return FieldInfo(kind, nullable=False)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _never(value: Any) -> bool:
    return False
