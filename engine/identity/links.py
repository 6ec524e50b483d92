"""Links that somebody follows once: to choose a password, or to confirm an address that mail reaches them at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from sqlalchemy import Connection

from engine import clock
from engine.errors import NotFound
from engine.i18n import Message
from engine.identity.store import Store, fingerprint, new_secret

Purpose = Literal["set_up", "reset", "email"]


@dataclass(frozen=True, slots=True)
class Link:
    """Whom a link is for."""

    user_id: str
    name: str
    email: str | None
    purpose: Purpose = "set_up"
    details: str | None = None
    """Of an email link: the new address."""


@dataclass(frozen=True, slots=True)
class KnownLink:
    """A row of a link."""

    user_id: str
    purpose: Purpose
    details: str | None


class Links:
    """Rows of links, each good once: those that set somebody up for `lasts`, the others for `briefly`."""

    def __init__(self, store: Store, lasts: timedelta, briefly: timedelta) -> None:
        self._store = store
        self.lasts: Mapping[Purpose, timedelta] = {"set_up": lasts, "reset": briefly, "email": briefly}

    def make(
        self, connection: Connection, user_id: str, purpose: Purpose = "set_up", details: str | None = None
    ) -> str:
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
            "INSERT INTO auth_link (hash, user_id, purpose, details, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?)",
            fingerprint(secret),
            user_id,
            purpose,
            details,
            now,
            now + self.lasts[purpose],
        )
        return secret

    def find(self, connection: Connection, secret: str, *purposes: Purpose) -> KnownLink:
        """Return whom a link is for; `purposes` are those that will do.

        Raises:
            NotFound: there is no such link, it was used, or its time is over; which, is not told.
        """
        row = self._store.run(
            connection,
            "SELECT user_id, purpose, details FROM auth_link WHERE hash = ? AND used_at IS NULL AND expires_at > ?",
            fingerprint(secret),
            clock.now(),
        ).fetchone()
        if row is None or row[1] not in purposes:
            raise over()
        return KnownLink(str(row[0]), row[1], row[2])

    def use(self, connection: Connection, secret: str, *purposes: Purpose) -> KnownLink:
        """Use a link up and return whom it was for; of two who try at once, one succeeds.

        Raises:
            NotFound: as `find`.
        """
        found = self.find(connection, secret, *purposes)
        used = self._store.run(
            connection,
            "UPDATE auth_link SET used_at = ? WHERE hash = ? AND used_at IS NULL",
            clock.now(),
            fingerprint(secret),
        )
        if used.rowcount != 1:
            raise over()
        return found

    def end_all(self, connection: Connection, user_id: str, *purposes: Purpose) -> None:
        """End the links of a person for some purposes."""
        for purpose in purposes:
            self._store.run(connection, "DELETE FROM auth_link WHERE user_id = ? AND purpose = ?", user_id, purpose)


def over() -> NotFound:
    """Return the error for a link that does not work, whatever the reason."""
    return NotFound(Message("This link was used already, or its time is over; ask for a new one"))
