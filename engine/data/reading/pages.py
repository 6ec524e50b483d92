"""Rows: a page of a list, the first pages of its lanes, what is near, one record."""

# ruff: noqa: A002 - `id` is what the id of a record is called

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from engine.data import cursor as cursors
from engine.data.fields import all_columns, resolve
from engine.data.lanes import Lanes, lane, named
from engine.data.nearby import MOST_NEAR, Around, Near, Point, box_around, distance_km
from engine.data.normal import NOTHING, Normal
from engine.data.query import Query
from engine.data.reading.snapshot import Snapshot, no_record
from engine.data.rowset import Row, RowSet
from engine.data.select import Listing
from engine.data.standing import as_written
from engine.data.statement import Statement
from engine.errors import QueryInvalid
from engine.i18n import Message
from engine.ids import is_id

if TYPE_CHECKING:
    from engine.data.batch import Written

USUAL_PAGES = frozenset({20, 25, 50, 100, 200})
"""Sizes of pages that statements are compiled for; other sizes are a parameter."""


class Pages(Snapshot):
    """Reads rows."""

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
        strategy = self._strategy(query.entity)
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
        strategy = self._strategy(query.entity)
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

    def columns(self, entity: str) -> tuple[str, ...]:
        """Return every field of an entity that the principal may see, references only where the whole way is open."""
        return all_columns(self.access.roles, self.model.entity(entity))

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
            raise no_record()
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

    def _single(self, entity: str, select: tuple[str, ...], abilities: tuple[str, ...], *, trashed: bool) -> Listing:
        roles = self.access.roles
        chosen = select or all_columns(roles, self.model.entity(entity))
        query = Query(entity, select=chosen, trashed=trashed)
        return self._selection(query).single(abilities)

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
