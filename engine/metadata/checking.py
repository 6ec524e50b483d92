"""What the checks of automation, reports and tests share: finding what a document names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from engine.expression import Expr, FieldInfo, Type
from engine.i18n import Message
from engine.metadata.model import Entity
from engine.metadata.report import Path, Report
from engine.metadata.rules import listed, path_info
from engine.metadata.scope import VARIABLES, EntityScope, Source

_GAP = re.compile(r"\{\{-?\s*(?:record\.)([A-Za-z0-9_.]+)")
_NAME = re.compile(r"[a-z][a-z0-9_]*([.][a-z][a-z0-9_]*)*")


class Checking:
    """Checks of one kind of document."""

    variables: Mapping[str, FieldInfo] = VARIABLES
    """What its conditions may use besides fields."""

    def __init__(self, report: Report, entities: Mapping[str, Entity], source: Source, roles: Iterable[str]) -> None:
        self.report, self.entities, self.source, self.roles = report, entities, source, frozenset(roles)

    def documents(self, kind: str) -> list[tuple[str, str, Mapping[str, Any]]]:
        """Return (kind/name, name, body) of each document of a kind."""
        documents = self.report.composed.documents.items()
        return [(doc, doc.partition("/")[2], body) for doc, body in documents if doc.startswith(f"{kind}/")]

    def names(self, kind: str) -> list[str]:
        """Return the names of all documents of a kind."""
        return [name for _, name, _ in self.documents(kind)]

    def entity(self, doc: str, path: Path, key: Any, *, at_key: bool = False) -> Entity | None:
        """Return an entity; None after noting that there is none, or when none is named."""
        found = self.entities.get(key) if isinstance(key, str) else None
        if found is None and isinstance(key, str):
            message = Message("there is no entity {name}", name=repr(key))
            self.report.unknown(doc, path, message, key, self.entities, key=at_key)
        return found

    def document(self, doc: str, path: Path, kind: str, name: Any) -> None:
        """Note that a document of a kind is not there."""
        known = self.names(kind)
        if isinstance(name, str) and name not in known:
            message = Message("there is no {kind} {name}", kind=kind, name=repr(name))
            self.report.unknown(doc, path, message, name, known)

    def field(
        self, doc: str, path: Path, entity: Entity | None, dotted: Any, *, at_key: bool = False
    ) -> FieldInfo | None:
        """Return what is known of a field or a path along links; None after noting that there is none."""
        if entity is None or not isinstance(dotted, str):
            return None
        info: FieldInfo | None = path_info(self.source, entity.key, tuple(dotted.split(".")))
        if info is None:
            message = Message("{entity} has no field {name}", entity=entity.key, name=repr(dotted))
            self.report.unknown(doc, path, message, dotted, self.source.keys(entity.key), key=at_key)
        return info

    def fields(self, doc: str, path: Path, entity: Entity | None, given: Any) -> None:
        """Note those of several fields that are not there."""
        for number, dotted in enumerate(listed(given)):
            self.field(doc, (*path, number) if isinstance(given, list) else path, entity, dotted)

    def dated(self, doc: str, path: Path, entity: Entity | None, dotted: Any) -> None:
        """Note that a field holds no date."""
        info = self.field(doc, path, entity, dotted)
        if info is not None and info.type not in {Type.DATE, Type.DATETIME}:
            message = Message("{name} is no date", name=repr(dotted))
            self.report.error(doc, path, message, code="no_date")

    def relation(self, doc: str, path: Path, entity: Entity | None, key: Any) -> Entity | None:
        """Return the entity of related records; None after noting that there are none."""
        if entity is None or not isinstance(key, str):
            return None
        info = self.source.info(entity.key, key)
        if info is None or info.type is not Type.MANY or info.target is None:
            message = Message("{entity} has no related records {name}", entity=entity.key, name=repr(key))
            self.report.unknown(doc, path, message, key, entity.relations)
            return None
        return self.entities.get(info.target)

    def role_names(self, doc: str, path: Path, given: Any) -> None:
        """Note roles that are not there."""
        for number, role in enumerate(listed(given)):
            if role not in self.roles:
                message = Message("there is no role {name}", name=repr(role))
                here = (*path, number) if isinstance(given, list) else path
                self.report.unknown(doc, here, message, role, self.roles)

    def people(self, doc: str, path: Path, entity: Entity | None, given: Any) -> None:
        """Note what is wrong with those who get or do something: record.owner, role:manager, an address."""
        for number, who in enumerate(listed(given)):
            here = (*path, number) if isinstance(given, list) else path
            if who.startswith("role:"):
                self.role_names(doc, here, who.removeprefix("role:"))
            elif who.startswith("record.") and entity is not None:
                self.field(doc, here, entity, who.removeprefix("record."))

    def condition(
        self,
        doc: str,
        path: Path,
        entity: Entity | None,
        text: Any,
        inputs: Mapping[str, FieldInfo] | None = None,
        expect: Type | None = Type.BOOLEAN,
    ) -> Expr | None:
        """Return an expression about a record; None after noting what is wrong, or when there is none."""
        if not isinstance(text, str):
            return None
        if entity is None and not self._free(doc):
            return None
        key = entity.key if entity is not None else ""
        scope = EntityScope(self.source, key, inputs=inputs, variables=self.variables)
        return self.report.expression(doc, path, text, scope, expect)

    def _free(self, doc: str) -> bool:
        """Whether a document may speak of no entity, so that an expression has variables only."""
        return doc.startswith("workflow/")

    def words(self, doc: str, path: Path, entity: Entity | None, given: Any, kind: str = "") -> None:
        """Note gaps such as {{ record.subject }} that name no field; a single name stands for a document."""
        if kind and isinstance(given, str) and _NAME.fullmatch(given) and ("_" in given or "." in given):
            self.document(doc, path, kind, given)
            return
        texts = given if isinstance(given, Mapping) else {"": given}
        for language, text in texts.items():
            here = (*path, language) if isinstance(given, Mapping) else path
            for gap in _GAP.finditer(text) if isinstance(text, str) and entity is not None else ():
                self.field(doc, here, entity, gap[1])
