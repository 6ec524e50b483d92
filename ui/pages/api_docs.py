"""What the API can do, for whoever is signed in: the document of `/api/v1/openapi.json` to read and to try."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, redirect, request
from werkzeug.wrappers import Response

from engine import AccessDenied, Deprecated, Message, NotFound, Reader, seen_deprecated
from ui.asking import language, reading
from ui.frame import page, said

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
            fading=[] if role else [_shown(reader, each) for each in seen_deprecated(reader.access)],
        )


def _shown(reader: Reader, each: Deprecated) -> Mapping[str, Any]:
    """Return what the list of all that is going away says of one thing."""
    entity, about = reader.model.entity(each.entity), each.about
    label = said(entity.plural if each.field is None else entity.fields[each.field].label)
    return {
        "name": each.name,
        "label": label,
        "of": None if each.field is None else said(entity.plural),
        "since": about.since.isoformat(),
        "until": None if about.until is None else about.until.isoformat(),
        "use": about.use,
    }
