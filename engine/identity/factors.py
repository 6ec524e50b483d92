"""Rows of second factors: an authenticator app, passkeys, recovery codes. They know no rules; `proving` has those."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import orjson
from sqlalchemy import Connection

from engine import clock
from engine.identity.store import Store

Kind = Literal["totp", "passkey"]
_NEW = "totp_new"
"""An app that was shown its secret and has not proven yet that it has it."""


@dataclass(frozen=True, slots=True)
class Factor:
    """A second factor, as the list of a person shows it."""

    id: str
    kind: Kind
    name: str
    created_at: datetime | None
    used_at: datetime | None


@dataclass(frozen=True, slots=True)
class Passkey:
    """What is stored of a passkey."""

    key: str
    """Its credential id, base64url."""
    public: str
    count: int
    transports: tuple[str, ...]


class Factors:
    """Rows of `auth_credential` that are no passwords."""

    def __init__(self, store: Store) -> None:
        self._store = store

    # --- all of them ------------------------------------------------------------------------------------------------

    def kinds(self, connection: Connection, user_id: str) -> frozenset[str]:
        """Return the kinds of factors that a person has: totp, passkey."""
        rows = self._store.run(
            connection,
            "SELECT DISTINCT kind FROM auth_credential WHERE user_id = ? AND kind IN ('totp', 'passkey')",
            user_id,
        ).fetchall()
        return frozenset(row[0] for row in rows)

    def of(self, connection: Connection, user_id: str) -> list[Factor]:
        """Return a person's factors, the oldest first."""
        rows = self._store.run(
            connection,
            "SELECT kind, key, name, created_at, used_at FROM auth_credential"
            " WHERE user_id = ? AND kind IN ('totp', 'passkey') ORDER BY created_at, kind, key",
            user_id,
        ).fetchall()
        at = self._store.read_moment
        return [Factor(factor_id(row[0], row[1]), row[0], row[2] or "", at(row[3]), at(row[4])) for row in rows]

    def remove(self, connection: Connection, user_id: str, id_: str) -> Factor | None:
        """Remove a factor and return what it was; None when there is none of that id."""
        for each in self.of(connection, user_id):
            if each.id == id_:
                rows = self._store.run(
                    connection,
                    "SELECT key FROM auth_credential WHERE user_id = ? AND kind = ?", user_id, each.kind,
                ).fetchall()  # fmt: skip
                key = next(row[0] for row in rows if factor_id(each.kind, row[0]) == id_)
                self._delete(connection, user_id, each.kind, key)
                return each
        return None

    def remove_all(self, connection: Connection, user_id: str) -> None:
        """Remove every factor and recovery code of a person."""
        self._store.run(
            connection,
            "DELETE FROM auth_credential WHERE user_id = ? AND kind IN ('totp', 'totp_new', 'passkey', 'recovery')",
            user_id,
        )

    def _delete(self, connection: Connection, user_id: str, kind: str, key: str = "") -> None:
        self._store.run(
            connection, "DELETE FROM auth_credential WHERE user_id = ? AND kind = ? AND key = ?", user_id, kind, key
        )

    def _put(
        self,
        connection: Connection,
        user_id: str,
        kind: str,
        key: str,
        secret: str,
        *,
        name: str = "",
        counter: int | None = None,
        details: Any = None,
    ) -> None:
        self._store.run(
            connection,
            "INSERT INTO auth_credential (user_id, kind, key, secret, name, counter, details, created_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (user_id, kind, key) DO UPDATE SET secret = excluded.secret,"
            " name = excluded.name, counter = excluded.counter, details = excluded.details,"
            " created_at = excluded.created_at, used_at = NULL",
            user_id, kind, key, secret, name,
            counter, None if details is None else orjson.dumps(details).decode(), clock.now(),
        )  # fmt: skip

    # --- the app ----------------------------------------------------------------------------------------------------

    def app(self, connection: Connection, user_id: str, *, new: bool = False) -> tuple[str, datetime | None] | None:
        """Return the sealed secret of a person's app and when it was made; with `new`, of the one being set up."""
        row = self._store.run(
            connection,
            "SELECT secret, created_at FROM auth_credential WHERE user_id = ? AND kind = ? AND key = ''",
            user_id, _NEW if new else "totp",
        ).fetchone()  # fmt: skip
        return None if row is None else (str(row[0]), self._store.read_moment(row[1]))

    def offer_app(self, connection: Connection, user_id: str, sealed: str) -> None:
        """Keep the secret of an app that is being set up."""
        self._put(connection, user_id, _NEW, "", sealed)

    def keep_app(self, connection: Connection, user_id: str, sealed: str, step: int) -> None:
        """Keep an app that has proven that it has the secret, with the time step of its code."""
        self._delete(connection, user_id, _NEW)
        self._put(connection, user_id, "totp", "", sealed, counter=step)

    def use_app(self, connection: Connection, user_id: str, step: int) -> bool:
        """Note that the code of a time step was used; False when it, or a later one, was used before."""
        done = self._store.run(
            connection,
            "UPDATE auth_credential SET counter = ?, used_at = ?"
            " WHERE user_id = ? AND kind = 'totp' AND key = '' AND (counter IS NULL OR counter < ?)",
            step, clock.now(), user_id, step,
        )  # fmt: skip
        return bool(done.rowcount == 1)

    # --- passkeys ---------------------------------------------------------------------------------------------------

    def passkeys(self, connection: Connection, user_id: str) -> list[Passkey]:
        """Return a person's passkeys."""
        rows = self._store.run(
            connection,
            "SELECT key, secret, counter, details FROM auth_credential WHERE user_id = ? AND kind = 'passkey'",
            user_id,
        ).fetchall()
        return [
            Passkey(row[0], row[1], row[2] or 0, tuple(orjson.loads(row[3] or "{}").get("transports", ())))
            for row in rows
        ]

    def holder(self, connection: Connection, key: str) -> str | None:
        """Return the id of the person to whom a passkey belongs."""
        row = self._store.run(
            connection, "SELECT user_id FROM auth_credential WHERE kind = 'passkey' AND key = ?", key
        ).fetchone()
        return None if row is None else str(row[0])

    def add_passkey(self, connection: Connection, user_id: str, passkey: Passkey, name: str) -> None:
        """Keep a passkey."""
        details = {"transports": passkey.transports}
        self._put(
            connection, user_id, "passkey", passkey.key, passkey.public, name=name, counter=passkey.count,
            details=details,
        )  # fmt: skip

    def use_passkey(self, connection: Connection, user_id: str, key: str, count: int) -> bool:
        """Note that a passkey was used; False when its count is not above the stored one, but for those without."""
        done = self._store.run(
            connection,
            "UPDATE auth_credential SET counter = ?, used_at = ? WHERE user_id = ? AND kind = 'passkey' AND key = ?"
            " AND (counter < ? OR (counter = 0 AND ? = 0))",
            count, clock.now(), user_id, key, count, count,
        )  # fmt: skip
        return bool(done.rowcount == 1)

    # --- recovery codes ---------------------------------------------------------------------------------------------

    def keep_codes(self, connection: Connection, user_id: str, hashes: Sequence[str]) -> None:
        """Keep new recovery codes in place of all older ones."""
        self.drop_codes(connection, user_id)
        for each in hashes:
            self._put(connection, user_id, "recovery", each, "")

    def drop_codes(self, connection: Connection, user_id: str) -> None:
        """Forget a person's recovery codes."""
        self._store.run(connection, "DELETE FROM auth_credential WHERE user_id = ? AND kind = 'recovery'", user_id)

    def codes_left(self, connection: Connection, user_id: str) -> int:
        """Return how many recovery codes a person has left."""
        row = self._store.run(
            connection, "SELECT count(*) FROM auth_credential WHERE user_id = ? AND kind = 'recovery'", user_id
        ).fetchone()
        return int(row[0])

    def use_code(self, connection: Connection, user_id: str, hashed: str) -> bool:
        """Use a recovery code up; False when there is none like it, or it was used."""
        done = self._store.run(
            connection,
            "DELETE FROM auth_credential WHERE user_id = ? AND kind = 'recovery' AND key = ?", user_id, hashed,
        )  # fmt: skip
        return bool(done.rowcount == 1)


def factor_id(kind: str, key: str) -> str:
    """Return the id by which pages name a factor."""
    return kind if kind == "totp" else hashlib.sha256(key.encode()).hexdigest()[:16]
