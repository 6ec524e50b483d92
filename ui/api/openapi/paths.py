"""The operations of one entity: each only when the roles let some row in reach of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from engine import Entity, Field, Message, Transition
from ui.api.openapi import parts
from ui.api.openapi.samples import Samples
from ui.api.openapi.shapes import TITLES, Schema, Shapes, ref

_UUID: Schema = {"type": "string", "format": "uuid"}
_COLUMN_PATH = r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$"
_AGGREGATE = r"^(count|(count|sum|avg|min|max|count_distinct)\([a-z0-9_.]*\))$"
_GROUP = r"^([a-z][a-z0-9_.]*|(year|quarter|month|week|day)\([a-z][a-z0-9_.]*\))$"

_LIST = Message("List {plural}")
_CREATE = Message("Create one: {label}")
_READ = Message("Read one: {label}")
_UPDATE = Message("Change one: {label}")
_DELETE = Message("Move one to the recycle bin: {label}")
_RESTORE = Message("Take one out of the recycle bin: {label}")
_MOVE = Message("Transition {move}: {label}")
_BULK = Message("Write many at once: {plural}")
_QUERY = Message("Ask for records or numbers: {plural}")
_HISTORY = Message("Read what was changed: {label}")
_REVEAL = Message("Reveal {field}: {label}")
_SHARES = Message("Read with whom it is shared: {label}")
_SHARE = Message("Share it: {label}")
_UNSHARE = Message("Take back a share: {label}")

_FIELDS = Message("Fields to answer, also along links (`{path}`); every field unless given.")
_ORDER = Message("Fields to sort by, each with `-` before it for the greatest first.")
_PAGE = Message("One page; `next` leads to the one after it, null on the last.")
_RECORD = Message("The record as it stands; id and version alone for who may write it but not read it.")
_UNCHANGED = Message("It is still the version that is known.")
_GONE = Message("Done.")
_NUMBERS = Message("Records, or a row for each group where numbers were asked for.")
_RESULTS = Message("A result for each operation, in its place.")
_WAS = Message("From {sources} to {to}.")
_NEEDS = Message("It needs: {fields}.")
_ENTRIES = Message("Versions, the latest first.")
_ON = Message("Change the record that has the same value here, if there is one: an upsert.")
_CHANGED = Message("The record that was there already, changed.")
_MINIMAL = Message("Done, without a record: `Prefer: return=minimal` asked for that.")
_WHY = Message("Why you may do it or not: {label}")
_REASONS = Message("The rules that decide, and whom to ask for more.")
_PLAIN = Message("The plain value; who asked for it is noted.")
_ATOMIC = Message("All or nothing: one refusal undoes the whole call.")


class Operations:
    """The paths of one entity."""

    def __init__(self, shapes: Shapes, entity: Entity) -> None:
        self._shapes = shapes
        self._entity = entity
        self._access = shapes.access
        self._samples = Samples(shapes, entity)
        self._label = entity.label.in_(shapes.language)
        self._plural = entity.plural.in_(shapes.language)

    def paths(self) -> Iterator[tuple[str, Schema]]:
        """Yield (path, what stands there), for what is allowed at all."""
        key = self._entity.key
        may = {action for action in ("read", "create", "update", "delete") if self._access.may(key, action)}
        many = {
            **({"get": self._list()} if "read" in may else {}),
            **({"post": self._create()} if "create" in may else {}),
        }
        if many:
            yield f"/{key}", many
        one: Schema = {}
        if "read" in may:
            one["get"] = self._read()
            if "update" in may:
                one["patch"] = self._update()
            if "delete" in may:
                one["delete"] = self._delete()
        if one:
            yield f"/{key}/{{id}}", {"parameters": [parts.parameter("id")], **one}
        if may & {"create", "update", "delete"}:
            yield f"/{key}/bulk", {"post": self._bulk(may)}
        if "read" in may:
            yield from self._about_one(may)

    def _about_one(self, may: set[str]) -> Iterator[tuple[str, Schema]]:
        key, entity = self._entity.key, self._entity
        here = f"/{key}/{{id}}"
        yield f"/{key}/query", {"post": self._query()}
        yield f"{here}/history", self._with_id("get", self._history())
        yield f"/{key}/why", {"get": self._why("why")}
        yield f"{here}/why", self._with_id("get", self._why("why.record"))
        if "delete" in may:
            yield f"{here}/restore", self._with_id("post", self._restore())
        if "update" in may and entity.states is not None:
            for transition in entity.states.transitions.values():
                if self._access.may_make(transition):
                    yield f"{here}/transition/{transition.key}", self._with_id("post", self._transition(transition))
        opens = self._access.revealable(key)
        for field in entity.fields.values():
            if field.key in opens:
                yield f"{here}/reveal/{field.key}", self._with_id("post", self._reveal(field))
        shares = {"get": self._operation("shares", _SHARES, answer=("guanxi.shares", _GONE), refusals=(404,))}
        if "update" in may:
            shares["post"] = self._share()
        yield f"{here}/shares", {"parameters": [parts.parameter("id")], **shares}
        if "update" in may:
            whom = {"name": "whom", "in": "path", "required": True, "schema": _UUID}
            taken = self._operation("unshare", _UNSHARE, refusals=(404, 422))
            taken["responses"]["204"] = {"description": self._say(_GONE), "headers": parts.header()}
            yield f"{here}/shares/{{whom}}", {"parameters": [parts.parameter("id"), whom], "delete": taken}

    @staticmethod
    def _with_id(method: str, operation: Schema) -> Schema:
        return {"parameters": [parts.parameter("id")], method: operation}

    def _say(self, words: Message, **values: Any) -> str:
        return self._shapes.said(words, **values)

    def _operation(
        self,
        name: str,
        summary: Message,
        *,
        answer: tuple[str, Message] | None = None,
        refusals: tuple[int, ...] = (),
        **values: Any,
    ) -> Schema:
        """Return an operation; `answer` is the name of the schema of its 200, and what it means."""
        responses: Schema = {}
        if answer is not None:
            responses["200"] = parts.answered(self._say(answer[1]), ref(answer[0]))
        return {
            "operationId": f"{self._entity.key}.{name}",
            "tags": [self._entity.key],
            "summary": self._say(summary, label=self._label, plural=self._plural, **values),
            "responses": {**responses, **parts.refused(*refusals)},
        }

    def _columns(self) -> Schema:
        row = self._shapes.made[self._entity.key]
        path = next((key for key in row["properties"] if "x-entity" in row["properties"][key]), None)
        target = self._entity.fields[path].target if path else None
        example = f"{path}.{self._shapes.model.entity(target).title}" if path and target else "owner.name"
        return {
            "name": "fields",
            "in": "query",
            "style": "form",
            "explode": False,
            "description": self._say(_FIELDS, path=example),
            "schema": {
                "type": "array",
                "items": {
                    "anyOf": [
                        {"enum": [key for key in row["properties"] if key != TITLES]},
                        {"type": "string", "pattern": _COLUMN_PATH},
                    ]
                },
            },
        }

    # --- lists ----------------------------------------------------------------------------------------------------

    def _page(self) -> Schema:
        name = f"{self._entity.key}.page"
        self._shapes.made[name] = {
            "type": "object",
            "properties": {
                "data": {"type": "array", "items": self._shapes.record(self._entity)},
                "next": {"type": ["string", "null"]},
                "count": {"type": "string", "pattern": r"^[0-9]+\+?$"},
                "titles": ref("guanxi.titles"),
            },
            "required": ["data", "next"],
            "additionalProperties": False,
        }
        return ref(name)

    def _list(self) -> Schema:
        row = self._shapes.record(self._entity)
        made = self._operation("list", _LIST, answer=(f"{self._entity.key}.page", _PAGE))
        self._page()
        words = parts.filter_words(self._say, self._plural, self._samples.condition())
        filtered = {"name": "filter", "in": "query", "schema": {"type": "string"}, "description": words}
        order = {
            "name": "order",
            "in": "query",
            "style": "form",
            "explode": False,
            "description": self._say(_ORDER),
            "schema": {
                "type": "array",
                "items": {"type": "string", "pattern": r"^-?[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*$"},
            },
        }
        if row:
            made["parameters"] = [
                filtered,
                parts.parameter("q"),
                self._columns(),
                order,
                *(parts.parameter(name) for name in ("limit", "cursor", "count", "trashed", "ids", "titles")),
            ]
        return made

    def _query(self) -> Schema:
        made = self._operation("query", _QUERY, refusals=(404, 413, 415))
        texts = {"type": ["array", "null"], "items": {"type": "string"}}
        aggregate = {"type": "string", "pattern": _AGGREGATE}
        wanted: Schema = {
            "type": "object",
            "properties": {
                "select": texts,
                "where": {"type": ["string", "object", "null"]},
                "search": {"type": ["string", "null"]},
                "group_by": {"type": ["array", "null"], "items": {"type": "string", "pattern": _GROUP}},
                "aggregates": {
                    "anyOf": [
                        {"type": "array", "items": aggregate},
                        {"type": "object", "additionalProperties": aggregate},
                        {"type": "null"},
                    ]
                },
                "having": {"type": ["string", "object", "null"]},
                "order_by": texts,
                "limit": {"type": ["integer", "null"], "minimum": 1, "maximum": self._shapes.most.page},
                "cursor": {"type": ["string", "null"]},
                "trashed": {"type": ["boolean", "null"]},
                "count": {"enum": ["capped", None]},
                "titles": {"type": "boolean"},
                "ids": {"type": ["array", "null"], "items": _UUID, "maxItems": 200},
            },
            "additionalProperties": False,
            "examples": [self._samples.query()],
        }
        made["requestBody"] = parts.body(wanted)
        either = {"anyOf": [ref(f"{self._entity.key}.page"), ref("guanxi.groups")]}
        made["responses"]["200"] = parts.answered(self._say(_NUMBERS), either)
        return made

    # --- one record -----------------------------------------------------------------------------------------------

    def _whole(self) -> Schema:
        """Return what is answered after a write."""
        if not self._access.may(self._entity.key, "read"):
            return ref("guanxi.written")
        return self._shapes.record(self._entity)

    def _create(self) -> Schema:
        made = self._operation("create", _CREATE, refusals=(404, 409, 413, 415, 422))
        schema = self._shapes.create(self._entity)
        known = self._shapes.made[f"{self._entity.key}.create"]
        known.setdefault("examples", [self._samples.record()])
        made["parameters"] = [*self._on(), *map(parts.parameter, ("Idempotency-Key", "Prefer"))]
        made["requestBody"] = parts.body(schema)
        made["responses"]["200"] = parts.answered(self._say(_CHANGED), self._whole(), "ETag", "Location")
        made["responses"]["201"] = parts.answered(self._say(_RECORD), self._whole(), "ETag", "Location")
        made["responses"]["204"] = self._nothing()
        made["responses"]["201"]["links"] = (
            {"read": {"operationId": f"{self._entity.key}.read", "parameters": {"id": "$response.body#/id"}}}
            if self._access.may(self._entity.key, "read")
            else {}
        )
        return made

    def _on(self) -> Iterator[Schema]:
        """Yield the parameter that turns a create into an upsert, for who may do both."""
        if self._access.may(self._entity.key, "update"):
            ways = {"type": "string", "enum": list(upsert_ways(self._entity))}
            yield {"name": "on", "in": "query", "schema": ways, "description": self._say(_ON)}

    def _read(self) -> Schema:
        self._shapes.record(self._entity)
        made = self._operation("read", _READ, refusals=(404,))
        made["parameters"] = [self._columns(), *map(parts.parameter, ("titles", "If-None-Match"))]
        made["responses"]["200"] = parts.answered(self._say(_RECORD), self._shapes.record(self._entity), "ETag")
        made["responses"]["304"] = {"description": self._say(_UNCHANGED), "headers": parts.header("ETag")}
        return made

    def _update(self) -> Schema:
        made = self._operation("update", _UPDATE, refusals=(404, 409, 412, 413, 415, 422))
        made["requestBody"] = parts.body(self._shapes.update(self._entity))
        return self._written(made)

    def _written(self, made: Schema) -> Schema:
        """Return an operation that writes one record, with what all of them take and answer."""
        made["parameters"] = [parts.parameter(name) for name in ("If-Match", "Idempotency-Key", "Prefer")]
        made["responses"]["200"] = parts.answered(self._say(_RECORD), self._whole(), "ETag")
        made["responses"]["204"] = self._nothing()
        return made

    def _nothing(self) -> Schema:
        return {"description": self._say(_MINIMAL), "headers": parts.header("ETag", "Preference-Applied")}

    def _delete(self) -> Schema:
        made = self._operation("delete", _DELETE, refusals=(404, 409, 412, 422))
        made["parameters"] = [parts.parameter(name) for name in ("If-Match", "Idempotency-Key")]
        made["responses"]["204"] = {"description": self._say(_GONE), "headers": parts.header()}
        return made

    def _restore(self) -> Schema:
        return self._written(self._operation("restore", _RESTORE, refusals=(404, 409, 412, 422)))

    def _transition(self, transition: Transition) -> Schema:
        name = transition.label.in_(self._shapes.language)
        made = self._operation(
            f"transition.{transition.key}", _MOVE, refusals=(404, 409, 412, 413, 415, 422), move=name
        )
        states = self._entity.states
        choices = self._entity.fields[states.field].choices if states is not None else {}
        labels = [choices[key].label.in_(self._shapes.language) for key in transition.sources if key in choices]
        to = choices[transition.to].label.in_(self._shapes.language) if transition.to in choices else transition.to
        about = [self._say(_WAS, sources=", ".join(labels) or "*", to=to)]
        if transition.requires:
            about.append(self._say(_NEEDS, fields=", ".join(transition.requires)))
        made["description"] = " ".join(about)
        made["requestBody"] = parts.body(self._shapes.values(self._entity, transition.requires), required=False)
        return self._written(made)

    def _reveal(self, field: Field) -> Schema:
        made = self._operation(
            f"reveal.{field.key}", _REVEAL, refusals=(404, 413, 415, 422), field=field.label.in_(self._shapes.language)
        )
        reason = {"type": "object", "properties": {"reason": {"type": "string"}}}
        made["requestBody"] = parts.body(reason, required=False)
        value = dict(field.type.json_schema(field.options))
        shown = {
            "type": "object",
            "properties": {"id": _UUID, "field": {"const": field.key}, "value": {"anyOf": [value, {"type": "null"}]}},
            "required": ["id", "field", "value"],
        }
        made["responses"]["200"] = parts.answered(self._say(_PLAIN), shown)
        return made

    def _history(self) -> Schema:
        made = self._operation("history", _HISTORY, answer=("guanxi.history", _ENTRIES), refusals=(404,))
        limit = {"type": "integer", "minimum": 1, "maximum": 200, "default": 50}
        made["parameters"] = [parts.parameter("cursor"), {"name": "limit", "in": "query", "schema": limit}]
        return made

    def _why(self, name: str) -> Schema:
        """Return the question which rule decides."""
        made = self._operation(name, _WHY, answer=("guanxi.why", _REASONS), refusals=(404,))
        may = ["read", "create", "update", "delete", "export", "transfer", "import"]
        states = self._entity.states
        moves = [f"transition:{key}" for key in states.transitions] if states is not None else []
        action = {"type": "string", "enum": [*may, *moves], "default": "read"}
        asked = {"action": action, "field": {"type": "string"}, "person": {"type": "string"}}
        made["parameters"] = [{"name": key, "in": "query", "schema": schema} for key, schema in asked.items()]
        return made

    def _share(self) -> Schema:
        made = self._operation("share", _SHARE, refusals=(404, 413, 415, 422))
        made["requestBody"] = parts.body(ref("guanxi.share.create"))
        made["responses"]["201"] = parts.answered(self._say(_GONE), ref("guanxi.share"))
        return made

    # --- many at once ---------------------------------------------------------------------------------------------

    def _bulk(self, may: set[str]) -> Schema:
        made = self._operation("bulk", _BULK, answer=("guanxi.results", _RESULTS), refusals=(404, 409, 413, 415, 422))
        made["parameters"] = [parts.parameter("Idempotency-Key")]
        operations = {"type": "array", "items": {"anyOf": list(self._each(may))}, "maxItems": self._shapes.most.write}
        made["requestBody"] = parts.body(
            {
                "type": "object",
                "properties": {
                    "atomic": {"type": "boolean", "default": False, "description": self._say(_ATOMIC)},
                    "operations": operations,
                },
                "required": ["operations"],
                "additionalProperties": False,
            }
        )
        return made

    def _each(self, may: set[str]) -> Iterator[Schema]:
        """Yield the operations that a bulk call may hold."""
        entity = self._entity
        one = _only({"id": _UUID})
        many = _only({"ids": {"type": "array", "items": _UUID, "maxItems": self._shapes.most.write}})
        if "create" in may:
            yield _only({"create": self._shapes.create(entity)})
        if "update" in may:
            self._shapes.update(entity)
            values = self._shapes.values(entity, ())
            version = self._shapes.made[f"{entity.key}.update"]["properties"]["version"]
            change = _only({"id": _UUID, "values": values, "version": version}, "id", "values")
            yield _only({"update": change})
            yield _only({"update": _only({**many["properties"], "values": values})})
            if entity.states is not None:
                names = [each.key for each in entity.states.transitions.values() if self._access.may_make(each)]
                if names:
                    moved = {
                        "id": _UUID,
                        "name": {"type": "string", "enum": names},
                        "values": values,
                        "version": version,
                    }
                    yield _only({"transition": _only(moved, "id", "name")})
        if {"create", "update"} <= may:
            ways = {"type": "string", "enum": list(upsert_ways(entity))}
            yield _only({"upsert": _only({"on": ways, "values": self._shapes.create(entity)}, "values")})
        if "delete" in may:
            for verb in ("delete", "restore"):
                yield _only({verb: {"anyOf": [_UUID, one, many]}})


def upsert_ways(entity: Entity) -> Iterator[str]:
    """Yield what an upsert may tell records apart by."""
    yield "external_id"
    yield "id"
    yield from (field.key for field in entity.fields.values() if field.unique and field.key != "external_id")
    yield from entity.unique


def _only(properties: Schema, *required: str) -> Schema:
    """Return an object with these properties and no others; all are required unless some are named."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(required or properties),
        "additionalProperties": False,
    }
