"""While an administrator looks as somebody else, nothing is changed and no account is opened; what is over goes."""

from __future__ import annotations

from typing import Literal

from flask import Flask, Response, g, request

from engine import GuanxiError, Message
from ui import cookies
from ui.asking import VIEW_COOKIE, principal, session_secret, site
from ui.frame import notice

STOP = "/admin/view-as/stop"
_CLOSED = ("/login/",)
"""Pages of one's own account, tokens and passwords: nobody looks into these for another."""
_READS = ("/query",)
"""What is asked by POST and changes nothing."""


def guard(app: Flask) -> None:
    """Refuse what changes something while somebody looks as another person; the write path refuses it besides."""

    @app.before_request
    def _refuse() -> None:
        if (
            "HTTP_COOKIE" not in request.environ
            or not cookies.read(VIEW_COOKIE)
            or request.path == STOP
            or request.path.startswith("/static/")
        ):
            return
        if request.path == "/logout" and request.method == "POST":
            end("signed_out")
            return
        try:
            who = principal()
        except GuanxiError:
            return
        if g.get("view_is_over"):
            notice(Message("The time to look as somebody else is over; you see the site as yourself again"), "info")
        safe = request.method in {"GET", "HEAD", "OPTIONS"} or request.path.endswith(_READS)
        if not safe or request.path.startswith(_CLOSED):
            who.require_own_hands()

    @app.after_request
    def _forget(response: Response) -> Response:
        if g.get("view_is_over"):
            cookies.forget(response, VIEW_COOKIE)
        return response


def begin(user_id: str) -> str:
    """Begin to look as somebody else and return the value for the cookie."""
    return site().identity.view_as(principal(), user_id, session_secret())


def end(how: Literal["stopped", "signed_out"] = "stopped") -> str:
    """End the look of this browser; return whom it was at, "" when there was none."""
    secret = cookies.read(VIEW_COOKIE)
    look = site().identity.stop_viewing(secret, session_secret(), how) if secret else None
    g.view_is_over = True
    return look.user_id if look is not None else ""
