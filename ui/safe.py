"""Addresses that a request names and that we redirect to: only paths of this site."""

from __future__ import annotations

from urllib.parse import urlsplit


def own_path(address: str, otherwise: str = "/") -> str:
    """Return an address when it is a path of this site, else `otherwise`.

    Browsers read a backslash as a slash, skip control characters, and take `//host` for another site.
    """
    if not address.startswith("/") or address.startswith("//") or "\\" in address:
        return otherwise
    if any(ord(character) <= ord(" ") or ord(character) == 0x7F for character in address):  # noqa: PLR2004 - DEL
        return otherwise
    try:
        parts = urlsplit(address)
    except ValueError:
        return otherwise
    return otherwise if parts.scheme or parts.netloc else address
