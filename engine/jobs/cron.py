"""When something is done again and again: the five fields of cron, in a time zone.

Clocks that are put forward skip nothing: what falls into the missing hour is done at its end. Clocks that are put back
repeat nothing: what is due at a time of day is done the first time that the clock shows it, once. What is due in every
hour is due in the hour that comes twice, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from engine.errors import GuanxiError
from engine.i18n import Message

_FIELDS: Final = (("minute", 0, 59), ("hour", 0, 23), ("day", 1, 31), ("month", 1, 12), ("weekday", 0, 7))
_NAMES: Final[dict[str, tuple[str, ...]]] = {
    "month": ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"),
    "weekday": ("sun", "mon", "tue", "wed", "thu", "fri", "sat"),
}
_DAYS_AHEAD: Final = 366 * 8
"""So far apart are two 29ths of February at most."""
_HOURS: Final = 24


@dataclass(frozen=True, slots=True)
class Cron:
    """A rule such as `30 2 * * 1-5`: minute, hour, day of the month, month, day of the week (0 and 7 are Sunday)."""

    text: str
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    either: bool
    """Whether both days are restricted: then it is enough that one of them fits, as everywhere with cron."""

    @classmethod
    def parse(cls, text: str) -> Cron:
        """Read a rule.

        Raises:
            GuanxiError: it is none, or none that ever comes.
        """
        parts = text.split()
        if len(parts) != len(_FIELDS):
            raise GuanxiError(
                Message("{text} is no cron rule: it has five fields, as in 30 2 * * 1-5", text=repr(text))
            )
        minutes, hours, days, months, weekdays = (
            _values(part, *field, text) for part, field in zip(parts, _FIELDS, strict=True)
        )
        rule = cls(
            " ".join(parts), tuple(sorted(minutes)), tuple(sorted(hours)), days, months,
            frozenset(day % 7 for day in weekdays), not parts[2].startswith("*") and not parts[4].startswith("*"),
        )  # fmt: skip
        if rule.after(datetime(2000, 1, 1, tzinfo=UTC), ZoneInfo("UTC")) is None:
            raise GuanxiError(Message("{text} never comes", text=repr(text)))
        return rule

    def after(self, moment: datetime, zone: ZoneInfo) -> datetime | None:
        """Return the first time after a moment, in UTC; None when there is none within eight years.

        Args:
            moment: aware.
            zone: whose clocks count.
        """
        moment = moment.astimezone(UTC)
        day = moment.astimezone(zone).date() - timedelta(days=1)
        for _ in range(_DAYS_AHEAD):
            if self._on(day):
                found = min((at for at in self._times(day, zone) if at > moment), default=None)
                if found is not None:
                    return found
            day += timedelta(days=1)
        return None

    def _times(self, day: date, zone: ZoneInfo) -> Iterator[datetime]:
        always = len(self.hours) == _HOURS
        for hour in self.hours:
            for minute in self.minutes:
                yield _first(day, hour, minute, zone)
                if always:
                    local = datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone, fold=1)
                    again = local.astimezone(UTC)
                    if again.astimezone(zone).replace(tzinfo=None) == local.replace(tzinfo=None):
                        yield again

    def _on(self, day: date) -> bool:
        if day.month not in self.months:
            return False
        of_month, of_week = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        return of_month or of_week if self.either else of_month and of_week


def _first(day: date, hour: int, minute: int, zone: ZoneInfo) -> datetime:
    """Return the first moment at which clocks show a time or, where they skip it, the one at which they go on."""
    local = datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone)
    at = local.astimezone(UTC)
    if at.astimezone(zone).replace(tzinfo=None) == local.replace(tzinfo=None):
        return at
    # The clocks skip it: between the two offsets lies the moment at which they do.
    early, late = local.replace(fold=1).astimezone(UTC), at
    low, high = min(early, late), max(early, late)
    before = low.astimezone(zone).utcoffset()
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) / 2
        if middle.astimezone(zone).utcoffset() == before:
            low = middle
        else:
            high = middle
    return high.replace(microsecond=0)


def _values(part: str, name: str, least: int, most: int, text: str) -> frozenset[int]:
    found: set[int] = set()
    for piece in part.lower().split(","):
        span, slash, step_text = piece.partition("/")
        step = _number(step_text, name, text) if slash else 1
        if span == "*":
            first, last = least, most
        else:
            begin, dash, end = span.partition("-")
            first = _number(begin, name, text)
            last = _number(end, name, text) if dash else most if slash else first
        if not (least <= first <= last <= most and step >= 1):
            raise GuanxiError(
                Message(
                    "{text} is no cron rule: {part} is not within {least} to {most}",
                    text=repr(text), part=piece, least=least, most=most,
                )
            )  # fmt: skip
        found.update(range(first, last + 1, step))
    return frozenset(found)


def _number(word: str, name: str, text: str) -> int:
    names = _NAMES.get(name, ())
    if word in names:
        return names.index(word) + (1 if name == "month" else 0)
    if not (word.isascii() and word.isdecimal()):
        raise GuanxiError(Message("{text} is no cron rule: {part} is no number", text=repr(text), part=repr(word)))
    return int(word)
