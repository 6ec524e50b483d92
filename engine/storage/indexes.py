"""The indexes of an entity, derived from what the site does with it.

Unique rules, links and declared indexes are always there. The others serve lists: each is (what the list compares
for equality, what it sorts by, id), over the records that are not in the recycle bin, in the direction of the sort.
They come from row rules, views, quick filters, states and kanban boards, the most useful first, and stop at a limit:
every index is paid for by every write. One more holds what reports read. When a view goes, its index goes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Any

from engine.errors import ExpressionInvalid
from engine.expression import Call, Expr, Path, Var, parse, paths
from engine.expression import Literal as Constant
from engine.i18n import Message
from engine.metadata.model import Entity, Model, Order, View
from engine.storage.columns import quoted
from engine.storage.naming import LONGEST
from engine.storage.order import default_order, order_sql
from engine.storage.storage_map import SYSTEM_NOT_NULL, StoredEntity

MOST_DERIVED = 8
"""Derived list indexes of one table. A ninth would make each write a tenth slower and lists not much faster."""

MOST_AMONG = 8
"""Values of a condition such as `stage in ["new", "won"]` that are each read off the index by themselves."""

MOST_COMPARED = 2
"""Columns compared for equality in one list index, and quick filters that are combined in pairs."""

_LIVE = '"deleted_at" IS NULL'
_FOR_LINKS = Message("links")
_PRINCIPALS = frozenset({"user", "team", "department"})
_FILTERABLE = frozenset({"text", "uuid", "boolean", "integer"})
"""Kinds of columns that people filter by equality: options, links, flags."""


@dataclass(frozen=True, slots=True)
class Part:
    """One column of an index."""

    column: str
    descending: bool = False
    nullable: bool = True


@dataclass(frozen=True, slots=True)
class Index:
    """An index to be; equal definitions have equal names."""

    entity: str
    table: str
    parts: tuple[Part, ...]
    fields: tuple[str, ...]
    unique: bool = False
    where: str = ""
    contains: bool = False
    """Finds parts of a text; on PostgreSQL only, with its extension pg_trgm."""
    reason: Message = _FOR_LINKS
    """What it serves."""
    replaceable: bool = False
    """Whether a longer index that begins with its columns may stand for it."""

    def columns_sql(self, dialect: str) -> str:
        """Return what stands between the parentheses of CREATE INDEX."""
        if self.contains:
            # The very expression that `contains` compiles to, or the planner does not see that it serves.
            return f'lower({quoted(self.parts[0].column)} COLLATE "default") gin_trgm_ops'
        parts = self.parts
        if dialect == "sqlite" and len({part.descending for part in parts}) == 1:
            # Read from either end; a second index for the other direction would be the same one again.
            return ", ".join(quoted(part.column) for part in parts)
        return ", ".join(
            order_sql(quoted(part.column), descending=part.descending, nullable=part.nullable, dialect=dialect)
            if dialect != "sqlite"
            else quoted(part.column) + (" DESC" if part.descending else "")
            for part in parts
        )

    def name(self, dialect: str) -> str:
        """Return its name, which ends in a hash of all that it is."""
        columns = self.columns_sql(dialect)
        mark = hashlib.sha256(f"{self.table}({columns}){self.unique}{self.where}".encode()).hexdigest()[:8]
        words = "_".join((self.table, *(part.column for part in self.parts)))
        return f"{'ux' if self.unique else 'ix'}_{words[: LONGEST - 12]}_{mark}"

    def sql(self, dialect: str, *, concurrently: bool = False) -> str:
        """Return the statement that makes it."""
        kind = "UNIQUE INDEX" if self.unique else "INDEX"
        beside = " CONCURRENTLY" if concurrently else ""
        method = " USING gin" if self.contains else ""
        where = f" WHERE {self.where}" if self.where else ""
        name, table = quoted(self.name(dialect)), quoted(self.table)
        return f"CREATE {kind}{beside} {name} ON {table}{method} ({self.columns_sql(dialect)}){where}"


def wants_parts(entity: Entity) -> bool:
    """Say whether an entity has a field that is searched by part of its text by an index."""
    return any(field.index == "contains" for field in entity.fields.values())


def wanted(
    model: Model, entity: Entity, stored: StoredEntity, dialect: str, *, parts: bool = True
) -> tuple[Index, ...]:
    """Return the indexes that an entity's table shall have, each once; with `parts`, also those of parts of text."""
    make = _Maker(model, entity, stored)
    found: dict[str, Index] = {}
    for index in (*make.unique(), *make.links(), *make.declared(parts=parts and dialect == "postgresql")):
        found.setdefault(index.name(dialect), index)
    derived = 0
    for index in make.derived():
        if derived == MOST_DERIVED + len(make.shared_along):
            break
        index = make.with_owner(index, dialect)  # noqa: PLW2901 - the same index, a little wider
        if not any(_serves(other, index, dialect) for other in found.values()):
            # A shorter one that the new one serves as well is not needed beside it.
            for name in [name for name, other in found.items() if other.replaceable and _serves(index, other, dialect)]:
                del found[name]
            found[index.name(dialect)] = index
            derived += 1
    for index in make.reports():
        index = make.whole(index, dialect)  # noqa: PLW2901 - as above
        if not any(_serves(other, index, dialect) for other in found.values()):
            found[index.name(dialect)] = index
    return tuple(found.values())


