# ruff: noqa: S608
# Names in statements come from the storage map and from engine modules; values are bound.
"""A new data key: made the one that seals, then every value sealed anew, while others read and write.

The switch waits for the writers of the moment, so whoever writes after it seals with the new key. Values are then
sealed anew in small transactions that lock the rows they change. Whatever is broken off goes on when it is started
again, for a value tells by itself which key it needs; both keys open values until the last one is done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from engine.data.vault.holders import Holder
from engine.data.vault.vault import Vault, parts
from engine.errors import SiteBroken
from engine.i18n import Message
from engine.storage.columns import quoted
from engine.storage.database import Connection, Database, run
from engine.storage.guard import ENTITY_ACCESS
from engine.storage.patience import patiently

BATCH = 500
"""Values sealed anew in one transaction: some tens of milliseconds in which nobody else may change them."""

Progress = Callable[[int], None]
Note = Callable[[Connection, int, str], None]


@dataclass(frozen=True, slots=True)
class Rotation:
    """What a rotation came to."""

    key: str
    """Id of the key that seals now."""
    resumed: bool
    sealed: int
    """Values that were sealed anew."""
    unreadable: int
    """Values that no key opens; they stay as they are, and so does their key."""
    dropped: tuple[str, ...]
    """Keys that nothing needs any more and that were destroyed."""


def count_by_key(connection: Connection, kept: Iterable[Holder]) -> dict[str, dict[str, int]]:
    """Return how many values each column has by data key: {"lead.id_card": {"3f…": 12}}; open text counts as ""."""
    found: dict[str, dict[str, int]] = {}
    sqlite = connection.dialect.name == "sqlite"
    for holder in kept:
        column = quoted(holder.column)
        id_ = f"substr({column}, 4, instr(substr({column}, 4), ':') - 1)" if sqlite else f"split_part({column}, ':', 2)"
        text = (
            f"SELECT CASE WHEN {column} LIKE 'v1:%' THEN 'v1' WHEN {column} LIKE 'v2:%' THEN {id_} ELSE '' END AS k,"
            f" count(*) FROM {quoted(holder.table)} WHERE {column} IS NOT NULL{_where(holder)} GROUP BY 1"
        )
        counts = found.setdefault(holder.about or f"{holder.table}.{holder.column}", {})
        for key, number in run(connection, text, access=ENTITY_ACCESS).fetchall():
            counts[key] = counts.get(key, 0) + number
    return found


def rotate(
    vault: Vault,
    database: Database,
    kept: Sequence[Holder],
    *,
    progress: Progress = lambda _done: None,
    note: Note = lambda _connection, _number, _key: None,
) -> Rotation:
    """Make a new data key and seal every value with it; goes on where a rotation was broken off.

    `progress` is told of values that were worked through, `note` writes into the last transaction that it was done.

    Raises:
        SiteBroken: the site's key opens none of the data keys.
        DatabaseUnavailable: others held what is needed for too long.
    """
    ring = vault.ring
    if ring is None:
        raise SiteBroken(Message("The site has no data key, so secret fields cannot be kept"))
    resumed = any(row.state == "leaving" and row.purpose == "data" for row in ring.rows())
    if not resumed:
        # Waits until whoever writes has ended: they may have sealed with the key that leaves now.
        with database.exclusive() as connection:
            ring.add(connection, "data")
    key, _ = ring.active("data")
    sealed = unreadable = 0
    for holder in kept:
        work = _Column(vault, database, holder, key)
        after: Any = None
        while True:
            after, done, failed = patiently(partial(work.batch, after))
            sealed, unreadable = sealed + done, unreadable + failed
            progress(done + failed)
            if after is None:
                break
    with database.exclusive() as connection:
        gone, dropped = _unused(ring.rows(connection), connection, kept)
        ring.retire(connection, gone)
        ring.drop(connection, dropped)
        note(connection, sealed, key)
    return Rotation(key, resumed, sealed, unreadable, dropped)


def rewrap(vault: Vault, database: Database, *, note: Note = lambda _connection, _number, _key: None) -> int:
    """Wrap all data keys with the key-encryption key that is the first now; return how many had another.

    Raises:
        SiteBroken: a data key does not open with any of the keys that the site is given.
    """
    ring = vault.ring
    if ring is None:
        raise SiteBroken(Message("The site has no data key, so secret fields cannot be kept"))
    with database.exclusive() as connection:
        changed = ring.rewrap(connection)
        if changed:
            note(connection, changed, "")
    return changed


def _unused(
    rows: Sequence[Any], connection: Connection, kept: Sequence[Holder]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return (ids of keys that nothing is sealed with any more, those of them that were retired once before)."""
    needed = {key for counts in count_by_key(connection, kept).values() for key in counts}
    free = [row for row in rows if row.purpose == "data" and row.state != "active" and row.id not in needed]
    # A key goes only with the rotation after the one that emptied it: a process may have read it and not yet written.
    gone = tuple(row.id for row in free if row.state == "leaving")
    return gone, tuple(row.id for row in free if row.state == "retired")


def _where(holder: Holder) -> str:
    return f" AND {holder.where}" if holder.where else ""


class _Column:
    """The sealing anew of one column."""

    def __init__(self, vault: Vault, database: Database, holder: Holder, key: str) -> None:
        self._vault, self._database, self._holder, self._key = vault, database, holder, key
        mark = "?" if database.dialect == "sqlite" else "%s"
        table, id_, column = quoted(holder.table), quoted(holder.key), quoted(holder.column)
        lock = "" if database.dialect == "sqlite" else " FOR NO KEY UPDATE"
        self._read = (
            f"SELECT {id_}, {column} FROM {table} WHERE {column} IS NOT NULL{_where(holder)}"
            f" AND substr({column}, 1, {{length}}) <> {mark}{{after}} ORDER BY {id_} LIMIT {BATCH}{lock}"
        )
        self._after = f" AND {id_} > {mark}"
        self._write = f"UPDATE {table} SET {column} = {mark} WHERE {id_} = {mark} AND {column} = {mark}"

    def batch(self, after: Any) -> tuple[Any, int, int]:
        """Seal the next values anew; return (last id or None at the end, values sealed, values that did not open)."""
        head = f"v2:{self._key}:"
        text = self._read.format(length=len(head), after="" if after is None else self._after)
        done = failed = 0
        with self._database.write() as connection:
            values = (head,) if after is None else (head, after)
            rows = run(connection, text, values, access=ENTITY_ACCESS).fetchall()
            sealer = self._vault.sealer(connection)
            for id_, sealed in rows:
                plain = self._opened(connection, str(id_), sealed)
                if plain is None:
                    failed += 1
                    continue
                fresh = sealer.seal(self._holder.entity, str(id_), self._holder.field, plain)
                run(connection, self._write, (fresh, id_, sealed), access=ENTITY_ACCESS)
                done += 1
        return (rows[-1][0] if len(rows) == BATCH else None), done, failed

    def _opened(self, connection: Connection, id_: str, sealed: str) -> str | None:
        holder = self._holder
        try:
            parts(sealed)
            return self._vault.open(holder.entity, id_, holder.field, sealed, also=holder.also, connection=connection)
        except (SiteBroken, ValueError):
            return None
