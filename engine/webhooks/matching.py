"""Matching: which changes of the feed which endpoints are told of.

The rows of history that a write makes anyway are the outbox, so no write does more for webhooks than it would do
without them. Each endpoint has its place in the feed, and its deliveries are written in the transaction that moves it
on: a process that is killed leaves no change out and takes none twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection

from engine.audit.statements import text_of, time_of
from engine.data.feed import WINDOW
from engine.data.history import loaded
from engine.data.query import Query
from engine.data.reader import Reader
from engine.errors import GuanxiError, SignInNeeded
from engine.expression import parse
from engine.i18n import Message
from engine.ids import new_id
from engine.metadata.model import Model
from engine.webhooks.endpoint import EVERY_ENTITY, Endpoint
from engine.webhooks.endpoints import Endpoints
from engine.webhooks.parts import Parts

PART = 1_000
"""Changes that one transaction looks at."""
_IDS = 200
_EVENTS = {
    "create": "created", "update": "updated", "delete": "deleted", "restore": "restored", "purge": "deleted",
}  # fmt: skip
_PATIENCE_S = 0.2


@dataclass(frozen=True, slots=True)
class _Change:
    seq: int
    entity: str
    record_id: str
    version: int
    event: str
    changed: tuple[str, ...]
    actor_id: str | None
    at: datetime
    gone: bool
    """Whether the record was deleted for good, so that nobody can be asked who might read it."""


class Matcher:
    """Writes deliveries for the changes that nobody has looked at yet."""

    def __init__(self, parts: Parts, endpoints: Endpoints) -> None:
        self._parts, self._endpoints = parts, endpoints
        self._run = parts.statements.run

    def match(self, look: Callable[[], None] = lambda: None) -> int:
        """Look at what was changed since the last time, and return how many deliveries that made.

        Args:
            look: called after each part; what it raises ends the work where it is.

        Raises:
            DatabaseUnavailable: the database does not answer, or others write for too long.
        """
        with self._parts.database.read() as connection:
            listening = [each for each in self._endpoints.every(connection) if each.state != "disabled"]
        if not listening:
            return 0
        settled, count = self._parts.feed.settled(_PATIENCE_S), 0
        for endpoint in listening:
            place: int | None = endpoint.place
            while place is not None and place < settled:
                place, number = self._advance(endpoint, settled)
                count += number
                look()
        return count

    def _advance(self, endpoint: Endpoint, settled: int) -> tuple[int | None, int]:
        """Move an endpoint on; return its place, None when there is nothing to do for it, and how much it is told."""
        lock = "" if self._parts.statements.sqlite else " FOR UPDATE SKIP LOCKED"
        with self._parts.database.write() as connection:
            row = self._run(
                connection,
                f"SELECT place FROM webhook_endpoint WHERE id = ? AND state <> 'disabled'{lock}",  # noqa: S608
                endpoint.id,
            ).fetchone()
            if row is None:
                return None, 0
            try:
                reader = self._parts.reader_within(connection, self._parts.principal(endpoint.owner_id))
            except SignInNeeded:
                self._endpoints.stop(connection, endpoint, "paused", Message("Its owner is disabled, or gone"))
                return None, 0
            rows, end = self._rows(connection, endpoint, int(row[0]), settled)
            changes = list(_wanted(endpoint, reader.model, rows))
            try:
                told = _in_reach(reader, endpoint, [each for each in changes if not each.gone])
                told += self._unheard(connection, endpoint, [each for each in changes if each.gone])
            except GuanxiError as error:
                reason = Message("Its condition cannot be asked any more: {why}", why=error.message)
                self._endpoints.stop(connection, endpoint, "paused", reason)
                return None, 0
            self._write(connection, endpoint, told)
            self._run(connection, "UPDATE webhook_endpoint SET place = ? WHERE id = ?", end, endpoint.id)
        return end, len(told)

    def _rows(
        self, connection: Connection, endpoint: Endpoint, place: int, settled: int
    ) -> tuple[list[Sequence[Any]], int]:
        end = min(settled, place + WINDOW)
        about = "" if endpoint.entity == EVERY_ENTITY else " AND entity = ?"
        rows = self._run(
            connection,
            "SELECT seq, entity, record_id, version, action, changes, actor_id, via, at FROM record_change"  # noqa: S608
            f" WHERE seq > ? AND seq <= ?{about} ORDER BY seq LIMIT ?",
            *(place, end, *(() if endpoint.entity == EVERY_ENTITY else (endpoint.entity,)), PART),
        ).fetchall()
        return rows, (int(rows[-1][0]) if len(rows) == PART else end)

    def _unheard(self, connection: Connection, endpoint: Endpoint, changes: Sequence[_Change]) -> list[_Change]:
        """Return those of the records that are gone for good which were told of, and of whose end nothing was told."""
        found = []
        for change in changes:
            row = self._run(
                connection,
                "SELECT event FROM webhook_delivery WHERE endpoint_id = ? AND record_id = ? AND seq IS NOT NULL"
                " ORDER BY seq DESC LIMIT 1",
                endpoint.id, change.record_id,
            ).fetchone()  # fmt: skip
            if row is not None and row[0] != "deleted":
                found.append(change)
        return found

    def _write(self, connection: Connection, endpoint: Endpoint, changes: Sequence[_Change]) -> None:
        # A number that was matched before, by a worker that died in the middle, or before a place was put back.
        rows = [
            (
                new_id(), endpoint.id, each.seq, each.entity, each.record_id, each.version, each.event,
                orjson.dumps(each.changed).decode(), each.actor_id, each.at, each.at,
            )
            for each in changes
        ]  # fmt: skip
        if rows:
            self._parts.statements.run_many(
                connection,
                "INSERT INTO webhook_delivery (id, endpoint_id, seq, entity, record_id, version, event, changed,"
                " actor_id, at, state, attempts, next_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'waiting', 0, ?)"
                " ON CONFLICT (endpoint_id, seq) DO NOTHING",
                rows,
            )


def _wanted(endpoint: Endpoint, model: Model, rows: Sequence[Sequence[Any]]) -> Iterator[_Change]:
    """Yield the changes that an endpoint asks for, whoever may see them."""
    for seq, entity, record_id, version, action, changes, actor_id, via, at in rows:
        known = model.entities.get(entity)
        if known is None or (endpoint.skip_own and text_of(actor_id) == endpoint.owner_id and via != "web"):
            continue
        changed = loaded(changes)
        state = known.states.field if known.states is not None else None
        event = _event(endpoint, action, changed, state)
        if event is None:
            continue
        if event in {"updated", "transition"} and endpoint.fields and changed.keys().isdisjoint(endpoint.fields):
            continue
        gone = action == "purge"
        yield _Change(
            int(seq), entity, str(record_id), version, event, tuple(changed), text_of(actor_id), time_of(at), gone
        )


def _event(endpoint: Endpoint, action: str, changed: Mapping[str, Any], state: str | None) -> str | None:
    """Return as what a change is told, None when it is not."""
    if action == "transition" or (action == "update" and state in changed):
        # Who wants to hear of changes wants to hear of this one too.
        return next((each for each in ("transition", "updated") if each in endpoint.events), None)
    event = _EVENTS.get(action)
    return event if event in endpoint.events else None


def _in_reach(reader: Reader, endpoint: Endpoint, changes: Sequence[_Change]) -> list[_Change]:
    """Return the changes of records that the owner may read now, and for which the condition holds now."""
    ids: dict[str, dict[str, None]] = {}
    for change in changes:
        ids.setdefault(change.entity, {})[change.record_id] = None
    known = {entity: reader.readable(entity, wanted) for entity, wanted in ids.items()}
    found = [change for change in changes if change.record_id in known[change.entity]]
    if not endpoint.condition or not found:
        return found
    condition = parse(endpoint.condition)
    wanted, fitting = list(dict.fromkeys(change.record_id for change in found)), set[str]()
    for start in range(0, len(wanted), _IDS):
        part = tuple(wanted[start : start + _IDS])
        for trashed in (False, True):
            query = Query(endpoint.entity, ("id",), where=condition, ids=part, limit=_IDS, trashed=trashed)
            fitting.update(reader.query(query).ids)
    return [change for change in found if change.record_id in fitting]
