"""Roles of a Model: grants, masks and restrictions, with their conditions read."""

from __future__ import annotations

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
            id.partition("/")[2]: self._role(id, body)
            for id, body in composed.documents.items()  # noqa: A001 - of a document
            if id.startswith("role/")
        }

    def _role(self, id: str, body: Mapping[str, Any]) -> Role:  # noqa: A002
        key = id.partition("/")[2]
        return Role(
            key=key,
            label=self._report.text(id, ("label",), body.get("label"), humanise(key)),
            grants={
                entity: self._grant(id, entity, grant)
                for entity, grant in (body.get("grants") or {}).items()
                if self._known(id, ("grants", entity), entity)
            },
            restrict={
                entity: self._restrict(id, entity, conditions)
                for entity, conditions in (body.get("restrict") or {}).items()
                if self._known(id, ("restrict", entity), entity)
            },
            permissions=frozenset(body.get("permissions", ())),
            layer=self._report.composed.layers[id].name,
        )

    def _known(self, id: str, path: Path, entity: str) -> bool:  # noqa: A002
        if entity == "*" or entity in self._entities:
            return True
        message = Message("there is no entity {name}", name=repr(entity))
        self._report.unknown(id, path, message, entity, self._entities, key=True)
        return False

    def _grant(self, id: str, entity: str, body: Mapping[str, Any]) -> Grant:  # noqa: A002
        path = ("grants", entity)
        actions = {
            action: self._rows(id, (*path, action), entity, body[action]) for action in ACTIONS if action in body
        }
        fields = body.get("fields") or {}
        known = self._entities[entity].fields if entity in self._entities else {}
        for key in fields:
            if entity != "*" and key not in known:
                message = Message("{entity} has no field {name}", entity=entity, name=repr(key))
                self._report.unknown(id, (*path, "fields", key), message, key, known, key=True)
        return Grant(entity, actions, dict(fields))

    def _rows(self, id: str, path: Path, entity: str, given: Any) -> tuple[str | Expr, ...]:  # noqa: A002
        rows: list[str | Expr] = []
        for number, text in enumerate(listed(given)):
            here = (*path, number) if isinstance(given, list) else path
            if text in NAMED_ROWS:
                rows.append(text)
            elif entity == "*":
                message = Message("{name} names no rows", name=repr(text))
                self._report.unknown(id, here, message, text, NAMED_ROWS)
            else:
                expr = self._report.expression(id, here, text, EntityScope(self._source, entity, old=False))
                if expr is not None:
                    rows.append(expr)
        return tuple(rows)

    def _restrict(self, id: str, entity: str, conditions: Mapping[str, Any]) -> dict[str, Expr]:  # noqa: A002
        found: dict[str, Expr] = {}
        for name, text in conditions.items():
            path = ("restrict", entity, name)
            if entity == "*":
                message = Message("a condition needs an entity whose fields it can use, not *")
                self._report.error(id, path, message, code="restrict", key=True)
                continue
            expr = self._report.expression(id, path, text, EntityScope(self._source, entity, old=False))
            if expr is not None:
                found[name] = expr
        return found
