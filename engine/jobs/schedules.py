"""`Schedules`: jobs that are submitted again and again. However many workers there are, each time is one job.

What is shipped and what plugins bring is registered by code; a row keeps what the site changed of it, and when it is
due next. Times that nobody was there for are made up for once.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from engine import clock
from engine.audit import Event
from engine.audit.statements import Statements, text_of, time_of
from engine.errors import GuanxiError, NotFound
from engine.i18n import Message
from engine.jobs.cron import Cron
from engine.storage.database import Database

if TYPE_CHECKING:
    from engine.jobs.jobs import Jobs

_log = logging.getLogger(__name__)
_NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Schedule:
    """Something that is done again and again, as whoever brings it registers it."""

    name: str
    task: str
    cron: str
    """Five fields, in the time zone of the site; see `Cron`."""
    label: Message
    payload: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)
    lacking: Message | None = None
    """What has to be set first; while there is something it is off."""


@dataclass(frozen=True, slots=True)
class ScheduleEntry:
    """A schedule as it stands; times are aware UTC."""

    name: str
    task: str
    label: Message
    cron: str
    shipped_cron: str
    enabled: bool
    lacking: Message | None
    """What has to be set before it can be on."""
    next_at: datetime | None
    """None when it is off."""
    last_at: datetime | None
    last_job: str | None


class Schedules:
    """The schedules of one site.

    Args:
        database: where the rows are.
        jobs: what is submitted to.
        zone: whose clocks count.
        note: writes into the audit log what people ask.
    """

    def __init__(
        self, database: Database, jobs: Jobs, zone: ZoneInfo, note: Callable[[Connection, Event], None]
    ) -> None:
        self._note = note
        self._database, self._jobs, self._zone = database, jobs, zone
        self._statements = Statements(database)
        self._run = self._statements.run
        self._known: dict[str, Schedule] = {}

    def register(self, schedule: Schedule) -> None:
        """Take a schedule; at the start of every process.

        Raises:
            ValueError: another one has the name, or its task is none.
            GuanxiError: its rule is none.
        """
        Cron.parse(schedule.cron)
        if self._known.get(schedule.name, schedule) != schedule or schedule.task not in self._jobs.tasks:
            raise ValueError(f"{schedule.name}: there are two, or there is no task {schedule.task}")
        self._known[schedule.name] = schedule

    def entries(self) -> list[ScheduleEntry]:
        """Return every schedule, as it stands, by name."""
        with self._database.read() as connection:
            rows = self._rows(connection)
        found = []
        for name, schedule in sorted(self._known.items()):
            cron, enabled, rule, next_at, last_at, last_job = rows.get(name, (None, True, "", None, None, None))
            on = enabled and schedule.lacking is None
            said = cron or schedule.cron
            if not on:
                next_at = None
            elif next_at is None or rule != self._rule(said):
                # No worker has come to it yet.
                next_at = Cron.parse(said).after(clock.now(), self._zone)
            found.append(
                ScheduleEntry(
                    name, schedule.task, schedule.label, said, schedule.cron, on, schedule.lacking, next_at, last_at,
                    last_job,
                )
            )  # fmt: skip
        return found

    def change(self, name: str, *, cron: str | None = None, enabled: bool | None = None, by: str | None = None) -> None:
        """Turn a schedule on or off, or give it another rule; the shipped one when `cron` is "".

        Raises:
            NotFound: there is none of that name.
            GuanxiError: the rule is none, or something has to be set first.
        """
        schedule = self._get(name)
        if enabled and schedule.lacking is not None:
            raise GuanxiError(schedule.lacking)
        if cron:
            cron = Cron.parse(cron).text
        with self._database.write() as connection:
            self._ensure(connection, schedule)
            if cron is not None:
                self._run(connection, "UPDATE job_schedule SET cron = ? WHERE name = ?", cron or None, name)
            if enabled is not None:
                self._run(
                    connection,
                    "UPDATE job_schedule SET enabled = ?, rule = '' WHERE name = ?",
                    self._flag(enabled=enabled),
                    name,
                )
            self._reckon(connection, schedule)
            details = {"act": "schedule", "task": schedule.task, "title": str(schedule.label), "cron": cron}
            self._note(connection, Event("job", by, details={**details, "enabled": enabled}))

    def run_now(self, name: str, by: str | None = None) -> str:
        """Submit what a schedule does now, whether it is on or off, and return the id of the job.

        Raises:
            NotFound: there is none of that name.
            GuanxiError: something has to be set first.
        """
        schedule = self._get(name)
        if schedule.lacking is not None:
            raise GuanxiError(schedule.lacking)
        with self._database.write() as connection:
            self._ensure(connection, schedule)
            job = self._submit(connection, schedule)
            self._run(
                connection, "UPDATE job_schedule SET last_at = ?, last_job = ? WHERE name = ?", clock.now(), job, name
            )
            details = {"act": "start", "task": schedule.task, "title": str(schedule.label), "job": job}
            self._note(connection, Event("job", by, details=details))
        return job

    def fire(self) -> list[str]:
        """Submit what is due, and return the ids of the jobs: once, whoever else does this at the same moment."""
        now = clock.now()
        with self._database.read() as connection:
            rows = self._rows(connection)
        stale = [each for name, each in self._known.items() if self._is_stale(each, rows.get(name))]
        due = [each for name, each in self._known.items() if each not in stale and _is_due(each, rows[name], now)]
        jobs: list[str] = []
        if stale or due:
            with self._database.write() as connection:
                for schedule in stale:
                    self._ensure(connection, schedule)
                    self._reckon(connection, schedule)
                for schedule in due:
                    job = self._fire(connection, schedule, rows[schedule.name], now)
                    if job is not None:
                        jobs.append(job)
        return jobs

    def _fire(self, connection: Connection, schedule: Schedule, row: tuple[Any, ...], now: datetime) -> str | None:
        cron, _, rule, next_at, _, _ = row
        again = Cron.parse(cron or schedule.cron).after(now, self._zone)
        mine = self._run(
            connection,
            "UPDATE job_schedule SET next_at = ?, last_at = ? WHERE name = ? AND next_at = ? AND rule = ?",
            again, now, schedule.name, next_at, rule,
        )  # fmt: skip
        if mine.rowcount != 1:
            return None
        job = self._submit(connection, schedule)
        self._run(connection, "UPDATE job_schedule SET last_job = ? WHERE name = ?", job, schedule.name)
        return job

    def _submit(self, connection: Connection, schedule: Schedule) -> str:
        # The key: one that has not ended when the next is due goes on, and is the next.
        return self._jobs.submit(
            connection, schedule.task, schedule.payload, actor=None, title=schedule.label,
            key=f"schedule:{schedule.name}",
        )  # fmt: skip

    def _get(self, name: str) -> Schedule:
        schedule = self._known.get(name)
        if schedule is None:
            known = ", ".join(sorted(self._known))
            raise NotFound(Message("There is no schedule {name}; there are {known}", name=name, known=known))
        return schedule

    def _rule(self, cron: str) -> str:
        return f"{cron} {self._zone.key}"

    def _is_stale(self, schedule: Schedule, row: tuple[Any, ...] | None) -> bool:
        return row is None or row[2] != self._rule(row[0] or schedule.cron)

    def _ensure(self, connection: Connection, schedule: Schedule) -> None:
        self._run(
            connection,
            "INSERT INTO job_schedule (name, enabled, rule) VALUES (?, ?, '') ON CONFLICT (name) DO NOTHING",
            schedule.name,
            self._flag(enabled=True),
        )

    def _reckon(self, connection: Connection, schedule: Schedule) -> None:
        """Work out when it is due next, if that was worked out from another rule or zone."""
        row = self._rows(connection)[schedule.name]
        cron = row[0] or schedule.cron
        if row[2] != self._rule(cron):
            self._run(
                connection,
                "UPDATE job_schedule SET rule = ?, next_at = ? WHERE name = ?",
                self._rule(cron), Cron.parse(cron).after(clock.now(), self._zone), schedule.name,
            )  # fmt: skip

    def _rows(self, connection: Connection) -> dict[str, tuple[Any, ...]]:
        rows = self._run(
            connection, "SELECT name, cron, enabled, rule, next_at, last_at, last_job FROM job_schedule"
        ).fetchall()
        return {
            row[0]: (
                row[1], bool(row[2]), row[3], None if row[4] is None else time_of(row[4]),
                None if row[5] is None else time_of(row[5]), text_of(row[6]),
            )
            for row in rows
        }  # fmt: skip

    def _flag(self, *, enabled: bool) -> Any:
        return int(enabled) if self._statements.sqlite else enabled


def _is_due(schedule: Schedule, row: tuple[Any, ...], now: datetime) -> bool:
    return schedule.lacking is None and row[1] and row[3] is not None and row[3] <= now
