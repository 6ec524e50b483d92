"""Answers as tables: groups with subtotals, matrices with totals both ways, each number with the way to its records."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from math import ceil
from typing import Any, Literal
from urllib.parse import quote, urlencode

from engine import Answer, Bucket, Entity, Locale, Measure, Message, Reader, View, offered, records_of, to_text
from ui.widgets.numbers import Name, brief_writer, bucket_label, in_order, measure_label, names_of, writer

Keys = tuple[Any, ...]
Kind = Literal["row", "subtotal", "total"]
LONGEST_LINK = 2_000
"""Characters of an address; a longer one is not understood everywhere, so the number stands without one."""


@dataclass(frozen=True, slots=True)
class GridHead:
    """One cell above the columns."""

    label: str
    span: int = 1
    number: bool = False
    key: str = ""
    """What a report is sorted by when it is pressed; "" = nothing."""


@dataclass(frozen=True, slots=True)
class GridCell:
    """One number."""

    text: str
    value: Any = None
    link: str = ""
    brief: str = ""
    """The number without decimals that say nothing."""
    heat: int = 0
    """How much it is of the largest one, in tenths; of a heat map."""


@dataclass(frozen=True, slots=True)
class GridRow:
    """One line: the names of its groups, then its numbers."""

    kind: Kind
    names: tuple[Name, ...]
    cells: tuple[GridCell, ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """A table of numbers."""

    over: tuple[GridHead, ...]
    """The line above the heads, of a matrix with several numbers; empty otherwise."""
    heads: tuple[GridHead, ...]
    rows: tuple[GridRow, ...]
    names: int
    """How many of the first columns hold names."""
    capped: bool
    left_out: bool
    """Whether some numbers are missing because the reader may not see their fields."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """An answer with everything in words: what tables and charts are made of."""

    answer: Answer
    entity: Entity
    rows: tuple[Keys, ...]
    columns: tuple[Keys, ...]
    names: Mapping[tuple[Bucket, Any], Name]
    writers: Mapping[str, Callable[[Any], str]]
    briefs: Mapping[str, Callable[[Any], str]]
    labels: Mapping[str, str]
    """What measures are called, by key."""
    heads: Mapping[Bucket, str]
    """What groups are called."""
    address: Callable[[Keys, Keys, str], str]

    def row_name(self, row: Keys) -> tuple[Name, ...]:
        """Return the names of a row's groups."""
        return tuple(self.names[bucket, value] for bucket, value in zip(self.answer.question.groups, row, strict=False))

    def column_name(self, column: Keys) -> str:
        """Return the name of a column, in one line."""
        pairs = zip(self.answer.question.pivot, column, strict=False)
        return " · ".join(self.names[bucket, value].text for bucket, value in pairs)

    def cell(self, row: Keys, column: Keys, measure: Measure) -> GridCell:
        """Return one number with the way to its records."""
        value = self.answer.number(row, column, measure.key)
        if value is None and measure.function == "count" and not self.answer.question.pivot:
            value = 0  # a part of time without a record
        link = self.address(row, column, measure.key) if value not in {None, 0} else ""
        return GridCell(self.writers[measure.key](value), value, link, self.briefs[measure.key](value))


def drawn(reader: Reader, answer: Answer, locale: Locale) -> Drawn:
    """Return an answer in words; one statement for each group that is a link."""
    question, model = answer.question, reader.model
    entity = model.entity(question.entity)
    rows = list(answer.rows)
    if not question.order and not answer.capped:
        rows = in_order(model, entity, question.groups, rows)
    columns = in_order(model, entity, question.pivot, answer.columns)
    names: dict[tuple[Bucket, Any], Name] = {}
    for buckets, keys in ((question.groups, rows), (question.pivot, columns)):
        for place, bucket in enumerate(buckets):
            found = names_of(reader, entity, bucket, [key[place] for key in keys], locale)
            names.update({(bucket, value): name for value, name in found.items()})
    return Drawn(
        answer,
        entity,
        tuple(rows),
        tuple(columns),
        names,
        {each.key: writer(model, entity, each, locale) for each in question.measures},
        {each.key: brief_writer(model, entity, each, locale) for each in question.measures},
        {each.key: measure_label(model, entity, each, locale.language) for each in question.measures},
        {each: bucket_label(model, entity, each, locale.language) for each in (*question.groups, *question.pivot)},
        ways(reader, answer),
    )


def ways(reader: Reader, answer: Answer) -> Callable[[Keys, Keys, str], str]:
    """Return what gives the address of the list of exactly the records behind a number; "" when there is none."""
    question, model, timezone = answer.question, reader.model, reader.access.principal.timezone
    base = whole_list(reader, question.entity)

    def address(row: Keys, column: Keys, measure: str) -> str:
        condition = records_of(model, question, row, column, measure, timezone)
        return narrowed(base, "" if condition is None else to_text(condition))

    return address


