"""Tokens: what a program shows instead of signing in. Never more than its person may, and less where scopes say so."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

import orjson
from sqlalchemy import Connection

from engine import clock
from engine.errors import GuanxiError, NotFound
from engine.i18n import Message
from engine.identity.store import Store, fingerprint, new_secret
from engine.ids import new_id
from engine.metadata.model import ACTIONS

PREFIX = "gx_"
_SCOPE = re.compile(r"\*|[a-z][a-z0-9_]*(:(\*|[a-z]+))?")
_REFRESH = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Token:
    """A token as lists show it; its text is known to nobody but its holder."""

    id: str
    user_id: str
    name: str
    scopes: tuple[str, ...]
    created_at: datetime | None
    expires_at: datetime | None
    used_at: datetime | None


@dataclass(frozen=True, slots=True)
class KnownToken:
    """What is remembered of a token in this process, as long as nothing about access changes."""

    user_id: str
    scopes: frozenset[str] | None
    expires_at: datetime | None


def _is_scope(scope: str) -> bool:
    """Say whether a text is a scope: "*", an action, or an entity with an action or "*" behind a colon."""
    action = scope.rpartition(":")[2]
    return _SCOPE.fullmatch(scope) is not None and (action == "*" or action in ACTIONS)


class Tokens:
    """Rows of tokens."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(
        self, connection: Connection, user_id: str, name: str, scopes: tuple[str, ...], expires_at: datetime | None
    ) -> tuple[str, str]:
        """Make a token and return its id and its text, which is never seen again.

        Raises:
            GuanxiError: a scope is none.
        """
        wrong = next((scope for scope in scopes if not _is_scope(scope)), None)
        if wrong is not None:
            raise GuanxiError(
                Message(
                    "{scope} is no scope; scopes are *, read, lead:* or lead:update, for example", scope=repr(wrong)
                )
            )
        id_, text = new_id(), new_secret(PREFIX)
        self._store.run(
            connection,
            "INSERT INTO auth_token (id, user_id, name, hash, scopes, created_at, expires_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            id_,
            user_id,
            name,
            fingerprint(text),
            orjson.dumps(scopes).decode(),
            clock.now(),
            expires_at,
        )
        return id_, text

    def find(self, connection: Connection, text: str) -> KnownToken | None:
        """Return what a token says; None when there is none, or it was revoked, or its time is over."""
        row = self._store.run(
            connection,
            "SELECT user_id, scopes, expires_at FROM auth_token WHERE hash = ? AND revoked_at IS NULL",
            fingerprint(text),
        ).fetchone()
        if row is None:
            return None
        scopes = frozenset(orjson.loads(row[1]))
        return KnownToken(str(row[0]), scopes or None, self._store.read_moment(row[2]))

    def of(self, connection: Connection, user_id: str) -> list[Token]:
        """Return a person's tokens that were not revoked, the newest first."""
        rows = self._store.run(
            connection,
            "SELECT id, user_id, name, scopes, created_at, expires_at, used_at FROM auth_token"
            " WHERE user_id = ? AND revoked_at IS NULL ORDER BY created_at DESC, id DESC",
            user_id,
        ).fetchall()
        at = self._store.read_moment
        return [
            Token(str(row[0]), str(row[1]), row[2], tuple(orjson.loads(row[3])), at(row[4]), at(row[5]), at(row[6]))
            for row in rows
        ]

    def used(self, connection: Connection, text: str) -> None:
        """Note that a token is in use, once an hour at most."""
        now = clock.now()
        self._store.run(
            connection,
            "UPDATE auth_token SET used_at = ? WHERE hash = ? AND (used_at IS NULL OR used_at < ?)",
            now,
            fingerprint(text),
            now - _REFRESH,
        )

    def revoke(self, connection: Connection, token_id: str) -> str:
        """End a token and return the id of its person.

        Raises:
            NotFound: there is none of that id.
        """
        row = self._store.run(
            connection,
            "UPDATE auth_token SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL RETURNING user_id",
            clock.now(),
            token_id,
        ).fetchone()
        if row is None:
            raise NotFound(Message("There is no token {id}", id=token_id))
        return str(row[0])
