"""`GET /api/v1/openapi.json`: the API described exactly as its caller may use it, or, for developers, as a role may.

The document is made once for each revision, set of roles and language, and kept as the bytes that are sent.
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import orjson
from flask import Blueprint, Response, request

from engine import EVERYONE, Access, AccessDenied, Message, Model, NotFound, Principal, Reader
from ui.api.openapi.document import document
from ui.api.problems import BadRequest
from ui.asking import program_language, reading

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


@routes.get("/openapi.json")
def openapi() -> Response:
    """Return the document."""
    for name in request.args:
        if name != "role":
            raise BadRequest(Message("The document has no parameter {name}; it has role", name=name[:100]))
    role = request.args.get("role") or None
    with reading() as reader:
        access = access_of_role(reader, role) if role is not None else reader.access
        made = _made(reader.model, access, program_language(), role)
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


def _made(model: Model, access: Access, language: str, role: str | None) -> Made:
    """Return the document of a set of rights, the same bytes for all who have them."""
    kept: dict[Hashable, Made] = model.derive("openapi", dict)
    who = access.principal
    key = (who.roles, who.scopes, who.permissions, who.system, who.viewer is None, language, role)
    found = kept.get(key)
    if found is None:
        found = kept[key] = _make(document(access, language, role=role))
        while len(kept) > KEPT:
            # Another thread may take the same one away.
            kept.pop(next(iter(kept)), None)
    return found


def _make(made: dict[str, Any]) -> Made:
    body = orjson.dumps(made)
    return Made(body, gzip.compress(body, 5, mtime=0), hashlib.sha256(body).hexdigest()[:32])
