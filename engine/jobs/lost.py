"""Runs whose worker died, or that a queue has lost: they are found by their rows, and put back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from engine import clock
from engine.i18n import Message
from engine.jobs.rows import words
from engine.jobs.store import JobStore


@dataclass(frozen=True, slots=True)
class Lost:
    """A run whose worker may be dead."""

    job_id: str
    run: int
    task: str
    worker: str
    failures: int
    wish: str | None


def running(store: JobStore, connection: Connection) -> list[Lost]:
    """Return every run that is going on, as it would be if its worker were dead."""
    rows = store.run(
        connection, "SELECT id, run, task, worker, failures, wish FROM job WHERE state = 'running'"
    ).fetchall()
    return [Lost(str(row[0]), row[1], row[2], str(row[3]), row[4], row[5]) for row in rows]


def take_back(store: JobStore, connection: Connection, lost: Lost, attempts: int) -> bool:
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


def has_unbegun(store: JobStore, connection: Connection, before: datetime) -> bool:
    """Say whether a queue was given a run before a moment that nobody began."""
    text = "SELECT 1 FROM job WHERE state = 'queued' AND sent_at < ? LIMIT 1"
    return store.run(connection, text, before).fetchone() is not None


def take_back_unbegun(store: JobStore, connection: Connection, before: datetime) -> int:
    """Put runs back that a queue was given before a moment and nobody began: the queue has lost them."""
    text = "UPDATE job SET sent_at = NULL, run = run + 1 WHERE state = 'queued' AND sent_at < ?"
    return int(store.run(connection, text, before).rowcount)
