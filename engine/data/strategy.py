"""How a list is read under a row rule: walked in the order of its sort, or gathered from what is in reach.

A rule such as "own, or of subordinates, or shared" is a choice of index that the planners get wrong either way: they
gather and sort forty thousand rows of a director for one page, or walk a million rows for the ten of a beginner.
How many rows somebody reaches decides, so it is counted (no further than it matters) and remembered for a while.
It steers nothing but the plan: the condition is the same, so a number that is out of date costs time, never a row.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import ColumnElement, Integer, Select, func, literal_column, select, true, union_all

from engine.data.conditions import given_ids, granted, restrictions, ways
from engine.data.place import Frame, Place
from engine.data.recent import Recent
from engine.data.rules import Branch, Rule, owner_path
from engine.data.statement import Binds, Statement
from engine.data.streams import MOST
from engine.expression import Expr
from engine.storage.database import run
from engine.storage.guard import ENTITY_ACCESS
from engine.storage.indexes import equalities, wanted

if TYPE_CHECKING:
    from engine.data.reading.snapshot import Snapshot

Strategy = Literal["plain", "walk", "gather", "merge"]
"""`merge` is `walk`, but for the first page of a list that nothing narrows down: see `streams`."""
Element = ColumnElement[Any]

REMEMBERED_SECONDS = 300.0
PEOPLE_KEPT = 10_000
SMALL = 2_000
"""Records of an entity below which the planner may do what it likes."""
_PAGE = 50
_WORTH = 1.3
"""What it costs to gather one row, in rows that are walked over."""


def reach_by(rule: Rule, place: Place, strategy: Strategy) -> list[Element]:
    """Return the conditions of a row rule; in a form that leaves only the index of the sort when that is walked."""
    if rule.everybody or strategy != "walk":
        return place.reach(rule.action)
    # A comparison with TRUE is no choice of indexes any more.
    return [*restrictions(rule, place.inline), ways(rule, place.inline).is_(true())]


def _gathered(rule: Rule, place: Place) -> Any:
    """Return the ids that the grants of a rule reach, each branch by the index that serves it."""
    parts: list[Select[Any]] = []
    for way in rule.ways:
        for branch in way.branches:
            ids = given_ids(branch, rule.action, place)
            parts += ids if ids is not None else [_by_condition(branch, rule.action, place)]
    return union_all(*parts) if len(parts) > 1 else parts[0]


def _by_condition(branch: Branch, action: str, place: Place) -> Select[Any]:
    there = Place(place.frame, place.entity, place.frame.alias(place.entity.key))
    return select(there.alias.c.id).where(there.alias.c.deleted_at.is_(None), granted(branch, action, there))


def sorted_by_index(place: Place, sort: Sequence[str], condition: Expr | None) -> bool:
    """Say whether an index gives rows in the order of a sort: what stands before it there is compared with one value.

    Where none does, SQLite carries whole rows through the sort; it is better given the ids first.
    """
    compared = {path[0] for path in equalities(condition) if len(path) == 1}
    return any(
        sort[0] in fields and compared.issuperset(fields[: fields.index(sort[0])])
        for fields in (*list_indexes(place), ("id",))
    )


def list_indexes(place: Place) -> list[tuple[str, ...]]:
    """Return the fields of each index that the rows of a place have."""
    frame, entity = place.frame, place.entity
    tables = frame.tables
    stored = tables.storage.entities[entity.key]
    key = ("list indexes", frame.kind, tables, entity.key)
    known: list[tuple[str, ...]] = frame.roles.model.derive(
        key, lambda: [index.fields for index in wanted(tables.model, entity, stored, frame.kind)]
    )
    return known


def owners_in_order(place: Place, sort: Sequence[str]) -> bool:
    """Say whether an index gives the records of each owner in the order of a list."""
    begin = (owner_path(place.entity).keys[0], *(each for each in sort if each != "id"))
    return any(fields[: len(begin)] == begin for fields in list_indexes(place))


def choosable(rule: Rule) -> bool:
    """Say whether there is a choice to make: more than one thing lets rows in, none of it by way of a parent."""
    if rule.everybody or rule.nobody or rule.about or any(way.parent is not None for way in rule.ways):
        return False
    return len(rule.ways[0].branches) > 1 or rule.ways[0].branches[0].rows != "own"


def strategy_for(reader: Snapshot, entity: str) -> Strategy:
    """Return how lists of an entity are best read for the reader's principal."""
    rule = reader.access.rule(entity, "read")
    if not choosable(rule):
        return "plain"
    known: Recent[tuple[Strategy, float]] = reader.model.derive("strategies", lambda: Recent(PEOPLE_KEPT))
    key = (reader.kind, reader.published.tables, reader.access.roles, entity, reader.principal.id)
    chosen, until = known.get(key, lambda: _choose(reader, rule))
    if until < time.monotonic():
        chosen, until = _choose(reader, rule)
        known.put(key, (chosen, until))
    return chosen


def _choose(reader: Snapshot, rule: Rule) -> tuple[Strategy, float]:
    until = time.monotonic() + REMEMBERED_SECONDS
    rows = _table_rows(reader, rule.entity)
    if rows < SMALL:
        return "plain", until
    most = int(math.sqrt(_PAGE * rows / _WORTH))
    key = ("reach size", reader.kind, reader.published.tables, reader.access.roles, rule.entity)
    statement: Statement = reader.model.derive(key, lambda: _size(reader, rule))
    [(reached,)] = statement.rows(reader.connection, {**reader.access.env(), "limit": most + 1})
    if reached <= most:
        return "gather", until
    return ("merge" if _few_owners(reader, rule) else "walk"), until


def _few_owners(reader: Snapshot, rule: Rule) -> bool:
    """Say whether the records of a manager are better read one owner beside the other."""
    rows = {branch.rows for branch in rule.ways[0].branches}
    if rule.restricts or "subordinates" not in rows or not rows <= {"own", "subordinates", "shared"}:
        return False
    mark = "?" if reader.kind == "sqlite" else "%s"
    text = f"SELECT count(*) FROM user_closure WHERE manager_id = {mark} AND depth > 0"  # noqa: S608 - constants
    covered = reader.access.env()["user.covered"]
    found = [run(reader.connection, text, (each,)).fetchone() for each in covered]
    return sum(int(row[0]) for row in found if row is not None) <= MOST


def _size(reader: Snapshot, rule: Rule) -> Statement:
    binds = Binds(reader.kind)
    place = Frame(reader.kind, reader.published.tables, reader.access.roles, binds).root(rule.entity)
    ids = _gathered(rule, place).subquery("ids")
    some = select(literal_column("1")).select_from(ids).limit(binds.value("limit", Integer())).subquery("some")
    return binds.finish(select(func.count()).select_from(some))


def _table_rows(reader: Snapshot, entity: str) -> int:
    """Return about how many rows the table of an entity has, without counting them."""
    table = reader.published.tables.name(entity)
    if reader.kind == "sqlite":
        text = f'SELECT max(rowid) FROM "{table}"'  # noqa: S608 - the name of a table of ours
        values: tuple[str, ...] = ()
    else:
        text, values = (
            "SELECT greatest(reltuples, relpages * 20)::bigint FROM pg_class WHERE oid = to_regclass(%s)",
            (f'"{table}"',),
        )
    row = run(reader.connection, text, values, access=ENTITY_ACCESS).fetchone()
    return int(row[0] or 0) if row is not None else 0
