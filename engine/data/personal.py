"""Which fields tell something personal: those that say `pii`, and what is worked out from them.

A formula, a reference or a rollup over a personal field says again what that field says, so it is personal too. A
formula that answers yes or no is not: that somebody has a number is not the number.
"""

from __future__ import annotations

from engine.expression import Type, paths
from engine.metadata.model import Entity, Field, Model


def is_personal(model: Model, entity: str, key: str) -> bool:
    """Say whether a field tells something personal."""
    return (entity, key) in personal_fields(model)


def personal_fields(model: Model) -> frozenset[tuple[str, str]]:
    """Return (entity, key) of every field that tells something personal, worked out once per Model."""
    return model.derive("personal fields", lambda: _work_out(model))


def _work_out(model: Model) -> frozenset[tuple[str, str]]:
    found = {(each.key, field.key) for each in model.entities.values() for field in each.fields.values() if field.pii}
    if not found:
        return frozenset()
    computed = [(each, field) for each in model.entities.values() for field in each.fields.values() if _reads(field)]
    size = -1
    while size < len(found):
        # What reads a personal field may be read in turn.
        size = len(found)
        for entity, field in computed:
            if any(_ends(model, entity, path) in found for path in _paths(field)):
                found.add((entity.key, field.key))
    return frozenset(found)


def _reads(field: Field) -> bool:
    if field.rollup is not None:
        return field.rollup.field is not None
    return field.expr is not None and field.type.computed and field.value_type is not Type.BOOLEAN


def _paths(field: Field) -> frozenset[tuple[str, ...]]:
    if field.rollup is not None:
        return frozenset({(field.rollup.relation, field.rollup.field or "")})
    return paths(field.expr) if field.expr is not None else frozenset()


def _ends(model: Model, entity: Entity, path: tuple[str, ...]) -> tuple[str, str] | None:
    """Return the field that a path ends at; None where it leads nowhere."""
    here: Entity | None = entity
    for key in path[:-1]:
        if here is None:
            return None
        field = here.fields.get(key)
        relation = here.relations.get(key)
        target = field.target if field is not None and field.target else relation.entity if relation else None
        here = model.entities.get(target or "")
    return None if here is None else (here.key, path[-1])
