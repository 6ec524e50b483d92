"""Where names stand in a statement: rows of an entity, what links lead to, and the scope that expressions see.

Two kinds of reader share one statement. What somebody *asks* (select, filter, sort) sees the fields that the roles
let them see, and along links only rows that they may read. What the *model* says (formulas, row rules) sees all,
so that a formula has one value for everybody and a rule cannot depend on itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import count
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import CTE, ColumnElement, FromClause, Select, Text, and_, cast, false, func, literal, null, select

from engine.data.owned import listed, own_ids
from engine.data.statement import Binds
from engine.expression import FieldInfo, ManyScope, SqlValue, Type, compile_sql
from engine.fields import StorageType
from engine.metadata.model import Entity, Field
from engine.metadata.scope import ASKED, VARIABLES, EntityScope, tree_field
from engine.storage.columns import Stored

if TYPE_CHECKING:
    from engine.data.rules import RoleRules
    from engine.storage.tables import Tables

Element = ColumnElement[Any]

NEVER_EMPTY = frozenset({"id", "version", "created_at", "updated_at"})
ZONE = FieldInfo(Type.TEXT, nullable=False)

_KINDS: Mapping[Type, Any] = {
    Type.TEXT: "text",
    Type.LINK: "uuid",
    Type.LIST: "json",
    Type.DATE: "date",
    Type.DATETIME: "datetime",
    Type.TIME: "time",
    Type.BOOLEAN: "boolean",
    Type.JSON: "json",
}


@dataclass(slots=True)
class Frame:
    """What all parts of one statement share while it is put together."""

    kind: Literal["sqlite", "postgresql"]
    tables: Tables
    roles: RoleRules
    binds: Binds
    params: Mapping[str, FieldInfo] = field(default_factory=dict)
    """Values of the query itself: "param.0" -> its type."""
    nested: bool = False
    """Whether what a condition works out by steps must stand inside it, for it depends on the row outside."""
    _numbers: Any = field(default_factory=count)
    _conditions: Any = None

    def alias(self, entity: str) -> FromClause:
        """Return an entity's table under a name that stands nowhere else in the statement."""
        return self.tables.table(entity).alias(f"t{next(self._numbers)}")

    def link(self, entity: str, key: str) -> FromClause:
        """Return the link table of a field under a name that stands nowhere else in the statement."""
        return self.tables.link(entity, key).alias(f"t{next(self._numbers)}")

    def name(self) -> str:
        """Return a name for a part of the statement that nothing else in it has."""
        return f"w{next(self._numbers)}"

    def steps(self, begin: Select[Any]) -> CTE:
        """Return the beginning of rows that are found step by step, each from those before."""
        return begin.cte(self.name(), recursive=True, nesting=self.nested)

    def root(self, entity: str) -> Place:
        """Return the rows that the statement is about."""
        return Place(self, self.roles.model.entity(entity), self.alias(entity), Joins())


@dataclass(slots=True)
class Joins:
    """The LEFT JOINs of one SELECT, in order."""

    parts: list[tuple[FromClause, Element]] = field(default_factory=list)

    def apply(self, start: FromClause) -> FromClause:
        """Return what stands after FROM."""
        whole = start
        for alias, condition in self.parts:
            whole = whole.outerjoin(alias, condition)
        return whole


