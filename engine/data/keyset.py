"""Paging by the values of the last row: the next page begins where the index stands, however deep it is.

A missing value comes last in either direction. The rows with a value in the first sort column and those without are
two ranges of the index, so a page that reaches the end of the first range goes on in the second with a statement of
its own; one condition for both would make the database walk the index from its beginning.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, tuple_

from engine.data.statement import Binds
from engine.storage.order import ordered

Element = ColumnElement[Any]


@dataclass(frozen=True, slots=True)
class SortColumn:
    """One column of a sort order."""

    element: Element
    descending: bool
    nullable: bool

    def order(self, kind: str) -> Element:
        """Return its part of ORDER BY."""
        return ordered(self.element, descending=self.descending, nullable=self.nullable, dialect=kind)

    def after(self, value: Element) -> Element:
        """Return which values come later than a value that is there."""
        return self.element < value if self.descending else self.element > value

    def after_or_at(self, value: Element) -> Element:
        """Return which values come later than a value or are the same."""
        return self.element <= value if self.descending else self.element >= value


def beyond(columns: Sequence[SortColumn], missing: Sequence[bool], binds: Binds) -> Element:
    """Return the condition for rows after the cursor that are in the same range as its row.

    `missing` says for each column whether the cursor's row has no value there.
    """
    first = columns[0]
    if missing[0]:
        return and_(first.element.is_(None), _chain(columns, missing, binds, 1))
    values = [_value(binds, place, column) for place, column in enumerate(columns)]
    alike = all(column.descending == first.descending for column in columns)
    if alike and not any(column.nullable for column in columns[1:]):
        if len(columns) == 1:
            return first.after(values[0])
        here, there = tuple_(*(column.element for column in columns)), tuple_(*values)
        return here < there if first.descending else here > there
    rest = _chain(columns, missing, binds, 1)
    value = values[0]
    return and_(first.after_or_at(value), or_(first.after(value), and_(first.element == value, rest)))


def _chain(columns: Sequence[SortColumn], missing: Sequence[bool], binds: Binds, place: int) -> Element:
    column = columns[place]
    last = place == len(columns) - 1
    rest = None if last else _chain(columns, missing, binds, place + 1)
    if missing[place]:
        # Nothing but its equals comes with or after a missing value.
        return column.element.is_(None) if rest is None else and_(column.element.is_(None), rest)
    value = _value(binds, place, column)
    later = column.after(value)
    if column.nullable:
        later = or_(later, column.element.is_(None))
    return later if rest is None else or_(later, and_(column.element == value, rest))


def _value(binds: Binds, place: int, column: SortColumn) -> Element:
    return binds.value(f"cursor.{place}", column.element.type)
