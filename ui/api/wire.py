"""What every answer of the API has around it: compression, the origins that may read it, what may be asked for yet.

An answer of the API holds no secret that the caller did not show, so it is compressed for everybody; pages are not, see
`ui/packing.py`.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence

from flask import Flask, Response, g, request

from engine import Standing
from ui.api import deprecation
from ui.headers import also
from ui.requests import HEADER

PREFIX = "/api/"
SMALLEST = 1_024
"""Bytes below which compression saves no packet."""
_LEVEL = 3
_GZIP = 16 + zlib.MAX_WBITS
_WANTED = re.compile(
    r"(?:^|,)\s*(?:gzip|x-gzip|\*)\s*(?:;\s*q\s*=\s*(0(?:\.0*)?|[01](?:\.\d*)?)\s*)?(?:,|$)", re.IGNORECASE
)
_KINDS = frozenset({"application/json", "application/problem+json", "application/openapi+json"})
_METHODS = "GET, HEAD, POST, PATCH, DELETE, OPTIONS"
_SENT = "Authorization, Content-Type, Accept-Language, Idempotency-Key, If-Match, If-None-Match, Prefer, X-Request-Id"
_READ = (
    "ETag, Location, Retry-After, RateLimit, RateLimit-Policy, Preference-Applied, Allow, Content-Disposition,"
    f" {deprecation.EXPOSED}, {HEADER}"
)
_REMEMBERED = "600"
"""Seconds that a browser may remember the answer to its question."""


def serve(app: Flask, origins: Sequence[str]) -> None:
    """Finish the answers of the API; pages of `origins` may read them, with a token and never with a cookie."""
    known, anybody = frozenset(origins), "*" in origins

    @app.after_request
    def _finish(response: Response) -> Response:
        if not request.path.startswith(PREFIX):
            return response
        standing: Standing | None = g.get("standing")
        environ = request.environ
        deprecation.tell(response.status_code)
        if standing is not None:
            also(environ, "RateLimit-Policy", f'"person";q={standing.limit};w=60')
            also(environ, "RateLimit", f'"person";r={standing.remaining};t={standing.seconds}')
        if known:
            also(environ, "Vary", "Accept-Encoding, Origin")
            _open(response, known, anybody=anybody)
        else:
            also(environ, "Vary", "Accept-Encoding")
        return _compressed(response)


def _open(response: Response, known: frozenset[str], *, anybody: bool) -> None:
    """Let a page of another origin read the answer, if that origin is named."""
    origin = request.headers.get("Origin")
    if origin is None or not (anybody or origin in known):
        return
    headers = response.headers
    headers["Access-Control-Allow-Origin"] = "*" if anybody else origin
    headers["Access-Control-Expose-Headers"] = _READ
    if request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers:
        headers["Access-Control-Allow-Methods"] = _METHODS
        headers["Access-Control-Allow-Headers"] = _SENT
        headers["Access-Control-Max-Age"] = _REMEMBERED


def _compressed(response: Response) -> Response:
    accepted = request.environ.get("HTTP_ACCEPT_ENCODING")
    if not accepted or not takes_gzip(accepted):
        return response
    return pack(response, _LEVEL) if response.mimetype in _KINDS else response


def pack(response: Response, level: int) -> Response:
    """Compress an answer to whoever takes gzip, unless it is small, is written as it is sent, or is packed already."""
    if not response.is_sequence or "Content-Encoding" in response.headers:
        return response
    body = response.get_data()
    if len(body) < SMALLEST:
        return response
    packer = zlib.compressobj(level, zlib.DEFLATED, _GZIP)
    response.set_data(packer.compress(body) + packer.flush())
    response.headers["Content-Encoding"] = "gzip"
    return response


def takes_gzip(accepted: str) -> bool:
    """Say whether an Accept-Encoding header lets gzip be sent."""
    found = _WANTED.search(accepted)
    return found is not None and (found[1] is None or float(found[1]) > 0)
