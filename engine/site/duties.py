"""What a site does by itself each night, and the workers that do it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from engine.alarms import Upkeep
from engine.i18n import Message
from engine.jobs import Jobs, Run, Schedule, Task
from engine.jobs.worker import Worker
from engine.site.cleaning import Swept
from engine.site.job_settings import JobSettings

if TYPE_CHECKING:
    from engine.site.config import SiteConfig

CLEAN_UP, AUDIT = "clean_up", "audit"


def take_up_duties(jobs: Jobs, clean_up: Callable[[], list[Swept]], upkeep: Callable[[], Upkeep]) -> None:
    """Register what every site does each night.

    Args:
        jobs: the jobs of the site.
        clean_up: throws away what has had its time.
        upkeep: returns what checks the log, and trims it.
    """

    def clean(run: Run) -> None:
        swept = clean_up()
        run.finish({each.step: each.count for each in swept if each.count})

    def audit(run: Run) -> None:
        upkeep().daily()

    jobs.register(Task(CLEAN_UP, clean, Message("Clean up"), attempts=2, concurrency=1))
    jobs.register(Task(AUDIT, audit, Message("Check the audit log"), attempts=2, concurrency=1))
    jobs.schedules.register(Schedule(CLEAN_UP, CLEAN_UP, "10 3 * * *", Message("Clean up")))
    jobs.schedules.register(Schedule(AUDIT, AUDIT, "40 2 * * *", Message("Check the audit log")))


def make_worker(config: SiteConfig, jobs: Jobs, *, threads: int | None = None, kind: str = "worker") -> Worker:
    """Return a worker of a site; DBOS is imported here, and so by nothing but workers."""
    from engine.jobs.dbos_queue import DBOSQueue

    config.data.mkdir(parents=True, exist_ok=True)
    return Worker(
        jobs,
        lambda worker, count: DBOSQueue(config.database, config.data, worker, count),
        threads=threads or JobSettings.read(config.jobs).threads,
        kind=kind,
    )
