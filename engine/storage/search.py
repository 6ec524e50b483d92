"""Full-text search: one row of words for each record, and the conditions that find them.

The words are cut by `words`. SQLite keeps them in an FTS5 table whose rowid is the id of the search row; PostgreSQL
in a tsvector of the search row, written with its positions, so that the server's own parser has no say. Whoever
writes a record writes its search row in the same transaction; imports write those of a whole chunk in one statement.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import BindParameter, Connection, Select, column, literal_column, select, table

from engine.metadata.model import Entity
from engine.storage.database import run, run_many
from engine.storage.words import GAP, Term, segment, terms

_WEIGHTS = ("high", "normal", "low")
_POSTGRES_WEIGHTS = "ABC"
_MOST_POSITIONS = 16_383
_MOST_OF_ONE = 250  # positions of one word that PostgreSQL keeps are 256
_CANDIDATES = 1_000


@dataclass(frozen=True, slots=True)
class Words:
    """The words of one record by weight, each a text of words with blanks between."""

    high: str = ""
    normal: str = ""
    low: str = ""


class SearchText:
    """Makes the words of records of one entity."""

    def __init__(self, entity: Entity) -> None:
        self.entity = entity.key
        self.fields = tuple(
            field.key
            for field in entity.search_fields
            if field.type.searchable or field.type.result(field.options).searchable
        )
        """Fields whose change changes the words."""
        self._parts = [
            (
                key,
                _WEIGHTS.index(entity.fields[key].search or "normal"),
                entity.fields[key].type.search_text,
                entity.fields[key].options,
                key == entity.title or entity.fields[key].search == "high",
            )
            for key in self.fields
        ]

    @property
    def marks(self) -> tuple[str, ...]:
        """What the words are made of, as the storage map keeps it: `field:weight`, with `*` for names."""
        return tuple(f"{key}:{_WEIGHTS[weight]}{'*' if name else ''}" for key, weight, _, _, name in self._parts)

    def __bool__(self) -> bool:
        """Whether records of the entity are found by words at all."""
        return bool(self._parts)

    def words(self, values: Mapping[str, Any]) -> Words:
        """Return the words of a record from its Python values."""
        texts: list[list[str]] = [[], [], []]
        for key, weight, text_of, options, name in self._parts:
            value = values.get(key)
            if value is not None:
                found = segment(text_of(value, options), name=name)
                known = texts[weight]
                if known and found:
                    known.append(GAP)
                known += found
        return Words(*(" ".join(each) for each in texts))


# -- writing


def add(connection: Connection, entity: str, rows: Sequence[tuple[str, Words]]) -> None:
    """Write the words of records that have no search row yet; (record id, words) each."""
    if not rows:
        return
    if connection.dialect.name == "sqlite":
        _add_sqlite(connection, entity, rows)
    else:
        _add_postgres(connection, entity, rows)


def replace(connection: Connection, entity: str, rows: Sequence[tuple[str, Words]]) -> None:
    """Write the words of records that may have a search row already."""
    if not rows:
        return
    if connection.dialect.name == "sqlite":
        known = _known_sqlite(connection, entity, [record for record, _ in rows])
        run_many(
            connection,
            "UPDATE search_index SET high = ?, normal = ?, low = ? WHERE rowid = ?",
            [(words.high, words.normal, words.low, known[record]) for record, words in rows if record in known],
        )
        _add_sqlite(connection, entity, [row for row in rows if row[0] not in known])
    else:
        _add_postgres(connection, entity, rows)


def remove(connection: Connection, entity: str, records: Sequence[str]) -> None:
    """Take records out of the search."""
    if not records:
        return
    if connection.dialect.name == "sqlite":
        rows = [(row,) for row in _known_sqlite(connection, entity, records).values()]
        run_many(connection, "DELETE FROM search_index WHERE rowid = ?", rows)
        run_many(connection, "DELETE FROM search_row WHERE id = ?", rows)
    else:
        run(
            connection,
            "DELETE FROM search_row WHERE entity = %s AND record_id = ANY(%s::uuid[])",
            (entity, list(records)),
        )


def remove_all(connection: Connection, entity: str) -> None:
    """Take all records of an entity out of the search."""
    if connection.dialect.name == "sqlite":
        run(
            connection,
            "DELETE FROM search_index WHERE rowid IN (SELECT id FROM search_row WHERE entity = ?)",
            (entity,),
        )
        run(connection, "DELETE FROM search_row WHERE entity = ?", (entity,))
    else:
        run(connection, "DELETE FROM search_row WHERE entity = %s", (entity,))


def _add_sqlite(connection: Connection, entity: str, rows: Sequence[tuple[str, Words]]) -> None:
    if len(rows) == 1:
        record, words = rows[0]
        cursor = run(connection, "INSERT INTO search_row (entity, record_id) VALUES (?, ?)", (entity, record))
        run(
            connection,
            "INSERT INTO search_index (rowid, high, normal, low) VALUES (?, ?, ?, ?)",
            (cursor.lastrowid, words.high, words.normal, words.low),
        )
    elif rows:
        # One writer at a time: nobody takes a number between these statements.
        first: int = run(connection, "SELECT coalesce(max(id), 0) + 1 FROM search_row").fetchone()[0]
        run_many(
            connection,
            "INSERT INTO search_row (id, entity, record_id) VALUES (?, ?, ?)",
            [(first + place, entity, record) for place, (record, _) in enumerate(rows)],
        )
        run_many(
            connection,
            "INSERT INTO search_index (rowid, high, normal, low) VALUES (?, ?, ?, ?)",
            [(first + place, words.high, words.normal, words.low) for place, (_, words) in enumerate(rows)],
        )


def _known_sqlite(connection: Connection, entity: str, records: Sequence[str]) -> dict[str, int]:
    if len(records) == 1:
        found = run(
            connection, "SELECT record_id, id FROM search_row WHERE record_id = ? AND entity = ?", (records[0], entity)
        )
    else:
        found = run(
            connection,
            "SELECT record_id, id FROM search_row WHERE entity = ? AND record_id IN (SELECT value FROM json_each(?))",
            (entity, orjson.dumps(list(records)).decode()),
        )
    return dict(found.fetchall())


def postgres_add_one(source: str = "") -> str:
    """Return what writes the words of one record; its values: entity, id, `vector` of the words.

    With `source` it does so for each row of that.
    """
    marks = "%s, %s, %s::text::tsvector"
    rows = f"SELECT {marks} FROM {source}" if source else f"VALUES ({marks})"  # noqa: S608 - a name of the caller
    return (
        f"INSERT INTO search_row (entity, record_id, words) {rows}"
        " ON CONFLICT (record_id, entity) DO UPDATE SET words = excluded.words"
    )


def _add_postgres(connection: Connection, entity: str, rows: Sequence[tuple[str, Words]]) -> None:
    run(
        connection,
        "INSERT INTO search_row (entity, record_id, words)"
        " SELECT %s, r.record, r.words::tsvector FROM unnest(%s::uuid[], %s::text[]) AS r (record, words)"
        " ON CONFLICT (record_id, entity) DO UPDATE SET words = excluded.words",
        (entity, [record for record, _ in rows], [vector(words) for _, words in rows]),
    )


def vector(words: Words) -> str:
    """Return words as PostgreSQL writes a tsvector: 'word':1A,7B 'other':2A."""
    places: dict[str, list[str]] = {}
    position = 0
    for text, weight in zip((words.high, words.normal, words.low), _POSTGRES_WEIGHTS, strict=True):
        for word in text.split():
            position = min(position + 1, _MOST_POSITIONS)
            if word != GAP:
                known = places.setdefault(word, [])
                if len(known) < _MOST_OF_ONE:
                    known.append(f"{position}{weight}")
        position = min(position + 1, _MOST_POSITIONS)
    return " ".join(f"'{word}':{','.join(known)}" for word, known in places.items())


# -- finding


def match(query: str, dialect: str) -> str | None:
    """Return a query as FTS5 or tsquery takes it, as one parameter; None when there is no word in it."""
    found = terms(query)
    if not found:
        return None
    if dialect == "sqlite":
        return " ".join(_fts5(term) for term in found)
    return " & ".join(_tsquery(term) for term in found)


def _fts5(term: Term) -> str:
    return f'"{" ".join(term.words)}"' + ("*" if term.prefix else "")


def _tsquery(term: Term) -> str:
    words = " <-> ".join(f"'{word}'" for word in term.words)
    return f"({words})" if len(term.words) > 1 else words + (":*" if term.prefix else "")


def matching_ids(matched: BindParameter[Any], entity: str, dialect: str) -> Select[Any]:
    """Return the ids of an entity's records that match, for `id IN (...)`; `matched` binds what `match` gives."""
    row = table("search_row", column("id"), column("entity"), column("record_id"), column("words"))
    found = select(row.c.record_id).where(row.c.entity == literal_column(f"'{entity}'"))
    if dialect == "sqlite":
        index = table("search_index", column("rowid"))
        return found.where(
            row.c.id.in_(select(index.c.rowid).where(literal_column("search_index").op("MATCH")(matched)))
        )
    return found.where(row.c.words.op("@@")(matched.op("::")(literal_column("tsquery"))))


