"""Search by words: in one list, and across everything that somebody may read.

The index holds the words of all fields of a record, by weight and not by field. Somebody who may not read one of them
would learn its words by searching for them, so for them a weight counts only when they may read all of its fields;
in the other fields that they may read, the words have to stand themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import orjson
from sqlalchemy import (
    ColumnElement,
    Integer,
    String,
    Text,
    and_,
    case,
    column,
    false,
    func,
    literal,
    or_,
    select,
    table,
)
from sqlalchemy import literal_column as plain_sql

from engine.data.place import Frame, Place, reading
from engine.data.rules import RoleRules
from engine.data.statement import Binds, Statement
from engine.expression.sql import bound
from engine.metadata.model import Entity, Field, Model
from engine.storage.search import SearchText, match
from engine.storage.tables import Tables
from engine.storage.words import Term, plain, segment, terms

Element = ColumnElement[Any]
Kind = Literal["sqlite", "postgresql"]

_LETTERS = {"high": "a", "normal": "b", "low": "c"}
_RANKED = 1_000
"""Matches in reach among which PostgreSQL looks for the best."""
_AROUND = 40
_MOST = 100
_ROWS = table("search_row", column("id"), column("entity"), column("record_id"), column("words"))


@dataclass(frozen=True, slots=True)
class Found:
    """One record that a search found."""

    entity: str
    id: str
    title: str
    snippet: str
    """What stands around the first word that was found, beside the title; "" when it was the title."""


def words_of(query: str | None, kind: str) -> dict[str, Any]:
    """Return the parameters of a search: what the index is asked, and each term as a pattern for LIKE."""
    if query is None:
        return {}
    found = terms(query)
    return {"search": match(query, kind), **{f"search.{place}": _pattern(term) for place, term in enumerate(found)}}


def number_of_words(query: str | None) -> int | None:
    """Return how many terms a search has, which is part of the shape of its statement."""
    return None if query is None else len(terms(query))


def searchable(model: Model, entity: Entity) -> bool:
    """Say whether records of an entity have words in the index."""
    return bool(_searched(model, entity))


def search_condition(place: Place, count: int) -> Element:
    """Return which rows of a place match the words of the query, in fields that the asker may read."""
    entity, frame = place.entity, place.frame
    if not count:
        return false()
    fields = _searched(frame.roles.model, entity)
    if not fields:
        return _literally(place, [entity.fields[entity.title]], count)
    clean, shown = _open_weights(frame.roles, entity, fields)
    if len(clean) == len({field.search for field in fields}):
        return place.alias.c.id.in_(_matching(frame, entity.key, None))
    parts: list[Element] = []
    if clean:
        parts.append(place.alias.c.id.in_(_matching(frame, entity.key, clean)))
    if shown:
        parts.append(and_(place.alias.c.id.in_(_matching(frame, entity.key, None)), _literally(place, shown, count)))
    return or_(*parts) if parts else false()


def _searched(model: Model, entity: Entity) -> list[Field]:
    known: SearchText = model.derive(("search text", entity.key), lambda: SearchText(entity))
    return [entity.fields[key] for key in known.fields]


def _open_weights(roles: RoleRules, entity: Entity, fields: Iterable[Field]) -> tuple[list[str], list[Field]]:
    """Return (weights of which every field may be read, readable texts)."""
    weights: dict[str, bool] = {}
    shown: list[Field] = []
    for field in fields:
        open_ = reading(roles, entity, field.key) == "read"
        weight = field.search or "normal"
        weights[weight] = weights.get(weight, True) and open_
        if open_ and field.storage is not None and field.storage.kind == "text" and not field.choices:
            shown.append(field)
    return [weight for weight, clean in weights.items() if clean], shown


def _matching(frame: Frame, entity: str, weights: list[str] | None) -> Any:
    rows = _ROWS.alias()
    found = select(rows.c.record_id).where(rows.c.entity == bound(entity, Text()))
    query = frame.binds.value("search", String())
    if frame.kind == "sqlite":
        asked: Element = query
        if weights is not None:
            asked = plain_sql(f"'{{{' '.join(weights)}}} : ('").concat(query).concat(plain_sql("')'"))
        index = table("search_index", column("rowid"))
        matched = plain_sql("search_index").op("MATCH", is_comparison=True)(asked)
        return found.where(rows.c.id.in_(select(index.c.rowid).where(matched)))
    return found.where(
        _vector(rows.c.words, weights).op("@@", is_comparison=True)(query.op("::")(plain_sql("tsquery")))
    )


def _vector(words: Element, weights: list[str] | None) -> Element:
    if weights is None:
        return words
    letters = ",".join(_LETTERS[weight] for weight in weights)
    return func.ts_filter(words, plain_sql(f"'{{{letters}}}'::\"char\"[]"))


def _literally(place: Place, fields: list[Field], count: int) -> Element:
    """Return which rows have each word of the query in one of the fields."""
    frame = place.frame
    texts = []
    for field in fields:
        if reading(frame.roles, place.entity, field.key) == "read":
            text = place.inline.value((field.key,), asking=True)
            texts.append(func.gx_lower(text) if frame.kind == "sqlite" else func.lower(text.collate("default")))
    if not texts or not count:
        return false()
    patterns = [frame.binds.value(f"search.{each}", String()) for each in range(count)]
    return and_(*(or_(*(text.like(pattern, escape="\\") for text in texts)) for pattern in patterns))


def _joined(term: Term) -> str:
    """Return a term as it stands in a text: pairs of characters that follow each other overlap."""
    return term.words[0] + "".join(word[-1] for word in term.words[1:])


def _pattern(term: Term) -> str:
    text = _joined(term)
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


# --- across entities ------------------------------------------------------------------------------------------------


class Everywhere:
    """A search across entities on its way to SQL: one statement, with the row rule of each entity in it."""

    def __init__(self, kind: Kind, tables: Tables, roles: RoleRules, entities: tuple[str, ...], count: int) -> None:
        self._binds = Binds(kind)
        self._frame = Frame(kind, tables, roles, self._binds)
        self._entities = [roles.model.entity(key) for key in entities]
        self._count = count

    def compile(self) -> Statement:
        """Return the statement: entity, record id, JSON array of the title and the texts that were searched."""
        best = self._sqlite() if self._frame.kind == "sqlite" else self._postgresql()
        found = best.subquery("f")
        shown = case(
            *(
                (found.c.entity == bound(each.key, Text()), self._shown(each, found.c.record_id))
                for each in self._entities
            )
        )
        chosen = select(found.c.entity, found.c.record_id, shown).order_by(found.c.tier, found.c.place.desc())
        return self._binds.finish(chosen)

    def _sqlite(self) -> Any:
        """Rows by number, the newest first: the index gives them in this order without looking at the rest."""
        tiers = [self._tier(0, "'{high} : ('"), self._tier(1, "'{high normal low} : ('")]
        both = tiers[0].union_all(tiers[1]).subquery("b")
        once = select(
            both.c.entity, both.c.record_id, func.min(both.c.tier).label("tier"), func.max(both.c.place).label("place")
        )
        once = once.group_by(both.c.entity, both.c.record_id).order_by(plain_sql("3"), plain_sql("4 DESC"))
        return once.limit(self._binds.value("limit", Integer()))

    def _tier(self, tier: int, weights: str) -> Any:
        rows = _ROWS.alias(f"r{tier}")
        index = table("search_index", column("rowid")).alias(f"i{tier}")
        asked = plain_sql(weights).concat(self._binds.value("search", String())).concat(plain_sql("')'"))
        matched = plain_sql(f'"i{tier}"."search_index"').op("MATCH", is_comparison=True)(asked)
        # FTS5's own table is named by its hidden column, so that the alias is told apart.
        chosen = select(
            rows.c.entity, rows.c.record_id, literal(tier, Integer()).label("tier"), index.c.rowid.label("place")
        ).select_from(index.join(rows, rows.c.id == index.c.rowid))
        chosen = chosen.where(matched, self._in_reach(rows)).order_by(index.c.rowid.desc())
        return select(chosen.limit(self._binds.value("limit", Integer())).subquery(f"s{tier}"))

    def _postgresql(self) -> Any:
        rows = _ROWS.alias("r")
        asked = self._binds.value("search", String()).op("::")(plain_sql("tsquery"))
        inner = select(rows.c.entity, rows.c.record_id, rows.c.id, rows.c.words).where(
            rows.c.words.op("@@", is_comparison=True)(asked), self._in_reach(rows)
        )
        near = inner.limit(_RANKED).subquery("n")
        rank = func.ts_rank(plain_sql("ARRAY[0, 0.05, 0.2, 1.0]::real[]"), near.c.words, asked, plain_sql("1"))
        ranked = select(near.c.entity, near.c.record_id, (-rank).label("tier"), near.c.id.label("place"))
        return ranked.order_by(plain_sql("3"), plain_sql("4 DESC")).limit(self._binds.value("limit", Integer()))

    def _in_reach(self, rows: Any) -> Element:
        """Return the condition that a search row's record is live, readable and matched where the asker may look."""
        answers = []
        for entity in self._entities:
            place = self._place(entity)
            here = [place.alias.c.id == rows.c.record_id, place.alias.c.deleted_at.is_(None), *place.reach("read")]
            fields = _searched(self._frame.roles.model, entity)
            clean, _ = _open_weights(self._frame.roles, entity, fields)
            if len(clean) < len({field.search for field in fields}):
                here.append(search_condition(place, self._count))
            answer = select(plain_sql("1")).select_from(place.alias).where(*here).correlate(rows).scalar_subquery()
            answers.append((rows.c.entity == bound(entity.key, Text()), answer))
        # A scalar sub-select is looked up row by row; EXISTS may be turned into a scan of the whole table.
        return case(*answers) == plain_sql("1")

    def _shown(self, entity: Entity, record: Element) -> Element:
        place = self._place(entity)
        keys = [entity.title, *(field.key for field in _searched(self._frame.roles.model, entity))]
        shown = [
            place.value((key,), asking=True)
            for key in dict.fromkeys(keys)
            if reading(self._frame.roles, entity, key) == "read"
        ]
        make = func.json_array if self._frame.kind == "sqlite" else func.jsonb_build_array
        texts = select(make(*shown)).select_from(place.alias).where(place.alias.c.id == record)
        return texts.correlate_except(place.alias).scalar_subquery()

    def _place(self, entity: Entity) -> Place:
        return Place(self._frame, entity, self._frame.alias(entity.key))


