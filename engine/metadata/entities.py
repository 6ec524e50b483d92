"""Entities of a Model: fields with their types and targets, relations, expressions in order of dependency."""

from __future__ import annotations

import keyword
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from engine.errors import BadValue
from engine.expression import FieldInfo, Type
from engine.fields import FieldType, field_types
from engine.fields.reference import Reference
from engine.fields.rollup import Rollup as RollupType
from engine.i18n import Message, Text, humanise
from engine.metadata.drafts import Drafts, EntityDraft, FieldDraft
from engine.metadata.model import Option
from engine.metadata.relations import relation_named
from engine.metadata.report import Report
from engine.metadata.scope import first_tree
from engine.metadata.shape import suggest
from engine.metadata.system import SYSTEM_FIELDS, system_infos

RESERVED_ENTITIES = frozenset(
    [
        "admin",
        "api",
        "changes",
        "files",
        "hooks",
        "login",
        "meta",
        "portal",
        "search",
        "static",
        "mcp",
        "healthz",
        "metrics",
    ]
)
RESERVED_FIELDS = (
    SYSTEM_FIELDS | frozenset(["user", "today", "now", "old", "input", "record"]) | frozenset(keyword.kwlist)
)
MAX_FIELDS = 1_000
_in_words = lru_cache(maxsize=20_000)(humanise)


