"""The first records of a list from several branches of a row rule, merged in the order of the list by SQLite.

Each branch gives its records in that order, so the next one is always at the head of some branch: nothing is put into
a set and sorted again. What somebody owns comes straight from an index, and its last record on the page says where
the other branches may stop: what sorts after it is on no page that is full already.
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


def row_number(place: Place) -> Element:
    """Return SQLite's own number of a record, by which it is fetched in half the time."""
    return literal_column(f"{place.alias.name}.rowid")  # type: ignore[attr-defined]


def orderly(names: Sequence[str]) -> bool:
    """Say whether the columns of a sort order always hold something."""
    return NEVER_EMPTY.issuperset(names)


def nearer(sort: Sequence[SortColumn], names: Sequence[str], own: Select[Any], limit: Element) -> list[Element]:
    """Return the condition that a record does not sort after a whole page of one's own ones; none where it is no use.

    `own` selects the first sort column of one's own records, in the order of the list.
    """
    if names[0] not in _MOMENTS:
        return []
    last = own.limit(1).offset(limit - literal_column("1")).scalar_subquery()
    column, descending = sort[0].element, sort[0].descending
    # Moments are texts that begin with a digit.
    end = func.coalesce(last, literal_column("''" if descending else "'~'"))
    return [column >= end if descending else column <= end]


def merged(
    branches: Sequence[tuple[Place, Sequence[SortColumn], list[Element]]], limit: Element, *, apart: bool
) -> Subquery:
    """Return (k0, k1, ..., r): the sort keys and row numbers of the page, in no order that may be relied on.

    With `apart`, each branch is cut to a page first; without, it is sorted whole, which few records make cheap.
    """
    arms: list[Select[Any]] = []
    for place, sort, conditions in branches:
        keys = [column.element.label(f"k{number}") for number, column in enumerate(sort)]
        arm = select(*keys, row_number(place).label("r")).select_from(place.alias).where(and_(*conditions))
        if apart or len(branches) == 1:
            arm = arm.order_by(*(column.order("sqlite") for column in sort)).limit(limit)
            arm = select(arm.subquery())
        arms.append(arm)
    sort = branches[0][1]
    if len(arms) == 1:
        return arms[0].subquery("best")
    whole = union(*arms)
    columns = whole.selected_columns
    orders = [replace(column, element=columns[f"k{number}"]).order("sqlite") for number, column in enumerate(sort)]
    # The row number comes last in every index, so this order is that of the index to its end.
    last = columns["r"].desc() if sort[-1].descending else columns["r"].asc()
    return whole.order_by(*orders, last).limit(limit).subquery("best")
