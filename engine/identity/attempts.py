"""Wrong passwords, counted for the name that was typed and for the address it came from, until either has to wait.

A name that nobody has is counted like any other, so that waiting tells nothing.
"""

from __future__ import annotations

import math
from datetime import datetime, timedelta

from sqlalchemy import Connection

from engine import clock
from engine.errors import SignInLocked
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
            SignInLocked: there were too many failures lately.
        """
        now = clock.now()
        for key, _most in self._keys(name, address):
            row = self._store.run(connection, "SELECT blocked_until FROM auth_attempt WHERE key = ?", key).fetchone()
            until = self._store.read_moment(row[0]) if row else None
            if until is not None and until > now:
                seconds = (until - now).total_seconds()
                minutes = max(1, round(seconds / 60))
                raise SignInLocked(
                    Message("Too many wrong passwords; try again in {minutes} minutes", minutes=minutes),
                    math.ceil(seconds),
                )

    def failed(self, connection: Connection, name: str, address: str | None) -> list[str]:
        """Count a failure and return what has to wait from now on: "name", "address"."""
        now, locked = clock.now(), []
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
                locked.append(key.partition(":")[0])
        return locked

    def waits_until(self, connection: Connection, *names: str) -> datetime | None:
        """Return until when any of some names has to wait; None when none has."""
        found = []
        for name in names:
            key = self._keys(name, None)[0][0]
            row = self._store.run(connection, "SELECT blocked_until FROM auth_attempt WHERE key = ?", key).fetchone()
            until = self._store.read_moment(row[0]) if row else None
            if until is not None and until > clock.now():
                found.append(until)
        return max(found, default=None)

    def succeeded(self, connection: Connection, name: str) -> None:
        """Forget the failures of a name."""
        self._store.run(connection, "DELETE FROM auth_attempt WHERE key = ?", self._keys(name, None)[0][0])

    def _keys(self, name: str, address: str | None) -> list[tuple[str, int]]:
        keys = [(f"name:{fingerprint(name.strip().casefold())}", self._most)]
        if address:
            keys.append((f"address:{address}", self._most * _ADDRESS_FACTOR))
        return keys
