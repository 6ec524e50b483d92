"""The first records of a list from several branches of a row rule, merged in the order of the list.

What somebody owns comes straight from an index, and its last record on the page says where the other branches may
stop: what sorts after it is on no page that is full already. SQLite merges the branches in the order of the list, so
the next record is always at the head of some branch; PostgreSQL sorts the few that are left. Whole rows are fetched at
the end, by where they lie in the table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, Select, Subquery, and_, func, literal_column, select, union

from engine.data.keyset import SortColumn
from engine.data.place import NEVER_EMPTY, Place

Element = ColumnElement[Any]

_MOMENTS = frozenset({"created_at", "updated_at"})
_ENDS = {
    # Moments are texts that begin with a digit.
    ("sqlite", True): "''",
    ("sqlite", False): "'~'",
    ("postgresql", True): "CAST('-infinity' AS timestamptz)",
    ("postgresql", False): "CAST('infinity' AS timestamptz)",
}
"""What no moment comes after, by kind of database and whether the list runs downwards."""


def row_number(place: Place) -> Element:
    """Return the database's own number of a row, by which it is fetched in half the time.

    PostgreSQL gives a row another one when it changes; within one statement they are those of its snapshot.
    """
    own = "rowid" if place.frame.kind == "sqlite" else "ctid"
    return literal_column(f"{place.alias.name}.{own}")  # type: ignore[attr-defined]


def orderly(names: Sequence[str]) -> bool:
    """Say whether the columns of a sort order always hold something."""
    return NEVER_EMPTY.issuperset(names)


def nearer(
    place: Place, sort: Sequence[SortColumn], names: Sequence[str], own: Select[Any], limit: Element
) -> list[Element]:
    """Return the condition that a record does not sort after a whole page of one's own ones; none where it is no use.

    `own` selects the first sort column of one's own records, in the order of the list.
    """
    if names[0] not in _MOMENTS:
        return []
    last = own.limit(1).offset(limit - literal_column("1")).scalar_subquery()
    column, descending = sort[0].element, sort[0].descending
    end = func.coalesce(last, literal_column(_ENDS[place.frame.kind, descending]))
    return [column >= end if descending else column <= end]


def merged(
    branches: Sequence[tuple[str, Place, Sequence[SortColumn], list[Element]]], limit: Element, *, apart: bool
) -> Subquery:
    """Return (k0, k1, ..., r): the sort keys and row numbers of the page, in no order that may be relied on.

    Each branch has its name, "own" among them. With `apart`, SQLite cuts each to a page first; without, it is sorted
    whole, which few records make cheap.
    """
    kind = branches[0][1].frame.kind
    arms: list[Select[Any]] = []
    for name, place, sort, conditions in branches:
        keys = [column.element.label(f"k{number}") for number, column in enumerate(sort)]
        arm = select(*keys, row_number(place).label("r")).select_from(place.alias).where(and_(*conditions))
        if kind == "postgresql" and name != "own":
            # What is to be gathered is not walked over because a page of it is asked for: OFFSET is a fence.
            fenced = arm.offset(literal_column("0")).subquery()
            arm = select(fenced).order_by(*_orders(sort, fenced.c, kind)).limit(limit)
            arm = select(arm.subquery())
        elif apart or len(branches) == 1 or kind == "postgresql":
            arm = arm.order_by(*(column.order(kind) for column in sort)).limit(limit)
            arm = select(arm.subquery())
        arms.append(arm)
    sort = branches[0][2]
    if len(arms) == 1:
        return arms[0].subquery("best")
    whole = union(*arms)
    columns = whole.selected_columns
    # The row number comes last in every index of SQLite, so this order is that of the index to its end.
    last = columns["r"].desc() if sort[-1].descending else columns["r"].asc()
    return whole.order_by(*_orders(sort, columns, kind), last).limit(limit).subquery("best")


def _orders(sort: Sequence[SortColumn], columns: Any, kind: str) -> list[Element]:
    return [replace(column, element=columns[f"k{number}"]).order(kind) for number, column in enumerate(sort)]
