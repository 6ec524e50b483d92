"""`type: longtext`: several lines."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from engine.fields.base import FieldType, Locale, Options, StorageType, register
from engine.fields.cleaning import block, check_length
from engine.fields.text import Text, check_lengths, length_schema
from engine.i18n import Message

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
            "description": "How many characters it may have.", "type": "integer", "minimum": 1, "maximum": 1_000_000,
            "default": MAX_LENGTH, "x-layer": "widen",
        },
        "min_length": Text.properties["min_length"],
    }  # fmt: skip

    def storage(self, options: Options) -> StorageType:
        return StorageType("text")

    def parse(self, raw: Any, options: Options) -> str | None:
        if raw is None or not (text := block(raw)):
            return None
        return check_length(text, options.get("max_length", MAX_LENGTH), options.get("min_length", 0))

    def format(self, value: Any, options: Options, locale: Locale) -> str:
        return value or ""

    def json_schema(self, options: Options) -> dict[str, Any]:
        return length_schema(options, MAX_LENGTH)

    def check_options(self, options: Options) -> Iterable[tuple[str, Message]]:
        return check_lengths(options, MAX_LENGTH)

    def filters(self) -> tuple[str, ...]:
        return ("contains", "starts_with", "is None", "is not None")
