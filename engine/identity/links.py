"""Links that somebody follows once, to choose a password: for a new person, or for one who forgot theirs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection

from engine import clock
from engine.errors import NotFound
from engine.i18n import Message
from engine.identity.store import Store, fingerprint, new_secret

SET_UP = "set_up"


@dataclass(frozen=True, slots=True)
class Link:
    """Whom a link is for."""

    user_id: str
    name: str
    email: str | None


class Links:
    """Rows of links; each is good for `lasts`, and once."""

    def __init__(self, store: Store, lasts: timedelta) -> None:
        self._store, self._lasts = store, lasts

    def make(self, connection: Connection, user_id: str, purpose: str = SET_UP) -> str:
        """Return the secret of a new link; older ones of the person for the same purpose stop working."""
        now, secret = clock.now(), new_secret()
        self._store.run(
            connection,
            "DELETE FROM auth_link WHERE (user_id = ? AND purpose = ?) OR expires_at < ?",
            user_id,
            purpose,
            now,
        )
        self._store.run(
            connection,
            "INSERT INTO auth_link (hash, user_id, purpose, created_at, expires_at) VALUES (?, ?, ?, ?, ?)",
            fingerprint(secret),
            user_id,
            purpose,
            now,
            now + self._lasts,
        )
        return secret

    def find(self, connection: Connection, secret: str) -> str:
        """Return the id of the person whom a link is for.

        Raises:
            NotFound: there is no such link, it was used, or its time is over; which, is not told.
        """
        row = self._store.run(
            connection,
            "SELECT user_id FROM auth_link WHERE hash = ? AND used_at IS NULL AND expires_at > ?",
            fingerprint(secret),
            clock.now(),
        ).fetchone()
        if row is None:
            raise NotFound(Message("This link was used already, or its time is over; ask for a new one"))
        return str(row[0])

    def use(self, connection: Connection, secret: str) -> str:
        """Use a link up and return the id of the person; of two who try at once, one succeeds.

        Raises:
            NotFound: as `find`.
        """
        user_id = self.find(connection, secret)
        used = self._store.run(
            connection,
            "UPDATE auth_link SET used_at = ? WHERE hash = ? AND used_at IS NULL",
            clock.now(),
            fingerprint(secret),
        )
        if used.rowcount != 1:
            raise NotFound(Message("This link was used already, or its time is over; ask for a new one"))
        return user_id
