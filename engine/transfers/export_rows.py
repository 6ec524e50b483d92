# ruff: noqa: S608
# Statements are put together from constants; values are bound.
"""The rows of exported files: every statement on the table `export_file`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection

from engine.audit.statements import Statements, text_of, time_of
from engine.ids import is_id
from engine.storage.database import Database

_COLUMNS = (
    "id, job_id, entity, actor_id, scopes, options, name, mails, paths, number, size, cut, made_at, ready_at, ends_at,"
    " fetched, fetched_at"
)


@dataclass(frozen=True, slots=True)
class ExportFile:
    """A file that somebody exported or is about to; times are aware UTC."""

    id: str
    job_id: str | None
    """The job that makes it; None for one that was made at once."""
    entity: str
    actor_id: str
    """Id of the `user` record of whom it belongs to."""
    scopes: frozenset[str] | None
    """What the token may do that asked for it; None = whatever its owner may."""
    options: Mapping[str, Any]
    """What was asked for, as `read_export_options` takes it."""
    name: str
    """What the file is called."""
    mails: bool
    """Whether its owner gets a mail when it is ready."""
    paths: Mapping[str, bool]
    """What was read of each record, and whether that was a mark."""
    number: int
    """Records in it."""
    size: int
    """Bytes."""
    cut: int
    """Texts that did not fit into a cell of a spreadsheet."""
    made_at: datetime
    """When it was asked for."""
    ready_at: datetime | None
    ends_at: datetime
    """When it is thrown away."""
    fetched: int
    """How often it was fetched."""
    fetched_at: datetime | None

    @property
    def ready(self) -> bool:
        """Say whether it can be fetched."""
        return self.ready_at is not None


class ExportRows:
    """The exported files of one site."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.run = Statements(database).run

    def insert(self, connection: Connection, made: ExportFile) -> None:
        """Write a file that was asked for."""
        flag: Any = made.mails if self.database.dialect == "postgresql" else int(made.mails)
        self.run(
            connection,
            f"INSERT INTO export_file ({_COLUMNS}) VALUES ({', '.join('?' * 17)})",
            made.id, made.job_id, made.entity, made.actor_id,
            None if made.scopes is None else orjson.dumps(sorted(made.scopes)).decode(),
            orjson.dumps(dict(made.options)).decode(), made.name, flag, _paths(made), made.number, made.size, made.cut,
            made.made_at, made.ready_at, made.ends_at, made.fetched, made.fetched_at,
        )  # fmt: skip

    def ready(self, connection: Connection, made: ExportFile) -> bool:
        """Write that a file is there; False when its row is gone."""
        text = "UPDATE export_file SET paths = ?, number = ?, size = ?, cut = ?, ready_at = ?, ends_at = ? WHERE id = ?"
        values = (_paths(made), made.number, made.size, made.cut, made.ready_at, made.ends_at, made.id)
        return bool(self.run(connection, text, *values).rowcount)

    def fetched(self, connection: Connection, id_: str, now: datetime) -> None:
        """Count that a file was fetched."""
        self.run(connection, "UPDATE export_file SET fetched = fetched + 1, fetched_at = ? WHERE id = ?", now, id_)

    def get(self, connection: Connection, id_: str) -> ExportFile | None:
        """Return a file by its id or that of the job that makes it; None when there is none."""
        if not is_id(id_):
            return None
        row = self.run(
            connection, f"SELECT {_COLUMNS} FROM export_file WHERE id = ? OR job_id = ?", id_, id_
        ).fetchone()
        return None if row is None else _made(row)

    def entries(self, connection: Connection, actor: str | None, limit: int) -> list[ExportFile]:
        """Return the newest files, those of one person or of all."""
        condition, values = ("1 = 1", ()) if actor is None else ("actor_id = ?", (actor,))
        text = f"SELECT {_COLUMNS} FROM export_file WHERE {condition} ORDER BY id DESC LIMIT {int(limit)}"
        return [_made(row) for row in self.run(connection, text, *values).fetchall()]

    def over(self, connection: Connection, now: datetime) -> list[str]:
        """Return the ids of files whose time is over."""
        return [str(row[0]) for row in self.run(connection, "SELECT id FROM export_file WHERE ends_at < ?", now)]

    def known(self, connection: Connection) -> set[str]:
        """Return the ids of all files."""
        return {str(row[0]) for row in self.run(connection, "SELECT id FROM export_file")}

    def delete(self, connection: Connection, id_: str) -> bool:
        """Forget a file; False when it was not there."""
        return bool(self.run(connection, "DELETE FROM export_file WHERE id = ?", id_).rowcount)


def _paths(made: ExportFile) -> str:
    return orjson.dumps(dict(made.paths)).decode()


def _made(row: Any) -> ExportFile:
    return ExportFile(
        id=str(row[0]),
        job_id=text_of(row[1]),
        entity=row[2],
        actor_id=str(row[3]),
        scopes=None if row[4] is None else frozenset(orjson.loads(row[4])),
        options=orjson.loads(row[5]),
        name=row[6],
        mails=bool(row[7]),
        paths=orjson.loads(row[8] or "{}"),
        number=row[9],
        size=row[10],
        cut=row[11],
        made_at=time_of(row[12]),
        ready_at=None if row[13] is None else time_of(row[13]),
        ends_at=time_of(row[14]),
        fetched=row[15],
        fetched_at=None if row[16] is None else time_of(row[16]),
    )
