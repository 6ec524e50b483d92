"""The timeline of a list: a bar for each record between two dates, in rows by a field, over weeks, months or a year."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

from babel.dates import format_skeleton
from flask import render_template
from markupsafe import Markup

from engine import Entity, Reader, View
from ui.asking import language
from ui.frame import said, words
from ui.pages import displays
from ui.pages.boards.cards import readable
from ui.pages.boards.days import Event, Spec, days_from, events_of, first_weekday, placed, timeline_spec, week_of
from ui.pages.displays import Display, Drawn
from ui.pages.listing import Listing, locale_of

KEY = "timeline"
SPANS = ("weeks", "months", "year")
_WORDS = {"weeks": "Weeks", "months": "Months", "year": "Year"}
_WEEK, _WEEKS, _MONTHS, _YEAR = 7, 6, 4, 12
MOST = 300
"""Bars that come at a time."""
MOST_BARS = 2_400
"""Bars of one page at most."""
UNITS = 1000
"""Into how many parts a line is divided: attributes of drawings have no styles to be forbidden."""


@dataclass(slots=True)
class Bar:
    """A bar at its place, in parts of the line."""

    event: Event
    x: float
    width: float
    lane: int
    came: bool
    goes_on: bool
    dates: str


@dataclass(slots=True)
class Line:
    """The bars of one value of the field that makes the rows."""

    label: str
    bars: list[Bar] = field(default_factory=list)
    lanes: int = 0


@dataclass(slots=True)
class Mark:
    """A beginning of a week, month or quarter on the scale."""

    x: float
    label: str


def _fits(reader: Reader, entity: Entity, view: View) -> bool:
    return timeline_spec(reader, entity, view) is not None


def draw(reader: Reader, asked: Listing) -> Drawn:
    """Return the timeline of a list."""
    wanted = asked.wanted
    spec = timeline_spec(reader, wanted.entity, wanted.view)
    if spec is None:
        return Drawn(Markup(""))
    by = wanted.extra.get("by", "")
    if by and readable(reader, wanted.entity, by) is not None:
        spec = replace(spec, group=by)
    span = wanted.extra.get("span") if wanted.extra.get("span") in SPANS else "months"
    today: date = reader.access.env()["today"]
    day = _day(wanted.extra.get("on", ""), today)
    first, count = _range(str(span), day)
    bars = _bars(wanted.extra.get("bars", ""))
    events, cut = events_of(reader, spec, asked.query, first, first + timedelta(count - 1), most=bars)
    shown = {
        "entity": wanted.entity,
        "wanted": wanted,
        "lines": _lines(reader, spec, events, first, count),
        "marks": _marks(str(span), first, count),
        "count": count,
        "units": UNITS,
        "today": _x(today, first, count) if first <= today < first + timedelta(count) else None,
        "cut": cut,
        "bars": bars,
        "more": wanted.address(extra={**wanted.extra, "bars": str(bars + MOST)}) if cut and bars < MOST_BARS else "",
        "moves": spec.start in reader.access.writable(wanted.entity.key),
        "resizes": spec.end in reader.access.writable(wanted.entity.key),
        "back": wanted.address(),
        "query": wanted.address().partition("?")[2],
        **_turning(reader, asked, spec, str(span), first, count, today),
    }
    return Drawn(Markup(render_template("boards/timeline.html", **shown)))  # noqa: S704


displays.register(Display(KEY, "Timeline", "timeline-event", _fits, draw, ("on", "span", "by", "bars"), order=40))


def _bars(text: str) -> int:
    """Return how many bars are asked for: whole steps of what comes at a time."""
    number = int(text) if text.isascii() and text.isdigit() and len(text) < len(str(MOST_BARS)) + 1 else MOST
    return min(max(number // MOST, 1) * MOST, MOST_BARS)


def _day(text: str, today: date) -> date:
    try:
        found = date.fromisoformat(text) if text else today
    except ValueError:
        return today
    return found if date.min.year + 2 < found.year < date.max.year - 2 else today


def _range(span: str, day: date) -> tuple[date, int]:
    """Return (first day, number of days): a week or a month before the day, the rest after it."""
    if span == "weeks":
        first = week_of(day, 0) - timedelta(_WEEK)
        return first, _WEEK * _WEEKS
    months = _MONTHS if span == "months" else _YEAR
    first = _month(day, -1)
    return first, (_month(first, months) - first).days


def _month(day: date, away: int) -> date:
    number = day.year * 12 + day.month - 1 + away
    return date(number // 12, number % 12 + 1, 1)


def _x(day: date, first: date, count: int) -> float:
    return round((day - first).days / count * UNITS, 2)


def _marks(span: str, first: date, count: int) -> list[Mark]:
    spoken = language()
    found = []
    for day in days_from(first, count):
        if span == "weeks" and day.weekday() == 0:
            found.append(Mark(_x(day, first, count), str(format_skeleton("MMMd", day, locale=spoken))))
        elif span != "weeks" and day.day == 1:
            skeleton = "yMMM" if day.month == 1 or day == first else "MMM"
            found.append(Mark(_x(day, first, count), str(format_skeleton(skeleton, day, locale=spoken))))
    return found


def _lines(reader: Reader, spec: Spec, events: list[Event], first: date, count: int) -> list[Line]:
    labels = _labels(reader, spec, events)
    grouped: dict[Any, list[Event]] = {}
    for event in events:
        grouped.setdefault(event.group, []).append(event)
    spoken = language()
    found = []
    for value in sorted(grouped, key=lambda each: (each is None, labels.get(each, "").casefold())):
        line = Line(labels.get(value, ""))
        for piece in placed(grouped[value], first, count):
            event = piece.event
            line.bars.append(
                Bar(
                    event,
                    round((piece.column - 1) / count * UNITS, 2),
                    max(round(piece.width / count * UNITS, 2), 6),
                    piece.lane,
                    piece.came,
                    piece.goes_on,
                    f"{format_skeleton('MMMd', event.first, locale=spoken)} – "
                    f"{format_skeleton('yMMMd', event.last, locale=spoken)}",
                )
            )
        line.lanes = max((bar.lane for bar in line.bars), default=1)
        found.append(line)
    return found


def _labels(reader: Reader, spec: Spec, events: list[Event]) -> dict[Any, str]:
    field = readable(reader, spec.entity, spec.group) if spec.group else None
    values = {event.group for event in events if event.group is not None}
    if field is None:
        return dict.fromkeys((*values, None), "")
    if field.choices:
        found = {key: each.label.in_(language()) for key, each in field.choices.items()}
    elif field.type.links == "one":
        found = {key: title or "…" for key, title in reader.titles(field.target or "", values).items()}
    else:
        display = field.type.displayer(field.options, locale_of(reader))
        found = {each: display(each) for each in values}
    return {**dict.fromkeys(values, "…"), **found, None: words("Empty")}


def _turning(
    reader: Reader, asked: Listing, spec: Spec, span: str, first: date, count: int, today: date
) -> dict[str, Any]:
    """Return the ways to other times, scales and rows."""
    wanted = asked.wanted
    entity = wanted.entity
    # Another time has other bars: it begins with the first of them.
    kept = {name: value for name, value in wanted.extra.items() if name != "bars"}

    def at(**changes: str) -> str:
        return wanted.address(extra={name: value for name, value in {**kept, **changes}.items() if value})

    middle = first + timedelta(_WEEK if span == "weeks" else 31)
    step = _WEEK * 3 if span == "weeks" else count // 2
    fields = [
        each
        for each in entity.fields.values()
        if (each.choices or each.type.links == "one")
        and each.stored
        and not each.hidden
        and (not each.system or each.key == "owner")
        and str(each.value_type) in {"text", "link"}
        and readable(reader, entity, each.key) is not None
    ]
    last = first + timedelta(count - 1)
    spoken = language()
    return {
        "span": span,
        "spans": [(each, words(_WORDS[each]), at(span=each)) for each in SPANS],
        "before": at(on=(middle - timedelta(step)).isoformat()),
        "after": at(on=(middle + timedelta(step)).isoformat()),
        "now": at(on=""),
        "heading": " – ".join(str(format_skeleton("yMMMd", each, locale=spoken)) for each in (first, last)),
        "bys": [(said(each.label), at(by=each.key), each.key == spec.group) for each in fields],
        "named": next((said(each.label) for each in fields if each.key == spec.group), ""),
        "weekday": first_weekday(spoken, reader.access.principal.timezone),
    }
