"""The change feed: every version of every record in one order, without gaps, for programs that keep a copy.

A change has its number before its transaction ends, so on PostgreSQL a lower number may show up later than a higher
one. Readers are told only of changes up to a number below which nothing can show up any more: a *mark* is a pair of
the highest visible number and a transaction that began after it was given; once every transaction before that one has
ended, all numbers up to the mark are settled. SQLite has one writer, so whatever is visible is settled.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import orjson
from sqlalchemy import Connection

from engine.data.history import loaded
from engine.data.timeline import COLUMNS, ChangeEntry, entries
from engine.errors import GuanxiError
from engine.fields import StorageType
from engine.i18n import Message
from engine.storage.codec import decode_kind
from engine.storage.database import Database, run

if TYPE_CHECKING:
    from engine.data.reader import Reader

PATIENCE_S = 1.0
"""Seconds that a reader waits for transactions that began before it; what they may still show comes next time."""
WINDOW = 20_000
"""Numbers that one page looks at: a page for one rare entity comes back in time, and is continued."""
_PAUSE_S = 0.02
_MARKS = 32
_TOP = "coalesce((SELECT max(seq) FROM record_change), 0)"


class ChangesForgotten(GuanxiError):
    """The changes after a number are no longer all kept, so whoever wants them must begin with the records anew."""


@dataclass(frozen=True, slots=True)
class Gone:
    """A record that the asker can no longer read, and may know so: nothing is told of it but that."""

    seq: int
    entity: str
    record_id: str
    version: int
    action: str
    """gone: it was the asker's and was given away; purge: it was deleted for good."""
    at: datetime

    def json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "seq": self.seq, "entity": self.entity, "id": self.record_id, "version": self.version,
            "action": self.action, "at": self.at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "actor": None, "via": None, "change_set": None, "changes": {},
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class FeedPage:
    """Some changes, the oldest first."""

    entries: tuple[ChangeEntry | Gone, ...]
    next: int
    """The number to go on from."""
    more: bool
    """Whether changes after `next` are settled already."""


