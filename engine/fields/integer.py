"""`type: integer`: a whole number."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from engine.fields.base import FieldType, Locale, Options, StorageType, register
from engine.fields.decimals import DIGITS, bound, fit, read_decimal
from engine.fields.number import Number, check_range

_USUAL = re.compile(r"-?[0-9]{1,18}").fullmatch


@register
class Integer(FieldType):
    """A whole number of at most 18 digits."""

    name = "integer"
    value_type = "number"
    properties = {
        "min": {"description": "The least that it may be.", "type": "integer", "x-layer": "free"},
        "max": {"description": "The most that it may be.", "type": "integer", "x-layer": "free"},
    }

    def storage(self, options: Options) -> StorageType:
        return StorageType("integer")

    def scale(self, options: Options) -> int:
        return 0

    def parse(self, raw: Any, options: Options) -> int | None:
        return self.parser(options)(raw)

    def parser(self, options: Options) -> Callable[[Any], int | None]:
        least, most = bound(options.get("min")), bound(options.get("max"))
        bounded = least is not None or most is not None

        def parse(raw: Any) -> int | None:
            if raw is None:
                return None
            if raw.__class__ is str:
                if _USUAL(raw):
                    value = int(raw)
                elif not raw or raw.isspace():
                    return None
                else:
                    value = int(fit(read_decimal(raw), 0))
            else:
                value = int(fit(read_decimal(raw), 0))
            if bounded:
                check_range(value, least, most)
            return value

        return parse

    def format(self, value: Any, options: Options, locale: Locale) -> str:
        return "" if value is None else str(value)

    display = Number.display
    displayer = Number.displayer
    check_options = Number.check_options

    def json_schema(self, options: Options) -> dict[str, Any]:
        most = 10**DIGITS - 1
        least, highest = options.get("min"), options.get("max")
        return {
            "type": "integer",
            "minimum": -most if least is None else least,
            "maximum": most if highest is None else highest,
        }

    def filters(self) -> tuple[str, ...]:
        return ("==", "!=", "<", "<=", ">", ">=", "between", "in", "is None", "is not None")
