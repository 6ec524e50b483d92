"""`Trail`: writes events into the audit log, in the transaction of what they tell of or in one of their own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import orjson
from sqlalchemy import Connection

from engine import clock
from engine.audit.origin import origin
from engine.storage.codec import moment
from engine.storage.database import Database, run


@dataclass(frozen=True, slots=True)
class Event:
    """Something that somebody may have to answer for."""

    kind: str
    """What it was, such as sign_in, export or reveal."""
    actor_id: str | None = None
    """Whose doing it was; None for the system, or somebody unknown."""
    entity: str | None = None
    record_id: str | None = None
    """The record that it was done to."""
    number: int = 1
    """How many records, values or attempts."""
    details: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    """What else there is to know, as JSON; never a secret."""


class Trail:
    """The audit log of one site."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._moment = moment(database.dialect)
        mark = "?" if database.dialect == "sqlite" else "%s"
        columns = ("kind", "at", "actor_id", "entity", "record_id", "number", "details", "via", "address", "agent")
        marks = ", ".join([mark] * len(columns))
        self._insert = f"INSERT INTO audit_event ({', '.join(columns)}) VALUES ({marks})"  # noqa: S608 - constants

    def note(self, connection: Connection, event: Event) -> None:
        """Write an event in a transaction that is open: it stands if what it tells of does."""
        here = origin()
        values = (
            event.kind,
            self._moment(clock.now()),
            event.actor_id,
            event.entity,
            event.record_id,
            event.number,
            orjson.dumps(dict(event.details), default=str).decode(),
            here.via,
            here.address,
            here.agent,
        )
        run(connection, self._insert, values)

    def tell(self, event: Event) -> None:
        """Write an event by itself.

        Raises:
            DatabaseUnavailable: the database does not answer, or others write for too long.
        """
        with self._database.write() as connection:
            self.note(connection, event)
