"""`type: color`: a colour."""

from __future__ import annotations

import re
from typing import Any

from engine.errors import BadValue
from engine.fields.base import FieldType, Locale, Options, StorageType, register
from engine.fields.cleaning import line, narrow, shown
from engine.i18n import Message

_HEX = re.compile("#?([0-9a-f]{3}|[0-9a-f]{6})")
_SHORT = 3


@register
class Color(FieldType):
    """Red, green and blue as "#rrggbb" in lower case."""

    name = "color"
    value_type = "text"

    def storage(self, options: Options) -> StorageType:
        return StorageType("text")

    def parse(self, raw: Any, options: Options) -> str | None:
        if raw is None:
            return None
        text = narrow(line(raw)).lower()
        if not text:
            return None
        found = _HEX.fullmatch(text)
        if found is None:
            raise BadValue(Message("“{value}” is not a colour, such as {example}", value=shown(raw), example="#1a73e8"))
        digits = found[1]
        return "#" + ("".join(digit * 2 for digit in digits) if len(digits) == _SHORT else digits)

    def format(self, value: Any, options: Options, locale: Locale) -> str:
        return value or ""

    def json_schema(self, options: Options) -> dict[str, Any]:
        return {"type": "string", "pattern": "^#[0-9a-f]{6}$"}

    def input_schema(self, options: Options) -> dict[str, Any]:
        return {"type": "string", "pattern": "^#([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$"}
