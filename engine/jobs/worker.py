"""`Worker`: a process that runs jobs. It hands out what is due, finds what dead workers left, and lets schedules fire.

All of it may be done by several at once: every step is one statement that only one of them can do.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from sqlalchemy.exc import SQLAlchemyError

from engine.errors import GuanxiError
from engine.ids import new_id
from engine.jobs.beats import Beats, workers
from engine.jobs.jobs import Jobs
from engine.jobs.lost import recover
from engine.jobs.performing import Performer
from engine.jobs.pulse import Pulse
from engine.jobs.queues import JobQueue

_log = logging.getLogger(__name__)
TICK_S = 0.5
_SUPERVISE_S = 5.0
_FIRE_S = 5.0
_CLEAN_S = 1_800.0
_PAUSE_S = 5.0
"""How long it waits with what has just failed."""
GRACE_S = 30.0
"""How long runs may take to stop where they are when the worker ends."""


class Worker:
    """Runs the jobs of one site until it is stopped.

    Args:
        jobs: the jobs.
        queue: makes the queue for (id of the worker, its threads).
        threads: how many jobs run at once.
        kind: worker, or server for one that lives beside a server.
    """

    def __init__(
        self, jobs: Jobs, queue: Callable[[str, int], JobQueue], *, threads: int = 4, kind: str = "worker"
    ) -> None:
        self._jobs, self._store, self._threads = jobs, jobs.store, threads
        self.id = new_id()
        self._queue = queue(self.id, threads)
        self._performer = Performer(jobs.store, jobs.tasks, jobs.principals, self.id)
        self._pulse = Pulse(jobs.store, self._performer, Beats(jobs.store.statements, self.id, kind, threads))
        self._stopped = threading.Event()

    def stop(self) -> None:
        """Let `run` return; may be called from anywhere, a signal included."""
        self._stopped.set()

    def run(self) -> bool:
        """Work until `stop`, give back what is going on, and say whether all of it was.

        Raises:
            DatabaseUnavailable: the database does not answer when it begins.
        """
        self._pulse.start()
        try:
            self._queue.work(self._performer.perform)
            self._go_on()
        finally:
            self._performer.give_back()
            deadline = time.monotonic() + GRACE_S
            while self._performer.runs and time.monotonic() < deadline:
                time.sleep(0.05)
            left = self._performer.runs
            self._queue.stop()
            self._pulse.stop()
        for run in left:
            _log.warning("job %s (%s) did not stop in time; it is run anew", run.job_id, run.task)
        return not left

    def _go_on(self) -> None:
        works: list[tuple[float, Callable[[], object]]] = [
            (0.0, self._hand_out),
            (_SUPERVISE_S, self.recover),
            (_FIRE_S, self._jobs.schedules.fire),
            (_CLEAN_S, self._clean),
            *self._jobs.watches,
        ]
        due = [0.0] * len(works)
        while not self._stopped.is_set():
            for number, (every, work) in enumerate(works):
                if time.monotonic() >= due[number] and not self._stopped.is_set():
                    every_now = every if self._attempt(work) else max(every, _PAUSE_S)
                    due[number] = time.monotonic() + every_now
            self._stopped.wait(TICK_S)

    def _attempt(self, work: Callable[[], object]) -> bool:
        """Do something and say whether that went well; what fails is tried again, and the others go on."""
        try:
            work()
        except (GuanxiError, SQLAlchemyError) as error:
            _log.warning("%s failed: %s", getattr(work, "__qualname__", work), error)
        except Exception:  # noqa: BLE001 - one defect must not end the rest
            _log.exception("%s failed", getattr(work, "__qualname__", work))
        else:
            return True
        return False

    def _hand_out(self) -> None:
        with self._jobs.database.read() as connection:
            if not self._store.is_due(connection):
                return
        self._queue.submit(self._jobs.hand_out(self.id, self._threads))

    def recover(self) -> int:
        """Put back what dead workers were at, and what was lost on the way here; return how many jobs that were."""
        return recover(self._store, self._jobs.attempts, self.id, self._performer.at_work)

    def _clean(self) -> None:
        with self._jobs.database.read() as connection:
            living = [each.id for each in workers(self._store.statements, connection) if not each.dead]
        self._queue.clean(living)
