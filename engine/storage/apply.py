# ruff: noqa: S608
# Names in statements come from the storage map; values are bound.
"""Carries a plan out: additive statements, copies in batches beside running writers, the catch-up before the switch.

`engine.publish` says when. Everything here may be cut off at any statement; what was begun is written down in
meta_work first, so that the next publication takes it back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import orjson
from sqlalchemy import Connection

from engine import clock
from engine.fields import field_types
from engine.ids import new_id
from engine.metadata.model import Model
from engine.storage import ddl
from engine.storage.catalog import TRIGRAMS, inspect
from engine.storage.changes import Change
from engine.storage.codec import moment
from engine.storage.columns import quoted
from engine.storage.convert import Converter
from engine.storage.database import Database, run
from engine.storage.guard import ENTITY_ACCESS
from engine.storage.indexes import Index
from engine.storage.patience import LOCK_TIMEOUT_MS, patiently
from engine.storage.storage_map import StorageMap

LARGE_ROWS = 20_000
LARGE_PAGES = 1_000
"""From so many rows, or pages of 8 KB, PostgreSQL makes an index beside running writers."""

_AFTER = frozenset({"drop_index", "index_search"})


def expand(connection: Connection, changes: Iterable[Change]) -> None:
    """Run the additive statements of a plan in the caller's transaction."""
    if connection.dialect.name != "sqlite":
        run(connection, f"SET LOCAL lock_timeout = {LOCK_TIMEOUT_MS}")
    for change in changes:
        if change.kind not in _AFTER:
            for statement in change.sql:
                run(connection, statement, access=ENTITY_ACCESS)


def retire(connection: Connection, changes: Iterable[Change]) -> None:
    """Drop the indexes that are not needed any more, in the transaction of the switch."""
    for change in changes:
        if change.kind == "drop_index":
            for statement in change.sql:
                run(connection, statement, access=ENTITY_ACCESS)


def converters(
    change: Change, model: Model, previous: Model | None, dialect: str
) -> tuple[Converter, Converter | None]:
    """Return what converts the values of a retype, and for a column that comes back, what converted them once."""
    assert change.column is not None  # noqa: S101 - a retype has both columns
    assert change.source is not None  # noqa: S101
    field = model.entities[change.entity].fields[change.field]
    former = change.field_before(previous)
    convert = Converter(change.source, change.column, field, former, dialect, model.timezone)
    if not change.restores:
        return convert, None
    meant = former
    if meant is None:
        # What it was is not known any more, only its type; that says the value well enough to compare.
        type_ = field_types().get(change.source.type, field.type)
        meant = replace(field, type=type_, options={"decimals": change.source.scale})
    return convert, Converter(change.column, change.source, meant, field, dialect, model.timezone)


def copy_links(connection: Connection, changes: Iterable[Change]) -> None:
    """Copy links from a column to a table of links, or the first of each record the other way, in one statement."""
    for change in changes:
        table = quoted(change.table)
        if change.kind != "retype_column":
            continue
        if change.link and change.source is not None and change.source.kind == "uuid":
            column = quoted(change.source.name)
            run(
                connection,
                f"INSERT INTO {quoted(change.link)} (record_id, target_id, position)"
                f' SELECT "id", {column}, 0 FROM {table} WHERE {column} IS NOT NULL',
                access=ENTITY_ACCESS,
            )
        elif change.source_link and change.column is not None and change.column.kind == "uuid":
            link = quoted(change.source_link)
            run(
                connection,
                f"UPDATE {table} SET {quoted(change.column.name)} = (SELECT target_id FROM {link}"
                f' WHERE record_id = {table}."id" ORDER BY position, target_id LIMIT 1)'
                f' WHERE "id" IN (SELECT record_id FROM {link})',
                access=ENTITY_ACCESS,
            )


def watch(connection: Connection, watched: Mapping[str, Iterable[str]]) -> None:
    """Note from now on which records of some tables are made, or changed in one of the columns."""
    for table, columns in watched.items():
        for statement in ddl.watch(table, tuple(sorted(columns)), connection.dialect.name):
            run(connection, statement, access=ENTITY_ACCESS)


def large_tables(connection: Connection, tables: Iterable[str]) -> set[str]:
    """Return those of the tables that PostgreSQL believes to have many rows."""
    rows = run(
        connection,
        "SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relname = ANY(%s)"
        " AND (reltuples >= %s OR relpages >= %s)",
        (sorted(tables), LARGE_ROWS, LARGE_PAGES),
    ).fetchall()
    return {row[0] for row in rows}


def index_concurrently(database: Database, index: Index) -> None:
    """Make an index on PostgreSQL while others write.

    Raises:
        IntegrityError: it is unique, and some values stand more than once.
        DatabaseUnavailable: the database does not answer.
    """
    with database.beside() as connection:
        run(connection, "SET lock_timeout = 0")
        try:
            if index.contains:
                run(connection, TRIGRAMS)
            # What a try before left would be in the way, and be of no use.
            run(connection, ddl.drop_index(index.name("postgresql")), access=ENTITY_ACCESS)
            run(connection, index.sql("postgresql", concurrently=True), access=ENTITY_ACCESS)
        finally:
            run(connection, f"SET lock_timeout = {database.busy_timeout_ms:d}")


def index_anew(database: Database, index: Index) -> None:
    """Make an index that is missing or broken; as `index_concurrently`."""
    if database.dialect == "postgresql":
        index_concurrently(database, index)
        return
    with database.write() as connection:
        run(connection, ddl.drop_index(index.name("sqlite")), access=ENTITY_ACCESS)
        run(connection, index.sql("sqlite"), access=ENTITY_ACCESS)


