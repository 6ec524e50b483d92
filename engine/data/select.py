"""From a query to a statement: the one place where lists of records are put together.

What is compiled depends on the Model, the roles and the shape of the query, never on the person or the values; so
colleagues share it and it is kept as long as the Model lives.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Integer,
    Select,
    Subquery,
    and_,
    func,
    literal_column,
    select,
    true,
    union,
    union_all,
)

from engine.data.conditions import LINKED, parts, restrictions
from engine.data.fields import Resolved, conversions, default_columns, masked, refuse_masked, resolve, unknown
from engine.data.finding import number_of_words, search_condition
from engine.data.keyset import SortColumn, beyond
from engine.data.marks import mark_sql
from engine.data.merging import merged, nearer, orderly, row_number
from engine.data.normal import NOTHING, Normal
from engine.data.owned import SEEN, is_handful, seen_at
from engine.data.place import NEVER_EMPTY, Frame, Joins, Place, reading
from engine.data.query import Query
from engine.data.rowset import Columns
from engine.data.rules import RoleRules
from engine.data.spreading import spread
from engine.data.statement import Binds, Statement
from engine.data.strategy import Strategy, owners_in_order, reach_by, sorted_by_index
from engine.data.streams import mergeable, newest_of_subordinates
from engine.errors import ExpressionInvalid, QueryInvalid
from engine.expression import Expr, Type, check, compile_sql
from engine.i18n import Message
from engine.metadata.model import Entity, Order
from engine.storage.order import default_order
from engine.storage.tables import Tables

Element = ColumnElement[Any]
Range = Literal["all", "after", "empty"]
"""Which part of the list: from its beginning, after the cursor, or the rows with nothing in the first sort column."""


@dataclass(frozen=True, slots=True)
class ChildColumn:
    """A column of child rows, which are read by a statement of their own for the whole page at once."""

    place: int
    resolved: Resolved


@dataclass(frozen=True, slots=True)
class Listing:
    """A compiled list."""

    statement: Statement
    columns: Columns
    sort: tuple[int, ...]
    """Places of the values that the cursor holds."""
    first_nullable: bool
    """Whether rows without a value in the first sort column form a range of their own."""
    children: tuple[ChildColumn, ...] = ()


class Selection:
    """A query on its way to SQL."""

    def __init__(
        self,
        kind: Literal["sqlite", "postgresql"],
        tables: Tables,
        roles: RoleRules,
        query: Query,
        where: Normal,
        given: Normal = NOTHING,
        strategy: Strategy = "plain",
    ) -> None:
        self.roles = roles
        self.query = query
        self.where = where
        self.given = given
        """A condition of the Model, which is not checked against what the asker may see."""
        asked = where.shape is not None or given.shape is not None or query.search is not None
        narrow = asked or query.trashed or query.ids is not None
        self._merging = strategy == "merge" and not narrow
        if strategy == "merge":
            strategy = "walk"
        self.size: int | None = None
        """How many rows are wanted, written into the statement; None leaves it to each run."""
        self._merged = False
        """Whether the records of subordinates come one owner beside the other."""
        self._spread: tuple[Expr, ...] = ()
        """Conditions that together are the one that was asked for, when each is read by itself."""
        few = query.ids is not None or is_handful(where.shape)
        self.strategy: Strategy = "plain" if few else strategy
        self.entity: Entity = roles.model.entity(query.entity)
        self.frame = Frame(kind, tables, roles, Binds(kind), {**where.infos, **given.infos})
        self._joins = Joins()
        self.root = Place(self.frame, self.entity, self.frame.alias(query.entity), self._joins)

    # --- rows -----------------------------------------------------------------------------------------------------

    def listing(self, abilities: Sequence[str], part: Range, missing: tuple[bool, ...] = ()) -> Listing:
        """Compile a page of rows."""
        row = self._row(self.query.select or default_columns(self.roles, self.entity), abilities)
        sort, names = self.sort(self.root)
        places = [row.add(name, column.element) for name, column in zip(names, sort, strict=True)]
        self._merged = self._merging and part == "all" and mergeable(sort, names) and owners_in_order(self.root, names)
        if self._merged:
            self.strategy = "gather"
        source: FromClause | None = None
        conditions: list[Element] = []
        if self.strategy == "gather" and orderly(names):
            best = self._merge(part, missing)
            source = self._joins.apply(best.outerjoin(self.root.alias, row_number(self.root) == best.c.r))
            sort = [replace(column, element=best.c[f"k{number}"]) for number, column in enumerate(sort)]
        elif self.strategy == "gather" or self._spread_over(names) or self._late(names):
            conditions = [self.root.alias.c.id.in_(self._best(part, missing))]
        else:
            conditions = [*self.conditions(), *self._range(sort, part, missing)]
        chosen = self.chosen(row.elements, conditions, source)
        chosen = chosen.order_by(*(column.order(self.frame.kind) for column in sort))
        chosen = chosen.limit(self._limit)
        return row.listing(self.frame.binds.finish(chosen), tuple(places), first_nullable=sort[0].nullable)

    def _merge(self, part: Range, missing: tuple[bool, ...]) -> Subquery:
        """Return sort keys and row numbers of the page, merged from the branches of the row rule."""
        branches = []
        for name, place, conditions in self._branches():
            kept = [*conditions, *self._near(name, place, part, missing)]
            sort, _ = self.sort(place)
            branches.append((name, place, sort, [*kept, *self._range(sort, part, missing)]))
        return merged(branches, self._limit, apart=self._merged)

    def _near(self, name: str, place: Place, part: Range, missing: tuple[bool, ...]) -> list[Element]:
        """Return how far a branch of the row rule has to be read, when one's own records fill the page."""
        rule, mine = self.roles.rule(self.entity.key, "read"), self._fresh()
        if self.strategy != "gather" or name == "own" or "own" not in (known := parts(rule, mine)):
            return []
        sort, _ = self.sort(mine)
        held = [*restrictions(rule, mine), known["own"], *self._kept(mine), *self._range(sort, part, missing)]
        own = select(sort[0].element).where(*held).order_by(*(column.order(self.frame.kind) for column in sort))
        return nearer(place, *self.sort(place), own, self._limit)

    def single(self, abilities: Sequence[str]) -> Listing:
        """Compile the read of one record by its id."""
        self.strategy = "plain"
        row = self._row(self.query.select, abilities)
        one = self.root.alias.c.id == self.frame.binds.value("id", self.root.alias.c.id.type)
        chosen = self.chosen(row.elements, [one, *self.conditions()])
        return row.listing(self.frame.binds.finish(chosen), (), first_nullable=False)

    def _row(self, paths: Sequence[str], abilities: Sequence[str]) -> _Row:
        row = _Row([resolve(self.roles, self.entity, path) for path in paths], self.frame.kind)
        row.elements += map(self._element, row.wanted)
        row.id_at = row.add("id", self.root.alias.c.id)
        row.version_at = row.add("version", self.root.alias.c.version)
        for action in abilities:
            row.able[action] = len(row.elements)
            row.elements.append(self._ability(action))
        return row

    def _range(self, sort: Sequence[SortColumn], part: Range, missing: tuple[bool, ...]) -> list[Element]:
        if part == "after":
            return [beyond(sort, missing, self.frame.binds)]
        return [sort[0].element.is_(None)] if part == "empty" else []

    def _best(self, part: Range, missing: tuple[bool, ...]) -> Any:
        """Return the ids of the page: the best of each branch of the row rule, and of these the best."""
        branches = []
        for name, place, conditions in self._branches():
            sort, _ = self.sort(place)
            keys = [column.element.label(f"k{number}") for number, column in enumerate(sort)]
            chosen = select(place.alias.c.id.label("id"), *keys).where(*conditions, *self._range(sort, part, missing))
            if self.strategy == "gather" and self.frame.kind == "postgresql" and name != "own":
                # What is to be gathered is not walked over because a page of it is asked for: OFFSET is a fence.
                inner = chosen.offset(literal_column("0")).subquery()
                chosen = select(inner)
                sort = [replace(column, element=inner.c[f"k{number}"]) for number, column in enumerate(sort)]
            chosen = chosen.order_by(*(column.order(self.frame.kind) for column in sort))
            branches.append(select(chosen.limit(self._limit).subquery()))
        sort, _ = self.sort(self.root)
        found = _together(branches).subquery("best")
        keyed = (replace(column, element=found.c[f"k{number}"]) for number, column in enumerate(sort))
        return select(found.c.id).order_by(*(column.order(self.frame.kind) for column in keyed)).limit(self._limit)

    def _branches(self) -> Iterable[tuple[str, Place, list[Element]]]:
        """Yield, for each branch of the row rule, its name, rows of their own and all conditions that they keep.

        Each branch has the index that serves it, so whoever reaches few records never waits for those of others.
        """
        rule = self.roles.rule(self.entity.key, "read")
        if self.strategy != "gather":
            for shape in self._spread or (self.where.shape,):
                place = self._fresh()
                yield "", place, [*reach_by(rule, place, self.strategy), *self._kept(place, shape)]
            return
        for name in parts(rule, self._fresh()):
            place = self._fresh()
            known = parts(rule, place)
            enough, others = known[name], []
            if name == "subordinates" and self._merged:
                sort, names = self.sort(place)
                enough = place.alias.c.id.in_(
                    newest_of_subordinates(place, names, descending=sort[0].descending, size=self.size)
                )
            elif name.startswith(LINKED):
                # Most of what hangs on one's own records is one's own; the index says so before a row is fetched.
                others = [known[each].is_not(true()) for each in ("own", "subordinates") if each in known]
            yield name, place, [*restrictions(rule, place), enough, *others, *self._kept(place)]

    def _fresh(self) -> Place:
        """Return the rows of the entity under a name of their own."""
        return Place(self.frame, self.entity, self.frame.alias(self.entity.key))

    def _spread_over(self, names: Sequence[str], compared: Collection[str] = ()) -> bool:
        """Read the records of each value that the condition allows by themselves, if there is an index for it."""
        query = self.query
        whole = query.trashed or query.search is not None or query.ids is not None
        self._spread = () if whole else spread(self.root, names, self.where.shape, compared=compared)
        return bool(self._spread)

    def _late(self, names: Sequence[str]) -> bool:
        """Say whether the ids of the page are better found first, and its rows after."""
        own = all("." not in name and self.entity.fields[name].stored for name in names)
        return self.frame.kind == "sqlite" and own and not sorted_by_index(self.root, names, self.where.shape)

    @property
    def _limit(self) -> Element:
        if self.size is not None:
            return literal_column(str(self.size))
        return self.frame.binds.value("limit", Integer())

    def counting(self) -> Statement:
        """Compile the number of rows, up to the value of "limit"."""
        # PostgreSQL takes a small reach faster as sets: what the parts before hold makes it hash whole tables.
        sets = self.strategy == "gather" and self.frame.kind == "postgresql"
        if self.strategy != "plain" and self.query.search is None and not sets:
            found = self._apart()
        elif self.strategy == "gather":
            found = self.gathered(limited=True)
        else:
            found = self.chosen([literal_column("1")], self.conditions())
        return self.frame.binds.finish(select(func.count()).select_from(found.limit(self._limit).subquery()))

    def _apart(self) -> Any:
        """Return a row for each row in reach: each by the first thing that is enough, so that none comes twice.

        Nothing is sorted, so each is served by any index that narrows it down, and it stops when there are enough.
        """
        rule = self.roles.rule(self.entity.key, "read")
        branches: list[Select[Any]] = []
        for name in parts(rule, self._fresh()):
            place = self._fresh()
            known = parts(rule, place)
            others = [known[each].is_not(true()) for each in list(known)[: list(known).index(name)]]
            kept = [*restrictions(rule, place), known[name], *others, *self._kept(place)]
            branches.append(select(literal_column("1")).select_from(place.alias).where(*kept))
        return union_all(*branches) if len(branches) > 1 else branches[0]

    def gathered(self, *, limited: bool = False) -> Any:
        """Return the ids of all rows, each branch of the row rule by itself."""
        branches = [select(place.alias.c.id).where(*conditions) for _, place, conditions in self._branches()]
        if limited:
            branches = [select(branch.limit(self._limit).subquery()) for branch in branches]
        return _together(branches)

    def known(self) -> Statement:
        """Compile the question which of some records the asker may read, live or in the recycle bin."""
        alias, binds = self.root.alias, self.frame.binds
        return binds.finish(self.chosen([alias.c.id], [alias.c.id.in_(binds.listed("ids")), *self.root.reach("read")]))

    def titles(self) -> Statement:
        """Compile (id, title) of records by id, whoever asks: whoever has a link may see the title at its end."""
        alias, binds = self.root.alias, self.frame.binds
        title = self.root.value((self.entity.title,), asking=False)
        return binds.finish(self.chosen([alias.c.id, title], [alias.c.id.in_(binds.listed("ids"))]))

    # --- parts ----------------------------------------------------------------------------------------------------

    def conditions(self) -> list[Element]:
        """Return everything that a row must keep: row rule, bin, filter, search, ids."""
        rule = self.roles.rule(self.entity.key, "read")
        if self.strategy == "gather":
            return [self.root.alias.c.id.in_(self.gathered())]
        return [*reach_by(rule, self.root, self.strategy), *self._kept(self.root)]

    def _kept(self, place: Place, shape: Expr | None = None) -> list[Element]:
        """Return what rows must keep whoever asks; `shape` is a part of what was asked for, instead of all of it."""
        alias, query = place.alias, self.query
        found: list[Element] = [alias.c.deleted_at.is_not(None) if query.trashed else alias.c.deleted_at.is_(None)]
        if query.ids is not None:
            found.append(alias.c.id.in_(self.frame.binds.listed("ids")))
        if query.search is not None:
            found.append(search_condition(place, number_of_words(query.search) or 0))
        shape = self.where.shape if shape is None else shape
        if shape is not None:
            found.append(self._asked(shape, place))
        if self.given.shape is not None:
            found.append(compile_sql(self.given.shape, place.scope(asking=False)))
        return found

    def sort(self, place: Place) -> tuple[list[SortColumn], list[str]]:
        """Return the sort order with the id at its end, and the path of each column."""
        columns: list[SortColumn] = []
        names: list[str] = []
        for order in self.query.order_by or self._usual_order():
            keys = self._sort_keys(order)
            name = ".".join(keys)
            if name in names:
                continue
            names.append(name)
            columns.append(SortColumn(self._sortable(keys, place), order.descending, name not in NEVER_EMPTY))
            if name == "id":
                return columns, names
        descending = columns[-1].descending if columns else True
        columns.append(SortColumn(place.alias.c.id, descending, nullable=False))
        return columns, [*names, "id"]

    def _usual_order(self) -> tuple[Order, ...]:
        """Return the entity's own order, as far as the asker may know of it."""
        found = []
        for order in default_order(self.entity):
            try:
                self._sort_keys(order)
            except QueryInvalid:
                continue
            found.append(order)
        return tuple(found)

    def _sort_keys(self, order: Order) -> tuple[str, ...]:
        if order.path == SEEN:
            return SEEN
        dotted = ".".join(order.path)
        resolved = resolve(self.roles, self.entity, dotted)
        if resolved.masked:
            raise masked(dotted)
        if resolved.kind != "column" or not resolved.field.type.sortable:
            raise QueryInvalid(_cannot_sort(dotted))
        known = resolved.field
        if known.target is not None and known.type.links == "one":
            # People read titles, so a link is sorted by what they read.
            target = self.roles.model.entity(known.target)
            if reading(self.roles, target, target.title) != "read":
                raise unknown(f"{dotted}.{target.title}")
            return (*resolved.keys, target.title)
        return resolved.keys

    def _sortable(self, keys: tuple[str, ...], place: Place) -> Element:
        if keys == SEEN:
            return seen_at(self.frame.binds, place.alias.c.id)
        element = place.value(keys, asking=True)
        resolved = resolve(self.roles, self.entity, ".".join(keys))
        if (
            self.frame.kind == "postgresql"
            and resolved.field.value_type is Type.TEXT
            and resolved.field.storage is None
        ):
            return element.collate("C")
        return element

    def asked(self, condition: Expr) -> Element:
        """Return a condition of who asks as SQL, checked against what they may see."""
        return self._asked(condition, self.root)

    def _asked(self, condition: Expr, place: Place) -> Element:
        scope = place.scope(asking=True)
        refuse_masked(self.roles, self.entity, condition)
        found = check(condition, scope, Type.BOOLEAN)
        if found.problems:
            raise QueryInvalid(found.problems[0].message, found.problems)
        try:
            return compile_sql(condition, scope)
        except ExpressionInvalid as error:
            raise QueryInvalid(error.message, error.problems) from error

    def _element(self, wanted: Resolved) -> Element:
        if wanted.kind == "children":
            return literal_column("NULL")
        if wanted.kind == "links":
            return self.root.collected(wanted.keys)
        element = self.root.value(wanted.keys, asking=True)
        return mark_sql(wanted.field, element, self.frame.kind) if wanted.masked else element

    def _ability(self, action: str) -> Element:
        rule = self.roles.rule(self.entity.key, action)
        if rule.everybody:
            return literal_column("1")
        if rule.nobody:
            return literal_column("0")
        return and_(*self.root.reach(action, few=True))

    def chosen(
        self, elements: Sequence[Element], conditions: Sequence[Element], source: FromClause | None = None
    ) -> Select[Any]:
        """Return a SELECT of elements from the rows that keep the conditions, with every join made so far."""
        labelled = [element.label(f"c{place}") for place, element in enumerate(elements)]
        return select(*labelled).select_from(self.root.source if source is None else source).where(*conditions)


