# ruff: noqa: S608
# Names in statements come from the storage map; values are bound.
"""SQL that makes tables and columns, for each database. Nothing here is run; names come from the storage map."""

from __future__ import annotations

from collections.abc import Mapping

from engine.storage.columns import declared, quoted
from engine.storage.naming import fitted
from engine.storage.storage_map import SYSTEM_NOT_NULL, StoredColumn

_DEFERRED = "DEFERRABLE INITIALLY DEFERRED"


def create_table(table: str, columns: Mapping[str, StoredColumn], dialect: str) -> str:
    """Return CREATE TABLE; on PostgreSQL its foreign keys follow when every table is there."""
    lines = [_column(key, column, dialect) for key, column in columns.items()]
    return f"CREATE TABLE {quoted(table)} ({', '.join(lines)})"


def _column(key: str, column: StoredColumn, dialect: str) -> str:
    text = f"{quoted(column.name)} {declared(column.kind, column.scale, dialect)}"
    if key == "id":
        text += " PRIMARY KEY"
    if key in SYSTEM_NOT_NULL:
        text += " NOT NULL"
    return text + _reference(column, dialect)


def _reference(column: StoredColumn, dialect: str) -> str:
    if column.target is None or dialect != "sqlite":
        return ""
    return f" REFERENCES {quoted(column.target)} ({quoted('id')}) {_DEFERRED}"


def add_column(table: str, column: StoredColumn, dialect: str) -> tuple[str, ...]:
    """Return what adds a column, empty in every row; no row is rewritten."""
    kind = declared(column.kind, column.scale, dialect)
    add = f"ALTER TABLE {quoted(table)} ADD COLUMN {quoted(column.name)} {kind}{_reference(column, dialect)}"
    return (add, *foreign_key(table, column, dialect))


def foreign_key(table: str, column: StoredColumn, dialect: str, *, fresh: bool = False) -> tuple[str, ...]:
    """Return what makes a foreign key on PostgreSQL; SQLite has it with the column.

    NOT VALID leaves out the look through the rows, which hold nothing yet; what is written is checked all the same.
    """
    if column.target is None or dialect == "sqlite":
        return ()
    name = quoted(fitted(f"fk_{table}_{column.name}"))
    add = f"ALTER TABLE {quoted(table)} ADD CONSTRAINT {name} FOREIGN KEY ({quoted(column.name)})"
    return (f"{add} REFERENCES {quoted(column.target)} (id) {_DEFERRED}{'' if fresh else ' NOT VALID'}",)


def create_link_table(name: str, table: str, target: str, dialect: str) -> tuple[str, ...]:
    """Return what makes the table of a field that links to many records."""
    kind = declared("uuid", 0, dialect)
    lines = [f"record_id {kind} NOT NULL", f"target_id {kind} NOT NULL", "position INTEGER NOT NULL"]
    ends = (("record_id", table), ("target_id", target))
    index = f"CREATE INDEX {quoted(fitted(f'ix_{name}_target'))} ON {quoted(name)} (target_id)"
    if dialect == "sqlite":
        lines += [f"FOREIGN KEY ({end}) REFERENCES {quoted(to)} ({quoted('id')}) {_DEFERRED}" for end, to in ends]
    lines.append("PRIMARY KEY (record_id, target_id)")
    # The key is all there is to a row.
    shape = " WITHOUT ROWID" if dialect == "sqlite" else ""
    return (f"CREATE TABLE {quoted(name)} ({', '.join(lines)}){shape}", index)


def link_foreign_keys(name: str, table: str, target: str, dialect: str) -> tuple[str, ...]:
    """Return what makes the foreign keys of a link table on PostgreSQL, when every table is there."""
    if dialect == "sqlite":
        return ()
    return tuple(
        f"ALTER TABLE {quoted(name)} ADD CONSTRAINT {quoted(fitted(f'fk_{name}_{end}'))}"
        f" FOREIGN KEY ({end}) REFERENCES {quoted(to)} ({quoted('id')}) {_DEFERRED}"
        for end, to in (("record_id", table), ("target_id", target))
    )


def drop_index(name: str) -> str:
    """Return what drops an index that may be gone already."""
    return f"DROP INDEX IF EXISTS {quoted(name)}"


def drop_table(name: str) -> str:
    """Return what drops a table that may be gone already."""
    return f"DROP TABLE IF EXISTS {quoted(name)}"


def drop_column(table: str, column: str) -> str:
    """Return what drops a column, which no index may name on SQLite."""
    return f"ALTER TABLE {quoted(table)} DROP COLUMN {quoted(column)}"


def watch(table: str, columns: tuple[str, ...], dialect: str) -> tuple[str, ...]:
    """Return triggers that note in meta_touch which rows are made, or changed in one of the columns."""
    names, of = f"meta_touch_{table}", ", ".join(map(quoted, columns))
    if dialect == "sqlite":
        body = f"BEGIN INSERT OR IGNORE INTO meta_touch VALUES ('{table}', NEW.id); END"
        return (
            f"CREATE TRIGGER {quoted(fitted(names + '_new'))} AFTER INSERT ON {quoted(table)} {body}",
            f"CREATE TRIGGER {quoted(fitted(names + '_old'))} AFTER UPDATE OF {of} ON {quoted(table)} {body}",
        )
    when = f"AFTER INSERT OR UPDATE OF {of} ON {quoted(table)}"
    return (f"CREATE TRIGGER {quoted(fitted(names))} {when} FOR EACH ROW EXECUTE FUNCTION meta_touch()",)


def unwatch(table: str, dialect: str) -> tuple[str, ...]:
    """Return what drops the triggers of `watch`."""
    names = f"meta_touch_{table}"
    if dialect == "sqlite":
        return tuple(f"DROP TRIGGER IF EXISTS {quoted(fitted(names + end))}" for end in ("_new", "_old"))
    return (f"DROP TRIGGER IF EXISTS {quoted(fitted(names))} ON {quoted(table)}",)
