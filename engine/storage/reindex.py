# ruff: noqa: S608
# Names in statements come from the storage map.
"""Writes the search rows of an entity anew, a batch of records at a time, while others work."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from engine.metadata.model import Model
from engine.storage import search
from engine.storage.codec import decoder
from engine.storage.columns import quoted
from engine.storage.database import run
from engine.storage.guard import ENTITY_ACCESS
from engine.storage.storage_map import StorageMap

BATCH = 1_000


class Reindex:
    """The writing of the search rows of one entity."""

    def __init__(self, model: Model, storage: StorageMap, entity: str, dialect: str) -> None:
        self._entity = model.entities[entity]
        self._text = search.SearchText(self._entity)
        stored = storage.entities[entity]
        keys = [key for key in self._text.fields if key in stored.columns]
        self._decoders = [(key, decoder(self._entity.fields[key], dialect)) for key in keys]
        columns = ", ".join(["id", "deleted_at IS NULL", *(quoted(stored.columns[key].name) for key in keys)])
        mark = "?" if dialect == "sqlite" else "%s"
        # One that is being changed is waited for; one that was read is not changed before its words are written.
        locked = "" if dialect == "sqlite" else " FOR NO KEY UPDATE"
        self._sql = f"SELECT {columns} FROM {quoted(stored.table)} WHERE id > {mark} ORDER BY id LIMIT {BATCH}{locked}"

    def batch(self, connection: Connection, after: str) -> str | None:
        """Write those of the next records; return the last one's id, None when there are no more."""
        found: list[Any] = run(connection, self._sql, (after,), access=ENTITY_ACCESS).fetchall()
        rows, gone = [], []
        for record, live, *values in found:
            if live and self._text:
                read = {
                    key: value if decode is None else decode(value)
                    for (key, decode), value in zip(self._decoders, values, strict=True)
                }
                rows.append((record, self._text.words(read)))
            else:
                gone.append(record)
        search.replace(connection, self._entity.key, rows)
        search.remove(connection, self._entity.key, gone)
        return found[-1][0] if len(found) == BATCH else None
