"""Quick filters: for each field type, what a list offers above it, and the condition that a choice stands for.

A filter is a GET parameter named after its path, so a filtered list is an address that can be kept and sent. Values
are few words that stay true: `owner=me`, `created_at=last_month`, `amount=1000..5000`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from engine import (
    NULL,
    Access,
    BadValue,
    Call,
    Expr,
    Field,
    Literal,
    Message,
    Model,
    Path,
    Var,
    conjunction,
    disjunction,
    is_id,
)
from ui.widgets.moments import zone
from ui.widgets.paths import fields_along, mask_of, title_path

NONE = "-"
"""Stands for "nothing" among the values of a filter."""
RESERVED = frozenset(
    (
        *("view", "q", "filter", "order", "cursor", "rows", "count", "id", "field", "value", "back", "before", "v"),
        *("as", "by", "on", "span", "open", "at", "near", "within", "bars"),
        *("group", "totals", "in", "all", "act", "state"),
    )
)
"""Parameters of a list that are no filters."""


@dataclass(frozen=True, slots=True)
class Moment:
    """When the filter is used, where the person is."""

    today: date
    timezone: str


@dataclass(frozen=True, slots=True)
class Filter:
    """One quick filter."""

    name: str
    """Of the parameter."""
    label: str
    kind: str
    """What stands on the page: "choice", "words" or "range"."""
    options: tuple[tuple[str, str], ...]
    """Values and their words, of a choice."""
    condition: Callable[[str, Moment], Expr]
    """What one value means; raises BadValue for one that means nothing."""
    hint: str = ""
    target: str = ""
    """Entity whose records may be values, by their ids."""


def quick_filter(access: Access, entity: str, path: Sequence[str], language: str) -> Filter | None:
    """Return the filter of a path; None when it leads nowhere, may not be seen, or cannot be filtered by."""
    model = access.model
    fields = fields_along(model, entity, path)
    if not fields or mask_of(access, fields) != "read" or fields[-1].secret:
        return None
    field = fields[-1]
    made = _kind(model, field)(model, field, Path(tuple(path)), language)
    if made is None:
        return None
    kind, options, condition, hint = made
    dotted = ".".join(path)
    label = " · ".join(each.label.in_(language) for each in (fields[-2:] if len(fields) > 1 else fields))
    target = field.target or "" if field.type.links in {"one", "many"} else ""
    return Filter(parameter(dotted), label, kind, options, condition, hint, target)


def parameter(dotted: str) -> str:
    """Return the parameter of a path; a field that is named like another parameter of lists gets a prefix."""
    return f"f.{dotted}" if dotted in RESERVED else dotted


Options = tuple[tuple[str, str], ...]
Made = tuple[str, Options, Callable[[str, Moment], Expr], str]
Make = Callable[[Model, Field, Path, str], "Made | None"]


def _kind(model: Model, field: Field) -> Make:
    shown = field.type.result(field.options)
    if field.choices:
        return _choice
    if field.type.links == "one":
        return _person if field.target == "user" else _linked
    if field.type.links == "many":
        return _several
    return _BY_VALUE.get(str(field.value_type), _presence) if not shown.links else _presence


def _said(words: str, language: str, **values: Any) -> str:
    return Message(words, **values).in_(language)


def _empty(path: Path) -> Expr:
    return Call("==", (path, NULL))


def _unknown(value: str) -> BadValue:
    return BadValue(Message("“{value}” is no value to filter by", value=value[:80]))


# --- choices


def _choice(model: Model, field: Field, path: Path, language: str) -> Made:
    keys = tuple((key, each.label.in_(language)) for key, each in field.choices.items() if not each.hidden)
    several = str(field.value_type) == "list"

    def condition(value: str, moment: Moment) -> Expr:
        if value == NONE:
            return _empty(path)
        if value not in field.choices:
            raise _unknown(value)
        return Call("in", (Literal(value), path)) if several else Call("==", (path, Literal(value)))

    return "choice", (*keys, *_nothing(field, language)), condition, ""


def _nothing(field: Field, language: str) -> Options:
    return () if field.required else ((NONE, _said("Empty", language)),)


def _boolean(model: Model, field: Field, path: Path, language: str) -> Made:
    def condition(value: str, moment: Moment) -> Expr:
        if value not in {"yes", "no"}:
            raise _unknown(value)
        # Who has not been asked yet counts as no.
        return path if value == "yes" else Call("not", (path,))

    return "choice", (("yes", _said("Yes", language)), ("no", _said("No", language))), condition, ""


def _person(model: Model, field: Field, path: Path, language: str) -> Made:
    def condition(value: str, moment: Moment) -> Expr:
        if value == "me":
            return Call("==", (path, Var("user.id")))
        if value == NONE:
            return _empty(path)
        return _by_id_or_title(model, "user", path, value)

    # The owner of a record may be missing although the field is never left empty by a person.
    options = (("me", _said("Me", language)), (NONE, _said("Nobody", language)))
    return "choice", options, condition, ""


def _linked(model: Model, field: Field, path: Path, language: str) -> Made:
    def condition(value: str, moment: Moment) -> Expr:
        return _empty(path) if value == NONE else _by_id_or_title(model, field.target or "", path, value)

    return "words", (), condition, _said("Part of the name", language)


def _several(model: Model, field: Field, path: Path, language: str) -> Made:
    def condition(value: str, moment: Moment) -> Expr:
        if value == NONE:
            return Call("==", (Call("count", (path,)), Literal(0)))
        one = Path(("id",)) if is_id(value) else Path(title_path(model, field.target or ""))
        return Call("any", (path, Call("==", (one, Literal(value))) if is_id(value) else _contains(one, value)))

    return "words", (), condition, _said("Part of the name", language)


def _by_id_or_title(model: Model, target: str, path: Path, value: str) -> Expr:
    if is_id(value):
        return Call("==", (path, Literal(value)))
    title = Path((*path.keys, *title_path(model, target)))
    return _contains(title, value)


def _presence(model: Model, field: Field, path: Path, language: str) -> Made | None:
    if field.type.links == "children":
        return None

    def condition(value: str, moment: Moment) -> Expr:
        if value not in {NONE, "*"}:
            raise _unknown(value)
        return _empty(path) if value == NONE else Call("!=", (path, NULL))

    return "choice", (("*", _said("Filled", language)), (NONE, _said("Empty", language))), condition, ""


# --- texts and numbers


def _contains(path: Path, value: str) -> Expr:
    return Call("contains", (Call("lower", (path,)), Literal(value.lower())))


def _words(model: Model, field: Field, path: Path, language: str) -> Made:
    def condition(value: str, moment: Moment) -> Expr:
        return _empty(path) if value == NONE else _contains(path, value)

    return "words", (), condition, _said("Contains", language)


def _listed(model: Model, field: Field, path: Path, language: str) -> Made:
    def condition(value: str, moment: Moment) -> Expr:
        return _empty(path) if value == NONE else Call("in", (Literal(value), path))

    return "words", (), condition, _said("Has", language)


def _number(model: Model, field: Field, path: Path, language: str) -> Made:
    parse = field.type.parser({**field.options, "min": None, "max": None})

    def read(text: str) -> Any:
        return parse(text)

    def condition(value: str, moment: Moment) -> Expr:
        if value == NONE:
            return _empty(path)
        return _between(path, value, read, read)

    return "range", (), condition, _said("from..to", language)


def _between(path: Path, value: str, first: Callable[[str], Any], last: Callable[[str], Any]) -> Expr:
    """Return the condition of `5`, `5..`, `..9` and `5..9`, both ends included."""
    lower, dots, upper = (part.strip() for part in value.partition(".."))
    if not dots:
        return Call("==", (path, Literal(first(lower))))
    parts = []
    if lower:
        parts.append(Call(">=", (path, Literal(first(lower)))))
    if upper:
        parts.append(Call("<=", (path, Literal(last(upper)))))
    if not parts:
        raise _unknown(value)
    return conjunction(*parts)


# --- dates

RANGES: dict[str, tuple[str, Callable[[date], tuple[date | None, date | None]]]] = {}


def _range(name: str, words: str, bounds: Callable[[date], tuple[date | None, date | None]]) -> None:
    RANGES[name] = (words, bounds)


def _days(first: int, last: int) -> Callable[[date], tuple[date, date]]:
    return lambda today: (today + timedelta(first), today + timedelta(last))


def _weeks(away: int) -> Callable[[date], tuple[date, date]]:
    def bounds(today: date) -> tuple[date, date]:
        monday = today - timedelta(today.weekday()) + timedelta(7 * away)
        return monday, monday + timedelta(6)

    return bounds


def _months(away: int, length: int = 1) -> Callable[[date], tuple[date, date]]:
    def bounds(today: date) -> tuple[date, date]:
        start = (today.year * 12 + today.month - 1) // length * length + away * length
        end = start + length
        first, after = date(start // 12, start % 12 + 1, 1), date(end // 12, end % 12 + 1, 1)
        return first, after - timedelta(1)

    return bounds


_range("today", "Today", _days(0, 0))
_range("yesterday", "Yesterday", _days(-1, -1))
_range("tomorrow", "Tomorrow", _days(1, 1))
_range("this_week", "This week", _weeks(0))
_range("last_week", "Last week", _weeks(-1))
_range("next_week", "Next week", _weeks(1))
_range("this_month", "This month", _months(0))
_range("last_month", "Last month", _months(-1))
_range("next_month", "Next month", _months(1))
_range("this_quarter", "This quarter", _months(0, 3))
_range("this_year", "This year", _months(0, 12))
_range("last_7_days", "Last 7 days", _days(-6, 0))
_range("last_30_days", "Last 30 days", _days(-29, 0))
_range("next_7_days", "Next 7 days", _days(0, 6))
_range("past", "Before today", lambda today: (None, today - timedelta(1)))
_range("future", "After today", lambda today: (today + timedelta(1), None))


def bounds_of(value: str, today: date) -> tuple[date | None, date | None]:
    """Return the first and the last day of a range: a word of `RANGES`, a day, or two days with dots between.

    Raises:
        BadValue: it is none of these.
    """
    if value in RANGES:
        return RANGES[value][1](today)
    lower, dots, upper = (part.strip() for part in value.partition(".."))
    try:
        first = date.fromisoformat(lower) if lower else None
        last = date.fromisoformat(upper) if upper else None
    except ValueError:
        raise _unknown(value) from None
    if not dots:
        last = first
    if first is None and last is None:
        raise _unknown(value)
    return first, last


def _ranges(field: Field, language: str) -> Options:
    offered = tuple((name, _said(words, language)) for name, (words, _bounds) in RANGES.items())
    return (*offered, *_nothing(field, language))


def _date(model: Model, field: Field, path: Path, language: str) -> Made:
    def condition(value: str, moment: Moment) -> Expr:
        if value == NONE:
            return _empty(path)
        first, last = bounds_of(value, moment.today)
        return _within(path, first, last)

    return "choice", _ranges(field, language), condition, ""


def _datetime(model: Model, field: Field, path: Path, language: str) -> Made:
    def condition(value: str, moment: Moment) -> Expr:
        if value == NONE:
            return _empty(path)
        first, last = bounds_of(value, moment.today)
        # As moments, not as the date of a moment: so an index on the column serves.
        place = zone(moment.timezone)
        start = datetime.combine(first, time(), place) if first else None
        end = datetime.combine(last + timedelta(1), time(), place) if last else None
        parts = [Call(">=", (path, Literal(start)))] if start else []
        if end:
            parts.append(Call("<", (path, Literal(end))))
        return conjunction(*parts)

    return "choice", _ranges(field, language), condition, ""


def _within(path: Path, first: Any, last: Any) -> Expr:
    parts = [Call(">=", (path, Literal(first)))] if first is not None else []
    if last is not None:
        parts.append(Call("<=", (path, Literal(last))))
    return conjunction(*parts)


_BY_VALUE: Mapping[str, Make] = {
    "boolean": _boolean,
    "text": _words,
    "number": _number,
    "date": _date,
    "datetime": _datetime,
    "list": _listed,
}


def meaning(filters: Mapping[str, Filter], chosen: Mapping[str, Sequence[str]], moment: Moment) -> Expr | None:
    """Return the condition of what was chosen; several values of one filter are alternatives.

    Raises:
        BadValue: a value means nothing to its filter.
    """
    parts = [
        disjunction(*(filters[name].condition(value, moment) for value in values)) for name, values in chosen.items()
    ]
    return conjunction(*parts) if parts else None
