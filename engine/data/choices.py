"""The choices of a link: records that the asker may read, that fit the field's `where`, and hold what was typed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.data.fields import unknown
from engine.data.place import reading, visible
from engine.data.rules import RoleRules
from engine.errors import BadValue
from engine.expression import Expr, Literal, Var, transform, variables
from engine.metadata.model import Entity, Field, Model

_ABOUT = ("record.", "input.")


def choice_field(roles: RoleRules, entity: Entity, key: str) -> Field:
    """Return the link whose choices somebody wants to see.

    Raises:
        QueryInvalid: there is no such link, or the asker may neither see nor fill it.
    """
    field = entity.fields.get(key)
    if field is None or field.type.links not in {"one", "many", "any"}:
        raise unknown(key)
    seen = visible(roles, entity, key) and reading(roles, entity, key) != "hidden"
    if not seen and key not in roles.writable(entity.key):
        raise unknown(key)
    return field


def targets(model: Model, field: Field) -> tuple[str, ...]:
    """Return the entities that a link may lead to."""
    found = field.targets or ((field.target,) if field.target is not None else ())
    return tuple(key for key in found if key in model.entities)


def condition(entity: Entity, field: Field, record: Mapping[str, Any] | None) -> Expr | None:
    """Return the field's `where` with the values of a record in it, as a form or the database gives them."""
    if field.where is None:
        return None
    values = {
        name: Literal(_value(entity, name, record or {})) for name in variables(field.where) if name.startswith(_ABOUT)
    }

    def put_in(node: Expr) -> Expr:
        return values.get(node.name, node) if isinstance(node, Var) else node

    return transform(field.where, put_in)


def _value(entity: Entity, name: str, record: Mapping[str, Any]) -> Any:
    key = name.partition(".")[2]
    raw = record.get(key)
    field = entity.fields.get(key)
    if raw is None or raw == "" or field is None:
        return None
    try:
        value = field.type.parse(raw, field.options)
        return Literal(value).value
    except (BadValue, TypeError):
        # What does not fit yet is told when the form is sent; until then nothing is chosen there.
        return None