class Place:
    """Rows of one entity at one place of a statement.

    With `joins`, links become LEFT JOINs of the SELECT that the place is in. Without, each path becomes a sub-select
    of its own, so that a condition can stand anywhere.
    """

    def __init__(
        self, frame: Frame, entity: Entity, alias: FromClause, joins: Joins | None = None, *, few: bool = False
    ) -> None:
        self.frame = frame
        self.entity = entity
        self.alias = alias
        self.few = few
        """Whether conditions are asked of the rows of a page: each by itself, not by a set of all that keep them."""
        self._joins = joins
        self._links: dict[tuple[str, bool], Place] = {}

    @property
    def inline(self) -> Place:
        """Return the same rows for a condition that must not add joins."""
        return self if self._joins is None else Place(self.frame, self.entity, self.alias)

    @property
    def source(self) -> FromClause:
        """Return what stands after FROM, with the joins so far."""
        return self.alias if self._joins is None else self._joins.apply(self.alias)

    def scope(self, *, asking: bool) -> ReadScope:
        """Return what expressions about these rows see."""
        return ReadScope(self.frame, self.entity, asking=asking, place=self)

    def value(self, keys: tuple[str, ...], *, asking: bool) -> Element:
        """Return the column of a path, as its field holds values."""
        known = self.entity.fields[keys[0]]
        if len(keys) == 1:
            return self._own(known, asking=asking)
        link, rest = keys[0], keys[1:]
        if known.target is None:
            raise ValueError(f"{known.entity}.{known.key} leads nowhere")
        if known.expr is not None and known.type.links == "":
            # A reference to a link goes on from where it leads.
            return self.value((*_path_of(known), *rest), asking=asking)
        target = self.frame.roles.model.entity(known.target)
        if rest == ("id",):
            return self._own(known, asking=asking)
        # Whoever has the link may see the title at its end; for everything else the row must be in reach.
        ruled = asking and not (len(rest) == 1 and rest[0] == target.title)
        if self._joins is not None:
            return self._joined(link, target, ruled=ruled).value(rest, asking=asking)
        there = Place(self.frame, target, self.frame.alias(target.key))
        chosen = select(there.value(rest, asking=asking)).where(there.alias.c.id == self._own(known, asking=asking))
        if ruled:
            chosen = chosen.where(*there.reach("read"))
        return chosen.correlate_except(there.alias).scalar_subquery()

    def many(self, keys: tuple[str, ...], *, asking: bool) -> ManyScope:
        """Return the rows that a relation leads to, without those in the recycle bin."""
        if len(keys) > 1:
            known = self.entity.fields[keys[0]]
            target = self.frame.roles.model.entity(known.target or "")
            if self._joins is not None:
                return self._joined(keys[0], target, ruled=asking).many(keys[1:], asking=asking)
            there = Place(self.frame, target, self.frame.alias(target.key))
            found = there.many(keys[1:], asking=asking)
            anchor = select(found.anchor).where(there.alias.c.id == self._own(known, asking=asking))
            if asking:
                anchor = anchor.where(*there.reach("read"))
            return replace(found, anchor=anchor.correlate_except(there.alias).scalar_subquery())
        rows, link, there = self.related(keys[0])
        rows = rows.where(there.alias.c.deleted_at.is_(None))
        if asking:
            rows = rows.where(*there.reach("read"))
        return ManyScope(rows, link, self.anchor(keys[0]), there.scope(asking=asking))

    def related(self, key: str) -> tuple[Select[Any], Element, Place]:
        """Return (SELECT of what points back here, that column, the rows) of a relation, unrestricted."""
        frame, model = self.frame, self.frame.roles.model
        own = self.entity.fields.get(key)
        if own is not None and own.type.links == "many":
            link = frame.link(self.entity.key, key)
            target = model.entity(own.target or "")
            there = Place(frame, target, frame.alias(target.key))
            source = link.join(there.alias, there.alias.c.id == link.c.target_id)
            return select(link.c.record_id).select_from(source), link.c.record_id, there
        relation = self.entity.relations[key]
        target = model.entity(relation.entity)
        there = Place(frame, target, frame.alias(target.key))
        if relation.kind == "lookups":
            link = frame.link(relation.entity, relation.field)
            source = link.join(there.alias, there.alias.c.id == link.c.record_id)
            return select(link.c.target_id).select_from(source), link.c.target_id, there
        back = there.alias.c[relation.field]
        return select(back).select_from(there.alias), back, there

    def anchor(self, key: str) -> Element:
        """Return what the column that points back holds for a record of these rows."""
        relation = self.entity.relations.get(key)
        if relation is not None and relation.kind == "any":
            return literal(f"{self.entity.key}/", Text()).concat(cast(self.alias.c.id, Text()))
        return self.alias.c.id

    def collected(self, keys: tuple[str, ...]) -> Element:
        """Return, as one JSON array in its order, what a field with many links leads to: ids, or a field of theirs."""
        frame, key = self.frame, keys[0]
        link = frame.link(self.entity.key, key)
        value: Element = link.c.target_id
        source: FromClause = link
        conditions: list[Element] = [link.c.record_id == self.alias.c.id]
        if len(keys) > 1:
            target = frame.roles.model.entity(self.entity.fields[key].target or "")
            there = Place(frame, target, frame.alias(target.key))
            source = link.join(there.alias, there.alias.c.id == link.c.target_id)
            value = there.value(keys[1:], asking=True)
            if keys[1:] not in {(target.title,), ("id",)}:
                conditions += there.reach("read")
        rows = select(value.label("v"), link.c.position).select_from(source).where(*conditions)
        if frame.kind == "postgresql":
            from sqlalchemy.dialects.postgresql import aggregate_order_by

            rows = rows.with_only_columns(func.jsonb_agg(aggregate_order_by(value, link.c.position)))
            return rows.correlate(self.alias).scalar_subquery()
        inner = rows.order_by(link.c.position).correlate(self.alias).subquery()
        return select(func.nullif(func.json_group_array(inner.c.v), "[]")).scalar_subquery()

    def reach(self, action: str, *, few: bool = False) -> list[Element]:
        """Return the conditions of the row rule of an action; none when every row is in reach."""
        from engine.data.conditions import condition

        rule = self.frame.roles.rule(self.entity.key, action)
        return [] if rule.everybody else [condition(rule, Place(self.frame, self.entity, self.alias, few=few))]

    def _joined(self, link: str, target: Entity, *, ruled: bool) -> Place:
        rule = self.frame.roles.rule(target.key, "read")
        ruled = ruled and not rule.everybody
        found = self._links.get((link, ruled))
        if found is None:
            assert self._joins is not None  # noqa: S101 - only a place with joins joins
            found = Place(self.frame, target, self.frame.alias(target.key), self._joins)
            on = found.alias.c.id == self.alias.c[link]
            if ruled:
                on = and_(on, false() if rule.nobody else found.reach("read")[0])
            self._joins.parts.append((found.alias, on))
            self._links[link, ruled] = found
        return found

    def _own(self, known: Field, *, asking: bool) -> Element:
        if known.expr is not None and not known.stored:
            if known.type.name == "reference":
                return self.value(_path_of(known), asking=asking)
            return compile_sql(known.expr, self.scope(asking=False), value=True, scale=known.scale)
        column = self.alias.c.get(known.key)
        return null() if column is None else column


