"""`type: number`: an exact decimal number."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

from engine.errors import BadValue
from engine.fields.base import FieldType, Locale, Options, StorageType, register
from engine.fields.decimals import DIGITS, EXACT, bound, fit, plain, read_decimal
from engine.fields.numerals import number_writer
from engine.i18n import Message

DECIMALS = 2


@register
class Number(FieldType):
    """A decimal with a fixed count of decimals, 18 digits in all; never a float, so that sums stay exact."""

    name = "number"
    value_type = "number"
    properties = {
        "decimals": {
            "description": "Decimals that it keeps.",
            "type": "integer",
            "minimum": 0,
            "maximum": 10,
            "default": DECIMALS,
            "x-layer": "widen",
        },
        "min": {"description": "The least that it may be.", "type": "number", "x-layer": "free"},
        "max": {"description": "The most that it may be.", "type": "number", "x-layer": "free"},
    }

    def storage(self, options: Options) -> StorageType:
        return StorageType("decimal", self.decimals(options))

    def decimals(self, options: Options) -> int:
        """Return how many decimals a value keeps."""
        return int(options.get("decimals", DECIMALS))

    def scale(self, options: Options) -> int:
        return self.decimals(options)

    def bare(self, raw: str, options: Options) -> str:
        """Return what a person typed without a sign of percent or currency, which subclasses take off."""
        return raw

    def parse(self, raw: Any, options: Options) -> Decimal | None:
        return self.parser(options)(raw)

    def parser(self, options: Options) -> Callable[[Any], Decimal | None]:
        scale = self.decimals(options)
        # What most programs and people send: digits that surely fit, with no more decimals than are kept.
        usual = re.compile(
            rf"-?[0-9]{{1,{DIGITS - scale}}}" + (rf"(?:\.[0-9]{{1,{scale}}})?" if scale else "")
        ).fullmatch
        unit, exact = Decimal(1).scaleb(-scale), EXACT
        least, most = bound(options.get("min")), bound(options.get("max"))
        bounded = least is not None or most is not None

        def parse(raw: Any) -> Decimal | None:
            if raw is None:
                return None
            if raw.__class__ is str and usual(raw):
                value = Decimal(raw).quantize(unit, context=exact)
                if not value:
                    value = value.copy_abs()
            else:
                if isinstance(raw, str):
                    raw = self.bare(raw, options)
                    if not raw or raw.isspace():
                        return None
                value = fit(read_decimal(raw), scale, source=raw)
            if bounded:
                check_range(value, least, most)
            return value

        return parse

    def format(self, value: Any, options: Options, locale: Locale) -> str:
        return "" if value is None else plain(value)

    def display(self, value: Any, options: Options, locale: Locale) -> str:
        return self.displayer(options, locale)(value)

    def displayer(self, options: Options, locale: Locale) -> Callable[[Any], str]:
        write = number_writer(locale.language)
        return lambda value: "" if value is None else write(value)

    def to_json(self, value: Any, options: Options) -> str | None:
        return None if value is None else plain(value)

    def json_schema(self, options: Options) -> dict[str, Any]:
        scale = self.decimals(options)
        fraction = rf"(\.[0-9]{{1,{scale}}})?" if scale else ""
        return {
            "type": "string",
            "format": "decimal",
            "pattern": rf"^-?[0-9]{{1,{DIGITS - scale}}}{fraction}$",
        }

    def input_schema(self, options: Options) -> dict[str, Any]:
        number: dict[str, Any] = {"type": "number"}
        limits = {"minimum": options.get("min"), "maximum": options.get("max")}
        number.update({word: limit for word, limit in limits.items() if limit is not None})
        return {"anyOf": [self.json_schema(options), number]}

    def filters(self) -> tuple[str, ...]:
        return ("==", "!=", "<", "<=", ">", ">=", "between", "is None", "is not None")

    def check_options(self, options: Options) -> Iterable[tuple[str, Message]]:
        limits = {}
        for name in ("min", "max"):
            try:
                limits[name] = bound(options.get(name))
            except BadValue as error:  # YAML can write infinity
                yield name, error.message
                return
        least, most = limits["min"], limits["max"]
        if least is not None and most is not None and least > most:
            yield "min", Message("min is more than max")


def check_range(value: Decimal | int, least: Decimal | None, most: Decimal | None) -> None:
    """Do nothing for a value between the limits.

    Raises:
        BadValue: it is outside.
    """
    if least is not None and value < least:
        raise BadValue(Message("Must be at least {min}", min=plain(least)))
    if most is not None and value > most:
        raise BadValue(Message("Must be at most {max}", max=plain(most)))
