"""Sign-ins that have left for a provider and not come back yet: rows that only the browser they began in can use."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import Connection

from engine import clock
from engine.identity.store import Store, fingerprint, new_secret

LASTS = timedelta(minutes=15)
BETWEEN = timedelta(minutes=2)
"""For the way from one of our pages to the next."""


class Flows:
    """Rows of sign-ins under way, and of statements that were believed once."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def begin(
        self, connection: Connection, provider: str, browser: str, body: Mapping[str, Any], lasts: timedelta = LASTS
    ) -> str:
        """Keep what has to be known when somebody comes back, and return the word that they come back with."""
        now, word = clock.now(), new_secret()
        self._store.run(connection, "DELETE FROM sso_request WHERE expires_at < ?", now)
        self._store.run(
            connection,
            "INSERT INTO sso_request (hash, provider, browser, body, expires_at) VALUES (?, ?, ?, ?, ?)",
            fingerprint(word),
            provider,
            fingerprint(browser),
            orjson.dumps(dict(body)).decode(),
            now + lasts,
        )
        return word

    def take(self, connection: Connection, provider: str, word: str, browser: str | None) -> dict[str, Any] | None:
        """Return what was kept, once; None when nothing was, or for another browser.

        Without `browser` it is not asked which one it is: whoever posts from another site shows no cookie of ours.
        """
        row = self._store.run(
            connection,
            "DELETE FROM sso_request WHERE hash = ? AND provider = ? RETURNING browser, body, expires_at",
            fingerprint(word),
            provider,
        ).fetchone()
        end = None if row is None else self._store.read_moment(row[2])
        if row is None or end is None or end <= clock.now():
            return None
        if browser is not None and not hmac.compare_digest(str(row[0]), fingerprint(browser)):
            return None
        found: dict[str, Any] = orjson.loads(row[1])
        return {**found, "browser": str(row[0])}

    def go_on(self, connection: Connection, provider: str, browser_hash: str, body: Mapping[str, Any]) -> str:
        """Keep what is known by now for the same browser, and return the word for its next request."""
        word = self.begin(connection, provider, "", body, BETWEEN)
        self._store.run(
            connection, "UPDATE sso_request SET browser = ? WHERE hash = ?", browser_hash, fingerprint(word)
        )
        return word

    def believe(self, connection: Connection, provider: str, statement: str, until: datetime) -> bool:
        """Note that a statement is believed now; False when it was before."""
        self._store.run(connection, "DELETE FROM sso_assertion WHERE expires_at < ?", clock.now())
        done = self._store.run(
            connection,
            "INSERT INTO sso_assertion (provider, id, expires_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            provider,
            fingerprint(statement),
            until,
        )
        return bool(done.rowcount == 1)
