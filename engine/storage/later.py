# ruff: noqa: S608
# Only placeholders are put into statements.
"""Notes in meta_work of what is left to do after a switch, so that a process that dies leaves it for the next one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Connection

from engine import clock
from engine.ids import new_id
from engine.storage.codec import moment
from engine.storage.database import run

LOWEST = "00000000-0000-0000-0000-000000000000"
"""Stands before the first record; the last id that is done replaces it."""


@dataclass(frozen=True, slots=True)
class Note:
    """One piece of work: over the records of an entity, in the order of their ids."""

    id: str
    kind: str
    body: Mapping[str, Any]


def order(connection: Connection, kind: str, entity: str, **more: Any) -> None:
    """Write down, in the transaction of the switch, what is to be done for all records of an entity."""
    mark = "?" if connection.dialect.name == "sqlite" else "%s"
    body = orjson.dumps({"entity": entity, "after": LOWEST, **more}).decode()
    now = moment(connection.dialect.name)(clock.now())
    run(
        connection,
        f"INSERT INTO meta_work (id, kind, body, started_at) VALUES ({mark}, {mark}, {mark}, {mark})",
        (new_id(), kind, body, now),
    )


def notes(connection: Connection) -> list[Note]:
    """Return what is left to do, oldest first."""
    rows = run(connection, "SELECT id, kind, body FROM meta_work WHERE kind <> 'expand' ORDER BY started_at, id")
    return [Note(id_, kind, orjson.loads(body)) for id_, kind, body in rows.fetchall()]


def advance(connection: Connection, note: Note, after: str | None) -> None:
    """Write down how far it is done; None: it is all done."""
    mark = "?" if connection.dialect.name == "sqlite" else "%s"
    if after is None:
        run(connection, f"DELETE FROM meta_work WHERE id = {mark}", (note.id,))
    else:
        body = orjson.dumps({**note.body, "after": after}).decode()
        run(connection, f"UPDATE meta_work SET body = {mark} WHERE id = {mark}", (body, note.id))
