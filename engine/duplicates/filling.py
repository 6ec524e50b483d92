# ruff: noqa: S608
# Names in statements come from the storage map and the Model; values are bound.
"""Makes the keys of records that were there before a duplicate document was, some hundred at a time, by a job."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sqlalchemy import Connection

from engine.data.alike import Compared, compared, hashes
from engine.data.alike.keys import add_rows
from engine.data.phrases import phrases
from engine.publish import Published
from engine.storage.codec import decoder
from engine.storage.database import Database, run
from engine.storage.guard import ENTITY_ACCESS

TASK = "duplicates_prepare"
PORTION = 500
_DELETED = 5_000
_FIRST, _DONE = "00000000-0000-0000-0000-000000000000", ""


def standing(connection: Connection) -> dict[str, tuple[str, str]]:
    """Return by entity the mark of the rules that its keys are made by, and behind which record some are missing."""
    rows = run(connection, "SELECT entity, mark, after FROM match_state").fetchall()
    return {entity: (mark, after) for entity, mark, after in rows}


def waiting(connection: Connection, published: Published) -> list[str]:
    """Return the entities whose keys are not what the running documents need."""
    known, wanted = standing(connection), compared(published.model)
    missing = [entity for entity, each in wanted.items() if known.get(entity) != (each.mark, _DONE)]
    return [*missing, *(entity for entity in known if entity not in wanted)]


def is_ready(connection: Connection, published: Published, entity: str) -> bool:
    """Say whether every record of an entity, and of those it is compared with, can be found."""
    wanted = compared(published.model).get(entity)
    if wanted is None:
        return True
    known = standing(connection)
    others = {entity, *(each for document in wanted.own for each in document.others)}
    return all(known.get(each) == (compared(published.model)[each].mark, _DONE) for each in others)


def fill(
    database: Database,
    published: Callable[[Connection], Published],
    *,
    keep: Callable[[Connection, int], None] = lambda _connection, _done: None,
    told: Callable[[int], None] = lambda _done: None,
) -> int:
    """Make all keys that are missing and return of how many records.

    Each portion is a transaction that says how far it has come; `keep` is called in it, `told` behind it. Whoever
    writes meanwhile writes keys by the new rules, so nothing is missed, and a process that dies goes on where it was.
    """
    done = 0
    while True:
        with database.write() as connection:
            here = published(connection)
            due = waiting(connection, here)
            if not due:
                return done
            done += _portion(connection, here, due[0])
            keep(connection, done)
        told(done)


def _portion(connection: Connection, published: Published, entity: str) -> int:
    wanted = compared(published.model).get(entity)
    spoken = phrases(connection.dialect.name)
    mark = spoken.mark
    known = standing(connection).get(entity)
    if known is None and wanted is not None:
        run(
            connection,
            f"INSERT INTO match_state (entity, mark, after) VALUES ({mark}, {mark}, {mark})",
            (entity, wanted.mark, _FIRST),
        )
        known = (wanted.mark, _FIRST)
    if wanted is None or known is None or known[0] != wanted.mark:
        # Keys of other rules find nothing any more.
        if _forget(connection, entity):
            return 0
        if wanted is None:
            run(connection, f"DELETE FROM match_state WHERE entity = {mark}", (entity,))
            return 0
        _say(connection, entity, wanted.mark, _FIRST)
        return 0
    read, last = _read(connection, published, entity, wanted, known[1])
    add_rows(connection, [(entity, key, id_) for id_, values in read.items() for key in sorted(hashes(wanted, values))])
    _say(connection, entity, wanted.mark, last)
    return len(read)


def _say(connection: Connection, entity: str, rules: str, after: str) -> None:
    mark = phrases(connection.dialect.name).mark
    text = f"UPDATE match_state SET mark = {mark}, after = {mark} WHERE entity = {mark}"
    run(connection, text, (rules, after, entity))


def _forget(connection: Connection, entity: str) -> int:
    """Delete some keys of an entity and return how many."""
    mark = phrases(connection.dialect.name).mark
    chosen = f"SELECT entity, hash, record_id FROM match_key WHERE entity = {mark} LIMIT {_DELETED}"
    text = f"DELETE FROM match_key WHERE (entity, hash, record_id) IN ({chosen})"
    return int(run(connection, text, (entity,)).rowcount)


def _read(
    connection: Connection, published: Published, entity: str, wanted: Compared, after: str
) -> tuple[Mapping[str, Mapping[str, object]], str]:
    """Return the compared values of the next records, and where to go on; "" behind the last."""
    spoken, tables = phrases(connection.dialect.name), published.tables
    fields = [published.model.entity(entity).fields[key] for key in sorted(wanted.fields)]
    columns = ", ".join(spoken.name(tables.column_name(entity, each)) for each in ("id", *(f.key for f in fields)))
    identity = spoken.name(tables.column_name(entity, "id"))
    lock = "" if spoken.kind == "sqlite" else " FOR NO KEY UPDATE"
    text = (
        f"SELECT {columns} FROM {spoken.name(tables.name(entity))} WHERE {identity} > {spoken.mark}"
        f" ORDER BY {identity} LIMIT {PORTION}{lock}"
    )
    decoders = [decoder(field, spoken.kind) for field in fields]
    found = {}
    for id_, *values in run(connection, text, (after,), access=ENTITY_ACCESS).fetchall():
        found[id_] = {
            field.key: value if decode is None or value is None else decode(value)
            for field, decode, value in zip(fields, decoders, values, strict=True)
        }
    return found, list(found)[-1] if len(found) == PORTION else _DONE
