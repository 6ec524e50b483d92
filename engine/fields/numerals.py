"""How a language writes numbers and amounts, worked out once per language so that a list of them is quick to show."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache

from engine.fields import currencies

Writer = Callable[[Decimal | int], str]

_ONE = re.compile(r"1(?:[.,]0+)?")


@lru_cache(maxsize=64)
def babel_locale(language: str) -> str:
    """Return the name by which Babel knows a language, "en" for one that it does not know."""
    from babel import Locale, UnknownLocaleError

    try:
        return str(Locale.parse(language.replace("-", "_")))
    except (UnknownLocaleError, ValueError):
        return "en"


@lru_cache(maxsize=64)
def number_writer(language: str) -> Writer:
    """Return what writes a number with grouped digits and all of its decimals: "1,234.50"."""
    from babel import Locale
    from babel.numbers import format_decimal, get_decimal_symbol, get_group_symbol

    locale = babel_locale(language)
    point, group = get_decimal_symbol(locale), get_group_symbol(locale)
    sample = format_decimal(Decimal("-1234567.5"), locale=locale)
    if sample == "-1,234,567.5":
        return lambda value: f"{value:,}"
    if sample == f"-1{group}234{group}567{point}5":
        signs = str.maketrans({",": group, ".": point})
        return lambda value: f"{value:,}".translate(signs)
    whole = Locale.parse(locale).decimal_formats[None].pattern.partition(".")[0]

    def write(value: Decimal | int) -> str:
        # Other digits, or other groups than of three: Babel writes each number itself.
        decimals = len(f"{value:f}".partition(".")[2])
        return format_decimal(value, f"{whole}.{'0' * decimals}" if decimals else whole, locale=locale)

    return write


@lru_cache(maxsize=64)
def percent_writer(language: str) -> Writer:
    """Return what writes hundredths without idle zeros: "12.5%"."""
    write = number_writer(language)

    def percent(value: Decimal | int) -> str:
        # An integer has no zeros behind the point, and "f" keeps a round number from turning into 1E+2.
        shortest = Decimal(f"{Decimal(value).normalize():f}")
        return f"{write(shortest)}%"

    return percent


@lru_cache(maxsize=256)
def money_writer(language: str, currency: str, home: str) -> Writer:
    """Return what writes amounts of a currency; that of the site, `home`, goes by its plain sign: "¥", not "CN¥"."""
    from babel.numbers import format_currency, get_currency_symbol

    locale, write = babel_locale(language), number_writer(language)
    symbol = get_currency_symbol(currency, locale=locale)
    shown = currencies.sign(currency) or symbol if currency == home else symbol
    positive, negative = (
        _ONE.split(format_currency(Decimal(one), currency, locale=locale).replace(symbol, shown), maxsplit=1)
        for one in (1, -1)
    )
    if len(positive) != 2 or len(negative) != 2:  # noqa: PLR2004 - other digits: Babel writes each amount itself
        return lambda value: format_currency(value, currency, locale=locale)
    before, after = _spaced(*positive)
    negative_before, negative_after = _spaced(*negative)

    def money(value: Decimal | int) -> str:
        if value < 0:
            return f"{negative_before}{write(-value)}{negative_after}"
        return f"{before}{write(value)}{after}"

    return money


def _spaced(before: str, after: str) -> tuple[str, str]:
    """Keep letters off the digits: "KWD 1.234" with a blank that does not break."""
    return (
        f"{before}\u00a0" if before[-1:].isalpha() else before,
        f"\u00a0{after}" if after[:1].isalpha() else after,
    )
