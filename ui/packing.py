"""Pages are sent compressed to whoever came to them from here; what another site asks for never is.

The length of what is compressed tells whether a guess that stands on the page repeats a secret that stands there too
(BREACH, https://www.breachattack.com). That takes very many requests with changing guesses, which a page of the
attacker has the browser of its victim send. Browsers say who sent a request: only those of our own pages and of the
person itself get compressed answers, and the token of forms is masked anew on each page besides.
"""

from __future__ import annotations

from flask import Flask, Response, request

from ui.api.wire import PREFIX, pack, takes_gzip

_LEVEL = 1  # a list of 50 rows becomes a fifth; level 6 would take five times as long for 3 % less of the whole
_OWN = frozenset({"same-origin", "none"})


def serve(app: Flask) -> None:
    """Compress the pages and fragments that an application answers with."""

    @app.after_request
    def _pack(response: Response) -> Response:
        if response.mimetype != "text/html":
            return response
        accepted = request.environ.get("HTTP_ACCEPT_ENCODING")
        if not accepted or request.path.startswith(PREFIX) or not takes_gzip(accepted) or not _asked_for_here():
            return response
        return pack(response, _LEVEL)


def _asked_for_here() -> bool:
    """Say whether no other site can have sent the request; without encryption lengths need not be guessed from."""
    sender = request.environ.get("HTTP_SEC_FETCH_SITE")
    return sender in _OWN if sender is not None else not request.is_secure
