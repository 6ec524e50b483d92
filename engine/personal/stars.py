"""Records that people starred, to come back to them. A star says nothing to anybody else and gives no right."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection

from engine import clock
from engine.audit.statements import Statements
from engine.data.principal import Principal
from engine.errors import AccessDenied, GuanxiError
from engine.i18n import Message
from engine.storage.database import Database

MOST_STARS = 500
"""Records that one person may star."""


class TooManyStars(GuanxiError):
    """A person has starred as many records as they may."""


class Stars:
    """The starred records of everybody on one site."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._statements = Statements(database)

    def put(self, principal: Principal, entity: str, ids: Iterable[str]) -> int:
        """Star records, which who asks has been found to read, and return how many had no star yet.

        Raises:
            AccessDenied: it is not a person in their own name who asks.
            TooManyStars: they would have more than `MOST_STARS`.
        """
        me, now = _me(principal), clock.now()
        wanted = list(dict.fromkeys(ids))
        with self._database.write() as connection:
            run = self._statements.run
            [(before,)] = run(connection, "SELECT count(*) FROM person_star WHERE user_id = ?", me).fetchall()
            added = 0
            for id_ in wanted:
                added += run(
                    connection,
                    "INSERT INTO person_star (user_id, entity, record_id, at) VALUES (?, ?, ?, ?)"
                    " ON CONFLICT DO NOTHING",
                    me, entity, id_, now,
                ).rowcount  # fmt: skip
            if before + added > MOST_STARS:
                raise TooManyStars(Message("You can star {most} records; take some stars away first", most=MOST_STARS))
        return added

    def take(self, principal: Principal, entity: str, ids: Iterable[str]) -> None:
        """Take stars away; nothing happens where there was none.

        Raises:
            AccessDenied: as `put`.
        """
        me = _me(principal)
        with self._database.write() as connection:
            for id_ in dict.fromkeys(ids):
                self._statements.run(
                    connection, "DELETE FROM person_star WHERE user_id = ? AND entity = ? AND record_id = ?",
                    me, entity, id_,
                )  # fmt: skip

    def among(self, connection: Connection, principal: Principal, entity: str, ids: Iterable[str]) -> frozenset[str]:
        """Return which of some records of an entity a person has starred."""
        wanted = list(ids)
        if principal.id is None or not wanted:
            return frozenset()
        marks = ", ".join("?" * len(wanted))
        rows = self._statements.run(
            connection,
            f"SELECT record_id FROM person_star WHERE user_id = ? AND entity = ? AND record_id IN ({marks})",  # noqa: S608 - marks
            principal.id, entity, *wanted,
        )  # fmt: skip
        return frozenset(str(row[0]) for row in rows.fetchall())


def _me(principal: Principal) -> str:
    principal.require_own_hands()
    if principal.id is None or principal.scopes is not None:
        raise AccessDenied(Message("Only people themselves star records"))
    return principal.id
