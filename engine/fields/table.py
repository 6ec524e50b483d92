"""`type: table`: child rows, edited inside the form of their parent."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from engine.errors import BadValue
from engine.fields.base import FieldType, Locale, Options, StorageType, register
from engine.fields.lookup import TO_SCHEMA
from engine.i18n import Message

MAX_ROWS = 1_000


@register
class Table(FieldType):
    """Rows of a child entity. `parse` returns their mappings as they came; `Records` parses what is in them."""

    name = "table"
    value_type = "many"
    links = "children"
    sortable = False
    properties = {
        "of": dict(TO_SCHEMA, description="Key of the child entity, whose `parent` is this one."),
        "max_rows": {
            "description": "How many rows a record may have.",
            "type": "integer",
            "minimum": 1,
            "maximum": 10_000,
            "default": MAX_ROWS,
            "x-layer": "widen",
        },
    }
    required_properties = ("of",)

    def targets(self, options: Options) -> tuple[str, ...]:
        return (options["of"],)

    def storage(self, options: Options) -> StorageType | None:
        return None

    def parse(self, raw: Any, options: Options) -> tuple[Mapping[str, Any], ...] | None:
        if raw is None:
            return None
        if isinstance(raw, str):
            if not raw.strip():
                return None
            try:
                raw = json.loads(raw)
            except (ValueError, RecursionError):
                raw = None
        if not isinstance(raw, (list, tuple)) or not all(
            isinstance(row, Mapping) and all(isinstance(key, str) for key in row) for row in raw
        ):
            raise BadValue(Message("Not a list of rows"))
        most = options.get("max_rows", MAX_ROWS)
        if len(raw) > most:
            raise BadValue(Message("Too many: {count}, at most {max}", count=len(raw), max=most))
        return tuple(raw) or None

    def format(self, value: Any, options: Options, locale: Locale) -> str:
        return json.dumps(list(map(dict, value)), ensure_ascii=False, default=str) if value else ""

    def display(self, value: Any, options: Options, locale: Locale) -> str:
        return str(len(value)) if value else ""

    def to_json(self, value: Any, options: Options) -> list[Mapping[str, Any]] | None:
        return None if value is None else list(value)

    def json_schema(self, options: Options) -> dict[str, Any]:
        return {"type": "array", "items": {"type": "object"}, "maxItems": options.get("max_rows", MAX_ROWS)}

    def filters(self) -> tuple[str, ...]:
        return ()
