"""Sealing: events become links of the chain soon after they were written, by whoever comes next.

Who writes an event takes no lock for the chain, so no transaction waits for another's. A sealer holds the one row of
`audit_chain`; a second one sees that and goes away. Places are given in the order in which events became visible: on
PostgreSQL that may differ a little from their numbers, which are given before a transaction ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from engine.audit.chain import Head, Key, link, signed
from engine.audit.events import COLUMNS
from engine.audit.statements import Statements

BATCH = 2_000
"""Events that one transaction seals."""
_LATE = 128
"""Numbers that may be given in the moment between that of an event and the one in which its transaction begins."""

_UNSEALED = (
    f"SELECT {COLUMNS} FROM audit_event AS e WHERE seq > ?"  # noqa: S608 - constants
    " AND NOT EXISTS (SELECT 1 FROM audit_seal AS s WHERE s.seq = e.seq) ORDER BY seq LIMIT ?"
)


@dataclass(frozen=True, slots=True)
class _Chain:
    place: int
    hash: str
    low: int
    mark_seq: int
    mark_transaction: int


class Sealer:
    """Seals the events of one database."""

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    def seal(self, key: Key | None) -> int:
        """Seal what is visible and not sealed, and return how many events that were; 0 when somebody else is at it.

        Raises:
            DatabaseUnavailable: the database does not answer, or others write for too long.
        """
        with self._statements.database.read() as connection:
            if not self.pending(connection, 1):
                return 0
        total = 0
        while True:
            with self._statements.database.write() as connection:
                count = self._batch(connection, key)
            total += count
            if count < BATCH:
                return total

    def pending(self, connection: Connection, limit: int = 1_000) -> int:
        """Return how many events are still to be sealed, counted up to `limit`."""
        low = self._statements.run(connection, "SELECT low FROM audit_chain WHERE id = 1").fetchone()
        if low is None:
            return 0
        return len(self._statements.run(connection, _UNSEALED, low[0], limit).fetchall())

    def _batch(self, connection: Connection, key: Key | None) -> int:
        run = self._statements.run
        lock = "" if self._statements.sqlite else " FOR UPDATE SKIP LOCKED"
        row = run(
            connection,
            f"SELECT place, hash, low, mark_seq, mark_transaction FROM audit_chain WHERE id = 1{lock}",  # noqa: S608
        ).fetchone()
        if row is None:
            return 0
        chain = _Chain(*row)
        oldest, next_one, top = self._horizon(connection)
        rows = run(connection, _UNSEALED, chain.low, BATCH).fetchall()
        head = self._write(connection, chain, rows, key)
        low, mark_seq, mark = chain.low, chain.mark_seq, chain.mark_transaction
        if len(rows) < BATCH:
            if self._statements.sqlite:
                low = max(low, top)
            elif mark <= oldest:
                # Whoever ran when the mark was set has ended: what came before it is all visible by now.
                low = max(low, mark_seq - _LATE)
                mark_seq, mark = self._mark()
            elif mark > next_one:
                mark_seq, mark = self._mark()  # The database was restored into another server.
        if head.place != chain.place or low != chain.low:
            run(
                connection,
                "UPDATE audit_chain SET place = ?, hash = ?, low = ?, mark_seq = ?, mark_transaction = ? WHERE id = 1",
                head.place, head.hash, low, mark_seq, mark,
            )  # fmt: skip
        return len(rows)

    def _horizon(self, connection: Connection) -> tuple[int, int, int]:
        """Return the oldest transaction that runs, the next one, and the highest number of an event."""
        transactions = "0, 0" if self._statements.sqlite else _TRANSACTIONS
        row = self._statements.run(
            connection,
            f"SELECT {transactions}, coalesce((SELECT max(seq) FROM audit_event), 0)",  # noqa: S608
        ).fetchone()
        return int(row[0]), int(row[1]), int(row[2])

    def _mark(self) -> tuple[int, int]:
        """Return the highest visible number of an event, and a transaction that began after that was looked up.

        Whoever could still show a lower number began before it. The next transaction of a snapshot would be no such
        mark: transactions that run may have larger numbers.
        """
        with self._statements.database.plain() as connection:
            row = self._statements.run(connection, _MARK).fetchone()
        return int(row[0]), int(row[1])

    def _write(self, connection: Connection, chain: _Chain, rows: Sequence[Sequence[Any]], key: Key | None) -> Head:
        place, digest = chain.place, chain.hash
        seals = []
        for row in rows:
            place += 1
            digest = link(digest, place, row)
            seals.append((place, row[0], digest, key.sign(signed(place, digest)) if key is not None else ""))
        if seals:
            self._statements.run_many(
                connection, "INSERT INTO audit_seal (place, seq, hash, mac) VALUES (?, ?, ?, ?)", seals
            )
        return Head(place, digest)


_MARK = "SELECT coalesce((SELECT max(seq) FROM audit_event), 0), pg_current_xact_id()::text::bigint"
"""The number is looked up in a snapshot from before the transaction has its own."""
_TRANSACTIONS = (
    "pg_snapshot_xmin(pg_current_snapshot())::text::bigint, pg_snapshot_xmax(pg_current_snapshot())::text::bigint"
)
