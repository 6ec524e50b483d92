"""`type: any_lookup`: a link to one record of one of several entities."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from engine.errors import BadValue
from engine.fields.base import FieldType, Locale, Options, StorageType, register
from engine.fields.cleaning import narrow, shown
from engine.fields.links import LINK_SCHEMA, Reference, read_id, read_link
from engine.fields.lookup import ON_DELETE_SCHEMA, TO_SCHEMA
from engine.i18n import Message

_UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"


@register
class AnyLookup(FieldType):
    """Entity and id of a record as one text, `account/0198…`."""

    name = "any_lookup"
    value_type = "text"
    links = "any"
    sortable = False
    properties = {
        "to": {
            "description": "Entities to which it may lead.", "type": "array", "items": {"type": "string",
            "pattern": TO_SCHEMA["pattern"]}, "minItems": 1,
            "uniqueItems": True, "x-layer": "widen",
        },
        "on_delete": dict(ON_DELETE_SCHEMA, default="clear"),
    }  # fmt: skip
    required_properties = ("to",)

    def targets(self, options: Options) -> tuple[str, ...]:
        return tuple(options["to"])

    def storage(self, options: Options) -> StorageType:
        return StorageType("text")

    def parse(self, raw: Any, options: Options) -> str | Reference | None:
        if raw is None or raw == "":
            return None
        if isinstance(raw, str):
            text = narrow(raw).strip()
            if not text:
                return None
            entity, slash, key = text.partition("/")
            link: str | Reference | None = read_id(key) if slash else None
        elif isinstance(raw, Mapping) and "entity" in raw:
            entity, link = raw["entity"], read_link({key: raw[key] for key in raw if key != "entity"})
        elif isinstance(raw, Reference):
            entity, link = raw.entity, raw
        else:
            entity, link = "", None
        if link is None:
            raise BadValue(Message("“{value}” is not an entity and an id, such as account/0198…", value=shown(raw)))
        if entity not in options["to"]:
            raise BadValue(
                Message("Leads to one of {entities}, not to “{value}”", entities=", ".join(options["to"]),
                        value=shown(entity))
            )  # fmt: skip
        return replace(link, entity=entity) if isinstance(link, Reference) else f"{entity}/{link}"

    def format(self, value: Any, options: Options, locale: Locale) -> str:
        return value or ""

    def json_schema(self, options: Options) -> dict[str, Any]:
        return {"type": "string", "pattern": f"^({'|'.join(options['to'])})/{_UUID}$"}

    def input_schema(self, options: Options) -> dict[str, Any]:
        named = {"entity": {"enum": list(options["to"])}}
        ways = (each for each in LINK_SCHEMA["anyOf"] if each["type"] == "object")
        objects = [
            {**way, "properties": {**named, **way["properties"]}, "required": ["entity", *way["required"]]}
            for way in ways
        ]
        return {"anyOf": [self.json_schema(options), *objects]}

    def filters(self) -> tuple[str, ...]:
        return ("==", "!=", "is None", "is not None")
