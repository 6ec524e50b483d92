"""What the database really has: columns, indexes and types of some tables, asked of its own catalogue."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import orjson
from sqlalchemy import Connection

from engine.fields import StorageKind
from engine.storage.columns import declared
from engine.storage.database import run
from engine.storage.guard import ENTITY_ACCESS


@dataclass(slots=True)
class FoundTable:
    """A table as it is: column -> type as the catalogue writes it, index -> whether it can be used."""

    columns: dict[str, str] = field(default_factory=dict)
    indexes: dict[str, bool] = field(default_factory=dict)
    foreign_keys: dict[str, str] = field(default_factory=dict)
    """Column -> table that it leads to."""
    constraints: dict[str, str] = field(default_factory=dict)
    """Column -> name of its foreign key, on PostgreSQL."""


_SQLITE_COLUMNS = """
    SELECT m.name, c.name, c.type FROM sqlite_master m, pragma_table_info(m.name) c
    WHERE m.type = 'table' AND m.name IN (SELECT value FROM json_each(?))"""
_SQLITE_INDEXES = """
    SELECT tbl_name, name FROM sqlite_master
    WHERE type = 'index' AND sql IS NOT NULL AND tbl_name IN (SELECT value FROM json_each(?))"""
_SQLITE_KEYS = """
    SELECT m.name, k."from", k."table" FROM sqlite_master m, pragma_foreign_key_list(m.name) k
    WHERE m.type = 'table' AND m.name IN (SELECT value FROM json_each(?))"""

_POSTGRES_COLUMNS = """
    SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod)
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
    WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p')
      AND c.relname = ANY(%s) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY c.relname, a.attnum"""
_POSTGRES_INDEXES = """
    SELECT t.relname, i.relname, x.indisvalid
    FROM pg_index x JOIN pg_class t ON t.oid = x.indrelid JOIN pg_class i ON i.oid = x.indexrelid
    WHERE t.relnamespace = current_schema()::regnamespace AND t.relname = ANY(%s) AND NOT x.indisprimary"""
_POSTGRES_KEYS = """
    SELECT t.relname, a.attname, f.relname, k.conname
    FROM pg_constraint k JOIN pg_class t ON t.oid = k.conrelid JOIN pg_class f ON f.oid = k.confrelid
    JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1]
    WHERE k.contype = 'f' AND t.relnamespace = current_schema()::regnamespace AND t.relname = ANY(%s)"""


def inspect(connection: Connection, tables: Iterable[str]) -> Mapping[str, FoundTable]:
    """Return those of the tables that exist."""
    names = sorted(set(tables))
    sqlite = connection.dialect.name == "sqlite"
    given = (orjson.dumps(names).decode(),) if sqlite else (names,)
    found: dict[str, FoundTable] = {}
    for table, column, kind in _rows(connection, _SQLITE_COLUMNS if sqlite else _POSTGRES_COLUMNS, given):
        found.setdefault(table, FoundTable()).columns[column] = kind
    for table, index, *valid in _rows(connection, _SQLITE_INDEXES if sqlite else _POSTGRES_INDEXES, given):
        if table in found:
            found[table].indexes[index] = all(valid)
    for table, column, target, *name in _rows(connection, _SQLITE_KEYS if sqlite else _POSTGRES_KEYS, given):
        if table in found:
            found[table].foreign_keys[column] = target
            if name:
                found[table].constraints[column] = name[0]
    return found


TRIGRAMS = "CREATE EXTENSION IF NOT EXISTS pg_trgm"
"""Makes indexes of parts of text possible on PostgreSQL."""


def has_trigrams(connection: Connection) -> bool:
    """Say whether the database can index parts of text: the extension is there, or may be made."""
    if connection.dialect.name == "sqlite":
        return False
    found: bool = run(
        connection,
        "SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_trgm') OR"
        " (EXISTS (SELECT FROM pg_available_extensions WHERE name = 'pg_trgm')"
        " AND has_database_privilege(current_database(), 'CREATE'))",
    ).fetchone()[0]
    return found


def _rows(connection: Connection, statement: str, given: tuple[object, ...]) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = run(connection, statement, given, access=ENTITY_ACCESS).fetchall()
    return rows


_POSTGRES_NAMES = (
    (re.compile(r'TEXT COLLATE "C"'), "text"),
    (re.compile(r"TIMESTAMPTZ\(3\)"), "timestamp(3) with time zone"),
    (re.compile(r"TIME\(0\)"), "time(0) without time zone"),
)


def catalogued(kind: StorageKind, scale: int, dialect: str) -> str:
    """Return the type of a column as the catalogue writes it."""
    text = declared(kind, scale, dialect)
    if dialect == "sqlite":
        return text
    for pattern, name in _POSTGRES_NAMES:
        text = pattern.sub(name, text)
    return text.lower()
