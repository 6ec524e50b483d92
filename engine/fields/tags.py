"""`type: tags`: free words to group records by."""

from __future__ import annotations

import re
from typing import Any

from engine.errors import BadValue
from engine.fields.base import FieldType, Locale, Options, StorageType, register
from engine.fields.cleaning import check_length, line, parts
from engine.i18n import Message

MAX_TAGS = 50
MAX_LENGTH = 50
_SEPARATOR = re.compile("[,，、;；]")


@register
class Tags(FieldType):
    """Words without commas, each once (upper and lower case are one), in the order given."""

    name = "tags"
    value_type = "list"
    searchable = True
    sortable = False
    properties = {
        "max_count": {
            "description": "How many tags a record may have.",
            "type": "integer",
            "minimum": 1,
            "maximum": 1_000,
            "default": MAX_TAGS,
            "x-layer": "widen",
        },
    }

    def storage(self, options: Options) -> StorageType:
        return StorageType("json")

    def parse(self, raw: Any, options: Options) -> tuple[str, ...] | None:
        if raw is None:
            return None
        tags: dict[str, str] = {}
        for part in parts(raw):
            tag = check_length(line(part), MAX_LENGTH)
            if _SEPARATOR.search(tag):
                raise BadValue(Message("A tag has no commas and no semicolons"))
            if tag:
                tags.setdefault(tag.casefold(), tag)
        most = options.get("max_count", MAX_TAGS)
        if len(tags) > most:
            raise BadValue(Message("Too many: {count}, at most {max}", count=len(tags), max=most))
        return tuple(tags.values()) or None

    def format(self, value: Any, options: Options, locale: Locale) -> str:
        return ", ".join(value or ())

    def display(self, value: Any, options: Options, locale: Locale) -> str:
        return ("、" if locale.language.startswith("zh") else ", ").join(value or ())

    def search_text(self, value: Any, options: Options) -> str:
        return " ".join(value)

    def to_json(self, value: Any, options: Options) -> list[str] | None:
        return None if value is None else list(value)

    def json_schema(self, options: Options) -> dict[str, Any]:
        return {
            "type": "array",
            "items": {"type": "string", "maxLength": MAX_LENGTH, "pattern": "^[^,，、;；]+$"},
            "maxItems": options.get("max_count", MAX_TAGS),
        }

    def filters(self) -> tuple[str, ...]:
        return ("contains", "is None", "is not None")