def _path_of(known: Field) -> tuple[str, ...]:
    keys: tuple[str, ...] = getattr(known.expr, "keys", ())
    return keys


class ReadScope:
    """The names of one entity for expressions: their types for the check, their columns for SQL."""

    def __init__(self, frame: Frame, entity: Entity, *, asking: bool, place: Place | None = None) -> None:
        self._frame = frame
        self._entity = entity
        self._asking = asking
        self._place = place
        variables = ASKED if asking else VARIABLES
        self._known = EntityScope(frame.roles.model, entity.key, old=False, variables=variables)

    @property
    def dialect(self) -> Literal["sqlite", "postgresql"]:
        """Return the kind of database that the statement is for."""
        return self._frame.kind

    def field(self, key: str) -> FieldInfo | None:
        """Return what is known of a field or relation; None also for what the asker may not know of."""
        if self._asking and not visible(self._frame.roles, self._entity, key):
            known = self._entity.fields.get(key)
            if known is None or known.blind_of not in self._frame.roles.revealable(self._entity.key):
                return None
        info = self._known.field(key)
        return replace(info, nullable=False) if info is not None and key in NEVER_EMPTY else info

    def target(self, entity: str) -> ReadScope:
        """Return the names of the entity that a link or relation leads to."""
        return ReadScope(self._frame, self._frame.roles.model.entity(entity), asking=self._asking)

    def variable(self, name: str) -> FieldInfo | None:
        """Return what is known of a variable or a value of the query."""
        if name == "timezone":
            return ZONE
        return self._frame.params.get(name) or self._known.variable(name)

    def names(self) -> Iterable[str]:
        """Yield every name that may be used, for suggestions."""
        for name in self._known.names():
            if not self._asking or "." in name or visible(self._frame.roles, self._entity, name):
                yield name

    def column(self, path: tuple[str, ...]) -> SqlValue:
        """Return the column of a field."""
        return SqlValue(self._here.value(path, asking=self._asking), Type.NULL)

    def bind(self, name: str, info: FieldInfo) -> SqlValue:
        """Return the parameter of a variable."""
        rows = self.ids(name)
        if rows is not None:
            return SqlValue(listed(rows, self._frame.kind), Type.LIST)
        return SqlValue(self._frame.binds.scalar(name, storage_of(info)), info.type, info.scale)

    def many(self, path: tuple[str, ...]) -> ManyScope:
        """Return the related rows that a relation leads to."""
        return self._here.many(path, asking=self._asking)

    def subtree(self, path: tuple[str, ...], root: Element) -> Select[Any]:
        """Return the ids of a record and of all records below it, in the tree that the link path leads to."""
        entity = self._entity
        for key in path:
            entity = self._frame.roles.model.entity(entity.fields[key].target or "")
        return below(self._frame, entity, root)

    def ids(self, name: str) -> Select[Any] | None:
        """Return the ids of what one person has of their own; None where a variable is no such thing."""
        return own_ids(self._frame.binds, name) if self._asking else None

    @property
    def _here(self) -> Place:
        if self._place is None:
            raise ValueError("these names have types, but no columns")
        return self._place


