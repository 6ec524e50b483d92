# ruff: noqa: S608
# Statements are put together from constants; values are bound.
"""What people do with comments besides writing them: a sign beside one, and a few that stay on top of a record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection

from engine import clock
from engine.audit.statements import Statements
from engine.errors import GuanxiError
from engine.i18n import Message

SIGNS: Mapping[str, tuple[str, Message]] = {
    "like": ("👍", Message("Like")),
    "heart": ("❤️", Message("Love it")),
    "party": ("🎉", Message("Well done")),
    "eyes": ("👀", Message("Looking into it")),
    "done": ("✅", Message("Done")),
}
"""Signs by key: what is shown, and what it means."""
MOST_PINNED = 5


class Posts:
    """Rows of signs and of pinned comments; whoever asks has read the comments."""

    def __init__(self, statements: Statements) -> None:
        self._statements, self._run = statements, statements.run

    def signs(self, connection: Connection, comments: Sequence[str]) -> dict[str, dict[str, list[str]]]:
        """Return comment -> sign -> people, the first one first."""
        found: dict[str, dict[str, list[str]]] = {}
        if comments:
            text = (
                f"SELECT comment_id, sign, user_id FROM comment_reaction WHERE comment_id IN ({_marks(comments)})"
                " ORDER BY made_at, user_id"
            )
            for comment, sign, person in self._run(connection, text, *comments).fetchall():
                if sign in SIGNS:
                    found.setdefault(str(comment), {}).setdefault(sign, []).append(str(person))
        return found

    def toggle(self, comment_id: str, user_id: str, sign: str) -> bool:
        """Put somebody's sign beside a comment, or take it away; return whether it is there now.

        Raises:
            GuanxiError: there is no such sign.
        """
        if sign not in SIGNS:
            raise GuanxiError(Message("There is no sign {sign}", sign=sign))
        with self._statements.database.write() as connection:
            gone = self._run(
                connection,
                "DELETE FROM comment_reaction WHERE comment_id = ? AND user_id = ? AND sign = ?",
                comment_id, user_id, sign,
            )  # fmt: skip
            if gone.rowcount:
                return False
            self._run(
                connection,
                "INSERT INTO comment_reaction (comment_id, user_id, sign, made_at) VALUES (?, ?, ?, ?)"
                " ON CONFLICT DO NOTHING",
                comment_id, user_id, sign, clock.now(),
            )  # fmt: skip
            return True

    def pinned(self, connection: Connection, entity: str, record_id: str) -> list[str]:
        """Return the comments that stay on top of a record, the latest first."""
        text = "SELECT comment_id FROM record_pin WHERE entity = ? AND record_id = ? ORDER BY made_at DESC, comment_id"
        return [str(row[0]) for row in self._run(connection, text, entity, record_id).fetchall()]

    def pin(self, entity: str, record_id: str, comment_id: str, user_id: str | None) -> None:
        """Let a comment stay on top of its record.

        Raises:
            GuanxiError: there are as many already as there may be.
        """
        with self._statements.database.write() as connection:
            known = self.pinned(connection, entity, record_id)
            if comment_id in known:
                return
            if len(known) >= MOST_PINNED:
                raise GuanxiError(Message("At most {most} comments can be pinned; unpin one first", most=MOST_PINNED))
            self._run(
                connection,
                "INSERT INTO record_pin (entity, record_id, comment_id, made_by, made_at) VALUES (?, ?, ?, ?, ?)",
                entity, record_id, comment_id, user_id, clock.now(),
            )  # fmt: skip

    def unpin(self, entity: str, record_id: str, comment_id: str) -> None:
        """Let a comment stay on top no longer."""
        with self._statements.database.write() as connection:
            self._run(
                connection,
                "DELETE FROM record_pin WHERE entity = ? AND record_id = ? AND comment_id = ?",
                entity, record_id, comment_id,
            )  # fmt: skip


def _marks(values: Sequence[str]) -> str:
    return ", ".join("?" * len(values))