def _serves(index: Index, other: Index, dialect: str) -> bool:
    """Say whether an index does all that another one would: it begins with the same columns, over the same rows."""
    if index.contains or other.contains or index.where != other.where or other.unique:
        return False
    if dialect == "sqlite":
        mine, theirs = _turned(index.parts), _turned(other.parts)
        return mine[: len(theirs)] == theirs
    return index.parts[: len(other.parts)] == other.parts


def _turned(parts: Sequence[Part]) -> list[tuple[str, bool]]:
    one_way = len({part.descending for part in parts}) == 1
    return [(part.column, part.descending and not one_way) for part in parts]


def equalities(expr: Expr | None) -> list[tuple[str, ...]]:
    """Return the paths that a condition compares with one value each, in every case: `a == 1 and b == user.id`.

    `not a` is none: it is also true where nothing is known of `a`.
    """
    if expr is None:
        return []
    if isinstance(expr, Call) and expr.name == "and":
        return [path for part in expr.args for path in equalities(part)]
    if isinstance(expr, Path):
        return [expr.keys]
    if isinstance(expr, Call) and expr.name == "==":
        left, right = expr.args
        if isinstance(right, Path) and not isinstance(left, Path):
            left, right = right, left
        if isinstance(left, Path) and isinstance(right, (Constant, Var)):
            return [left.keys]
    return []


def among(expr: Expr | None) -> list[tuple[Expr, str, tuple[str, ...]]]:
    """Return the parts of a condition that allow a field a few values, in every case, with the field and the values.

    Such a part is `stage in ["new", "won"]`.
    """
    if isinstance(expr, Call) and expr.name == "and":
        return [found for part in expr.args for found in among(part)]
    if not isinstance(expr, Call) or expr.name != "in":
        return []
    field, values = expr.args
    if not isinstance(field, Path) or len(field.keys) != 1 or not isinstance(values, Constant):
        return []
    given = values.value if isinstance(values.value, tuple) else ()
    texts = tuple(each for each in given if isinstance(each, str))
    return [(expr, field.keys[0], texts)] if 1 < len(given) <= MOST_AMONG and len(texts) == len(given) else []


