"""The first rows of several lists at once: a board has one list for each of its columns, and is read like one list.

Each lane is walked along the index that serves its value and its order, and stops at its page; a window over all rows
would look at each of them. What the row rule reaches is found once for all lanes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import CTE, Integer, Select, literal_column, select, union_all

from engine.data.normal import Normal
from engine.data.select import Selection
from engine.data.statement import Statement
from engine.data.strategy import reach_by
from engine.expression import NULL, Call, Expr, FieldInfo, Literal, Path, Var, conjunction
from engine.metadata.model import Field


def lane(path: str, value: Any, where: Expr | None) -> Expr:
    """Return the condition of one lane: the field has the value (nothing, for None), and whatever all lanes keep."""
    own = Call("==", (Path(tuple(path.split("."))), NULL if value is None else Literal(value)))
    return own if where is None else conjunction(where, own)


def named(field: Field, values: Sequence[Any], where: Normal) -> Normal:
    """Return the condition of all lanes with the value of each as a parameter of its own."""
    info = FieldInfo(field.value_type, field.scale, field.target, nullable=False)
    infos = {_name(place): info for place, value in enumerate(values) if value is not None}
    given = {_name(place): value for place, value in enumerate(values) if value is not None}
    return Normal(where.shape, {**where.values, **given}, {**where.infos, **infos})


def _name(place: int) -> str:
    return f"param.lane{place}"


class Lanes(Selection):
    """The first ids of each lane, on their way to SQL."""

    def firsts(self, path: str, missing: Sequence[bool]) -> Statement:
        """Compile rows of (place of the lane, id). `missing` says for each lane whether it is that of no value."""
        reach = self.gathered().cte("reach") if self.strategy == "gather" else None
        _, names = self.sort(self.root)
        if reach is None:
            self._spread_over(names, (path,))
        found = []
        for number, empty in enumerate(missing):
            value: Expr = NULL if empty else Var(_name(number))
            own = Call("==", (Path(tuple(path.split("."))), value))
            parts = [self._part(own, shape, reach) for shape in self._spread or (self.where.shape,)]
            first = parts[0] if len(parts) == 1 else self._best_of(parts)
            lane_of = literal_column(str(number), Integer()).label("lane")
            found.append(select(lane_of, first.subquery().c.id))
        return self.frame.binds.finish(union_all(*found) if len(found) > 1 else found[0])  # type: ignore[arg-type]

    def _part(self, own: Expr, shape: Expr | None, reach: CTE | None) -> Select[Any]:
        """Return the first rows of a lane that keep a part of what was asked for: their ids, and what sorts them."""
        place = self._fresh()
        if reach is None:
            rule = self.roles.rule(self.entity.key, "read")
            conditions = [*reach_by(rule, place, self.strategy), *self._kept(place, shape)]
        else:
            conditions = [place.alias.c.id.in_(select(reach.c.id))]
        sort, _ = self.sort(place)
        keys = [column.element.label(f"k{number}") for number, column in enumerate(sort)]
        rows = select(place.alias.c.id.label("id"), *keys).where(*conditions, self._asked(own, place))
        return rows.order_by(*(column.order(self.frame.kind) for column in sort)).limit(self._limit)

    def _best_of(self, parts: Sequence[Select[Any]]) -> Select[Any]:
        """Return the first rows of a lane of the first rows of its parts."""
        whole = union_all(*(select(part.subquery()) for part in parts)).subquery()
        sort, _ = self.sort(self.root)
        order = (replace(column, element=whole.c[f"k{number}"]) for number, column in enumerate(sort))
        return select(whole.c.id).order_by(*(column.order(self.frame.kind) for column in order)).limit(self._limit)
