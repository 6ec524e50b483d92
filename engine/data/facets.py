"""How often values stand together in the rows of a list: what every choice above it would leave, from one statement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Integer, func, select

from engine.data.fields import masked, resolve, unknown
from engine.data.select import Selection
from engine.data.statement import Statement

FACETED = 5_000
"""Rows that are looked at to say how often values stand together."""


@dataclass(frozen=True, slots=True)
class Facets:
    """How often values stand together: options as their keys, links as ids, flags as true and false."""

    rows: tuple[tuple[tuple[Any, ...], int], ...]
    capped: bool
    """Whether there are more rows than were looked at, so that each number is the least that it may be."""


def faceted(selection: Selection, paths: Sequence[str]) -> Statement:
    """Compile how often values of some fields stand together, over the rows up to the value of "limit".

    Raises:
        QueryInvalid: a path leads to no single value that who asks may filter by.
    """
    wanted = [resolve(selection.roles, selection.entity, path) for path in paths]
    for each in wanted:
        if each.masked:
            raise masked(each.dotted)
        if each.kind != "column":
            raise unknown(each.dotted)
    values = [selection.root.value(each.keys, asking=True) for each in wanted]
    conditions = selection.conditions()
    binds = selection.frame.binds
    some = selection.chosen(values, conditions).limit(binds.value("limit", Integer())).subquery()
    return binds.finish(select(*some.c, func.count()).group_by(*some.c))
