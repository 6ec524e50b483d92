"""How often something may be asked for: a bucket a key, one row each, so that all processes count together.

A bucket holds so many requests and fills up again at a steady rate; kept is only the moment at which it will be full.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from sqlalchemy import Connection

from engine import clock
from engine.errors import TooManyRequests
from engine.i18n import Message
from engine.identity.store import Store


@dataclass(frozen=True, slots=True)
class Rate:
    """`burst` requests at once, and one more every `seconds`."""

    burst: int
    seconds: float


SIGN_IN = Rate(200, 0.5)
"""From one address: a whole office may share it at nine o'clock. Wrong passwords are counted besides."""
RESET = Rate(5, 120)
"""For one name, or one person."""
RESET_FROM = Rate(20, 30)
"""From one address."""
SECOND_STEP = Rate(10, 10)
LINK = Rate(20, 5)
"""Links that do not exist, from one address."""
PASSKEY = Rate(60, 1)
AGENT = Rate(120, 0.5)
"""Calls with one token: an agent that has lost its way asks the same thing again and again."""


class Rates:
    """Rows of buckets."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def take(self, connection: Connection, key: str, rate: Rate) -> None:
        """Take one request out of a bucket, in a transaction that writes.

        Raises:
            TooManyRequests: it is empty; the error says when to come again.
        """
        now = clock.now().timestamp()
        # Full at a moment not later than so far ahead means that one request is left.
        room = rate.seconds * (rate.burst - 1)
        row = self._store.run(
            connection,
            "INSERT INTO rate_bucket (key, full_at) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET full_at ="
            " CASE WHEN rate_bucket.full_at > ? THEN rate_bucket.full_at ELSE ? END + ?"
            " WHERE rate_bucket.full_at <= ? RETURNING full_at",
            key, now + rate.seconds, now, now, rate.seconds, now + room,
        ).fetchone()  # fmt: skip
        if row is not None:
            return
        found = self._store.run(connection, "SELECT full_at FROM rate_bucket WHERE key = ?", key).fetchone()
        wait = max(1, math.ceil((found[0] if found else now) - room - now))
        raise TooManyRequests(Message("That was too often; try again in {seconds} seconds", seconds=wait), wait)

    def sweep(self, connection: Connection) -> None:
        """Forget buckets that are full."""
        self._store.run(connection, "DELETE FROM rate_bucket WHERE full_at < ?", clock.now().timestamp())
