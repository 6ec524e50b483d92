"""The headers of every answer: what a browser may load, show, send on and keep."""

from __future__ import annotations

from flask import Flask, Response, request

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
_ALWAYS = (
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "same-origin"),
    ("Permissions-Policy", _FEATURES),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("X-Permitted-Cross-Domain-Policies", "none"),
)
_STAY = "max-age=31536000; includeSubDomains"


def protect(app: Flask) -> None:
    """Give every answer the headers; a page that set one of them itself keeps its own."""
    app.after_request(_protected)


def _protected(response: Response) -> Response:
    headers = response.headers
    if "Content-Security-Policy" not in headers:
        headers.add("Content-Security-Policy", CONTENT_POLICY)
    headers.extend(_ALWAYS)
    if "Cache-Control" not in headers:
        # What one person may see, no cache and no Back button may show to the next one.
        headers["Cache-Control"] = "no-store"
    if response.mimetype == "text/html":
        headers["Vary"] = "HX-Request, Cookie, Accept-Language"
    if request.is_secure:
        headers.setdefault("Strict-Transport-Security", _STAY)
    return response
