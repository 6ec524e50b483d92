"""What SQLite lacks, registered on a connection: the same functions that the Python back end runs.

Numbers go in and out as scaled integers, INTEGER or (beyond 64 bits) TEXT of their digits; dates and
times as the ISO texts that columns hold. Every function is NULL when an argument is.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from engine.expression import moments, numbers, texts
from engine.expression.numbers import Wide, wide


def register_functions(dbapi_connection: Any) -> None:
    """Register every function on an open sqlite3 connection; to be done for each new one."""
    for name, count, function in FUNCTIONS:
        dbapi_connection.create_function(name, count, function, deterministic=True)
    dbapi_connection.create_aggregate("gx_total", 1, Total)


class Total:
    """The aggregate gx_total: a sum of integers of any size, 0 of none."""

    def __init__(self) -> None:
        self._sum = 0

    def step(self, value: Wide | None) -> None:
        """Add one row's value."""
        if value is not None:
            self._sum += int(value)

    def finalize(self) -> Wide:
        """Return the sum."""
        return wide(self._sum)


def _strict(function: Callable[..., Any]) -> Callable[..., Any]:
    def answer(*values: Any) -> Any:
        return None if None in values else function(*values)

    return answer


def _parse_number(text: str) -> Wide | None:
    found = numbers.number_of(text)
    return None if found is None else wide(numbers.unscaled(found, numbers.DIVISION_SCALE))


def _decimal_text(text: str) -> Wide:
    return wide(numbers.unscaled(Decimal(text), numbers.DIVISION_SCALE))


def _fit(value: Wide, factor_up: Wide, factor_down: Wide, limit: int) -> int | None:
    number = int(numbers.wide_round(int(value) * int(factor_up), factor_down))
    return number if -limit <= number <= limit else None


def _day(text: str) -> date:
    return date.fromisoformat(text)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _date_answer(found: date | None) -> str | None:
    return None if found is None else found.isoformat()


def _moment_answer(found: datetime | None) -> str | None:
    return None if found is None else moments.datetime_text(found)


def _time_answer(found: time | None) -> str | None:
    return None if found is None else moments.time_text(found)


def _extreme(choose: Callable[..., Any], key: Callable[[Any], Any] | None) -> Callable[..., Any]:
    def answer(*values: Any) -> Any:
        return choose((value for value in values if value is not None), key=key, default=None)

    return answer


FUNCTIONS: tuple[tuple[str, int, Callable[..., Any]], ...] = (
    ("gx_sum", 4, _strict(numbers.wide_sum)),
    ("gx_product", 2, _strict(numbers.wide_product)),
    ("gx_quotient", 4, _strict(numbers.wide_quotient)),
    ("gx_floor", 4, _strict(numbers.wide_floor)),
    ("gx_modulo", 4, _strict(numbers.wide_modulo)),
    ("gx_round", 2, _strict(numbers.wide_round)),
    ("gx_compare", 4, _strict(numbers.wide_compare)),
    ("gx_abs", 1, _strict(lambda value: wide(abs(int(value))))),
    ("gx_fit", 4, _strict(_fit)),
    ("gx_number", 1, _strict(_parse_number)),
    ("gx_decimal", 1, _strict(_decimal_text)),
    ("gx_number_text", 2, _strict(numbers.wide_text)),
    ("gx_least", -1, _extreme(min, None)),
    ("gx_greatest", -1, _extreme(max, None)),
    ("gx_wide_least", -1, _extreme(min, int)),
    ("gx_wide_greatest", -1, _extreme(max, int)),
    ("gx_lower", 1, _strict(texts.lower)),
    ("gx_upper", 1, _strict(texts.upper)),
    ("gx_starts_with", 2, _strict(texts.starts_with)),
    ("gx_ends_with", 2, _strict(texts.ends_with)),
    ("gx_date", 1, _strict(lambda text: _date_answer(moments.date_of(text)))),
    (
        "gx_date_from",
        3,
        _strict(lambda year, month, day: _date_answer(moments.date_from(int(year), int(month), int(day)))),
    ),
    ("gx_time", 1, _strict(lambda text: _time_answer(moments.time_of(text)))),
    ("gx_datetime", 2, _strict(lambda text, zone: _moment_answer(moments.datetime_of(text, zone)))),
    ("gx_local_date", 2, _strict(lambda text, zone: _date_answer(moments.local_date(_moment(text), zone)))),
    ("gx_midnight", 2, _strict(lambda day, zone: _moment_answer(moments.midnight(_day(day), zone)))),
    (
        "gx_moment_from",
        3,
        _strict(lambda day, clock, zone: _moment_answer(moments.midnight(_day(day), zone, time.fromisoformat(clock)))),
    ),
    ("gx_add_days", 2, _strict(lambda day, count: _date_answer(moments.add_days(_day(day), int(count))))),
    (
        "gx_add_days_to_moment",
        2,
        _strict(lambda moment, count: _moment_answer(moments.add_days_to_moment(_moment(moment), int(count)))),
    ),
    ("gx_add_months", 2, _strict(lambda day, count: _date_answer(moments.add_months(_day(day), int(count))))),
    ("gx_months_between", 2, _strict(lambda start, end: moments.months_between(_day(start), _day(end)))),
)
