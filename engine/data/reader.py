"""`Reader`: what faces hold during a request. One snapshot of the database, one Model, one principal.

Every way to read records goes through here, so each of them carries the same row rule and the same field masks.
"""

# ruff: noqa: A002 - `id` is what the id of a record is called

from __future__ import annotations

import hashlib
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any
from typing import Literal as OneOf

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from engine.audit.meters import Meters
from engine.data import choices, timeline
from engine.data import cursor as cursors
from engine.data.access import Access
from engine.data.aggregate import Summary, Totals
from engine.data.blinding import blinded, has_blind_indexes
from engine.data.fields import Resolved, all_columns, child_columns, conversions, resolve, resolved_title, unknown
from engine.data.finding import Everywhere, Found, found, number_of_words, searchable, words_of
from engine.data.lanes import Lanes, lane, named
from engine.data.nearby import MOST_NEAR, Around, Near, Point, box_around, distance_km
from engine.data.normal import NOTHING, Normal, normal
from engine.data.place import reading, visible
from engine.data.principal import SYSTEM, Principal, fixed_shift
from engine.data.query import Query
from engine.data.recent import Recent
from engine.data.remembered import List, Remembered, Remembering, remembered
from engine.data.rowset import Row, RowSet
from engine.data.select import Listing, Range, Selection
from engine.data.sharing import Share, shares_of
from engine.data.standing import as_written
from engine.data.statement import Statement
from engine.data.strategy import strategy_for
from engine.errors import NotFound, QueryInvalid
from engine.expression import Call, Expr, FieldInfo, Literal, Path, Type, Var, conjunction
from engine.fields import Locale
from engine.i18n import Message
from engine.ids import is_id
from engine.metadata.model import Entity, Order
from engine.storage.database import run

if TYPE_CHECKING:
    from engine.data.batch import Written
    from engine.data.vault import Vault
    from engine.publish import Published

STATEMENTS_KEPT = 500
"""Compiled statements of one Model."""
CONDITIONS_KEPT = 2_000
"""Conditions whose values were taken out, of one Model."""
MOST_CHILDREN = 100_000
"""Child rows of one page of parents."""
USUAL_PAGES = frozenset({20, 25, 50, 100, 200})
"""Sizes of pages that statements are compiled for; other sizes are a parameter."""
COUNTED = 1_000
"""Rows that a count looks at before it says "more"."""


@dataclass(frozen=True, slots=True)
class Count:
    """How many rows there are, or that there are more than anybody wants counted."""

    number: int
    capped: bool

    def __str__(self) -> str:
        return f"{self.number}+" if self.capped else str(self.number)


