"""`Trail`: writes events into the audit log, in the transaction of what they tell of or in one of their own.

Nothing changes or deletes an event but `trim`, which takes the oldest ones away after the time for which they are kept
and is an event itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from engine import clock
from engine.audit import log
from engine.audit.chain import Head, Key, signed_start
from engine.audit.checking import Checked, Checker
from engine.audit.events import Event, LogEntry
from engine.audit.log import Wanted
from engine.audit.origin import origin
from engine.audit.sealing import Sealer
from engine.audit.statements import Statements
from engine.errors import GuanxiError
from engine.storage.database import Database, run

TRIMMED, BROKEN = "log_trimmed", "log_broken"


class Trail:
    """The audit log of one site."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.statements = Statements(database)
        self._sealer = Sealer(self.statements)
        self.key: Key | None = None
        """What seals are signed with; None while the site has no secret."""
        self.former_keys: tuple[Key, ...] = ()
        """What older seals were signed with."""
        self.noted = False
        """Whether this process wrote events since it sealed last."""
        columns = "kind, at, actor_id, entity, record_id, number, details, via, address, agent, token"
        marks = ", ".join(["?"] * (columns.count(",") + 1))
        self._insert = self.statements.said(f"INSERT INTO audit_event ({columns}) VALUES ({marks})")  # noqa: S608

    # --- writing ----------------------------------------------------------------------------------------------------

    def note(self, connection: Connection, event: Event) -> None:
        """Write an event in a transaction that is open: it stands if what it tells of does."""
        here = origin()
        values = (
            event.kind,
            self.statements.moment(clock.now()),
            event.actor_id,
            event.entity,
            event.record_id,
            event.number,
            orjson.dumps(dict(event.details), default=str).decode(),
            here.via,
            here.address,
            here.agent,
            here.token,
        )
        run(connection, self._insert, values)
        self.noted = True

    def tell(self, event: Event) -> None:
        """Write an event by itself.

        Raises:
            DatabaseUnavailable: the database does not answer, or others write for too long.
        """
        with self.database.write() as connection:
            self.note(connection, event)

    # --- reading ----------------------------------------------------------------------------------------------------

    def entries(
        self, connection: Connection, wanted: Wanted, limit: int = 50, before: tuple[datetime, int] | None = None
    ) -> list[LogEntry]:
        """Return events, the latest first; `before` is (at, seq) of the last one that was shown."""
        return log.entries(self.statements, connection, wanted, limit, before)

    def counts(self, connection: Connection, wanted: Wanted, by: tuple[str, ...]) -> list[tuple[Any, ...]]:
        """Return (values of the columns `by` ..., events, sum of their numbers), the most first; see `log.counts`."""
        return log.counts(self.statements, connection, wanted, by)

    def by_numbers(self, connection: Connection, numbers: Iterable[int]) -> list[LogEntry]:
        """Return events by their numbers, the latest first."""
        return log.by_numbers(self.statements, connection, numbers)

    def sealed_after(self, connection: Connection, place: int, limit: int) -> list[tuple[int, LogEntry]]:
        """Return (place, event) of what was sealed after a place, in order and without gaps."""
        return log.sealed_after(self.statements, connection, place, limit)

    # --- the chain --------------------------------------------------------------------------------------------------

    def seal(self) -> int:
        """Make links of the chain of the events that are none yet, and return how many; see `sealing`.

        Raises:
            DatabaseUnavailable: the database does not answer, or others write for too long.
        """
        self.noted = False
        return self._sealer.seal(self.key)

    def close(self) -> None:
        """Seal what this process has noted; whoever comes next does it when the database does not let us."""
        if self.noted:
            with suppress(GuanxiError, SQLAlchemyError):
                self.seal()

    def head(self) -> Head:
        """Return the last link of the chain; `seal` first, so that it holds everything."""
        with self.database.read() as connection:
            row = self.statements.run(connection, "SELECT place, hash FROM audit_chain WHERE id = 1").fetchone()
        return Head(0, "") if row is None else Head(row[0], row[1])

    def check(self, head: Head | None = None) -> Checked:
        """Return whether the log is as it was written; against a head that was kept elsewhere when one is given."""
        with self.database.read() as connection:
            pending = self._sealer.pending(connection)
            return Checker(self.statements, connection, self.key, self.former_keys).check(head, pending)

    def vouch(self) -> Checked:
        """Seal what is pending, check everything, and note it when somebody has tampered with the log."""
        self.seal()
        found = self.check()
        if found.broken is not None:
            broken = found.broken
            details = {"fault": broken.fault, "place": broken.place, "event": broken.seq}
            self.tell(Event(BROKEN, details=details))
        return found

    def trim(self, before: datetime, actor_id: str | None = None) -> int:
        """Take the oldest events away up to a moment, and return how many; what is left can still be checked.

        The place and hash of the last one that goes are signed and kept, and stand in an event of their own.
        """
        self.seal()
        run_ = self.statements.run
        with self.database.write() as connection:
            lock = "" if self.statements.sqlite else " FOR UPDATE"
            start = run_(connection, f"SELECT start_place FROM audit_chain WHERE id = 1{lock}").fetchone()[0]  # noqa: S608
            last = run_(
                connection,
                "SELECT s.place, s.hash FROM audit_seal AS s WHERE s.place < (SELECT coalesce(min(k.place),"
                " (SELECT max(place) + 1 FROM audit_seal)) FROM audit_seal AS k JOIN audit_event AS e ON e.seq = k.seq"
                " WHERE e.at >= ?) ORDER BY s.place DESC LIMIT 1",
                before,
            ).fetchone()
            if last is None:
                return 0
            place, digest = last
            count = int(place - start)
            details = {"place": place, "hash": digest, "before": before.isoformat(timespec="milliseconds")}
            self.note(connection, Event(TRIMMED, actor_id, number=count, details=details))
            mac = self.key.sign(signed_start(place, digest)) if self.key is not None else ""
            run_(
                connection, "DELETE FROM audit_event WHERE seq IN (SELECT seq FROM audit_seal WHERE place <= ?)", place
            )
            run_(connection, "DELETE FROM audit_seal WHERE place <= ?", place)
            run_(
                connection,
                "UPDATE audit_chain SET start_place = ?, start_hash = ?, start_mac = ? WHERE id = 1",
                place, digest, mac,
            )  # fmt: skip
        self.seal()
        return count
