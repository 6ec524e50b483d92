"""Days and moments as lists show them: without the year where it is this year's, without the time where it is not.

Each language's own patterns are asked of Babel once for each day of a year and each minute of a day, never per cell.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_skeleton, format_time, get_datetime_format

_LEAP_YEAR = 2024
_LANGUAGES = 16
_DAYS_OF_YEAR = 366
_MINUTES_OF_DAY = 1440
_DAYS_KEPT = 4096


def zone(name: str) -> ZoneInfo:
    """Return a time zone; UTC for a name that this machine does not know."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


@lru_cache(maxsize=_LANGUAGES)
def _locale(language: str) -> str:
    try:
        return str(Locale.parse(language.replace("-", "_")))
    except (UnknownLocaleError, ValueError):
        return "en"


@lru_cache(maxsize=_LANGUAGES)
def day_writer(language: str) -> Callable[[date, int], str]:
    """Return what writes a day, given the year that it is now: "Nov 22", "Nov 22, 2025"."""
    locale = _locale(language)

    @lru_cache(maxsize=_DAYS_OF_YEAR)
    def short(month: int, day: int) -> str:
        return str(format_skeleton("MMMd", date(_LEAP_YEAR, month, day), locale=locale))

    @lru_cache(maxsize=_DAYS_KEPT)
    def full(day: date) -> str:
        return str(format_date(day, locale=locale))

    def write(day: date, this_year: int) -> str:
        return short(day.month, day.day) if day.year == this_year else full(day)

    return write


@lru_cache(maxsize=_LANGUAGES)
def moment_writer(language: str) -> Callable[[datetime, int], str]:
    """Return what writes a local moment, given the year that it is now: "Nov 22, 6:25 PM", "Nov 22, 2025"."""
    locale, day = _locale(language), day_writer(language)
    frame = str(get_datetime_format("medium", locale=locale)).replace("'", "")

    @lru_cache(maxsize=_MINUTES_OF_DAY)
    def clock(hour: int, minute: int) -> str:
        return str(format_time(time(hour, minute), "short", locale=locale))

    def write(moment: datetime, this_year: int) -> str:
        if moment.year != this_year:
            return day(moment.date(), this_year)
        return frame.replace("{1}", day(moment, this_year)).replace("{0}", clock(moment.hour, moment.minute))

    return write
