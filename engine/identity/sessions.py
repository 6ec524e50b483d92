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
_ID_LENGTH = 16


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
    method: str | None = None
    """How they signed in: password, password+totp, passkey, link, or the name of a provider."""
    current: bool = False
    """Whether it is the one that asks."""


@dataclass(slots=True)
class KnownSession:
    """What is remembered of a session in this process, as long as nothing about access changes."""

    user_id: str
    seen_at: datetime
    expires_at: datetime
    proven_at: datetime
    """When the person showed a password, or the like, last."""

    def needs_refresh(self, now: datetime) -> bool:
        """Say whether its use is to be written down."""
        return now - self.seen_at > _REFRESH


class Sessions:
    """Rows of sign-ins; each ends `idle` after its last use, and `most` after it began however much it is used."""

    def __init__(self, store: Store, idle: timedelta, most: timedelta) -> None:
        self._store, self._idle, self._most = store, idle, most

    def begin(
        self, connection: Connection, user_id: str, address: str | None, agent: str | None, method: str = "password"
    ) -> tuple[str, datetime]:
        """Note a sign-in and return its secret and its end."""
        now = clock.now()
        secret, end = new_secret(), now + self._idle
        self._store.run(
            connection,
            "INSERT INTO auth_session"
            " (hash, user_id, created_at, seen_at, expires_at, ends_at, proven_at, address, agent, method)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            fingerprint(secret), user_id, now, now, end, now + self._most, now,
            address, (agent or "")[:_AGENT_LENGTH] or None, method,
        )  # fmt: skip
        # Somebody signs in a few times a day: a good moment to sweep what ended.
        self._store.run(connection, "DELETE FROM auth_session WHERE expires_at < ?", now)
        return secret, end

    def find(self, connection: Connection, secret: str) -> KnownSession | None:
        """Return the sign-in of a secret; None when there is none, or it has ended."""
        row = self._store.run(
            connection,
            "SELECT user_id, seen_at, expires_at, coalesce(proven_at, created_at) FROM auth_session WHERE hash = ?",
            fingerprint(secret),
        ).fetchone()
        if row is None:
            return None
        seen, end, proven = (self._store.read_moment(value) for value in row[1:])
        if seen is None or end is None or proven is None or end <= clock.now():
            return None
        return KnownSession(str(row[0]), seen, end, proven)

    def refresh(self, connection: Connection, secret: str) -> datetime:
        """Note that a sign-in is used, and return its new end."""
        now, key = clock.now(), fingerprint(secret)
        # One that began before absolute ends were kept has as long to live from now on.
        row = self._store.run(
            connection,
            "UPDATE auth_session SET seen_at = ?, ends_at = coalesce(ends_at, ?) WHERE hash = ? RETURNING ends_at",
            now, now + self._most, key,
        ).fetchone()  # fmt: skip
        last = self._store.read_moment(row[0]) if row is not None else None
        end = min(now + self._idle, last or now)
        self._store.run(connection, "UPDATE auth_session SET expires_at = ? WHERE hash = ?", end, key)
        return end

    def renew(self, connection: Connection, secret: str, *, proven: bool = False) -> str | None:
        """Give a sign-in another secret and return it: the old one is worth nothing. None when there is none.

        With `proven`, the person has just shown the password, or the like, again.
        """
        fresh = new_secret()
        done = self._store.run(
            connection,
            f"UPDATE auth_session SET hash = ?{', proven_at = ?' if proven else ''} WHERE hash = ?",  # noqa: S608
            *(fingerprint(fresh), *((clock.now(),) if proven else ()), fingerprint(secret)),
        )
        return fresh if done.rowcount == 1 else None

    def end(self, connection: Connection, secret: str) -> str | None:
        """End one sign-in and return whose it was."""
        row = self._store.run(
            connection, "DELETE FROM auth_session WHERE hash = ? RETURNING user_id", fingerprint(secret)
        ).fetchone()
        return None if row is None else str(row[0])

    def end_one(self, connection: Connection, user_id: str, id_: str) -> bool:
        """End the sign-in of a person that lists call by an id; False when there is none."""
        done = self._store.run(
            connection,
            "DELETE FROM auth_session WHERE user_id = ? AND substr(hash, 1, ?) = ?", user_id, _ID_LENGTH, id_,
        )  # fmt: skip
        return bool(done.rowcount == 1)

    def end_all(self, connection: Connection, user_id: str, *, but: str | None = None) -> int:
        """End every sign-in of a person, apart from the one with a secret, and return how many."""
        kept = fingerprint(but) if but else ""
        done = self._store.run(connection, "DELETE FROM auth_session WHERE user_id = ? AND hash <> ?", user_id, kept)
        return int(done.rowcount)

    def of(self, connection: Connection, user_id: str, current: str = "") -> list[Session]:
        """Return a person's sign-ins, the latest use first; `current` is the secret of the one that asks."""
        rows = self._store.run(
            connection,
            "SELECT hash, created_at, seen_at, address, agent, method FROM auth_session"
            " WHERE user_id = ? AND expires_at > ? ORDER BY seen_at DESC",
            user_id,
            clock.now(),
        ).fetchall()
        at, own = self._store.read_moment, fingerprint(current)
        return [
            Session(row[0][:_ID_LENGTH], at(row[1]), at(row[2]), row[3], row[4], row[5], row[0] == own) for row in rows
        ]
