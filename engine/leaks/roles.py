"""Random roles for any metadata: named rows, conditions, restrictions and masks, in every mixture that may be."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from typing import Any

from engine.leaks.marks import chance
from engine.metadata.document import Document, read_body
from engine.metadata.kinds.rights import MASKS, NAMED_ROWS
from engine.metadata.model import ACTIONS, Entity, Field, Model

PREFIX = "leaks_"
"""How the keys of random roles begin."""
_LAYER = "site"
_MOST = 3
_NARROW = tuple(mask for mask in MASKS if mask != "write")


def random_roles(model: Model, dice: random.Random, count: int) -> list[Document]:
    """Return documents of random roles about the entities of a model."""
    made = []
    for number in range(count):
        document, problems = read_body(_role(model, dice, f"{PREFIX}{number}"), _LAYER)
        if document is not None and not problems:
            made.append(document)
    return made


def _role(model: Model, dice: random.Random, key: str) -> dict[str, Any]:
    grants: dict[str, Any] = {}
    restrict: dict[str, Any] = {}
    for entity in model.entities.values():
        if chance(dice, 0.4 if entity.parent is not None else 0.75):
            grants[entity.key] = _grant(model, entity, dice)
        if chance(dice, 0.1) and (conditions := list(_conditions(model, entity))):
            restrict[entity.key] = {"limit": dice.choice(conditions)}
    if chance(dice, 0.15):
        grants["*"] = {"read": dice.choice([["own"], ["team"], ["all"]])}
    body: dict[str, Any] = {"role": key, "label": key, "grants": grants}
    if restrict:
        body["restrict"] = restrict
    return body


def _grant(model: Model, entity: Entity, dice: random.Random) -> dict[str, Any]:
    grant: dict[str, Any] = {}
    for action in ACTIONS:
        if chance(dice, {"read": 0.9, "export": 0.7, "update": 0.6}.get(action, 0.4)):
            grant[action] = _rows(model, entity, dice)
    fields = {field.key: dice.choice(_NARROW) for field in _maskable(entity) if chance(dice, 0.25)}
    if fields and chance(dice, 0.7):
        grant["fields"] = fields
    return grant


def _maskable(entity: Entity) -> Iterator[Field]:
    for field in entity.fields.values():
        if field.key not in {"id", "version", "deleted_at", entity.parent_field}:
            yield field


def _rows(model: Model, entity: Entity, dice: random.Random) -> list[str]:
    if chance(dice, 0.2):
        return ["all"]
    choices = [*NAMED_ROWS, *_conditions(model, entity)]
    return dice.sample(choices, min(len(choices), dice.randrange(1, _MOST + 1)))


def _conditions(model: Model, entity: Entity) -> Iterator[str]:
    """Yield conditions that fit an entity."""
    yield "created_at < now"
    if entity.owned:
        yield "owner == user.id"
        yield "owner is None"
        yield "owner.department == user.department"
        yield "owner.manager == user.id"
    for key, field in entity.fields.items():
        if field.system or field.secret or field.type.name == "secret":
            continue
        yield from _of_field(model, key, field)
    for key, relation in entity.relations.items():
        yield f"count({key}) > 0"
        if model.entity(relation.entity).owned:
            yield f"any({key}, owner == user.id)"


def _of_field(model: Model, key: str, field: Field) -> Iterator[str]:
    if field.choices and field.type.value_type == "text":
        options: Mapping[str, Any] = field.choices
        first = next(iter(options))
        yield f"{key} == {first!r}"
        yield f"{key} != {first!r}"
    elif field.type.links == "one" and field.target is not None and field.stored and field.expr is None:
        yield f"{key} is None"
        if field.target == "territory":
            yield f"{key} in user.territories"
        if model.entity(field.target).owned:
            yield f"{key}.owner == user.id"
    elif field.type.value_type == "boolean":
        yield f"not {key}"
    elif field.type.value_type == "number":
        yield f"{key} > 400000000"
