"""`EntityScope`: the names that an expression about one entity may use."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol

from engine.errors import ExpressionProblem
from engine.expression import Expr, FieldInfo, Type, check
from engine.metadata.drafts import as_tree
from engine.metadata.model import Entity, Model

USER = FieldInfo(Type.LINK, target="user", nullable=False)
VARIABLES: Mapping[str, FieldInfo] = {
    "user.id": USER,
    "user.name": FieldInfo(Type.TEXT, nullable=False),
    "user.email": FieldInfo(Type.TEXT),
    "user.language": FieldInfo(Type.TEXT, nullable=False),
    "user.timezone": FieldInfo(Type.TEXT, nullable=False),
    "user.roles": FieldInfo(Type.LIST, nullable=False),
    "user.teams": FieldInfo(Type.LIST, nullable=False),
    "user.department": FieldInfo(Type.LINK, target="department"),
    "user.territories": FieldInfo(Type.LIST, nullable=False),
    "user.manager": FieldInfo(Type.LINK, target="user"),
    "user.leads": FieldInfo(Type.BOOLEAN, nullable=False),
    "today": FieldInfo(Type.DATE, nullable=False),
    "now": FieldInfo(Type.DATETIME, nullable=False),
}
"""What every expression may use besides fields."""
_IDS = FieldInfo(Type.LIST, nullable=False)
ASKED: Mapping[str, FieldInfo] = {**VARIABLES, "user.reports": _IDS, "user.starred": _IDS, "user.seen": _IDS}
"""What a condition that only chooses what is shown may use: also ids that are read where the records are read."""


class Source(Protocol):
    """Tells what fields and relations entities have."""

    def info(self, entity: str, key: str) -> FieldInfo | None:
        """Return what is known of a field or relation."""

    def keys(self, entity: str) -> Iterable[str]:
        """Return the keys of all fields and relations of an entity."""


class PersonScope:
    """The person and the time alone: what a condition knows that is about no record."""

    def field(self, _key: str) -> FieldInfo | None:
        """Return nothing: there is no record."""
        return None

    def target(self, _entity: str) -> PersonScope:
        """Return the same: no link leads anywhere."""
        return self

    def variable(self, name: str) -> FieldInfo | None:
        """Return what is known of a variable."""
        return VARIABLES.get(name)

    def names(self) -> Iterator[str]:
        """Yield every name, for suggestions."""
        yield from VARIABLES


class EntitiesSource:
    """The fields and relations of finished entities."""

    def __init__(self, entities: Mapping[str, Entity]) -> None:
        self._entities = entities
        self._trees = {key: tree for key, entity in entities.items() if (tree := tree_field(entity)) is not None}

    def info(self, entity: str, key: str) -> FieldInfo | None:
        """Return what is known of a field or relation."""
        found = self._entities.get(entity)
        if found is None:
            return None
        field = found.fields.get(key)
        if field is None:
            relation = found.relations.get(key)
            return None if relation is None else FieldInfo(Type.MANY, target=relation.entity)
        return as_tree(field.info, entity if key == "id" else field.target, self._trees)

    def keys(self, entity: str) -> Iterable[str]:
        """Return the keys of all fields and relations of an entity."""
        found = self._entities.get(entity)
        return () if found is None else [*found.fields, *found.relations]


def tree_field(entity: Entity) -> str | None:
    """Return the lookup by which records of an entity stand below one another."""
    return first_tree(
        each.key
        for each in entity.fields.values()
        if each.target == entity.key and each.type.links == "one" and not each.system
    )


def first_tree(links: Iterable[str]) -> str | None:
    """Return that of several links of an entity to itself which makes the tree."""
    own = list(links)
    return "parent" if "parent" in own else own[0] if own else None


class EntityScope:
    """Fields and relations of one entity, the user, the time; `old`, `input` and `record` where they make sense.

    `old.<field>` is what a field held before the change; `input.<name>` a value that somebody was asked for;
    `record.<field>`, in the `where` of a lookup, what the record that links holds.
    """

    __slots__ = ("_entity", "_more", "_old", "_source", "_variables")

    def __init__(
        self,
        source: Model | Source,
        entity: str,
        *,
        inputs: Mapping[str, FieldInfo] | None = None,
        record: Mapping[str, FieldInfo] | None = None,
        old: bool = True,
        variables: Mapping[str, FieldInfo] = VARIABLES,
    ) -> None:
        if isinstance(source, Model):
            model = source
            source = model.derive("scope source", lambda: EntitiesSource(model.entities))
        self._source, self._entity = source, entity
        self._more = {"input": inputs or {}, "record": record or {}}
        self._old, self._variables = old, variables

    def field(self, key: str) -> FieldInfo | None:
        """Return what is known of a field or relation of this entity."""
        return self._source.info(self._entity, key)

    def target(self, entity: str) -> EntityScope:
        """Return the scope of the entity that a link leads to."""
        inputs, record = self._more["input"], self._more["record"]
        return EntityScope(self._source, entity, inputs=inputs, record=record, old=False, variables=self._variables)

    def variable(self, name: str) -> FieldInfo | None:
        """Return what is known of a variable."""
        found = self._variables.get(name)
        if found is not None:
            return found
        root, _, rest = name.partition(".")
        if root == "old" and self._old:
            return self.field(rest)
        return self._more[root].get(rest) if root in self._more else None

    def names(self) -> Iterator[str]:
        """Yield every name, for suggestions."""
        yield from self._source.keys(self._entity)
        yield from self._variables
        yield from (f"{root}.{name}" for root, known in self._more.items() for name in known)


def problems_of(model: Model, entity: str, condition: Expr) -> tuple[ExpressionProblem, ...]:
    """Return what is wrong with a condition about an entity; nothing when it can be asked for."""
    return check(condition, EntityScope(model, entity, variables=ASKED), Type.BOOLEAN).problems
