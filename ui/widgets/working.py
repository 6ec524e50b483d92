"""Formulas and rollups that the browser works out while somebody types, as data for its interpreter."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from engine import Entity, EntityScope, ExpressionInvalid, Field, Reader, to_browser
from ui.widgets.conditions import condition, for_browser, is_readable

NUMBERS = frozenset({"number", "integer", "money", "percent"})
"""Types of values that stand at the right."""


def worked_out(reader: Reader, entity: Entity) -> list[Mapping[str, Any]]:
    """Return the formulas and rollups of an entity that the browser can work out and that who reads may see."""
    mask = reader.access.mask(entity.key)
    found: list[Mapping[str, Any]] = []
    for each in entity.fields.values():
        if mask.get(each.key) not in {"read", "write"} or each.hidden:
            continue
        tree = _tree(reader, entity, each)
        if tree is not None:
            found.append({"key": each.key, "tree": tree, **_shown_as(reader, each)})
    return found


def _tree(reader: Reader, entity: Entity, each: Field) -> object | None:
    if each.rollup is not None:
        return _rollup(reader, entity, each)
    if each.type.name != "formula" or each.expr is None:
        return None
    made = condition(reader.model, entity.key, each.expr)
    # What reads a field that they may not see is told by the server alone.
    if not all(is_readable(reader, entity, path) for path in made.reads):
        return None
    with suppress(ExpressionInvalid):
        return to_browser(each.expr, EntityScope(reader.model, entity.key))
    return None


def _shown_as(reader: Reader, each: Field) -> Mapping[str, Any]:
    """Return how a value that was worked out is written."""
    kind = each.type.result(each.options).name
    told: dict[str, Any] = {"kind": kind}
    if kind == "money":
        told["currency"] = str(each.options.get("currency") or reader.model.currency)
        told["plain"] = told["currency"] == reader.model.currency
    scale = each.type.scale(each.options) if kind in NUMBERS else None
    if scale is not None:
        told["scale"] = scale
    return told


def _rollup(reader: Reader, entity: Entity, each: Field) -> object | None:
    """Return the expression of a sum or a count over child rows; None of what only the database knows."""
    rollup = each.rollup
    table = entity.fields.get(rollup.relation) if rollup is not None else None
    if rollup is None or table is None or table.type.links != "children" or rollup.function not in {"sum", "count"}:
        return None
    child = reader.model.entity(rollup.entity)
    rows: object = {"path": [table.key]}
    needed = [rollup.field] if rollup.field else []
    if not all(is_readable(reader, child, path) for path in needed):
        return None
    where = for_browser(reader.model, child.key, rollup.where) if rollup.where is not None else ""
    if rollup.where is not None and not where:
        return None
    tests = [json.loads(where)] if where else []
    if rollup.function == "sum" and rollup.field:
        amount: object = {"path": [rollup.field], "type": "number"}
        if tests:
            amount = {"call": "if", "args": [tests[0], amount, None]}
        return {"call": "sum_of", "args": [rows, amount]}
    if rollup.field:
        # A count of those that have a value: of a text or a link it is enough that there is one.
        tests.append({"call": "!=", "args": [{"path": [rollup.field]}, None]})
    if len(tests) > 1:
        tests = [{"call": "and", "args": tests}]
    return {"call": "count", "args": [rows, *tests]}


def live_fields(reader: Reader, entity: Entity) -> frozenset[str]:
    """Return the keys of what the browser works out of a record."""
    return frozenset(str(each["key"]) for each in worked_out(reader, entity))
