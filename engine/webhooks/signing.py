"""Signatures of Standard Webhooks 1.0: HMAC-SHA256 over id, time and body, in base64."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
from collections.abc import Iterable

PREFIX = "whsec_"
_VERSION = "v1,"
_BYTES = 32
_LEAST, _MOST = 24, 64


def new_signing_secret() -> str:
    """Return a new secret: `whsec_` and 32 random bytes in base64."""
    return PREFIX + base64.b64encode(os.urandom(_BYTES)).decode()


def is_signing_secret(text: str) -> bool:
    """Say whether a text is a secret as the standard has it: 24 to 64 bytes in base64 after `whsec_`."""
    try:
        return text.startswith(PREFIX) and _LEAST <= len(_key(text)) <= _MOST
    except (ValueError, binascii.Error):
        return False


def _key(secret: str) -> bytes:
    return base64.b64decode(secret.removeprefix(PREFIX), validate=True)


def signature(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """Return `v1,...` for a body that is sent at a time, in seconds since 1970."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    return _VERSION + base64.b64encode(hmac.new(_key(secret), signed, hashlib.sha256).digest()).decode()


def signatures(secrets: Iterable[str], message_id: str, timestamp: int, body: bytes) -> str:
    """Return the value of `webhook-signature`: one signature for each secret that is good just now."""
    return " ".join(signature(secret, message_id, timestamp, body) for secret in secrets)


def is_signed(secret: str, message_id: str, timestamp: int, body: bytes, header: str) -> bool:
    """Say whether one of the signatures of a header is right."""
    expected = signature(secret, message_id, timestamp, body).encode()
    return any(hmac.compare_digest(expected, each.encode("utf-8", "replace")) for each in header.split(" "))
