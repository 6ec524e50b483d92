"""How many requests somebody's programs may make: a bucket each, as in `rates.py`, but counted in memory first.

A write for every request would cost more than the request. So each process counts for itself and settles with the row
that all share when a part of the bucket is used up. Whoever asks at a quiet pace never causes a write: their bucket
fills up again before a part of it is gone. Together the processes let through no more than one part each beyond the
limit.
"""

from __future__ import annotations

import math
import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy.exc import SQLAlchemyError

from engine import clock
from engine.errors import GuanxiError, TooManyRequests
from engine.i18n import Message
from engine.identity.store import Store
from engine.storage.database import Database

WINDOW_S = 60
_PARTS = 50
_SMALLEST_PART = 10
_MOST_KEPT = 10_000
"""Buckets that one process remembers; the full ones go first."""


class Standing(NamedTuple):
    """How much somebody may ask for yet."""

    limit: int
    """Requests in `WINDOW_S` seconds."""
    remaining: int
    seconds: int
    """When the bucket will be full again."""


@dataclass(slots=True)
class _Bucket:
    full_at: float
    """When it will be full, in seconds since 1970."""
    unsettled: int = 0
    """Requests that the shared row does not know of."""


class Throttle:
    """Lets `per_minute` requests a minute through for each key, all of them at once if need be; 0 = any number.

    Safe to share between threads.
    """

    def __init__(self, database: Database, per_minute: int) -> None:
        self._store = Store(database)
        self.per_minute = per_minute
        self._seconds = WINDOW_S / per_minute if per_minute else 0.0
        self._part = max(1, min(_SMALLEST_PART, per_minute // 4), per_minute // _PARTS)
        self._buckets: dict[str, _Bucket] = {}
        self._lock = threading.Lock()

    def take(self, key: str) -> Standing | None:
        """Take one request out of somebody's bucket and return what is left; None where there is no limit.

        Raises:
            TooManyRequests: it is empty; the error says when to come again.
        """
        if not self.per_minute:
            return None
        now = clock.seconds()
        with self._lock:
            bucket = self._buckets.get(key)
            if bucket is None:
                bucket = self._add(key, now)
            if bucket.full_at <= now:
                # What was used has filled up again; nobody has to know of it.
                bucket.full_at, bucket.unsettled = now, 0
            wait = bucket.full_at - now - self._seconds * (self.per_minute - 1)
            if wait > 0:
                seconds = max(1, math.ceil(wait))
                raise TooManyRequests(
                    Message("That was too often; try again in {seconds} seconds", seconds=seconds), seconds
                )
            bucket.full_at += self._seconds
            bucket.unsettled += 1
            due = bucket.unsettled if bucket.unsettled >= self._part else 0
            bucket.unsettled -= due
        if due:
            self._settle(key, bucket, due, now)
        return self._standing(bucket, now)

    def _standing(self, bucket: _Bucket, now: float) -> Standing:
        used = max(0.0, bucket.full_at - now)
        remaining = self.per_minute - math.ceil(used / self._seconds - 1e-6)
        return Standing(self.per_minute, max(0, remaining), math.ceil(used))

    def _add(self, key: str, now: float) -> _Bucket:
        if len(self._buckets) >= _MOST_KEPT:
            self._buckets = {name: each for name, each in self._buckets.items() if each.full_at > now}
            if len(self._buckets) >= _MOST_KEPT:
                self._buckets.clear()
        bucket = self._buckets[key] = _Bucket(now)
        return bucket

    def _settle(self, key: str, bucket: _Bucket, due: int, now: float) -> None:
        """Add what was used here to the shared row, and take over what was used elsewhere."""
        more = due * self._seconds
        # The database may be busy: then the next request settles for this one too.
        with suppress(GuanxiError, SQLAlchemyError):
            with self._store.database.write() as connection:
                [full_at] = self._store.run(
                    connection,
                    "INSERT INTO rate_bucket (key, full_at) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET full_at ="
                    " CASE WHEN rate_bucket.full_at > ? THEN rate_bucket.full_at ELSE ? END + ? RETURNING full_at",
                    f"api:{key}", now + more, now, now, more,
                ).fetchone()  # fmt: skip
            with self._lock:
                bucket.full_at = max(bucket.full_at, full_at + bucket.unsettled * self._seconds)
            return
        with self._lock:
            bucket.unsettled += due
