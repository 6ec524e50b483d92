"""What SQLite's planner is told about the tables, so that it plans for the size that they will have.

Without statistics SQLite takes every comparison for a rare hit: a list of the open ones among 200,000 leads, the newest
first, is then gathered and sorted in 700 ms instead of read off an index in 0.3. ANALYZE would find out, but reads
every index from end to end while nobody writes, and has to be run again whenever a table has grown. What matters is
known anyway: a field with five options has five values, a link has many. So that is written where ANALYZE would
write it, when a publication has made the indexes. PostgreSQL collects statistics of its own accord.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

import orjson
from sqlalchemy import Connection

from engine.metadata.model import Entity, Model
from engine.storage.database import run, run_many
from engine.storage.storage_map import StorageMap, StoredEntity

ROWS = 200_000
"""Records of a table as the planner shall think of it. In a small one any plan is a good plan."""
FEW = 1_000
"""People, teams and departments."""
_OF_THE_ORGANISATION = frozenset({"user", "team", "department"})

_DAYS = 2_000
_NUMBERS = 20_000
_PER_LINK = 10
_SMALL = 100

_ENGINE = {
    ("share", "share_principal"): (100_000, 100, 30, 1),
    ("share", "sqlite_autoindex_share_1"): (100_000, 20_000, 2, 1, 1),
    ("user_closure", "sqlite_autoindex_user_closure_1"): (5_000, 10, 1),
    ("user_closure", "user_closure_user"): (5_000, 5),
    ("search_row", "search_row_record"): (ROWS, 1, 1),
    ("record_change", "record_change_version"): (ROWS * 5, 5, 5, 1),
}


def tell(connection: Connection, model: Model, storage: StorageMap, entities: Iterable[str] | None = None) -> None:
    """Write the statistics of entities whose indexes changed, of all unless they are given, in the same transaction."""
    if connection.dialect.name != "sqlite":
        return
    known = [key for key in (storage.entities if entities is None else entities) if key in model.entities]
    tables = {}
    for key in known:
        stored = storage.entities.get(key)
        if stored is not None:
            tables[stored.table] = _of_entity(model.entities[key], stored)
            tables.update(dict.fromkeys(stored.links.values(), _LINKS))
    if not tables:
        return
    # There is no other way to make the table of statistics; this one has a single row.
    run(connection, "ANALYZE meta_state")
    rows = [(table, index, _text(numbers)) for (table, index), numbers in _ENGINE.items()]
    rows += [
        (table, index, _text(_averages(tables[table][0], columns, tables[table][1], unique=unique)))
        for table, index, unique, columns in _indexes(connection, tables)
    ]
    gone = orjson.dumps([*tables, *{table for table, _ in _ENGINE}]).decode()
    run(connection, "DELETE FROM sqlite_stat1 WHERE tbl IN (SELECT value FROM json_each(?))", (gone,))
    run_many(connection, "INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES (?, ?, ?)", rows)
    run(connection, "ANALYZE sqlite_schema")


_Known = tuple[int, Mapping[str, int]]
"""Rows of a table, and how many different values each column has."""

_LINKS: _Known = (ROWS, {"record_id": ROWS // 3, "target_id": ROWS // _PER_LINK})


def _of_entity(entity: Entity, stored: StoredEntity) -> _Known:
    count = FEW if entity.key in _OF_THE_ORGANISATION else ROWS
    return count, {column.name: _values(entity, key, count) for key, column in stored.columns.items()}


def _indexes(connection: Connection, tables: Iterable[str]) -> Iterable[tuple[str, str, bool, list[str]]]:
    """Yield (table, name, whether it is unique, columns) of each index."""
    found = run(
        connection,
        'SELECT t.value, l.name, l."unique", i.name FROM json_each(?) t, pragma_index_list(t.value) l, '
        "pragma_index_info(l.name) i ORDER BY t.value, l.name, i.seqno",
        (orjson.dumps(list(tables)).decode(),),
    ).fetchall()
    for (table, name, unique), columns in groupby(found, key=lambda row: row[:3]):
        yield table, name, bool(unique), [row[3] or "" for row in columns]


def _values(entity: Entity, key: str, count: int) -> int:
    """Return how many different values a field is thought to have."""
    field = entity.fields.get(key)
    if field is None or field.storage is None:
        return count
    if field.choices:
        return max(2, len(field.choices))
    match field.storage.kind:
        case "boolean":
            return 2
        case "date":
            return _DAYS
        case "integer":
            return _SMALL
        case "decimal":
            return _NUMBERS
        case "uuid" if key != "id":
            return _SMALL if field.target in _OF_THE_ORGANISATION else count // _PER_LINK
        case "text":
            return count // 2
        case _:
            return count


def _averages(count: int, columns: Sequence[str], values: Mapping[str, int], *, unique: bool) -> list[int]:
    """Return the number of rows, and how many of them have the same first, first two ... columns of an index."""
    numbers = [count]
    for column in columns:
        numbers.append(max(1, numbers[-1] // max(1, values.get(column, count))))
    if unique:
        numbers[-1] = 1
    return numbers


def _text(numbers: Sequence[int]) -> str:
    return " ".join(map(str, numbers))
