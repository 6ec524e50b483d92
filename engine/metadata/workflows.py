"""Checks of workflows: triggers, steps, and what they name. Until automation runs them they are stored as they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.errors import BadValue
from engine.expression import FieldInfo, Type
from engine.fields import field_types
from engine.i18n import Message
from engine.metadata.checking import Checking
from engine.metadata.kinds.automation import TRIGGERS
from engine.metadata.model import Entity
from engine.metadata.report import Path
from engine.metadata.rules import listed
from engine.metadata.shape import suggest


@dataclass(slots=True)
class _Place:
    """Where a step stands: what `record` and `input` are there."""

    doc: str
    record: Entity | None
    inputs: Mapping[str, FieldInfo]
    made: dict[str, Entity] = field(default_factory=dict)
    """Entities of the records that earlier steps made, by the key of the step."""


class Workflows(Checking):
    """Checks the workflows."""

    def run(self) -> None:
        """Note everything that is wrong."""
        for doc, _, body in self.documents("workflow"):
            place = self._trigger(doc, body.get("on") or {})
            if place is not None:
                self._steps(place, ("steps",), body.get("steps") or {})

    # ---------------------------------------------------------------------------------------- triggers

    def _trigger(self, doc: str, given: Mapping[str, Any]) -> _Place | None:
        names = [each for each in given if each != "when"]
        if len(names) != 1:
            message = (
                Message("a workflow has one trigger, and this one has {count}", count=len(names))
                if names
                else Message("a workflow needs a trigger")
            )
            advice = Message("one of {names}", names=", ".join(TRIGGERS))
            self.report.error(
                doc, ("on", names[1]) if names else ("on",), message, advice, code="trigger", key=bool(names)
            )
            return None
        name = names[0]
        body: Mapping[str, Any] = given[name] or {}
        path: Path = ("on", name)
        entity = self.entity(doc, (*path, "entity"), body.get("entity"))
        if entity is None and "entity" in body:
            return None
        inputs = self._inputs(doc, (*path, "input"), body.get("input") or {})
        self._trigger_parts(doc, path, body, entity)
        self.condition(doc, ("on", "when"), entity, given.get("when"), inputs)
        return _Place(doc, entity, inputs)

    def _trigger_parts(self, doc: str, path: Path, body: Mapping[str, Any], entity: Entity | None) -> None:
        if path[1] == "record":
            self.fields(doc, (*path, "fields"), entity, body.get("fields"))
            for number, each in enumerate(listed(body.get("transition"))):
                listing = isinstance(body["transition"], list)
                self._transition(doc, (*path, "transition", *((number,) if listing else ())), entity, each)
        elif path[1] in {"date", "inactivity"}:
            self.dated(doc, (*path, "field"), entity, body.get("field"))
        else:
            self.field(doc, (*path, "match"), entity, body.get("match"))
        self.role_names(doc, (*path, "roles"), body.get("roles"))
        self.document(doc, (*path, "calendar"), "calendar", body.get("calendar"))
        self.condition(doc, (*path, "where"), entity, body.get("where"))

    def _transition(self, doc: str, path: Path, entity: Entity | None, name: Any) -> None:
        if entity is None or not isinstance(name, str):
            return
        known = entity.states.transitions if entity.states is not None else {}
        if name not in known:
            message = Message("{entity} has no change of state {name}", entity=entity.key, name=repr(name))
            self.report.unknown(doc, path, message, name, known)

    def _inputs(self, doc: str, path: Path, given: Mapping[str, Any]) -> dict[str, FieldInfo]:
        found: dict[str, FieldInfo] = {}
        types = field_types()
        for key, body in given.items():
            here = (*path, key)
            field_type = types.get(body["type"])
            if field_type is None or field_type.computed or field_type.links == "children":
                message = Message("{word} cannot be asked for", word=repr(body["type"]))
                plain = [each for each in types if not types[each].computed]
                self.report.error(doc, (*here, "type"), message, suggest(body["type"], plain), code="unknown_type")
                continue
            target = self.entity(doc, (*here, "to"), body.get("to"))
            options = body.get("options")
            found[key] = FieldInfo(
                Type(field_type.value_type),
                field_type.scale(body),
                target.key if target is not None else next(iter(field_type.targets({"to": "", **body})), None) or None,
                frozenset(options) if options else None,
                nullable=not body.get("required", False),
            )
        return found

    # ------------------------------------------------------------------------------------------- steps

    def _steps(self, place: _Place, path: Path, given: Mapping[str, Any]) -> None:
        for key in self.report.ordered(place.doc, path, given):
            self._step(place, (*path, key), key, given[key])

    def _step(self, place: _Place, path: Path, key: str, body: Mapping[str, Any]) -> None:
        doc = place.doc
        self.condition(doc, (*path, "when"), place.record, body.get("when"), place.inputs)
        kind = body["do"]
        if kind in {"update", "delete", "transition", "assign", "convert", "run"}:
            about = self._about(place, (*path, "record"), body.get("record"))
        elif kind == "create":
            about = self.entity(doc, (*path, "entity"), body.get("entity"))
        else:
            about = place.record
        self._values(place, path, body, about)
        self._transition(doc, (*path, "transition"), about, body.get("transition"))
        for name, other in (("rule", "assignment"), ("pool", "pool"), ("conversion", "conversion"),
                            ("workflow", "workflow"), ("calendar", "calendar")):  # fmt: skip
            self.document(doc, (*path, name), other, body.get(name))
        if kind in {"notify", "email", "sms"}:
            for name in ("to", "cc", "bcc"):
                self.people(doc, (*path, name), place.record, body.get(name))
            self.words(doc, (*path, "subject"), place.record, body.get("subject"))
            self.words(doc, (*path, "template"), place.record, body.get("template"), "template")
        if kind == "create" and about is not None:
            place.made[key] = about
        self._inner(place, path, kind, body)

    def _inner(self, place: _Place, path: Path, kind: str, body: Mapping[str, Any]) -> None:
        """Check what only some kinds of step have, and the steps inside them."""
        doc, record = place.doc, place.record
        if kind == "webhook":
            self.fields(doc, (*path, "fields"), record, body.get("fields"))
        elif kind == "wait":
            self.condition(doc, (*path, "unless"), record, body.get("unless"), place.inputs)
            self.condition(doc, (*path, "until"), record, body.get("until"), place.inputs, None)
        elif kind == "approve":
            self.fields(doc, (*path, "lock"), record, body.get("lock"))
            self.people(doc, (*path, "approvers"), record, body.get("approvers"))
            for name, level in (body.get("levels") or {}).items():
                here = (*path, "levels", name)
                self.condition(doc, (*here, "when"), record, level.get("when"), place.inputs)
                self.people(doc, (*here, "approvers"), record, level.get("approvers"))
        elif kind == "parallel":
            for name, branch in body["branches"].items():
                self._steps(place, (*path, "branches", name, "steps"), branch["steps"])
        elif kind == "each":
            self._each(place, path, body)
        for name in ("then", "else", "approved", "rejected"):
            self._steps(place, (*path, name), body.get(name) or {})

    def _each(self, place: _Place, path: Path, body: Mapping[str, Any]) -> None:
        if ("of" in body) == ("entity" in body):
            message = Message("each goes over related records (of) or over an entity: one of the two")
            self.report.error(place.doc, path, message, code="each")
            return
        if "of" in body:
            inner = self._related(place, (*path, "of"), body["of"])
        else:
            inner = self.entity(place.doc, (*path, "entity"), body["entity"])
        if inner is not None:
            self.condition(place.doc, (*path, "where"), inner, body.get("where"), place.inputs)
            self._steps(_Place(place.doc, inner, place.inputs, place.made), (*path, "steps"), body["steps"])

    def _related(self, place: _Place, path: Path, text: str) -> Entity | None:
        root, _, rest = text.rpartition(".")
        about = self._about(place, path, root or "record")
        return self.relation(place.doc, path, about, rest)

    def _about(self, place: _Place, path: Path, text: Any) -> Entity | None:
        """Return the entity of the record that a step is about: record, record.account, a step that made one."""
        if text is None or text == "record":
            return place.record
        root, _, rest = str(text).partition(".")
        start = place.record if root == "record" else place.made.get(root)
        if root != "record" and root not in place.made:
            message = Message("there is no record {name}", name=repr(root))
            self.report.unknown(place.doc, path, message, root, ["record", *place.made])
            return None
        if not rest or start is None:
            return start
        info = self.field(place.doc, path, start, rest)
        if info is not None and (info.type is not Type.LINK or info.target is None):
            message = Message("{name} leads to no single record", name=repr(text))
            self.report.error(place.doc, path, message, code="no_link")
            return None
        return self.entities.get(info.target or "") if info is not None else None

    def _values(self, place: _Place, path: Path, body: Mapping[str, Any], about: Entity | None) -> None:
        if about is None:
            return
        for key, value in (body.get("set") or {}).items():
            if self.field(place.doc, (*path, "set", key), about, key, at_key=True) is not None:
                self._value(place.doc, (*path, "set", key), about, key, value)
        for key, text in (body.get("set_expr") or {}).items():
            here = (*path, "set_expr", key)
            info = self.field(place.doc, here, about, key, at_key=True)
            if info is not None:
                expect = None if info.type in {Type.MANY, Type.JSON} else info.type
                self.condition(place.doc, here, place.record, text, place.inputs, expect)

    def _value(self, doc: str, path: Path, about: Entity, key: str, value: Any) -> None:
        made = about.fields.get(key)
        if made is None or not made.writable:
            message = Message("nobody may write {name}", name=repr(key))
            self.report.error(doc, path, message, code="not_writable", key=True)
        elif value is not None and not made.type.links:
            try:
                made.type.parse(value, made.options)
            except BadValue as error:
                advice = suggest(value, made.choices) if made.choices else None
                self.report.error(doc, path, error.message, advice, code="value")
