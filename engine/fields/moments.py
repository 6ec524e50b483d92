"""Dates and times of day out of what people type, in English, Chinese and ISO 8601.

A form that two countries read differently (3/4/2026) is refused, never guessed.
"""

from __future__ import annotations

import re
from datetime import date, time, timedelta, timezone
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from engine.fields.cleaning import narrow

_MONTHS = {
    name: number
    for number, names in enumerate(
        "jan january, feb february, mar march, apr april, may, jun june, jul july, aug august, sep sept september,"
        " oct october, nov november, dec december".split(","),
        start=1,
    )
    for name in names.split()
}
_MONTH = rf"(?P<name>{'|'.join(sorted(_MONTHS, key=len, reverse=True))})\.?"
_DATE = [
    re.compile(pattern, re.ASCII | re.IGNORECASE)
    for pattern in (
        r"(?P<year>\d{4})(?P<mark>[-/.])(?P<month>\d{1,2})(?P=mark)(?P<day>\d{1,2})",
        r"(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})",
        r"(?P<year>\d{4}) ?年 ?(?P<month>\d{1,2}) ?月 ?(?P<day>\d{1,2}) ?[日号]?",
        rf"{_MONTH} ?(?P<day>\d{{1,2}})(?:st|nd|rd|th)?,? (?P<year>\d{{4}})",
        rf"(?P<day>\d{{1,2}})(?:st|nd|rd|th)?[ -]?{_MONTH},?[ -]?(?P<year>\d{{4}})",
    )
]
# Behind a date: a day of the week says nothing more.
_WEEKDAY = re.compile(r" ?\(?(?:星期|周|礼拜)[一二三四五六日天]\)?")
_NOON = 12
_TIME = re.compile(
    r"""(?P<before>[ap]\.?m\.?|凌晨|早上|清晨|上午|中午|下午|傍晚|晚上)? \s*
    (?:(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,](?P<fraction>\d{1,9}))?)?
    |(?P<zh_hour>\d{1,2})[ ]?[点时][ ]?(?:(?P<half>半)|整|(?P<zh_minute>\d{1,2})[ ]?分?(?:[ ]?(?P<zh_second>\d{1,2})[ ]?秒)?)?
    |(?P<en_hour>\d{1,2})(?=\s*[ap]\.?m))
    \s* (?P<after>[ap]\.?m\.?)?""",
    re.ASCII | re.IGNORECASE | re.VERBOSE,
)
_ZONE = re.compile(r" ?(?:(?P<utc>Z|UTC|GMT)|(?P<sign>[+-])(?P<hours>\d{2}):?(?P<minutes>\d{2})?(?::(?P<seconds>\d{2}))?)",
                   re.ASCII | re.IGNORECASE)  # fmt: skip
_BETWEEN = re.compile(r"[T \t]*", re.IGNORECASE)


@lru_cache(maxsize=512)
def zone(name: str) -> ZoneInfo:
    """Return an IANA time zone; UTC for a name that does not exist, so that no page breaks on a person's setting."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


def date_at_start(text: str) -> tuple[date, str] | None:
    """Return the date that a text starts with, and the text behind it; None when there is none.

    The text is narrow already, see `cleaning.narrow`.
    """
    for pattern in _DATE:
        found = pattern.match(text)
        if found is not None:
            parts = found.groupdict()
            month = _MONTHS[parts["name"].lower()] if parts.get("name") else int(parts["month"])
            try:
                day = date(int(parts["year"]), month, int(parts["day"]))
            except ValueError:
                return None
            rest = text[found.end() :]
            weekday = _WEEKDAY.match(rest)
            return day, rest[weekday.end() :] if weekday else rest
    return None


def time_at_start(text: str) -> tuple[time, str] | None:
    """Return the time of day that a text starts with, to the microsecond, and the text behind it."""
    found = _TIME.match(text)
    if found is None:
        return None
    hour = int(found["hour"] or found["zh_hour"] or found["en_hour"])
    minute = int(found["minute"] or found["zh_minute"] or (30 if found["half"] else 0))
    second = int(found["second"] or found["zh_second"] or 0)
    fraction = int((found["fraction"] or "0")[:6].ljust(6, "0"))
    half_day = found["before"] or found["after"]
    if half_day is not None:
        turned = _turn(hour, half_day.lower().replace(".", ""))
        if turned is None:
            return None
        hour = turned
    try:
        return time(hour, minute, second, fraction), text[found.end() :]
    except ValueError:
        return None


def _turn(hour: int, half_day: str) -> int | None:
    """Return the hour of 24 for one of 12, or one of 24 that agrees with its half of the day."""
    if half_day in {"am", "凌晨", "早上", "清晨", "上午"}:
        return {True: hour, hour == _NOON: 0}[True] if hour <= _NOON else None
    if half_day == "中午":
        return hour if 11 <= hour <= 13 else hour + _NOON if hour == 1 else None  # noqa: PLR2004 - about noon
    if half_day == "pm" and hour == 0:
        return None
    return hour + _NOON if hour < _NOON else hour


def offset_at_start(text: str) -> tuple[timezone, str] | None:
    """Return the distance to UTC that a text starts with, and the text behind it."""
    found = _ZONE.match(text)
    if found is None:
        return None
    if found["utc"]:
        return timezone.utc, text[found.end() :]
    distance = timedelta(
        hours=int(found["hours"]), minutes=int(found["minutes"] or 0), seconds=int(found["seconds"] or 0)
    )
    if distance >= timedelta(hours=24):
        return None
    return timezone(-distance if found["sign"] == "-" else distance), text[found.end() :]


def moment(text: str) -> tuple[date, time | None, timezone | None] | None:
    """Return date, time of day and distance to UTC of a text that is nothing else; None when it is something else."""
    text = narrow(text).strip()
    if (dated := date_at_start(text)) is None:
        return None
    day, rest = dated
    if not rest.strip():
        return day, None, None
    gap = _BETWEEN.match(rest)
    timed = time_at_start(rest[gap.end() :] if gap else rest)
    if timed is None:
        return None
    clock, rest = timed
    if not rest.strip():
        return day, clock, None
    if (shifted := offset_at_start(rest)) is None or shifted[1].strip():
        return None
    return day, clock, shifted[0]
