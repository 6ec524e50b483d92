"""What the API can do, for whoever is signed in: the document of `/api/v1/openapi.json` to read and to try."""

from __future__ import annotations

from urllib.parse import urlencode

from flask import Blueprint, redirect, request
from werkzeug.wrappers import Response

from engine import AccessDenied, Message, NotFound
from ui.asking import language, reading
from ui.frame import page

ADDRESS = "/api/docs"
DOCUMENT = "/api/v1/openapi.json"
PERMISSION = "developer"

routes = Blueprint("api_docs", __name__)


@routes.get("/api")
def here() -> Response:
    """Lead to the page."""
    return redirect(ADDRESS, 303)


@routes.get(ADDRESS)
def api_docs() -> str:
    """Show the document of who asks, or, to developers, that of a role."""
    role = request.args.get("role", "")
    with reading() as reader:
        known = reader.model.roles
        if role and not reader.access.has(PERMISSION):
            raise AccessDenied(Message("Documents of roles are for developers"))
        if role and role not in known:
            raise NotFound(Message("There is no role {name}", name=role[:100]))
        offered = sorted(known.values(), key=lambda each: each.label.in_(language()))
        return page(
            "api_docs.html",
            reader,
            document=f"{DOCUMENT}?{urlencode({'role': role})}" if role else DOCUMENT,
            role=role,
            roles=offered if reader.access.has(PERMISSION) else [],
            revision=reader.model.revision,
        )
