"""Stretches of days that numbers are about: by name, by two days, the one before, and the parts that make one up.

A week begins on Monday, as ISO 8601 and China have it; days are those of whoever asks.
"""

from __future__ import annotations

import calendar
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from engine.errors import BadValue
from engine.expression import Call, Expr, Literal, Path, Type, conjunction
from engine.expression.moments import zone
from engine.i18n import Message

MOST_PARTS = 800
"""Parts that a stretch is filled with; a longer one is left with its gaps."""
_QUARTER, _YEAR = 3, 12


@dataclass(frozen=True, slots=True)
class Period:
    """Days from the first to the last; None = open at that end."""

    first: date | None = None
    last: date | None = None
    months: int = 0
    """How many whole months it is; 0 when it is counted in days."""

    @property
    def open(self) -> bool:
        """Whether it has no end on some side."""
        return self.first is None or self.last is None

    def before(self) -> Period:
        """Return the period of the same length right before it: the month before a month, 7 days before 7 days."""
        if self.first is None or self.last is None:
            return self
        if self.months:
            return Period(_shifted(self.first, -self.months), self.first - timedelta(1), self.months)
        days = self.last - self.first + timedelta(1)
        return Period(self.first - days, self.first - timedelta(1))

    def so_far(self, now: Period, today: date) -> Period:
        """Return as many days of this earlier period as have passed of one that still runs: like with like."""
        if now.first is None or now.last is None or self.first is None or self.last is None:
            return self
        if not now.first <= today < now.last:
            return self
        return Period(self.first, min(self.first + (today - now.first), self.last))

    def year_before(self) -> Period:
        """Return the same days of the year before."""
        if self.first is None or self.last is None:
            return self
        last = _shifted(self.last + timedelta(1), -_YEAR) - timedelta(1) if self.months else _shifted(self.last, -_YEAR)
        return Period(_shifted(self.first, -_YEAR), last, self.months)


NAMED_PERIODS: Mapping[str, tuple[Message, Callable[[date], Period]]] = {
    "today": (Message("Today"), lambda today: Period(today, today)),
    "this_week": (Message("This week"), lambda today: _week(today, 0)),
    "last_week": (Message("Last week"), lambda today: _week(today, -1)),
    "this_month": (Message("This month"), lambda today: _months(today, 0, 1)),
    "last_month": (Message("Last month"), lambda today: _months(today, -1, 1)),
    "next_month": (Message("Next month"), lambda today: _months(today, 1, 1)),
    "this_quarter": (Message("This quarter"), lambda today: _months(today, 0, _QUARTER)),
    "last_quarter": (Message("Last quarter"), lambda today: _months(today, -1, _QUARTER)),
    "this_year": (Message("This year"), lambda today: _months(today, 0, _YEAR)),
    "last_year": (Message("Last year"), lambda today: _months(today, -1, _YEAR)),
    "last_7_days": (Message("Last 7 days"), lambda today: Period(today - timedelta(6), today)),
    "last_30_days": (Message("Last 30 days"), lambda today: Period(today - timedelta(29), today)),
    "last_90_days": (Message("Last 90 days"), lambda today: Period(today - timedelta(89), today)),
    "last_12_months": (Message("Last 12 months"), lambda today: _span(today, -11, _YEAR)),
}
"""Periods that a page offers, with their words."""


def period_of(words: str, today: date) -> Period:
    """Return a period: a word of `NAMED_PERIODS`, a day, or two days with dots between, one of which may be missing.

    Raises:
        BadValue: it is none of these.
    """
    if words in NAMED_PERIODS:
        return NAMED_PERIODS[words][1](today)
    lower, dots, upper = (part.strip() for part in words.partition(".."))
    try:
        first = date.fromisoformat(lower) if lower else None
        last = date.fromisoformat(upper) if upper else None
    except ValueError:
        raise _unknown(words) from None
    if not dots:
        last = first
    if (first is None and last is None) or (first is not None and last is not None and last < first):
        raise _unknown(words)
    return Period(first, last)


