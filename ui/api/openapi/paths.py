"""The operations of one entity: each only when the roles let some row in reach of it."""

from __future__ import annotations

from collections.abc import Iterator

from engine import MOST_MERGED, Field, Message, Transition
from ui.api.openapi import parts
from ui.api.openapi.exports import Exports
from ui.api.openapi.lists import upsert_ways
from ui.api.openapi.shapes import UUID, Schema, ref

_CREATE = Message("Create one: {label}")
_READ = Message("Read one: {label}")
_UPDATE = Message("Change one: {label}")
_DELETE = Message("Move one to the recycle bin: {label}")
_RESTORE = Message("Take one out of the recycle bin: {label}")
_MOVE = Message("Transition {move}: {label}")
_HISTORY = Message("Read what was changed: {label}")
_REVEAL = Message("Reveal {field}: {label}")
_SHARES = Message("Read with whom it is shared: {label}")
_SHARE = Message("Share it: {label}")
_UNSHARE = Message("Take back a share: {label}")
_PRESS = Message("Press the button {button}: {label}")
_NOT_YET = Message("It is described, but not run yet: the answer is 404.")

_RECORD = Message("The record as it stands; id and version alone for who may write it but not read it.")
_UNCHANGED = Message("It is still the version that is known.")
_GONE = Message("Done.")
_WAS = Message("From {sources} to {to}.")
_NEEDS = Message("It needs: {fields}.")
_ENTRIES = Message("Versions, the latest first.")
_ON = Message("Change the record that has the same value here, if there is one: an upsert.")
_CHANGED = Message("The record that was there already, changed.")
_MINIMAL = Message("Done, without a record: `Prefer: return=minimal` asked for that.")
_WHY = Message("Why you may do it or not: {label}")
_LIKE = Message("Read what looks like it: {label}")
_ALIKE = Message("Records that look like it; of those that may not be read only that they are there, and whose.")
_MERGE = Message("Merge others into it: {label}")
_CHOSEN = Message("By field: the id of the record whose value is taken, or `all` for fields of several values.")
_READ_AT = Message("By id: the version that was read; 409 when somebody changed the record since.")
_REASONS = Message("The rules that decide, and whom to ask for more.")
_PLAIN = Message("The plain value; who asked for it is noted.")


class Operations(Exports):
    """The paths of one entity."""

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
            if self._access.may(key, "export"):
                yield from self.exports()

    def _about_one(self, may: set[str]) -> Iterator[tuple[str, Schema]]:
        key, entity = self._entity.key, self._entity
        here = f"/{key}/{{id}}"
        yield f"/{key}/query", {"post": self._query()}
        yield f"{here}/history", self._with_id("get", self._history())
        yield f"/{key}/why", {"get": self._why("why")}
        yield f"{here}/why", self._with_id("get", self._why("why.record"))
        if "delete" in may:
            yield f"{here}/restore", self._with_id("post", self._restore())
        like = self._operation("duplicates", _LIKE, answer=("guanxi.duplicates", _ALIKE), refusals=(404,))
        yield f"{here}/duplicates", self._with_id("get", like)
        if "update" in may and ("delete" in may or self._access.has("merge")) and entity.parent is None:
            yield f"{here}/merge", self._with_id("post", self._merge())
        if "update" in may and entity.states is not None:
            for transition in entity.states.transitions.values():
                if self._access.may_make(transition):
                    yield f"{here}/transition/{transition.key}", self._with_id("post", self._transition(transition))
        yield from self._buttons()
        opens = self._access.revealable(key)
        for field in entity.fields.values():
            if field.key in opens:
                yield f"{here}/reveal/{field.key}", self._with_id("post", self._reveal(field))
        shares = {"get": self._operation("shares", _SHARES, answer=("guanxi.shares", _GONE), refusals=(404,))}
        if "update" in may:
            shares["post"] = self._share()
        yield f"{here}/shares", {"parameters": [parts.parameter("id")], **shares}
        if "update" in may:
            whom = {"name": "whom", "in": "path", "required": True, "schema": UUID}
            taken = self._operation("unshare", _UNSHARE, refusals=(404, 422))
            taken["responses"]["204"] = {"description": self._say(_GONE), "headers": parts.header()}
            yield f"{here}/shares/{{whom}}", {"parameters": [parts.parameter("id"), whom], "delete": taken}

    def _buttons(self) -> Iterator[tuple[str, Schema]]:
        """Yield the buttons of workflows that stand on a record."""
        for name, document in self._shapes.model.documents.items():
            kind, _, workflow = name.partition("/")
            button = (document.get("on") or {}).get("button") if kind == "workflow" else None
            if button is not None and button.get("entity") in {None, self._entity.key}:
                pressed = self._operation(f"action.{workflow}", _PRESS, refusals=(404,), button=workflow)
                pressed["description"] = self._say(_NOT_YET)
                yield f"/{self._entity.key}/{{id}}/action/{workflow}", self._with_id("post", pressed)

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
        made["parameters"] = [*self._on(), *map(parts.parameter, ("force", "Idempotency-Key", "Prefer"))]
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
        made = self._operation("read", _READ, refusals=(404, 410))
        made["parameters"] = [self._columns(), *map(parts.parameter, ("titles", "If-None-Match"))]
        made["responses"]["200"] = parts.answered(self._say(_RECORD), self._shapes.record(self._entity), "ETag")
        made["responses"]["304"] = {"description": self._say(_UNCHANGED), "headers": parts.header("ETag")}
        return made

    def _update(self) -> Schema:
        made = self._operation("update", _UPDATE, refusals=(404, 409, 412, 413, 415, 422))
        made["requestBody"] = parts.body(self._shapes.update(self._entity))
        made = self._written(made)
        made["parameters"].append(parts.parameter("force"))
        return made

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

    def _merge(self) -> Schema:
        made = self._operation("merge", _MERGE, answer=("guanxi.merged", _GONE), refusals=(404, 409, 413, 415, 422))
        chosen = {"type": "object", "additionalProperties": {"type": "string"}, "description": self._say(_CHOSEN)}
        versions = {"type": "object", "additionalProperties": {"type": "integer"}, "description": self._say(_READ_AT)}
        made["requestBody"] = parts.body(
            {
                "type": "object",
                "properties": {
                    "records": {"type": "array", "items": UUID, "minItems": 1, "maxItems": MOST_MERGED - 1},
                    "values": chosen,
                    "versions": versions,
                },
                "required": ["records"],
                "additionalProperties": False,
            }
        )
        return made

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
        made["description"] = " ".join([*about, *filter(None, (made.get("description"),))])
        made["requestBody"] = parts.body(self._shapes.values(self._entity), required=False)
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
            "properties": {"id": UUID, "field": {"const": field.key}, "value": {"anyOf": [value, {"type": "null"}]}},
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
