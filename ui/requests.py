"""Every request has a number: in the log, in the header of its answer, and on the page that says what went wrong.

A caller or a proxy may bring one along; otherwise it gets one here.
"""

from __future__ import annotations

import logging
import re
import secrets
import time

from flask import Flask, Response, g, request

from ui.headers import also

log = logging.getLogger("guanxi.requests")
HEADER = "X-Request-Id"
_SECRET_PARTS = frozenset({"secret", "token", "code", "key"})
_LONGEST = 500
_GIVEN = re.compile(r"[A-Za-z0-9_.-]{8,64}")
"""A number that the caller has chosen: it joins their log with ours, and nothing in it can break a line."""


def number(app: Flask) -> None:
    """Give every request of an application a number, and note how it was answered."""

    @app.before_request
    def _begin() -> None:
        given = request.headers.get(HEADER)
        g.request_id = given if given and _GIVEN.fullmatch(given) else secrets.token_hex(8)
        g.began = time.perf_counter()

    @app.after_request
    def _end(response: Response) -> Response:
        also(request.environ, HEADER, number_of())
        if log.isEnabledFor(logging.INFO):
            who = g.get("principal")
            log.info(
                "%s %s %s %.0f ms %s %s",
                request.method,
                shown_path(),
                response.status_code,
                (time.perf_counter() - g.get("began", time.perf_counter())) * 1000,
                request.remote_addr or "-",
                (who.id if who is not None else None) or "-",
            )
        return response


def number_of() -> str:
    """Return the number of the request that is answered now."""
    found: str | None = g.get("request_id")
    if found is None:
        found = g.request_id = secrets.token_hex(8)
    return found


def shown_path() -> str:
    """Return the path as the log may have it: without the query, and without the secrets of one-time links."""
    path = request.path
    for name, value in (request.view_args or {}).items():
        if name in _SECRET_PARTS and isinstance(value, str) and value:
            path = path.replace(value, "…")
    return path[:_LONGEST]
