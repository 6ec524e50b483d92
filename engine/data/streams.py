"""The first records of many owners in one order, without reading all that they own.

An index gives the records of each owner in the order of the list. SQLite merges these streams: a recursive query whose
rows wait in the order of the list takes the first one out and puts that owner's next one in, so a page costs as many
steps as there are owners and rows on it. PostgreSQL takes a page of each owner and sorts those.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
from sqlalchemy import Integer, Text, column, text

from engine.data.keyset import SortColumn
from engine.data.place import NEVER_EMPTY, Frame, Place
from engine.data.rules import owner_path
from engine.fields import StorageType
from engine.storage.columns import Stored, quoted

MOST = 40
"""Owners from which on a walk over everybody's records finds a page as soon."""


def mergeable(sort: Sequence[SortColumn], names: Sequence[str]) -> bool:
    """Say whether a sort order is one that streams have: columns that always hold something, all in one direction."""
    return all(name in NEVER_EMPTY for name in names) and len({each.descending for each in sort}) == 1


def newest_of_subordinates(place: Place, names: Sequence[str], *, descending: bool, size: int | None = None) -> Any:
    """Return the ids of the first records of the person's subordinates, as many as the page has, or `size`."""
    frame = place.frame
    below, binds = _below(frame)
    limit = str(size)
    if size is None:
        wanted = frame.binds.value("limit", Integer())
        limit, binds = f":{wanted.key}", [wanted, *binds]
    tables, entity = frame.tables, place.entity.key
    table = quoted(tables.name(entity))
    owner = quoted(tables.column_name(entity, owner_path(place.entity).keys[0]))
    keys = [quoted(tables.column_name(entity, name)) for name in names]
    way = "DESC" if descending else "ASC"
    order = ", ".join(f"y.{key} {way}" for key in keys)
    live = f"FROM {table} AS y WHERE y.deleted_at IS NULL AND y.{owner} ="
    if frame.kind == "sqlite":
        shown = ", ".join(f"n.{key}" for key in keys)
        first = f"(SELECT y.rowid {live} c.user_id ORDER BY {order} LIMIT 1)"
        mine = ", ".join(f"y.{key}" for key in keys)
        last = ", ".join(f"q.k{number}" for number in range(len(keys)))
        beyond = f"({mine}) {'<' if descending else '>'} ({last})"
        following = f"(SELECT y.rowid {live} q.o AND {beyond} ORDER BY {order} LIMIT 1)"
        names_ = ", ".join(f"k{number}" for number in range(len(keys)))
        places = ", ".join(f"{number} {way}" for number in range(2, len(keys) + 2))
        statement = (
            f"WITH RECURSIVE q(o, {names_}) AS (SELECT * FROM (SELECT c.user_id, {shown} FROM ({below}) AS c"  # noqa: S608
            f" JOIN {table} AS n ON n.rowid = {first})"
            f" UNION ALL SELECT q.o, {shown} FROM q JOIN {table} AS n ON n.rowid = {following}"
            f" ORDER BY {places} LIMIT {limit}) SELECT k{len(keys) - 1} AS id FROM q"
        )
    else:
        shown = ", ".join(f"y.{key} AS k{number}" for number, key in enumerate(keys))
        again = ", ".join(f"n.k{number} {way}" for number in range(len(keys)))
        statement = (
            f"SELECT n.k{len(keys) - 1} AS id FROM ({below}) AS c CROSS JOIN LATERAL (SELECT {shown} {live} c.user_id"  # noqa: S608
            f" ORDER BY {order} LIMIT {limit}) AS n ORDER BY {again} LIMIT {limit}"
        )
    return text(statement).bindparams(*binds).columns(column("id", Stored("uuid")))


def _below(frame: Frame) -> tuple[str, list[Any]]:
    """Return the SELECT of everybody below the person, each once, and its parameters."""
    if not frame.roles.standing_in:
        me = frame.binds.scalar("user.id", StorageType("uuid"))
        typed = f":{me.key}" if frame.kind == "sqlite" else f"(SELECT CAST(:{me.key} AS uuid))"
        return f"SELECT user_id FROM user_closure WHERE manager_id = {typed} AND depth > 0", [me]  # noqa: S608
    if frame.kind == "sqlite":
        covered = frame.binds.value("user.covered", Text(), _as_json)
        above = f"SELECT value FROM json_each(:{covered.key})"  # noqa: S608 - the name of a parameter
    else:
        covered = frame.binds.value("user.covered", Text(), list)
        above = f"SELECT unnest(CAST(:{covered.key} AS uuid[]))"
    return f"SELECT DISTINCT user_id FROM user_closure WHERE manager_id IN ({above}) AND depth > 0", [covered]  # noqa: S608


def _as_json(values: Any) -> str:
    return orjson.dumps(list(values)).decode()
