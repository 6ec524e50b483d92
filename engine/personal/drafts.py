"""Forms that people have not sent yet: kept while they type, offered when they come back, gone once they save.

A draft belongs to one person and is never shown to anybody else. It holds what the form would have posted, without
files and without what is secret; whoever keeps it leaves those out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import orjson
from sqlalchemy import Connection

from engine import clock
from engine.audit.statements import Statements, time_of
from engine.errors import FieldProblem, RecordInvalid
from engine.i18n import Message
from engine.storage.database import Database

MOST_BYTES = 1_000_000
"""Bytes of one draft, as JSON."""
MOST = 50
"""Drafts of one person; the oldest give way."""
KEPT = timedelta(days=30)
"""For how long a draft is kept that nobody comes back to."""

AFTERWARDS = timedelta(hours=1)
"""For how long it is remembered that a form was saved: what it kept meanwhile may still be on its way."""

_NEW = "new"
_SAVED = "null"
"""What stands in place of a draft whose form was saved."""
_LONGEST_KEY = 80
_PUT = (
    "INSERT INTO user_draft (user_id, entity, record_key, body, version, updated_at) VALUES (?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (user_id, entity, record_key) DO UPDATE"
    " SET body = excluded.body, version = excluded.version, updated_at = excluded.updated_at"
)
Pairs = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Draft:
    """One form that was not sent."""

    entity: str
    record: str
    """Id of the record that is changed; "" for a new one."""
    key: str
    """Which of several forms of the same record it is."""
    pairs: Pairs
    """Names and values of inputs, as the form would post them."""
    version: int | None
    """Version of the record when the form was made."""
    at: datetime
    """When it was kept last, aware UTC."""


class Drafts:
    """The unfinished forms of one site. Safe to share between threads."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._run = Statements(database).run

    def keep(
        self, person: str, entity: str, record: str, key: str, pairs: Iterable[tuple[str, str]], version: int | None
    ) -> datetime | None:
        """Keep what stands in a form, in place of what stood there; return when that was.

        None when the form was saved already: what comes now was on its way meanwhile, and is no draft any more.

        Raises:
            RecordInvalid: it is too large to be kept, or its key is none.
        """
        body = orjson.dumps(list(pairs))
        if len(body) > MOST_BYTES or not 0 < len(key) <= _LONGEST_KEY:
            message = Message("The form is too large to be kept as a draft")
            raise RecordInvalid([FieldProblem("", message, "too_large")])
        now = clock.now()
        with self._database.write() as connection:
            known = self._run(
                connection,
                f"{_PUT} WHERE user_draft.body <> ?",
                person, entity, _record_key(record, key), body.decode(), version, now, _SAVED,
            )  # fmt: skip
            self._run(
                connection,
                "DELETE FROM user_draft WHERE user_id = ? AND ((body = ? AND updated_at < ?) OR (body <> ?"
                " AND (entity, record_key) NOT IN (SELECT entity, record_key FROM user_draft WHERE user_id = ?"
                " AND body <> ? ORDER BY updated_at DESC, record_key LIMIT ?)))",
                person, _SAVED, now - AFTERWARDS, _SAVED, person, _SAVED, MOST,
            )  # fmt: skip
            return now if known.rowcount else None

    def of(self, connection: Connection, person: str, entity: str, record: str = "") -> list[Draft]:
        """Return the drafts that a person has of a record, or of new ones; the latest first.

        `connection` is a transaction that is open already.
        """
        begin = f"{record or _NEW}/"
        rows = self._run(
            connection,
            "SELECT record_key, body, version, updated_at FROM user_draft WHERE user_id = ? AND entity = ?"
            " AND record_key >= ? AND record_key < ? AND body <> ? ORDER BY updated_at DESC, record_key",
            person, entity, begin, f"{record or _NEW}0", _SAVED,
        ).fetchall()  # fmt: skip
        return [
            Draft(entity, record, row[0].removeprefix(begin), _pairs(row[1]), row[2], time_of(row[3])) for row in rows
        ]

    def saved(self, person: str, entity: str, record: str, key: str) -> None:
        """Throw the draft of a form away that was saved, and what the form may still send to be kept."""
        if not 0 < len(key) <= _LONGEST_KEY:
            return
        with self._database.write() as connection:
            self._run(connection, _PUT, person, entity, _record_key(record, key), _SAVED, None, clock.now())

    def drop(self, person: str, entity: str, record: str, key: str) -> bool:
        """Throw a draft away; say whether there was one."""
        with self._database.write() as connection:
            found = self._run(
                connection,
                "DELETE FROM user_draft WHERE user_id = ? AND entity = ? AND record_key = ?",
                person, entity, _record_key(record, key),
            )  # fmt: skip
            return bool(found.rowcount)


def _record_key(record: str, key: str) -> str:
    return f"{record or _NEW}/{key}"


def _pairs(body: str) -> Pairs:
    return [(str(name), str(value)) for name, value in orjson.loads(body)]
