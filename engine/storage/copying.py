# ruff: noqa: S608
# Names in statements come from the storage map; values are bound.
"""Copies and computes the values of a column for all records while others write.

A batch a transaction, in the order of the ids; triggers note what is written meanwhile, and the switch does those
records again. A batch may read a value that a writer changes in the next moment: that writer's record is noted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from sqlalchemy import Connection

from engine.errors import BadValue
from engine.storage.changes import Change
from engine.storage.columns import declared, quoted
from engine.storage.convert import Converter
from engine.storage.database import Database, run, run_many
from engine.storage.guard import ENTITY_ACCESS
from engine.storage.later import LOWEST
from engine.storage.patience import patiently
from engine.storage.storage_map import StoredEntity

BATCH = 2_000
"""Records in one transaction: some tens of milliseconds, in which nobody else may change them."""

Filler = Callable[[Connection, Sequence[str] | None], None]
Pause = Callable[[str], None]

_NOTED = "SELECT record_id FROM meta_touch WHERE table_name = {mark}"


class Copy:
    """The copying of one retyped column.

    `losses` holds the ids of records whose value the new type cannot say. With `back`, the column was retired by an
    earlier retype and still has its old values; `back` makes of such a value the one that replaced it, which says
    whether a record was changed since.
    """

    def __init__(self, database: Database, change: Change, convert: Converter, back: Converter | None) -> None:
        assert change.column is not None  # noqa: S101 - a retype fills a column
        assert change.source is not None  # noqa: S101 - from another one
        self.change = change
        self.table = change.table
        self.watched = {change.source.name}
        self.losses: set[str] = set()
        self._database = database
        self._convert, self._back = convert, back
        self._mark = mark = "?" if database.dialect == "sqlite" else "%s"
        table, new, old = quoted(change.table), quoted(change.column.name), quoted(change.source.name)
        self._read = f'SELECT "id", {old}, {new} FROM {table} WHERE "id"'
        # Locked in the order of their ids, as writers do, so that none waits for the other in a ring.
        self._locked = "" if database.dialect == "sqlite" else " FOR NO KEY UPDATE"
        self._write = f'UPDATE {table} SET {new} = {mark} WHERE "id" = {mark}'
        if database.dialect == "postgresql":
            # One statement for a batch; a text is read as the column reads it.
            kind = declared(change.column.kind, change.column.scale, "postgresql").removesuffix(' COLLATE "C"')
            self._write = (
                f"UPDATE {table} SET {new} = v.value::{kind}"
                f' FROM unnest(%s::uuid[], %s::text[]) AS v (id, value) WHERE {table}."id" = v.id'
            )

    def run(self, pause: Pause) -> None:
        """Copy all records."""
        last = LOWEST
        while True:
            rows = patiently(partial(self._batch, last))
            pause(f"copied {self.change.target}")
            if len(rows) < BATCH:
                return
            last = rows[-1][0]

    def _batch(self, after: str) -> Sequence[Any]:
        statement = f'{self._read} > {self._mark} ORDER BY "id" LIMIT {BATCH}{self._locked}'
        with self._database.write() as connection:
            rows: Sequence[Any] = run(connection, statement, (after,), access=ENTITY_ACCESS).fetchall()
            self._store(connection, rows)
        return rows

    def catch_up(self, connection: Connection) -> None:
        """Copy the records that were written meanwhile, in the transaction of the switch."""
        noted = _NOTED.format(mark=self._mark)
        rows = run(connection, f"{self._read} IN ({noted})", (self.table,), access=ENTITY_ACCESS).fetchall()
        self._store(connection, rows)

    def _store(self, connection: Connection, rows: Sequence[Any]) -> None:
        changed = []
        for record, old, new in rows:
            self.losses.discard(record)
            try:
                value = new if self._unchanged(old, new) else self._convert(old)
            except BadValue:
                self.losses.add(record)
                value = None
            if value != new:
                changed.append((value, record))
        if not changed:
            return
        if self._database.dialect == "sqlite":
            run_many(connection, self._write, changed, access=ENTITY_ACCESS)
        else:
            texts = [None if value is None else str(value) for value, _ in changed]
            run(connection, self._write, ([record for _, record in changed], texts), access=ENTITY_ACCESS)

    def _unchanged(self, old: Any, kept: Any) -> bool:
        """Say whether a record still has the value that was made of the one that its retired column kept."""
        if self._back is None:
            return False
        try:
            made = self._back(kept)
        except BadValue:
            made = None
        return bool(made == old)


class Fill:
    """The computing of stored formulas and rollups of one entity."""

    def __init__(self, database: Database, stored: StoredEntity, fill: Filler) -> None:
        self.table = stored.table
        # Whatever a formula reads: every column that the engine does not compute itself.
        self.watched = {column.name for column in stored.columns.values() if not column.made_of}
        self._database, self._fill = database, fill
        self._mark = "?" if database.dialect == "sqlite" else "%s"

    def run(self, pause: Pause) -> None:
        """Compute them for all records."""
        after: str | None = LOWEST
        while after is not None:
            after = patiently(partial(self._next, after))
            pause(f"computed {self.table}")

    def _next(self, after: str) -> str | None:
        with self._database.write() as connection:
            return self.batch(connection, after)

    def batch(self, connection: Connection, after: str) -> str | None:
        """Compute them for the next records; return the last one's id, None when there are no more."""
        statement = f'SELECT "id" FROM {quoted(self.table)} WHERE "id" > {self._mark} ORDER BY "id" LIMIT {BATCH}'
        ids = [row[0] for row in run(connection, statement, (after,), access=ENTITY_ACCESS).fetchall()]
        if ids:
            self._fill(connection, ids)
        return ids[-1] if len(ids) == BATCH else None

    def catch_up(self, connection: Connection) -> None:
        """Compute them for the records that were written meanwhile, in the transaction of the switch."""
        rows = run(connection, _NOTED.format(mark=self._mark), (self.table,)).fetchall()
        if rows:
            self._fill(connection, [row[0] for row in rows])
