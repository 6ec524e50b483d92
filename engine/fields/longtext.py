"""`type: longtext`: several lines."""

from __future__ import annotations

from typing import Any

from engine.fields.base import FieldType, Locale, Options, StorageType, register
from engine.fields.cleaning import block, check_length

MAX_LENGTH = 50_000


@register
class LongText(FieldType):
    r"""Text of several lines, in NFC; lines end with "\n", tabs stay."""

    name = "longtext"
    value_type = "text"
    searchable = True
    sortable = False
    properties = {
        "max_length": {
            "type": "integer", "minimum": 1, "maximum": 1_000_000, "default": MAX_LENGTH, "x-layer": "widen",
        },
    }  # fmt: skip

    def storage(self, options: Options) -> StorageType:
        return StorageType("text")

    def parse(self, raw: Any, options: Options) -> str | None:
        if raw is None:
            return None
        return check_length(block(raw), options.get("max_length", MAX_LENGTH)) or None

    def format(self, value: Any, options: Options, locale: Locale) -> str:
        return value or ""

    def json_schema(self, options: Options) -> dict[str, Any]:
        return {"type": "string", "maxLength": options.get("max_length", MAX_LENGTH)}

    def filters(self) -> tuple[str, ...]:
        return ("contains", "starts_with", "is None", "is not None")
