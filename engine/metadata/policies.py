"""Checks of assignment, pool, sla, calendar, conversion and template documents."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from engine.expression import Type
from engine.i18n import Message
from engine.metadata.checking import Checking
from engine.metadata.kinds.service import DAYS
from engine.metadata.model import Entity
from engine.metadata.report import Path
from engine.metadata.shape import suggest


class Policies(Checking):
    """Checks them."""

    def run(self) -> None:
        """Note everything that is wrong."""
        for kind, check in (
            ("assignment", self._assignment),
            ("pool", self._pool),
            ("sla", self._sla),
            ("template", self._template),
        ):
            for doc, _, body in self.documents(kind):
                entity = self.entity(doc, ("entity",), body.get("entity"))
                if entity is not None:
                    check(doc, body, entity)
        for doc, _, body in self.documents("calendar"):
            self._calendar(doc, body)
        for doc, _, body in self.documents("conversion"):
            self._conversion(doc, body)

    def _conditions(self, doc: str, path: Path, entity: Entity, body: Mapping[str, Any], names: Iterable[str]) -> None:
        for name in names:
            self.condition(doc, (*path, name), entity, body.get(name))

    def _assignment(self, doc: str, body: Mapping[str, Any], entity: Entity) -> None:
        for key, rule in (body.get("rules") or {}).items():
            path: Path = ("rules", key)
            self._conditions(doc, path, entity, rule, ["when"])
            self.people(doc, (*path, "members"), entity, rule.get("members"))
            self.field(doc, (*path, "field"), entity, rule.get("field"))
            self.document(doc, (*path, "calendar"), "calendar", rule.get("calendar"))
            needs = {"same_as": "field", "script": "code"}.get(rule["method"], "members")
            if needs not in rule:
                message = Message("method {method} needs {name}", method=rule["method"], name=repr(needs))
                self.report.error(doc, path, message, code="missing", key=True)

    def _pool(self, doc: str, body: Mapping[str, Any], entity: Entity) -> None:
        self._conditions(doc, (), entity, body, ["where"])
        for name in ("members", "admins"):
            self.people(doc, (name,), entity, body.get(name))
        self.fields(doc, ("masked",), entity, body.get("masked"))
        for key, text in (body.get("exempt") or {}).items():
            self.condition(doc, ("exempt", key), entity, text)
        for key, rule in (body.get("rules") or {}).items():
            path: Path = ("rules", key)
            self._conditions(doc, path, entity, rule, ["where"])
            self.dated(doc, (*path, "field"), entity, rule.get("field"))
            self.document(doc, (*path, "calendar"), "calendar", rule.get("calendar"))
            info = self.field(doc, (*path, "by"), entity, rule.get("by"))
            for value in rule.get("days_by") or {}:
                if info is not None and info.options is not None and value not in info.options:
                    message = Message("{name} is none of the options", name=repr(value))
                    self.report.unknown(doc, (*path, "days_by", value), message, value, info.options, key=True)
            if "days" not in rule and "days_by" not in rule:
                message = Message("a rule says after how many days")
                self.report.error(doc, path, message, Message("add days"), code="missing", key=True)

    def _sla(self, doc: str, body: Mapping[str, Any], entity: Entity) -> None:
        self._conditions(doc, (), entity, body, ["when", "start", "responded", "resolved", "pause"])
        self.document(doc, ("calendar",), "calendar", body.get("calendar"))
        for key, target in (body.get("targets") or {}).items():
            self._conditions(doc, ("targets", key), entity, target, ["when"])
        for key, each in (body.get("escalations") or {}).items():
            path: Path = ("escalations", key)
            self.people(doc, (*path, "to"), entity, each.get("to"))
            self.words(doc, (*path, "template"), entity, each.get("template"), "template")
            self.document(doc, (*path, "workflow"), "workflow", each.get("workflow"))

    def _calendar(self, doc: str, body: Mapping[str, Any]) -> None:
        zone = body.get("timezone")
        if zone is not None and not is_zone(zone):
            message = Message("there is no time zone {name}", name=repr(zone))
            self.report.error(doc, ("timezone",), message, suggest(zone, available_timezones()), code="timezone")
        week: Mapping[str, Any] = body.get("week") or {}
        for day in DAYS:
            self._hours(doc, ("week", day), week.get(day))
        for name in ("holidays", "workdays"):
            for day, hours in (body.get(name) or {}).items():
                try:
                    date.fromisoformat(day)
                except ValueError:
                    message = Message("{name} is no day", name=repr(day))
                    self.report.error(doc, (name, day), message, code="no_date", key=True)
                if name == "workdays":
                    self._hours(doc, (name, day), hours)

    def _hours(self, doc: str, path: Path, given: Any) -> None:
        last = ""
        for number, text in enumerate(given or ()):
            start, _, end = text.partition("-")
            if not start < end <= "24:00" or start < last:
                message = Message(
                    "{hours} does not end after it begins, or begins before the last one ends", hours=text
                )
                self.report.error(doc, (*path, number), message, code="hours")
            last = end

    def _conversion(self, doc: str, body: Mapping[str, Any]) -> None:
        start = self.entity(doc, ("from",), body.get("from"))
        self.role_names(doc, ("roles",), body.get("roles"))
        for key, target in (body.get("targets") or {}).items():
            self._conversion_target(doc, ("targets", key), start, target)
        if start is None:
            return
        self._conditions(doc, (), start, body, ["when"])
        for number, relation in enumerate(body.get("move") or ()):
            self.relation(doc, ("move", number), start, relation)
        for name in ("set", "set_expr"):
            for key, text in (body.get(name) or {}).items():
                info = self.field(doc, (name, key), start, key, at_key=True)
                if name == "set_expr" and info is not None:
                    self.condition(doc, (name, key), start, text, expect=info.type)

    def _conversion_target(self, doc: str, path: Path, start: Entity | None, body: Mapping[str, Any]) -> None:
        entity = self.entity(doc, (*path, "entity"), body["entity"])
        about = start
        if "of" in body:
            about = self.relation(doc, (*path, "of"), start, body["of"])
        elif body.get("mode") == "create_each":
            message = Message("create_each needs {name}", name=repr("of"))
            self.report.error(doc, path, message, code="missing", key=True)
        self.fields(doc, (*path, "match"), entity, body.get("match"))
        self.condition(doc, (*path, "when"), start, body.get("when"))
        for key, text in (body.get("map") or {}).items():
            here = (*path, "map", key)
            info = self.field(doc, here, entity, key, at_key=True)
            if about is not None and info is not None:
                expect = None if info.type in {Type.MANY, Type.LIST, Type.JSON} else info.type
                self.condition(doc, here, about, text, expect=expect)

    def _template(self, doc: str, body: Mapping[str, Any], entity: Entity) -> None:
        for name in ("subject", "body", "file_name"):
            self.words(doc, (name,), entity, body.get(name))
        self.role_names(doc, ("roles",), body.get("roles"))
        if ("body" in body) == ("file" in body):
            message = Message("a template has its words in body or in a file: one of the two")
            self.report.error(doc, ("template",), message, code="template")


def is_zone(name: str) -> bool:
    """Say whether there is a time zone of a name."""
    try:
        ZoneInfo(name)
    except (OSError, ValueError, KeyError):  # ZoneInfoNotFoundError is a KeyError.
        return False
    return True
