"""Cookies of ours: over TLS their names say `__Host-`, so that no other site of the same domain can set them."""

from __future__ import annotations

from flask import Response, request
from werkzeug.wrappers import Response as AnyResponse

_BOUND = "__Host-"


def named(plain: str) -> str:
    """Return the name of a cookie as this request has it."""
    return f"{_BOUND}{plain}" if request.is_secure else plain


def read(plain: str) -> str:
    """Return what a cookie holds, "" when the browser sent none."""
    return request.cookies.get(named(plain), "")


def keep(response: Response | AnyResponse, plain: str, value: str, *, seconds: int | None = None) -> None:
    """Let the browser keep a value, until it is closed or for some seconds; no script can read it."""
    response.set_cookie(
        named(plain), value, max_age=seconds, httponly=True, samesite="Lax", secure=request.is_secure, path="/"
    )


def forget(response: Response | AnyResponse, plain: str) -> None:
    """Let the browser forget a value."""
    response.delete_cookie(named(plain), httponly=True, samesite="Lax", secure=request.is_secure, path="/")