class _Maker:
    """Proposes indexes of one entity."""

    def __init__(self, model: Model, entity: Entity, stored: StoredEntity) -> None:
        self._model, self._entity, self._stored = model, entity, stored
        self._shared = self._is_shared()
        """Whether some role grants records that are shared."""
        self.shared_along = self._shared_along()
        """Links along which records follow others, where some role grants what is shared."""

    def unique(self) -> Iterator[Index]:
        for field in self._entity.fields.values():
            if (field.unique or field.key == "external_id") and field.key in self._stored.columns:
                yield self._unique((field.key,))
        for rule in self._entity.unique.values():
            if all(key in self._stored.columns for key in rule.fields):
                yield self._unique(rule.fields)

    def links(self) -> Iterator[Index]:
        for field in self._entity.fields.values():
            column = self._stored.columns.get(field.key)
            # Owners begin an index anyway, and users are not deleted for good day by day.
            if column is not None and column.target is not None and field.key != "owner":
                # Over the recycle bin too: deleting for good asks it who still leads here.
                where = f"{quoted(column.name)} IS NOT NULL"
                yield self._index((self._part(field.key),), (field.key,), _FOR_LINKS, where, replaceable=True)

    def declared(self, *, parts: bool) -> Iterator[Index]:
        for field in self._entity.fields.values():
            if field.key in self._stored.columns:
                if field.index == "contains":
                    if parts:
                        yield self._contains(field.key)
                elif field.index:
                    yield self._list([field.key], (), Message("the field"))
        for key, fields in self._entity.indexes.items():
            found = [each for each in fields if each in self._stored.columns]
            if found:
                yield self._list(found, (), Message("index {key}", key=key), tie=False)

    def derived(self) -> Iterator[Index]:
        """Yield list indexes, the most useful first."""
        entity = self._entity
        order = self._sort(default_order(entity))
        # Views that come by themselves show what one person has: little, or what row rules have an index for.
        views = [view for view in self._model.views.values() if view.entity == entity.key and not view.scene]
        if order is not None:
            yield self._list([], order, Message("the list"))
        shown = self._sort(self._model.default_view(entity.key).order) if views else None
        for key in self._rule_fields():
            yield self._list([key], shown or order or (), Message("row rules"))
        # What a view shows when it is opened comes before what people then make of it by quick filters.
        for view in views:
            yield from self._opened(view, order)
        for key in self._rule_fields() if order is not None else ():
            if key not in self.shared_along:
                yield self._list([key], order or (), Message("row rules"))
        # In turns: the first filter of each view before the second of any.
        for proposals in zip_longest(*(self._filtered(view, order) for view in views)):
            yield from filter(None, proposals)
        if entity.states is not None and order is not None and self._plain(entity.states.field):
            yield self._list([entity.states.field], order, Message("the states"))

    def with_owner(self, index: Index, dialect: str) -> Index:
        """Return an index that also holds whose each record is, when row rules ask for it.

        SQLite tests what an index holds before it fetches the record, so a list that walks over other people's records
        does so five times as fast. PostgreSQL would fetch them all the same; but what hangs on shared records is read
        from such an index alone.
        """
        if dialect != "sqlite" and not (index.fields and index.fields[0] in self.shared_along):
            return index
        if not self._entity.owned or not self._plain("owner") or not index.fields or "owner" in index.fields:
            return index
        more = ["owner", *(key for key in self.shared_along if key not in index.fields)]
        where = index.where
        if index.fields[0] in self.shared_along and dialect == "sqlite":
            # Over the recycle bin too, so that it is the index of the link as well: of two, the planner takes the
            # narrower, and fetches what hangs on shared records only to pass it over.
            more += ["deleted_at", *(key for key in self._quick_filters() if key not in index.fields)]
            where = f"{quoted(index.parts[0].column)} IS NOT NULL"
        parts = (self._part(key, descending=index.parts[-1].descending) for key in more)
        return replace(index, parts=(*index.parts, *parts), fields=(*index.fields, *more), where=where)

    def _quick_filters(self) -> list[str]:
        """Return the quick filters of the views that an index can hold, the first ones."""
        known = self._model.views.values()
        views = [view.filters for view in known if view.entity == self._entity.key and not view.scene]
        found = dict.fromkeys(key for filters in views for key in filters if "." not in key and self._filterable(key))
        return [key for key in found if key != "owner"][:MOST_COMPARED]

    def _of_view(
        self, view: View, usual: tuple[Order, ...] | None
    ) -> tuple[list[str], tuple[Order, ...] | None, Message]:
        """Return what a view compares with one value each, its sort order if an index can hold one, and its name."""
        order = self._sort(view.order or default_order(self._entity))
        compared = [path[0] for path in equalities(view.where) if len(path) == 1]
        allowed = [key for _, key, _ in among(view.where)]
        # The values of options stand in the statement; those of other fields are parameters of it.
        compared += [key for key in allowed if key in self._entity.fields and self._entity.fields[key].choices]
        fixed = [key for key in dict.fromkeys(compared) if self._plain(key)][:MOST_COMPARED]
        return fixed, usual if order is None else order, Message("view {key}", key=view.key)

    def _opened(self, view: View, usual: tuple[Order, ...] | None) -> Iterator[Index]:
        fixed, order, reason = self._of_view(view, usual)
        if order is not None and not (view.derived and not view.where):
            yield self._list(fixed, order, reason)

    def _filtered(self, view: View, usual: tuple[Order, ...] | None) -> Iterator[Index]:
        fixed, order, reason = self._of_view(view, usual)
        filters = [key for key in view.filters if "." not in key and key not in fixed and self._filterable(key)]
        filters = filters[:MOST_COMPARED]
        if order is not None:
            if len(filters) == MOST_COMPARED and not fixed:
                yield self._list(filters, order, reason)
            for key in filters:
                yield self._list([*fixed, key][:MOST_COMPARED], order, reason)
        if view.kanban:
            by, total = view.kanban.get("by"), view.kanban.get("sum")
            if isinstance(by, str) and self._plain(by):
                more = [total] if isinstance(total, str) and self._plain(total) else []
                yield self._list([*fixed[:1], by, *more], (), Message("board {key}", key=view.key), tie=False)
        if view.calendar:
            start = view.calendar.get("start")
            if isinstance(start, str) and self._plain(start):
                yield self._list(fixed, (Order((start,)),), Message("calendar {key}", key=view.key))

    def reports(self) -> Iterator[Index]:
        """Yield one index that holds what reports and cards of dashboards read: as many of them as fit into it.

        It stands beside the indexes of lists, so that no report takes a list its own; one is what writes can bear.
        """
        held: dict[str, int] = {}
        served: list[str] = []
        asked = [(name, dict(_report_fields(body))) for name, body in _questions(self._model)
                 if body.get("entity") == self._entity.key]  # fmt: skip
        for name, needed in sorted(asked, key=lambda each: len(each[1])):
            together = {key: min(held.get(key, _ADDED), needed.get(key, _ADDED)) for key in {**held, **needed}}
            if needed and len(together) <= _MOST_COVERED and all(self._plain(key) for key in needed):
                held, served = together, [*served, name]
        if held:
            # SQLite takes an index for whole only if it holds what its own condition asks for, too.
            columns = [*sorted(held, key=held.__getitem__), *(() if "deleted_at" in held else ("deleted_at",))]
            yield self._list(columns, (), Message("report {key}", key=", ".join(served[:3])), tie=False)

    def whole(self, index: Index, dialect: str) -> Index:
        """Return an index for reports that also holds all that row rules ask, so that no record has to be fetched."""
        index = self.with_owner(index, dialect)
        if dialect != "sqlite" or not self._shared or "id" in index.fields:
            return index
        return replace(index, parts=(*index.parts, self._part("id")), fields=(*index.fields, "id"))

    def _rule_fields(self) -> list[str]:
        """Return fields that row rules compare: the owner, links that share, then what the conditions of roles name."""
        found: dict[str, None] = {}
        if self._entity.owned and self._plain("owner"):
            found["owner"] = None
        found.update(dict.fromkeys(self.shared_along))
        for role in self._model.roles.values():
            grant = role.grants.get(self._entity.key)
            for rule in grant.actions.get("read", ()) if grant is not None else ():
                if not isinstance(rule, str):
                    paths = equalities(rule)
                    found.update({path[0]: None for path in paths if len(path) == 1 and self._plain(path[0])})
        return list(found)[: MOST_COMPARED + len(self.shared_along)]

    def _is_shared(self) -> bool:
        grants = (role.grants.get(self._entity.key) or role.grants.get("*") for role in self._model.roles.values())
        return any(grant is not None and "shared" in grant.actions.get("read", ()) for grant in grants)

    def _shared_along(self) -> list[str]:
        if not self._shared:
            return []
        links = (each for each in self._entity.fields.values() if each.share is not None and each.type.links == "one")
        found = [each.key for each in links if each.target not in _PRINCIPALS and self._plain(each.key)]
        return found[:MOST_COMPARED]

    def _sort(self, order: Sequence[Order]) -> tuple[Order, ...] | None:
        """Return a sort order that an index can hold; None when some part of it is not in the table."""
        own = all(len(each.path) == 1 and self._plain(each.path[0], sort=True) for each in order)
        return tuple(order) if order and own else None

    def _plain(self, key: str, *, sort: bool = False) -> bool:
        """Say whether a field has a column whose own values are compared; a link is sorted by its title."""
        field, column = self._entity.fields.get(key), self._stored.columns.get(key)
        if field is None or column is None or column.kind == "json":
            return False
        return not (sort and (field.type.links or not field.type.sortable))

    def _filterable(self, key: str) -> bool:
        field, column = self._entity.fields.get(key), self._stored.columns.get(key)
        if field is None or column is None:
            return False
        return column.kind in _FILTERABLE and bool(field.choices or field.type.links or column.kind == "boolean")

    def _part(self, key: str, *, descending: bool = False) -> Part:
        return Part(self._stored.columns[key].name, descending, key not in SYSTEM_NOT_NULL)

    def _index(
        self,
        parts: Iterable[Part],
        fields: tuple[str, ...],
        reason: Message,
        where: str = _LIVE,
        *,
        replaceable: bool = False,
    ) -> Index:
        table = self._stored.table
        return Index(self._entity.key, table, tuple(parts), fields, where=where, reason=reason, replaceable=replaceable)

    def _list(self, compared: Sequence[str], order: Sequence[Order], reason: Message, *, tie: bool = True) -> Index:
        sorted_by = [each for each in order if each.path[0] not in compared]
        parts = [self._part(each.path[0], descending=each.descending) for each in sorted_by]
        last = sorted_by[-1].descending if sorted_by else False
        # What is compared has one value, so its direction is free: take the sort's, and SQLite sees one direction.
        first = [self._part(key, descending=last) for key in compared] if sorted_by else list(map(self._part, compared))
        if tie and "id" not in {*compared, *(each.path[0] for each in sorted_by)}:
            parts.append(self._part("id", descending=last))
        fields = (*compared, *(each.path[0] for each in sorted_by))
        return self._index((*first, *parts), fields, reason)

    def _contains(self, key: str) -> Index:
        part = self._part(key)
        return Index(
            self._entity.key, self._stored.table, (part,), (key,), contains=True, reason=Message("parts of words")
        )

    def _unique(self, keys: tuple[str, ...]) -> Index:
        parts = tuple(self._part(key) for key in keys)
        where = _LIVE
        if len(parts) == 1:
            # Nothing is kept for records without the value, so a field that few fill costs little.
            where = f"{_LIVE} AND {quoted(parts[0].column)} IS NOT NULL"
        return Index(self._entity.key, self._stored.table, parts, keys, unique=True, where=where)


