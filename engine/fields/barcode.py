"""`type: barcode`: what a scanner reads from a label."""

from __future__ import annotations

import re
from typing import Any

from engine.errors import BadValue
from engine.fields.base import FieldType, Locale, Options, StorageType, register
from engine.fields.cleaning import check_length, line, narrow, shown
from engine.i18n import Message

_LENGTHS = {"ean13": 13, "ean8": 8, "upca": 12, "itf14": 14}
_BETWEEN = re.compile(r"[\s-]+")
_MAX_LENGTH = 200


@register
class Barcode(FieldType):
    """The text of a bar or QR code. With a `symbology` that has a check digit, a wrong digit is found."""

    name = "barcode"
    value_type = "text"
    searchable = True
    properties = {
        "symbology": {"description": "Kind of code; the check digit of those that have one is checked.",
        "enum": ["any", "ean13", "ean8", "upca", "itf14", "code128", "qr"], "default": "any",
                      "x-layer": "free"},
    }  # fmt: skip

    def storage(self, options: Options) -> StorageType:
        return StorageType("text")

    def parse(self, raw: Any, options: Options) -> str | None:
        if raw is None:
            return None
        text = check_length(line(raw), _MAX_LENGTH)
        symbology = options.get("symbology", "any")
        length = _LENGTHS.get(symbology)
        if length is not None and text:
            text = _BETWEEN.sub("", narrow(text))
            if len(text) != length or not text.isdecimal() or not text.isascii() or not _checks(text):
                raise BadValue(
                    Message("“{value}” is no {symbology} code: it has {length} digits, the last one checks the others",
                            value=shown(raw), symbology=symbology.upper(), length=length)
                )  # fmt: skip
        elif symbology == "code128" and not text.isascii():
            raise BadValue(Message("Code 128 has no letters but those of ASCII"))
        return text or None

    def format(self, value: Any, options: Options, locale: Locale) -> str:
        return value or ""

    def json_schema(self, options: Options) -> dict[str, Any]:
        return {"type": "string", "maxLength": _MAX_LENGTH}

    def filters(self) -> tuple[str, ...]:
        return ("==", "starts_with", "contains", "!=", "in", "is None", "is not None")


def _checks(digits: str) -> bool:
    """Say whether the last digit fits the others, weighted 3 and 1 in turn from the right (GS1)."""
    return sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(reversed(digits))) % 10 == 0
