"""Checks of duplicate documents: fields that can be compared, other entities, and scores that can be reached."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from engine.i18n import Message
from engine.metadata.checking import Checking
from engine.metadata.kinds.service import ALIKE_METHODS
from engine.metadata.model import Entity, Field
from engine.metadata.report import Path
from engine.metadata.rules import listed

_TYPES: Mapping[str, frozenset[str]] = {
    "phone": frozenset({"phone", "text"}),
    "phone_end": frozenset({"phone", "text"}),
    "email": frozenset({"email", "text"}),
    "domain": frozenset({"url", "email", "text"}),
    "name": frozenset({"text"}),
    "company": frozenset({"text"}),
    "fuzzy": frozenset({"text", "longtext", "barcode"}),
}
"""Types of fields that a method other than `exact` compares."""
MOST_RULES = 10
"""So many rules have few enough combinations that each of them can have a key."""


class Duplicates(Checking):
    """Checks them."""

    def run(self) -> None:
        """Note everything that is wrong."""
        for doc, _, body in self.documents("duplicate"):
            entity = self.entity(doc, ("entity",), body.get("entity"))
            others = dict(self._others(doc, body))
            self.role_names(doc, ("override",), body.get("override"))
            if entity is None:
                continue
            self.condition(doc, ("where",), entity, body.get("where"))
            self._names(doc, body, entity, others)
            self._rules(doc, body, entity)

    def _others(self, doc: str, body: Mapping[str, Any]) -> Iterator[tuple[str, Entity]]:
        against = body.get("against")
        for number, key in enumerate(listed(against)):
            path: Path = ("against", number) if isinstance(against, list) else ("against",)
            found = self.entity(doc, path, key)
            if found is not None:
                yield key, found

    def _names(self, doc: str, body: Mapping[str, Any], entity: Entity, others: Mapping[str, Entity]) -> None:
        for key, names in (body.get("fields") or {}).items():
            if key not in others:
                message = Message("{name} is not searched: it does not stand in `against`", name=repr(key))
                self.report.error(doc, ("fields", key), message, code="not_searched", key=True)
                continue
            for here, there in names.items():
                self._plain(doc, ("fields", key, here), entity, here, at_key=True)
                self._plain(doc, ("fields", key, here), others[key], there)

    def _rules(self, doc: str, body: Mapping[str, Any], entity: Entity) -> None:
        rules: Mapping[str, Any] = body.get("rules") or {}
        if len(rules) > MOST_RULES:
            message = Message("a document has {most} rules at most", most=MOST_RULES)
            self.report.error(doc, ("rules",), message, code="too_many", key=True)
        for key, rule in rules.items():
            path: Path = ("rules", key)
            self.condition(doc, (*path, "when"), entity, rule.get("when"))
            method = rule.get("method", "exact")
            for number, name in enumerate(rule["fields"]):
                field = self._plain(doc, (*path, "fields", number), entity, name)
                if field is not None:
                    self._comparable(doc, (*path, "fields", number), field, method)
            if "alike" in rule and method not in ALIKE_METHODS:
                message = Message("method {method} compares equal values only", method=method)
                self.report.error(doc, (*path, "alike"), message, code="not_alike", key=True)
        reached = sum(rule.get("score", 100) for rule in rules.values())
        threshold = body.get("threshold", 80)
        if rules and reached < threshold:
            message = Message(
                "all rules together count {sum}, which never reaches {threshold}", sum=reached, threshold=threshold
            )
            self.report.error(doc, ("rules",), message, code="unreachable", key=True)

    def _plain(self, doc: str, path: Path, entity: Entity, name: Any, *, at_key: bool = False) -> Field | None:
        """Return a field of the entity itself; None after noting that there is none."""
        found = entity.fields.get(name) if isinstance(name, str) else None
        if found is None:
            message = Message("{entity} has no field {name}", entity=entity.key, name=repr(name))
            self.report.unknown(doc, path, message, str(name), entity.fields, key=at_key)
        return found

    def _comparable(self, doc: str, path: Path, field: Field, method: str) -> None:
        entity = self.entities[field.entity]
        if field.secret or field.type.name == "secret":
            if method != "exact" or not any(each.blind_of == field.key for each in entity.fields.values()):
                message = Message(
                    "{name} is secret: only equal values are found, and only with an index", name=field.key
                )
                self.report.error(doc, path, message, Message("add unique or index to the field"), code="secret")
            return
        known = _TYPES.get(method)
        if known is not None and field.type.name not in known:
            message = Message("method {method} does not compare a {type}", method=method, type=field.type.name)
            self.report.error(doc, path, message, code="not_comparable")
        elif field.storage is None or not field.stored or field.storage.kind == "json" or field.type.links == "many":
            message = Message("{name} holds no single stored value", name=field.key)
            self.report.error(doc, path, message, code="not_comparable")


__all__ = ["Duplicates"]
