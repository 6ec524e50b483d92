"""Sign-ins: one row for each browser, known by the hash of a random secret that only its cookie holds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from engine import clock
from engine.data.principal import Principal
from engine.identity.store import Store, fingerprint, new_secret

_REFRESH = timedelta(minutes=5)
"""How often use is written down at most."""
_AGENT_LENGTH = 200


@dataclass(frozen=True, slots=True)
class SignIn:
    """What signing in gives: the secret for the cookie, and who it is."""

    secret: str
    principal: Principal
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Session:
    """A sign-in as a person sees it in the list of theirs."""

    id: str
    created_at: datetime | None
    seen_at: datetime | None
    address: str | None
    agent: str | None


@dataclass(slots=True)
class KnownSession:
    """What is remembered of a session in this process, as long as nothing about access changes."""

    user_id: str
    seen_at: datetime
    expires_at: datetime

    def needs_refresh(self, now: datetime) -> bool:
        """Say whether its use is to be written down."""
        return now - self.seen_at > _REFRESH


class Sessions:
    """Rows of sign-ins."""

    def __init__(self, store: Store, lasts: timedelta) -> None:
        self._store, self._lasts = store, lasts

    def begin(
        self, connection: Connection, user_id: str, address: str | None, agent: str | None
    ) -> tuple[str, datetime]:
        """Note a sign-in and return its secret and its end."""
        now = clock.now()
        secret, end = new_secret(), now + self._lasts
        self._store.run(
            connection,
            "INSERT INTO auth_session (hash, user_id, created_at, seen_at, expires_at, address, agent)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            fingerprint(secret),
            user_id,
            now,
            now,
            end,
            address,
            (agent or "")[:_AGENT_LENGTH] or None,
        )
        # Somebody signs in a few times a day: a good moment to sweep what ended.
        self._store.run(connection, "DELETE FROM auth_session WHERE expires_at < ?", now)
        return secret, end

    def find(self, connection: Connection, secret: str) -> KnownSession | None:
        """Return the sign-in of a secret; None when there is none, or it has ended."""
        row = self._store.run(
            connection, "SELECT user_id, seen_at, expires_at FROM auth_session WHERE hash = ?", fingerprint(secret)
        ).fetchone()
        if row is None:
            return None
        seen, end = self._store.read_moment(row[1]), self._store.read_moment(row[2])
        if seen is None or end is None or end <= clock.now():
            return None
        return KnownSession(str(row[0]), seen, end)

    def refresh(self, connection: Connection, secret: str) -> datetime:
        """Note that a sign-in is used, and return its new end."""
        now = clock.now()
        self._store.run(
            connection,
            "UPDATE auth_session SET seen_at = ?, expires_at = ? WHERE hash = ?",
            now,
            now + self._lasts,
            fingerprint(secret),
        )
        return now + self._lasts

    def end(self, connection: Connection, secret: str) -> None:
        """End one sign-in."""
        self._store.run(connection, "DELETE FROM auth_session WHERE hash = ?", fingerprint(secret))

    def end_all(self, connection: Connection, user_id: str, *, but: str | None = None) -> None:
        """End every sign-in of a person, apart from the one with a secret."""
        kept = fingerprint(but) if but else ""
        self._store.run(connection, "DELETE FROM auth_session WHERE user_id = ? AND hash <> ?", user_id, kept)

    def of(self, connection: Connection, user_id: str) -> list[Session]:
        """Return a person's sign-ins, the latest use first."""
        rows = self._store.run(
            connection,
            "SELECT hash, created_at, seen_at, address, agent FROM auth_session"
            " WHERE user_id = ? AND expires_at > ? ORDER BY seen_at DESC",
            user_id,
            clock.now(),
        ).fetchall()
        at = self._store.read_moment
        return [Session(row[0][:12], at(row[1]), at(row[2]), row[3], row[4]) for row in rows]
