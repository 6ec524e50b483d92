"""The chain over the log: what is hashed of an event, and what only the holder of the site's key can compute of it.

Each seal holds the SHA-256 of the event, of its place and of the hash before, and an HMAC of that hash. Whoever may
write to the database but has not the key can compute the first, never the second.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from engine.audit.statements import text_of, time_of

_PURPOSE = b"audit chain"


@dataclass(frozen=True, slots=True)
class Head:
    """The last link of the chain: kept elsewhere, it proves that nothing before it was changed or cut off."""

    place: int
    hash: str

    def __str__(self) -> str:
        return f"{self.place}:{self.hash}"


def read_head(text: str) -> Head | None:
    """Return a head as `str(head)` wrote it; None for what is none."""
    place, _, digest = text.strip().partition(":")
    if not place.isdecimal() or len(digest) != hashlib.sha256().digest_size * 2:
        return None
    return Head(int(place), digest.lower())


class Key:
    """What seals are signed with, derived from the secret of the site."""

    def __init__(self, secret: bytes) -> None:
        self._key = hmac.digest(secret, _PURPOSE, "sha256")
        self.name = hashlib.sha256(b"name:" + self._key).hexdigest()[:8]
        """Tells keys apart and says nothing about them."""

    def sign(self, text: str) -> str:
        """Return the signature of a text: the name of the key, and 128 bits."""
        return f"{self.name}.{hmac.digest(self._key, text.encode(), 'sha256').hex()[:32]}"

    def fits(self, signature: str, text: str) -> bool:
        """Say whether a signature is this key's, of this text."""
        return hmac.compare_digest(signature, self.sign(text))


def link(before: str, place: int, row: Sequence[Any]) -> str:
    """Return the hash of an event at its place; `row` has the columns of `events.COLUMNS` as the driver gives them.

    Both databases come to the same hash: times are in UTC to the millisecond, ids are text.
    """
    seq, kind, at, actor, entity, record, number, details, via, address, agent, token = row
    when = time_of(at).isoformat(timespec="milliseconds")
    said = [
        place,
        seq,
        kind,
        when,
        text_of(actor),
        entity,
        text_of(record),
        number,
        details,
        via,
        address,
        agent,
        token,
    ]
    return hashlib.sha256(before.encode() + b"\n" + orjson.dumps(said)).hexdigest()


def signed(place: int, digest: str) -> str:
    """Return what is signed of a seal."""
    return f"{place}:{digest}"


def signed_start(place: int, digest: str) -> str:
    """Return what is signed of the place from which on the log is kept."""
    return f"start:{place}:{digest}"
