"""Wrong passwords, counted for the name that was typed and for the address it came from, until either has to wait.

A name that nobody has is counted like any other, so that waiting tells nothing.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Connection

from engine import clock
from engine.errors import SignInRefused
from engine.i18n import Message
from engine.identity.store import Store, fingerprint

_ADDRESS_FACTOR = 10
"""Many people may share an address: it may fail this many times as often."""


class Attempts:
    """Counts failures; `most` of them for a name, and it waits for `wait`."""

    def __init__(self, store: Store, most: int, wait: timedelta) -> None:
        self._store, self._most, self._wait = store, most, wait

    def require_free(self, connection: Connection, name: str, address: str | None) -> None:
        """Refuse who has to wait.

        Raises:
            SignInRefused: there were too many failures lately.
        """
        now = clock.now()
        for key, _most in self._keys(name, address):
            row = self._store.run(connection, "SELECT blocked_until FROM auth_attempt WHERE key = ?", key).fetchone()
            until = self._store.read_moment(row[0]) if row else None
            if until is not None and until > now:
                minutes = max(1, round((until - now).total_seconds() / 60))
                raise SignInRefused(
                    Message("Too many wrong passwords; try again in {minutes} minutes", minutes=minutes)
                )

    def failed(self, connection: Connection, name: str, address: str | None) -> None:
        """Count a failure."""
        now = clock.now()
        for key, most in self._keys(name, address):
            # Failures of long ago are forgotten, and so are those that were waited for.
            row = self._store.run(
                connection,
                "INSERT INTO auth_attempt (key, failures, last_at) VALUES (?, 1, ?) ON CONFLICT (key) DO UPDATE SET"
                " failures = CASE WHEN auth_attempt.last_at < ? THEN 1 ELSE auth_attempt.failures + 1 END,"
                " last_at = excluded.last_at RETURNING failures",
                key,
                now,
                now - self._wait,
            ).fetchone()
            if row[0] >= most:
                self._store.run(
                    connection,
                    "UPDATE auth_attempt SET blocked_until = ?, failures = 0 WHERE key = ?",
                    now + self._wait,
                    key,
                )

    def succeeded(self, connection: Connection, name: str) -> None:
        """Forget the failures of a name."""
        self._store.run(connection, "DELETE FROM auth_attempt WHERE key = ?", self._keys(name, None)[0][0])

    def _keys(self, name: str, address: str | None) -> list[tuple[str, int]]:
        keys = [(f"name:{fingerprint(name.strip().casefold())}", self._most)]
        if address:
            keys.append((f"address:{address}", self._most * _ADDRESS_FACTOR))
        return keys
