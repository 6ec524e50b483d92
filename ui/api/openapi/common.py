"""Shapes that are no records: what refuses, what has changed, who shares, what was written, what there is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ui.api.openapi.shapes import Schema, ref

_TEXT: Schema = {"type": "string"}
_OR_NULL: Schema = {"type": ["string", "null"]}
_TEXTS: Schema = {"type": "array", "items": _TEXT}
_UUID: Schema = {"type": "string", "format": "uuid"}
_UUID_OR_NULL: Schema = {"type": ["string", "null"], "format": "uuid"}
_MOMENT: Schema = {"type": "string", "format": "date-time"}
_MOMENT_OR_NULL: Schema = {"type": ["string", "null"], "format": "date-time"}
_WHOLE: Schema = {"type": "integer", "minimum": 0}
_WHOLE_OR_NULL: Schema = {"type": ["integer", "null"]}
_TRUTH: Schema = {"type": "boolean"}
_ADDRESS: Schema = {"type": "string", "format": "uri-reference"}


def schemas() -> dict[str, Schema]:
    """Return them by name."""
    return {**_refusals(), **_changes(), **_shares(), **_twins(), **_files(), **_writes(), **_metadata()}


def _object(properties: Mapping[str, Schema], required: tuple[str, ...] | None = None, **more: Any) -> Schema:
    """Return an object with all of its properties required, unless some are named."""
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties if required is None else required),
        "additionalProperties": False,
        **more,
    }


def _list(name: str) -> Schema:
    return {"type": "array", "items": ref(name)}


def _refusals() -> dict[str, Schema]:
    problem = {
        "type": _ADDRESS, "title": _TEXT, "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": _TEXT, "instance": _ADDRESS, "errors": _list("guanxi.error"), "version": _WHOLE,
        "duplicates": _list("guanxi.duplicate"), "blocked": _TRUTH, "merged_into": _UUID, "why": _ADDRESS,
    }  # fmt: skip
    person = _object({"id": _UUID, "name": _TEXT, "by": _TEXT})
    why = {
        "action": _TEXT, "granted": _TRUTH, "answer": _TEXT, "reasons": _TEXTS, "roles": _TEXTS, "whom_to_ask": _TEXTS,
        "people": {"type": "array", "items": person},
    }  # fmt: skip
    return {
        "guanxi.error": _object(
            {"path": _TEXT, "code": _TEXT, "message": _TEXT, "theirs": {}, "mine": {}}, ("path", "code", "message")
        ),
        "guanxi.problem": _object(problem, ("type", "title", "status"), additionalProperties=True),
        "guanxi.why": _object(why),
    }


def _changes() -> dict[str, Schema]:
    actor = {"anyOf": [_object({"id": _UUID, "name": _OR_NULL}), {"type": "null"}]}
    both = {"type": "object", "additionalProperties": {"type": "array", "items": {}, "minItems": 2, "maxItems": 2}}
    change = {
        "seq": _WHOLE, "entity": _TEXT, "id": _UUID, "version": _WHOLE, "action": _TEXT, "at": _MOMENT,
        "actor": actor, "via": _OR_NULL, "change_set": _OR_NULL, "changes": both,
    }  # fmt: skip
    return {
        "guanxi.change": _object({**change, "changed": _TEXTS}, tuple(change)),
        "guanxi.history": _object({"data": _list("guanxi.change"), "next": _OR_NULL}),
        "guanxi.feed": _object({"data": _list("guanxi.change"), "next": _WHOLE, "more": _TRUTH}),
    }


def _shares() -> dict[str, Schema]:
    given = {
        "kind": {"type": "string", "enum": ["user", "team", "department"]},
        "principal": _UUID,
        "level": {"type": "string", "enum": ["read", "edit"]},
        "until": _MOMENT_OR_NULL,
        "cascade": _TRUTH,
    }
    known = {**given, "cause": _TEXT, "made_by": _UUID_OR_NULL, "made_at": _MOMENT_OR_NULL}
    return {
        "guanxi.share": _object(known, additionalProperties=True),
        "guanxi.share.create": _object(given, ("kind", "principal")),
        "guanxi.shares": _object({"data": _list("guanxi.share")}),
    }


def _twins() -> dict[str, Schema]:
    duplicate = {
        "entity": _TEXT, "id": _UUID_OR_NULL, "title": _TEXT,
        "score": {"type": "integer", "minimum": 0, "maximum": 100}, "reasons": _TEXTS, "owner": _OR_NULL,
        "updated_at": _MOMENT_OR_NULL,
    }  # fmt: skip
    merged = {
        "id": _UUID, "version": _WHOLE, "merged": {"type": "array", "items": _UUID},
        "moved": {"type": "object", "additionalProperties": _WHOLE}, "change_set": _UUID,
    }  # fmt: skip
    return {
        "guanxi.duplicate": _object(duplicate, ("entity", "id", "owner")),
        "guanxi.duplicates": _object({"data": _list("guanxi.duplicate")}),
        "guanxi.merged": _object(merged),
    }


def _files() -> dict[str, Schema]:
    always = {
        "id": _UUID, "state": _TEXT, "file": _TEXT, "records": _WHOLE_OR_NULL, "bytes": _WHOLE_OR_NULL,
        "expires_at": _MOMENT,
    }  # fmt: skip
    export = {**always, "href": _ADDRESS, "done": _WHOLE_OR_NULL, "total": _WHOLE_OR_NULL, "error": _TEXT}
    return {"guanxi.file": _object({"id": _UUID}), "guanxi.export": _object(export, tuple(always))}


def _writes() -> dict[str, Schema]:
    made = {"status": {"type": "integer", "enum": [200, 201]}, "id": _UUID, "version": _WHOLE, "action": _TEXT}
    many = {"status": {"type": "integer", "enum": [200]}, "count": _WHOLE}
    outcomes = ["done", "ignored", "repeated", "invalid", "refused", "failed"]
    taken = {
        "outcome": {"type": "string", "enum": outcomes},
        "message": _TEXT,
        "records": {"type": "array", "items": {}},
        "errors": {"type": "array", "items": _object({"path": _TEXT, "message": _TEXT})},
    }
    return {
        "guanxi.written": _object({"id": _UUID, "version": _WHOLE}),
        "guanxi.result": {"anyOf": [_object(made), _object(many), ref("guanxi.problem")]},
        "guanxi.results": _object({"data": _list("guanxi.result")}),
        "guanxi.taken": _object(taken, ("outcome",)),
    }


def _metadata() -> dict[str, Schema]:
    """Return what stands in answers besides records: titles, groups, and what there is."""
    entity = {"entity": _TEXT, "label": _TEXT, "plural": _TEXT, "parent": _OR_NULL, "actions": _TEXTS}
    field = {
        "key": _TEXT, "type": _TEXT, "label": _TEXT, "required": _TRUTH, "access": _TEXT, "schema": {"type": "object"},
    }  # fmt: skip
    described = {"title": _TEXT, "fields": _list("guanxi.field")}
    rows = {"type": "array", "items": {"type": "object"}}
    titles = {"type": "object", "additionalProperties": {"type": "object", "additionalProperties": _TEXT}}
    return {
        "guanxi.titles": titles,
        "guanxi.groups": _object({"data": rows, "next": _OR_NULL}, additionalProperties=True),
        "guanxi.entity": _open(entity),
        "guanxi.entities": _open({"revision": _WHOLE, "data": _list("guanxi.entity")}),
        "guanxi.field": _open(field),
        "guanxi.description": {"allOf": [ref("guanxi.entity")], "properties": described, "required": list(described)},
    }


def _open(properties: Mapping[str, Schema]) -> Schema:
    """Return an object with these properties at least."""
    return {"type": "object", "properties": dict(properties), "required": list(properties)}
