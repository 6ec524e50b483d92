"""Exported files on their way to a browser or a program: to be saved, never to be shown from our origin."""

from __future__ import annotations

from urllib.parse import quote

from flask import Response

from engine import Fetched
from ui.headers import FILE_POLICY


def sent(found: Fetched) -> Response:
    """Return a file that is sent block by block, under a name of any language (RFC 6266)."""
    response = Response(found.blocks, mimetype=found.mimetype)
    response.content_length = found.size
    response.headers["Content-Disposition"] = disposition(found.name)
    response.headers["Content-Security-Policy"] = FILE_POLICY
    response.headers["Cache-Control"] = "private, no-store"
    response.call_on_close(getattr(found.blocks, "close", lambda: None))
    return response


def disposition(name: str) -> str:
    """Return the header that has a file saved: its name in UTF-8, and in ASCII for those that read no other."""
    plain = "".join(letter if letter.isascii() and letter not in '"\\' else "_" for letter in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
