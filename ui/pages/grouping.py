"""A list whose rows stand together by a field: each group with its count and sums, its rows when somebody opens it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import Any

from engine import (
    NULL,
    Aggregate,
    Bucket,
    Call,
    Count,
    Entity,
    Expr,
    Field,
    Literal,
    Locale,
    Message,
    Path,
    Query,
    QueryInvalid,
    Reader,
    conjunction,
    is_id,
    period_of_label,
    within_period,
)
from ui.asking import language
from ui.pages.listing import PAGE, Listing, Wanted, locale_of
from ui.widgets.buckets import bucket_of
from ui.widgets.filters import NONE
from ui.widgets.numbers import Name, in_order, names_of
from ui.widgets.paths import fields_along

MOST_GROUPS = 200
UNITS = ("month", "quarter", "year")
"""Parts of dates that a list offers to group by; its address takes `week` and `day` too."""
_BY_UNIT = {
    "month": Message("{field}, by month"),
    "quarter": Message("{field}, by quarter"),
    "year": Message("{field}, by year"),
}
_SUMMED = frozenset(("integer", "number", "money", "duration"))
_AVERAGED = frozenset(("percent", "rating"))


@dataclass(frozen=True, slots=True)
class Sum:
    """A number below a column."""

    place: int
    """Of the column among those that are shown."""
    aggregate: Aggregate
    field: Field


@dataclass(frozen=True, slots=True)
class Group:
    """Rows that stand together."""

    key: str
    """As `in` of an address says it."""
    name: Name
    count: str
    sums: Mapping[int, str]
    """Numbers as they are shown, by the place of their column."""
    page: str
    """Address of the list with this group open."""
    rows: str
    """Address of its rows."""


# --- what may be grouped by


def choices_of(reader: Reader, entity: Entity, now: str) -> list[tuple[str, str]]:
    """Return (parameter, label) of what a list may be grouped by; what it is grouped by now is among them."""
    who, spoken = reader.access.principal, language()

    def make() -> list[tuple[str, str]]:
        found = []
        for key, field in entity.fields.items():
            label, kind = field.label.in_(spoken), str(field.value_type)
            asked = f"month({key})" if kind in {"date", "datetime"} else key
            if field.hidden or bucket_of(reader.access, entity.key, asked) is None:
                continue
            if field.system and key != "owner":
                if key == "created_at":
                    found.append((asked, Message(_BY_UNIT["month"].template, field=label).in_(spoken)))
                continue
            if kind in {"date", "datetime"}:
                by_unit = ((unit, Message(_BY_UNIT[unit].template, field=label)) for unit in UNITS)
                found += [(f"{unit}({key})", words.in_(spoken)) for unit, words in by_unit]
            elif field.choices or field.type.links == "one" or kind == "boolean":
                found.append((key, label))
        return found

    known: list[tuple[str, str]] = reader.model.derive(
        ("grouped by", entity.key, spoken, who.roles, who.system, who.scopes), make
    )
    if now and now not in {key for key, _label in known}:
        path = Bucket.parse(now).path
        fields = fields_along(reader.model, entity.key, path.split(".")) or ()
        return [*known, (now, " · ".join(each.label.in_(spoken) for each in fields))]
    return known


# --- one group


def key_of(value: Any) -> str:
    """Return how an address says which group it is."""
    if value is None:
        return NONE
    if isinstance(value, bool):
        return "yes" if value else "no"
    return format(value.normalize(), "f") if isinstance(value, Decimal) else str(value)


def inside(reader: Reader, asked: Listing) -> Query:
    """Return the query of the rows of the group that an address names."""
    wanted = asked.wanted
    assert asked.bucket is not None  # noqa: S101 - whoever asks for a group has groups
    part = _condition(reader, wanted.entity.key, asked.bucket, wanted.inside)
    where = part if asked.query.where is None else conjunction(asked.query.where, part)
    return replace(asked.query, where=where)


def _condition(reader: Reader, entity: str, bucket: Bucket, key: str) -> Expr:
    """Return the condition of a group.

    Raises:
        QueryInvalid: the key is that of no group.
    """
    path = Path(tuple(bucket.path.split(".")))
    if key == NONE:
        return Call("==", (path, NULL))
    field = (fields_along(reader.model, entity, path.keys) or ())[-1]
    kind = str(field.value_type)
    try:
        if bucket.unit or kind == "date":
            period = period_of_label(key, bucket.unit or "day")
            found = within_period(bucket.path, field.value_type, period, reader.principal.timezone)
            return found if found is not None else Call("!=", (path, NULL))
        if kind == "boolean":
            return Call("==", (path, Literal(key == "yes")))
        if kind != "link" or is_id(key):
            return Call("==", (path, Literal(Decimal(key) if kind == "number" else key)))
    except (ValueError, InvalidOperation):
        pass
    raise QueryInvalid(Message("There is no such group"))


# --- sums


def sums_of(asked: Listing) -> list[Sum]:
    """Return the numbers that stand below the columns of a list: sums, and averages of shares and ratings."""
    entity, found = asked.wanted.entity, []
    for place, head in enumerate(asked.table.heads):
        path = head.path.partition(":")[0]
        field = entity.fields.get(path)
        if field is None or not head.sort or str(field.value_type) != "number":
            continue
        name = field.type.result(field.options).name
        function = "sum" if name in _SUMMED else "avg" if name in _AVERAGED else ""
        if function:
            found.append(Sum(place, Aggregate.parse(f"{function}({path})"), field))
    return found


def _written(each: Sum, value: Any, locale: Locale) -> str:
    if value is None:
        return ""
    if each.aggregate.function == "avg":
        value = value.quantize(Decimal("0.1")) if isinstance(value, Decimal) else value
        return f"⌀ {each.field.type.displayer(each.field.options, locale)(value)}"
    return each.field.type.displayer(each.field.options, locale)(value)


def totals(reader: Reader, asked: Listing) -> tuple[Count, Mapping[int, str]]:
    """Return how many records a list has, and the numbers below its columns, over all of them."""
    sums = sums_of(asked)
    query = _aggregate(asked, (), sums)
    [row] = reader.aggregate(query).values()
    locale = locale_of(reader)
    said = {each.place: _written(each, value, locale) for each, value in zip(sums, row[1:], strict=True)}
    return Count(row[0], capped=False), said


def _aggregate(asked: Listing, buckets: tuple[Bucket, ...], sums: Sequence[Sum]) -> Query:
    return replace(
        asked.query,
        select=(),
        group_by=buckets,
        aggregates=(Aggregate("count", None, "n"), *(replace(each.aggregate, name=f"s{each.place}") for each in sums)),
        order_by=(),
        limit=MOST_GROUPS,
        cursor=None,
    )


@dataclass(frozen=True, slots=True)
class Groups:
    """The groups of a list."""

    groups: Sequence[Group]
    more: bool
    """Whether there are more than are shown."""
    asked: Listing
    """The list, with the group that is open."""


def grouped(reader: Reader, asked: Listing) -> Groups:
    """Return the groups of a list; the one that its address names is open, else the first."""
    found, more = groups_of(reader, asked)
    known = [each.key for each in found]
    if found and asked.wanted.inside not in known:
        asked = replace(asked, wanted=replace(asked.wanted, inside=known[0]))
    return Groups(found, more, asked)


def groups_of(reader: Reader, asked: Listing) -> tuple[list[Group], bool]:
    """Return the groups of a list with their numbers, and whether there are more of them than are shown."""
    bucket, wanted = asked.bucket, asked.wanted
    assert bucket is not None  # noqa: S101 - as `inside`
    sums, locale = sums_of(asked), locale_of(reader)
    found = reader.aggregate(_aggregate(asked, (bucket,), sums))
    rows = {row[0]: row[1:] for row in found.values()}
    if None in rows:
        rows[None] = rows.pop(None)  # what has no value comes last
    names = names_of(reader, wanted.entity, bucket, rows, locale)
    order = [value for (value,) in in_order(reader.model, wanted.entity, [bucket], [(value,) for value in rows])]
    return [_group(wanted, value, names[value], rows[value], sums, locale) for value in order], bool(found.next_cursor)


def _group(
    wanted: Wanted, value: Any, name: Name, numbers: Sequence[Any], sums: Sequence[Sum], locale: Locale
) -> Group:
    key = key_of(value)
    return Group(
        key,
        name,
        f"{numbers[0]:,}",
        {each.place: _written(each, number, locale) for each, number in zip(sums, numbers[1:], strict=True)},
        wanted.address(inside=key, cursor="", rows=PAGE),
        wanted.address("/rows", inside=key, cursor="", rows=PAGE),
    )
