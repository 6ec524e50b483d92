"""Exact arithmetic, as all four back ends do it: nothing is ever a float, nothing is rounded unasked.

The Python back end works on int and Decimal. The functions over scaled integers at the end are what
SQLite calls where 64 bits or its own operators do not suffice (`sqlite.py`).
"""

from __future__ import annotations

import re
from decimal import MAX_EMAX, MIN_EMIN, ROUND_HALF_EVEN, Context, Decimal, Inexact
from typing import TypeAlias

Number: TypeAlias = "int | Decimal"

DIVISION_SCALE = 10
"""Decimals that `/` keeps."""

# Long enough for whatever `check` lets through; a result that would not fit is a defect and raises.
EXACT = Context(prec=2_000, rounding=ROUND_HALF_EVEN, Emin=MIN_EMIN, Emax=MAX_EMAX, traps=[Inexact])
_ROUNDING = Context(prec=2_000, rounding=ROUND_HALF_EVEN, Emin=MIN_EMIN, Emax=MAX_EMAX, traps=[])
_NUMBER = re.compile(r"[+-]?[0-9]{1,18}(?:\.[0-9]{1,10})?")


def canonical(value: Number) -> Decimal:
    """Return the number as a Decimal without trailing zeros, exponent or negative zero."""
    if isinstance(value, int):
        return Decimal(value)
    if not value:
        return Decimal(0)
    short = EXACT.normalize(value)
    return short if short.as_tuple().exponent <= 0 else EXACT.quantize(short, Decimal(1))  # type: ignore[operator]


def decimals(value: Number) -> int:
    """Return how many decimals the number has, trailing zeros left out."""
    if isinstance(value, int):
        return 0
    exponent = canonical(value).as_tuple().exponent
    return -exponent if isinstance(exponent, int) else 0


def unscaled(value: Number, scale: int) -> int:
    """Return value * 10**scale; the value has no more decimals than that."""
    return int(value * 10**scale) if isinstance(value, int) else int(EXACT.scaleb(value, scale))


def number_text(value: Number) -> str:
    """Return the number as people and JSON write it: "1.5", "1000", never "1E+3" or "-0"."""
    return str(value) if isinstance(value, int) else format(canonical(value), "f")


def number_of(text: str) -> Decimal | None:
    """Return the number that a text shows (at most 18 digits and 10 decimals), None when it shows none."""
    return Decimal(text) if _NUMBER.fullmatch(text) else None


def add(left: Number, right: Number) -> Number:
    """Return left + right."""
    return left + right if type(left) is int and type(right) is int else EXACT.add(left, right)


def subtract(left: Number, right: Number) -> Number:
    """Return left - right."""
    return left - right if type(left) is int and type(right) is int else EXACT.subtract(left, right)


def multiply(left: Number, right: Number) -> Number:
    """Return left * right."""
    return left * right if type(left) is int and type(right) is int else EXACT.multiply(left, right)


def negate(value: Number) -> Number:
    """Return -value."""
    return -value if type(value) is int else EXACT.minus(value)


def absolute(value: Number) -> Number:
    """Return the value without its sign."""
    return abs(value) if type(value) is int else EXACT.abs(value)


def _half_even(numerator: int, denominator: int) -> int:
    """Return the quotient rounded half to even; the denominator is not 0."""
    if denominator < 0:
        numerator, denominator = -numerator, -denominator
    quotient, rest = divmod(numerator, denominator)
    double = 2 * rest
    if double > denominator or (double == denominator and quotient & 1):
        quotient += 1
    return quotient


def divide(left: Number, right: Number) -> Decimal | None:
    """Return left / right with 10 decimals, half to even; None by 0."""
    if not right:
        return None
    over, under = left.as_integer_ratio(), right.as_integer_ratio()
    quotient = _half_even(over[0] * under[1] * 10**DIVISION_SCALE, over[1] * under[0])
    return EXACT.scaleb(Decimal(quotient), -DIVISION_SCALE)


def floor_divide(left: Number, right: Number) -> int | None:
    """Return the largest whole number not above left / right; None by 0."""
    if not right:
        return None
    over, under = left.as_integer_ratio(), right.as_integer_ratio()
    return (over[0] * under[1]) // (over[1] * under[0])


def modulo(left: Number, right: Number) -> Number | None:
    """Return left - right * (left // right), which has the sign of `right`; None by 0."""
    quotient = floor_divide(left, right)
    return None if quotient is None else subtract(left, multiply(right, quotient))


def round_half_even(value: Number, places: int = 0) -> Number:
    """Return the value with at most `places` decimals, half to even."""
    if isinstance(value, int):
        return value
    if not places:
        return int(_ROUNDING.to_integral_value(value))
    exponent = value.as_tuple().exponent
    if isinstance(exponent, int) and -exponent <= places:
        return value
    return _ROUNDING.quantize(value, Decimal(1).scaleb(-places))


# --- scaled integers, for SQLite ---------------------------------------------------------------------------------

_LARGEST = 2**63 - 1

Wide: TypeAlias = "int | str"
"""An integer of any size as SQLite can hold it: INTEGER where 64 bits suffice, else TEXT of its digits."""


def wide(value: int) -> Wide:
    """Return the integer in the form in which it goes back to SQLite."""
    return value if -_LARGEST <= value <= _LARGEST else str(value)


def from_scaled(raw: Wide, scale: int) -> Decimal:
    """Return the number that SQLite gave as a scaled integer."""
    return EXACT.scaleb(Decimal(int(raw)), -scale)


def wide_sum(left: Wide, left_factor: Wide, right: Wide, right_factor: Wide) -> Wide:
    """Return left * left_factor + right * right_factor."""
    return wide(int(left) * int(left_factor) + int(right) * int(right_factor))


def wide_product(left: Wide, right: Wide) -> Wide:
    """Return left * right."""
    return wide(int(left) * int(right))


def wide_quotient(left: Wide, left_scale: int, right: Wide, right_scale: int) -> Wide | None:
    """Return the scaled quotient of two scaled integers, at DIVISION_SCALE; None by 0."""
    divisor = int(right)
    if not divisor:
        return None
    return wide(_half_even(int(left) * 10 ** (right_scale + DIVISION_SCALE), divisor * 10**left_scale))


def wide_floor(left: Wide, left_factor: Wide, right: Wide, right_factor: Wide) -> Wide | None:
    """Return the floored quotient of left * left_factor and right * right_factor; None by 0."""
    divisor = int(right) * int(right_factor)
    return wide(int(left) * int(left_factor) // divisor) if divisor else None


def wide_modulo(left: Wide, left_factor: Wide, right: Wide, right_factor: Wide) -> Wide | None:
    """Return what `wide_floor` leaves over; None by 0."""
    divisor = int(right) * int(right_factor)
    return wide(int(left) * int(left_factor) % divisor) if divisor else None


def wide_round(value: Wide, factor: Wide) -> Wide:
    """Return value / factor rounded half to even."""
    return wide(_half_even(int(value), int(factor)))


def wide_compare(left: Wide, left_factor: Wide, right: Wide, right_factor: Wide) -> int:
    """Return -1, 0 or 1 as left * left_factor is below, equal to or above right * right_factor."""
    difference = int(left) * int(left_factor) - int(right) * int(right_factor)
    return (difference > 0) - (difference < 0)


def wide_text(value: Wide, scale: int) -> str:
    """Return the scaled integer as `number_text` writes the number."""
    return number_text(from_scaled(value, scale))
