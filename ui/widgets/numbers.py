"""How numbers over records are written: what a measure is called, its amounts, and the names of groups."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any

from engine import Bucket, Entity, Field, Locale, Measure, Message, Model, Reader, field_along, period_of_label
from ui.widgets.cells import COLORS

MOST_TITLES = 2_000
"""Groups of one answer that are named by the title of a record."""
_WHOLE_FROM = 1_000
"""From here on the decimals of an amount say nothing that a number in large letters should."""
FUNCTIONS = {
    "count": Message("Number of records"),
    "count_distinct": Message("Different {field}"),
    "sum": Message("Sum of {field}"),
    "avg": Message("Average of {field}"),
    "min": Message("Smallest {field}"),
    "max": Message("Largest {field}"),
    "ratio": Message("Share"),
}
"""What a number works out, as a report names it."""
UNITS = {
    "year": Message("Year of {field}"),
    "quarter": Message("Quarter of {field}"),
    "month": Message("Month of {field}"),
    "week": Message("Week of {field}"),
    "day": Message("Day of {field}"),
    "weekday": Message("Weekday of {field}"),
}
"""Parts of dates, as choices of a report name them."""


@dataclass(frozen=True, slots=True)
class Name:
    """What a group is called."""

    text: str
    color: str = ""
    """One of the colours that options have; "" = any."""


def field_of(model: Model, entity: Entity, measure: Measure) -> Field | None:
    """Return the field that a measure works out."""
    return None if measure.path is None else field_along(model, entity, measure.path)


def label_along(model: Model, entity: Entity, dotted: str, language: str) -> str:
    """Return the label of a path: of its last two fields, as lists head a column."""
    labels: list[str] = []
    here: Entity | None = entity
    for key in dotted.split("."):
        field = None if here is None else here.fields.get(key)
        if field is None:
            return dotted
        labels.append(field.label.in_(language))
        here = model.entities.get(field.target or "")
    return " · ".join(labels[-2:])


def bucket_label(model: Model, entity: Entity, bucket: Bucket, language: str) -> str:
    """Return what stands above the groups of a bucket."""
    field = label_along(model, entity, bucket.path, language)
    return Message(UNITS[bucket.unit].template, field=field).in_(language) if bucket.unit else field


def measure_label(model: Model, entity: Entity, measure: Measure, language: str) -> str:
    """Return what a number is called: what its document says, else what it works out."""
    if measure.label is not None:
        return measure.label.in_(language)
    if measure.function == "count":
        return FUNCTIONS["count"].in_(language)
    field = label_along(model, entity, measure.path or "", language)
    return Message(FUNCTIONS[measure.function].template, field=field).in_(language)


def unit_of(model: Model, entity: Entity, measure: Measure) -> str:
    """Return what a number counts: a currency, "percent", "duration", "number"; what differs shares no axis."""
    if measure.function == "ratio" or measure.format == "percent":
        return "percent"
    field = field_of(model, entity, measure)
    if field is None or measure.function in {"count", "count_distinct"}:
        return "number"
    shown = field.type.result(field.options)
    if shown.name == "money":
        return str(field.options.get("currency") or model.currency)
    return shown.name if shown.name in {"percent", "duration"} else "number"


def writer(model: Model, entity: Entity, measure: Measure, locale: Locale) -> Callable[[Any], str]:
    """Return what writes a number of a measure; "" for none."""
    percent = _percent(locale)
    if measure.function == "ratio":
        return lambda value: "" if value is None else percent(value)
    field = field_of(model, entity, measure)
    if field is None or measure.function in {"count", "count_distinct"}:
        return lambda value: "" if value is None else f"{value:,}"
    display = field.type.displayer(field.options, locale)
    return lambda value: "" if value is None else display(value)


def brief_writer(model: Model, entity: Entity, measure: Measure, locale: Locale) -> Callable[[Any], str]:
    """Return what writes a number in large letters: without decimals where they say nothing."""
    write = writer(model, entity, measure, locale)

    def brief(value: Any) -> str:
        if isinstance(value, Decimal) and abs(value) >= _WHOLE_FROM:
            return write(value.quantize(Decimal(1)))
        return write(value)

    return brief


def _percent(locale: Locale) -> Callable[[Decimal], str]:
    from babel.numbers import format_decimal

    language = _babel(locale.language)
    return lambda value: f"{format_decimal(value, format='#,##0.#', locale=language)}%"


def plain(value: Any) -> float | None:
    """Return a number as charts take it."""
    return None if value is None or isinstance(value, (str, date)) else float(value)


def names_of(reader: Reader, entity: Entity, bucket: Bucket, values: Iterable[Any], locale: Locale) -> dict[Any, Name]:
    """Return what the groups of a bucket are called, by value; one statement at most."""
    wanted = list(dict.fromkeys(values))
    empty = Name(Message("Empty").in_(locale.language))
    if bucket.unit:
        made = {each: Name(part_label(each, bucket.unit, locale.language)) for each in wanted if each is not None}
        return {**made, None: empty}
    field = field_along(reader.model, entity, bucket.path)
    assert field is not None  # noqa: S101 - the answer was grouped by it
    if field.choices:
        return {**{each: _option(field, each, locale) for each in wanted}, None: empty}
    if field.target and field.type.links == "one":
        titles = reader.titles(field.target, [each for each in wanted if each is not None][:MOST_TITLES])
        nobody = Name(Message("Nobody").in_(locale.language)) if field.target == "user" else empty
        return {**{each: Name(titles.get(each) or "…") for each in wanted}, None: nobody}
    display = field.type.displayer(field.options, locale)
    return {**{each: Name(display(each)) for each in wanted if each is not None}, None: empty}


def _option(field: Field, value: Any, locale: Locale) -> Name:
    option = field.choices.get(value)
    if option is None:
        return Name(str(value))
    return Name(option.label.in_(locale.language), option.color if option.color in COLORS else "")


@lru_cache(maxsize=4_096)
def part_label(label: Any, unit: str, language: str) -> str:
    """Return a part of time in words: "Mar 2026", "Q1 2026", "Mar 9 – 15", "Monday"."""
    from babel.dates import format_date, format_skeleton, get_day_names

    locale = _babel(language)
    if unit == "weekday":
        return str(get_day_names("abbreviated", locale=locale)[int(label) - 1])
    try:
        first = period_of_label(label, unit).first or date.min
    except ValueError:
        return str(label)
    if unit == "year":
        return str(format_skeleton("y", first, locale=locale))
    if unit == "quarter":
        return str(format_skeleton("yQQQ", first, locale=locale))
    if unit == "month":
        return str(format_skeleton("yMMM", first, locale=locale))
    if unit == "week":
        year, week = label.split("-W")
        return Message("Week {week}, {year}", week=int(week), year=int(year)).in_(language)
    return str(format_date(first, "medium", locale=locale))


@lru_cache(maxsize=16)
def _babel(language: str) -> str:
    from babel import Locale as BabelLocale
    from babel import UnknownLocaleError

    try:
        return str(BabelLocale.parse(language.replace("-", "_")))
    except (UnknownLocaleError, ValueError):
        return "en"


def in_order(
    model: Model, entity: Entity, buckets: Sequence[Bucket], keys: Sequence[tuple[Any, ...]]
) -> list[tuple[Any, ...]]:
    """Return groups of select fields in the order of their options, as stages follow one another."""
    places: list[dict[Any, int]] = []
    chosen = False
    for at, bucket in enumerate(buckets):
        field = field_along(model, entity, bucket.path)
        if field is not None and field.choices and not bucket.unit:
            chosen, order = True, list(field.choices)
        else:
            # What has no order of its own keeps that in which it came.
            order = list(dict.fromkeys(key[at] for key in keys))
        places.append({key: place for place, key in enumerate(order)})
    if not chosen:
        return list(keys)

    def place(row: tuple[Any, ...]) -> list[int]:
        return [known.get(value, len(known)) for known, value in zip(places, row, strict=False)]

    return sorted(keys, key=place)