def below(frame: Frame, entity: Entity, root: Element) -> Select[Any]:
    """Return the ids of `root` and of all records below it in the entity's tree."""
    link = tree_field(entity)
    # A parameter in a list of columns has no type of its own on PostgreSQL.
    top = select((cast(root, Stored("uuid")) if frame.kind == "postgresql" else root).label("id"))
    if link is None:
        return top
    rows = frame.alias(entity.key)
    tree = frame.steps(top)
    tree = tree.union(select(rows.c.id).join_from(tree, rows, rows.c[link] == tree.c.id))
    return select(tree.c.id)


def visible(roles: RoleRules, entity: Entity, key: str) -> bool:
    """Say whether the asker may know that a field or relation is there."""
    known = entity.fields.get(key)
    if known is not None and known.type.links in {"", "one", "any"}:
        return reading(roles, entity, key) != "hidden"
    if known is not None and known.type.links == "many":
        return roles.masks(entity.key).get(key, "hidden") != "hidden"
    relation = entity.relations.get(key)
    if relation is None:
        return False
    if known is not None and roles.masks(entity.key).get(key, "hidden") == "hidden":
        return False
    if roles.rule(relation.entity, "read").nobody:
        return False
    other = roles.model.entity(relation.entity)
    return relation.kind == "children" or reading(roles, other, relation.field) not in {"hidden", "masked"}


def reading(roles: RoleRules, entity: Entity, key: str) -> Literal["hidden", "masked", "read"]:
    """Return how a field is read; of a reference, no better than each field on its way."""
    mask = roles.masks(entity.key).get(key, "hidden")
    shown: Literal["hidden", "masked", "read"] = "read" if mask == "write" else mask
    known = entity.fields.get(key)
    if known is None or known.type.name != "reference" or shown == "hidden" or roles.system:
        return shown
    here = entity
    for step in _path_of(known):
        there = reading(roles, here, step)
        if there == "hidden":
            return "hidden"
        if there == "masked":
            shown = "masked"
        target = here.fields[step].target
        here = roles.model.entity(target) if target is not None else here
    return shown


def storage_of(info: FieldInfo) -> StorageType:
    """Return the kind of column that holds values of a type."""
    if info.type is Type.NUMBER:
        return StorageType("decimal", info.scale or 0)
    return StorageType(_KINDS[info.type])
