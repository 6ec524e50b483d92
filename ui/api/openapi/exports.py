"""The operations by which the records of an entity are exported: asked for, looked after, fetched, thrown away."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args, get_type_hints

from engine import EXPORT_TYPES, LANGUAGES, ExportOptions, Message
from ui.api.openapi import parts
from ui.api.openapi.lists import Lists
from ui.api.openapi.shapes import UUID, Schema, or_null, ref

_ASK = Message("Have records exported: {plural}")
_STATE = Message("Say how far an export is: {plural}")
_THROW = Message("Throw an export away: {plural}")
_FETCH = Message("Fetch an exported file: {plural}")
_ASKED = Message("A job makes the file; `Location` says how far it is.")
_HOW_FAR = Message("How far it is; `href` is there once the file is.")
_THROWN = Message("Done.")
_FILE = Message("The file.")
_BYTES: Schema = {"contentMediaType": "application/octet-stream"}
_MOST = 10_000
"""Records that may be named one by one."""
_MOST_FIELDS = 1_000
_MOST_WORDS = 500
_ID = "export_id"


class Exports(Lists):
    """The operations of one entity that make files of its records."""

    def exports(self) -> Iterator[tuple[str, Schema]]:
        """Yield (path, what stands there)."""
        here = f"/{self._entity.key}/export"
        one = {"name": _ID, "in": "path", "required": True, "schema": UUID}
        ask = self._operation("export", _ASK, refusals=(404, 413, 415, 422))
        ask["requestBody"] = parts.body(self._wanted(), required=False)
        ask["responses"]["202"] = parts.answered(self._say(_ASKED), ref("guanxi.export"), "Location")
        yield here, {"post": ask}
        state = self._operation("export.state", _STATE, answer=("guanxi.export", _HOW_FAR), refusals=(404,))
        throw = self._operation("export.delete", _THROW, refusals=(404,))
        throw["responses"]["204"] = {"description": self._say(_THROWN), "headers": parts.header()}
        yield f"{here}/{{{_ID}}}", {"parameters": [one], "get": state, "delete": throw}
        fetch = self._operation("export.file", _FETCH, refusals=(404,))
        fetch["responses"]["200"] = {
            "description": self._say(_FILE),
            "headers": parts.header("Content-Disposition"),
            "content": {each: {"schema": _BYTES} for each in EXPORT_TYPES.values()},
        }
        yield f"{here}/{{{_ID}}}/file", {"parameters": [one], "get": fetch}

    def _wanted(self) -> Schema:
        """Return what may be said of an export, all of it or none."""
        hints = get_type_hints(ExportOptions)

        def named(name: str) -> Schema:
            return or_null({"type": "string", "enum": [each for each in get_args(hints[name]) if each is not None]})

        def several(items: Schema, most: int) -> Schema:
            return {"anyOf": [{"type": "array", "items": items, "maxItems": most}, {"type": ["string", "null"]}]}

        text: Schema = {"type": ["string", "null"]}
        links = [one for each in get_args(hints["links"]) for one in get_args(each)]
        properties: dict[str, Any] = {
            "format": named("kind"),
            "filter": text,
            "q": text,
            "ids": several(UUID, _MOST),
            "order": several({"type": "string"}, 10),
            "fields": several({"type": "string"}, _MOST_FIELDS),
            "headers": named("headers"),
            "links": or_null({"type": "string", "enum": links}),
            "values": named("values"),
            "language": or_null({"type": "string", "enum": list(LANGUAGES)}),
            "timezone": text,
            "encoding": named("encoding"),
            "delimiter": named("delimiter"),
            "children": {"type": ["boolean", "null"]},
            "about": {"type": ["boolean", "null"]},
            "files": {"type": ["boolean", "null"]},
            "reason": {"type": ["string", "null"], "maxLength": _MOST_WORDS},
        }
        return {"type": "object", "properties": properties, "additionalProperties": False,
                "examples": [{"format": "csv"}]}  # fmt: skip
