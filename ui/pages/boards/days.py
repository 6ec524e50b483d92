"""What stands on which days: events of calendars and bars of timelines, read with the filters of their list.

A date is a whole day wherever one is; a moment falls on the day that it is where its reader is. So the days of a page
become moments by the reader's time zone, which knows that a day may have 23 hours or 25.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Any

from babel import Locale as BabelLocale
from babel import UnknownLocaleError
from babel.core import get_global

from engine import NULL, Call, Entity, Expr, Field, Literal, Order, Path, Query, Reader, View, conjunction, disjunction
from ui.pages.boards.cards import Cards, Wish, cards, readable
from ui.pages.listing import locale_of
from ui.widgets.cells import COLORS
from ui.widgets.moments import zone

MOST = 1_000
"""Events of one entity on one page."""
_DATES = frozenset({"date", "datetime"})
_LAST = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Spec:
    """Which fields of an entity say when something is."""

    entity: Entity
    start: str
    end: str = ""
    title: str = ""
    color: str = ""
    group: str = ""

    @property
    def timed(self) -> bool:
        """Whether it begins at a time of day."""
        return _field(self.entity, self.start).type.result({}).name == "datetime" if "." not in self.start else False


@dataclass(slots=True)
class Event:
    """One record on its days."""

    id: str
    entity: str
    icon: str
    title: str
    first: date
    last: date
    """Days, both included."""
    begins: datetime | None = None
    """Local time; None where it is about whole days."""
    ends: datetime | None = None
    color: str = ""
    meaning: str = ""
    """What the colour stands for, in words."""
    version: int = 0
    may: bool = False
    group: Any = None
    open_end: bool = False
    """Whether nothing says when it ends."""

    @property
    def whole(self) -> bool:
        """Whether it stands with what is about whole days: it has no time, or goes over a day and more."""
        return self.begins is None or (self.last > self.first and not self._overnight)

    @property
    def _overnight(self) -> bool:
        return self.begins is not None and self.ends is not None and self.ends - self.begins < timedelta(hours=24)

    @property
    def clock(self) -> str:
        """Return its time of day; "" where it has none."""
        return self.begins.strftime("%H:%M") if self.begins is not None else ""


def _field(entity: Entity, key: str) -> Field:
    return entity.fields[key]


def dates_of(reader: Reader, entity: Entity) -> list[str]:
    """Return the fields that say when something is, those first that were meant to be looked for."""
    found = [
        each
        for each in entity.fields.values()
        if each.type.result(each.options).name in _DATES
        and each.stored
        and not each.hidden
        and readable(reader, entity, each.key) is not None
    ]
    own = [each.key for each in found if not each.system]
    return sorted(own, key=lambda key: not entity.fields[key].index) or [f.key for f in found if f.key == "created_at"]


def calendar_spec(reader: Reader, entity: Entity, view: View, by: str = "") -> Spec | None:
    """Return what a calendar of a view shows, by the field that was asked for; None where there is no date."""
    return _spec(reader, entity, view.calendar or {}, by, dates_of(reader, entity))


def timeline_spec(reader: Reader, entity: Entity, view: View) -> Spec | None:
    """Return what a timeline of a view shows; None where there are no two dates."""
    said = view.timeline or {}
    known = dates_of(reader, entity)
    if not said:
        own = [key for key in known if not entity.fields[key].system]
        pairs = [(own[0], own[1])] if len(own) > 1 else []
        if not pairs:
            return None
        said = {"start": pairs[0][0], "end": pairs[0][1], "group": "owner" if entity.owned else ""}
    found = _spec(reader, entity, said, "", known)
    return found if found is not None and found.end else None


def _spec(reader: Reader, entity: Entity, said: Mapping[str, Any], by: str, known: Sequence[str]) -> Spec | None:
    start = by if by in known else said.get("start", "")
    if not start or readable(reader, entity, start) is None:
        start = known[0] if known else ""
    if not start:
        return None
    same = start == said.get("start")
    end = said.get("end", "") if same else ""
    return Spec(
        entity,
        start,
        end if end and readable(reader, entity, end) is not None else "",
        said.get("title") or entity.title,
        _color(reader, entity, said.get("color", "")),
        said.get("group", "") if said.get("group") and readable(reader, entity, said["group"]) is not None else "",
    )


def _color(reader: Reader, entity: Entity, said: str) -> str:
    """Return the select that colours events: the one that is said, else the state, else the first with colours."""
    state = entity.states.field if entity.states is not None else ""
    colourful = (key for key, each in entity.fields.items() if any(one.color for one in each.choices.values()))
    for key in filter(None, (said, state, *colourful)):
        field = readable(reader, entity, key)
        if field is not None and field.choices and str(field.value_type) == "text":
            return key
    return ""


# --- reading


def within(reader: Reader, spec: Spec, first: date, last: date) -> Expr:
    """Return the condition that something is on one of some days."""
    begins = _ends_of_days(reader, spec, spec.start, first, last)
    if not spec.end:
        return conjunction(*begins)
    lower, upper = begins[0], begins[1]
    ends = _ends_of_days(reader, spec, spec.end, first, last)
    # What has no end, or one before its beginning, is on the day that it begins.
    return conjunction(upper, disjunction(ends[0], lower))


def _ends_of_days(reader: Reader, spec: Spec, dotted: str, first: date, last: date) -> tuple[Expr, Expr]:
    path = Path(tuple(dotted.split(".")))
    field = readable(reader, spec.entity, dotted)
    if field is not None and field.type.result(field.options).name == "date":
        return Call(">=", (path, Literal(first))), Call("<=", (path, Literal(last)))
    where = zone(reader.access.principal.timezone)
    return (
        Call(">=", (path, Literal(moment(first, time(), where)))),
        Call("<", (path, Literal(moment(last + timedelta(1), time(), where)))),
    )


def moment(day: date, at: time, where: Any) -> datetime:
    """Return a local time as a moment; a time that a change of clocks skips is the one as far behind it."""
    return datetime.combine(day, at, where).astimezone(_UTC)


_UTC = zone("UTC")


def events_of(
    reader: Reader, spec: Spec, query: Query, first: date, last: date, *, most: int = MOST
) -> tuple[list[Event], bool]:
    """Return (events on some days in order, whether there are more than that)."""
    made = _cards(reader, spec)
    where = within(reader, spec, first, last)
    asked = replace(
        query,
        select=tuple(dict.fromkeys((*made.select,))),
        where=where if query.where is None else conjunction(query.where, where),
        order_by=(Order(tuple(spec.start.split("."))),),
        limit=most,
        cursor=None,
    )
    rows = reader.query(asked, abilities=("update",))
    meanings = _meanings(reader, spec)
    place = zone(reader.access.principal.timezone)
    found = []
    for card in made.draw(reader, rows):
        event = _event(spec, card, place)
        if event is not None:
            event.color, event.meaning = meanings.get(card.values.get(spec.color), ("", ""))
            event.group = card.values.get(spec.group)
            found.append(event)
    return found, rows.next_cursor is not None


def _cards(reader: Reader, spec: Spec) -> Cards:
    more = tuple(each for each in (spec.start, spec.end, spec.color, spec.group) if each)
    return cards(reader, spec.entity, Wish(spec.title, more=more), locale_of(reader))


def _meanings(reader: Reader, spec: Spec) -> dict[Any, tuple[str, str]]:
    field = readable(reader, spec.entity, spec.color) if spec.color else None
    spoken = locale_of(reader).language
    if field is None:
        return {}
    return {
        key: (each.color if each.color in COLORS else "gray", each.label.in_(spoken))
        for key, each in field.choices.items()
    }


def _event(spec: Spec, card: Any, place: Any) -> Event | None:
    start, end = card.values.get(spec.start), card.values.get(spec.end)
    if start is None:
        return None
    begins, first = _local(start, place)
    ends, last = _local(end, place) if end is not None else (None, first)
    if ends is not None and ends.time() == time() and begins is not None and ends > begins:
        last = (ends - _LAST).date()  # what ends at midnight ends with the day before
    if last < first or (begins is not None and ends is not None and ends < begins):
        ends, last = None, first
    return Event(
        card.id,
        spec.entity.key,
        spec.entity.icon,
        card.title,
        first,
        last,
        begins,
        ends,
        version=card.version,
        may=card.may,
        open_end=end is None,
    )


def _local(value: date, place: Any) -> tuple[datetime | None, date]:
    if isinstance(value, datetime):
        local = value.astimezone(place).replace(tzinfo=None)
        return local, local.date()
    return None, value


def nothing(path: str) -> Expr:
    """Return the condition that a field has no value."""
    return Call("==", (Path(tuple(path.split("."))), NULL))


# --- weeks


@lru_cache(maxsize=64)
def first_weekday(language: str, timezone: str) -> int:
    """Return on which day weeks begin (0 = Monday), as is usual in the country of a time zone."""
    territory = get_global("zone_territories").get(timezone)
    try:
        return int(BabelLocale(language[:2], territory=territory).first_week_day)
    except (UnknownLocaleError, ValueError):
        try:
            return int(BabelLocale("und", territory=territory).first_week_day)
        except (UnknownLocaleError, ValueError):
            return 0


def week_of(day: date, begins: int) -> date:
    """Return the first day of the week that a day is in."""
    return day - timedelta((day.weekday() - begins) % 7)


def days_from(first: date, count: int) -> Iterator[date]:
    """Yield some days, one after the other."""
    return (first + timedelta(number) for number in range(count))


# --- lanes: what stands above what, where several go on at once


@dataclass(slots=True)
class Placed:
    """A piece of an event on a row of days."""

    event: Event
    column: int
    """From 1."""
    width: int
    lane: int
    """From 1."""
    goes_on: bool = False
    """Whether it goes on behind the row."""
    came: bool = False
    """Whether it began before the row."""


def placed(events: Iterable[Event], first: date, count: int) -> list[Placed]:
    """Return the pieces of events on a row of days, the longest ones above, none over another.

    Each takes the first lane that is free: the greedy colouring of intervals, which needs as few lanes as there are
    events at once.
    """
    last = first + timedelta(count - 1)
    free: list[date] = []
    found = []
    for event in sorted(events, key=lambda each: (each.first, -(each.last - each.first).days, each.clock, each.title)):
        begin, end = max(event.first, first), min(event.last, last)
        if end < begin:
            continue
        lane = next((number for number, day in enumerate(free) if day < begin), len(free))
        if lane == len(free):
            free.append(end)
        free[lane] = end
        column = (begin - first).days + 1
        width = (end - begin).days + 1
        found.append(Placed(event, column, width, lane + 1, event.last > last, event.first < first))
    return found