@dataclass(slots=True)
class _Row:
    """The columns of a row while it is put together: what was asked for, then what the engine needs."""

    wanted: list[Resolved]
    kind: str
    elements: list[Element] = field(default_factory=list)
    able: dict[str, int] = field(default_factory=dict)
    id_at: int = 0
    version_at: int = 0
    _places: dict[str, int] = field(default_factory=dict)

    def add(self, name: str, element: Element) -> int:
        """Return where a value stands in the row, appending it when nobody asked for it."""
        for place, each in enumerate(self.wanted):
            if each.dotted == name and each.kind == "column" and not each.masked:
                return place
        if name not in self._places:
            self._places[name] = len(self.elements)
            self.elements.append(element)
        return self._places[name]

    def listing(self, statement: Statement, sort: tuple[int, ...], *, first_nullable: bool) -> Listing:
        """Return the row's statement with all that is known of its columns."""
        children = tuple(ChildColumn(place, each) for place, each in enumerate(self.wanted) if each.kind == "children")
        return Listing(statement, self._columns(), sort, first_nullable, children)

    def _columns(self) -> Columns:
        decoders, writers = [], []
        for place, each in enumerate(self.wanted):
            if each.masked:
                continue
            decode, write = conversions(each, self.kind)
            if decode is not None:
                decoders.append((place, decode))
            if write is not None:
                writers.append((place, each.dotted, write))
        return Columns(
            tuple(each.dotted for each in self.wanted),
            tuple(decoders),
            tuple(writers),
            frozenset(each.dotted for each in self.wanted if each.masked),
            self.id_at,
            self.version_at,
            dict(self.able),
        )


def _together(branches: Sequence[Any]) -> Any:
    """Return the rows of all SELECTs, each once."""
    return union(*branches) if len(branches) > 1 else branches[0]


def _cannot_sort(dotted: str) -> Message:
    return Message("A list cannot be sorted by {name}", name=dotted)
