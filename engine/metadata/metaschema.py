"""Writes the meta-schemas, one JSON Schema for each kind of document, into `schemas/meta` for editors.

`python -m engine.metadata.metaschema` does it; a test proves that what is committed is up to date.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from engine.metadata.document import KINDS
from engine.metadata.kinds import schema
from engine.metadata.kinds.parts import Schema


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
