"""Exact numbers from what people type: grouped, full-width, with 万 and 亿, in brackets when negative."""

from __future__ import annotations

import math
import re
from decimal import ROUND_HALF_EVEN, Context, Decimal, InvalidOperation
from typing import Any

from engine.errors import BadValue
from engine.fields.cleaning import narrow, shown
from engine.i18n import Message

DIGITS = 18
"""Digits that a stored number may have in all: NUMERIC(18, n) on PostgreSQL, a 64-bit integer on SQLite."""

EXACT = Context(prec=80, rounding=ROUND_HALF_EVEN, traps=[InvalidOperation])
"""Never the thread's own context, which other code may change."""

_NUMBER = re.compile(
    r"""(?P<open>\()? \s*
    (?P<sign>[+-])? \s*
    (?P<whole>\d{1,40} | \d{1,3}(?:,\d{3})+ | \d{1,3}(?:[ ]\d{3})+)?
    (?P<fraction>\.\d{0,40})?
    (?:[eE](?P<power>[+-]?\d{1,3}))?
    \s* (?P<unit>万亿|千万|百万|[千万亿])? \s*
    (?P<close>\))?""",
    re.ASCII | re.VERBOSE,
)
_UNITS = {None: 0, "千": 3, "万": 4, "百万": 6, "千万": 7, "亿": 8, "万亿": 12}
_NOISE = 4
"""Units in the last place by which a float may miss the decimal that was meant: sums such as 0.1 + 0.2."""


def not_a_number(raw: Any) -> BadValue:
    """Return the refusal of something that is no number."""
    return BadValue(Message("“{value}” is not a number, such as {example}", value=shown(raw), example="1,234.50"))


def read_decimal(raw: Any) -> Decimal:
    """Return the number that a text, a JSON number or a Python number means, with all its digits.

    Raises:
        BadValue: it is no number, or not a finite one.
    """
    if isinstance(raw, str):
        return _read_text(raw)
    if isinstance(raw, bool):
        raise not_a_number(raw)
    if isinstance(raw, int):
        # Turning a very long int into digits is slow, and no such number is kept anyway.
        return Decimal(raw) if raw.bit_length() < 256 else Decimal(10) ** 40  # noqa: PLR2004
    if isinstance(raw, float) and math.isfinite(raw):
        return Decimal(repr(raw))
    if isinstance(raw, Decimal) and raw.is_finite():
        return raw
    raise not_a_number(raw)


def _read_text(raw: str) -> Decimal:
    text = narrow(raw).strip()
    found = _NUMBER.fullmatch(text) if len(text) <= 100 else None  # noqa: PLR2004 - longer than any number
    if found is None or (found["open"] is None) != (found["close"] is None) or (found["open"] and found["sign"]):
        raise not_a_number(raw)
    digits = (found["whole"] or "").replace(",", "").replace(" ", "") + (found["fraction"] or "")
    if not digits.strip("."):
        raise not_a_number(raw)
    number = Decimal(digits).scaleb(int(found["power"] or 0) + _UNITS[found["unit"]], EXACT)
    return number.copy_negate() if found["sign"] == "-" or found["open"] else number


def fit(number: Decimal, scale: int, *, source: Any = None) -> Decimal:
    """Return the number with exactly `scale` decimals.

    `source` is the float that the number was made from, if any: the noise in its last digits is dropped.

    Raises:
        BadValue: it has more decimals, or more than 18 digits in all.
    """
    if number.adjusted() >= DIGITS - scale and number:
        raise BadValue(Message("Too large: at most {digits} digits before the point", digits=DIGITS - scale))
    if number.adjusted() < -DIGITS * 2 and number:
        raise too_precise(scale)
    fitted = number.quantize(Decimal(1).scaleb(-scale), context=EXACT)
    if fitted != number and not (
        isinstance(source, float) and abs(float(fitted) - source) <= _NOISE * math.ulp(source)
    ):
        raise too_precise(scale)
    if fitted.adjusted() >= DIGITS - scale and fitted:
        raise BadValue(Message("Too large: at most {digits} digits before the point", digits=DIGITS - scale))
    return fitted or fitted.copy_abs()  # minus zero is zero


def too_precise(scale: int) -> BadValue:
    """Return the refusal of a number with more decimals than its field keeps."""
    if scale == 0:
        return BadValue(Message("Must be a whole number"))
    return BadValue(Message("At most {decimals} decimals", decimals=scale))


def plain(number: Decimal) -> str:
    """Return digits that read back exactly: "1234.50"; never an exponent."""
    return format(number, "f")


def bound(value: Any) -> Decimal | None:
    """Return a limit out of a document as an exact number."""
    return None if value is None else read_decimal(value)
