"""One snapshot of the database, one Model, one principal: how what is asked becomes statements, and these rows."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any
from typing import Literal as OneOf

from sqlalchemy import Connection

from engine.audit.meters import Meters
from engine.data.access import Access
from engine.data.blinding import blinded, has_blind_indexes
from engine.data.fields import Resolved, child_columns
from engine.data.finding import number_of_words, words_of
from engine.data.normal import NOTHING, Normal, normal
from engine.data.principal import Principal
from engine.data.query import Query
from engine.data.recent import Recent
from engine.data.rowset import RowSet
from engine.data.select import Listing, Range, Selection
from engine.data.statement import Statement
from engine.data.strategy import Strategy, strategy_for
from engine.errors import NotFound
from engine.expression import Call, Expr, FieldInfo, Path, Type, Var
from engine.fields import Locale
from engine.i18n import Message
from engine.metadata.model import Order

if TYPE_CHECKING:
    from engine.data.vault import Vault
    from engine.publish import Published

STATEMENTS_KEPT = 500
"""Compiled statements of one Model."""
CONDITIONS_KEPT = 2_000
"""Conditions whose values were taken out, of one Model."""
MOST_CHILDREN = 100_000
"""Child rows of one page of parents."""


class Snapshot:
    """What everything that is read has in common.

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

    def meter(self, entity: str, number: int) -> None:
        """Count rows of which the principal was told in another way than by a list, such as the feed."""
        self._count(self.read_as, entity, number)

    def _count(self, kind: str, entity: str, number: int) -> None:
        if self._meters is not None:
            viewer = self.principal.viewer
            self._meters.count(self.principal.id if viewer is None else viewer.id, kind, entity, number)

    @property
    def _mark(self) -> str:
        return "?" if self.kind == "sqlite" else "%s"

    @property
    def _locale(self) -> Locale:
        return Locale(self.principal.language, self.principal.timezone, self.model.currency)

    def _strategy(self, entity: str) -> Strategy:
        return strategy_for(self, entity)

    def _selection(self, query: Query, where: Normal = NOTHING, given: Normal = NOTHING) -> Selection:
        strategy = self._strategy(query.entity)
        return Selection(self.kind, self.published.tables, self.access.roles, query, where, given, strategy)

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
            self._strategy(query.entity),
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


def no_record() -> NotFound:
    """Return the error that says the same of a record that is not there and of one that nobody is to know of."""
    return NotFound(Message("There is no such record"))
