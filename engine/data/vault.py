"""Secret values: encrypted at rest, bound to their place, never in history, search, errors or logs.

AES-256-GCM with a fresh nonce a value. Record and field go in as associated data, so a cipher text that somebody
copies into another row or column does not open there.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
from functools import cached_property
from typing import TYPE_CHECKING

from engine.errors import SiteBroken
from engine.i18n import Message

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE = 12
_VERSION = "v1:"


class Vault:
    """Seals and opens secret values with the site's key."""

    def __init__(self, secret: bytes) -> None:
        if not secret:
            raise SiteBroken(Message("The site has no secret key, so secret fields cannot be kept"))
        # The site's secret also signs other things, so what is used here is a key of its own, drawn from it.
        self._key = hashlib.sha256(b"guanxi secret fields\0" + secret).digest()

    @cached_property
    def _cipher(self) -> AESGCM:
        # Loaded with the first secret: most processes never see one.
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        return AESGCM(self._key)

    def seal(self, entity: str, record_id: str, field: str, text: str) -> str:
        """Return the cipher text of a value, for this record and field alone."""
        nonce = os.urandom(_NONCE)
        sealed = self._cipher.encrypt(nonce, text.encode(), f"{entity}:{record_id}:{field}".encode())
        return _VERSION + base64.b64encode(nonce + sealed).decode()

    def open(self, entity: str, record_id: str, field: str, sealed: str) -> str:
        """Return the plain text of a value.

        Raises:
            SiteBroken: it was sealed with another key or for another place, or is damaged.
        """
        from cryptography.exceptions import InvalidTag

        try:
            raw = base64.b64decode(sealed.removeprefix(_VERSION), validate=True)
            place = f"{entity}:{record_id}:{field}".encode()
            return self._cipher.decrypt(raw[:_NONCE], raw[_NONCE:], place).decode()
        except (InvalidTag, binascii.Error, ValueError):
            raise SiteBroken(
                Message("A secret value of {entity} cannot be opened with this site's key", entity=entity)
            ) from None