def looked_for(query: str) -> tuple[str, ...]:
    """Return what a query looks for, each as it stands in a text: in lower case, runs of Chinese in one piece."""
    return tuple(_joined(term) for term in terms(query))


def name_forms(name: str) -> tuple[str, ...]:
    """Return the words by which a name is found, in lower case: its own, and how Chinese ones are typed."""
    return tuple(segment(name, name=True))


def found(rows: Iterable[tuple[Any, ...]], query: str) -> list[Found]:
    """Return what a search found, each with what stands around the first word.

    Titles that are what was looked for come first, then those that begin with it; the others stay in their order.
    """
    words, whole = looked_for(query), plain(query).strip()
    answer = []
    for entity, record, texts in rows:
        values = orjson.loads(texts) if isinstance(texts, str) else (texts or [])
        title, *others = [_text(value) for value in values] or [""]
        named = plain(title)
        rank = 0 if named == whole else 1 if named.startswith(whole) else 2
        answer.append((rank, Found(entity, record, title, _snippet(title, others, words))))
    return [each for _, each in sorted(answer, key=lambda pair: pair[0])]


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return " ".join(map(_text, value.values()))
    if isinstance(value, list):
        return " ".join(map(_text, value))
    return "" if value is None else str(value)


def _snippet(title: str, others: Iterable[str], wanted: Iterable[str]) -> str:
    words = [word for word in wanted if word not in title.lower()]
    for text in others:
        lowered = text.lower()
        for word in words:
            at = lowered.find(word)
            if at >= 0:
                start, end = max(0, at - _AROUND), min(len(text), at + len(word) + _AROUND)
                cut = " ".join(text[start:end].split())
                return f"{'…' if start else ''}{cut}{'…' if end < len(text) else ''}"
    return ""
