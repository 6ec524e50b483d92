"""The calendar of a list: a month, a week, a day, or an agenda; for any entity that has a date."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from babel.dates import format_skeleton
from flask import render_template
from markupsafe import Markup

from engine import Entity, Query, Reader, View
from engine import offered as offered_view
from ui.asking import language
from ui.frame import said, words
from ui.pages import displays
from ui.pages.boards.days import (
    Event,
    Placed,
    Spec,
    calendar_spec,
    dates_of,
    days_from,
    events_of,
    first_weekday,
    placed,
    week_of,
)
from ui.pages.displays import Display, Drawn
from ui.pages.listing import Listing

KEY = "calendar"
SPANS = ("month", "week", "day", "agenda")
LANES = 3
"""Events of one day that a month shows; the others are behind "n more"."""
SLOT = 30
"""Minutes of one row of a day."""
SLOTS = 24 * 60 // SLOT
_WEEK = 7
_AGENDA = 31
_MOST_ASIDE = 6
"""Events beside one another at one time."""
_OTHERS = 2
"""Further entities on the same days."""


@dataclass(slots=True)
class Day:
    """One day of a calendar."""

    date: date
    number: int
    name: str
    """In full: "Wed, Mar 4"."""
    address: str
    new: str = ""
    today: bool = False
    outside: bool = False
    """Whether it belongs to the month before or after."""
    more: int = 0
    events: list[Event] = field(default_factory=list)
    timed: list[Slotted] = field(default_factory=list)


@dataclass(slots=True)
class Slotted:
    """An event at its time of day."""

    event: Event
    row: int
    """From 1."""
    height: int
    aside: int = 0
    """How many stand before it at the same time."""
    of: int = 1


@dataclass(slots=True)
class Week:
    """One row of a month."""

    days: list[Day]
    bars: list[Placed]
    number: int


def _fits(reader: Reader, entity: Entity, view: View) -> bool:
    return calendar_spec(reader, entity, view) is not None and (
        view.calendar is not None or any(not entity.fields[key].system for key in dates_of(reader, entity))
    )


def draw(reader: Reader, asked: Listing) -> Drawn:
    """Return the calendar of a list."""
    wanted = asked.wanted
    spec = calendar_spec(reader, wanted.entity, wanted.view, wanted.extra.get("by", ""))
    if spec is None:
        return Drawn(Markup(""))
    span = wanted.extra.get("span") or (wanted.view.calendar or {}).get("span", "month")
    span = span if span in SPANS else "month"
    day = _day(reader, wanted.extra.get("on", ""))
    begins = first_weekday(language(), reader.access.principal.timezone)
    first, count = _range(span, day, begins)
    events, cut = _events(reader, asked, spec, first, first + timedelta(count - 1))
    shown = _shown(reader, asked, spec, span, day)
    shown.update(_grid(reader, asked, spec, span, day, first, count, events))
    return Drawn(Markup(render_template("boards/calendar.html", cut=cut, **shown)))  # noqa: S704


displays.register(Display(KEY, "Calendar", "calendar-month", _fits, draw, ("on", "span", "by"), order=30))


def _day(reader: Reader, text: str) -> date:
    today: date = reader.access.env()["today"]
    try:
        found = date.fromisoformat(text) if text else today
    except ValueError:
        return today
    # Around the ends of the calendar there are no months before or after.
    return found if date.min.year + 1 < found.year < date.max.year else today


def _range(span: str, day: date, begins: int) -> tuple[date, int]:
    """Return (first day, number of days) of what is shown around a day."""
    if span == "day":
        return day, 1
    if span == "week":
        return week_of(day, begins), _WEEK
    if span == "agenda":
        return day, _AGENDA
    first = week_of(day.replace(day=1), begins)
    after = (day.replace(day=1) + timedelta(32)).replace(day=1)
    weeks = -(-(after - first).days // _WEEK)
    return first, weeks * _WEEK


def _next(span: str, day: date, turn: int) -> date:
    if span == "month":
        month = day.replace(day=1)
        return (month + timedelta(32)).replace(day=1) if turn > 0 else (month - timedelta(1)).replace(day=1)
    return day + timedelta({"day": 1, "week": _WEEK, "agenda": _AGENDA}[span] * turn)


def _events(reader: Reader, asked: Listing, spec: Spec, first: date, last: date) -> tuple[list[Event], bool]:
    events, cut = events_of(reader, spec, asked.query, first, last)
    for other, where in _others(reader, asked.wanted.view):
        # Filters and words are about the entity of the list; what stands beside it keeps its own view alone.
        more, too = events_of(reader, other, Query(other.entity.key, where=where), first, last)
        events, cut = [*events, *more], cut or too
    return sorted(events, key=lambda each: (each.first, each.begins is not None, each.clock, each.title)), cut


def _others(reader: Reader, view: View) -> list[tuple[Spec, Any]]:
    found = []
    for key in ((view.calendar or {}).get("with") or ())[:_OTHERS]:
        other = reader.model.views.get(key)
        if other is None or not offered_view(reader.access, other) or not reader.access.may(other.entity, "read"):
            continue
        spec = calendar_spec(reader, reader.model.entity(other.entity), other)
        if spec is not None:
            found.append((spec, other.where))
    return found


# --- what is drawn


def _shown(reader: Reader, asked: Listing, spec: Spec, span: str, day: date) -> dict[str, Any]:
    wanted = asked.wanted
    extra = {name: value for name, value in wanted.extra.items() if name == "by"}
    entity = wanted.entity

    def at(when: date, what: str = span) -> str:
        return wanted.address(extra={**extra, "on": when.isoformat(), "span": what})

    dates = dates_of(reader, entity)
    usual = calendar_spec(reader, entity, wanted.view)
    known = {"extra": {key: value for key, value in wanted.extra.items() if key != "by"}}
    return {
        "entity": entity,
        "wanted": wanted,
        "span": span,
        "spans": [(each, words(_SPAN_WORDS[each]), at(day, each)) for each in SPANS],
        "heading": _heading(span, day, first_weekday(language(), reader.access.principal.timezone)),
        "before": at(_next(span, day, -1)),
        "after": at(_next(span, day, 1)),
        "now": at(reader.access.env()["today"]),
        "at": at,
        "back": wanted.address(),
        "query": wanted.address().partition("?")[2],
        "moves": _moves(reader, spec),
        "resizes": _moves(reader, spec) and spec.end in reader.access.writable(entity.key),
        "bys": [
            (
                said(entity.fields[key].label),
                wanted.address(extra={**known["extra"], **({"by": key} if usual and key != usual.start else {})}),
                key == spec.start,
            )
            for key in dates
        ],
        "named": said(entity.fields[spec.start].label) if spec.start in entity.fields else "",
        "mixed": bool(_others(reader, wanted.view)),
        "icons": {each.entity.key: each.entity.icon for each, _ in _others(reader, wanted.view)},
    }


_SPAN_WORDS = {"month": "Month", "week": "Week", "day": "One day", "agenda": "Agenda"}


def _moves(reader: Reader, spec: Spec) -> bool:
    entity = spec.entity
    return spec.start in reader.access.writable(entity.key) and reader.access.may(entity.key, "update")


def _heading(span: str, day: date, begins: int) -> str:
    spoken = language()
    if span == "month":
        return str(format_skeleton("yMMMM", day, locale=spoken))
    if span == "day":
        return str(format_skeleton("yMMMEd", day, locale=spoken))
    first = week_of(day, begins) if span == "week" else day
    last = first + timedelta((_WEEK if span == "week" else _AGENDA) - 1)
    return f"{format_skeleton('MMMd', first, locale=spoken)} – {format_skeleton('yMMMd', last, locale=spoken)}"


def _grid(
    reader: Reader, asked: Listing, spec: Spec, span: str, day: date, first: date, count: int, events: Sequence[Event]
) -> dict[str, Any]:
    today: date = reader.access.env()["today"]
    creates = reader.access.may(spec.entity.key, "create") and not spec.entity.parent
    creates = creates and spec.start in reader.access.writable(spec.entity.key)
    spoken = language()
    wanted = asked.wanted
    kept = {name: value for name, value in wanted.extra.items() if name == "by"}

    def made(each: date) -> Day:
        stamp = each.isoformat() + ("T09:00" if spec.timed else "")
        back = wanted.address()
        new = f"/{spec.entity.key}/new?{spec.start}={stamp}&back={_quoted(back)}" if creates else ""
        address = wanted.address(extra={**kept, "on": each.isoformat(), "span": "day"})
        name = str(format_skeleton("MMMEd", each, locale=spoken))
        return Day(each, each.day, name, address, new, each == today, span == "month" and each.month != day.month)

    days = [made(each) for each in days_from(first, count)]
    for each in days:
        each.events = [event for event in events if event.first <= each.date <= event.last]
    if span == "agenda":
        return {"days": [each for each in days if each.events or each.today], "weeks": ()}
    if span == "month":
        weeks = [_week(days[at : at + _WEEK], events) for at in range(0, count, _WEEK)]
        names = [(format_skeleton("E", each.date, locale=spoken), each.name) for each in days[:_WEEK]]
        return {"weeks": weeks, "weekdays": names, "days": [each for each in days if each.events and not each.outside]}
    for each in days:
        each.timed = slotted(each.date, [event for event in each.events if not event.whole])
    bars = placed((event for event in events if event.whole), first, count)
    clocks = [f"{hour:02}:00" for hour in range(24)]
    for each in days:
        each.name = str(format_skeleton("Ed", each.date, locale=spoken))
    return {"weeks": (), "days": days, "bars": bars, "clocks": clocks, "lanes": max((b.lane for b in bars), default=0)}


def _quoted(address: str) -> str:
    from urllib.parse import quote

    return quote(address)


def _week(days: list[Day], events: Sequence[Event]) -> Week:
    first = days[0].date
    bars = placed(events, first, _WEEK)
    hidden = [bar for bar in bars if bar.lane > LANES]
    for number, day in enumerate(days, 1):
        day.more = sum(bar.column <= number < bar.column + bar.width for bar in hidden)
    return Week(days, [bar for bar in bars if bar.lane <= LANES], first.isocalendar().week)


def slotted(day: date, events: Sequence[Event]) -> list[Slotted]:
    """Return the events of one day at their times; those at one time stand beside one another.

    Events that overlap, directly or through others, share the width of the day evenly.
    """
    found = sorted((_slot(day, each) for each in events), key=lambda each: (each.row, -each.height))
    bunch: list[Slotted] = []
    until = 0
    for each in found:
        if each.row >= until:
            _spread(bunch)
            bunch = []
        bunch.append(each)
        until = max(until, each.row + each.height)
    _spread(bunch)
    return found


def _slot(day: date, event: Event) -> Slotted:
    begins, ends = event.begins, event.ends
    assert begins is not None  # noqa: S101 - what is about whole days stands above
    from_row = 0 if begins.date() < day else (begins.hour * 60 + begins.minute) // SLOT
    if ends is None:
        to_row = from_row + 2
    else:
        to_row = SLOTS if ends.date() > day else -(-(ends.hour * 60 + ends.minute) // SLOT)
    to_row = min(max(to_row, from_row + 1), SLOTS)
    return Slotted(event, from_row + 1, to_row - from_row)


def _spread(bunch: Sequence[Slotted]) -> None:
    ends: list[int] = []
    for each in bunch:
        place = next((number for number, row in enumerate(ends) if row <= each.row), len(ends))
        if place == len(ends):
            ends.append(0)
        ends[place] = each.row + each.height
        each.aside = place
    for each in bunch:
        each.of = min(len(ends), _MOST_ASIDE)
        each.aside = min(each.aside, _MOST_ASIDE - 1)
