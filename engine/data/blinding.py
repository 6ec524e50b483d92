"""Conditions on secrets: equality with a given value is asked of the blind index, where the asker might reveal it.

Whoever may not reveal a secret may not look for its value either: a filter would tell it, one guess at a time.
Nothing but `==`, `!=` and `in` with written values is turned; everything else on a secret is refused as ever.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.data.rules import RoleRules
from engine.errors import BadValue
from engine.expression import Call, Expr, Literal, Path
from engine.metadata.model import Entity, Field, Model

_EQUAL = frozenset({"==", "!="})
_AGGREGATES = frozenset({"any", "all", "count", "sum_of"})

Blind = Callable[[str, str, str], str]
"""(entity, field, text) -> what the blind index has for it"""


def has_blind_indexes(model: Model) -> bool:
    """Say whether any entity of a Model has one."""
    found: bool = model.derive(
        "blind", lambda: any(field.blind_of for entity in model.entities.values() for field in entity.fields.values())
    )
    return found


def blinded(roles: RoleRules, entity: Entity, condition: Expr, blind: Blind) -> Expr:
    """Return a condition that asks blind indexes wherever it compares a secret with a value."""
    return _Turning(roles, blind).node(condition, entity)


class _Turning:
    def __init__(self, roles: RoleRules, blind: Blind) -> None:
        self._roles, self._model, self._blind = roles, roles.model, blind

    def node(self, expr: Expr, entity: Entity | None) -> Expr:
        if not isinstance(expr, Call) or entity is None:
            return expr
        if expr.name in _EQUAL:
            left, right = expr.args
            if isinstance(right, Path) and isinstance(left, Literal):
                left, right = right, left
            if isinstance(left, Path) and isinstance(right, Literal):
                return self._turned(expr, left, right, entity) or expr
        if expr.name == "in" and isinstance(expr.args[0], Path) and isinstance(expr.args[1], Literal):
            return self._turned(expr, expr.args[0], expr.args[1], entity) or expr
        if expr.name in _AGGREGATES and expr.args and isinstance(expr.args[0], Path):
            inner = self._related(entity, expr.args[0].keys)
            return Call(expr.name, (expr.args[0], *(self.node(each, inner) for each in expr.args[1:])), expr.place)
        return Call(expr.name, tuple(self.node(each, entity) for each in expr.args), expr.place)

    def _turned(self, expr: Call, path: Path, literal: Literal, entity: Entity) -> Call | None:
        here: Entity | None = entity
        for key in path.keys[:-1]:
            here = self._target(here, key)
        field = here.fields.get(path.keys[-1]) if here is not None else None
        if here is None or field is None:
            return None
        other = next((each for each in here.fields.values() if each.blind_of == field.key), None)
        if other is None or field.key not in self._roles.revealable(here.key):
            return None
        value = self._values(field, literal.value)
        if value is None:
            return None
        turned = Path((*path.keys[:-1], other.key), path.place)
        return Call(expr.name, (turned, Literal(value, literal.place)), expr.place)

    def _values(self, field: Field, value: Any) -> Any:
        if isinstance(value, str):
            return self._blind(field.entity, field.key, _parsed(field, value))
        if isinstance(value, tuple) and value and all(isinstance(each, str) for each in value):
            return tuple(self._blind(field.entity, field.key, _parsed(field, each)) for each in value)
        return None

    def _target(self, entity: Entity | None, key: str) -> Entity | None:
        field = entity.fields.get(key) if entity is not None else None
        return self._model.entities.get(field.target or "") if field is not None else None

    def _related(self, entity: Entity, keys: tuple[str, ...]) -> Entity | None:
        here: Entity | None = entity
        for key in keys:
            relation = here.relations.get(key) if here is not None else None
            here = self._target(here, key) if relation is None else self._model.entities.get(relation.entity)
        return here


def _parsed(field: Field, text: str) -> str:
    try:
        return str(field.type.parse(text, field.options) or "")
    except BadValue:
        return text
