"""What one person has of their own, as ids in a statement: who reports to them, what they starred, what they opened.

A condition that only chooses what is shown may ask for it: `owner in user.reports`, `id in user.starred`. The ids are
read by the statement itself, so it is one text for everybody and costs a walk of an index; no right comes of them.
"""

from __future__ import annotations

from typing import Any, Literal

from sqlalchemy import ColumnElement, Select, column, func, literal_column, select, table

from engine.data.statement import Binds
from engine.expression import Call, Expr, Path, Var
from engine.fields import StorageType
from engine.storage.columns import Stored

Element = ColumnElement[Any]

SEEN = ("user", "seen")
"""Path by which records are sorted by the moment when who asks opened them last."""

_UUID = Stored("uuid")
_REPORTS = table("user_closure", column("manager_id", _UUID), column("user_id", _UUID), column("depth"))
_MARKS = {
    f"user.{name}": table(kept, column("user_id", _UUID), column("record_id", _UUID), column("at", Stored("datetime")))
    for name, kept in (("starred", "person_star"), ("seen", "person_visit"))
}


def own_ids(binds: Binds, name: str) -> Select[Any] | None:
    """Return the ids that a variable stands for; None where it is none of these."""
    if name == "user.reports":
        below = select(_REPORTS.c.user_id).where(_REPORTS.c.depth > literal_column("0"))
        return below.where(_REPORTS.c.manager_id == _me(binds))
    marks = _MARKS.get(name)
    return None if marks is None else select(marks.c.record_id).where(marks.c.user_id == _me(binds))


def listed(rows: Select[Any], kind: Literal["sqlite", "postgresql"]) -> Element:
    """Return ids as the list that they are to an expression: a JSON array, empty when there are none."""
    inner = rows.subquery()
    [value] = inner.c
    if kind == "sqlite":
        return select(func.json_group_array(value)).scalar_subquery()
    empty: Element = literal_column("'[]'::jsonb")
    return select(func.coalesce(func.jsonb_agg(value), empty)).scalar_subquery()


def seen_at(binds: Binds, id_: Element) -> Element:
    """Return the moment at which who asks opened a record last, in a statement with that record; NULL for never."""
    visits = _MARKS["user.seen"].alias()
    mine = (visits.c.user_id == _me(binds), visits.c.record_id == id_)
    return (
        select(func.max(visits.c.at, type_=Stored("datetime"))).where(*mine).correlate_except(visits).scalar_subquery()
    )


def is_handful(condition: Expr | None) -> bool:
    """Say whether a condition leaves only what one person starred or opened: a few hundred records at most."""
    if not isinstance(condition, Call):
        return False
    if condition.name == "and":
        return any(map(is_handful, condition.args))
    if condition.name != "in":
        return False
    what, where = condition.args
    return isinstance(what, Path) and what.keys == ("id",) and isinstance(where, Var) and where.name in _MARKS


def _me(binds: Binds) -> Element:
    return binds.scalar("user.id", StorageType("uuid"))