class Reader:
    """Reads records for one principal inside one transaction.

    Args:
        connection: a transaction from `Database.read()`.
        published: the Model of the revision that the transaction sees, with its tables.
        principal: who asks.
        secret: signs cursors; the same in every process of the site.
        now: the moment that `now` and `today` mean; the clock's unless given.
        meters: count how much the principal reads; nobody does unless given.
        vault: finds secret values that have a blind index; they cannot be looked for unless given.
    """

    def __init__(
        self,
        connection: Connection,
        published: Published,
        principal: Principal,
        *,
        secret: bytes,
        now: datetime | None = None,
        meters: Meters | None = None,
        vault: Vault | None = None,
    ) -> None:
        self.connection = connection
        self.published = published
        self.model = published.model
        self.principal = principal
        self.access = Access(published, principal, now)
        self.kind: OneOf["sqlite", "postgresql"] = "sqlite" if connection.dialect.name == "sqlite" else "postgresql"
        self._secret = secret
        self._meters = meters
        self._vault = vault
        self.read_as = "list"
        """As what the meters count the rows of `query`."""
        # One snapshot: what was found out about a record holds as long as this reader does.
        self._open: set[tuple[str, str]] = set()
        self._titles: dict[tuple[str, str], str] = {}
        self._statements: Recent[Any] = self.model.derive("statements", lambda: Recent(STATEMENTS_KEPT))
        self._conditions: Recent[Normal] = self.model.derive("conditions", lambda: Recent(CONDITIONS_KEPT))

    def as_system(self) -> Reader:
        """Return a reader of the same snapshot for the product itself; what it finds, nobody is shown unweighed."""
        now = self.access.env()["now"]
        return Reader(self.connection, self.published, SYSTEM, secret=self._secret, now=now, vault=self._vault)

    # --- lists ----------------------------------------------------------------------------------------------------

    def query(self, query: Query, *, abilities: Sequence[str] = ()) -> RowSet:
        """Return one page of rows; with `abilities`, each row says which of those actions the principal may do to it.

        Raises:
            AccessDenied: the principal may read no row of the entity at all.
            QueryInvalid: a path, condition, order or cursor cannot be used.
            QueryTooSlow: the database took too long.
        """
        self.access.require(query.entity, "read")
        where = self._normal(query.entity, query.where)
        values = self._values(query, where)
        key = self._key(query, where, tuple(abilities))
        if query.cursor is None:
            # PostgreSQL keeps a plan for whoever asks only where it knows how many rows are wanted.
            size = query.limit + 1 if self.kind == "postgresql" and query.limit in USUAL_PAGES else None
            listing = self._listing(query, where, key, "all", size=size)
            rows = self._run(listing.statement, {**values, "limit": query.limit + 1})
        else:
            listing, rows = self._continue(query, where, key, values)
        following = None
        if len(rows) > query.limit:
            del rows[query.limit :]
            last = rows[-1]
            following = cursors.write(
                [last[place] for place in listing.sort], self._context(query, key, where), self._secret
            )
        self._count(self.read_as, query.entity, len(rows))
        return RowSet(listing.columns, self._with_children(listing, rows), following)

    def lanes(
        self, query: Query, by: str, values: Sequence[Any], *, abilities: Sequence[str] = ()
    ) -> dict[Any, RowSet]:
        """Return the first page of the rows that have each of some values in a field, in two statements.

        `limit` is for each page. What is left out goes on where the query with the same `where` and `lane` is asked
        with the cursor of its page. None among the values stands for the rows with nothing there.

        Raises:
            AccessDenied, QueryInvalid, QueryTooSlow: as `query`.
        """
        self.access.require(query.entity, "read")
        if not values:
            return {}
        whole = self._normal(query.entity, query.where)
        field = resolve(self.access.roles, self.model.entity(query.entity), by).field
        where = named(field, values, whole)
        missing = tuple(value is None for value in values)
        key = ("lanes", by, missing, *self._key(replace(query, select=("id",)), where, ()))
        tables, roles = self.published.tables, self.access.roles
        strategy = strategy_for(self, query.entity)
        statement: Statement = self._statements.get(
            key, lambda: Lanes(self.kind, tables, roles, query, where, strategy=strategy).firsts(by, missing)
        )
        rows = self._run(statement, {**self._values(query, where), "limit": query.limit + 1})
        places = {str(row[1]): row[0] for row in rows}
        wanted = replace(query, where=None, search=None, ids=tuple(places))
        listing, by_lane = self._in_lanes(wanted, places, tuple(abilities))
        made: dict[Any, RowSet] = {}
        for place, value in enumerate(values):
            mine = by_lane.get(place, [])
            following = None
            if len(mine) > query.limit:
                del mine[query.limit :]
                last = [mine[-1][each] for each in listing.sort]
                asked = replace(query, where=lane(by, value, query.where))
                context = self._context(asked, (), self._normal(query.entity, asked.where))
                following = cursors.write(last, context, self._secret)
            made[value] = RowSet(listing.columns, self._with_children(listing, mine), following)
        self._count(self.read_as, query.entity, sum(map(len, made.values())))
        return made

    def near(self, query: Query, path: str, point: Point, km: float) -> list[Near]:
        """Return the rows of a query that lie within a distance of a point, the nearest first; at most `MOST_NEAR`.

        `path` leads to a geo field. Order, columns and page of the query say nothing here.

        Raises:
            AccessDenied, QueryInvalid, QueryTooSlow: as `query`.
        """
        self.access.require(query.entity, "read")
        where = self._normal(query.entity, query.where)
        key = ("near", path, *self._key(replace(query, select=("id",), order_by=()), where, ()))
        tables, roles = self.published.tables, self.access.roles
        strategy = strategy_for(self, query.entity)
        statement: Statement = self._statements.get(
            key, lambda: Around(self.kind, tables, roles, query, where, strategy=strategy).places(path)
        )
        box = box_around(point, km)
        values = {**self._values(query, where), **box, "turns": int(box["west"] > box["east"]), "limit": MOST_NEAR}
        places = ((str(row[0]), Point(float(row[1]), float(row[2]))) for row in self._run(statement, values))
        measured = (Near(id_, place, distance_km(point, place)) for id_, place in places)
        found = sorted((each for each in measured if each.km <= km), key=lambda each: (each.km, each.id))
        self._count(self.read_as, query.entity, len(found))
        return found

    def _in_lanes(
        self, query: Query, places: Mapping[str, int], abilities: tuple[str, ...]
    ) -> tuple[Listing, dict[int, list[tuple[Any, ...]]]]:
        """Return the rows of some ids by the lane that each is in."""
        key = self._key(query, NOTHING, abilities)
        listing = self._listing(query, NOTHING, key, "all")
        values = {**self._values(query, NOTHING), "limit": len(places)}
        lanes: dict[int, list[tuple[Any, ...]]] = {}
        for row in self._run(listing.statement, values) if places else ():
            lanes.setdefault(places[str(row[listing.columns.id_at])], []).append(row)
        return listing, lanes

    def columns(self, entity: str) -> tuple[str, ...]:
        """Return every field of an entity that the principal may see, references only where the whole way is open."""
        return all_columns(self.access.roles, self.model.entity(entity))

    def count(self, query: Query, limit: int = COUNTED) -> Count:
        """Return how many rows a query has, counted up to `limit`.

        Raises:
            AccessDenied, QueryInvalid, QueryTooSlow: as `query`.
        """
        self.access.require(query.entity, "read")
        where = self._normal(query.entity, query.where)
        key = ("count", *self._key(replace(query, select=("id",), order_by=()), where, ()))
        statement = self._statements.get(
            key,
            lambda: self._selection(query, where).counting(),
        )
        [(number,)] = self._run(statement, {**self._values(query, where), "limit": limit + 1})
        return Count(min(number, limit), capped=number > limit)

    def aggregate(self, query: Query) -> RowSet:
        """Return one row for each group with its numbers; without `group_by`, one row.

        A page has at most `limit` groups; where there are more, it says where the next one begins.

        Raises:
            AccessDenied, QueryInvalid, QueryTooSlow: as `query`.
        """
        self.access.require(query.entity, "read")
        where = self._normal(query.entity, query.where)
        shift = fixed_shift(self.principal.timezone) if self.kind == "sqlite" else None
        context = ""
        at = 0
        if query.cursor is not None:
            context = self._context_of_groups(query, where)
            [at] = cursors.read(query.cursor, context, self._secret)
        values = {**self._values(query, where), "limit": query.limit + 1, "offset": at, "timezone.shift": shift}
        asked = ("totals", shift is not None, query.group_by, query.aggregates, query.having)
        key = (*asked, *self._key(query, where, ()))
        try:
            found = self._totals(query, where, key, values, wide=False)
        except DBAPIError as error:
            if "integer overflow" not in str(error.orig):
                raise
            found = self._totals(query, where, key, values, wide=True)
        if len(found.rows) > query.limit:
            del found.rows[query.limit :]
            context = context or self._context_of_groups(query, where)
            found.next_cursor = cursors.write([at + query.limit], context, self._secret)
        return found

    def record(
        self,
        entity: str,
        id: str,
        select: tuple[str, ...] = (),
        abilities: Sequence[str] = (),
        *,
        trashed: bool = False,
    ) -> Row:
        """Return one record, with every field that the principal may see unless `select` names some.

        Raises:
            NotFound: there is no such record, or the principal may not read it.
            QueryInvalid: a path cannot be used.
        """
        roles = self.access.roles
        key = ("record", self.kind, self.published.tables, roles, entity, select, tuple(abilities), trashed)
        listing: Listing = self._statements.get(
            key, lambda: self._single(entity, select, tuple(abilities), trashed=trashed)
        )
        rows = self._run(listing.statement, {**self.access.env(), "id": id}) if is_id(id) else []
        if not rows:
            raise _no_record()
        self._count("open", entity, 1)
        self._open.add((entity, id))
        return Row(listing.columns, self._with_children(listing, rows)[0])

    def as_written(self, entity: str, written: Written) -> dict[str, Any] | None:
        """Return the JSON values of a record that this transaction has just written, as `record` would.

        None where they have to be read: what is worked out, masked, or perhaps out of reach.
        """
        found = as_written(self.access, entity, written)
        if found is not None:
            self._count("open", entity, 1)
        return found

    def search(self, words: str, entities: Sequence[str] | None = None, limit: int = 20) -> list[Found]:
        """Return records of all entities, or of some, that hold the words, the best first: names before texts.

        Raises:
            QueryTooSlow: the database took too long.
        """
        count = number_of_words(words) or 0
        known = self.model.entities
        wanted = tuple(
            key
            for key in (entities if entities is not None else known)
            if key in known and self.access.may(key, "read") and searchable(self.model, known[key])
        )
        if not count or not wanted:
            return []
        roles, tables = self.access.roles, self.published.tables
        key = ("everywhere", self.kind, tables, roles, wanted, count)
        statement = self._statements.get(key, lambda: Everywhere(self.kind, tables, roles, wanted, count).compile())
        rows = self._run(statement, {**self.access.env(), **words_of(words, self.kind), "limit": limit})
        self._count("search", "*", len(rows))
        return found(rows, words)

    def remembered(self, which: List, limit: int = 20) -> list[Remembered]:
        """Return records that the principal starred or visited, the last first: those that they may read now.

        Raises:
            QueryTooSlow: the database took too long.
        """
        known = self.model.entities
        wanted = tuple(key for key in known if self.access.may(key, "read"))
        if self.principal.id is None or not wanted:
            return []
        roles, tables = self.access.roles, self.published.tables
        key = (which, self.kind, tables, roles)
        statement = self._statements.get(key, lambda: Remembering(self.kind, tables, roles, which, wanted).compile())
        return remembered(self._run(statement, {**self.access.env(), "user.id": self.principal.id, "limit": limit}))

    def meter(self, entity: str, number: int) -> None:
        """Count rows of which the principal was told in another way than by a list, such as the feed."""
        self._count(self.read_as, entity, number)

    def _count(self, kind: str, entity: str, number: int) -> None:
        if self._meters is not None:
            viewer = self.principal.viewer
            self._meters.count(self.principal.id if viewer is None else viewer.id, kind, entity, number)

    # --- links and history ------------------------------------------------------------------------------------------

    def related(
        self, entity: str, id: str, relation: str, query: Query | None = None, *, abilities: Sequence[str] = ()
    ) -> RowSet:
        """Return the records of a relation of one record: `related("account", id, "contacts")`.

        `query` says columns, filter, order and page; its entity is that of the related records.

        Raises:
            NotFound: the principal may not read the record.
            QueryInvalid: there is no such relation, or the principal may not know of it.
        """
        condition, other = self._relation(entity, id, relation)
        asked = query or Query(other)
        where = condition if asked.where is None else conjunction(asked.where, condition)
        return self.query(replace(asked, entity=other, where=where), abilities=abilities)

    def relation(self, entity: str, id: str, relation: str) -> tuple[str, Expr]:
        """Return (entity, condition) of the related records of a record that the principal may read, for `Query`.

        Raises:
            NotFound, QueryInvalid: as `related`.
        """
        condition, other = self._relation(entity, id, relation)
        return other, condition

    def options(
        self,
        entity: str,
        field: str,
        words: str = "",
        record: Mapping[str, Any] | None = None,
        limit: int = 20,
        among: Collection[str] | None = None,
    ) -> list[tuple[str, str]]:
        """Return (id, title) of records that a link may lead to: by title when words are given, else the usual first.

        `record` holds the values of the record with the link, for the field's `where`; raw or parsed. What an
        any_lookup leads to has ids such as `account/0193...`. `among` are ids of records: no others are returned.

        Raises:
            QueryInvalid: there is no such link, or the principal may not know of it.
        """
        here = self.model.entity(entity)
        link = choices.choice_field(self.access.roles, here, field)
        given = choices.condition(here, link, record)
        found: list[tuple[str, str]] = []
        for target in choices.targets(self.model, link):
            if self.access.may(target, "read") and len(found) < limit:
                prefix = f"{target}/" if link.type.links == "any" else ""
                found += [
                    (prefix + id_, title)
                    for id_, title in self._choices(target, words, given, limit - len(found), among)
                ]
        return found

    def titles(self, entity: str, ids: Iterable[str]) -> dict[str, str]:
        """Return the titles of records by id, also of those that may not be opened: a link shows where it leads."""
        wanted = tuple(dict.fromkeys(each for each in ids if is_id(each)))
        known = self.model.entity(entity)
        if not wanted or reading(self.access.roles, known, known.title) != "read":
            return {}
        found = self._titles
        unknown_ids = tuple(each for each in wanted if (entity, each) not in found)
        if unknown_ids:
            key = ("titles", self.kind, self.published.tables, entity)
            statement = self._statements.get(key, lambda: self._selection(Query(entity)).titles())
            decode = conversions(resolved_title(known), self.kind)[0]
            for row in self._run(statement, {**self.access.env(), "ids": unknown_ids}):
                value = row[1] if decode is None or row[1] is None else decode(row[1])
                found[entity, row[0]] = self._shown(known, known.title, value)
        return {each: found[entity, each] for each in wanted if (entity, each) in found}

    def readable(self, entity: str, ids: Iterable[str]) -> frozenset[str]:
        """Return those of the ids whose records the principal may read, live or in the recycle bin."""
        wanted = tuple(dict.fromkeys(each for each in ids if is_id(each)))
        if not wanted or not self.access.may(entity, "read"):
            return frozenset()
        if all((entity, each) in self._open for each in wanted):
            return frozenset(wanted)
        key = ("known", self.kind, self.published.tables, self.access.roles, entity)
        statement = self._statements.get(key, lambda: self._selection(Query(entity)).known())
        return frozenset(row[0] for row in self._run(statement, {**self.access.env(), "ids": wanted}))

    def shares(self, entity: str, id: str) -> tuple[Share, ...]:
        """Return with whom a record is shared just now, the oldest share first.

        Raises:
            NotFound: there is no such record, or the principal may not read it.
        """
        if id not in self.readable(entity, (id,)):
            raise _no_record()
        return shares_of(self, entity, id, self.access.env()["now"])

    def history(self, entity: str, id: str, cursor: str | None = None, limit: int = 50) -> timeline.History:
        """Return what became of a record, the newest first, without what the principal may not know of.

        Raises:
            NotFound: the principal may not read the record.
            QueryInvalid: the cursor cannot be used.
        """
        if id not in self.readable(entity, (id,)):
            raise _no_record()
        context = f"history {entity} {id} {self.principal.id}"
        mark = self._mark
        before = "" if cursor is None else f"AND version < {mark} "
        text = (
            f"SELECT {timeline.COLUMNS} FROM record_change WHERE record_id = {mark} AND entity = {mark} "  # noqa: S608
            f"{before}ORDER BY version DESC LIMIT {mark}"
        )
        at = [] if cursor is None else cursors.read(cursor, context, self._secret)
        rows = run(self.connection, text, [id, entity, *at, limit + 1]).fetchall()
        following = None
        if len(rows) > limit:
            del rows[limit:]
            following = cursors.write([rows[-1][3]], context, self._secret)
        entries = self._entries(rows)
        return timeline.History(entries, following, self._linked_titles(entries))

    # --- inside: history --------------------------------------------------------------------------------------------

    def _entries(self, rows: Sequence[Sequence[Any]]) -> tuple[timeline.ChangeEntry, ...]:
        actors = {row[6] for row in rows if row[6] is not None}
        names = self.titles("user", actors) if actors and "user" in self.model.entities else {}
        return timeline.entries(self.access.roles, rows, names, self.kind)

    def _linked_titles(self, entries: Iterable[timeline.ChangeEntry]) -> dict[tuple[str, str], str]:
        ids: dict[str, set[str]] = {}
        for entry in entries:
            for target, record in timeline.linked(self.model.entity(entry.entity), entry.changes):
                ids.setdefault(target, set()).add(record)
        return {
            (entity, record): title
            for entity, wanted in ids.items()
            if entity in self.model.entities
            for record, title in self.titles(entity, wanted).items()
        }

    # --- inside: links ----------------------------------------------------------------------------------------------

    def _choices(
        self, target: str, words: str, given: Expr | None, limit: int, among: Collection[str] | None = None
    ) -> list[tuple[str, str]]:
        known = self.model.entity(target)
        title = known.title if reading(self.access.roles, known, known.title) == "read" else "id"
        by_title = (Order((title,)),) if words.strip() else ()
        ids = None if among is None else tuple(among)
        query = Query(target, select=("id", title), search=words.strip() or None, order_by=by_title, ids=ids)
        where = NOTHING if given is None else normal(self.model, target, given, "given")
        key = ("choices", where.shape, *self._key(query, NOTHING, ()))
        listing: Listing = self._statements.get(key, lambda: self._selection(query, given=where).listing((), "all"))
        values = {**self._values(query, NOTHING), **where.values, "limit": limit}
        rows = RowSet(listing.columns, self._run(listing.statement, values))
        return [(row[0], self._shown(known, title, row[1])) for row in rows.values()]

    def _shown(self, entity: Entity, key: str, value: Any) -> str:
        if value is None or isinstance(value, str):
            return value or ""
        field = entity.fields[key]
        return field.type.display(value, field.options, self._locale)

    def _relation(self, entity: str, id: str, relation: str) -> tuple[Expr, str]:
        here = self.model.entity(entity)
        if id not in self.readable(entity, (id,)):
            raise _no_record()
        roles = self.access.roles
        if not visible(roles, here, relation):
            raise unknown(relation)
        own = here.fields.get(relation)
        if own is not None and own.type.links == "many":
            ids = self.record(entity, id, (relation,)).values()[relation] or ()
            return Call("in", (Path(("id",)), Literal(tuple(ids)))), own.target or ""
        back = here.relations.get(relation)
        if back is None:
            raise unknown(relation)
        link = Path((back.field,))
        if back.kind == "lookups":
            return Call("any", (link, Call("==", (Path(("id",)), Literal(id))))), back.entity
        value = f"{entity}/{id}" if back.kind == "any" else id
        return Call("==", (link, Literal(value))), back.entity

    # --- inside: statements -----------------------------------------------------------------------------------------

    @property
    def _mark(self) -> str:
        return "?" if self.kind == "sqlite" else "%s"

    @property
    def _locale(self) -> Locale:
        return Locale(self.principal.language, self.principal.timezone, self.model.currency)

    def _selection(self, query: Query, where: Normal = NOTHING, given: Normal = NOTHING) -> Selection:
        strategy = strategy_for(self, query.entity)
        return Selection(self.kind, self.published.tables, self.access.roles, query, where, given, strategy)

    def _totals(
        self, query: Query, where: Normal, key: tuple[Hashable, ...], values: Mapping[str, Any], *, wide: bool
    ) -> RowSet:
        strategy = strategy_for(self, query.entity)
        roles, tables, shifted = self.access.roles, self.published.tables, values["timezone.shift"] is not None
        totals: Totals = self._statements.get(
            (*key, wide),
            lambda: Summary(
                self.kind, tables, roles, query, where, shifted=shifted, wide=wide, strategy=strategy
            ).compile(),
        )
        return RowSet(totals.columns, self._run(totals.statement, values))

    def _single(self, entity: str, select: tuple[str, ...], abilities: tuple[str, ...], *, trashed: bool) -> Listing:
        roles = self.access.roles
        chosen = select or all_columns(roles, self.model.entity(entity))
        query = Query(entity, select=chosen, trashed=trashed)
        return self._selection(query).single(abilities)

    def _normal(self, entity: str, condition: Expr | None) -> Normal:
        if condition is None:
            return NOTHING
        if self._vault is not None and has_blind_indexes(self.model):
            condition = blinded(self.access.roles, self.model.entity(entity), condition, self._blind)
        return self._conditions.get((entity, condition), lambda: normal(self.model, entity, condition))

    def _blind(self, entity: str, key: str, text: str) -> str:
        assert self._vault is not None  # noqa: S101 - asked only with one
        tables = self.published.tables
        blinder = self._vault.blinder(self.connection)
        return blinder.blind(tables.name(entity), tables.column_name(entity, key), text)

    def _values(self, query: Query, where: Normal) -> dict[str, Any]:
        values = {**self.access.env(), **where.values}
        if query.search is not None:
            values.update(words_of(query.search, self.kind))
        if query.ids is not None:
            values["ids"] = query.ids
        return values

    def _key(self, query: Query, where: Normal, abilities: tuple[str, ...]) -> tuple[Hashable, ...]:
        return (
            self.kind,
            self.published.tables,
            self.access.roles,
            query.entity,
            query.select,
            where.shape,
            strategy_for(self, query.entity),
            number_of_words(query.search),
            query.order_by,
            query.trashed,
            query.ids is not None,
            abilities,
        )

    def _listing(
        self,
        query: Query,
        where: Normal,
        key: tuple[Hashable, ...],
        part: Range,
        missing: tuple[bool, ...] = (),
        size: int | None = None,
    ) -> Listing:
        abilities: tuple[str, ...] = key[-1]  # type: ignore[assignment]

        def compiled() -> Listing:
            selection = self._selection(query, where)
            selection.size = size
            return selection.listing(abilities, part, missing)

        return self._statements.get((part, missing, size, *key), compiled)  # type: ignore[no-any-return]

    def _continue(
        self, query: Query, where: Normal, key: tuple[Hashable, ...], values: dict[str, Any]
    ) -> tuple[Listing, list[tuple[Any, ...]]]:
        """Return the rows after a cursor: those in the range where it stands, then those without a value."""
        at = cursors.read(query.cursor or "", self._context(query, key, where), self._secret)
        missing = tuple(value is None for value in at)
        listing = self._listing(query, where, key, "after", missing)
        if len(at) != len(listing.sort):
            raise QueryInvalid(Message("This page cannot be continued; please load the list again"))
        values = {**values, **{f"cursor.{place}": value for place, value in enumerate(at)}, "limit": query.limit + 1}
        rows = self._run(listing.statement, values)
        if len(rows) <= query.limit and listing.first_nullable and not missing[0]:
            rest = self._listing(query, where, key, "empty")
            rows += self._run(rest.statement, {**values, "limit": query.limit + 1 - len(rows)})
        return listing, rows

    def _context(self, query: Query, key: tuple[Hashable, ...], where: Normal) -> str:
        """Return which list of which person a cursor belongs to, the same in every process."""
        shape = (query.entity, where.shape, query.order_by, query.trashed)
        asked = (where.values, query.search, query.ids)
        return hashlib.blake2b(repr((self.principal.id, shape, asked)).encode(), digest_size=16).hexdigest()

    def _context_of_groups(self, query: Query, where: Normal) -> str:
        """Return which numbers over which groups a cursor belongs to, as `_context` does for lists."""
        shape = (query.entity, where.shape, query.group_by, query.aggregates, query.having, query.order_by)
        asked = (where.values, query.search, query.ids, query.trashed)
        return hashlib.blake2b(repr((self.principal.id, "groups", shape, asked)).encode(), digest_size=16).hexdigest()

    def _run(self, statement: Statement, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        return statement.rows(self.connection, values)

    def _with_children(self, listing: Listing, rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        """Put the child rows of each record into its row: one statement for each table field and page."""
        if not listing.children or not rows:
            return rows
        id_at = listing.columns.id_at
        ids = tuple(row[id_at] for row in rows)
        filled = [list(row) for row in rows]
        for child in listing.children:
            by_parent = self._children(child.resolved, ids)
            for row in filled:
                row[child.place] = by_parent.get(row[id_at])
        return [tuple(row) for row in filled]

    def _children(self, resolved: Resolved, ids: tuple[str, ...]) -> dict[str, RowSet]:
        child = self.model.entity(resolved.field.target or "")
        back = child.parent_field or ""
        inside = Call("in", (Path((back,)), Var("param.parents")))
        where = Normal(inside, {"param.parents": ids}, {"param.parents": FieldInfo(Type.LIST, nullable=False)})
        order = child.order or (Order(("id",)),)
        select = (*child_columns(self.access.roles, child), back)
        query = Query(child.key, select=select, order_by=order)
        listing = self._listing(query, where, self._key(query, where, ()), "all")
        rows = self._run(listing.statement, {**self.access.env(), **where.values, "limit": MOST_CHILDREN})
        columns = replace(listing.columns, paths=listing.columns.paths[:-1])
        place = len(columns.paths)
        by_parent: dict[str, RowSet] = {}
        for row in rows:
            by_parent.setdefault(row[place], RowSet(columns, [])).rows.append(row)
        return by_parent


def _no_record() -> NotFound:
    return NotFound(Message("There is no such record"))
