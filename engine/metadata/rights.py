"""Roles of a Model: grants, masks and restrictions, with their conditions read."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from engine.expression import Expr
from engine.i18n import Message, humanise
from engine.metadata.kinds.rights import NAMED_ROWS
from engine.metadata.model import ACTIONS, Entity, Grant, Role
from engine.metadata.report import Path, Report
from engine.metadata.rules import listed
from engine.metadata.scope import EntityScope, Source


class Rights:
    """Reads the roles."""

    def __init__(self, report: Report, entities: Mapping[str, Entity], source: Source) -> None:
        self._report, self._entities, self._source = report, entities, source

    def run(self) -> dict[str, Role]:
        """Return every role by key."""
        composed = self._report.composed
        return {
            doc.partition("/")[2]: self._role(doc, body)
            for doc, body in composed.documents.items()
            if doc.startswith("role/")
        }

    def _role(self, doc: str, body: Mapping[str, Any]) -> Role:
        key = doc.partition("/")[2]
        return Role(
            key=key,
            label=self._report.text(doc, ("label",), body.get("label"), humanise(key)),
            grants={
                entity: self._grant(doc, entity, grant)
                for entity, grant in (body.get("grants") or {}).items()
                if self._known(doc, ("grants", entity), entity)
            },
            restrict={
                entity: self._restrict(doc, entity, conditions)
                for entity, conditions in (body.get("restrict") or {}).items()
                if self._known(doc, ("restrict", entity), entity)
            },
            permissions=frozenset(body.get("permissions", ())),
            second_factor=bool(body.get("second_factor", False)),
            export_rows=body.get("export_rows"),
            export_reason=bool(body.get("export_reason", False)),
            layer=self._report.composed.layers[doc].name,
        )

    def _known(self, doc: str, path: Path, entity: str) -> bool:
        if entity == "*" or entity in self._entities:
            return True
        message = Message("there is no entity {name}", name=repr(entity))
        self._report.unknown(doc, path, message, entity, self._entities, key=True)
        return False

    def _grant(self, doc: str, entity: str, body: Mapping[str, Any]) -> Grant:
        path = ("grants", entity)
        actions: dict[str, tuple[str | Expr, ...]] = {
            action: self._rows(doc, (*path, action), entity, body[action]) for action in ACTIONS if action in body
        }
        fields = body.get("fields") or {}
        known = self._entities[entity].fields if entity in self._entities else {}
        for key in fields:
            if entity != "*" and key not in known:
                message = Message("{entity} has no field {name}", entity=entity, name=repr(key))
                self._report.unknown(doc, (*path, "fields", key), message, key, known, key=True)
        return Grant(entity, actions, dict(fields))

    def _rows(self, doc: str, path: Path, entity: str, given: Any) -> tuple[str | Expr, ...]:
        rows: list[str | Expr] = []
        for number, text in enumerate(listed(given)):
            here = (*path, number) if isinstance(given, list) else path
            if text in NAMED_ROWS:
                rows.append(text)
            elif entity == "*" or (text.isidentifier() and text not in self._entities[entity].fields):
                message = Message("{name} names no rows", name=repr(text))
                self._report.error(doc, here, message, _rows_advice(text), code="rows")
            else:
                expr = self._report.expression(doc, here, text, EntityScope(self._source, entity, old=False))
                if expr is not None:
                    rows.append(expr)
        return tuple(rows)

    def _restrict(self, doc: str, entity: str, conditions: Mapping[str, Any]) -> dict[str, Expr]:
        found: dict[str, Expr] = {}
        for name, text in conditions.items():
            path = ("restrict", entity, name)
            if entity == "*":
                message = Message("a condition needs an entity whose fields it can use, not *")
                self._report.error(doc, path, message, code="restrict", key=True)
                continue
            expr = self._report.expression(doc, path, text, EntityScope(self._source, entity, old=False))
            if expr is not None:
                found[name] = expr
        return found


def _rows_advice(word: str) -> Message:
    close = difflib.get_close_matches(word, NAMED_ROWS, 1)
    if close:
        return Message("did you mean {name}?", name=repr(close[0]))
    return Message("write one of {names}, or a condition", names=", ".join(NAMED_ROWS))
