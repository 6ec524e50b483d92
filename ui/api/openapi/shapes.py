"""The schemas of an entity, as one set of roles sees it: what is read of it, and what may be sent.

Every schema is what the field's type says, read and write apart, with what the metadata adds: labels, help, options,
what is required, what is empty. An entity has a few of them, all under names that begin with its key: `lead` is a
record as it is read, `lead.create` and `lead.update` are what is sent; `item.child` is a row of a child entity as its
parent shows it, `item.nested` and `item.nested_change` as it is sent along with its parent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from engine import Access, Deprecation, Entity, Field, Message, all_columns, child_columns, is_masked

Schema = dict[str, Any]

_READ = ("type", "format", "items", "properties", "required", "additionalProperties", "contentMediaType")
"""What holds of every stored value. Limits may have been tightened since a value was stored."""
_FILLED = frozenset({"id", "version", "created_at", "updated_at"})
UUID: Schema = {"type": "string", "format": "uuid"}
PATHS: Schema = {r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$": {}}
"""Values along links, as `fields` asks for them: `account.name`."""

TITLES = "_titles"
"""Key of a record under which the titles of its links stand, for who asks for them."""

_MASKED = Message("Masked: you see that there is a value, and as much of it as tells two apart.")
_OPTION = Message("{key}: {label}")
_GONE = Message("{key}: {label} (no longer offered)")
_ROW = Message("A row of {plural} in its {parent}.")
_KEPT = Message("`id` names a row that stays; rows that are left out are deleted, those without `id` are made.")
_AS_READ = Message("As it was read; nothing hangs on it.")
_VERSION = Message("The version that you saw. Another one since: other fields merge, the same field is 409.")
_SINCE = Message("Deprecated since {day}.")
_UNTIL = Message("It may be gone from {day} on.")
_INSTEAD = Message("Use `{use}` instead.")
_OWN_ID = Message("An id of your own making (UUIDv7), so that a repeated request makes no second record.")


@cache
def ref(name: str) -> Schema:
    """Return a reference to a schema of the document."""
    return {"$ref": f"#/components/schemas/{name}"}


def or_null(schema: Mapping[str, Any]) -> Schema:
    """Return a schema that takes null besides."""
    made = dict(schema)
    if "anyOf" in made:
        made["anyOf"] = [*made["anyOf"], {"type": "null"}]
    elif "type" not in made:
        return {"anyOf": [made, {"type": "null"}]}
    else:
        kinds = made["type"]
        made["type"] = [*(kinds if isinstance(kinds, list) else [kinds]), "null"]
        if "enum" in made:
            made["enum"] = [*made["enum"], None]
    return made


@dataclass(frozen=True, slots=True)
class Most:
    """How much one request may ask for."""

    page: int = 200
    """Records of one page."""
    write: int = 1_000
    """Records of one write."""


class Shapes:
    """The schemas of a Model for one set of roles, in one language."""

    def __init__(self, access: Access, language: str, most: Most) -> None:
        self.access = access
        self.language = language
        self.most = most
        self.model = access.model
        self.made: dict[str, Schema] = {}
        self._known: dict[Field, tuple[Schema, Schema]] = {}
        self._told: dict[Field, Schema] = {}
        self._input: dict[Field, Schema] = {}
        self._givable: dict[str, list[Field]] = {}
        self._said: dict[str, str] = {}

    def said(self, message: Message, **values: Any) -> str:
        """Return a sentence of the product in the language of the document."""
        if values:
            return Message(message.template, **values).in_(self.language)
        found = self._said.get(message.template)
        if found is None:
            found = self._said[message.template] = message.in_(self.language)
        return found

    def fading(self, said: Deprecation) -> str:
        """Return since when something is not to be used, until when it is there, and what is to be used instead."""
        words = [self.said(_SINCE, day=said.since.isoformat())]
        words += [self.said(_UNTIL, day=said.until.isoformat())] if said.until is not None else []
        words += [self.said(_INSTEAD, use=said.use)] if said.use is not None else []
        return " ".join(words)

    def _about(self, entity: Entity) -> str:
        """Return what people read about an entity. It is no title: generators make the name of a class of that."""
        words = (entity.label, entity.help) if entity.help else (entity.label,)
        return ". ".join(each.in_(self.language) for each in words)

    # --- what is read ---------------------------------------------------------------------------------------------

    def record(self, entity: Entity) -> Schema:
        """Return what answers hold of one record: whichever of its fields were asked for."""
        name = entity.key
        if name not in self.made:
            columns = all_columns(self.access.roles, entity)
            made: Schema = {"type": "object", "description": self._about(entity)}
            self.made[name] = made
            made |= self._read(entity, columns, required=["id"])
            made["patternProperties"] = PATHS
            made["properties"][TITLES] = ref("guanxi.titles")
        return ref(name)

    def _read(self, entity: Entity, columns: Iterable[str], required: list[str]) -> Schema:
        masks, roles = self.access.mask(entity.key), self.access.roles
        return {
            "properties": {
                key: self._read_field(
                    entity.fields[key], "masked" if is_masked(roles, entity, key) else masks.get(key, "read")
                )
                for key in columns
            },
            "required": required,
            "additionalProperties": False,
        }

    def _read_field(self, field: Field, mask: str) -> Schema:
        words = self._words(field)
        if mask == "masked":
            words = dict(words)
            words["description"] = " ".join(filter(None, (words.get("description"), self.said(_MASKED))))
            return {"type": ["string", "null"], **words, "x-masked": True}
        if field.type.links == "children" and field.target is not None:
            schema: Schema = {"type": "array", "items": self._child(self.model.entity(field.target))}
        elif field.key == "id":
            schema = {"type": "string", "format": "uuid"}
        else:
            schema = self._known_field(field)[0]
        made = {**(schema if field.key in _FILLED else or_null(schema)), **words}
        if not field.writable or mask != "write":
            made["readOnly"] = True
        return made

    def _child(self, entity: Entity) -> Schema:
        name = f"{entity.key}.child"
        if name not in self.made:
            self.made[name] = {}
            columns = child_columns(self.access.roles, entity)
            self.made[name] = {
                "type": "object",
                "description": self._about(entity),
                **self._read(entity, columns, required=["id"]),
            }
        return ref(name)

    # --- what is sent ---------------------------------------------------------------------------------------------

    def create(self, entity: Entity) -> Schema:
        """Return what makes a record."""
        name = f"{entity.key}.create"
        if name not in self.made:
            fields = self._given(entity)
            properties = {field.key: self._sent(field, creating=True) for field in fields}
            properties["id"] = {"type": ["string", "null"], "format": "uuid", "description": self.said(_OWN_ID)}
            self.made[name] = {
                "type": "object",
                "description": self._about(entity),
                "properties": properties,
                "required": [field.key for field in fields if is_required(field)],
                "additionalProperties": False,
            }
        return ref(name)

    def update(self, entity: Entity) -> Schema:
        """Return what changes a record: any of its fields."""
        name = f"{entity.key}.update"
        if name not in self.made:
            properties = {field.key: self._sent(field, creating=False) for field in self._given(entity)}
            self.made[name] = {
                "type": "object",
                "description": self._about(entity),
                "properties": {**properties, **self.seen(entity)},
                "additionalProperties": False,
            }
        return ref(name)

    def seen(self, entity: Entity) -> dict[str, Schema]:
        """Return the property that says which version was seen; nothing for whom it is hidden from."""
        if "version" not in all_columns(self.access.roles, entity):
            return {}
        whole = {"type": ["integer", "null"], "minimum": 0, "maximum": 2**53}
        return {"version": {**whole, "description": self.said(_VERSION)}}

    def values(self, entity: Entity) -> Schema:
        """Return what may be sent along with a transition, or stand in an operation of many: any field."""
        name = f"{entity.key}.values"
        if name not in self.made:
            self.made[name] = {
                "type": "object",
                "properties": {field.key: self._sent(field, creating=False) for field in self._given(entity)},
                "additionalProperties": False,
            }
        return ref(name)

    def _given(self, entity: Entity) -> list[Field]:
        """Return the fields that may be given a value."""
        found = self._givable.get(entity.key)
        if found is None:
            allowed = self.access.writable(entity.key)
            fields = entity.fields.values()
            found = [field for field in fields if field.writable and field.key in allowed and not field.read_only]
            self._givable[entity.key] = found
        return found

    def _sent(self, field: Field, *, creating: bool) -> Schema:
        """Return what is sent for a field; many schemas share it."""
        if creating and (field.default is not None or field.type.links == "children"):
            made = dict(self._make_sent(field, creating=True))
            if field.default is not None:
                made["default"] = field.type.to_json(field.default, field.options)
            return made
        found = self._input.get(field)
        if found is None:
            found = self._input[field] = self._make_sent(field, creating=False)
        return found

    def _make_sent(self, field: Field, *, creating: bool) -> Schema:
        words = self._words(field)
        if field.type.links == "children" and field.target is not None:
            child = self.model.entity(field.target)
            items = self._nested(child, creating=creating)
            schema: Schema = {"type": "array", "items": items, "maxItems": field.options.get("max_rows", 1_000)}
        else:
            schema = self._known_field(field)[1]
        made = {**(schema if field.required else or_null(schema)), **words}
        if field.required and made.get("type") == "string" and "enum" not in made and "format" not in made:
            made.setdefault("minLength", 1)
        return made

    def _nested(self, entity: Entity, *, creating: bool) -> Schema:
        """Return a row of a child entity inside its parent."""
        name = f"{entity.key}.nested" if creating else f"{entity.key}.nested_change"
        if name not in self.made:
            self.made[name] = {}
            fields = [field for field in self._given(entity) if field.key != entity.parent_field]
            properties = {field.key: self._sent(field, creating=creating) for field in fields}
            parent = self.model.entity(entity.parent or entity.key)
            about = self.said(_ROW, plural=entity.plural.in_(self.language), parent=parent.label.in_(self.language))
            made: Schema = {"type": "object", "description": about}
            if creating:
                made["required"] = [field.key for field in fields if is_required(field)]
            else:
                made["description"] = f"{about} {self.said(_KEPT)}"
                properties["id"] = {"type": ["string", "null"], "format": "uuid"}
                if "version" in child_columns(self.access.roles, entity):
                    properties["version"] = {"type": ["integer", "null"], "description": self.said(_AS_READ)}
            self.made[name] = {**made, "properties": properties, "additionalProperties": False}
        return ref(name)

    # --- one field ------------------------------------------------------------------------------------------------

    def _known_field(self, field: Field) -> tuple[Schema, Schema]:
        """Return what is read of a field and what is sent for it, without words and without null."""
        found = self._known.get(field)
        if found is None:
            stored = field.type.json_schema(field.options)
            read = {word: stored[word] for word in _READ if word in stored}
            if "enum" in stored:
                read["enum"] = stored["enum"]
            if stored.get("format") == "decimal":
                read["pattern"] = r"^-?[0-9]+(\.[0-9]+)?$"
            found = self._known[field] = (read, dict(field.type.input_schema(field.options)))
        return found

    def _words(self, field: Field) -> Schema:
        """Return what people read about a field; many schemas share it."""
        found = self._told.get(field)
        if found is None:
            found = self._told[field] = self._make_words(field)
        return found

    def _make_words(self, field: Field) -> Schema:
        language = self.language
        about = [field.help.in_(language)] if field.help else []
        words: Schema = {"title": field.label.in_(language)}
        if field.choices:
            labels = {each.key: each.label.in_(language) for each in field.choices.values()}
            about += [
                self.said(_GONE if each.hidden else _OPTION, key=each.key, label=labels[each.key])
                for each in field.choices.values()
            ]
            words["x-enum-labels"] = labels
        if field.deprecated is not None:
            words["deprecated"] = True
            about.append(self.fading(field.deprecated))
        if field.target is not None and field.type.links:
            words["x-entity"] = field.target
        elif field.targets and field.type.links:
            words["x-entities"] = list(field.targets)
        if about:
            words["description"] = "\n".join(about) if field.choices else " ".join(about)
        return words


def is_required(field: Field) -> bool:
    """Say whether a record cannot be made without a value for a field."""
    return field.required and field.default is None and field.default_expr is None and not field.system
