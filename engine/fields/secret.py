"""`type: secret`: text that few may read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.fields.base import FieldType, Locale, Options, StorageType, register
from engine.fields.cleaning import check_length, line

MAX_LENGTH = 1_000
MASK = "••••"


@register
class Secret(FieldType):
    """One line of text that stands encrypted in the database; `Records` encrypts, this type only reads and hides.

    `display` never shows it. `format` does, as for every type: it is for the form of who may change it.
    """

    name = "secret"
    value_type = "text"
    sortable = False
    properties = {
        "max_length": {
            "description": "How many characters it may have.",
            "type": "integer",
            "minimum": 1,
            "maximum": 10_000,
            "default": MAX_LENGTH,
            "x-layer": "widen",
        },
    }

    def storage(self, options: Options) -> StorageType:
        return StorageType("text")

    def parse(self, raw: Any, options: Options) -> str | None:
        return None if raw is None else check_length(line(raw), options.get("max_length", MAX_LENGTH)) or None

    def format(self, value: Any, options: Options, locale: Locale) -> str:
        return value or ""

    def display(self, value: Any, options: Options, locale: Locale) -> str:
        return "" if value is None else MASK

    def displayer(self, options: Options, locale: Locale) -> Callable[[Any], str]:
        return lambda value: "" if value is None else MASK

    def search_text(self, value: Any, options: Options) -> str:
        return ""

    def json_schema(self, options: Options) -> dict[str, Any]:
        return {"type": "string", "maxLength": options.get("max_length", MAX_LENGTH)}

    def filters(self) -> tuple[str, ...]:
        return ("is None", "is not None")
