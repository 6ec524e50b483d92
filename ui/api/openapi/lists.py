"""The operations that are about many records of an entity: lists, queries, writes of many at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from engine import Entity, Message
from ui.api.openapi import parts
from ui.api.openapi.conditions import conditions
from ui.api.openapi.samples import Samples
from ui.api.openapi.shapes import TITLES, UUID, Schema, Shapes, ref

_SORT = r"^-?[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*$"
_COLUMN_PATH = r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$"
_AGGREGATE = r"^(count|(count|sum|avg|min|max|count_distinct)\([a-z0-9_.]*\))$"
_GROUP = r"^([a-z][a-z0-9_.]*|(year|quarter|month|week|day)\([a-z][a-z0-9_.]*\))$"
_MOST_IDS = 1_000
_TAKEN = frozenset({"filter", "q", "fields", "order", "limit", "cursor", "count", "trashed", "ids", "titles"})
"""Parameters of a list that are no fields."""
_LIST = Message("List {plural}")
_BULK = Message("Write many at once: {plural}")
_QUERY = Message("Ask for records or numbers: {plural}")
_FIELDS = Message("Fields to answer, also along links (`{path}`); every field unless given.")
_ORDER = Message("Fields to sort by, each with `-` before it for the greatest first.")
_PAGE = Message("One page; `next` leads to the one after it, null on the last.")
_NUMBERS = Message("Records, or a row for each group where numbers were asked for.")
_RESULTS = Message("A result for each operation, in its place.")
_PARTLY = Message("The same, where some operations were refused.")
_ATOMIC = Message("All or nothing: one refusal undoes the whole call.")


class Lists:
    """The operations of one entity that are about many of its records."""

    def __init__(self, shapes: Shapes, entity: Entity) -> None:
        self._shapes = shapes
        self._entity = entity
        self._access = shapes.access
        self._samples = Samples(shapes, entity)
        self._label = entity.label.in_(shapes.language)
        self._plural = entity.plural.in_(shapes.language)

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
        gone = self._entity.deprecated
        return {
            "operationId": f"{self._entity.key}.{name}",
            "tags": [self._entity.key],
            "summary": self._say(summary, label=self._label, plural=self._plural, **values),
            **({} if gone is None else {"deprecated": True, "description": self._shapes.fading(gone)}),
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
                "minItems": 1,
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
                "items": {"type": "string", "pattern": _SORT},
                "minItems": 1,
                "maxItems": 10,
            },
        }
        if row:
            made["parameters"] = [
                filtered,
                parts.parameter("q"),
                self._columns(),
                order,
                *(parts.parameter(name) for name in ("limit", "cursor", "count", "trashed", "ids", "titles")),
                *conditions(self._shapes, self._entity, _TAKEN),
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
                "ids": {"type": ["array", "null"], "items": UUID, "maxItems": _MOST_IDS},
            },
            "additionalProperties": False,
            "examples": [self._samples.query()],
        }
        made["requestBody"] = parts.body(wanted)
        either = {"anyOf": [ref(f"{self._entity.key}.page"), ref("guanxi.groups")]}
        made["responses"]["200"] = parts.answered(self._say(_NUMBERS), either)
        return made

    # --- many at once ---------------------------------------------------------------------------------------------

    def _bulk(self, may: set[str]) -> Schema:
        made = self._operation("bulk", _BULK, answer=("guanxi.results", _RESULTS), refusals=(404, 409, 413, 415, 422))
        made["parameters"] = [parts.parameter("force"), parts.parameter("Idempotency-Key")]
        made["responses"]["207"] = parts.answered(self._say(_PARTLY), ref("guanxi.results"))
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
        one = _only({"id": UUID})
        many = _only({"ids": {"type": "array", "items": UUID, "maxItems": self._shapes.most.write}})
        if "create" in may:
            yield _only({"create": self._shapes.create(entity)})
        if "update" in may:
            values, seen = self._shapes.values(entity), self._shapes.seen(entity)
            change = _only({"id": UUID, "values": values, **seen}, "id", "values")
            yield _only({"update": change})
            yield _only({"update": _only({**many["properties"], "values": values})})
            if entity.states is not None:
                names = [each.key for each in entity.states.transitions.values() if self._access.may_make(each)]
                if names:
                    moved = {"id": UUID, "name": {"type": "string", "enum": names}, "values": values, **seen}
                    yield _only({"transition": _only(moved, "id", "name")})
        if {"create", "update"} <= may:
            ways = {"type": "string", "enum": list(upsert_ways(entity))}
            yield _only({"upsert": _only({"on": ways, "values": self._shapes.create(entity)}, "values")})
        if "delete" in may:
            for verb in ("delete", "restore"):
                yield _only({verb: {"anyOf": [UUID, one, many]}})


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
