"""`type: lookup`: a link to one record of one entity."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from engine.fields.base import FieldType, Locale, Options, StorageType, register
from engine.fields.links import LINK_SCHEMA, Reference, read_link
from engine.ids import is_id

TO_SCHEMA: Mapping[str, Any] = {
    "description": "Key of the entity to which it leads.",
    "type": "string",
    "pattern": "^[a-z][a-z0-9_]*$",
    "x-holds": "entity",
    "x-layer": "locked",
}
WHERE_SCHEMA: Mapping[str, Any] = {
    "description": "Only records for which this is true may be chosen.",
    "type": "string",
    "minLength": 1,
    "x-holds": "expression",
    "x-layer": "free",
}
ON_DELETE_SCHEMA: Mapping[str, Any] = {
    "description": "What deleting the linked record does: it is refused, the link is cleared, or this record goes too.",
    "enum": ["restrict", "clear", "cascade"],
    "default": "restrict",
    "x-layer": "free",
}
SHARE_SCHEMA: Mapping[str, Any] = {
    "description": "Who may see the linked record may read, or edit, this one.",
    "enum": ["read", "edit"],
    "x-layer": "free",
}


@register
class Lookup(FieldType):
    """The id of a record. `parse` lets a `Reference` through; `Records` finds the id that it stands for."""

    name = "lookup"
    value_type = "link"
    links = "one"
    properties = {"to": TO_SCHEMA, "where": WHERE_SCHEMA, "on_delete": ON_DELETE_SCHEMA, "share": SHARE_SCHEMA}
    required_properties: ClassVar[tuple[str, ...]] = ("to",)

    def targets(self, options: Options) -> tuple[str, ...]:
        return (options["to"],)

    def storage(self, options: Options) -> StorageType:
        return StorageType("uuid")

    def parse(self, raw: Any, options: Options) -> str | Reference | None:
        return None if raw is None else read_link(raw)

    def parser(self, options: Options) -> Callable[[Any], str | Reference | None]:
        return lambda raw: raw if raw is None or is_id(raw) else read_link(raw)

    def format(self, value: Any, options: Options, locale: Locale) -> str:
        return value or ""

    def json_schema(self, options: Options) -> dict[str, Any]:
        return {"type": "string", "format": "uuid"}

    def input_schema(self, options: Options) -> Mapping[str, Any]:
        return LINK_SCHEMA

    def filters(self) -> tuple[str, ...]:
        return ("==", "!=", "in", "is None", "is not None")
