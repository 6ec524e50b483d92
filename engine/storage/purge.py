# ruff: noqa: S608
# Names in statements come from the storage map.
"""Drops what was retired and whose grace has passed. Nothing else in the product ever drops a value."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from engine.i18n import Message
from engine.storage import ddl, search
from engine.storage.apply import drop_column
from engine.storage.catalog import inspect
from engine.storage.columns import quoted
from engine.storage.database import run
from engine.storage.guard import ENTITY_ACCESS
from engine.storage.patience import LOCK_TIMEOUT_MS
from engine.storage.storage_map import Retired, StorageMap


@dataclass(frozen=True, slots=True)
class Purged:
    """Something that was dropped, or would be."""

    target: str
    """`lead.amount`, or `lead` for a whole table."""
    kind: str
    values: int
    """Values of a column, links, or records of a table."""
    since: int
    """Revision that retired it."""

    @property
    def message(self) -> Message:
        """What was dropped, as people read it."""
        if self.kind == "table":
            template = "{target}, retired by revision {since}, records: {values}"
        else:
            template = "{target}, retired by revision {since}, values: {values}"
        return Message(template, target=self.target, values=f"{self.values:,}", since=self.since)

    def __str__(self) -> str:
        return str(self.message)


def due(storage: StorageMap, today: dt.date) -> list[Retired]:
    """Return what may be dropped on a day: columns first, tables last."""
    day = today.isoformat()
    order = ("column", "link", "table")
    found = [each for each in storage.retired if each.until <= day]
    gone = {each.table for each in found if each.kind == "table"}
    # What belongs to a table that goes cannot stay behind.
    found += [each for each in storage.retired if each.table in gone and each not in found]
    return sorted(found, key=lambda each: (order.index(each.kind), each.entity, each.field))


def count(connection: Connection, entries: Sequence[Retired]) -> list[Purged]:
    """Return what the entries hold; what is gone already holds nothing."""
    there = inspect(connection, [each.link or each.table for each in entries])
    return [_counted(connection, each, there.get(each.link or each.table)) for each in entries]


def _counted(connection: Connection, each: Retired, found: object) -> Purged:
    target = f"{each.entity}.{each.field}" if each.field else each.entity
    columns = getattr(found, "columns", {})
    values = 0
    if found is not None and (each.column is None or each.column.name in columns):
        what = f"count({quoted(each.column.name)})" if each.column is not None else "count(*)"
        table = quoted(each.link or each.table)
        values = run(connection, f"SELECT {what} FROM {table}", access=ENTITY_ACCESS).fetchone()[0]
    return Purged(target, each.kind, values, each.since)


def drop(connection: Connection, storage: StorageMap, entries: Sequence[Retired]) -> StorageMap:
    """Drop what the entries name, in an exclusive transaction; return the map without it."""
    sqlite = connection.dialect.name == "sqlite"
    if not sqlite:
        run(connection, f"SET LOCAL lock_timeout = {LOCK_TIMEOUT_MS}")
    tables: list[str] = []
    for each in entries:
        if each.kind == "column" and each.column is not None:
            drop_column(connection, each.table, each.column.name)
        elif each.kind == "link":
            tables.append(each.link)
        elif each.kind == "table" and each.stored is not None:
            tables += [*each.stored.links.values(), each.table]
            if each.entity not in storage.entities:
                search.remove_all(connection, each.entity)
    there = inspect(connection, tables)
    tables = [table for table in tables if table in there]
    if tables and not sqlite:
        # All in one: they may lead to each other.
        run(connection, f"DROP TABLE {', '.join(map(quoted, tables))}", access=ENTITY_ACCESS)
    elif tables:
        for table in tables:
            run(connection, ddl.drop_table(table), access=ENTITY_ACCESS)
    kept = tuple(each for each in storage.retired if each not in entries)
    return replace(storage, retired=kept)
