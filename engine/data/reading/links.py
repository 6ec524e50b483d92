"""Links: what belongs to a record, what a link may lead to, and the titles of what it leads to."""

# ruff: noqa: A002 - `id` is what the id of a record is called

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from engine.data import choices
from engine.data.fields import conversions, resolved_title, unknown
from engine.data.normal import NOTHING, normal
from engine.data.place import reading, visible
from engine.data.query import Query
from engine.data.reading.pages import Pages
from engine.data.reading.snapshot import no_record
from engine.data.rowset import RowSet
from engine.data.select import Listing
from engine.expression import Call, Expr, Literal, Path, conjunction
from engine.ids import is_id
from engine.metadata.model import Entity, Order


class Links(Pages):
    """Reads what is linked."""

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
            raise no_record()
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
