"""`DBOSQueue`: runs go to the threads of one or many workers through DBOS Transact. Only a worker imports this module.

DBOS keeps what it was given in tables of its own: a file beside that of an SQLite site, a schema of its own on
PostgreSQL. Losing them loses no job, for the rows of `job` say what is to be done; nothing here ever empties them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from dbos import DBOS, DBOSConfig, DBOSPortableJSONSerializer, SetWorkflowID
from sqlalchemy import URL, Engine, make_url

from engine.jobs.queue_file import FILE, queue_engine
from engine.jobs.store import Ticket

SCHEMA = "guanxi_jobs"
"""Where the tables of DBOS are on PostgreSQL."""
VERSION = "1"
"""Runs are data, so a new release of the product goes on with the runs of the one before."""
_QUEUE = "guanxi-"
_POLL_S = 0.5
OLD = timedelta(hours=1)
_PART = 500

_perform: Callable[[Ticket], object] | None = None


@DBOS.workflow(name="guanxi.run")
def _run(job_id: str, run: int, task: str, queue: str) -> None:
    """Do one run of a job; the row of the job says whether it is still to be done."""
    if _perform is not None:
        _perform(Ticket(job_id, run, task, queue))


class DBOSQueue:
    """Carries the runs of one site.

    Args:
        database: address of the site's database.
        folder: where the file is when that is SQLite.
        worker: id of this worker.
        threads: how many runs it does at once.
    """

    def __init__(self, database: str, folder: Path, worker: str, threads: int) -> None:
        self._address, self._folder = make_url(database), folder
        self._worker, self._threads = worker, threads
        self._name = f"{_QUEUE}{worker}"
        self._engine: Engine | None = None

    def work(self, perform: Callable[[Ticket], object]) -> None:
        """Begin to have runs done, in threads of DBOS."""
        global _perform  # noqa: PLW0603 - DBOS is one for the process, and so is what its workflow does
        # What matters is in our log; where DBOS itself has trouble it says so.
        logging.getLogger("dbos").setLevel(logging.WARNING)
        _perform = perform
        config: DBOSConfig = {
            "name": "guanxi",
            "application_version": VERSION,
            "executor_id": self._worker,
            "serializer": DBOSPortableJSONSerializer(),
            "log_level": "WARNING",
            # Sessions that listen would be lost behind a pooler; the queue is polled anyway.
            "use_listen_notify": False,
            "notification_listener_polling_interval_sec": 1.0,
            "scheduler_polling_interval_sec": 3_600.0,
        }
        if self._address.get_backend_name() == "sqlite":
            self._engine = queue_engine(self._folder / FILE)
            config["system_database_url"] = f"sqlite:///{self._folder / FILE}"
            config["system_database_engine"] = self._engine
        else:
            address: URL = self._address.set(drivername="postgresql")
            config["system_database_url"] = address.render_as_string(hide_password=False)
            config["dbos_system_schema"] = SCHEMA
            config["sys_db_pool_size"] = self._threads + 3
        DBOS(config=config)
        # Each worker has a queue of its own: the rows say who does what, and how many at once.
        DBOS.listen_queues([self._name])
        DBOS.launch()
        DBOS.register_queue(self._name, worker_concurrency=self._threads, polling_interval_sec=_POLL_S)

    def submit(self, tickets: Sequence[Ticket]) -> None:
        """Give runs to the threads of this worker; one of the same name is there once."""
        for ticket in tickets:
            with SetWorkflowID(ticket.name):
                DBOS.enqueue_workflow(self._name, _run, ticket.job_id, ticket.run, ticket.task, ticket.queue)

    def stop(self) -> None:
        """Take nothing more, and let go of the tables; runs that are going on were asked to end before."""
        global _perform  # noqa: PLW0603 - as above
        with suppress(Exception):
            # It is of no use to anybody else; one that stays is cleaned up by others.
            DBOS.delete_queue(self._name)
        DBOS.destroy()
        _perform = None
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None

    def clean(self, living: Iterable[str]) -> int:
        """Forget runs that have ended, or that only a dead worker had, and return how many."""
        before = (datetime.now(UTC) - OLD).isoformat()
        alive, count = {*living, self._worker}, 0
        for queue in DBOS.list_queues():
            if queue.name.removeprefix(_QUEUE) not in alive:
                DBOS.delete_queue(queue.name)
        while True:
            found = DBOS.list_workflows(
                end_time=before,
                status=["SUCCESS", "ERROR", "CANCELLED", "ENQUEUED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"],
                limit=_PART,
                load_input=False,
                load_output=False,
            )
            found += [
                each
                for each in DBOS.list_workflows(
                    end_time=before, status="PENDING", limit=_PART, load_input=False, load_output=False
                )
                if each.executor_id not in alive
            ]
            if not found:
                return count
            DBOS.delete_workflows([each.workflow_id for each in found])
            count += len(found)
