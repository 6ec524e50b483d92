"""The first rows of several lists at once: a board has one list for each of its columns, and is read like one list.

Each lane is walked along the index that serves its value and its order, and stops at its page; a window over all rows
would look at each of them. What the row rule reaches is found once for all lanes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Integer, literal_column, select, union_all

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
        rule = self.roles.rule(self.entity.key, "read")
        limit = self.frame.binds.value("limit", Integer())
        found = []
        for number, empty in enumerate(missing):
            place = self._fresh()
            value: Expr = NULL if empty else Var(_name(number))
            own = self._asked(Call("==", (Path(tuple(path.split("."))), value)), place)
            if reach is None:
                conditions = [*reach_by(rule, place, self.strategy), *self._kept(place), own]
            else:
                conditions = [place.alias.c.id.in_(select(reach.c.id)), own]
            sort, _ = self.sort(place)
            lane_of = literal_column(str(number), Integer()).label("lane")
            rows = select(lane_of, place.alias.c.id.label("id")).where(*conditions)
            rows = rows.order_by(*(column.order(self.frame.kind) for column in sort)).limit(limit)
            found.append(select(rows.subquery()))
        return self.frame.binds.finish(union_all(*found) if len(found) > 1 else found[0])  # type: ignore[arg-type]
