"""Which stored values follow from which: worked out once per Model, asked at every write.

A stored formula may read along links (`account.level`), and a rollup reads related rows. So a change in one record can
change what other records store. `dependants` answers, for a field that changed, which records of which entity must be
worked out again and how they are found.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from engine.expression import Call, Expr, Path, paths
from engine.expression.ast import AGGREGATES
from engine.metadata.model import Entity, Field, Model, Relation

CREATED = "*"
"""Stands for "a record came or went" where a key of a field stands otherwise."""


@dataclass(frozen=True, slots=True)
class Follower:
    """Stored formulas of one entity that read a field of another one."""

    entity: str
    links: tuple[str, ...]
    """To-one fields that lead from the follower to the record that changed."""
    formulas: frozenset[str]
    relation: Relation | None = None
    """Set where the formula reads related rows: then `links` lead to the record that has the relation."""


@dataclass(frozen=True, slots=True)
class RollupGroup:
    """The rollups of one entity over one relation: worked out together."""

    entity: str
    """The entity that holds the rollups."""
    relation: Relation
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Dependencies:
    """The whole of one Model."""

    followers: Mapping[tuple[str, str], tuple[Follower, ...]]
    """(entity, field that changed) -> formulas elsewhere that read it."""
    rollups: Mapping[str, tuple[RollupGroup, ...]]
    """Entity whose rows are summed up -> rollups over them."""
    rollup_fields: Mapping[str, frozenset[str]]
    """Entity whose rows are summed up -> its fields that rollups read, links back included."""


def dependencies(model: Model) -> Dependencies:
    """Return the dependencies of a Model, worked out once."""
    return model.derive("dependencies", lambda: _work_out(model))


def _work_out(model: Model) -> Dependencies:
    followers: dict[tuple[str, str], list[Follower]] = {}
    groups: dict[str, list[RollupGroup]] = {}
    read: dict[str, set[str]] = {}
    for entity in model.entities.values():
        for key in entity.formulas:
            expr = entity.fields[key].expr
            if expr is not None:
                for trigger, follower in _triggers(model, entity, key, inlined(model, entity, expr)):
                    followers.setdefault(trigger, []).append(follower)
        by_relation: dict[str, list[Field]] = {}
        for field in entity.fields.values():
            if field.rollup is not None:
                by_relation.setdefault(field.rollup.relation, []).append(field)
        for name, fields in by_relation.items():
            relation = relation_of(entity, name, fields[0])
            groups.setdefault(relation.entity, []).append(
                RollupGroup(entity.key, relation, tuple(field.key for field in fields))
            )
            read.setdefault(relation.entity, set()).update(_rollup_reads(model, relation, fields))
    return Dependencies(
        {trigger: tuple(_joined(found)) for trigger, found in followers.items()},
        {key: tuple(found) for key, found in groups.items()},
        {key: frozenset(found) for key, found in read.items()},
    )


def relation_of(entity: Entity, name: str, field: Field) -> Relation:
    """Return the relation that a rollup sums up."""
    relation = entity.relations.get(name)
    if relation is not None:
        return relation
    rollup = field.rollup
    assert rollup is not None  # noqa: S101 - only rollup fields are asked about
    table = entity.fields.get(name)
    label = (table or field).label
    return Relation(name, rollup.entity, rollup.link, "children", label)


def _rollup_reads(model: Model, relation: Relation, fields: list[Field]) -> Iterator[str]:
    child = model.entities[relation.entity]
    yield relation.field
    for field in fields:
        rollup = field.rollup
        assert rollup is not None  # noqa: S101 - only rollup fields come here
        if rollup.field is not None:
            yield from (path[0] for path in paths(inlined(model, child, Path((rollup.field,)))))
        if rollup.where is not None:
            yield from (path[0] for path in paths(inlined(model, child, rollup.where)))
        if rollup.function in {"first", "last"}:
            yield from (order.path[0] for order in child.order)


def _triggers(model: Model, entity: Entity, key: str, expr: Expr) -> Iterator[tuple[tuple[str, str], Follower]]:
    """Yield ((entity, field), who follows) for every field elsewhere that the formula reads."""
    formulas = frozenset((key,))
    for path in paths(expr):
        at: Entity | None = entity
        links: tuple[str, ...] = ()
        for step in path:
            if at is None:
                break
            field = at.fields.get(step)
            if field is not None and field.type.links in {"one", ""}:
                if links:
                    yield (at.key, step), Follower(entity.key, links, formulas)
                at = model.entities.get(field.target or "")
                links = (*links, step)
                continue
            relation = at.relations.get(step)
            if relation is None and field is not None and field.link and field.target:
                relation = Relation(step, field.target, field.link, "children", field.label)
            if relation is not None:
                rest = path[len(links) + 1 :]
                follower = Follower(entity.key, links, formulas, relation)
                for name in {CREATED, relation.field, *rest[:1]}:
                    yield (relation.entity, name), follower
            break


def _joined(found: list[Follower]) -> Iterator[Follower]:
    """Yield the same followers, those that are found in the same way as one."""
    by_way: dict[tuple[object, ...], Follower] = {}
    for follower in found:
        way = (follower.entity, follower.links, follower.relation and follower.relation.key)
        known = by_way.get(way)
        by_way[way] = follower if known is None else replace(known, formulas=known.formulas | follower.formulas)
    yield from by_way.values()


def inlined(model: Model, entity: Entity, expr: Expr) -> Expr:
    """Return an equal expression that reads stored fields only: for formulas and references stands what they mean."""
    if isinstance(expr, Path):
        return _inlined_path(model, entity, expr)
    if not isinstance(expr, Call):
        return expr
    if expr.name in AGGREGATES and expr.args and isinstance(expr.args[0], Path):
        related = _related(model, entity, expr.args[0].keys)
        if related is None:
            return expr
        args = tuple(inlined(model, related, each) for each in expr.args[1:])
        return replace(expr, args=(expr.args[0], *args))
    return replace(expr, args=tuple(inlined(model, entity, each) for each in expr.args))


def _inlined_path(model: Model, entity: Entity, path: Path) -> Expr:
    at: Entity | None = entity
    for place, key in enumerate(path.keys):
        field = at.fields.get(key) if at is not None else None
        if field is None or at is None:
            return path
        if field.expr is not None and not field.stored:
            meaning = _prefixed(inlined(model, at, field.expr), path.keys[:place])
            rest = path.keys[place + 1 :]
            if not rest:
                return meaning
            if isinstance(meaning, Path):
                return inlined(model, entity, Path((*meaning.keys, *rest)))
            return path
        at = model.entities.get(field.target or "")
    return path


def _prefixed(expr: Expr, prefix: tuple[str, ...]) -> Expr:
    if not prefix:
        return expr
    if isinstance(expr, Path):
        return replace(expr, keys=prefix + expr.keys)
    if isinstance(expr, Call):
        if expr.name in AGGREGATES and expr.args:
            return replace(expr, args=(_prefixed(expr.args[0], prefix), *expr.args[1:]))
        return replace(expr, args=tuple(_prefixed(each, prefix) for each in expr.args))
    return expr


def _related(model: Model, entity: Entity, keys: tuple[str, ...]) -> Entity | None:
    """Return the entity of the rows that a relation path leads to."""
    at: Entity | None = entity
    for key in keys:
        if at is None:
            return None
        relation = at.relations.get(key)
        if relation is not None:
            at = model.entities.get(relation.entity)
            continue
        field = at.fields.get(key)
        at = model.entities.get(field.target or "") if field is not None else None
    return at
