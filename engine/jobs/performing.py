"""`Performer`: runs one job from its claim to its end, whatever queue it came through."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import SQLAlchemyError

from engine.audit import Origin, acting_from
from engine.data.principal import SYSTEM, Principal
from engine.errors import DatabaseUnavailable, GuanxiError, SignInNeeded
from engine.i18n import Message
from engine.ids import new_id
from engine.jobs.job import Job, JobCancelled, JobGivenBack, JobLost, JobPaused, Task
from engine.jobs.run import Run
from engine.jobs.store import JobStore, Ticket

if TYPE_CHECKING:
    from sqlalchemy import Connection

_log = logging.getLogger(__name__)
_TRIES = 20
"""How often the end of a run is written when the database does not answer, a second apart."""


class _NotThem(GuanxiError):
    """Whoever a job is for may not sign in any more."""


class Performer:
    """Runs jobs in the name of one worker.

    Args:
        store: the rows.
        tasks: what can be done, by name.
        principals: returns the person of an id, or refuses one who may not sign in.
        worker: id of the worker, as it stands in rows and beats.
    """

    def __init__(
        self, store: JobStore, tasks: Mapping[str, Task], principals: Callable[[str], Principal], worker: str
    ) -> None:
        self._store, self._tasks, self._principals, self.worker = store, tasks, principals, worker
        self._runs: dict[str, Run] = {}
        self._at_work: set[str] = set()
        self._lock = threading.Lock()
        self._closing = threading.Event()

    @property
    def runs(self) -> list[Run]:
        """Return the runs that are going on now."""
        with self._lock:
            return list(self._runs.values())

    def at_work(self) -> frozenset[str]:
        """Return the ids of jobs that are worked on: each from before its row says so until after it says no more."""
        with self._lock:
            return frozenset(self._at_work)

    def give_back(self) -> None:
        """Let every run end at its next look, to go on elsewhere."""
        self._closing.set()
        for run in self.runs:
            run.stop("give_back")

    def perform(self, ticket: Ticket) -> bool:
        """Run a job to its end; False when this run is no longer to be run, or never began.

        Raises:
            DatabaseUnavailable: the database does not answer; the job is found again by those who look for lost ones.
        """
        if self._closing.is_set():
            return False
        with self._lock:
            self._at_work.add(ticket.job_id)
        try:
            with self._store.database.write() as connection:
                job = self._store.begin(connection, ticket, self.worker)
            if job is None:
                return False
            run = Run(self._store, job, ticket.run, SYSTEM)
            with self._listed(run), acting_from(Origin("job", agent=job.task)):
                self._do(job, run)
        finally:
            with self._lock:
                self._at_work.discard(ticket.job_id)
        return True

    @contextmanager
    def _listed(self, run: Run) -> Iterator[None]:
        with self._lock:
            self._runs[run.job_id] = run
        if self._closing.is_set():
            run.stop("give_back")
        try:
            yield
        finally:
            with self._lock:
                del self._runs[run.job_id]

    def _do(self, job: Job, run: Run) -> None:
        store, task = self._store, self._tasks.get(job.task)
        if task is None:
            why = Message("Nothing here knows the task {task}; the plugin that brought it may be gone", task=job.task)
            self._end(lambda connection: store.end(connection, run, "failed", why))
            return
        try:
            run.principal = self._principal(run)
            run.look()
            task.work(run)
        except _NotThem as error:
            reason = error.message
            self._end(lambda connection: store.end(connection, run, "failed", reason))
        except JobCancelled:
            self._end(lambda connection: store.end(connection, run, "cancelled"))
        except JobPaused:
            self._end(lambda connection: store.end(connection, run, "paused"))
        except JobGivenBack:
            self._end(lambda connection: store.give_back(connection, run))
        except JobLost:
            _log.warning("job %s (%s) was taken over by another worker", job.id, job.task)
        except (GuanxiError, SQLAlchemyError, OSError) as error:
            reason = _reason(error, job)
            self._end(lambda connection: store.fail(connection, run, reason, task.attempts))
        except Exception as error:  # noqa: BLE001 - a task is somebody else's code, and its defect is the job's end alone
            reason = _defect(error, job)
            self._end(lambda connection: store.fail(connection, run, reason, task.attempts))
        except BaseException:
            # Somebody pressed Ctrl-C: the job is not at fault.
            self._end(lambda connection: store.give_back(connection, run))
            raise
        else:
            self._end(lambda connection: store.end(connection, run, "done"))

    def _principal(self, run: Run) -> Principal:
        """Return in whose name a run acts.

        Raises:
            _NotThem: they may not sign in any more.
        """
        try:
            return SYSTEM if run.actor is None else self._principals(run.actor)
        except SignInNeeded as error:
            raise _NotThem(error.message) from error

    def _end(self, write: Callable[[Connection], Any]) -> None:
        """Write how a run ended; a database that is away for some seconds does not make it run once more."""
        for attempt in range(1, _TRIES + 1):
            try:
                with self._store.database.write() as connection:
                    write(connection)
            except DatabaseUnavailable:
                if attempt == _TRIES or self._closing.wait(1.0):
                    raise
            else:
                return


def _reason(error: Exception, job: Job) -> Message:
    """Return a refusal as people read it."""
    if isinstance(error, GuanxiError):
        return error.message
    if isinstance(error, OSError):
        _log.warning("job %s (%s): %s", job.id, job.task, error)
        return Message("{why}", why=error.strerror or str(error))
    return _defect(error, job)


def _defect(error: Exception, job: Job) -> Message:
    """Log a defect under a number, and return what people read of it."""
    number = new_id()[-12:]
    _log.error("job %s (%s) failed, number %s", job.id, job.task, number, exc_info=error)
    return Message("Something went wrong that should not; the log has it under the number {number}", number=number)
