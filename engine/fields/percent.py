"""`type: percent`: a share in hundredths."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.fields.base import Locale, Options, register
from engine.fields.cleaning import narrow
from engine.fields.number import Number
from engine.fields.numerals import percent_writer


@register
class Percent(Number):
    """A number of hundredths: 15 is 15 %, not 0.15. Expressions divide by 100 themselves."""

    name = "percent"

    def bare(self, raw: str, options: Options) -> str:
        text = narrow(raw).strip()
        return text.removesuffix("%").rstrip() or text

    def displayer(self, options: Options, locale: Locale) -> Callable[[Any], str]:
        write = percent_writer(locale.language)
        return lambda value: "" if value is None else write(value)
