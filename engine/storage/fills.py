"""Columns whose values the engine computes: what they are made of, so that a plan sees when that has changed."""

from __future__ import annotations

import hashlib

import orjson

from engine.expression import Call, Expr, Path, to_json, walk
from engine.expression.ast import AGGREGATES
from engine.metadata.model import Entity, Field


def made_of(entity: Entity, field: Field) -> str:
    """Return a short mark of how a stored value is computed; "" when people or hooks give it.

    It changes with the expression, and with the expression of any stored formula of the record that it reads.
    """
    if field.blind_of:
        return f"blind {field.blind_of}"
    if field.storage is None or not field.stored or not (field.expr is not None or field.rollup is not None):
        return ""
    parts = _parts(entity, field, set())
    return hashlib.sha256(orjson.dumps(parts)).hexdigest()[:8]


def _parts(entity: Entity, field: Field, seen: set[str]) -> list[object]:
    seen.add(field.key)
    if field.rollup is not None:
        rollup = field.rollup
        where = to_json(rollup.where) if rollup.where is not None else None
        return [rollup.entity, rollup.link, rollup.function, rollup.field, where]
    expr: Expr | None = field.expr
    if expr is None:
        return []
    parts: list[object] = [to_json(expr)]
    for node in walk(expr):
        if isinstance(node, Path) and len(node.keys) == 1 and node.keys[0] not in seen:
            other = entity.fields.get(node.keys[0])
            if other is not None and (other.expr is not None or other.rollup is not None):
                parts.append([other.key, _parts(entity, other, seen)])
    return parts


def reaches_out(field: Field) -> bool:
    """Say whether a stored value is computed from other records too, whose changes its own record does not show."""
    if field.rollup is not None:
        return True
    nodes = walk(field.expr) if field.expr is not None else ()
    return any(
        (isinstance(node, Path) and len(node.keys) > 1) or (isinstance(node, Call) and node.name in AGGREGATES)
        for node in nodes
    )