def whole_list(reader: Reader, entity: str) -> str:
    """Return the address of all records of an entity: of a view that leaves none out, else of a report that lists."""
    views = _views(reader, entity)
    first = next((each for each in views if each.where is None), None)
    if first is None:
        columns = "".join(f"&column={quote(path)}" for path in views[0].columns)
        return f"/report/new?entity={entity}&own=1{columns}"
    return f"/{entity}" if first is views[0] else f"/{entity}?view={quote(first.key)}"


def _views(reader: Reader, entity: str) -> list[View]:
    """Return the views of a list as it offers them, the usual one first."""
    first = reader.model.default_view(entity)
    known = [first, *(each for each in reader.model.views.values() if each.entity == entity and each is not first)]
    return [each for each in known if offered(reader.access, each)] or [first]


def narrowed(base: str, condition: str) -> str:
    """Return the address of a list with a condition; "" when it is too long."""
    if not condition:
        return base
    made = f"{base}{'&' if '?' in base else '?'}{urlencode({'filter': condition}, quote_via=quote)}"
    return made if len(made) <= LONGEST_LINK else ""


def grid(found: Drawn, locale: Locale) -> Grid:
    """Return an answer as a table."""
    question = found.answer.question
    groups = [GridHead(found.heads[each], key=each.key) for each in question.groups]
    if question.pivot:
        return _matrix(found, groups, locale)
    heads = [*groups, *(GridHead(found.labels[each.key], number=True, key=each.key) for each in question.measures)]
    rows = list(_table_rows(found, locale))
    return Grid((), tuple(heads), tuple(rows), max(len(groups), 0), found.answer.capped, bool(found.answer.left_out))


def _table_rows(found: Drawn, locale: Locale) -> list[GridRow]:
    question = found.answer.question
    depth = len(question.groups)
    made: list[GridRow] = []
    before: Keys = ()
    for row in found.rows:
        if depth > 1 and before and row[:1] != before[:1]:
            made.append(_subtotal(found, before[:1], depth, locale))
        made.append(GridRow("row", found.row_name(row), _numbers(found, row, ((),))))
        before = row
    if depth > 1 and before:
        made.append(_subtotal(found, before[:1], depth, locale))
    if ((), ()) in found.answer.totals and depth:
        blank = (Name(""),) * (depth - 1)
        made.append(GridRow("total", (Name(Message("Total").in_(locale.language)), *blank), _numbers(found, (), ((),))))
    return made


def _subtotal(found: Drawn, keys: Keys, depth: int, locale: Locale) -> GridRow:
    [name] = found.row_name(keys)
    words = Message("Total of {name}", name=name.text).in_(locale.language)
    return GridRow("subtotal", (Name(words), *(Name(""),) * (depth - 1)), _numbers(found, keys, ((),)))


def _numbers(found: Drawn, row: Keys, columns: Sequence[Keys]) -> tuple[GridCell, ...]:
    return tuple(found.cell(row, column, each) for column in columns for each in found.answer.question.measures)


def _matrix(found: Drawn, groups: list[GridHead], locale: Locale) -> Grid:
    question = found.answer.question
    measures, total = question.measures, Message("Total").in_(locale.language)
    columns = (*found.columns, ())
    names = [*(found.column_name(each) for each in found.columns), total]
    over: tuple[GridHead, ...] = ()
    if len(measures) == 1:
        heads = [*groups, *(GridHead(name, number=True) for name in names)]
    else:
        over = (*(GridHead("") for _ in groups), *(GridHead(name, len(measures), number=True) for name in names))
        heads = [*groups, *(GridHead(found.labels[each.key], number=True) for _ in names for each in measures)]
    rows = [GridRow("row", found.row_name(row), _numbers(found, row, columns)) for row in found.rows]
    if groups:
        blank = (Name(""),) * (len(groups) - 1)
        rows.append(GridRow("total", (Name(total), *blank), _numbers(found, (), columns)))
    return Grid(over, tuple(heads), tuple(rows), len(groups), found.answer.capped, bool(found.answer.left_out))


def heated(shown: Grid) -> Grid:
    """Return a table as a heat map: without totals, each number as strong as it is large."""
    rows = [row for row in shown.rows if row.kind == "row"]
    last = -1 if shown.rows[-1:] and shown.rows[-1].kind == "total" and len(shown.heads) > shown.names + 1 else None
    numbers = [float(cell.value) for row in rows for cell in row.cells[:last] if isinstance(cell.value, (int, Decimal))]
    largest = max([*numbers, 0.0]) or 1.0

    def warm(cell: GridCell) -> GridCell:
        value = float(cell.value) if isinstance(cell.value, (int, Decimal)) else 0.0
        return replace(cell, heat=max(0, min(10, ceil(value / largest * 10))))

    made = tuple(replace(row, cells=tuple(map(warm, row.cells[:last]))) for row in rows)
    return replace(shown, rows=made, heads=shown.heads[:last])
