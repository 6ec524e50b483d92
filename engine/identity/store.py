"""Statements on the tables of identity, written once for both databases."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from engine.storage.codec import moment
from engine.storage.database import Database, run
from engine.storage.guard import ENTITY_ACCESS


class Store:
    """A database, spoken to with `?` for every value."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._moment = moment(database.dialect)
        self._sqlite = database.dialect == "sqlite"

    def run(self, connection: Connection, statement: str, *values: Any) -> Any:
        """Run a statement on identity's own tables and return its cursor."""
        return run(connection, self._said(statement), self._bound(values))

    def run_on_users(self, connection: Connection, statement: str, *values: Any) -> Any:
        """Run a statement on the table of users, on behalf of the product itself."""
        return run(connection, self._said(statement), self._bound(values), access=ENTITY_ACCESS)

    def _said(self, statement: str) -> str:
        return statement if self._sqlite else statement.replace("?", "%s")

    def _bound(self, values: Sequence[Any]) -> tuple[Any, ...]:
        return tuple(self._moment(value) if isinstance(value, datetime) else value for value in values)

    def read_moment(self, value: Any) -> datetime | None:
        """Return a time as the driver gives it as an aware one."""
        return datetime.fromisoformat(value) if isinstance(value, str) else value


def new_secret(prefix: str = "") -> str:
    """Return a new secret of 32 random bytes, for a cookie, a link or a token."""
    return prefix + secrets.token_urlsafe(32)


def fingerprint(secret: str) -> str:
    """Return what is stored of a secret: whoever reads the database learns none that works.

    The secrets are random, so a plain hash is enough, unlike for passwords.
    """
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