_MOST_COVERED = 6
"""Fields of an index for reports: with more it is hardly smaller than the table."""
_COMPARED, _NARROWED, _GROUPED, _ADDED = range(4)
"""What a report reads a field for; an index begins with what leaves the fewest of its entries."""
_FUNCTIONS = ("sum", "count", "count_distinct", "min", "max", "avg")


def _questions(model: Model) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield what reports and cards ask, with the name of each."""
    for name, body in model.documents.items():
        kind, _, key = name.partition("/")
        if kind == "report":
            yield key, body
        elif kind == "dashboard":
            cards = body.get("cards") or {}
            yield from ((f"{key}.{card}", each) for card, each in cards.items() if isinstance(each, dict))


def _report_fields(body: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    """Yield the fields that a report reads and what for, what narrows it down the most first; a path spoils it.

    A field that comes again counts as what it was first.
    """
    found: dict[str, int] = {}
    where = body.get("where")
    compared = _parsed(where)
    for key in (*(".".join(path) for path in equalities(compared)), *(key for _, key, _ in among(compared))):
        found.setdefault(key, _COMPARED)
    for key in (*_asked(where), *([body["date"]] if isinstance(body.get("date"), str) else ())):
        found.setdefault(key, _NARROWED)
    for texts in (body.get("group_by") or (), body.get("pivot") or (), body.get("trend") or ()):
        for text in [texts] if isinstance(texts, str) else texts:
            found.setdefault(_inner(str(text)), _GROUPED)
    measures = body.get("measures")
    for each in measures.values() if isinstance(measures, dict) else ():
        for function in _FUNCTIONS:
            if isinstance(each, dict) and isinstance(each.get(function), str):
                found.setdefault(str(each[function]), _ADDED)
        for key in _asked(each.get("where")):
            found.setdefault(key, _ADDED)
    yield from found.items()


def _asked(text: object) -> Iterator[str]:
    """Yield the paths that a condition of a document reads."""
    condition = _parsed(text)
    if condition is not None:
        yield from sorted(".".join(keys) for keys in paths(condition))


def _parsed(text: object) -> Expr | None:
    if isinstance(text, str):
        with suppress(ExpressionInvalid):
            return parse(text)
    return None


def _inner(text: str) -> str:
    """Return the field in "month(closed_on)" or "closed_on"."""
    return text.partition("(")[2].rstrip(")").strip() if "(" in text else text
