# ruff: noqa: S608
# Names in statements come from the storage map.
"""Writes the search rows of an entity anew, a batch a transaction, while others work.

What is left to do stands in meta_work from the switch on, so a process that dies leaves it for the next one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import orjson
from sqlalchemy import Connection

from engine import clock
from engine.ids import new_id
from engine.metadata.model import Model
from engine.storage import search
from engine.storage.codec import decoder, moment
from engine.storage.columns import quoted
from engine.storage.database import Database, run
from engine.storage.guard import ENTITY_ACCESS
from engine.storage.storage_map import StorageMap

BATCH = 1_000
_LOWEST = "00000000-0000-0000-0000-000000000000"

Pause = Callable[[str], None]


def order(connection: Connection, entities: Iterable[str]) -> None:
    """Write down, in the transaction of the switch, whose search rows must be written anew."""
    mark = "?" if connection.dialect.name == "sqlite" else "%s"
    now = moment(connection.dialect.name)(clock.now())
    for entity in entities:
        run(
            connection,
            f"INSERT INTO meta_work (id, kind, body, started_at) VALUES ({mark}, 'search', {mark}, {mark})",
            (new_id(), orjson.dumps({"entity": entity, "after": _LOWEST}).decode(), now),
        )


def work_off(database: Database, model: Model, storage: StorageMap, pause: Pause) -> list[str]:
    """Do what was written down, from where it was left; return the entities."""
    with database.bare() as connection:
        rows = run(
            connection, "SELECT id, body FROM meta_work WHERE kind = 'search' ORDER BY started_at, id"
        ).fetchall()
    done = []
    for work, text in rows:
        body = orjson.loads(text)
        _write_anew(database, model, storage, work, body, pause)
        done.append(body["entity"])
    return done


def _write_anew(
    database: Database, model: Model, storage: StorageMap, work: str, body: dict[str, str], pause: Pause
) -> None:
    entity = body["entity"]
    mark = "?" if database.dialect == "sqlite" else "%s"
    if entity not in model.entities or entity not in storage.entities:
        with database.write() as connection:
            run(connection, f"DELETE FROM meta_work WHERE id = {mark}", (work,))
        return
    reading = _Reading(model, storage, entity, database.dialect)
    last = body["after"]
    while True:
        with database.write() as connection:
            ids, rows, binned = reading.batch(connection, last)
            search.replace(connection, entity, rows)
            search.remove(connection, entity, binned)
            if len(ids) < BATCH:
                run(connection, f"DELETE FROM meta_work WHERE id = {mark}", (work,))
            else:
                last = ids[-1]
                text = orjson.dumps({"entity": entity, "after": last}).decode()
                run(connection, f"UPDATE meta_work SET body = {mark} WHERE id = {mark}", (text, work))
        pause(f"indexed {entity}")
        if len(ids) < BATCH:
            return


class _Reading:
    """Reads the words of an entity's records."""

    def __init__(self, model: Model, storage: StorageMap, entity: str, dialect: str) -> None:
        self._entity = model.entities[entity]
        self.text = search.SearchText(self._entity)
        stored = storage.entities[entity]
        keys = [key for key in self.text.fields if key in stored.columns]
        self._decoders = [(key, decoder(self._entity.fields[key], dialect)) for key in keys]
        columns = ", ".join(["id", "deleted_at IS NULL", *(quoted(stored.columns[key].name) for key in keys)])
        mark = "?" if dialect == "sqlite" else "%s"
        # A record that is being changed is waited for, and one that is read is not changed before its words are written.
        locked = "" if dialect == "sqlite" else " FOR NO KEY UPDATE"
        self._sql = f"SELECT {columns} FROM {quoted(stored.table)} WHERE id > {mark} ORDER BY id LIMIT {BATCH}{locked}"

    def batch(self, connection: Connection, after: str) -> tuple[list[str], list[tuple[str, search.Words]], list[str]]:
        """Return ids of the next records, the words of those that live, and the ids of those in the recycle bin."""
        found: list[Any] = run(connection, self._sql, (after,), access=ENTITY_ACCESS).fetchall()
        rows, binned = [], []
        for record, live, *values in found:
            if live and self.text:
                read = {
                    key: value if decode is None else decode(value)
                    for (key, decode), value in zip(self._decoders, values, strict=True)
                }
                rows.append((record, self.text.words(read)))
            else:
                binned.append(record)
        return [row[0] for row in found], rows, binned
