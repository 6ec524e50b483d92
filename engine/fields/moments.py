"""Dates and times of day out of what people type, in English, Chinese and ISO 8601.

A form that two countries read differently (3/4/2026) is refused, never guessed.
"""

from __future__ import annotations

import re
from datetime import UTC, date, time, timedelta, timezone
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
        rf"(?P<day>\d{{1,2}})(?:st|nd|rd|th|\.)?[ -]?{_MONTH},?[ -]?(?P<year>\d{{4}})",
    )
]
# Behind a date: a day of the week says nothing more.
_WEEKDAY = re.compile(r" ?\(?(?:星期|周|礼拜)[一二三四五六日天]\)?")


def _same(hour: int) -> int:
    return hour


def _later(hour: int) -> int:
    return hour % 12 + 12


_MORNING = [(range(12), _same), (range(12, 13), lambda hour: 0)]
_AFTERNOON = [(range(1, 13), _later), (range(13, 24), _same)]
_EVENING = [(range(5, 12), _later), (range(17, 24), _same)]  # “晚上12点” is midnight to some, so it is refused
_PARTS_OF_DAY = {
    **dict.fromkeys(["am", "凌晨", "早上", "清晨", "上午"], _MORNING),
    **dict.fromkeys(["pm", "下午"], _AFTERNOON),
    **dict.fromkeys(["傍晚", "晚上"], _EVENING),
    "中午": [(range(11, 14), _same), (range(1, 2), _later)],
}
_TIME = re.compile(
    r"""(?P<before>[ap]\.?m\.?|凌晨|早上|清晨|上午|中午|下午|傍晚|晚上)? \s*
    (?:(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,](?P<fraction>\d{1,9}))?)?
    |(?P<zh_hour>\d{1,2})[ ]?[点时]
     (?:[ ]?(?:(?P<half>半)|整|(?P<zh_minute>\d{1,2})[ ]?分?(?:[ ]?(?P<zh_second>\d{1,2})[ ]?秒)?))?
    |(?P<en_hour>\d{1,2})(?=\s*[ap]\.?m))
    \s* (?P<after>[ap]\.?m\.?)?""",
    re.ASCII | re.IGNORECASE | re.VERBOSE,
)
_ZONE = re.compile(
    r" ?(?:(?P<utc>Z|UTC|GMT)"
    r"|(?P<sign>[+-])(?P<hours>\d{2}):?(?P<minutes>\d{2})?(?::(?P<seconds>\d{2}))?)",
    re.ASCII | re.IGNORECASE,
)
_BETWEEN = re.compile(r"T|,?\s+(?:at )?", re.IGNORECASE)


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
    """Return the hour of 24 for one of 12, or one of 24 that agrees with its part of the day; None when none does."""
    for hours, turned in _PARTS_OF_DAY[half_day]:
        if hour in hours:
            return turned(hour)
    return None


def offset_at_start(text: str) -> tuple[timezone, str] | None:
    """Return the distance to UTC that a text starts with, and the text behind it."""
    found = _ZONE.match(text)
    if found is None:
        return None
    if found["utc"]:
        return UTC, text[found.end() :]
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
    start = gap.end() if gap else 0
    if not start and text[len(text) - len(rest) - 1].isascii() and rest[0].isascii():
        return None  # digits that run on, "2026-11-223pm"; behind 日 a time may follow at once
    timed = time_at_start(rest[start:])
    if timed is None:
        return None
    clock, rest = timed
    if not rest.strip():
        return day, clock, None
    if (shifted := offset_at_start(rest)) is None or shifted[1].strip():
        return None
    return day, clock, shifted[0]
