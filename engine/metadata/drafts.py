"""Drafts of entities while a Model is built: what documents say, before expressions are read and names resolved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.expression import Expr, FieldInfo, Type
from engine.fields import FieldType
from engine.i18n import Text
from engine.metadata.model import EMPTY, Option, Relation, Rollup

Path = tuple[str | int, ...]


@dataclass(slots=True, eq=False)
class FieldDraft:
    """One field on its way to a `Field`."""

    key: str
    entity: str
    body: Mapping[str, Any]
    path: Path
    type: FieldType
    options: Mapping[str, Any]
    label: Text
    order: int = 0
    layer: str = "site"
    choices: Mapping[str, Option] = field(default_factory=lambda: EMPTY)
    target: str | None = None
    targets: tuple[str, ...] = ()
    link: str | None = None
    expr: Expr | None = None
    rollup: Rollup | None = None
    shown: FieldDraft | None = None
    """Of a reference: the field whose values it shows."""
    info: FieldInfo | None = None
    implicit: bool = False
    """The lookup of a child to its parent, which no document declares."""

    @property
    def stored(self) -> bool:
        """Whether its values stand somewhere, and are not made in every read."""
        return not self.type.computed or self.type.storage(self.options) is not None


@dataclass(slots=True, eq=False)
class EntityDraft:
    """One entity on its way to an `Entity`."""

    key: str
    id: str
    """Of its document: "entity/lead"."""
    body: Mapping[str, Any]
    layer: str
    prefix: str
    fields: dict[str, FieldDraft] = field(default_factory=dict)
    system: dict[str, FieldInfo] = field(default_factory=dict)
    parent: str | None = None
    relations: dict[str, Relation] = field(default_factory=dict)
    features: frozenset[str] = frozenset()


def as_tree(info: FieldInfo, target: str | None, trees: Mapping[str, str]) -> FieldInfo:
    """Return what is known of a link, with the tree in which its target stands, if it stands in one."""
    tree = trees.get(target) if target is not None else None
    if tree is None or info.type is not Type.LINK:
        return info
    return FieldInfo(info.type, info.scale, target, info.options, info.nullable, tree)


class Drafts:
    """All entity drafts: the `Source` of expressions while fields are not finished."""

    def __init__(self, entities: dict[str, EntityDraft]) -> None:
        self.entities = entities
        self.trees: dict[str, str] = {}
        """By entity: the lookup by which its records stand below one another."""

    def info(self, entity: str, key: str) -> FieldInfo | None:
        """Return what is known of a field or relation."""
        found = self.entities.get(entity)
        if found is None:
            return None
        draft = found.fields.get(key)
        if draft is not None:
            return draft.info
        system = found.system.get(key)
        if system is not None:
            return as_tree(system, entity if key == "id" else system.target, self.trees)
        relation = found.relations.get(key)
        return None if relation is None else FieldInfo(Type.MANY, target=relation.entity)

    def keys(self, entity: str) -> Iterable[str]:
        """Return the keys of all fields and relations of an entity."""
        found = self.entities.get(entity)
        return () if found is None else [*found.fields, *found.system, *found.relations]

    def leads_to(self, entity: str, key: str) -> str | None:
        """Return the entity to which a field or relation leads; None when it leads to none."""
        found = self.entities.get(entity)
        if found is None:
            return None
        draft = found.fields.get(key)
        if draft is not None:
            return draft.target
        system = found.system.get(key)
        if system is not None:
            return system.target
        relation = found.relations.get(key)
        return relation.entity if relation is not None else None
