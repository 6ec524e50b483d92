"""Whether a request comes from who it should: signatures of bodies, shared secrets, and how old it is."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import timedelta

from engine import clock
from engine.errors import GuanxiError
from engine.i18n import Message
from engine.webhooks.inbound.hook import USUAL_HEADERS, Hook, Incoming
from engine.webhooks.signing import is_signed

TOLERANCE = timedelta(minutes=5)
"""How far the time of a message may be away from ours."""
_LONGEST_ID = 200


class NotProven(GuanxiError):
    """Nothing shows that the request comes from who it should."""


def prove(hook: Hook, secret: str, incoming: Incoming) -> str | None:
    """Return the id of the message, None when it has none.

    Raises:
        NotProven: the signature or the secret is wrong or missing, or the message is too old.
    """
    headers = incoming.headers
    if hook.scheme == "standard":
        return _standard(secret, headers, incoming.body)
    if hook.scheme in USUAL_HEADERS:
        sent = headers.get((hook.header or USUAL_HEADERS[hook.scheme]).lower(), "").strip()
        good = _is_hmac(secret, sent, incoming.body) if hook.scheme == "hmac" else _same(secret, sent)
        if not good:
            raise NotProven(Message("The signature or the secret is wrong or missing"))
    return headers.get(hook.id_header.lower(), "")[:_LONGEST_ID] or None if hook.id_header else None


def _standard(secret: str, headers: Mapping[str, str], body: bytes) -> str:
    message_id, stamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    known = 0 < len(message_id) <= _LONGEST_ID and stamp.isascii() and stamp.isdecimal() and len(stamp) <= 12  # noqa: PLR2004
    if not known or not is_signed(secret, message_id, int(stamp), body, headers.get("webhook-signature", "")):
        raise NotProven(Message("The signature or the secret is wrong or missing"))
    if abs(int(stamp) - clock.now().timestamp()) > TOLERANCE.total_seconds():
        raise NotProven(Message("The message is too old, or from the future"))
    return message_id


def _is_hmac(secret: str, sent: str, body: bytes) -> bool:
    """Say whether a header has the HMAC-SHA256 of a body, in hex or base64, after `sha256=` or not."""
    digest = hmac.new(secret.encode(), body, hashlib.sha256).digest()
    bare = sent.removeprefix("sha256=")
    # Both are compared, so that the time tells nothing.
    as_hex, as_base64 = _same(digest.hex(), bare.lower()), _same(base64.b64encode(digest).decode(), bare)
    return as_hex or as_base64


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode("utf-8", "surrogatepass"))
