"""The web application: one site, its screens and its API, behind one set of headers.

`create_app` is what a WSGI server calls; everything that a request needs hangs on the application, nothing is global.
"""

from __future__ import annotations

import os
from pathlib import Path

from flask import Flask, Response, request
from flask.sessions import SecureCookieSessionInterface
from itsdangerous import URLSafeTimedSerializer
from jinja2 import StrictUndefined

from engine import Site, add_catalogues
from ui import assets, failures, forgery, frame
from ui.api import blueprint as api
from ui.pages import blueprints

CONTENT_POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; base-uri 'none'; form-action 'self';"
    " frame-ancestors 'none'"
)
MOST_PARTS = 50_000
"""Values that a posted form may have."""
MOST_TYPED = 8 * 2**20
"""Bytes that a posted form may have without its files."""
_HEADERS = (
    ("Content-Security-Policy", CONTENT_POLICY),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(self), geolocation=(self), microphone=(), payment=(), usb=()"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
)


class Notices(SecureCookieSessionInterface):
    """The signed cookie that carries notices over a redirect: its signer is made once, not for every request."""

    def __init__(self) -> None:
        self._signer: URLSafeTimedSerializer | None = None

    def get_signing_serializer(self, app: Flask) -> URLSafeTimedSerializer | None:
        """Return what signs and reads the cookie."""
        if self._signer is None:
            self._signer = super().get_signing_serializer(app)
        return self._signer


def create_app(folder: Path | str | Site | None = None) -> Flask:
    """Return the application of a site: one that is open, or the one in a folder, else of GUANXI_SITE, else here.

    Raises:
        SiteBroken: the site cannot be opened; the message says what to do.
    """
    site = folder if isinstance(folder, Site) else Site.open(Path(folder or os.environ.get("GUANXI_SITE") or "."))
    add_catalogues(Path(__file__).parent / "locale")
    app = Flask(__name__, static_folder=None)
    app.extensions["guanxi"] = site
    app.secret_key = site.config.secret_key
    app.session_interface = Notices()
    # A form has three parts for each input, and a record may have a thousand child rows; the size is limited below.
    app.config["MAX_FORM_PARTS"] = MOST_PARTS
    app.config["MAX_FORM_MEMORY_SIZE"] = MOST_TYPED
    app.config["MAX_CONTENT_LENGTH"] = site.config.limits.upload_megabytes * 2**20
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.url_map.strict_slashes = False
    app.after_request(_protect)
    app.register_blueprint(api())
    for each in blueprints():
        app.register_blueprint(each)
    assets.serve(app)
    forgery.guard(app)
    frame.furnish(app)
    failures.handle(app)
    return app


def _protect(response: Response) -> Response:
    headers = response.headers
    headers.extend(_HEADERS)
    if "Cache-Control" not in headers:
        # What one person may see, no cache and no Back button may show to the next one.
        headers["Cache-Control"] = "no-store"
    if response.mimetype == "text/html":
        headers["Vary"] = "HX-Request, Cookie, Accept-Language"
    if request.is_secure:
        headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    return response
