"""Runs whose worker died, or that a queue has lost: they are found by their rows, and put back."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from engine import clock
from engine.audit.statements import time_of
from engine.i18n import Message
from engine.jobs.beats import forget, workers
from engine.jobs.rows import words
from engine.jobs.store import JobStore

_log = logging.getLogger(__name__)
UNBEGUN = timedelta(seconds=60)
"""After so long in a queue without being begun, a run is given to one again."""


@dataclass(frozen=True, slots=True)
class Lost:
    """A run whose worker may be dead."""

    job_id: str
    run: int
    task: str
    worker: str
    failures: int
    wish: str | None


def recover(
    store: JobStore,
    attempts: Callable[[str], int],
    worker: str | None = None,
    at_work: Callable[[], Collection[str]] = frozenset,
) -> int:
    """Put back what dead workers were at, and what a queue has lost; return how many jobs that were.

    Args:
        store: the rows.
        attempts: returns how often a task is tried whose workers die.
        worker: who asks, when that is a worker itself: what it thinks it does not do is lost as well.
        at_work: returns the ids of the jobs that it does.

    Raises:
        DatabaseUnavailable: the database does not answer.
    """
    before = clock.now() - UNBEGUN
    with store.database.read() as connection:
        found = workers(store.statements, connection)
        begun, unbegun = _running(store, connection), _unbegun(store, connection)
    living = {each.id for each in found if not each.dead}
    # Asked after the rows were read: a run is at work before its row says so, until after it says no more.
    mine = at_work() if worker is not None else ()
    lost = [each for each in begun if each.worker not in living or (each.worker == worker and each.job_id not in mine)]
    count = 0
    for each in lost:
        with store.database.write() as connection:
            count += _take_back(store, connection, each, attempts(each.task))
    for job_id, run, by, sent_at in unbegun:
        if by not in living or sent_at < before:
            with store.database.write() as connection:
                count += _give_again(store, connection, job_id, run)
    for each_dead in (each for each in found if each.dead):
        _log.warning("worker %s (%s, process %s) died", each_dead.id, each_dead.host, each_dead.pid)
        with store.database.write() as connection:
            forget(store.statements, connection, each_dead.id)
    return count


def _running(store: JobStore, connection: Connection) -> list[Lost]:
    rows = store.run(
        connection, "SELECT id, run, task, worker, failures, wish FROM job WHERE state = 'running'"
    ).fetchall()
    return [Lost(str(row[0]), row[1], row[2], str(row[3]), row[4], row[5]) for row in rows]


def _unbegun(store: JobStore, connection: Connection) -> list[tuple[str, int, str, datetime]]:
    text = "SELECT id, run, worker, sent_at FROM job WHERE state = 'queued' AND sent_at IS NOT NULL"
    return [(str(row[0]), row[1], str(row[2]), time_of(row[3])) for row in store.run(connection, text).fetchall()]


def _take_back(store: JobStore, connection: Connection, lost: Lost, attempts: int) -> bool:
    """Put a run back whose worker died; False when somebody was faster. It counts as a failed attempt."""
    now, why = clock.now(), Message("The worker that ran it died")
    state, ended = "queued", None
    if lost.wish == "cancel":
        state, ended = "cancelled", now
    elif lost.failures + 1 >= attempts:
        state, ended = "failed", now
    elif lost.wish == "pause":
        state = "paused"
    done = store.run(
        connection,
        "UPDATE job SET state = ?, ended_at = ?, error = ?, run = run + 1, failures = failures + 1, sent_at = NULL,"
        " worker = NULL, wish = NULL, run_at = ? WHERE id = ? AND run = ? AND state = 'running' AND worker = ?",
        state, ended, words(why), now, lost.job_id, lost.run, lost.worker,
    )  # fmt: skip
    return bool(done.rowcount == 1)


def _give_again(store: JobStore, connection: Connection, job_id: str, run: int) -> int:
    """Put a run back that was given to a queue and never begun; whoever has it still finds another number."""
    text = "UPDATE job SET sent_at = NULL, worker = NULL, run = run + 1 WHERE id = ? AND run = ? AND state = 'queued'"
    return int(store.run(connection, text, job_id, run).rowcount)
