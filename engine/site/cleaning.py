"""What a site throws away by itself, and when: the one place that knows all of it.

Each step is a transaction of its own, or many short ones, so nobody waits for it and a step that fails takes none of
the others back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from engine import clock
from engine.audit import Event, Trail
from engine.data.expiring import Kept, due, expire
from engine.data.feed import forget
from engine.data.files import Files
from engine.data.idempotency import KEPT
from engine.data.principal import SYSTEM
from engine.data.records import Records
from engine.data.unit import Unit
from engine.errors import RecordInvalid
from engine.i18n import Message
from engine.jobs.job import FAILED_KEPT as FAILED
from engine.jobs.job import KEPT as DONE
from engine.notices.rows import KEPT as NOTICES_KEPT
from engine.personal.drafts import KEPT as DRAFTS_KEPT
from engine.proposals.proposals import KEPT as PROPOSALS_KEPT
from engine.publish import Publisher
from engine.site.config import Limits
from engine.storage.codec import moment
from engine.storage.database import Database, run
from engine.transfers.exporting import Exports
from engine.transfers.importing import Imports
from engine.webhooks.deliveries import KEPT as DELIVERIES_KEPT
from engine.webhooks.inbound.hooks import CALLS_KEPT

VIA = "clean_up"
_PART = 5_000
"""Rows of history that one transaction takes."""
_FORGIVEN = timedelta(days=1)
"""After which wrong passwords are forgotten."""


@dataclass(frozen=True, slots=True)
class Swept:
    """What one step threw away, or would."""

    step: str
    label: Message
    count: int
    kept: tuple[Kept, ...] = ()


@dataclass(frozen=True, slots=True)
class _Rows:
    """Rows of a system table whose time is over."""

    step: str
    label: Message
    table: str
    condition: str
    """With one `?` for the time."""
    before: Callable[[datetime], Any]


_ROWS = (
    _Rows("keys", Message("Idempotency keys"), "idempotency_key", "created_at < ?", lambda now: now - KEPT),
    _Rows("sessions", Message("Sign-ins that have ended"), "auth_session", "expires_at < ?", lambda now: now),
    _Rows("links", Message("One-time links"), "auth_link", "expires_at < ?", lambda now: now),
    _Rows("steps", Message("Sign-ins that were never finished"), "auth_step", "expires_at < ?", lambda now: now),
    _Rows("attempts", Message("Wrong passwords"), "auth_attempt", "last_at < ?", lambda now: now - _FORGIVEN),
    _Rows("rates", Message("Rate limits"), "rate_bucket", "full_at < ?", lambda now: now.timestamp()),
    _Rows(
        "proposals",
        Message("Old proposals of agents"),
        "proposal",
        "created_at < ?",
        lambda now: now - PROPOSALS_KEPT,
    ),
    _Rows(
        "attempts_of_webhooks",
        Message("Attempts of webhooks"),
        "webhook_attempt",
        "delivery_id IN (SELECT id FROM webhook_delivery WHERE done_at < ?)",
        lambda now: now - DELIVERIES_KEPT,
    ),
    _Rows(
        "webhooks",
        Message("Deliveries of webhooks"),
        "webhook_delivery",
        "done_at < ?",
        lambda now: now - DELIVERIES_KEPT,
    ),
    _Rows(
        "waiting_webhooks",
        Message("Deliveries that waited too long for a webhook that is paused"),
        "webhook_delivery",
        "at < ? AND state = 'waiting' AND endpoint_id IN (SELECT id FROM webhook_endpoint WHERE state <> 'active')",
        lambda now: now - DELIVERIES_KEPT,
    ),
    _Rows("hooks", Message("Calls of inbound hooks"), "inbound_call", "at < ?", lambda now: now - CALLS_KEPT),
    _Rows("jobs", Message("Jobs that have ended"), "job", "state <> 'failed' AND ended_at < ?", lambda now: now - DONE),
    _Rows(
        "failed_jobs", Message("Jobs that failed"), "job", "state = 'failed' AND ended_at < ?", lambda now: now - FAILED
    ),
    _Rows("notices", Message("Old notices"), "notice", "at < ?", lambda now: now - NOTICES_KEPT),
    _Rows("shares", Message("Shares that have ended"), "share", "until < ?", lambda now: now),
    _Rows(
        "drafts", Message("Forms that were never sent"), "user_draft", "updated_at < ?", lambda now: now - DRAFTS_KEPT
    ),
)


@dataclass(slots=True)
class Cleaning:
    """Cleans up one site; see `run`."""

    database: Database
    publisher: Publisher
    records: Records
    files: Files
    exports: Exports
    imports: Imports
    trail: Trail
    limits: Limits
    at: datetime | None = None
    """When it is; now unless given."""
    dry_run: bool = False
    now: datetime = field(init=False)
    _swept: list[Swept] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.now = self.at or clock.now()

    def run(self) -> list[Swept]:
        """Throw away what has had its time, and return what each step did; with `dry_run` only count.

        Raises:
            DatabaseUnavailable: the database does not answer; the steps before have done their work.
        """
        if self.limits.trash_days:
            self._bin()
        count = self.files.clean_up(self.now, dry_run=self.dry_run)
        self._swept.append(Swept("files", Message("Uploaded files that no record names"), count))
        count = self.exports.clean_up(self.now, dry_run=self.dry_run)
        self._swept.append(Swept("exports", Message("Exported files whose time is over"), count))
        count = self.imports.clean_up(self.now, dry_run=self.dry_run)
        self._swept.append(Swept("imports", Message("Imported files whose time is over"), count))
        for each in _ROWS:
            self._swept.append(Swept(each.step, each.label, self._rows(each)))
        if self.limits.history_days:
            self._history()
        return self._swept

    def _bin(self) -> None:
        limit = self.now - timedelta(days=self.limits.trash_days)
        for entity in self.publisher.models.get(self._revision()).model.entities.values():
            count, kept, after, more = 0, list[Kept](), "", True
            while more:
                gone, held, last = self._bin_part(entity.key, limit, after)
                count, kept, more, after = count + gone, [*kept, *held], bool(last), last
            if count or kept:
                label = Message("Recycle bin: {plural}", plural=entity.plural)
                self._swept.append(Swept(f"bin:{entity.key}", label, count, tuple(kept)))

    def _revision(self) -> int:
        with self.database.read() as connection:
            return self.database.probe(connection)[0]

    def _bin_part(self, entity: str, limit: datetime, after: str) -> tuple[int, list[Kept], str]:
        """Purge the next records of the bin; return how many went, which are kept, and the last id, "" at the end."""
        ids: list[str] = []

        def work(unit: Unit) -> tuple[int, list[Kept]]:
            shape = unit.shape(entity)
            ids[:] = due(unit, shape, limit, after)
            return expire(unit, shape, ids, limit, dry_run=self.dry_run) if ids else (0, [])

        try:
            gone, kept = self.records.carry_out(SYSTEM, work, kind=VIA, entity=entity, via=VIA)
        except RecordInvalid as error:
            # A plugin refused them all, or broke: the rest of the site is cleaned up all the same.
            gone, kept = 0, [Kept(entity, id_, error.problems[0].message) for id_ in ids]
        return gone, kept, ids[-1] if ids else ""

    def _rows(self, each: _Rows) -> int:
        value = each.before(self.now)
        bound = moment(self.database.dialect)(value) if isinstance(value, datetime) else value
        condition = self._said(each.condition)
        if self.dry_run:
            with self.database.read() as connection:
                text = f"SELECT count(*) FROM {each.table} WHERE {condition}"  # noqa: S608 - constants
                return int(run(connection, text, (bound,)).fetchone()[0])
        with self.database.write() as connection:
            return int(run(connection, f"DELETE FROM {each.table} WHERE {condition}", (bound,)).rowcount)  # noqa: S608

    def _history(self) -> None:
        """Forget what was changed before `history_days`, oldest first; the records stay as they are."""
        limit = moment(self.database.dialect)(self.now - timedelta(days=self.limits.history_days))
        label = Message("History")
        if self.dry_run:
            with self.database.read() as connection:
                text = self._said("SELECT count(*) FROM record_change WHERE at < ?")
                self._swept.append(Swept("history", label, int(run(connection, text, (limit,)).fetchone()[0])))
            return
        count = 0
        while gone := forget(self.database, limit, _PART):
            count += gone
        with self.database.write() as connection:
            # A set without changes can no longer be undone.
            text = (
                "DELETE FROM change_set WHERE at < ? AND NOT EXISTS"
                " (SELECT 1 FROM record_change c WHERE c.change_set_id = change_set.id)"
            )
            run(connection, self._said(text), (limit,))
            if count:
                self.trail.note(connection, Event("purge", None, number=count, details={"why": "history_days"}))
        self._swept.append(Swept("history", label, count))

    def _said(self, text: str) -> str:
        return text if self.database.dialect == "sqlite" else text.replace("?", "%s")
