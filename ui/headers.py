"""The headers of every answer: what a browser may load, show, send on and keep."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self';"
    " connect-src 'self'; manifest-src 'self'; media-src 'self' blob:; form-action 'self'; base-uri 'none';"
    " object-src 'none'; frame-src 'none'; worker-src 'none'; frame-ancestors 'none'"
)
FILE_POLICY = "sandbox; default-src 'none'; frame-ancestors 'none'"
"""For what people uploaded: should a browser show it in spite of everything, then as a page that can do nothing."""
_FEATURES = (
    "camera=(self), geolocation=(self), microphone=(), payment=(), usb=(), serial=(), hid=(), midi=(),"
    " display-capture=(), browsing-topics=()"
)
_NOT_FRAMED = ("X-Frame-Options", "DENY")
_ALWAYS = (
    ("X-Content-Type-Options", "nosniff"),
    _NOT_FRAMED,
    ("Referrer-Policy", "same-origin"),
    ("Permissions-Policy", _FEATURES),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("X-Permitted-Cross-Domain-Policies", "none"),
)
_POLICY = ("Content-Security-Policy", CONTENT_POLICY)
_NOT_KEPT = ("Cache-Control", "no-store")
_OF_PAGES = ("Vary", "HX-Request, Cookie, Accept-Language, Accept-Encoding, Sec-Fetch-Site")
_ONLY_SECURE = ("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
_MORE = "guanxi.headers"


class Protected:
    """WSGI middleware that gives every answer the headers; a page that set one of them itself keeps its own.

    Here a header costs a place in a list. Through the response of the framework each is looked at letter by letter,
    which is a tenth of the time in which a record is read.
    """

    def __init__(self, inner: WSGIApplication) -> None:
        self._inner = inner

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""

        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None, /) -> Any:
            return start_response(status, _protected(environ, headers), exc_info)

        return self._inner(environ, start)


def also(environ: WSGIEnvironment, name: str, value: str) -> None:
    """Give the answer to a request one more header, of letters that no header breaks at."""
    environ.setdefault(_MORE, []).append((name, value))


def _protected(environ: WSGIEnvironment, headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
    known = {name.lower(): value for name, value in headers}
    whole = [*headers, *_ALWAYS, *environ.get(_MORE, ())]
    if "x-frame-options" in known:
        # A file that a page of ours frames.
        whole.remove(_NOT_FRAMED)
    if "content-security-policy" not in known:
        whole.append(_POLICY)
    if "cache-control" not in known:
        # What one person may see, no cache and no Back button may show to the next one.
        whole.append(_NOT_KEPT)
    if known.get("content-type", "").startswith("text/html") and not environ["PATH_INFO"].startswith("/api/"):
        whole = [each for each in whole if each[0].lower() != "vary"]
        whole.append(_OF_PAGES)
    if environ["wsgi.url_scheme"] == "https" and "strict-transport-security" not in known:
        whole.append(_ONLY_SECURE)
    return whole
