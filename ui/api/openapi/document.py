"""The OpenAPI 3.1 document of a site, as one set of roles sees it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from engine import Access, Message
from ui.api.openapi import common, conditions, parts
from ui.api.openapi.general import general_paths
from ui.api.openapi.paths import Operations
from ui.api.openapi.shapes import Most, Schema, Shapes

VERSION = "3.1.0"
BASE = "/api/v1"

_TITLE = Message("Guanxi")
_ABOUT = Message(
    "Every object of this site over HTTP, as your rights let you see it: an object, field or verb that is not here is"
    " not yours to use. Money and numbers are texts, times are ISO 8601 in UTC, ids are UUIDv7. Show a token as"
    " `Authorization: Bearer gx_…`."
)
_TOKEN = Message("A token of a person or of a service account. It does at most what its scopes say: {scopes}.")
_COOKIE = Message("The sign-in of a browser, from pages of the same origin alone.")
_GENERAL = Message("Files, metadata and changes")


def document(access: Access, language: str, most: Most, *, role: str | None = None) -> Schema:
    """Return the document: plain JSON values.

    Args:
        access: whose rights it shows.
        language: of labels and descriptions.
        most: how much the site lets one request ask for.
        role: key of the role that it is made for, when it is not made for who asks.
    """
    shapes = Shapes(access, language, most)
    model = access.model
    known = [each for each in model.entities.values() if each.parent is None]
    known += [each for each in model.entities.values() if each.parent is not None]
    paths: Schema = {}
    tags: list[Schema] = [{"name": "guanxi", "description": shapes.said(_GENERAL)}]
    for entity in known:
        found = dict(Operations(shapes, entity).paths())
        if found:
            paths |= found
            about = entity.help.in_(language) if entity.help else entity.plural.in_(language)
            tags.append({"name": entity.key, "description": about, "x-displayName": entity.plural.in_(language)})
    paths |= general_paths(shapes)
    info: Schema = {
        "title": shapes.said(_TITLE),
        "version": f"1.{model.revision}",
        "description": shapes.said(_ABOUT),
        "x-revision": model.revision,
    }
    if role is not None:
        info["x-role"] = role
    return {
        "openapi": VERSION,
        "info": info,
        "x-revision": model.revision,
        "servers": [{"url": BASE}],
        "security": [{"token": []}, {"session": []}],
        "tags": tags,
        "paths": paths,
        "components": {
            "schemas": {**common.schemas(), **conditions.shared(shapes), **shapes.made},
            "parameters": parts.parameters(shapes.said, most),
            "headers": parts.headers(shapes.said),
            "responses": parts.refusals(shapes.said),
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": shapes.said(_TOKEN, scopes=", ".join(_scopes(access, known))),
                },
                "session": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": "guanxi",
                    "description": shapes.said(_COOKIE),
                },
            },
        },
    }


def _scopes(access: Access, entities: list[Any]) -> Iterator[str]:
    """Yield a few scopes that a token of the caller may have."""
    yield from ("`*`", "`read`")
    first = next((each.key for each in entities if access.may(each.key, "read")), None)
    if first is not None:
        yield f"`{first}:*`"
        yield f"`{first}:update`"
