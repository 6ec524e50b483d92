"""What a form works out while somebody types: formulas, totals of child rows, and conditions inside the rows.

The browser gets the same expressions as the server, as data; `Records` works everything out again when it is saved.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from engine import Entity, Field, Reader
from ui.pages.child_rows import child_fields
from ui.pages.editing import Editing
from ui.widgets.conditions import for_browser, of_field
from ui.widgets.working import worked_out


def live_of(reader: Reader, form: Editing) -> str:
    """Return as JSON what the browser works out for a form: of the record, and of each of its tables."""
    entity = form.entity
    key = ("live", entity.key, tuple(form.fields), reader.access.roles, reader.access.principal.scopes)
    return str(reader.model.derive(key, lambda: json.dumps(_made(reader, form), ensure_ascii=False, default=str)))


def _made(reader: Reader, form: Editing) -> Mapping[str, Any]:
    shown = [each for each in form.fields.values() if each.type.links == "children"]
    tables = {each.key: _table(reader, form.entity, each) for each in shown}
    fields = worked_out(reader, form.entity)
    return {"fields": fields, "tables": {key: told for key, told in tables.items() if told}}


def _table(reader: Reader, entity: Entity, table: Field) -> Mapping[str, Any]:
    """Return what is worked out in the rows of a table, and the conditions of their fields."""
    child = reader.model.entity(table.target or "")
    told: dict[str, Any] = {}
    fields = worked_out(reader, child)
    if fields:
        told["fields"] = fields
    when = {each.key: found for each in child_fields(reader, table) if (found := _when(reader, child, each))}
    if when:
        told["when"] = when
    totals = [one["key"] for one in worked_out(reader, entity) if _of(entity, one["key"]) == table.key]
    if totals:
        told["totals"] = totals
    return {**told, "parent": child.parent_field} if told else {}


def _of(entity: Entity, key: str) -> str:
    rollup = entity.fields[key].rollup
    return rollup.relation if rollup is not None else ""


def _when(reader: Reader, child: Entity, each: Field) -> Mapping[str, Any]:
    found: dict[str, Any] = {}
    for name, expr in of_field(each).items():
        tree = for_browser(reader.model, child.key, expr)
        if tree and name != "read-only":
            found[name] = json.loads(tree)
    options = {
        key: json.loads(tree)
        for key, expr in each.options_when.items()
        if (tree := for_browser(reader.model, child.key, expr))
    }
    return {**found, "options": options} if options else found
