"""Keys by which records that look alike find each other: one row of `match_key` for each, written with the record.

A key is a hash of 64 bits. That two different things have the same one costs a comparison and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from itertools import product
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from engine.data.alike.rules import Compared, Rule
from engine.storage.database import run, run_many

if TYPE_CHECKING:
    from engine.data.batch import Draft
    from engine.data.shape import Shape
    from engine.data.unit import Unit

MOST_OF_RULE = 24
MOST_OF_SET = 40
"""Keys that a record has for one rule, and for one set of rules."""
MOST_TWINS = 60
"""Records that are looked at for one key: what more of them share tells nobody apart."""
_TERMS = 120
_BYTES = 8

# SQLite takes one row at a time, PostgreSQL whole columns in one statement.
_COLUMNS = "SELECT * FROM unnest(%s::text[], %s::bigint[], %s::uuid[])"
_ADD = {
    "sqlite": "INSERT OR IGNORE INTO match_key (entity, hash, record_id) VALUES (?, ?, ?)",
    "postgresql": f"INSERT INTO match_key (entity, hash, record_id) {_COLUMNS} ON CONFLICT DO NOTHING",
}
_DELETE = {
    "sqlite": "DELETE FROM match_key WHERE entity = ? AND hash = ? AND record_id = ?",
    "postgresql": f"DELETE FROM match_key WHERE (entity, hash, record_id) IN ({_COLUMNS})",  # noqa: S608
}

MatchKeys = set[tuple[str, int]]
"""(entity, key) of what is looked for."""


def hashes(known: Compared, values: Mapping[str, Any]) -> set[int]:
    """Return the keys of a record from its Python values."""
    texts: dict[tuple[str, tuple[str, ...]], tuple[str, ...]] = {}
    found: set[int] = set()
    for rules in known.sets:
        sides = []
        for rule in rules:
            fields = rule.fields[known.entity]
            place = (rule.sign, fields)
            if place not in texts:
                texts[place] = _texts(rule, fields, values)
            if not texts[place]:
                break
            sides.append(texts[place])
        else:
            for number, each in enumerate(product(*sides)):
                if number >= MOST_OF_SET:
                    break
                found.add(_hash("|".join(sorted(each))))
    return found


def keys_of(known: Compared, draft: Draft) -> frozenset[int]:
    """Return the keys of a record as it will be; made once, for whoever looks for others and whoever writes them."""
    made_of = (known.mark, [draft.new.get(key) for key in known.fields])
    if draft.alike is None or draft.alike[0] != made_of:
        draft.alike = made_of, frozenset(hashes(known, draft.new))
    return draft.alike[1]


def _texts(rule: Rule, fields: Sequence[str], values: Mapping[str, Any]) -> tuple[str, ...]:
    keys: set[str] = set()
    for key in fields:
        value = values.get(key)
        read = rule.method.read(value) if value is not None else None
        if read is not None:
            keys.update(rule.method.keys(read))
    return tuple(f"{rule.sign}={each}" for each in sorted(keys, key=lambda text: (-len(text), text))[:MOST_OF_RULE])


def _hash(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=_BYTES).digest(), "big", signed=True)


# --- writing --------------------------------------------------------------------------------------------------------


def write_keys(unit: Unit, shape: Shape, drafts: Sequence[Draft], *, whole: bool = False) -> None:
    """Write the keys of records that are new or whose values changed; `whole` = of all of them."""
    known = shape.compared
    if known is None:
        return
    gone: list[tuple[str, int, str]] = []
    fresh: list[tuple[str, int, str]] = []
    entity = shape.entity.key
    for draft in drafts:
        if draft.old is not None and not whole and known.fields.isdisjoint(draft.changed):
            continue
        after = keys_of(known, draft)
        before = hashes(known, draft.old) if draft.old is not None else set()
        gone += [(entity, each, draft.id) for each in sorted(before - after)]
        fresh += [(entity, each, draft.id) for each in sorted(after - before if not whole else after)]
    delete_rows(unit.connection, gone)
    add_rows(unit.connection, fresh)


def remove_keys(unit: Unit, shape: Shape, drafts: Iterable[Draft]) -> None:
    """Take the keys of records away that are deleted for good."""
    if shape.compared is not None:
        entity = shape.entity.key
        rows = [(entity, each, draft.id) for draft in drafts for each in sorted(hashes(shape.compared, draft.new))]
        delete_rows(unit.connection, rows)


def add_rows(connection: Connection, rows: Sequence[tuple[str, int, str]]) -> None:
    """Write (entity, key, record); what is there already stays."""
    _each(connection, _ADD, rows)


def delete_rows(connection: Connection, rows: Sequence[tuple[str, int, str]]) -> None:
    """Take (entity, key, record) away."""
    _each(connection, _DELETE, rows)


def _each(connection: Connection, texts: Mapping[str, str], rows: Sequence[tuple[str, int, str]]) -> None:
    if not rows:
        return
    text = texts[connection.dialect.name]
    if connection.dialect.name == "sqlite":
        run_many(connection, text, rows)
    else:
        run(connection, text, [list(column) for column in zip(*sorted(rows), strict=True)])


# --- finding --------------------------------------------------------------------------------------------------------


def twins(connection: Connection, wanted: MatchKeys, *, most: int = MOST_TWINS) -> dict[tuple[str, int], list[str]]:
    """Return the records that have a key, `most` of them for each."""
    found: dict[tuple[str, int], list[str]] = {}
    terms = sorted(wanted)
    if connection.dialect.name == "sqlite":
        one = (
            f"SELECT * FROM (SELECT entity, hash, record_id FROM match_key WHERE entity = ? AND hash = ? LIMIT {most})"  # noqa: S608
        )
        for start in range(0, len(terms), _TERMS):
            part = terms[start : start + _TERMS]
            text = " UNION ALL ".join([one] * len(part))
            values = [value for term in part for value in term]
            for entity, key, record in run(connection, text, values).fetchall():
                found.setdefault((entity, key), []).append(record)
    elif terms:
        text = (
            "SELECT k.entity, k.hash, k.record_id FROM unnest(%s::text[], %s::bigint[]) AS q (entity, hash),"  # noqa: S608
            " LATERAL (SELECT m.entity, m.hash, m.record_id FROM match_key m WHERE m.entity = q.entity"
            f" AND m.hash = q.hash LIMIT {most}) AS k"
        )
        for entity, key, record in run(
            connection, text, [list(column) for column in zip(*terms, strict=True)]
        ).fetchall():
            found.setdefault((entity, key), []).append(record)
    return found