class Declaring:
    """Makes the drafts of all entities, then says where their fields lead."""

    def __init__(self, report: Report, currency: str) -> None:
        self._report, self._currency = report, currency
        self._types = field_types()
        self._defaults: dict[str, dict[str, Any]] = {}
        self.drafts = Drafts({})

    def run(self) -> Drafts:
        """Return the drafts."""
        composed = self._report.composed
        for doc, body in composed.documents.items():
            if doc.startswith("entity/"):
                self._entity(doc, body)
        for draft in self.drafts.entities.values():
            self._parent(draft)
        for draft in self.drafts.entities.values():
            for each in draft.fields.values():
                self._target(draft, each)
            tree = first_tree(
                key for key, each in draft.fields.items() if each.target == draft.key and each.type.links == "one"
            )
            if tree is not None:
                self.drafts.trees[draft.key] = tree
        return self.drafts

    def _entity(self, doc: str, body: Mapping[str, Any]) -> None:
        key = doc.partition("/")[2]
        layer = self._report.composed.layers[doc]
        if key in RESERVED_ENTITIES:
            message = Message("{key} is a word of the product's own addresses", key=repr(key))
            self._report.error(doc, ("entity",), message, Message("take another key"), code="reserved")
        draft = EntityDraft(key, doc, body, layer.name, layer.prefix)
        draft.features = frozenset(body.get("features", ()))
        draft.system = system_infos(owned="owned" in draft.features)
        self.drafts.entities[key] = draft
        fields: Mapping[str, Any] = body.get("fields") or {}
        if len(fields) > MAX_FIELDS:
            message = Message(
                "an entity has at most {limit} fields, and this one {count}", limit=MAX_FIELDS, count=len(fields)
            )
            self._report.error(doc, ("fields",), message, code="too_many", key=True)
        for order, name in enumerate(self._report.ordered(doc, ("fields",), fields)):
            self._field(draft, name, fields[name], order)

    def _field(self, draft: EntityDraft, key: str, body: Mapping[str, Any], order: int) -> None:
        path = ("fields", key)
        if key in RESERVED_FIELDS:
            system = key in SYSTEM_FIELDS
            message = (
                Message("every record has the field {key} already", key=repr(key))
                if system
                else Message("{key} means something else in expressions", key=repr(key))
            )
            self._report.error(draft.id, path, message, Message("take another key"), code="reserved", key=True)
            return
        field_type = self._types[body["type"]]
        options = self._options(field_type, body)
        made = FieldDraft(
            key=key,
            entity=draft.key,
            body=body,
            path=path,
            type=field_type,
            options=options,
            label=self._report.text(draft.id, (*path, "label"), body.get("label"), _in_words(key)),
            order=order,
            layer=self._layer(draft, key),
        )
        if isinstance(options.get("options"), dict):
            self._choices(draft, made)
        if type(field_type).check_options is not FieldType.check_options:
            for name, message in field_type.check_options(made.options):
                self._report.error(draft.id, (*path, name) if name in body else path, message, code="options")
        draft.fields[key] = made

    def _layer(self, draft: EntityDraft, key: str) -> str:
        """Return the layer that brought a field."""
        origins = self._report.composed.origins[draft.id]
        if len(origins) > 1:
            for document in origins:
                fields = document.body.get("fields")
                if isinstance(fields, dict) and key in fields:
                    return document.layer
        return draft.layer

    def _options(self, field_type: FieldType, body: Mapping[str, Any]) -> Mapping[str, Any]:
        defaults = self._defaults.get(field_type.name)
        if defaults is None:
            defaults = self._defaults[field_type.name] = {
                name: schema["default"] for name, schema in field_type.properties.items() if "default" in schema
            }
        options = dict(defaults)
        if len(body) > 1:
            options.update((name, body[name]) for name in field_type.properties if name in body)
        if "currency" in field_type.properties and "currency" not in options:
            options["currency"] = self._currency
        return options

    def _choices(self, draft: EntityDraft, made: FieldDraft) -> None:
        given: Mapping[str, Any] = made.options["options"]
        choices: dict[str, Option] = {}
        words: dict[str, Any] = {}
        for key in self._report.ordered(draft.id, (*made.path, "options"), given):
            entry = given[key] or {}
            path = (*made.path, "options", key, "label")
            label = self._report.text(draft.id, path, entry.get("label"), _in_words(key))
            choices[key] = Option(key, label, entry.get("color", ""), entry.get("hidden", False))
            words[key] = {**entry, "label": label}
        made.choices = choices
        made.options = {**made.options, "options": words}

    # ------------------------------------------------------------------------------------------ targets

    def _parent(self, draft: EntityDraft) -> None:
        parent = draft.body.get("parent")
        if parent is None:
            return
        entities = self.drafts.entities
        if parent not in entities:
            message = Message("there is no entity {name}", name=repr(parent))
            self._report.unknown(draft.id, ("parent",), message, parent, entities)
            return
        chain = [draft.key]
        above = parent
        while above is not None and above not in chain:
            chain.append(above)
            above = entities[above].body.get("parent") if above in entities else None
        if above == draft.key:
            words = " → ".join([*chain, draft.key])
            self._report.error(
                draft.id, ("parent",), Message("parents form a circle: {path}", path=words), code="cycle"
            )
            return
        draft.parent = parent
        if parent in draft.fields:
            message = Message("{key} is the link to the parent, which every child has by itself", key=repr(parent))
            advice = Message("leave the field out")
            self._report.error(draft.id, ("fields", parent), message, advice, code="reserved", key=True)
        lookup = self._types["lookup"]
        options = {**self._options(lookup, {}), "to": parent, "on_delete": "cascade"}
        label = Text(entities[parent].body.get("label"), humanise(parent))
        made = FieldDraft(
            parent, draft.key, {"required": True}, ("parent",), lookup, options, label, -1, draft.layer, implicit=True
        )
        draft.fields = {parent: made, **{key: each for key, each in draft.fields.items() if key != parent}}

    def _target(self, draft: EntityDraft, made: FieldDraft) -> None:
        entities = self.drafts.entities
        targets = made.type.targets(made.options)
        known = []
        for number, target in enumerate(targets):
            if target in entities:
                known.append(target)
                continue
            name = next((each for each in ("to", "of") if each in made.body), None)
            path = (*made.path, name) if name else made.path
            listed = name is not None and isinstance(made.body[name], list)
            message = Message("there is no entity {name}", name=repr(target))
            self._report.unknown(draft.id, (*path, number) if listed else path, message, target, entities)
            self._report.composed.gone.add(made.key)
        made.targets = tuple(known)
        if made.type.links != "any" and known:
            made.target = known[0]
        if made.type.links == "children" and made.target is not None:
            self._children(draft, made)

    def _children(self, draft: EntityDraft, made: FieldDraft) -> None:
        child = self.drafts.entities[made.target or ""]
        if child.parent == draft.key:
            made.link = draft.key
            return
        path = (*made.path, "of")
        if child.body.get("parent") is None:
            message = Message("{child} has no parent", child=repr(child.key))
            advice = Message("add parent: {parent} to entity {child}", parent=draft.key, child=child.key)
        else:
            parent = child.body["parent"]
            message = Message("rows of {child} belong to {parent}", child=repr(child.key), parent=repr(parent))
            advice = Message(
                "a table field shows the child rows of its own entity, here {entity}", entity=repr(draft.key)
            )
        self._report.error(draft.id, path, message, advice, code="parent")