class Feed:
    """How far the changes of a site are settled. Safe to share between threads."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._marks: deque[tuple[int, int]] = deque()
        self._settled = 0
        self._lock = threading.Lock()

    def settled(self, patience: float = PATIENCE_S) -> int:
        """Return the number up to which every change can be read, waiting a little for transactions that go on.

        Raises:
            DatabaseUnavailable: the database does not answer.
        """
        ends = time.monotonic() + patience
        top = self._look()
        if top <= self._settled or self._database.dialect == "sqlite":
            with self._lock:
                self._settled = max(self._settled, top)
            return top if self._database.dialect == "sqlite" else self._settled
        self._mark()
        while True:
            self._look()
            if self._settled >= top or time.monotonic() >= ends:
                return self._settled
            time.sleep(_PAUSE_S)

    def newest(self) -> int:
        """Return the highest number that is visible: one statement, for whoever waits for a change."""
        with self._database.bare() as connection:
            return top_of(connection)

    def _look(self) -> int:
        """Take in which marks are settled by now, and return the highest visible number."""
        with self._database.bare() as connection:
            if self._database.dialect == "sqlite":
                return top_of(connection)
            text = f"SELECT {_TOP}, pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
            top, oldest = run(connection, text).fetchone()
        with self._lock:
            while self._marks and self._marks[0][1] < oldest:
                self._settled = max(self._settled, self._marks.popleft()[0])
        return int(top)

    def _mark(self) -> None:
        with self._database.plain() as connection:
            # The number is looked up in a snapshot from before the transaction has its own.
            text = f"SELECT {_TOP}, pg_current_xact_id()::text::bigint"
            mark = run(connection, text).fetchone()
        with self._lock:
            if len(self._marks) == _MARKS:
                # The oldest are settled first, the newest says most: those between are the ones to do without.
                self._marks.pop()
            self._marks.append((int(mark[0]), int(mark[1])))


def changes_after(reader: Reader, after: int, settled: int, entities: Sequence[str] = (), limit: int = 100) -> FeedPage:
    """Return the changes after a number as far as the asker may know of them, and where to go on.

    Records are told of that the asker may read now, live or in the recycle bin, with the fields that they see now. A
    page may be shorter than `limit`, or empty, though more follows.

    Args:
        reader: who asks.
        after: the number that the page before gave, 0 for the oldest change that is kept.
        settled: how far to go; see `Feed.settled`.
        entities: only records of these; all unless given.
        limit: most changes.

    Raises:
        ChangesForgotten: changes after that number are no longer kept.
    """
    floor = floor_of(reader.connection)
    if 0 < after < floor:
        raise ChangesForgotten(
            Message("The changes after {number} are no longer kept; read the records anew and go on from now",
                    number=after)
        )  # fmt: skip
    after = max(after, floor)
    end = min(settled, after + WINDOW)
    if end <= after:
        return FeedPage((), after, more=False)
    known = [key for key in entities or reader.model.entities if reader.access.may(key, "read")]
    rows = _rows(reader, after, end, known, limit + 1) if known else []
    if len(rows) > limit:
        del rows[limit:]
        end = rows[-1][0]
    return FeedPage(tuple(_told(reader, rows)), end, more=end < settled)


def top_of(connection: Connection) -> int:
    """Return the highest number of a change that is visible, settled or not; 0 when there is none."""
    return int(run(connection, f"SELECT {_TOP}").fetchone()[0])


def floor_of(connection: Connection) -> int:
    """Return the number up to which changes are no longer all kept; 0 when all are."""
    return int(run(connection, "SELECT floor FROM change_feed WHERE id = 1").fetchone()[0])


def _rows(reader: Reader, after: int, end: int, entities: Sequence[str], limit: int) -> list[tuple[Any, ...]]:
    if reader.kind == "sqlite":
        listed: Any = orjson.dumps(entities).decode()
        text = "seq > ? AND seq <= ? AND entity IN (SELECT value FROM json_each(?)) ORDER BY seq LIMIT ?"
    else:
        listed = list(entities)
        text = "seq > %s AND seq <= %s AND entity = ANY(%s) ORDER BY seq LIMIT %s"
    found = run(
        reader.connection,
        f"SELECT {COLUMNS} FROM record_change WHERE {text}",  # noqa: S608 - constants
        [after, end, listed, limit],
    ).fetchall()
    return [tuple(row) for row in found]


def _told(reader: Reader, rows: Sequence[tuple[Any, ...]]) -> Iterator[ChangeEntry | Gone]:
    ids: dict[str, set[str]] = {}
    for row in rows:
        ids.setdefault(row[1], set()).add(row[2])
    open_to = {entity: reader.readable(entity, wanted) for entity, wanted in ids.items()}
    shown = [row for row in rows if row[2] in open_to[row[1]]]
    told = {entry.seq: entry for entry in _entries(reader, shown)}
    for entity in ids:
        reader.meter(entity, len({row[2] for row in shown if row[1] == entity}))
    for row in rows:
        found = told.get(row[0]) or _gone(reader, row)
        if found is not None:
            yield found


def _entries(reader: Reader, rows: Sequence[Sequence[Any]]) -> tuple[ChangeEntry, ...]:
    actors = {row[6] for row in rows if row[6] is not None}
    names = reader.titles("user", actors) if actors and "user" in reader.model.entities else {}
    return entries(reader.access.roles, rows, names, reader.kind)


def _gone(reader: Reader, row: Sequence[Any]) -> Gone | None:
    """Return that a record left the asker's reach, where they knew it for certain and so learn nothing new."""
    seq, entity, record_id, version, action, changes, _actor, _via, at, _set = row
    if action == "purge":
        if not reader.access.rule(entity, "read").everybody:
            return None
    else:
        before, after = loaded(changes).get("owner") or (None, None)
        own = reader.access.env()["user.covered"]
        if before is None or before not in own or after in own:
            return None
        action = "gone"
    moment = decode_kind(StorageType("datetime"), reader.kind)
    return Gone(seq, entity, record_id, version, action, at if moment is None else moment(at))


def forget(database: Database, before: Any, most: int) -> int:
    """Delete the oldest changes that were made before a time, and remember up to where; return how many went.

    The newest change of all stays, for SQLite gives the number after the highest one that is there.

    Args:
        database: where they are.
        before: the time, as the database takes it.
        most: how many at most.
    """
    mark = "?" if database.dialect == "sqlite" else "%s"
    oldest = f"SELECT seq, at FROM record_change ORDER BY seq LIMIT {most:d}"  # noqa: S608 - a number
    old = f"SELECT seq FROM ({oldest}) o WHERE at < {mark} AND seq < (SELECT max(seq) FROM record_change)"  # noqa: S608
    greater = "max" if database.dialect == "sqlite" else "greatest"
    with database.write() as connection:
        end = run(connection, f"SELECT max(seq) FROM ({old}) gone", (before,)).fetchone()[0]  # noqa: S608
        if end is None:
            return 0
        count = int(run(connection, f"DELETE FROM record_change WHERE seq IN ({old})", (before,)).rowcount)  # noqa: S608
        run(connection, f"UPDATE change_feed SET floor = {greater}(floor, {mark})", (end,))  # noqa: S608
    return count
