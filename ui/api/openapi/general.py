"""The operations that are about no entity: files, what a caller may know of the metadata, the document itself."""

from __future__ import annotations

from engine import Message
from ui.api.openapi import parts
from ui.api.openapi.shapes import Schema, Shapes, ref

_TAG = ["guanxi"]
_BINARY: Schema = {"contentMediaType": "application/octet-stream"}

_META = Message("List the objects that you may read")
_ENTITY = Message("Describe one object as you may see it")
_UPLOAD = Message("Send a file")
_DOWNLOAD = Message("Fetch a file that you may read")
_DOCUMENT = Message("This document")
_OBJECTS = Message("Objects, with what you may do to their records.")
_FIELDS = Message("Its fields, each with its JSON Schema.")
_NAMED = Message("Its id, to be named in a field of a record.")
_CONTENT = Message("The content of the file.")
_PART = Message("The range of its bytes that was asked for.")
_FEED = Message("Read what has changed since")
_CHANGES = Message("Changes of records that you may see, the oldest first; `next` is the `after` of the next request.")
_AFTER = Message("The `next` of the last answer; `now` begins with what comes.")
_WAIT = Message("Seconds to wait for a change, at most 30.")
_OF = Message("Changes of these objects alone.")
_OPENAPI = Message("The OpenAPI document, as you may see it.")
_ROLE = Message("Key of a role, whose document to make; takes the permission `developer`.")
_HOOK = Message("Tell the site something, at an address that somebody made for that")
_SENT = Message("What its mapping reads: JSON, or a form; signed as the hook wants it.")
_TAKEN = Message("Done, or done before: `records` says what became of it.")
_IGNORED = Message("It is of a kind that the hook leaves aside.")
_REFUSED = {
    400: Message("The body cannot be read."),
    401: Message("The signature or the secret is wrong."),
    403: Message("The person in whose name it writes may not."),
    404: Message("There is no such address."),
    413: Message("More bytes than the hook takes."),
    422: Message("Values are wrong; `errors` names each with its path."),
    429: Message("Too often; `Retry-After` says when to come again."),
    503: Message("The hook is paused, or the site is busy; `Retry-After` says when to come again."),
}
_SAME = Message("It is still the one that is known.")


def general_paths(shapes: Shapes) -> Schema:
    """Return the paths that are about no entity."""
    say, access = shapes.said, shapes.access
    readable = [key for key in access.model.entities if access.may(key, "read")]
    found: Schema = {
        "/meta": {
            "get": _operation(shapes, "meta", _META, {"200": parts.answered(say(_OBJECTS), ref("guanxi.entities"))})
        },
        "/openapi.json": {"get": _document(shapes)},
    }
    if readable:
        described = parts.answered(say(_FIELDS), ref("guanxi.description"))
        entity = {"name": "entity", "in": "path", "required": True, "schema": {"type": "string", "enum": readable}}
        found["/meta/{entity}"] = {
            "parameters": [entity],
            "get": _operation(shapes, "meta.entity", _ENTITY, {"200": described}, 404),
        }
        found["/changes"] = {"get": _changes(shapes, readable)}
    found["/hooks/{token}"] = _hook(shapes)
    with_files = "file" in access.model.entities
    if with_files and access.may("file", "create"):
        found["/files"] = {"post": _upload(shapes)}
    if with_files and access.may("file", "read"):
        content = {
            "description": say(_CONTENT),
            "headers": parts.header(),
            "content": {"*/*": {}},
        }
        known = {"description": say(_SAME), "headers": parts.header("ETag")}
        answers = {"200": content, "206": {**content, "description": say(_PART)}, "304": known}
        download = _operation(shapes, "files.download", _DOWNLOAD, answers, 404, 416)
        found["/files/{id}"] = {"parameters": [parts.parameter("id")], "get": download}
    return found


def _operation(shapes: Shapes, name: str, summary: Message, responses: Schema, *refusals: int) -> Schema:
    return {
        "operationId": f"guanxi.{name}",
        "tags": _TAG,
        "summary": shapes.said(summary),
        "responses": {**responses, **parts.refused(*refusals)},
    }


def _changes(shapes: Shapes, readable: list[str]) -> Schema:
    say = shapes.said
    made = _operation(shapes, "changes", _FEED, {"200": parts.answered(say(_CHANGES), ref("guanxi.feed"))}, 404)
    number = {"type": "integer", "minimum": 0, "maximum": 2**62}
    known = {"type": "array", "minItems": 1, "items": {"type": "string", "enum": readable}}
    made["parameters"] = [
        {"name": "after", "in": "query", "schema": {"anyOf": [number, {"const": "now"}]}, "description": say(_AFTER)},
        {"name": "entity", "in": "query", "style": "form", "explode": False, "schema": known, "description": say(_OF)},
        {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": 1_000}},
        {
            "name": "wait",
            "in": "query",
            "schema": {"type": "integer", "minimum": 0, "maximum": 1_000_000},
            "description": say(_WAIT),
        },
    ]
    return made


def _hook(shapes: Shapes) -> Schema:
    """Return the address at which other programs tell the site something; it stands outside of the API."""
    say = shapes.said
    answer = parts.answered(say(_TAKEN), ref("guanxi.taken"))
    refused = {
        "content": {parts.JSON: {"schema": ref("guanxi.taken")}, parts.PROBLEM: {"schema": ref("guanxi.problem")}}
    }
    answers = {
        "200": answer,
        "202": {**answer, "description": say(_IGNORED)},
        **{str(status): {"description": say(words), **refused} for status, words in _REFUSED.items()},
    }
    body = {"description": say(_SENT), "content": {"*/*": {}}}
    token = {"name": "token", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
    return {
        "servers": [{"url": "/"}],
        "parameters": [token],
        "post": {
            "operationId": "guanxi.hook",
            "tags": _TAG,
            "summary": say(_HOOK),
            "security": [],
            "requestBody": body,
            "responses": answers,
        },
    }


def _document(shapes: Shapes) -> Schema:
    found = parts.answered(shapes.said(_OPENAPI), {"type": "object"}, "ETag")
    unchanged = {"description": shapes.said(_SAME), "headers": parts.header("ETag")}
    made = _operation(shapes, "openapi", _DOCUMENT, {"200": found, "304": unchanged}, 404)
    if shapes.access.has("developer"):
        roles = {"type": "string", "enum": sorted(shapes.model.roles)}
        made["parameters"] = [{"name": "role", "in": "query", "schema": roles, "description": shapes.said(_ROLE)}]
    return made


def _upload(shapes: Shapes) -> Schema:
    made = _operation(
        shapes,
        "files.upload",
        _UPLOAD,
        {"201": parts.answered(shapes.said(_NAMED), ref("guanxi.file"), "Location")},
        *(404, 413, 415, 422),
    )
    form = {"type": "object", "properties": {"file": _BINARY}, "required": ["file"]}
    made["requestBody"] = {"required": True, "content": {"multipart/form-data": {"schema": form}}}
    return made
