"""Requests that a foreign page makes in a person's name are refused: a token in every form, and the sender's origin."""

from __future__ import annotations

import hmac
import secrets

from flask import Flask, Response, g, request

from engine import AccessDenied, Message
from ui.asking import refuse_foreign_origin

COOKIE = "guanxi_form"
FIELD = "_token"
HEADER = "X-Form-Token"
_LENGTH = 32


def token() -> str:
    """Return the token of this browser, which every form carries and only our pages can read."""
    known: str | None = g.get("form_token")
    if known is None:
        known = request.cookies.get(COOKIE, "")
        if len(known) != _LENGTH * 2:
            known = secrets.token_hex(_LENGTH)
            g.new_form_token = known
        g.form_token = known
    return known


def guard(app: Flask) -> None:
    """Check every request that changes something, but for those of the API, which have rules of their own."""

    @app.before_request
    def _check() -> None:
        if request.method in {"GET", "HEAD", "OPTIONS"} or request.path.startswith("/api/"):
            return
        if "Origin" in request.headers:
            refuse_foreign_origin()
        sent = request.headers.get(HEADER) or request.form.get(FIELD, "")
        kept = request.cookies.get(COOKIE, "")
        if not kept or not hmac.compare_digest(sent.encode(), kept.encode()):
            raise AccessDenied(Message("The form is too old or came from another site; open the page again"))

    @app.after_request
    def _keep(response: Response) -> Response:
        fresh = g.get("new_form_token")
        if fresh is not None:
            response.set_cookie(COOKIE, fresh, httponly=True, samesite="Lax", secure=request.is_secure)
        return response
