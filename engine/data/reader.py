"""`Reader`: what faces hold during a request. One snapshot of the database, one Model, one principal.

Every way to read records goes through here, so each of them carries the same row rule and the same field masks.
"""

# ruff: noqa: A002 - `id` is what the id of a record is called

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from engine.data import cursor as cursors
from engine.data import timeline
from engine.data.finding import Everywhere, Found, found, number_of_words, searchable, words_of
from engine.data.principal import SYSTEM
from engine.data.reading.counts import Count, Counts
from engine.data.reading.links import Links
from engine.data.reading.snapshot import no_record
from engine.data.remembered import List, Remembered, Remembering, remembered
from engine.data.sharing import Share, shares_of
from engine.storage.database import run


class Reader(Links, Counts):
    """Reads records for one principal inside one transaction.

    What it is made of stands at `Snapshot`.
    """

    def as_system(self) -> Reader:
        """Return a reader of the same snapshot for the product itself; what it finds, nobody is shown unweighed."""
        now = self.access.env()["now"]
        return Reader(self.connection, self.published, SYSTEM, secret=self._secret, now=now, vault=self._vault)

    def search(self, words: str, entities: Sequence[str] | None = None, limit: int = 20) -> list[Found]:
        """Return records of all entities, or of some, that hold the words, the best first: names before texts.

        Raises:
            QueryTooSlow: the database took too long.
        """
        count = number_of_words(words) or 0
        known = self.model.entities
        wanted = tuple(
            key
            for key in (entities if entities is not None else known)
            if key in known and self.access.may(key, "read") and searchable(self.model, known[key])
        )
        if not count or not wanted:
            return []
        roles, tables = self.access.roles, self.published.tables
        key = ("everywhere", self.kind, tables, roles, wanted, count)
        statement = self._statements.get(key, lambda: Everywhere(self.kind, tables, roles, wanted, count).compile())
        rows = self._run(statement, {**self.access.env(), **words_of(words, self.kind), "limit": limit})
        self._count("search", "*", len(rows))
        return found(rows, words)

    def remembered(self, which: List, limit: int = 20) -> list[Remembered]:
        """Return records that the principal starred or visited, the last first: those that they may read now.

        Raises:
            QueryTooSlow: the database took too long.
        """
        known = self.model.entities
        wanted = tuple(key for key in known if self.access.may(key, "read"))
        if self.principal.id is None or not wanted:
            return []
        roles, tables = self.access.roles, self.published.tables
        key = (which, self.kind, tables, roles)
        statement = self._statements.get(key, lambda: Remembering(self.kind, tables, roles, which, wanted).compile())
        return remembered(self._run(statement, {**self.access.env(), "user.id": self.principal.id, "limit": limit}))

    def shares(self, entity: str, id: str) -> tuple[Share, ...]:
        """Return with whom a record is shared just now, the oldest share first.

        Raises:
            NotFound: there is no such record, or the principal may not read it.
        """
        if id not in self.readable(entity, (id,)):
            raise no_record()
        return shares_of(self, entity, id, self.access.env()["now"])

    def history(self, entity: str, id: str, cursor: str | None = None, limit: int = 50) -> timeline.History:
        """Return what became of a record, the newest first, without what the principal may not know of.

        Raises:
            NotFound: the principal may not read the record.
            QueryInvalid: the cursor cannot be used.
        """
        if id not in self.readable(entity, (id,)):
            raise no_record()
        context = f"history {entity} {id} {self.principal.id}"
        mark = self._mark
        before = "" if cursor is None else f"AND version < {mark} "
        text = (
            f"SELECT {timeline.COLUMNS} FROM record_change WHERE record_id = {mark} AND entity = {mark} "  # noqa: S608
            f"{before}ORDER BY version DESC LIMIT {mark}"
        )
        at = [] if cursor is None else cursors.read(cursor, context, self._secret)
        rows = run(self.connection, text, [id, entity, *at, limit + 1]).fetchall()
        following = None
        if len(rows) > limit:
            del rows[limit:]
            following = cursors.write([rows[-1][3]], context, self._secret)
        entries = self._entries(rows)
        return timeline.History(entries, following, self._linked_titles(entries))

    def _entries(self, rows: Sequence[Sequence[Any]]) -> tuple[timeline.ChangeEntry, ...]:
        actors = {row[6] for row in rows if row[6] is not None}
        names = self.titles("user", actors) if actors and "user" in self.model.entities else {}
        return timeline.entries(self.access.roles, rows, names, self.kind)

    def _linked_titles(self, entries: Iterable[timeline.ChangeEntry]) -> dict[tuple[str, str], str]:
        ids: dict[str, set[str]] = {}
        for entry in entries:
            for target, record in timeline.linked(self.model.entity(entry.entity), entry.changes):
                ids.setdefault(target, set()).add(record)
        return {
            (entity, record): title
            for entity, wanted in ids.items()
            if entity in self.model.entities
            for record, title in self.titles(entity, wanted).items()
        }


__all__ = ["Count", "Reader"]
