"""Checks of dashboards and reports. What names a field that is not there is a warning: the rest is still shown."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from engine.expression import Type, paths
from engine.i18n import Message
from engine.metadata.checking import Checking
from engine.metadata.model import Entity
from engine.metadata.report import Path
from engine.metadata.rules import listed, path_info
from engine.metadata.scope import ASKED
from engine.metadata.shape import suggest

BUCKETS = ("year", "quarter", "month", "week", "day", "weekday")
"""Parts of a date that rows are made of: month(closed_on)."""
_BUCKET = re.compile(rf"(?:({'|'.join(BUCKETS)})\()?([a-z_][a-z0-9_.]*)\)?")
_SUMS = frozenset({"sum", "avg"})


class Insight(Checking):
    """Checks dashboards and reports."""

    variables = ASKED

    def run(self) -> None:
        """Note everything that is wrong."""
        for doc, _, body in self.documents("report"):
            entity = self.entity(doc, ("entity",), body.get("entity"))
            if entity is not None:
                self._query(doc, (), body, entity)
                for name in ("columns", "filters"):
                    self._paths(doc, (name,), entity, body.get(name))
                self._buckets(doc, ("pivot",), entity, body.get("pivot"))
            self.role_names(doc, ("roles",), body.get("roles"))
        for doc, _, body in self.documents("dashboard"):
            self.role_names(doc, ("roles",), body.get("roles"))
            for key, card in (body.get("cards") or {}).items():
                self._card(doc, ("cards", key), card)

    def _card(self, doc: str, path: Path, body: Mapping[str, Any]) -> None:
        self.role_names(doc, (*path, "roles"), body.get("roles"))
        shows = [each for each in ("entity", "view", "report", "text", "recent") if body.get(each)]
        if len(shows) != 1:
            message = Message("a card shows numbers of an entity, a view, a report or a text: one of them")
            self.report.error(doc, path, message, code="card", key=True)
        for kind in ("view", "report"):
            self._other(doc, (*path, kind), kind, body.get(kind))
        entity = self.entity(doc, (*path, "entity"), body.get("entity"))
        shown = entity or self._shown(body.get("view"))
        if entity is not None:
            self._query(doc, path, body, entity)
            self._buckets(doc, (*path, "pivot"), entity, body.get("pivot"))
            self._buckets(doc, (*path, "trend"), entity, body.get("trend"))
        if shown is not None:
            self._touched(doc, path, shown, body)
        target = body.get("target") or {}
        goal = self.entity(doc, (*path, "target", "entity"), target.get("entity"))
        if goal is not None:
            self.condition(doc, (*path, "target", "where"), goal, target.get("where"))
            self._measured(doc, (*path, "target", "sum"), goal, "sum", target.get("sum", True))
            self._touched(doc, (*path, "target"), goal, target)

    def _shown(self, view: Any) -> Entity | None:
        """Return the entity whose records a view shows."""
        found = next((body for _, name, body in self.documents("view") if name == view), {})
        return self.entities.get(found.get("entity", ""))

    def _touched(self, doc: str, path: Path, entity: Entity, body: Mapping[str, Any]) -> None:
        """Check the fields that the period of the page, and the choice of whose records, are about."""
        self.dated(doc, (*path, "date"), entity, body.get("date"))
        person = body.get("person")
        if person:
            info = self.field(doc, (*path, "person"), entity, person)
            if info is not None and info.target != "user":
                message = Message("{name} leads to no person", name=repr(person))
                self.report.error(doc, (*path, "person"), message, code="no_person")

    def _other(self, doc: str, path: Path, kind: str, name: Any) -> None:
        known = self.names(kind)
        if isinstance(name, str) and name not in known:
            message = Message("there is no {kind} {name}; it is left out", kind=kind, name=repr(name))
            self.report.warning(doc, path, message, suggest(name, known))

    def _query(self, doc: str, path: Path, body: Mapping[str, Any], entity: Entity) -> None:
        self.condition(doc, (*path, "where"), entity, body.get("where"))
        self._buckets(doc, (*path, "group_by"), entity, body.get("group_by"))
        measures = body.get("measures") or {}
        groups = {*listed(body.get("group_by")), *listed(body.get("pivot"))}
        for key in measures.keys() & groups:
            message = Message("{name} is the name of a number and of a row", name=repr(key))
            self.report.error(doc, (*path, "measures", key), message, code="twice", key=True)
        self._having(doc, path, body.get("having"), {*measures, *groups})
        for key, measure in (body.get("measures") or {}).items():
            here = (*path, "measures", key)
            functions = [each for each in measure if each not in {"where", "label", "format"}]
            if functions == ["ratio"]:
                self._ratio(doc, (*here, "ratio"), measure["ratio"], measures)
                continue
            if len(functions) != 1:
                message = Message("a number is one of sum, count, min, max, avg and count_distinct")
                self.report.error(doc, here, message, code="measure", key=True)
            for function in functions:
                self._measured(doc, (*here, function), entity, function, measure[function])
            self.condition(doc, (*here, "where"), entity, measure.get("where"))
        known = {*measures, *groups}
        for number, text in enumerate(body.get("order") or ()):
            name = text.removeprefix("-")
            if name not in known and not self._leads(entity, name):
                message = Message("{name} is neither a number nor a row of it", name=repr(name))
                self.report.warning(doc, (*path, "order", number), message, suggest(name, known))

    def _ratio(self, doc: str, path: Path, parts: Any, measures: Mapping[str, Any]) -> None:
        """Check that a ratio is of two numbers that are worked out from records."""
        known = [key for key, each in measures.items() if "ratio" not in each]
        for number, name in enumerate(parts):
            if name not in known:
                message = Message("{name} is no number of its own here", name=repr(name))
                self.report.error(doc, (*path, number), message, suggest(name, known), code="unknown")

    def _having(self, doc: str, path: Path, text: Any, known: set[str]) -> None:
        """Check that a condition over rows speaks of rows and numbers alone."""
        expr = self.report.parse(doc, (*path, "having"), text)
        for keys in paths(expr) if expr is not None else ():
            name = ".".join(keys)
            if name not in known:
                message = Message("{name} is neither a number nor a row of it", name=repr(name))
                self.report.error(doc, (*path, "having"), message, suggest(name, known), code="unknown")

    def _leads(self, entity: Entity, dotted: str) -> bool:
        return path_info(self.source, entity.key, tuple(dotted.split("."))) is not None

    def _measured(self, doc: str, path: Path, entity: Entity, function: str, dotted: Any) -> None:
        if isinstance(dotted, bool):
            if function != "count" or not dotted:
                message = Message("{function} needs a field", function=function)
                self.report.error(doc, path, message, code="measure")
            return
        self._paths(doc, path, entity, dotted)
        info = path_info(self.source, entity.key, tuple(dotted.split(".")))
        if info is not None and function in _SUMS and info.type is not Type.NUMBER:
            message = Message("{name} is no number", name=repr(dotted))
            self.report.error(doc, path, message, code="no_number")

    def _paths(self, doc: str, path: Path, entity: Entity, given: Any) -> None:
        for number, dotted in enumerate(listed(given)):
            if not self._leads(entity, dotted):
                message = Message("{entity} has no field {name}; it is left out", entity=entity.key, name=repr(dotted))
                here = (*path, number) if isinstance(given, list) else path
                self.report.warning(doc, here, message, suggest(dotted, self.source.keys(entity.key)))

    def _buckets(self, doc: str, path: Path, entity: Entity, given: Any) -> None:
        for number, text in enumerate(listed(given)):
            here = (*path, number) if isinstance(given, list) else path
            found = _BUCKET.fullmatch(text)
            if found is None or (found[1] is None) == text.endswith(")"):
                message = Message("{text} is neither a field nor a part of a date", text=repr(text))
                advice = Message("write {word}", word="month(created_at)")
                self.report.error(doc, here, message, advice, code="bucket")
                continue
            self._paths(doc, here, entity, found[2])
            info = path_info(self.source, entity.key, tuple(found[2].split(".")))
            if found[1] is not None and info is not None and info.type not in {Type.DATE, Type.DATETIME}:
                message = Message("{name} is no date", name=repr(found[2]))
                self.report.error(doc, here, message, code="no_date")
