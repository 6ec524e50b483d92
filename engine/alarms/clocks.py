"""Working hours and schedules: whether a moment lies outside of the ones, and whether the others have come."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from engine.alarms.rules import Hours
from engine.data.principal import zone
from engine.metadata.kinds.service import DAYS

_RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
_LOOKED_BACK = timedelta(days=2)
"""A schedule that was missed for longer is due all the same, once."""


def is_outside(hours: Hours, moment: datetime) -> bool:
    """Say whether a moment lies outside of working hours, where they are."""
    local = moment.astimezone(zone(hours.timezone))
    clock = f"{local:%H:%M}"
    if hours.calendar is None:
        return local.weekday() not in hours.weekdays or not hours.start <= clock < hours.end
    return not any(_within(spell, clock) for spell in _of_calendar(hours, local))


def _of_calendar(hours: Hours, local: datetime) -> Iterable[str]:
    """Return the working hours of a day."""
    assert hours.calendar is not None  # noqa: S101 - who calls has looked
    day = local.date().isoformat()
    worked = hours.calendar.get("workdays") or {}
    if day in worked:
        return worked[day] or ()
    if day in (hours.calendar.get("holidays") or {}):
        return ()
    return hours.calendar["week"].get(DAYS[local.weekday()]) or ()


def _within(spell: str, clock: str) -> bool:
    start, _, end = spell.partition("-")
    return start <= clock < end


def is_due(schedule: str, last: datetime, now: datetime, timezone: str) -> bool:
    """Say whether a schedule, as in cron, has come since `last`."""
    if now - last > _LOOKED_BACK:
        last = now - _LOOKED_BACK
    where = zone(timezone)
    fields = [_numbers(text, *limits) for text, limits in zip(schedule.split(), _RANGES, strict=True)]
    any_day, any_weekday = (schedule.split()[place] == "*" for place in (2, 4))
    moment = last.replace(second=0, microsecond=0) + timedelta(minutes=1)
    while moment <= now:
        local = moment.astimezone(where)
        day, weekday = local.day in fields[2], local.isoweekday() % 7 in {each % 7 for each in fields[4]}
        # As cron has it: when both are said, one of them is enough.
        fits = (day and weekday) if any_day or any_weekday else (day or weekday)
        if fits and local.minute in fields[0] and local.hour in fields[1] and local.month in fields[3]:
            return True
        moment += timedelta(minutes=1)
    return False


def _numbers(text: str, least: int, most: int) -> frozenset[int]:
    """Return what a part of a schedule stands for: `*`, `5`, `1-5`, `*/15`, `0,30`; nothing for what it cannot say."""
    found: set[int] = set()
    for part in text.split(","):
        span, _, step = part.partition("/")
        first, _, last = span.partition("-")
        try:
            start, end = (least, most) if span == "*" else (int(first), int(last or (most if step else first)))
            found.update(range(max(start, least), min(end, most) + 1, int(step or 1)))
        except ValueError:
            return frozenset()
    return frozenset(found)
