"""The web application: one site, its screens and its API, behind one set of headers.

`create_app` is what a WSGI server calls; everything that a request needs hangs on the application, nothing is global.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from flask import Flask, Request, request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from itsdangerous import URLSafeTimedSerializer
from jinja2 import StrictUndefined
from werkzeug.routing import Rule

from engine import Site, add_catalogues, nightly_backup
from ui import (
    assets,
    branding,
    cookies,
    failures,
    forgery,
    frame,
    headers,
    hosts,
    origins,
    packing,
    requests,
    sizes,
    viewing,
    visiting,
)
from ui.api import blueprint as api
from ui.api import hooks, wire
from ui.mcp.http import routes as agents
from ui.pages import blueprints, stars
from ui.posted import PostedRequest
from ui.proxies import Proxies

_NOTICES = "guanxi_notices"


class Address(Rule):
    """An address; what writes it is compiled when it is first written: for all of them that takes a quarter second."""

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:  # noqa: FBT001, FBT002 - as Werkzeug calls it
        make = partial(super()._compile_builder, append_unknown)
        made: list[Callable[..., tuple[str, str]]] = []

        def write(address: Rule, **values: Any) -> tuple[str, str]:
            if not made:
                made.append(make())
            return made[0](address, **values)

        return write


class Application(Flask):
    """The application; its functions run as they are, for none of them is asynchronous."""

    request_class = PostedRequest
    url_rule_class = Address

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function as it is: looking at each whether it is asynchronous costs more than calling it."""
        return func


class Notices(SecureCookieSessionInterface):
    """The signed cookie that carries notices over a redirect: its signer is made once, not for every request."""

    def __init__(self) -> None:
        self._signer: URLSafeTimedSerializer | None = None

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """Return what the cookie carries; nothing to programs, who are shown no pages."""
        return None if request.path.startswith(wire.PREFIX) else super().open_session(app, request)

    def get_cookie_name(self, app: Flask) -> str:
        """Return the name of the cookie."""
        return cookies.named(_NOTICES)

    def get_cookie_secure(self, app: Flask) -> bool:
        """Return whether only TLS may carry it."""
        return request.is_secure

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
    nightly_backup(site)
    add_catalogues(Path(__file__).parent / "locale")
    app = Application(__name__, static_folder=None)
    app.extensions["guanxi"] = site
    app.secret_key = site.config.secret_key
    app.config["SECRET_KEY_FALLBACKS"] = list(site.config.former_secret_keys)
    app.session_interface = Notices()
    app.config["SESSION_COOKIE_SAMESITE"] = "Lax"
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.url_map.strict_slashes = False
    requests.number(app)
    origins.tell(app)
    wire.serve(app, site.config.api.get("cors", ()))
    packing.serve(app)
    hosts.guard(app, site.config.base_url, site.config.hosts)
    sizes.limit(app, site.config.limits.upload_megabytes, site.config.limits.import_megabytes)
    app.register_blueprint(api())
    app.register_blueprint(hooks.routes)
    app.register_blueprint(agents)
    for each in blueprints():
        app.register_blueprint(each)
    branding.serve(app, site.config)
    assets.serve(app)
    forgery.guard(app)
    viewing.guard(app)
    frame.furnish(app)
    app.jinja_env.globals["star_button"] = stars.star_button
    visiting.note(app)
    failures.handle(app)
    app.wsgi_app = Proxies(headers.Protected(app.wsgi_app), site.config.trusted_proxies, site.config.base_url)  # type: ignore[method-assign]
    return app
