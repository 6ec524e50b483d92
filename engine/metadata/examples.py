"""Checks of `test` documents: the entities, rows, fields and roles that an example names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.i18n import Message
from engine.metadata.checking import Checking
from engine.metadata.model import Entity
from engine.metadata.report import Path

_ROWS = ("update", "delete", "restore", "read", "row")


class Examples(Checking):
    """Checks the tests."""

    def run(self) -> None:
        """Note everything that is wrong."""
        for doc, _, body in self.documents("test"):
            self._test(doc, body)

    def _test(self, doc: str, body: Mapping[str, Any]) -> None:
        rows: dict[str, Entity] = {}
        for key, given in (body.get("given") or {}).items():
            entity = self.entity(doc, ("given", key), key, at_key=True)
            if entity is not None:
                for name, values in given.items():
                    rows[name] = entity
                    self._values(doc, ("given", key, name), entity, values)
        when: Mapping[str, Any] = body.get("when") or {}
        doing = [
            each for each in ("create", "update", "delete", "restore", "read", "transition", "run") if each in when
        ]
        if len(doing) != 1:
            message = Message("one thing happens: create, update, delete, restore, read, transition or run")
            self.report.error(doc, ("when",), message, code="when", key=True)
        about = self.entity(doc, ("when", "create"), when.get("create"))
        for name in _ROWS:
            row = when.get(name)
            if isinstance(row, str) and row in rows:
                about = rows[row]
        if about is not None:
            self._values(doc, ("when", "set"), about, when.get("set"))
            transition = when.get("transition")
            known = about.states.transitions if about.states is not None else {}
            if transition is not None and transition not in known:
                message = Message("{entity} has no change of state {name}", entity=about.key, name=repr(transition))
                self.report.unknown(doc, ("when", "transition"), message, transition, known)
        self.document(doc, ("when", "run"), "workflow", when.get("run"))
        self._actor(doc, when.get("as"), rows)
        self._expected(doc, body.get("then") or {}, about, rows)

    def _actor(self, doc: str, name: Any, rows: Mapping[str, Entity]) -> None:
        if isinstance(name, str) and name not in self.roles and name not in rows and name != "system":
            message = Message("{name} is no role and no row of user", name=repr(name))
            self.report.unknown(doc, ("when", "as"), message, name, [*self.roles, *rows, "system"])

    def _values(self, doc: str, path: Path, entity: Entity, values: Any) -> None:
        for key in values or {}:
            self.field(doc, (*path, key), entity, key, at_key=True)

    def _expected(self, doc: str, then: Mapping[str, Any], about: Entity | None, rows: Mapping[str, Entity]) -> None:
        refused = then.get("refused")
        if about is not None and isinstance(refused, Mapping):
            for key in refused:
                if key and key.split("/")[0] not in about.fields:
                    message = Message("{entity} has no field {name}", entity=about.key, name=repr(key))
                    self.report.unknown(doc, ("then", "refused", key), message, key, about.fields, key=True)
        if about is not None:
            self._values(doc, ("then", "values"), about, then.get("values"))
            holds = then.get("holds")
            for number, text in enumerate([holds] if isinstance(holds, str) else holds or ()):
                here: Path = ("then", "holds", number) if isinstance(holds, list) else ("then", "holds")
                self.condition(doc, here, about, text)
        for name, values in (then.get("rows") or {}).items():
            if name in rows:
                self._values(doc, ("then", "rows", name), rows[name], values)
        for key in then.get("count") or {}:
            self.entity(doc, ("then", "count", key), key, at_key=True)
