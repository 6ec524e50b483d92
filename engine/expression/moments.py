"""Dates, times and what is computed from them, as all four back ends do it.

A result before the year 1 or after 9999 is missing. A date and a date with time are converted into each
other in a time zone that the caller names, the one in which `today` was computed.
"""

from __future__ import annotations

import calendar
import re
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

MAX_DAYS = 3_652_058
"""Days between the first and the last date."""
MAX_MONTHS = 12 * 9_999

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME = re.compile(r"([0-9]{2}):([0-9]{2})(?::([0-9]{2}))?")
_DATETIME = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[T ]([0-9]{2}:[0-9]{2}(?::[0-9]{2})?)(?:\.([0-9]{1,3}))?(Z|[+-][0-9]{2}:[0-9]{2})?"
)
MAX_OFFSET = timedelta(hours=15)


@lru_cache(maxsize=64)
def zone(name: str) -> ZoneInfo:
    """Return a time zone by its IANA name; UTC for a name that nobody knows."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


def date_of(text: str) -> date | None:
    """Return the date that a text YYYY-MM-DD names, None when there is no such day."""
    if not _DATE.fullmatch(text):
        return None
    return date_from(int(text[:4]), int(text[5:7]), int(text[8:]))


def date_from(year: int | Decimal, month: int | Decimal, day: int | Decimal) -> date | None:
    """Return the date of a year, month and day, None when there is no such day."""
    try:
        return date(int(year), int(month), int(day))
    except (ValueError, OverflowError):
        return None


def time_of(text: str) -> time | None:
    """Return the time of day that a text HH:MM or HH:MM:SS names, None when there is none."""
    found = _TIME.fullmatch(text)
    if found is None:
        return None
    hour, minute, second = (int(part or 0) for part in found.groups())
    return time(hour, minute, second) if hour < 24 and minute < 60 and second < 60 else None  # noqa: PLR2004


def datetime_of(text: str, zone_name: str = "UTC") -> datetime | None:
    """Return the moment that an ISO 8601 text names, in the zone unless the text gives an offset; else None."""
    found = _DATETIME.fullmatch(text)
    if found is None or (found[3] and len(found[2]) < 8):  # noqa: PLR2004 - no fraction without seconds
        return None
    day, clock = date_of(found[1]), time_of(found[2])
    if day is None or clock is None:
        return None
    moment = datetime.combine(day, clock).replace(microsecond=int((found[3] or "0").ljust(3, "0")) * 1000)
    offset = found[4]
    if offset is None:
        return _in_zone(moment, zone(zone_name))
    if offset == "Z":
        return moment.replace(tzinfo=UTC)
    hours, minutes = int(offset[1:3]), int(offset[4:])
    shift = timedelta(hours=hours, minutes=minutes)
    if minutes >= 60 or shift > MAX_OFFSET:  # noqa: PLR2004
        return None
    return _within(moment, -shift if offset[0] == "+" else shift)


def _within(moment: datetime, shift: timedelta) -> datetime | None:
    """Return naive moment + shift as UTC, None outside the calendar."""
    try:
        return (moment + shift).replace(tzinfo=UTC)
    except OverflowError:
        return None


def _in_zone(moment: datetime, where: ZoneInfo) -> datetime | None:
    """Return the moment at which clocks in the zone show this.

    In the hour that a clock change repeats the later one, in the hour that it skips the time before the
    change went on: both are the smaller of the two offsets, which is what PostgreSQL does.
    """
    offsets = [where.utcoffset(moment.replace(fold=fold)) for fold in (0, 1)]
    return _within(moment, -min(offset for offset in offsets if offset is not None))


def midnight(day: date, zone_name: str = "UTC", clock: time = time()) -> datetime | None:
    """Return the moment at which that date begins in the zone, or has that time of day."""
    return _in_zone(datetime.combine(day, clock), zone(zone_name))


def local_date(moment: datetime, zone_name: str = "UTC") -> date | None:
    """Return the date that a calendar in the zone shows at that moment."""
    try:
        return moment.astimezone(zone(zone_name)).date()
    except OverflowError:
        return None


def add_days(day: date, count: int | Decimal) -> date | None:
    """Return the date so many whole days later."""
    try:
        return day + timedelta(days=int(count))
    except OverflowError:
        return None


def add_days_to_moment(moment: datetime, count: int | Decimal) -> datetime | None:
    """Return the moment so many times 24 hours later."""
    try:
        return moment + timedelta(days=int(count))
    except OverflowError:
        return None


def days_between(start: date, end: date) -> int:
    """Return how many days `end` is after `start`."""
    return end.toordinal() - start.toordinal()


def add_months(day: date, count: int | Decimal) -> date | None:
    """Return the same day so many months later, the last of the month where that has fewer days."""
    month = day.year * 12 + day.month - 1 + int(count)
    year, month = divmod(month, 12)
    if not 1 <= year <= 9999:  # noqa: PLR2004
        return None
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def months_between(start: date, end: date) -> int:
    """Return how many whole months `end` is after `start`; below 0 when it is before."""
    if end < start:
        return -months_between(end, start)
    months = (end.year - start.year) * 12 + end.month - start.month
    if end.day < start.day and end.day != calendar.monthrange(end.year, end.month)[1]:
        months -= 1
    return months


def date_text(day: date) -> str:
    """Return the date as YYYY-MM-DD."""
    return day.isoformat()


def datetime_text(moment: datetime) -> str:
    """Return the moment as YYYY-MM-DDTHH:MM:SS.mmmZ, the form in which SQLite and JSON hold it."""
    if moment.tzinfo is not UTC:
        moment = moment.astimezone(UTC)
    return f"{moment.replace(tzinfo=None).isoformat('T', 'milliseconds')}Z"


def time_text(clock: time) -> str:
    """Return the time of day as HH:MM:SS."""
    return clock.isoformat("seconds")
