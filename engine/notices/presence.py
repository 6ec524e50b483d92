# Statements are put together from constants; values are bound.
"""Who has a record open just now: a row that is renewed while somebody looks, and counts for nothing soon after.

A page says every few seconds that it is still open. Most of these say nothing new and write nothing: the row is renewed
when a third of its time is over, so a page that is open costs a write every forty seconds.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Connection

from engine import clock
from engine.audit.statements import Statements, time_of

PRESENT = timedelta(seconds=120)
"""How long after somebody was last heard of they count as gone."""
RENEWED = timedelta(seconds=40)


class Presence:
    """Rows of who looks at what."""

    def __init__(self, statements: Statements) -> None:
        self._statements, self._run = statements, statements.run

    def others(self, connection: Connection, entity: str, record_id: str, user_id: str) -> tuple[list[str], bool]:
        """Return (who else has a record open, the latest first; whether somebody's own row is to be renewed)."""
        now = clock.now()
        rows = self._run(
            connection,
            "SELECT user_id, seen_at FROM record_presence WHERE entity = ? AND record_id = ? AND seen_at > ?"
            " ORDER BY seen_at DESC",
            entity, record_id, now - PRESENT,
        ).fetchall()  # fmt: skip
        seen = {str(row[0]): time_of(row[1]) for row in rows}
        mine = seen.pop(user_id, None)
        return list(seen), mine is None or now - mine >= RENEWED

    def renew(self, entity: str, record_id: str, user_id: str) -> None:
        """Note that somebody has a record open."""
        with self._statements.database.write() as connection:
            self._run(
                connection,
                "INSERT INTO record_presence (entity, record_id, user_id, seen_at) VALUES (?, ?, ?, ?)"
                " ON CONFLICT (entity, record_id, user_id) DO UPDATE SET seen_at = excluded.seen_at",
                entity, record_id, user_id, clock.now(),
            )  # fmt: skip

    def leave(self, entity: str, record_id: str, user_id: str) -> None:
        """Note that somebody has closed a record."""
        with self._statements.database.write() as connection:
            self._run(
                connection,
                "DELETE FROM record_presence WHERE entity = ? AND record_id = ? AND user_id = ?",
                entity, record_id, user_id,
            )  # fmt: skip

    def forget(self) -> int:
        """Delete rows that count for nothing any more; return how many."""
        with self._statements.database.write() as connection:
            text = "DELETE FROM record_presence WHERE seen_at < ?"
            return int(self._run(connection, text, clock.now() - PRESENT).rowcount)