def within_period(path: str, kind: Type, period: Period, timezone: str) -> Expr | None:
    """Return the condition that a date lies in a period; None for one that is open on both sides.

    Moments are compared as moments, so that an index of the column serves.
    """
    field = Path(tuple(path.split(".")))
    parts: list[Expr] = []
    if period.first is not None:
        parts.append(Call(">=", (field, Literal(_edge(period.first, kind, timezone)))))
    if period.last is not None:
        following = period.last + timedelta(1) if period.last < date.max else period.last
        parts.append(Call("<", (field, Literal(_edge(following, kind, timezone)))))
    return conjunction(*parts) if parts else None


def period_of_label(label: str, unit: str) -> Period:
    """Return the days that a label of an answer stands for: `2026`, `2026-Q1`, `2026-03`, `2026-W11`, `2026-03-09`.

    Raises:
        ValueError: it is no such label.
    """
    if unit == "year":
        return Period(date(int(label), 1, 1), date(int(label), 12, 31), _YEAR)
    if unit == "quarter":
        year, quarter = label.split("-Q")
        first = date(int(year), int(quarter) * _QUARTER - 2, 1)
        return Period(first, _end(first, _QUARTER), _QUARTER)
    if unit == "month":
        first = date.fromisoformat(f"{label}-01")
        return Period(first, _end(first, 1), 1)
    if unit == "week":
        year, week = label.split("-W")
        first = date.fromisocalendar(int(year), int(week), 1)
        return Period(first, first + timedelta(6))
    day = date.fromisoformat(label)
    return Period(day, day)


def label_of(day: date, unit: str) -> str:
    """Return the label of the part that a day lies in."""
    if unit == "year":
        return f"{day.year:04d}"
    if unit == "quarter":
        return f"{day.year:04d}-Q{(day.month + 2) // 3}"
    if unit == "month":
        return f"{day.year:04d}-{day.month:02d}"
    if unit == "week":
        year, week, _ = day.isocalendar()
        return f"{year:04d}-W{week:02d}"
    return day.isoformat()


def parts_between(first: str, last: str, unit: str) -> list[str]:
    """Return every label from the first to the last, both ends included; empty when there are too many."""
    return list(_parts(period_of_label(first, unit).first, period_of_label(last, unit).first, unit))


def parts_in(period: Period, unit: str) -> list[str]:
    """Return the label of every part that a period touches; empty when it is open or has too many."""
    if period.first is None or period.last is None:
        return []
    return list(_parts(period_of_label(label_of(period.first, unit), unit).first, period.last, unit))


def _parts(at: date | None, last: date | None, unit: str) -> Iterator[str]:
    found: list[str] = []
    while at is not None and last is not None and at <= last:
        if len(found) == MOST_PARTS:
            return
        label = label_of(at, unit)
        found.append(label)
        end = period_of_label(label, unit).last
        at = None if end is None or end == date.max else end + timedelta(1)
    yield from found


def _edge(day: date, kind: Type, timezone: str) -> date | datetime:
    return datetime.combine(day, time(), zone(timezone)) if kind is Type.DATETIME else day


def _week(today: date, away: int) -> Period:
    monday = today - timedelta(today.weekday()) + timedelta(7 * away)
    return Period(monday, monday + timedelta(6))


def _months(today: date, away: int, length: int) -> Period:
    first = _shifted(date(today.year, (today.month - 1) // length * length + 1, 1), away * length)
    return Period(first, _end(first, length), length)


def _span(today: date, away: int, length: int) -> Period:
    first = _shifted(today.replace(day=1), away)
    return Period(first, _end(first, length), length)


def _end(first: date, months: int) -> date:
    following = first.year * _YEAR + first.month - 1 + months
    return date.max if following >= (date.max.year + 1) * _YEAR else _shifted(first, months) - timedelta(1)


def _shifted(day: date, months: int) -> date:
    """Return the day some months away, the last of its month where there is no such day."""
    number = day.year * _YEAR + day.month - 1 + months
    year, month = number // _YEAR, number % _YEAR + 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


def _unknown(words: str) -> BadValue:
    return BadValue(Message("“{value}” is no period", value=words[:80]))
