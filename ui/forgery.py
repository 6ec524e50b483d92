"""Requests that a foreign page makes in a person's name are refused: a token in every form, and the sender's origin.

The token on a page is masked anew for each answer: where something on the way compresses pages, their sizes do not
tell it letter by letter.
"""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Callable
from typing import Any, TypeVar

from flask import Flask, Response, current_app, g, request
from werkzeug.exceptions import MethodNotAllowed

from engine import AccessDenied, Message
from ui import cookies
from ui.asking import refuse_foreign_origin

COOKIE = "guanxi_form"
FIELD = "_token"
HEADER = "X-Form-Token"
_LENGTH = 32
_TOKEN = re.compile(rf"[0-9a-f]{{{_LENGTH * 2}}}")
_MASKED = re.compile(rf"[0-9a-f]{{{_LENGTH * 4}}}")
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})

View = TypeVar("View", bound=Callable[..., Any])


class FormTooOld(AccessDenied):
    """A form whose token is none of this browser's: it lay open for long, or another site made it."""


def from_elsewhere(view: View) -> View:
    """Let a view take posts from other sites, such as a sign-in service; it has to prove by itself who sent them."""
    view.from_elsewhere = True  # type: ignore[attr-defined]
    return view


def token() -> str:
    """Return the token of this browser, masked, which every form carries and only our pages can read."""
    mask = secrets.token_bytes(_LENGTH)
    return mask.hex() + _xor(mask, bytes.fromhex(_kept())).hex()


def _kept() -> str:
    known: str | None = g.get("form_token")
    if known is None:
        known = cookies.read(COOKIE)
        if _TOKEN.fullmatch(known) is None:
            known = g.new_form_token = secrets.token_hex(_LENGTH)
        g.form_token = known
    return known


def _xor(left: bytes, right: bytes) -> bytes:
    return bytes(one ^ other for one, other in zip(left, right, strict=True))


def _bare(sent: str) -> str:
    """Return a token without its mask; "" of what is none."""
    if _MASKED.fullmatch(sent):
        mask, rest = bytes.fromhex(sent[: _LENGTH * 2]), bytes.fromhex(sent[_LENGTH * 2 :])
        return _xor(mask, rest).hex()
    return sent if _TOKEN.fullmatch(sent) else ""


def guard(app: Flask) -> None:
    """Check every request that changes something, but for those of the API, which have rules of their own."""

    @app.before_request
    def _check() -> None:
        # Where an address takes no such method, nothing can be done in anybody's name either.
        refused = isinstance(request.routing_exception, MethodNotAllowed)
        if request.method in _SAFE or request.path.startswith("/api/") or refused:
            return
        view = current_app.view_functions.get(request.endpoint or "")
        if getattr(view, "from_elsewhere", False):
            return
        if request.headers.get("Sec-Fetch-Site") in {"cross-site", "same-site"}:
            raise AccessDenied(Message("The request came from another site"))
        if "Origin" in request.headers:
            refuse_foreign_origin()
        kept = cookies.read(COOKIE)
        sent = _bare(request.headers.get(HEADER) or request.form.get(FIELD, ""))
        if _TOKEN.fullmatch(kept) is None or not hmac.compare_digest(sent.encode(), kept.encode()):
            raise FormTooOld(Message("The form is too old or came from another site; open the page again"))

    @app.after_request
    def _keep(response: Response) -> Response:
        fresh = g.get("new_form_token")
        if fresh is not None:
            cookies.keep(response, COOKIE, fresh)
        return response
