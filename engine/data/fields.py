"""Paths that somebody asks for: what they lead to, how they may be read, and how their values are turned into ours."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Literal

import orjson

from engine.data.place import reading, storage_of, visible
from engine.data.rowset import Convert, RowSet
from engine.data.rules import RoleRules
from engine.errors import QueryInvalid
from engine.expression import Expr, Type, paths
from engine.fields import StorageType
from engine.fields.decimals import EXACT
from engine.fields.formula import Computed
from engine.i18n import Message
from engine.metadata.model import Entity, Field
from engine.storage.codec import decoder, json_writer


@dataclass(frozen=True, slots=True)
class Resolved:
    """Where a path leads, for one set of roles."""

    dotted: str
    keys: tuple[str, ...]
    field: Field
    kind: Literal["column", "links", "children"]
    masked: bool = False
    through: Field | None = None
    """The field with many links that a path such as `participants.name` goes through."""


def resolve(roles: RoleRules, entity: Entity, dotted: str) -> Resolved:
    """Return where a path leads.

    Raises:
        QueryInvalid: it leads nowhere, or through something that the asker may not know of; the words are the same.
    """
    keys = tuple(dotted.split("."))
    here, through = entity, None
    for place, key in enumerate(keys[:-1]):
        step = here.fields.get(key)
        if step is None or step.target is None or reading(roles, here, key) != "read":
            raise unknown(dotted)
        if step.type.links == "many":
            if place or through is not None:
                raise unknown(dotted)
            through = step
        elif step.type.links == "children":
            raise unknown(dotted)
        here = roles.model.entity(step.target)
    field = here.fields.get(keys[-1])
    if field is None or not visible(roles, here, field.key):
        raise unknown(dotted)
    links = field.type.links
    if links in {"many", "children"} and len(keys) > 1:
        raise unknown(dotted)
    kind: Literal["column", "links", "children"] = (
        "children" if links == "children" else "links" if links == "many" or through is not None else "column"
    )
    if through is not None and field.value_type not in {Type.TEXT, Type.LINK}:
        raise QueryInvalid(Message("{name} cannot be shown for many records at once", name=dotted))
    masked = reading(roles, here, field.key) == "masked"
    if masked and through is not None:
        raise unknown(dotted)
    return Resolved(dotted, keys, field, kind, masked, through)


def resolved_title(entity: Entity) -> Resolved:
    """Return the title of an entity as a path, whoever asks."""
    return Resolved(entity.title, (entity.title,), entity.fields[entity.title], "column")


def unknown(dotted: str) -> QueryInvalid:
    """Return the error for a path that is not there, and for one that the asker may not know of."""
    return QueryInvalid(Message("There is no field {name}", name=dotted))


def refuse_masked(roles: RoleRules, entity: Entity, condition: Expr | None) -> None:
    """Refuse a condition on a field that the asker sees only as a mark: it would tell the value piece by piece.

    Raises:
        QueryInvalid: there is such a field in it.
    """
    for keys in () if condition is None else paths(condition):
        here: Entity | None = entity
        for key in keys:
            if here is None:
                break
            if key in here.fields and reading(roles, here, key) == "masked":
                raise masked(".".join(keys))
            here = _next(roles, here, key)


def masked(dotted: str) -> QueryInvalid:
    """Return the error for a filter or sort by a field that is shown as a mark."""
    return QueryInvalid(Message("{name} is masked for you and can be neither filtered nor sorted by", name=dotted))


def _next(roles: RoleRules, here: Entity, key: str) -> Entity | None:
    relation = here.relations.get(key)
    field = here.fields.get(key)
    target = relation.entity if relation is not None else None if field is None else field.target
    return roles.model.entities.get(target) if target is not None else None


def conversions(resolved: Resolved, dialect: str) -> tuple[Convert, Convert]:
    """Return (to the Python value, to the JSON value) for what the driver gives for a path; None = as it is."""
    field = resolved.field
    if resolved.kind == "links":
        return (_texts, orjson.loads) if dialect == "sqlite" else (tuple, None)
    if resolved.kind == "children":
        return _child_values, _child_json
    if field.storage is None:
        shown = _shown_storage(field)
        if dialect == "postgresql" and shown.kind == "decimal":
            return _rescaled(shown.scale)
        field = replace(field, storage=shown)
    if dialect == "sqlite" and field.storage is not None and field.storage.kind == "decimal":
        return decoder(field, dialect), _scaled_text(field.storage.scale)
    return decoder(field, dialect), json_writer(field, dialect)


def _shown_storage(field: Field) -> StorageType:
    """Return the kind of column that would hold what a field without one shows."""
    if isinstance(field.type, Computed):
        result = field.type.result(field.options).storage(field.type.shown(field.options))
        if result is not None and result.kind == "integer":
            # To expressions a whole number is a number without decimals; to people and programs it is none.
            return result
    return storage_of(field.info)


def _rescaled(scale: int) -> tuple[Convert, Convert]:
    """Return conversions that give a number all of its decimals: NUMERIC that is worked out has those that it needs."""
    unit = Decimal(1).scaleb(-scale)

    def decode(value: Decimal) -> Decimal:
        return value.quantize(unit, context=EXACT)

    return decode, lambda value: format(decode(value), "f")


def _scaled_text(scale: int) -> Convert:
    """Return what writes a scaled integer as decimal text, as the type does by way of a Decimal, five times as fast."""
    if scale == 0:
        return str
    unit = 10**scale

    def write(value: int) -> str:
        whole, part = divmod(abs(value), unit)
        return f"{'-' if value < 0 else ''}{whole}.{part:0{scale}d}"

    return write


def _texts(value: str) -> tuple[str, ...]:
    return tuple(orjson.loads(value))


def _child_values(rows: RowSet) -> tuple[dict[str, Any], ...]:
    return tuple(rows.dicts())


def _child_json(rows: RowSet) -> list[dict[str, Any]]:
    return rows.json()


def default_columns(roles: RoleRules, entity: Entity) -> tuple[str, ...]:
    """Return the columns of an entity's default view that the asker may see; at least the title."""
    found: list[str] = []
    view = roles.model.default_view(entity.key)
    for path, column in view.columns.items():
        if column.hidden:
            continue
        try:
            resolve(roles, entity, path)
        except QueryInvalid:
            continue
        found.append(path)
    return tuple(found) or tuple(key for key in (entity.title, "id") if visible(roles, entity, key))[:1]


def child_columns(roles: RoleRules, child: Entity) -> tuple[str, ...]:
    """Return what is shown of child rows inside their parent: id, version and all that the asker may see."""
    own = (key for key, field in child.fields.items() if not field.system and field.type.links != "children")
    return ("id", "version", *(key for key in own if key != child.parent_field and visible(roles, child, key)))


def is_masked(roles: RoleRules, entity: Entity, key: str) -> bool:
    """Say whether the asker sees a mark in place of the values of a field."""
    return reading(roles, entity, key) == "masked"


def all_columns(roles: RoleRules, entity: Entity) -> tuple[str, ...]:
    """Return every field of an entity that the asker may see."""
    return tuple(key for key in entity.fields if visible(roles, entity, key))
