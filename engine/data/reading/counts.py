"""Numbers: how many rows there are, and what groups of them come to."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy.exc import DBAPIError

from engine.data import cursor as cursors
from engine.data.aggregate import Summary, Totals
from engine.data.facets import FACETED, Facets, faceted
from engine.data.normal import Normal
from engine.data.principal import fixed_shift
from engine.data.query import Query
from engine.data.reading.snapshot import Snapshot
from engine.data.rowset import RowSet

COUNTED = 1_000
"""Rows that a count looks at before it says "more"."""


@dataclass(frozen=True, slots=True)
class Count:
    """How many rows there are, or that there are more than anybody wants counted."""

    number: int
    capped: bool

    def __str__(self) -> str:
        return f"{self.number}+" if self.capped else str(self.number)


class Counts(Snapshot):
    """Reads numbers."""

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

    def facets(self, query: Query, paths: Sequence[str], most: int = FACETED) -> Facets:
        """Return how often values stand together in some fields of the rows of a query, in one statement.

        No more than `most` rows are looked at, so that it takes no longer on a large table.

        Args:
            query: its rows; limit, order and columns do not matter.
            paths: dotted paths of single values.
            most: rows that are looked at.

        Raises:
            AccessDenied, QueryInvalid, QueryTooSlow: as `query`.
        """
        self.access.require(query.entity, "read")
        where = self._normal(query.entity, query.where)
        key = ("facets", tuple(paths), *self._key(replace(query, select=("id",), order_by=()), where, ()))
        statement = self._statements.get(key, lambda: faceted(self._selection(query, where), paths))
        rows = self._run(statement, {**self._values(query, where), "limit": most + 1})
        return Facets(tuple((tuple(row[:-1]), row[-1]) for row in rows), sum(row[-1] for row in rows) > most)

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

    def _totals(
        self, query: Query, where: Normal, key: tuple[Hashable, ...], values: Mapping[str, Any], *, wide: bool
    ) -> RowSet:
        strategy = self._strategy(query.entity)
        roles, tables, shifted = self.access.roles, self.published.tables, values["timezone.shift"] is not None
        totals: Totals = self._statements.get(
            (*key, wide),
            lambda: Summary(
                self.kind, tables, roles, query, where, shifted=shifted, wide=wide, strategy=strategy
            ).compile(),
        )
        return RowSet(totals.columns, self._run(totals.statement, values))

    def _context_of_groups(self, query: Query, where: Normal) -> str:
        """Return which numbers over which groups a cursor belongs to, as `_context` does for lists."""
        shape = (query.entity, where.shape, query.group_by, query.aggregates, query.having, query.order_by)
        asked = (where.values, query.search, query.ids, query.trashed)
        return hashlib.blake2b(repr((self.principal.id, "groups", shape, asked)).encode(), digest_size=16).hexdigest()
