"""`GET /api/v1/openapi.json`: the API described exactly as its caller may use it, or, for developers, as a role may.

The document is made once for each revision, set of roles and language, and kept as the bytes that are sent.
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from flask import Blueprint, Response, request
from werkzeug.exceptions import MethodNotAllowed

from engine import EVERYONE, Access, AccessDenied, GuanxiError, Message, Model, NotFound, Principal, Reader
from ui.api.body import parameters
from ui.api.openapi.document import BASE, document
from ui.api.openapi.shapes import Most
from ui.asking import program_language, reading, site

KEPT = 16
"""Documents of one revision that a process keeps."""
PERMISSION = "developer"

routes = Blueprint("openapi", __name__)


@dataclass(frozen=True, slots=True)
class Made:
    """A document as it is sent."""

    body: bytes
    packed: bytes
    etag: str
    methods: Mapping[str, frozenset[str]]
    """Methods by path."""


@routes.get("/openapi.json")
def openapi() -> Response:
    """Return the document."""
    role = parameters("role").get("role") or None
    with reading() as reader:
        access = access_of_role(reader, role) if role is not None else reader.access
        made = _made(reader.model, access, role)
    if made.etag in request.if_none_match:
        response = Response(status=304)
    elif "gzip" in request.headers.get("Accept-Encoding", ""):
        response = Response(made.packed, mimetype="application/json", headers={"Content-Encoding": "gzip"})
    else:
        response = Response(made.body, mimetype="application/json")
    response.set_etag(made.etag)
    response.headers["Cache-Control"] = "private, no-cache"
    response.headers["Vary"] = "Accept-Encoding, Accept-Language, Authorization, Cookie"
    return response


def access_of_role(reader: Reader, role: str) -> Access:
    """Return what somebody with one role may do.

    Raises:
        AccessDenied: the caller is no developer.
        NotFound: there is no such role.
    """
    if not reader.access.has(PERMISSION):
        raise AccessDenied(Message("Documents of roles are for developers"))
    return role_access(reader, role)


def role_access(reader: Reader, role: str) -> Access:
    """Return what somebody with one role may do, whoever asks.

    Raises:
        NotFound: there is no such role.
    """
    if role not in reader.model.roles:
        raise NotFound(Message("There is no role {name}", name=role[:100]))
    holder = Principal(id=None, name=role, roles=frozenset((role, EVERYONE)))
    return Access(reader.published, holder)


def _made(model: Model, access: Access, role: str | None) -> Made:
    """Return the document of a set of rights, the same bytes for all who have them."""
    kept: dict[Hashable, Made] = model.derive("openapi", dict)
    who, language = access.principal, program_language()
    key = (who.roles, who.scopes, who.permissions, who.system, who.viewer is None, language, role)
    found = kept.get(key)
    if found is None:
        found = kept[key] = _make(document(access, language, most(), role=role))
        while len(kept) > KEPT:
            # Another thread may take the same one away.
            kept.pop(next(iter(kept)), None)
    return found


def most() -> Most:
    """Return how much the site lets one request ask for."""
    limits = site().config.limits
    return Most(limits.rows_per_page, limits.rows_per_write)


def _make(made: dict[str, Any]) -> Made:
    body = orjson.dumps(made)
    methods = {
        path: frozenset(method.upper() for method in item if method != "parameters")
        for path, item in made["paths"].items()
    }
    return Made(body, gzip.compress(body, 5, mtime=0), hashlib.sha256(body).hexdigest()[:32], methods)


def allow() -> Response | None:
    """Answer OPTIONS with the methods that the caller may use, as the document has them; None = not for us to say.

    A browser's question before it lets a page of another origin ask is not about anybody, so it is left alone.
    """
    rule = request.url_rule
    if request.method != "OPTIONS" or rule is None or "Access-Control-Request-Method" in request.headers:
        return None
    return Response(status=204, headers={"Allow": ", ".join(_methods() or ("OPTIONS",))})


def method_refused() -> MethodNotAllowed | None:
    """Return the refusal of a method that this address does not have for the caller; None where it has it.

    It is for requests that are refused anyway: what is wrong with a body that nobody would take is not worth telling.
    """
    try:
        known = _methods()
    except GuanxiError:
        return None
    return MethodNotAllowed(known) if known and request.method not in known else None


def _methods() -> list[str]:
    """Return the methods that the caller may use here; none where the document has no such address."""
    rule = request.url_rule
    if rule is None:
        return []
    with reading() as reader:
        methods = _made(reader.model, reader.access, None).methods
    found = methods.get(_path(rule.rule, request.view_args or {}))
    return sorted({*found, "OPTIONS", *({"HEAD"} if "GET" in found else ())}) if found else []


def _path(rule: str, values: Mapping[str, Any]) -> str:
    """Return an address as the document has it: its entity, transition or field named, its record not."""
    path = rule.removeprefix(BASE)
    for name, value in values.items():
        if f"<uuid:{name}>" in path:
            path = path.replace(f"<uuid:{name}>", "{id}" if name == "record_id" else f"{{{name}}}")
        elif path != "/meta/<entity>":
            path = path.replace(f"<{name}>", str(value))
    return path.replace("<", "{").replace(">", "}")
