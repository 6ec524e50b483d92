"""Carries a plan out: additive statements, copies in batches beside running writers, the catch-up before the switch.

`engine.publish` says when. Everything here may be cut off at any statement; what was begun is written down in
meta_work first, so that the next publication takes it back.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import orjson
from sqlalchemy import Connection

from engine import clock
from engine.errors import BadValue, DatabaseUnavailable
from engine.ids import new_id
from engine.storage import ddl
from engine.storage.changes import Change
from engine.storage.codec import moment
from engine.storage.columns import quoted
from engine.storage.convert import Converter
from engine.storage.database import Database, run, run_many
from engine.storage.guard import ENTITY_ACCESS
from engine.storage.storage_map import StorageMap

BATCH = 5_000
"""Rows copied in one transaction."""

LOCK_TIMEOUT_MS = 800
"""How long a statement waits for a table on PostgreSQL: less than deadlock_timeout (a second), so that it is always
the publication that steps back and never a reader that is ended as the victim of a deadlock."""

ATTEMPTS = 20

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


def patiently(work: Callable[[], Any]) -> Any:
    """Do something that needs a table for itself; when others hold it, step back and come again.

    Raises:
        DatabaseUnavailable: others held it every time, for a minute in all.
    """
    for attempt in range(ATTEMPTS):
        try:
            return work()
        except DatabaseUnavailable:
            if attempt == ATTEMPTS - 1:
                raise
            time.sleep(min(0.05 * 2**attempt, 2.0))
    raise AssertionError  # pragma: no cover - the last attempt returns or raises


class Copy:
    """The copying of one retyped column while others write.

    `losses` holds the ids of records whose value the new type cannot say.
    """

    def __init__(self, database: Database, change: Change, convert: Converter, back: Converter | None) -> None:
        assert change.column is not None  # noqa: S101 - a retype fills a column
        assert change.source is not None  # noqa: S101
        self._database, self._change = database, change
        self._convert = convert
        self._back = back
        """When the column comes back: from its own old value to the one that replaced it."""
        self._mark = "?" if database.dialect == "sqlite" else "%s"
        self._table = quoted(change.table)
        self._new, self._old = quoted(change.column.name), quoted(change.source.name)
        self._write = f'UPDATE {self._table} SET {self._new} = {self._mark} WHERE "id" = {self._mark}'
        self.losses: set[str] = set()

    def run(self, pause: Callable[[str], None]) -> None:
        """Copy all rows, a batch a transaction, in the order of their ids."""
        last = ""
        floor = "''" if self._database.dialect == "sqlite" else "'00000000-0000-0000-0000-000000000000'"
        while True:
            after = self._mark if last else floor
            statement = (
                f'SELECT "id", {self._old}, {self._new} FROM {self._table} WHERE "id" > {after}'
                f' ORDER BY "id" LIMIT {BATCH}'
            )
            with self._database.write() as connection:
                rows = run(connection, statement, (last,) if last else (), access=ENTITY_ACCESS).fetchall()
                self._store(connection, rows)
            pause(f"copied {self._change.target}")
            if len(rows) < BATCH:
                return
            last = rows[-1][0]

    def catch_up(self, connection: Connection) -> None:
        """Copy again the rows that were written meanwhile, in the transaction of the switch."""
        rows = run(
            connection,
            f'SELECT "id", {self._old}, {self._new} FROM {self._table} WHERE "id" IN'
            f" (SELECT record_id FROM meta_touch WHERE table_name = {self._mark})",
            (self._change.table,),
            access=ENTITY_ACCESS,
        ).fetchall()
        self._store(connection, rows)

    def _store(self, connection: Connection, rows: Sequence[Any]) -> None:
        changed = []
        for record, old, new in rows:
            self.losses.discard(record)
            try:
                value = self._value(old, new)
            except BadValue:
                self.losses.add(record)
                value = None
            if value != new:
                changed.append((value, record))
        if changed:
            run_many(connection, self._write, changed, access=ENTITY_ACCESS)

    def _value(self, old: Any, new: Any) -> Any:
        if self._back is not None and self._unchanged(old, new):
            return new
        return self._convert(old)

    def _unchanged(self, old: Any, kept: Any) -> bool:
        """Say whether a record still has the value that was made from the one that its retired column kept."""
        assert self._back is not None  # noqa: S101 - asked only when the column comes back
        try:
            made = self._back(kept)
        except BadValue:
            made = None
        return bool(made == old)


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
    from engine.storage.catalog import inspect

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
