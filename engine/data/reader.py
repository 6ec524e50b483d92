"""`Reader`: what faces hold during a request. One snapshot of the database, one Model, one principal.

Every way to read records goes through here, so each of them carries the same row rule and the same field masks.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from threading import Lock
from typing import TYPE_CHECKING, Any, Generic, Hashable, Literal, TypeVar

from sqlalchemy import Connection

from engine.data import cursor as cursors
from engine.data.access import Access
from engine.data.fields import all_columns
from engine.data.normal import NOTHING, Normal, normal
from engine.data.principal import Principal
from engine.data.query import Query
from engine.data.rowset import Row, RowSet
from engine.data.select import Listing, Range, Selection
from engine.data.statement import Statement
from engine.errors import NotFound, QueryInvalid
from engine.expression import Expr
from engine.i18n import Message
from engine.ids import is_id

if TYPE_CHECKING:
    from engine.publish import Published

_T = TypeVar("_T")

STATEMENTS_KEPT = 500
"""Compiled statements of one Model."""
CONDITIONS_KEPT = 2_000
"""Conditions whose values were taken out, of one Model."""
COUNTED = 1_000
"""Rows that a count looks at before it says "more"."""


class Recent(Generic[_T]):
    """The values used last, by key; safe to share between threads."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: OrderedDict[Hashable, _T] = OrderedDict()
        self._lock = Lock()

    def get(self, key: Hashable, make: Callable[[], _T]) -> _T:
        """Return what `make` makes for the key, made anew when it was not used for long."""
        with self._lock:
            found = self._values.get(key)
            if found is not None:
                self._values.move_to_end(key)
                return found
        made = make()
        with self._lock:
            self._values[key] = made
            if len(self._values) > self._most:
                self._values.popitem(last=False)
        return made

    def __len__(self) -> int:
        return len(self._values)


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
    """

    def __init__(
        self,
        connection: Connection,
        published: Published,
        principal: Principal,
        *,
        secret: bytes,
        now: datetime | None = None,
    ) -> None:
        self.connection = connection
        self.published = published
        self.model = published.model
        self.principal = principal
        self.access = Access(published, principal, now)
        self._kind: Literal["sqlite", "postgresql"] = "sqlite" if connection.dialect.name == "sqlite" else "postgresql"
        self._secret = secret
        self._statements: Recent[Any] = self.model.derive("statements", lambda: Recent(STATEMENTS_KEPT))
        self._conditions: Recent[Normal] = self.model.derive("conditions", lambda: Recent(CONDITIONS_KEPT))

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
            listing = self._listing(query, where, key, "all")
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
        return RowSet(listing.columns, self._with_children(listing, rows), following)

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
            lambda: Selection(self._kind, self.published.tables, self.access.roles, query, where).counting(capped=True),
        )
        [(number,)] = self._run(statement, {**self._values(query, where), "limit": limit + 1})
        return Count(min(number, limit), capped=number > limit)

    def record(
        self,
        entity: str,
        id: str,
        select: tuple[str, ...] = (),
        abilities: Sequence[str] = (),
        *,
        trashed: bool = False,  # noqa: A002
    ) -> Row:
        """Return one record, with every field that the principal may see unless `select` names some.

        Raises:
            NotFound: there is no such record, or the principal may not read it.
            QueryInvalid: a path cannot be used.
        """
        roles = self.access.roles
        key = ("record", self._kind, self.published.tables, roles, entity, select, tuple(abilities), trashed)
        listing: Listing = self._statements.get(
            key, lambda: self._single(entity, select, tuple(abilities), trashed=trashed)
        )
        rows = self._run(listing.statement, {**self.access.env(), "id": id}) if is_id(id) else []
        if not rows:
            raise NotFound(Message("There is no such record"))
        return Row(listing.columns, self._with_children(listing, rows)[0])

    # --- inside ---------------------------------------------------------------------------------------------------

    def _single(self, entity: str, select: tuple[str, ...], abilities: tuple[str, ...], *, trashed: bool) -> Listing:
        roles = self.access.roles
        chosen = select or all_columns(roles, self.model.entity(entity))
        query = Query(entity, select=chosen, trashed=trashed)
        return Selection(self._kind, self.published.tables, roles, query, NOTHING).single(abilities)

    def _normal(self, entity: str, condition: Expr | None) -> Normal:
        if condition is None:
            return NOTHING
        return self._conditions.get((entity, condition), lambda: normal(self.model, entity, condition))

    def _values(self, query: Query, where: Normal) -> dict[str, Any]:
        values = {**self.access.env(), **where.values}
        if query.ids is not None:
            values["ids"] = query.ids
        return values

    def _key(self, query: Query, where: Normal, abilities: tuple[str, ...]) -> tuple[Hashable, ...]:
        return (
            self._kind,
            self.published.tables,
            self.access.roles,
            query.entity,
            query.select,
            where.shape,
            query.search is not None,
            query.order_by,
            query.trashed,
            query.ids is not None,
            abilities,
        )

    def _listing(
        self, query: Query, where: Normal, key: tuple[Hashable, ...], part: Range, missing: tuple[bool, ...] = ()
    ) -> Listing:
        abilities: tuple[str, ...] = key[-1]  # type: ignore[assignment]
        return self._statements.get(  # type: ignore[no-any-return]
            (part, missing, *key),
            lambda: Selection(self._kind, self.published.tables, self.access.roles, query, where).listing(
                abilities, part, missing
            ),
        )

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

    def _run(self, statement: Statement, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        return statement.rows(self.connection, values)

    def _with_children(self, listing: Listing, rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        return rows
