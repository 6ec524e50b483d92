"""`type: files`: several attached files."""

from __future__ import annotations

from typing import Any

from engine.errors import BadValue
from engine.fields.base import Locale, Options, StorageType, register
from engine.fields.cleaning import parts
from engine.fields.file import ACCEPT_SCHEMA, SIZE_SCHEMA, File
from engine.i18n import Message

MAX_FILES = 50


@register
class Files(File):
    """Ids of uploaded files, each once, in the order given."""

    name = "files"
    value_type = "list"
    links = ""
    properties = {
        "accept": ACCEPT_SCHEMA,
        "max_size": SIZE_SCHEMA,
        "max_count": {
            "description": "How many files it holds at most.",
            "type": "integer",
            "minimum": 1,
            "maximum": 1_000,
            "default": MAX_FILES,
            "x-layer": "widen",
        },
    }

    def storage(self, options: Options) -> StorageType:
        return StorageType("json")

    def parse(self, raw: Any, options: Options) -> tuple[str, ...] | None:
        if raw is None:
            return None
        one = super().parse
        ids = tuple(dict.fromkeys(id_ for part in parts(raw) if (id_ := one(part, options)) is not None))
        most = options.get("max_count", MAX_FILES)
        if len(ids) > most:
            raise BadValue(Message("Too many: {count}, at most {max}", count=len(ids), max=most))
        return ids or None

    def format(self, value: Any, options: Options, locale: Locale) -> str:
        return ", ".join(value or ())

    def display(self, value: Any, options: Options, locale: Locale) -> str:
        return str(len(value)) if value else ""

    def to_json(self, value: Any, options: Options) -> list[str] | None:
        return None if value is None else list(value)

    def json_schema(self, options: Options) -> dict[str, Any]:
        return {
            "type": "array",
            "items": {"type": "string", "format": "uuid"},
            "maxItems": options.get("max_count", MAX_FILES),
        }
