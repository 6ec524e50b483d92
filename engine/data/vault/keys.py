"""The data keys of a site: random, wrapped by the key-encryption key, kept in the table `secret_key`.

A new data key costs a row, and a new key-encryption key costs one row anew for each data key: no value is touched.
Processes read the table again when a value names a key that they do not know.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import secrets
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from engine import clock
from engine.errors import SiteBroken
from engine.i18n import Message
from engine.storage.codec import moment
from engine.storage.database import Connection, Database, run

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

Purpose = Literal["data", "index"]
State = Literal["active", "leaving", "retired"]

FIRST = "v1"
"""Id of the key of values that were sealed before there were data keys; it was drawn from the site's own key."""
_NONCE = 12
_BYTES = 32
_COLUMNS = "id, purpose, state, wrapped, wrapped_by, created_at"


def cipher(key: bytes) -> AESGCM:
    """Return AES-GCM under a key; loaded with the first secret, for most processes never see one."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM(key)


def first_key(secret: bytes) -> bytes:
    """Return the key that values were sealed with before there were data keys."""
    return hashlib.sha256(b"guanxi secret fields\0" + secret).digest()


@dataclass(frozen=True, slots=True)
class Wrapping:
    """A key-encryption key, drawn from what the administrator keeps."""

    key: bytes = field(repr=False)

    @classmethod
    def of(cls, secret: bytes) -> Wrapping:
        """Return the key that is drawn from a secret of any length."""
        return cls(hashlib.sha256(b"guanxi key wrapping\0" + secret).digest())

    @property
    def mark(self) -> str:
        """Return what tells this key from others without telling the key."""
        return hmac.new(self.key, b"mark", hashlib.sha256).hexdigest()[:16]

    def wrap(self, id_: str, purpose: str, key: bytes) -> str:
        """Return a data key wrapped, for its row alone."""
        nonce = os.urandom(_NONCE)
        return base64.b64encode(nonce + cipher(self.key).encrypt(nonce, key, _place(id_, purpose))).decode()

    def unwrap(self, id_: str, purpose: str, wrapped: str) -> bytes:
        """Return a data key.

        Raises:
            SiteBroken: it was wrapped with another key, or is damaged.
        """
        from cryptography.exceptions import InvalidTag

        try:
            raw = base64.b64decode(wrapped, validate=True)
            return cipher(self.key).decrypt(raw[:_NONCE], raw[_NONCE:], _place(id_, purpose))
        except (InvalidTag, binascii.Error, ValueError):
            raise SiteBroken(
                Message("The data key {id} cannot be opened with the key that the site is given", id=id_)
            ) from None


def _place(id_: str, purpose: str) -> bytes:
    return f"secret_key:{id_}:{purpose}".encode()


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A data key as the table has it."""

    id: str
    purpose: Purpose
    state: State
    wrapped: str = field(repr=False)
    wrapped_by: str
    created_at: Any