@dataclass(frozen=True, slots=True)
class Candidate:
    """A record that matches; whether the asker may see it is for others to say."""

    entity: str
    record_id: str


def candidates(connection: Connection, query: str, entities: Iterable[str], *, limit: int = 200) -> list[Candidate]:
    """Return records of some entities that match a query, the best first: names before texts, then the newest.

    The cost follows `limit`, not the number of records that match.
    """
    names = sorted(set(entities))
    matched = match(query, connection.dialect.name)
    if matched is None or not names:
        return []
    if connection.dialect.name == "sqlite":
        return _candidates_sqlite(connection, matched, names, limit)
    rows = run(
        connection,
        "SELECT entity, record_id FROM (SELECT id, entity, record_id, words FROM search_row"
        " WHERE words @@ %s::tsquery AND entity = ANY(%s::text[]) LIMIT %s) AS found"
        " ORDER BY ts_rank(ARRAY[0, 0.05, 0.2, 1.0]::real[], words, %s::tsquery, 1) DESC, id DESC LIMIT %s",
        (matched, names, max(_CANDIDATES, limit), matched, limit),
    ).fetchall()
    return [Candidate(entity, record) for entity, record in rows]


def _candidates_sqlite(connection: Connection, matched: str, names: Sequence[str], limit: int) -> list[Candidate]:
    given = orjson.dumps(names).decode()
    found: dict[Candidate, None] = {}
    for text in (f"high : ({matched})", f"{{high normal low}} : ({matched})"):
        rows = run(
            connection,
            "SELECT r.entity, r.record_id FROM search_index JOIN search_row r ON r.id = search_index.rowid"
            " WHERE search_index MATCH ? AND r.entity IN (SELECT value FROM json_each(?))"
            " ORDER BY search_index.rowid DESC LIMIT ?",
            (text, given, limit),
        ).fetchall()
        found.update(dict.fromkeys(Candidate(entity, record) for entity, record in rows))
        if len(found) >= limit:
            break
    return list(found)[:limit]
