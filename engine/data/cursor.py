"""Cursors: the place in a list where the next page begins, as text that only its own list takes back.

A cursor holds the sort values of the last row and its id. It is signed together with the query and the person, so
that nobody can feed values of a wrong kind into a statement, or learn by guessing where a hidden row would stand.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import orjson

from engine.errors import QueryInvalid
from engine.i18n import Message

_SIGNATURE_BYTES = 16
_MOST_CHARACTERS = 4096


def write(values: Sequence[Any], context: str, secret: bytes) -> str:
    """Return a cursor for driver values; `context` says which list of which person it belongs to."""
    body = orjson.dumps([_to_json(value) for value in values])
    return urlsafe_b64encode(_sign(body, context, secret) + body).decode().rstrip("=")


def read(cursor: str, context: str, secret: bytes) -> list[Any]:
    """Return the driver values of a cursor.

    Raises:
        QueryInvalid: it was cut, made up, or belongs to another list, person or site.
    """
    try:
        if len(cursor) > _MOST_CHARACTERS:
            raise ValueError  # noqa: TRY301 - all that a cursor may be wrong in is told the same
        raw = urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
        signature, body = raw[:_SIGNATURE_BYTES], raw[_SIGNATURE_BYTES:]
        if not hmac.compare_digest(signature, _sign(body, context, secret)):
            raise ValueError  # noqa: TRY301 - as above
        return [_from_json(value) for value in orjson.loads(body)]
    except ValueError:
        raise QueryInvalid(Message("This page cannot be continued; please load the list again")) from None


def _sign(body: bytes, context: str, secret: bytes) -> bytes:
    key = hashlib.blake2b(context.encode(), key=hashlib.sha256(secret).digest(), digest_size=32).digest()
    return hashlib.blake2b(body, key=key, digest_size=_SIGNATURE_BYTES).digest()


def _to_json(value: Any) -> Any:
    match value:
        case None | bool() | int() | str() | float():
            return value
        case Decimal():
            return {"n": str(value)}
        case datetime():
            return {"t": value.isoformat()}
        case date():
            return {"d": value.isoformat()}
        case time():
            return {"c": value.isoformat()}
        case _:
            raise TypeError(f"a list cannot be sorted by {type(value).__name__}")


def _from_json(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    [(kind, text)] = value.items()
    read_as: Mapping[str, Callable[[str], Any]] = {
        "n": Decimal,
        "t": datetime.fromisoformat,
        "d": date.fromisoformat,
        "c": time.fromisoformat,
    }
    return read_as[kind](text)
