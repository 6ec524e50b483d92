"""`type: percent`: a share in hundredths."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.fields.base import Locale, Options, register
from engine.fields.cleaning import narrow
from engine.fields.number import Number
from engine.fields.numerals import numerals


@register
class Percent(Number):
    """A number of hundredths: 15 is 15 %, not 0.15. Expressions divide by 100 themselves."""

    name = "percent"

    def strip(self, raw: str, options: Options) -> str:
        text = narrow(raw).strip()
        return text.removesuffix("%").rstrip()

    def displayer(self, options: Options, locale: Locale) -> Callable[[Any], str]:
        language = numerals(locale.language)
        write, point = language.decimal, language.point

        def display(value: Any) -> str:
            if value is None:
                return ""
            digits = write(value)
            # Shares read best without idle zeros: 15 %, 12.5 %.
            return (digits.rstrip("0").rstrip(point) if point in digits else digits) + "%"

        return display
