"""`Run`: what a task is given, one time that a job is run."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from engine.i18n import Message
from engine.jobs.job import Job, JobCancelled, JobGivenBack, JobLost, JobPaused

if TYPE_CHECKING:
    from engine.data.principal import Principal
    from engine.jobs.store import JobStore

PAUSES: Mapping[str, type[BaseException]] = {
    "cancel": JobCancelled,
    "pause": JobPaused,
    "give_back": JobGivenBack,
    "lost": JobLost,
}


class Run:
    """One run of a job.

    Attributes:
        job_id: id of the job.
        number: which run of the job this is; only the latest may write.
        payload: what was submitted.
        actor: id of the `user` record in whose name it runs; None for the system.
        principal: that person, or the system, as the records service knows them.
        attempt: 1 the first time, one more each time that it is tried anew.
        state: what `keep` kept last, in whatever run; {} at first.
        result: what `finish` was given.
    """

    def __init__(self, store: JobStore, job: Job, number: int, principal: Principal) -> None:
        self._store = store
        self.job_id, self.number, self.task = job.id, number, job.task
        self.payload, self.actor, self.principal = job.payload, job.actor, principal
        self.attempt = job.failures + 1
        self.state: Mapping[str, Any] = job.kept
        self.result: Mapping[str, Any] | None = None
        self.done, self.total, self.note = job.done, job.total, job.note
        self._told: tuple[int, int | None, Message | None] = (job.done, job.total, job.note)
        self._wish: str | None = None
        self._stopped = threading.Event()

    def progress(self, done: int, total: int | None = None, note: Message | None = None) -> None:
        """Say how far the work is; a thread beside it writes that down twice a second, so it costs nothing.

        Call it often: this is where a job that was cancelled or paused, or whose worker stops, ends.

        Args:
            done: how much is done.
            total: how much there is; None when it was said before, or nobody knows.
            note: what is being done.

        Raises:
            JobStopped: the run is to end here; let it through.
        """
        self.done = done
        self.total = total if total is not None else self.total
        self.note = note if note is not None else self.note
        self.look()

    def keep(self, connection: Connection, state: Mapping[str, Any]) -> None:
        """Keep how far the work has come, in the transaction in which it was done: both are there, or neither.

        Args:
            connection: the transaction that is open.
            state: JSON; `Run.state` of whatever run goes on from here.

        Raises:
            JobLost: another worker runs this job by now; the transaction must not be committed.
        """
        if not self._store.keep(connection, self, state):
            raise JobLost
        self.state = dict(state)

    def finish(self, result: Mapping[str, Any]) -> None:
        """Say what came of it, as JSON; the page and the command show it when the task returns."""
        self.result = dict(result)

    def wait(self, seconds: float) -> None:
        """Wait, unless the run is to end meanwhile.

        Raises:
            JobStopped: the run is to end here; let it through.
        """
        self._stopped.wait(seconds)
        self.look()

    def look(self) -> None:
        """End the run if somebody asked for that.

        Raises:
            JobStopped: somebody did; let it through.
        """
        if self._wish is not None:
            raise PAUSES[self._wish]

    # --- for whoever looks after it ---------------------------------------------------------------------------------

    def stop(self, wish: str) -> None:
        """Let the run end at its next look: `wish` is cancel, pause, give_back or lost."""
        if self._wish != "lost":
            self._wish = wish
        self._stopped.set()

    @property
    def has_news(self) -> bool:
        """Say whether it came further since that was written down."""
        return (self.done, self.total, self.note) != self._told

    def news(self) -> tuple[int, int | None, Message | None] | None:
        """Return (done, total, note) when they changed since this was asked last; None when they did not."""
        said = (self.done, self.total, self.note)
        if said == self._told:
            return None
        self._told = said
        return said


def pause_after(failures: int) -> float:
    """Return how many seconds lie between a failure and the next attempt: 10, 40, 160 ... one hour at most."""
    return float(min(3_600, 10 * 4 ** min(failures - 1, 6)))


__all__ = ["PAUSES", "Run", "pause_after"]
