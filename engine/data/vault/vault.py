"""`Vault`: seals and opens values. AES-256-GCM with a fresh nonce a value.

The place of a value goes in as associated data, so a cipher text that somebody copies into another row or column does
not open there. A value carries the id of its data key: `v2:<id>:<base64>`. `v1:<base64>` is from before data keys.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import unicodedata
from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine.data.vault.keys import FIRST, KeyRing, cipher, first_key
from engine.errors import SiteBroken
from engine.i18n import Message

if TYPE_CHECKING:
    from sqlalchemy import Connection

_NONCE = 12
_V1 = "v1:"
_V2 = "v2:"


class Sealer:
    """Seals with the data key that was the right one when its transaction began."""

    def __init__(self, id_: str, key: bytes) -> None:
        self.id = id_
        self._cipher = cipher(key)

    def seal(self, entity: str, record_id: str, field: str, text: str) -> str:
        """Return the cipher text of a value, for this place alone."""
        nonce = os.urandom(_NONCE)
        sealed = self._cipher.encrypt(nonce, text.encode(), place(entity, record_id, field))
        head = _V1 if self.id == FIRST else f"{_V2}{self.id}:"
        return head + base64.b64encode(nonce + sealed).decode()


class Blinder:
    """Gives what stands for a value in a blind index: the same for equal values of one column, and only of that."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def blind(self, table: str, column: str, text: str) -> str:
        """Return it."""
        return hmac.new(self._key, f"{table}:{column}:{compared(text)}".encode(), hashlib.sha256).hexdigest()


class Vault:
    """Seals and opens secret values with the site's keys.

    Args:
        secret: the site's own key.
        ring: the data keys; without them everything is sealed with a key that is drawn from `secret`.
    """

    def __init__(self, secret: bytes, ring: KeyRing | None = None) -> None:
        if not secret:
            raise SiteBroken(Message("The site has no secret key, so secret fields cannot be kept"))
        self.ring = ring
        self._first = first_key(secret)

    def sealer(self, connection: Connection | None = None) -> Sealer:
        """Return what seals in a transaction; asking in the transaction that writes never takes a key that left.

        Raises:
            SiteBroken: the data key does not open.
        """
        if self.ring is None:
            return Sealer(FIRST, self._first)
        return Sealer(*self.ring.active("data", connection))

    def seal(self, entity: str, record_id: str, field: str, text: str, *, connection: Connection | None = None) -> str:
        """Return the cipher text of a value; `entity`, `record_id` and `field` may name any place that is told again.

        What is no field of a record is kept the same way, as entity "auth": say where in `register_holder`.

        Raises:
            SiteBroken: the data key does not open.
        """
        return self.sealer(connection).seal(entity, record_id, field, text)

    def open(
        self,
        entity: str,
        record_id: str,
        field: str,
        sealed: str,
        *,
        also: Sequence[tuple[str, str]] = (),
        connection: Connection | None = None,
    ) -> str:
        """Return the plain text of a value; `also` has (entity, field) under which it may have been sealed before.

        Raises:
            SiteBroken: it was sealed with another key or for another place, or is damaged.
        """
        try:
            id_, body = parts(sealed)
            key = self._first if self.ring is None and id_ == FIRST else self._ring.key(id_, connection)
            raw = base64.b64decode(body, validate=True)
        except ValueError:
            raise _unreadable(entity) from None
        opener = cipher(key)
        for entity_, field_ in ((entity, field), *also):
            plain = _tried(opener, raw, place(entity_, record_id, field_))
            if plain is not None:
                return plain
        raise _unreadable(entity)

    def blinder(self, connection: Connection | None = None) -> Blinder:
        """Return what writes blind indexes in a transaction.

        Raises:
            SiteBroken: the index key does not open.
        """
        return Blinder(self._ring.active("index", connection)[1])

    @property
    def _ring(self) -> KeyRing:
        if self.ring is None:
            raise SiteBroken(Message("The site has no data key, so secret fields cannot be kept"))
        return self.ring


def compared(text: str) -> str:
    """Return a value as it is compared: without case, width and what people put between groups of digits."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(letter for letter in folded if not letter.isspace() and letter != "-") or folded


def parts(sealed: str) -> tuple[str, str]:
    """Return (id of the data key, base64) of a sealed value.

    Raises:
        ValueError: it is none.
    """
    if sealed.startswith(_V1):
        return FIRST, sealed.removeprefix(_V1)
    id_, colon, body = sealed.removeprefix(_V2).partition(":")
    if not sealed.startswith(_V2) or not colon:
        raise ValueError("not sealed")
    return id_, body


def place(entity: str, record_id: str, field: str) -> bytes:
    """Return the associated data of a place."""
    return f"{entity}:{record_id}:{field}".encode()


def _tried(opener: object, raw: bytes, where: bytes) -> str | None:
    from cryptography.exceptions import InvalidTag

    try:
        return opener.decrypt(raw[:_NONCE], raw[_NONCE:], where).decode()  # type: ignore[attr-defined,no-any-return]
    except (InvalidTag, ValueError):
        return None


def _unreadable(entity: str) -> SiteBroken:
    return SiteBroken(Message("A secret value of {entity} cannot be opened with this site's key", entity=entity))


__all__ = ["FIRST", "Sealer", "Vault", "parts", "place"]