class Typing:
    """Finds out what kind of value each field holds."""

    def __init__(self, report: Report, drafts: Drafts) -> None:
        self._report, self._drafts = report, drafts
        self._open: set[tuple[str, str]] = set()

    def run(self) -> None:
        """Fill in `info` of every field; references and rollups take over the type of what they show."""
        entities = self._drafts.entities.values()
        for draft in entities:
            for made in draft.fields.values():
                if not made.type.computed:
                    made.info = self._plain(made)
        for draft in entities:
            for made in draft.fields.values():
                if self._resolve(draft, made) is None:
                    self._report.unresolved.add(made.key)

    def _plain(self, made: FieldDraft) -> FieldInfo:
        return FieldInfo(
            type=Type(made.type.value_type),
            scale=made.type.scale(made.options),
            target=made.target,
            options=frozenset(made.choices) if made.choices else None,
            tree=self._drafts.trees.get(made.target) if made.target is not None else None,
        )

    def _resolve(self, draft: EntityDraft, made: FieldDraft) -> FieldInfo | None:
        if made.info is not None:
            return made.info
        mark = (draft.key, made.key)
        if mark in self._open:
            return None  # Goes round in a circle, which the order of formulas reports.
        self._open.add(mark)
        if isinstance(made.type, Reference):
            self._reference(draft, made)
        elif isinstance(made.type, RollupType):
            self._rollup(draft, made)
        else:
            shown = made.type.result(made.options)
            made.info = FieldInfo(Type(shown.value_type), shown.scale(made.options))
        self._open.discard(mark)
        return made.info

    def field(self, entity: str, key: str) -> FieldDraft | None:
        """Return a field whose type is known."""
        draft = self._drafts.entities.get(entity)
        made = draft.fields.get(key) if draft is not None else None
        if draft is not None and made is not None:
            self._resolve(draft, made)
        return made

    def _take_over(self, made: FieldDraft, source: FieldDraft) -> None:
        """Give a computed field the type, the options and the choices of the field that it shows."""
        result = source.type.result(source.options)
        more = {name: value for name, value in source.options.items() if name not in made.type.properties}
        made.options = {**more, **made.options, "result": result.name}
        made.choices, made.targets = source.choices, source.targets
        made.info = source.info
        if source.info is not None:
            made.target = source.info.target

    def _reference(self, draft: EntityDraft, made: FieldDraft) -> None:
        entity: str | None = draft.key
        for part in made.options["of"].split("."):
            known = list(self._drafts.keys(entity or ""))
            info = self._drafts.info(entity or "", part) or getattr(self.field(entity or "", part), "info", None)
            if info is None:
                message = Message("{entity} has no field {name}", entity=entity, name=repr(part))
                self._report.unknown(draft.id, (*made.path, "of"), message, part, known)
                return
            if info.type is not Type.LINK or info.target is None:
                message = Message("{name} leads to no single record", name=repr(part))
                self._report.error(draft.id, (*made.path, "of"), message, Message("name a lookup"), code="no_link")
                return
            entity = info.target
        self._reference_field(draft, made, entity or "")

    def _reference_field(self, draft: EntityDraft, made: FieldDraft, entity: str) -> None:
        key = made.options["field"]
        source = self.field(entity, key)
        if source is not None:
            if source.info is not None and source.info.type is not Type.MANY:
                made.shown = source
                self._take_over(made, source)
            elif source.info is not None:
                message = Message("{name} is many values; a reference shows one", name=repr(key))
                self._report.error(draft.id, (*made.path, "field"), message, code="many")
            return
        info = self._drafts.info(entity, key)
        if info is None or info.type is Type.MANY:
            message = Message("{entity} has no field {name}", entity=entity, name=repr(key))
            self._report.unknown(draft.id, (*made.path, "field"), message, key, self._drafts.keys(entity))
            return
        names = {Type.DATETIME: "datetime", Type.NUMBER: "integer", Type.LINK: "user"}
        made.options = {**made.options, "result": names.get(info.type, "text")}
        made.info = info
        made.target = info.target

    def _rollup(self, draft: EntityDraft, made: FieldDraft) -> None:
        relation = made.options["of"]
        own = draft.fields.get(relation)
        if own is not None and own.type.links in {"children", "many"}:
            child = own.target
        else:
            known = relation_named(draft, relation)
            child = known.entity if known is not None else None
        path = (*made.path, "of")
        if child is None:
            if own is not None and own.target is None and own.type.links:
                return  # Its target is reported already.
            message = Message(
                "{entity} has no table field and no related records {name}", entity=draft.key, name=repr(relation)
            )
            many = [key for key, each in draft.fields.items() if each.type.links == "children"]
            self._report.unknown(draft.id, path, message, relation, [*many, *draft.relations])
            return
        functions = [each for each in made.type.properties if each not in {"of", "where"}]
        function = next((each for each in functions if made.options.get(each) not in {None, False}), None)
        if function is None:
            return  # `check_options` of the type has said so.
        self._rollup_value(draft, made, child, function)

    def _rollup_value(self, draft: EntityDraft, made: FieldDraft, child: str, function: str) -> None:
        key = made.options[function]
        source = self.field(child, key) if isinstance(key, str) else None
        if isinstance(key, str) and source is None and self._drafts.info(child, key) is None:
            message = Message("{entity} has no field {name}", entity=child, name=repr(key))
            self._report.unknown(draft.id, (*made.path, function), message, key, self._drafts.keys(child))
            return
        if function == "count":
            made.options = {**made.options, "result": "integer"}
            made.info = FieldInfo(Type.NUMBER, scale=0, nullable=False)
            return
        if source is None:
            info = self._drafts.info(child, str(key))
            result = "datetime" if info is not None and info.type is Type.DATETIME else "text"
            made.options, made.info = {**made.options, "result": result}, info
            return
        if source.info is None:
            return
        if function in {"sum", "avg"} and source.info.type is not Type.NUMBER:
            message = Message("{name} is no number", name=repr(key))
            self._report.error(draft.id, (*made.path, function), message, code="no_number")
            return
        if source.info.type in {Type.MANY, Type.LIST, Type.JSON}:
            message = Message("{name} cannot be ordered", name=repr(key))
            self._report.error(draft.id, (*made.path, function), message, code="no_order")
            return
        self._take_over(made, source)
        if function == "avg" and source.info.scale == 0:
            made.options = {**made.options, "result": "number", "decimals": 2}
            made.info = FieldInfo(Type.NUMBER, scale=2)


def parsed_default(report: Report, draft: EntityDraft, made: FieldDraft) -> Any:
    """Return the value that `default` means; None when there is none, or it is wrong."""
    raw = made.body.get("default")
    if raw is None:
        return None
    path = (*made.path, "default")
    if made.type.computed:
        report.error(draft.id, path, Message("a value that is worked out has no default"), code="computed")
        return None
    try:
        return made.type.parse(raw, made.options)
    except BadValue as error:
        advice = suggest(raw, made.choices) if made.choices else None
        report.error(draft.id, path, error.message, advice, code="default")
        return None
