"""How a language writes numbers, worked out once per language so that a list of numbers is quick to show."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

_ONE = re.compile(r"1(?:[.,٫]0+)?|١(?:٫٠+)?|۱(?:٫۰+)?|१(?:\.०+)?")


@dataclass(frozen=True, slots=True)
class Numerals:
    """The writers of one language."""

    decimal: Callable[[Decimal | int], str]
    """Writes a number with grouped digits and all of its decimals."""
    point: str
    group: str


@lru_cache(maxsize=64)
def babel_locale(language: str) -> str:
    """Return the name by which Babel knows a language, "en" for one that it does not know."""
    from babel import Locale, UnknownLocaleError

    try:
        return str(Locale.parse(language.replace("-", "_")))
    except (UnknownLocaleError, ValueError):
        return "en"


@lru_cache(maxsize=64)
def numerals(language: str) -> Numerals:
    """Return the writers of a language."""
    from babel.numbers import format_decimal, get_decimal_symbol, get_group_symbol

    locale = babel_locale(language)
    point, group = get_decimal_symbol(locale), get_group_symbol(locale)
    sample = format_decimal(Decimal("-1234567.5"), locale=locale)
    if sample == "-1,234,567.5":
        return Numerals(lambda value: f"{value:,}", point, group)
    if sample == f"-1{group}234{group}567{point}5":
        signs = str.maketrans({",": group, ".": point})
        return Numerals(lambda value: f"{value:,}".translate(signs), point, group)

    def write(value: Decimal | int) -> str:
        # Other digits, or other groups than of three.
        return format_decimal(value, locale=locale, decimal_quantization=False)

    return Numerals(write, point, group)


@lru_cache(maxsize=256)
def currency_affixes(language: str, currency: str) -> tuple[str, str, str, str]:
    """Return what stands before and after an amount, and before and after a negative one: ("¥", "", "-¥", "")."""
    from babel.numbers import format_currency

    locale = babel_locale(language)
    before, after = _ONE.split(format_currency(Decimal(1), currency, locale=locale), maxsplit=1)
    negative_before, negative_after = _ONE.split(format_currency(Decimal(-1), currency, locale=locale), maxsplit=1)
    return before, after, negative_before, negative_after