_NAMING = (
    ("record_change", "entity"),
    ("change_set", "entity"),
    ("search_row", "entity"),
    ("share", "entity"),
    ("user_view", "entity"),
    ("saved_view", "entity"),
    ("view_default", "entity"),
    ("user_draft", "entity"),
    ("notice", "entity"),
    ("record_follow", "entity"),
    ("record_pin", "entity"),
    ("record_presence", "entity"),
    ("person_star", "entity"),
    ("person_visit", "entity"),
    ("calendar_feed", "entity"),
)


def rename_entities(connection: Connection, changes: Iterable[Change], before: StorageMap, model: Model) -> None:
    """Let history, search and shares of renamed entities go on under the new key."""
    mark = "?" if connection.dialect.name == "sqlite" else "%s"
    for change in changes:
        if change.kind != "rename_entity":
            continue
        former = next(key for key in before.entities if before.entities.table(key) == change.table)
        for table, column in _NAMING:
            statement = f"UPDATE {table} SET {column} = {mark} WHERE {column} = {mark}"
            run(connection, statement, (change.entity, former))
        run(
            connection,
            f"UPDATE sequence_block SET name = {mark} || substr(name, {len(former) + 1:d})"
            f" WHERE substr(name, 1, {len(former) + 1:d}) = {mark}",
            (change.entity, f"{former}."),
        )
        for entity in model.entities.values():
            stored = before.entities.get(entity.key)
            for field in entity.fields.values() if stored is not None else ():
                place = stored.columns.get(field.key) if stored is not None else None
                if field.type.links == "any" and place is not None and stored is not None:
                    name = quoted(place.name)
                    run(
                        connection,
                        f"UPDATE {quoted(stored.table)} SET {name} = {mark} || substr({name}, {len(former) + 1:d})"
                        f" WHERE substr({name}, 1, {len(former) + 1:d}) = {mark}",
                        (change.entity, f"{former}/"),
                        access=ENTITY_ACCESS,
                    )


def begin_work(connection: Connection, dialect: str, changes: Iterable[Change], watched: Sequence[str]) -> str:
    """Write down what is about to be made beside the running revision; return the id of the note."""
    work = new_id()
    body = {
        "tables": [change.link or change.table for change in changes if change.kind in {"create_table", "create_link"}],
        "columns": [
            [change.table, change.column.name]
            for change in changes
            if change.kind in {"add_column", "retype_column"} and change.sql and change.column is not None
        ],
        "indexes": [change.index.name(dialect) for change in changes if change.index is not None],
        "watched": list(watched),
    }
    mark = "?" if dialect == "sqlite" else "%s"
    run(
        connection,
        f"INSERT INTO meta_work (id, kind, body, started_at) VALUES ({mark}, 'expand', {mark}, {mark})",
        (work, orjson.dumps(body).decode(), moment(dialect)(clock.now())),
    )
    return work


def end_work(connection: Connection, dialect: str) -> None:
    """Forget the notes: what they tell of belongs to the revision that is switched to in this transaction."""
    for (body,) in run(connection, "SELECT body FROM meta_work WHERE kind = 'expand'").fetchall():
        for table in orjson.loads(body)["watched"]:
            for statement in ddl.unwatch(table, dialect):
                run(connection, statement, access=ENTITY_ACCESS)
    run(connection, "DELETE FROM meta_touch")
    run(connection, "DELETE FROM meta_work WHERE kind = 'expand'")


def take_back(database: Database, storage: StorageMap) -> list[str]:
    """Drop what publications made that did not come to their switch; return the names of it.

    Only one publication runs at a time, so whatever is noted was left by one that died.
    """
    with database.bare() as connection:
        if not run(connection, "SELECT 1 FROM meta_work WHERE kind = 'expand'").fetchone():
            return []
    result: list[str] = patiently(lambda: _take_back(database, storage))
    return result


def _take_back(database: Database, storage: StorageMap) -> list[str]:
    kept = {(stored.table, column.name) for stored in storage.entities.values() for column in stored.columns.values()}
    kept |= {(each.table, each.column.name) for each in storage.retired if each.column is not None}
    tables = storage.all_tables()
    indexes = {name for stored in storage.entities.values() for name in stored.indexes}
    dropped: list[str] = []
    with database.exclusive() as connection:
        if database.dialect != "sqlite":
            run(connection, f"SET LOCAL lock_timeout = {LOCK_TIMEOUT_MS}")
        for (text,) in run(connection, "SELECT body FROM meta_work WHERE kind = 'expand'").fetchall():
            body = orjson.loads(text)
            statements = [ddl.drop_index(name) for name in body["indexes"] if name not in indexes]
            statements += [ddl.drop_table(name) for name in reversed(body["tables"]) if name not in tables]
            dropped += [name for name in (*body["indexes"], *body["tables"]) if name not in indexes | tables]
            for statement in statements:
                run(connection, statement, access=ENTITY_ACCESS)
            for table, column in body["columns"]:
                if (table, column) not in kept:
                    drop_column(connection, table, column)
                    dropped.append(f"{table}.{column}")
        end_work(connection, database.dialect)
    return dropped


def drop_column(connection: Connection, table: str, column: str) -> None:
    """Drop a column if it is there, and on SQLite its foreign key's index first."""
    found = inspect(connection, [table]).get(table)
    if found is None or column not in found.columns:
        return
    if connection.dialect.name == "sqlite":
        for (name,) in run(
            connection,
            "SELECT DISTINCT l.name FROM pragma_index_list(?) l, pragma_index_info(l.name) i"
            " WHERE i.name = ? AND l.origin = 'c'",
            (table, column),
        ).fetchall():
            run(connection, ddl.drop_index(name), access=ENTITY_ACCESS)
    run(connection, ddl.drop_column(table, column), access=ENTITY_ACCESS)
