"""What carries runs of jobs to those who do them. The rows are the truth; a queue may lose what it was given."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from engine.jobs.store import Ticket


class JobQueue(Protocol):
    """A way from the rows to the threads that do the work."""

    def submit(self, tickets: Sequence[Ticket]) -> None:
        """Take runs; one that was taken before is not taken twice."""

    def work(self, perform: Callable[[Ticket], object]) -> None:
        """Begin to have runs done, in threads of the queue, and return."""

    def stop(self) -> None:
        """Begin no run any more, and let go of everything."""

    def clean(self, living: Iterable[str]) -> int:
        """Forget runs that have ended, and those of workers that live no more; return how many."""


class InlineQueue:
    """Does each run where it is submitted, one after another: for tests, and commands without a worker."""

    def __init__(self) -> None:
        self._perform: Callable[[Ticket], object] | None = None

    def submit(self, tickets: Sequence[Ticket]) -> None:
        """Do the runs now."""
        if self._perform is not None:
            for ticket in tickets:
                self._perform(ticket)

    def work(self, perform: Callable[[Ticket], object]) -> None:
        """Take what does a run."""
        self._perform = perform

    def stop(self) -> None:
        """Do nothing more."""
        self._perform = None

    def clean(self, living: Iterable[str]) -> int:
        """Forget nothing: each run has ended when `submit` returns."""
        return 0
