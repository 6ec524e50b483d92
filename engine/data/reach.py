"""Which of some records an action reaches: the rule of lists, put to single records.

`Records` asks before a change for the rows as they are and, inside the same transaction, after it for the rows as
they have become. There is no second way to decide, so the two cannot drift apart.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, and_, select, true

from engine.data.access import Access
from engine.data.place import Frame, Place
from engine.data.rules import Rule
from engine.data.statement import Binds, Statement

_ALONE = frozenset({"read", "create"})
"""Actions that do not ask for the right to read besides."""


def reached(connection: Connection, access: Access, entity: str, action: str, ids: Iterable[str]) -> frozenset[str]:
    """Return those of the ids whose rows, as they stand in this transaction, are in reach of an action.

    Rows in the recycle bin count too. What may not be read is out of reach of every action but `create`, which is
    judged on the row that was just written.
    """
    wanted = tuple(dict.fromkeys(ids))
    rules = rules_of(access, entity, action)
    if not wanted or any(rule.nobody for rule in rules):
        return frozenset()
    kind: Literal["sqlite", "postgresql"] = "sqlite" if connection.dialect.name == "sqlite" else "postgresql"
    tables = access.published.tables
    key = ("reach", kind, tables, access.roles, entity, action)
    statement: Statement = access.model.derive(key, lambda: _compile(kind, access, entity, action))
    return frozenset(row[0] for row in statement.rows(connection, {**access.env(), "ids": wanted}))


def rules_of(access: Access, entity: str, action: str) -> tuple[Rule, ...]:
    """Return the rules that an action must keep: its own and, unless it is reading or creating, that of reading."""
    rule = access.rule(entity, action)
    return (rule,) if action in _ALONE else (access.rule(entity, "read"), rule)


def reach_condition(place: Place, action: str) -> ColumnElement[bool]:
    """Return the condition for the rows of a place that an action reaches, for statements that change many rows."""
    parts: list[Any] = [] if action in _ALONE else place.reach("read")
    return and_(true(), *parts, *place.reach(action))


def _compile(kind: Literal["sqlite", "postgresql"], access: Access, entity: str, action: str) -> Statement:
    binds = Binds(kind)
    frame = Frame(kind, access.published.tables, access.roles, binds)
    place = frame.root(entity)
    named = place.alias.c.id.in_(binds.listed("ids"))
    return binds.finish(select(place.alias.c.id).where(named, reach_condition(place, action)))
