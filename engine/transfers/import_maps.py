# ruff: noqa: S608
# Statements are put together from constants; values are bound.
"""Mappings that people saved under a name, for themselves or for everybody, to import such a file again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection

from engine.audit.statements import Statements, text_of, time_of
from engine.data.transfer.mapping import ColumnMap, map_of
from engine.ids import is_id, new_id
from engine.storage.database import Database

_COLUMNS = "id, entity, actor_id, name, shared, body, headers, made_at, used_at"
_FITS = 0.8
"""Share of a saved mapping's columns that a file has to have for it to be proposed."""


@dataclass(frozen=True, slots=True)
class SavedMap:
    """A mapping under a name; times are aware UTC."""

    id: str
    entity: str
    actor_id: str | None
    """Whose it is."""
    name: str
    shared: bool
    """Whether everybody who may import the entity may use it."""
    said: ColumnMap
    headers: tuple[str, ...]
    """Of the file that it was made for."""
    made_at: datetime
    used_at: datetime

    def fit(self, headers: Iterable[str]) -> float:
        """Return how well it fits a file, from 0 to 1: which share of its columns the file has."""
        own = {header for header in self.said.columns if self.said.columns[header] is not None} or set(self.headers)
        return len(own & set(headers)) / len(own) if own else 0.0


class ImportMaps:
    """The saved mappings of one site."""

    def __init__(self, database: Database) -> None:
        self._statements = Statements(database)

    def save(
        self,
        connection: Connection,
        entity: str,
        actor: str | None,
        name: str,
        said: ColumnMap,
        headers: Sequence[str],
        now: datetime,
        *,
        shared: bool,
    ) -> str:
        """Save a mapping; one of the same name is overwritten. Return its id."""
        run = self._statements.run
        body, known = orjson.dumps(said.body(), default=str).decode(), orjson.dumps(list(headers)).decode()
        own = "actor_id IS NULL" if actor is None else "actor_id = ?"
        values = (entity, name) if actor is None else (entity, name, actor)
        row = run(connection, f"SELECT id FROM import_map WHERE entity = ? AND name = ? AND {own}", *values).fetchone()
        flag = self._flag(value=shared)
        if row is not None:
            text = "UPDATE import_map SET shared = ?, body = ?, headers = ?, used_at = ? WHERE id = ?"
            run(connection, text, flag, body, known, now, row[0])
            return str(row[0])
        id_ = new_id()
        text = f"INSERT INTO import_map ({_COLUMNS}) VALUES ({', '.join('?' * 9)})"
        run(connection, text, id_, entity, actor, name, flag, body, known, now, now)
        return id_

    def of(self, connection: Connection, entity: str, actor: str | None) -> list[SavedMap]:
        """Return the mappings of an entity that a person may use, those used last first."""
        mine = "actor_id IS NULL" if actor is None else "actor_id = ?"
        text = (
            f"SELECT {_COLUMNS} FROM import_map WHERE entity = ? AND (shared = ? OR {mine}) "
            "ORDER BY used_at DESC, id DESC"
        )
        values = (entity, self._yes) if actor is None else (entity, self._yes, actor)
        return [_made(row) for row in self._statements.run(connection, text, *values).fetchall()]

    def used(self, connection: Connection, id_: str, now: datetime) -> None:
        """Note that a mapping was used."""
        self._statements.run(connection, "UPDATE import_map SET used_at = ? WHERE id = ?", now, id_)

    def forget(self, connection: Connection, id_: str, actor: str | None, *, admin: bool) -> bool:
        """Delete a mapping of a person, an administrator any; False when there is none such."""
        if not is_id(id_):
            return False
        if admin:
            return bool(self._statements.run(connection, "DELETE FROM import_map WHERE id = ?", id_).rowcount)
        text = "DELETE FROM import_map WHERE id = ? AND actor_id = ?"
        return bool(self._statements.run(connection, text, id_, actor).rowcount)

    @property
    def _yes(self) -> Any:
        return self._flag(value=True)

    def _flag(self, *, value: bool) -> Any:
        return int(value) if self._statements.sqlite else value


def proposed_map(saved: Sequence[SavedMap], headers: Sequence[str]) -> SavedMap | None:
    """Return the saved mapping that fits a file best; None when none does well enough."""
    best = max(saved, key=lambda each: (each.fit(headers), each.used_at), default=None)
    return best if best is not None and best.fit(headers) >= _FITS else None


def _made(row: Sequence[Any]) -> SavedMap:
    return SavedMap(
        str(row[0]), row[1], text_of(row[2]), row[3], bool(row[4]), map_of(orjson.loads(row[5])),
        tuple(orjson.loads(row[6])), time_of(row[7]), time_of(row[8]),
    )  # fmt: skip
