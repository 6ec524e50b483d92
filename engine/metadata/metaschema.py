"""The meta-schemas: one JSON Schema for each kind of document, checked by `Shape`, committed for editors.

`python -m engine.metadata.metaschema` writes `schemas/meta/*.schema.json`; a test proves that they are up to date.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

from engine.fields import field_types
from engine.metadata.document import KINDS
from engine.metadata.kinds import automation, entity, rights, screens, service
from engine.metadata.kinds.parts import Schema
from engine.metadata.shape import Compiler, Shape

_MAKERS: dict[str, Callable[[], Schema]] = {
    "entity": entity.entity_schema,
    "view": screens.view_schema,
    "form": screens.form_schema,
    "dashboard": screens.dashboard_schema,
    "report": screens.report_schema,
    "menu": screens.menu_schema,
    "role": rights.role_schema,
    "pack": rights.pack_schema,
    "translation": rights.translation_schema,
    "test": rights.test_schema,
    "workflow": automation.workflow_schema,
    "assignment": automation.assignment_schema,
    "pool": automation.pool_schema,
    "alert": automation.alert_schema,
    "sla": service.sla_schema,
    "calendar": service.calendar_schema,
    "duplicate": service.duplicate_schema,
    "conversion": service.conversion_schema,
    "template": service.template_schema,
}
_shapes: dict[tuple[str, int], Shape] = {}


def schema(kind: str) -> Schema:
    """Return the JSON Schema of a kind, with the field types that are known now."""
    return _MAKERS[kind]()


def shape(kind: str) -> Shape:
    """Return the compiled schema of a kind."""
    # A plugin may add field types before it is first asked for, and in tests after.
    key = (kind, len(field_types()) if kind == "entity" else 0)
    found = _shapes.get(key)
    if found is None:
        made = schema(kind)
        found = _shapes[key] = Compiler(made).compile(made)
    return found


def any_schema() -> Schema:
    """Return the schema of a document of whatever kind, for editors: the first key names the kind."""
    schemas = {kind: schema(kind) for kind in KINDS}
    cases = []
    for kind in KINDS:
        # `calendar` is a kind, and a property of views: a document that says `view` is no calendar.
        others = [other for other in KINDS if other != kind and kind in schemas[other]["properties"]]
        condition: Schema = {"required": [kind]}
        if others:
            condition["properties"] = dict.fromkeys(others, False)
        cases.append({"if": condition, "then": {"$ref": f"{kind}.schema.json"}})
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "document",
        "description": "A document; its first key names the kind.",
        "type": "object",
        "minProperties": 1,
        "allOf": cases,
    }


def files() -> dict[str, str]:
    """Return the text of each file of `schemas/meta`, by name."""
    schemas = {"document": any_schema(), **{kind: schema(kind) for kind in KINDS}}
    return {
        f"{name}.schema.json": json.dumps(each, ensure_ascii=False, indent=2) + "\n" for name, each in schemas.items()
    }


def write(folder: Path) -> None:
    """Write the schema of every kind into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files().items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[2] / "schemas" / "meta")