class KeyRing:
    """The data keys of one site. Safe to share between threads.

    Args:
        database: has the table.
        wrappings: key-encryption keys; the first wraps, the others only open what they wrapped before.
        first: the key of values from before there were data keys, see `first_key`.
    """

    def __init__(self, database: Database, wrappings: Sequence[Wrapping], first: bytes) -> None:
        self.database = database
        self._wrappings = {each.mark: each for each in reversed(wrappings)}
        self._wrapping = wrappings[0]
        self._first = first
        self._open: dict[str, bytes] = {}
        self._mark = "?" if database.dialect == "sqlite" else "%s"

    # --- reading

    def rows(self, connection: Connection | None = None) -> list[KeyRow]:
        """Return all keys as they stand in the table, oldest first."""
        with self._connection(connection) as here:
            found = run(here, f"SELECT {_COLUMNS} FROM secret_key ORDER BY created_at, id").fetchall()  # noqa: S608
        return [KeyRow(*row) for row in found]

    def key(self, id_: str, connection: Connection | None = None) -> bytes:
        """Return a data key by its id.

        Raises:
            SiteBroken: there is none, or the site's key does not open it.
        """
        known = self._open.get(id_)
        if known is not None:
            return known
        row = next((row for row in self.rows(connection) if row.id == id_), None)
        if row is not None:
            found = self._unwrapped(row)
        elif id_ == FIRST:
            found = self._first
        else:
            raise SiteBroken(Message("There is no data key {id}: its row is missing", id=id_))
        self._open[id_] = found
        return found

    def active(self, purpose: Purpose = "data", connection: Connection | None = None) -> tuple[str, bytes]:
        """Return (id, key) of the key that seals now, as a transaction sees it.

        Raises:
            SiteBroken: there is none, or the site's key does not open it.
        """
        with self._connection(connection) as here:
            text = f"SELECT {_COLUMNS} FROM secret_key WHERE purpose = {self._mark} AND state = 'active'"  # noqa: S608
            found = run(here, text, (purpose,)).fetchone()
        if found is None:
            raise SiteBroken(Message("The site has no data key, so secret fields cannot be kept"))
        row = KeyRow(*found)
        if row.id not in self._open:
            self._open[row.id] = self._unwrapped(row)
        return row.id, self._open[row.id]

    def opens(self, row: KeyRow) -> bool:
        """Say whether the site's keys open a row."""
        try:
            self._unwrapped(row)
        except SiteBroken:
            return False
        return True

    def wrapped_now(self, row: KeyRow) -> bool:
        """Say whether a row is wrapped with the key that wraps now."""
        return row.wrapped_by == self._wrapping.mark

    def _unwrapped(self, row: KeyRow) -> bytes:
        wrapping = self._wrappings.get(row.wrapped_by)
        if wrapping is None:
            raise SiteBroken(
                Message(
                    "The data key {id} was wrapped with another key than the site is given; put that one back, or give"
                    " it under secrets, old_keys",
                    id=row.id,
                )
            )
        return wrapping.unwrap(row.id, row.purpose, row.wrapped)

    # --- writing

    def ensure(self) -> None:
        """Make the keys of a site that has none yet; reads one row where it has.

        Raises:
            DatabaseUnavailable: the database does not answer, or others write for too long.
        """
        if self.rows():
            return
        with self.database.exclusive() as connection:
            if self.rows(connection):
                return
            self._insert(connection, FIRST, "data", "retired", self._first)
            self.add(connection, "data")
            self.add(connection, "index")

    def add(self, connection: Connection, purpose: Purpose) -> str:
        """Make a new key the one that seals, in a transaction that no writer runs beside; return its id."""
        id_ = secrets.token_hex(6)
        run(
            connection,
            f"UPDATE secret_key SET state = 'leaving' WHERE purpose = {self._mark} AND state = 'active'",  # noqa: S608
            (purpose,),
        )
        self._insert(connection, id_, purpose, "active", os.urandom(_BYTES))
        return id_

    def retire(self, connection: Connection, ids: Iterable[str]) -> None:
        """Say that nothing is sealed with some keys any more."""
        for id_ in ids:
            run(connection, f"UPDATE secret_key SET state = 'retired' WHERE id = {self._mark}", (id_,))  # noqa: S608

    def drop(self, connection: Connection, ids: Iterable[str]) -> None:
        """Destroy keys."""
        for id_ in ids:
            run(connection, f"DELETE FROM secret_key WHERE id = {self._mark}", (id_,))  # noqa: S608

    def rewrap(self, connection: Connection) -> int:
        """Wrap every data key with the key that wraps now, and return how many had another.

        Raises:
            SiteBroken: one does not open with any of the keys that the site is given.
        """
        changed = 0
        for row in self.rows(connection):
            if self.wrapped_now(row):
                continue
            key = self._unwrapped(row)
            mark = self._mark
            run(
                connection,
                f"UPDATE secret_key SET wrapped = {mark}, wrapped_by = {mark} WHERE id = {mark}",  # noqa: S608
                (self._wrapping.wrap(row.id, row.purpose, key), self._wrapping.mark, row.id),
            )
            changed += 1
        return changed

    def _insert(self, connection: Connection, id_: str, purpose: Purpose, state: State, key: bytes) -> None:
        values = (
            id_,
            purpose,
            state,
            self._wrapping.wrap(id_, purpose, key),
            self._wrapping.mark,
            moment(self.database.dialect)(clock.now()),
        )
        marks = ", ".join([self._mark] * len(values))
        run(connection, f"INSERT INTO secret_key ({_COLUMNS}) VALUES ({marks})", values)  # noqa: S608

    @contextmanager
    def _connection(self, given: Connection | None) -> Iterator[Connection]:
        if given is not None:
            yield given
            return
        with self.database.bare() as own:
            yield own


__all__ = ["FIRST", "KeyRing", "KeyRow", "Wrapping", "cipher", "first_key"]
