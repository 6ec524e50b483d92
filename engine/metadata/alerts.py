"""Checks of alert documents: what they watch, their conditions, and who is told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zoneinfo import available_timezones

from engine.expression import Type
from engine.i18n import Message
from engine.metadata.checking import Checking
from engine.metadata.kinds.alerts import EVENT_KINDS
from engine.metadata.model import Entity
from engine.metadata.policies import is_zone
from engine.metadata.report import Path
from engine.metadata.shape import suggest

PERSON = "person"
"""Of `to`: whom the alert is about."""
_ABOUT_RECORDS = ("where", "measure", "above", "below", "within")


class Alerts(Checking):
    """Checks them."""

    def run(self) -> None:
        """Note everything that is wrong."""
        for doc, _, body in self.documents("alert"):
            watched: Mapping[str, Any] = body.get("on") or {}
            entity = self.entity(doc, ("entity",), body.get("entity"))
            given = ["entity" in body, *(name in watched for name in ("audit", "reading"))]
            if sum(given) != 1:
                message = Message("an alert watches one thing: records of an entity, on: audit, or on: reading")
                self.report.error(doc, ("on",) if watched else ("alert",), message, code="watched", key=True)
                continue
            self._told(doc, body, entity)
            if entity is not None:
                self._records(doc, body, entity)
            elif watched:
                self._events(doc, body, watched)

    def _told(self, doc: str, body: Mapping[str, Any], entity: Entity | None) -> None:
        to = body.get("to")
        self.people(doc, ("to",), entity, to)
        known = sorted({each for role in self._permissions().values() for each in role})
        for number, who in enumerate([to] if isinstance(to, str) else to or ()):
            path: Path = ("to", number) if isinstance(to, list) else ("to",)
            if who.startswith("permission:") and who.removeprefix("permission:") not in {*known, "audit"}:
                message = Message("no role gives the permission {name}", name=repr(who.removeprefix("permission:")))
                self.report.unknown(doc, path, message, who.removeprefix("permission:"), known)
            if who == PERSON and entity is not None:
                message = Message("only what people do is about a person")
                self.report.error(doc, path, message, code="person")
        self.words(doc, ("template",), entity, body.get("template"), "template")

    def _permissions(self) -> Mapping[str, Any]:
        return {name: body.get("permissions") or () for _, name, body in self.documents("role")}

    def _records(self, doc: str, body: Mapping[str, Any], entity: Entity) -> None:
        self.condition(doc, ("where",), entity, body.get("where"))
        measure: Mapping[str, Any] = body.get("measure") or {}
        if len(measure) > 1:
            message = Message("one number is looked at, not {count}", count=len(measure))
            self.report.error(doc, ("measure",), message, code="measure", key=True)
        for function, dotted in measure.items():
            info = self.field(doc, ("measure", function), entity, dotted)
            if info is not None and function != "count" and info.type is not Type.NUMBER:
                message = Message("{name} is no number", name=repr(dotted))
                self.report.error(doc, ("measure", function), message, code="no_number")
        if "above" not in body and "below" not in body:
            message = Message("an alert says from which number on it tells somebody")
            self.report.error(doc, ("alert",), message, Message("add above or below"), code="missing", key=True)

    def _events(self, doc: str, body: Mapping[str, Any], watched: Mapping[str, Any]) -> None:
        for name in _ABOUT_RECORDS:
            if name in body:
                message = Message("{name} is about records of an entity", name=repr(name))
                self.report.error(doc, (name,), message, code="records", key=True)
        if (reading := watched.get("reading")) is not None:
            self.entity(doc, ("on", "reading", "entity"), reading.get("entity"))
        if (audit := watched.get("audit")) is None:
            return
        for number, kind in enumerate(audit.get("kinds") or ()):
            if kind not in EVENT_KINDS:
                message = Message("there is no kind of event {name}", name=repr(kind))
                self.report.unknown(doc, ("on", "audit", "kinds", number), message, kind, EVENT_KINDS)
        for number, key in enumerate(audit.get("entities") or ()):
            self.entity(doc, ("on", "audit", "entities", number), key)
        if (outside := audit.get("outside")) is not None:
            self._hours(doc, ("on", "audit", "outside"), outside)

    def _hours(self, doc: str, path: Path, outside: Mapping[str, Any]) -> None:
        self.document(doc, (*path, "calendar"), "calendar", outside.get("calendar"))
        zone = outside.get("timezone")
        if zone is not None and not is_zone(zone):
            message = Message("there is no time zone {name}", name=repr(zone))
            self.report.error(doc, (*path, "timezone"), message, suggest(zone, available_timezones()), code="timezone")
        hours = [name for name in ("from", "to") if name in outside]
        if "calendar" not in outside and len(hours) < len(("from", "to")):
            message = Message("working hours are from and to, or a calendar")
            self.report.error(doc, path, message, code="hours", key=True)
        elif "calendar" not in outside and not outside["from"] < outside["to"]:
            message = Message(
                "{hours} does not end after it begins, or begins before the last one ends",
                hours=f"{outside['from']}-{outside['to']}",
            )
            self.report.error(doc, (*path, "to"), message, code="hours")
