"""Sign-ins that are half done, and challenges for passkeys: rows of their own, good for minutes, and no sign-in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

import orjson
from sqlalchemy import Connection

from engine import clock
from engine.errors import SignInNeeded, SignInRefused
from engine.i18n import Message
from engine.identity.store import Store, fingerprint, new_secret

Purpose = Literal["second", "set_up", "challenge"]
_LASTS: Mapping[str, timedelta] = {
    "second": timedelta(minutes=10),
    "set_up": timedelta(minutes=30),
    "challenge": timedelta(minutes=5),
}
_MOST_FAILURES = 5


@dataclass(frozen=True, slots=True)
class Step:
    """What somebody gets who has shown a first factor and owes a second one."""

    secret: str
    """For a cookie of its own."""
    needs: Purpose
    """"second" = show it; "set_up" = they have none yet, and a role of theirs demands one."""


class SecondFactorNeeded(SignInRefused):
    """The first factor was right; `.step` leads on to the second. Nobody is signed in yet."""

    def __init__(self, step: Step) -> None:
        super().__init__(Message("A second factor is needed"))
        self.step = step


@dataclass(frozen=True, slots=True)
class KnownStep:
    """A row of a step."""

    key: str
    user_id: str | None
    purpose: Purpose
    details: Mapping[str, Any]


class Steps:
    """Rows of steps."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def begin(
        self, connection: Connection, user_id: str | None, purpose: Purpose, secret: str = "", **details: Any
    ) -> Step:
        """Note that a step begins; `secret` names it, a new one unless given."""
        now, secret = clock.now(), secret or new_secret()
        self._store.run(connection, "DELETE FROM auth_step WHERE expires_at < ?", now)
        self._store.run(
            connection,
            "INSERT INTO auth_step (hash, user_id, purpose, details, failures, created_at, expires_at)"
            " VALUES (?, ?, ?, ?, 0, ?, ?)",
            fingerprint(secret), user_id, purpose, orjson.dumps(details).decode(), now, now + _LASTS[purpose],
        )  # fmt: skip
        return Step(secret, purpose)

    def find(self, connection: Connection, secret: str, *purposes: Purpose) -> KnownStep:
        """Return a step that is under way.

        Raises:
            SignInNeeded: there is none, or its time is over: begin anew.
        """
        row = self._store.run(
            connection,
            "SELECT user_id, purpose, details FROM auth_step WHERE hash = ? AND expires_at > ? AND failures < ?",
            fingerprint(secret), clock.now(), _MOST_FAILURES,
        ).fetchone()  # fmt: skip
        if row is None or row[1] not in purposes:
            raise SignInNeeded(Message("That took too long; please sign in again"))
        user_id = None if row[0] is None else str(row[0])
        return KnownStep(fingerprint(secret), user_id, row[1], orjson.loads(row[2]))

    def failed(self, connection: Connection, secret: str) -> None:
        """Count a wrong answer; after some of them the step is over."""
        self._store.run(connection, "UPDATE auth_step SET failures = failures + 1 WHERE hash = ?", fingerprint(secret))

    def end(self, connection: Connection, secret: str) -> bool:
        """End a step; of two who try at once, one is told True."""
        done = self._store.run(connection, "DELETE FROM auth_step WHERE hash = ?", fingerprint(secret))
        return bool(done.rowcount == 1)

    def end_all(self, connection: Connection, user_id: str) -> None:
        """End every step of a person."""
        self._store.run(connection, "DELETE FROM auth_step WHERE user_id = ?", user_id)
