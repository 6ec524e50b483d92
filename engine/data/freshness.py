"""What the version of a record tells: whether an answer looks the same as long as the version is the same."""

from __future__ import annotations

from engine.data.dependencies import inlined
from engine.expression import Expr, functions, paths, variables
from engine.expression.ast import AGGREGATES
from engine.metadata.model import Entity, Field, Model


def told_by_version(model: Model, entity: str, columns: tuple[str, ...]) -> bool:
    """Say whether the values of some columns change only together with the version of their record.

    What is stored does, rollups and child rows too, for whatever changes them makes a version. What stands at the end
    of a path does not, nor what is worked out in every read from other records or the time.
    """
    return model.derive(
        ("told by version", entity, columns),
        lambda: all(_is_told(model, model.entity(entity), each) for each in columns),
    )


def _is_told(model: Model, entity: Entity, column: str) -> bool:
    field = entity.fields.get(column)
    if field is None:
        return False
    if field.type.links == "children":
        child = model.entity(field.target or "")
        return all(_is_told(model, child, key) for key, each in child.fields.items() if each.type.links != "children")
    return field.stored or (field.shows is None and field.expr is not None and _reads_own(model, entity, field.expr))


def _reads_own(model: Model, entity: Entity, expr: Expr) -> bool:
    whole = inlined(model, entity, expr)
    if variables(whole) or functions(whole) & (AGGREGATES | {"in_subtree"}):
        return False
    return all(len(path) == 1 and _is_stored(entity.fields.get(path[0])) for path in paths(whole))


def _is_stored(field: Field | None) -> bool:
    return field is not None and field.stored and not field.type.links
