"""`Jobs`: what is done later, or takes long. A job is a row, written in the transaction of what causes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from engine import clock
from engine.audit import Event
from engine.data.principal import Principal
from engine.errors import GuanxiError
from engine.i18n import Message
from engine.ids import new_id
from engine.jobs.beats import HERE, Beats, WorkerEntry, workers
from engine.jobs.job import JOB_STATE_LABELS, Job, Task
from engine.jobs.lost import recover
from engine.jobs.performing import Performer
from engine.jobs.pulse import Pulse
from engine.jobs.queues import InlineQueue
from engine.jobs.schedules import Schedules
from engine.jobs.store import JobStore, Submission, Ticket
from engine.storage.database import Database, run

QUEUE_LOCK = 43
"""Advisory lock of PostgreSQL for whoever hands jobs out; on SQLite a write transaction is one."""


_LEAST_LIVES = 3
"""So many workers a job may outlive without coming further, however few attempts its task has."""


class Jobs:
    """The jobs of one site.

    Args:
        database: where their rows are.
        principals: returns the person of an id, or refuses one who may not sign in.
        zone: the time zone of the site, whose clocks schedules go by.
        queues: how many jobs of a queue run at once, over all workers; one that is not named has no limit.
        note: writes into the audit log what people ask of jobs.
    """

    def __init__(
        self,
        database: Database,
        principals: Callable[[str], Principal],
        *,
        zone: str = "UTC",
        queues: Mapping[str, int] = MappingProxyType({}),
        note: Callable[[Connection, Event], None] = lambda _connection, _event: None,
    ) -> None:
        self.database, self.principals = database, principals
        self.store = JobStore(database)
        self.tasks: dict[str, Task] = {}
        self.watches: list[tuple[float, Callable[[], object]]] = []
        """(seconds, look) of what workers look at again and again, to submit a job when there is something to do."""
        self.schedules = Schedules(database, self, ZoneInfo(zone), note)
        self._queues = queues
        self._note = note

    def register(self, task: Task) -> None:
        """Take a kind of work; at the start of every process that submits or runs it.

        Raises:
            ValueError: another one has the name.
        """
        if self.tasks.get(task.name, task) != task:
            raise ValueError(f"there are two tasks {task.name}")
        self.tasks[task.name] = task

    # --- putting in -------------------------------------------------------------------------------------------------

    def submit(
        self,
        connection: Connection,
        task: str,
        payload: Mapping[str, Any],
        *,
        actor: str | None,
        title: Message,
        key: str | None = None,
        run_at: datetime | None = None,
        entity: str | None = None,
    ) -> str:
        """Write a job in a transaction that is open, and return its id; it runs if that commits, soon after.

        Args:
            connection: the transaction.
            task: name of a registered task.
            payload: what the task is given, as JSON; no secrets, for whoever may see the job sees it.
            actor: id of the `user` record in whose name it runs; None for the system.
            title: what people read in lists.
            key: while a job with this key has not ended, it is the one, and its id is returned.
            run_at: not before; now unless given.
            entity: what kind of records it is about.

        Raises:
            ValueError: no such task is registered.
        """
        known = self.tasks.get(task)
        if known is None:
            raise ValueError(f"there is no task {task}")
        return self.store.insert(connection, Submission(task, known.queue, payload, title, actor, key, run_at, entity))

    def enqueue(
        self,
        task: str,
        payload: Mapping[str, Any],
        *,
        actor: str | None,
        title: Message,
        key: str | None = None,
        run_at: datetime | None = None,
        entity: str | None = None,
    ) -> str:
        """Write a job in a transaction of its own; as `submit`.

        Raises:
            DatabaseUnavailable: the database does not answer, or others write for too long.
        """
        with self.database.write() as connection:
            return self.submit(
                connection, task, payload, actor=actor, title=title, key=key, run_at=run_at, entity=entity
            )

    # --- reading ----------------------------------------------------------------------------------------------------

    def get(self, job_id: str) -> Job:
        """Return a job.

        Raises:
            NotFound: there is none of that id.
        """
        with self.database.read() as connection:
            return self.store.get(connection, job_id)

    def entries(
        self,
        *,
        actor: str | None = None,
        task: str | None = None,
        state: str | None = None,
        limit: int = 50,
        before: str | None = None,
    ) -> list[Job]:
        """Return the newest jobs, the newest first.

        Args:
            actor: only those in the name of this person.
            task: only those of this task.
            state: only those in this state.
            limit: how many at most.
            before: id of the last one that was shown.
        """
        with self.database.read() as connection:
            return self.store.entries(connection, actor=actor, task=task, state=state, limit=limit, before=before)

    def overdue(self, by: timedelta, limit: int = 20) -> list[Job]:
        """Return jobs that have been due for longer than that and were not begun, the oldest first."""
        with self.database.read() as connection:
            return self.store.overdue(connection, clock.now() - by, limit)

    def counts(self, *, actor: str | None = None) -> dict[tuple[str, str], int]:
        """Return how many jobs there are by (task, state); only those in the name of a person when one is given."""
        with self.database.read() as connection:
            return self.store.counts(connection, actor=actor)

    def workers(self) -> list[WorkerEntry]:
        """Return who runs jobs, the dead included who were not missed yet."""
        with self.database.read() as connection:
            return workers(self.store.statements, connection)

    def manned(self) -> bool:
        """Say whether a worker lives that goes on by itself.

        Raises:
            DatabaseUnavailable: the database does not answer.
        """
        return any(each.constant and not each.dead for each in self.workers())

    # --- what people ask --------------------------------------------------------------------------------------------

    def cancel(self, job_id: str, by: str | None) -> Job:
        """End a job: at once when it waits, at its next look when it runs. Return it.

        Args:
            job_id: id of the job.
            by: id of the `user` record of who asks; None for a command.

        Raises:
            NotFound: there is none of that id.
            GuanxiError: it has ended.
        """
        return self._ask(
            job_id, "cancel", by,
            (("queued", "paused"), "state = 'cancelled', ended_at = ?, run = run + 1, sent_at = NULL", (clock.now(),)),
            (("running",), "wish = 'cancel'", ()),
        )  # fmt: skip

    def pause(self, job_id: str, by: str | None) -> Job:
        """Let a job wait until somebody lets it go on: at once when it waits, at its next look when it runs.

        Raises:
            NotFound, GuanxiError: as `cancel`.
        """
        return self._ask(
            job_id, "pause", by,
            (("queued",), "state = 'paused', run = run + 1, sent_at = NULL", ()),
            (("running",), "wish = coalesce(wish, 'pause')", ()),
        )  # fmt: skip

    def go_on(self, job_id: str, by: str | None) -> Job:
        """Let a paused job go on, from what it kept.

        Raises:
            NotFound: there is none of that id.
            GuanxiError: it is not paused.
        """
        return self._ask(
            job_id, "go_on", by,
            (("paused",), "state = 'queued', run_at = ?", (clock.now(),)),
            (("running",), "wish = CASE wish WHEN 'pause' THEN NULL ELSE wish END", ()),
        )  # fmt: skip

    def retry(self, job_id: str, by: str | None) -> Job:
        """Try a job anew that failed or was cancelled, from what it kept; or now, when it waits for its next attempt.

        Raises:
            NotFound: there is none of that id.
            GuanxiError: it is none that can be tried anew, or another one with its key has been started meanwhile.
        """
        return self._ask(
            job_id, "retry", by,
            (
                ("failed", "cancelled"),
                "state = 'queued', run_at = ?, ended_at = NULL, failures = 0, sent_at = NULL, wish = NULL",
                (clock.now(),),
            ),
            (("queued",), "run_at = CASE WHEN sent_at IS NULL THEN ? ELSE run_at END", (clock.now(),)),
        )  # fmt: skip

    def _ask(
        self, job_id: str, act: str, by: str | None, *changes: tuple[tuple[str, ...], str, tuple[Any, ...]]
    ) -> Job:
        with self.database.write() as connection:
            job = self.store.get(connection, job_id)
            if act == "retry" and job.key is not None and job.ended:
                other = self.store.with_key(connection, job.key)
                if other is not None:
                    raise GuanxiError(Message("The same work was started anew meanwhile; see job {id}", id=other))
            for states, change, values in changes:
                if self.store.change(connection, job_id, states, change, *values):
                    details = {"act": act, "job": job_id, "task": job.task, "title": str(job.title)}
                    self._note(connection, Event("job", by, details=details))
                    return self.store.get(connection, job_id)
        raise GuanxiError(_REFUSALS[act](job))

    # --- running ----------------------------------------------------------------------------------------------------

    def run_due(self) -> int:
        """Run what is due here and now, one after another, until nothing is; return how many runs that were.

        What a worker has begun or is about to begin is left to it.

        Raises:
            DatabaseUnavailable: the database does not answer.
        """
        recover(self.store, self.attempts)
        with self.database.read() as connection:
            if not self.store.is_due(connection):
                return 0
        performer = Performer(self.store, self.tasks, self.principals, new_id())
        pulse = Pulse(self.store, performer, Beats(self.store.statements, performer.worker, HERE, 1))
        queue, count = InlineQueue(), 0
        queue.work(performer.perform)
        pulse.start()
        try:
            while tickets := self.hand_out(performer.worker, 1):
                queue.submit(tickets)
                count += len(tickets)
        finally:
            queue.stop()
            pulse.stop()
        return count

    def hand_out(self, worker: str, threads: int) -> list[Ticket]:
        """Mark what is due as given to a worker, and return its tickets.

        Args:
            worker: who is to do it.
            threads: how many it does at once, those included that it has already.
        """
        limits = {task.name: task.concurrency for task in self.tasks.values() if task.concurrency is not None}
        with self.database.write() as connection:
            if not self.store.statements.sqlite:
                run(connection, f"SELECT pg_advisory_xact_lock({QUEUE_LOCK})")
            return self.store.take_due(connection, worker, threads, limits, self._queues)

    def attempts(self, task: str) -> int:
        """Return how often a task is tried whose workers die."""
        known = self.tasks.get(task)
        return max(_LEAST_LIVES, known.attempts if known is not None else 0)


def _cannot_end(job: Job) -> Message:
    return Message("This job has ended: {state}", state=JOB_STATE_LABELS[job.state])


_REFUSALS: Mapping[str, Callable[[Job], Message]] = {
    "cancel": _cannot_end,
    "pause": lambda job: _cannot_end(job) if job.ended else Message("This job is paused already"),
    "go_on": lambda job: Message("This job is not paused: {state}", state=JOB_STATE_LABELS[job.state]),
    "retry": lambda job: Message("This job cannot be tried anew now: {state}", state=JOB_STATE_LABELS[job.state]),
}
