# ruff: noqa: S608
# Statements are put together from constants; values are bound.
"""The rows of jobs: every statement on the table `job`.

A job is claimed, written and ended with the number of its run in the condition: whoever was thought dead and was not
finds that the number is another one by now, and writes nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from engine import clock
from engine.audit.statements import Statements
from engine.errors import NotFound
from engine.i18n import Message
from engine.ids import is_id, new_id
from engine.jobs.job import Job, JobState
from engine.jobs.rows import COLUMNS, job_of, json_text, words
from engine.jobs.run import pause_after
from engine.storage.database import Database

if TYPE_CHECKING:
    from engine.jobs.run import Run

_MINE = "id = ? AND run = ? AND state = 'running'"


@dataclass(frozen=True, slots=True)
class Ticket:
    """One run of a job, as a queue carries it."""

    job_id: str
    run: int
    task: str
    queue: str

    @property
    def name(self) -> str:
        """Return what the run is called, the same however often it is put in."""
        return f"{self.job_id}:{self.run}"


@dataclass(frozen=True, slots=True)
class Submission:
    """A job as it is asked for; see `Jobs.submit`."""

    task: str
    queue: str
    payload: Mapping[str, Any]
    title: Message
    actor: str | None
    key: str | None
    run_at: datetime | None
    entity: str | None


class JobStore:
    """The rows of one site's jobs."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.statements = Statements(database)
        self.run = self.statements.run
        self.ended: Callable[[Connection, str, str | None, JobState], None] = _nobody
        """Told of each job that ends, in the same transaction: its id, in whose name it ran, and how it ended."""

    # --- putting in -------------------------------------------------------------------------------------------------

    def insert(self, connection: Connection, wanted: Submission) -> str:
        """Write a job, or find the one with the same key that has not ended; return its id."""
        now = clock.now()
        key = wanted.key
        values = (
            new_id(), wanted.task, wanted.queue, words(wanted.title), wanted.actor, wanted.entity, key,
            json_text(wanted.payload), now, wanted.run_at or now,
        )  # fmt: skip
        for _ in range(3):
            row = self.run(
                connection,
                "INSERT INTO job (id, task, queue, state, title, actor_id, entity, unique_key, payload, kept, done,"
                " run, attempts, failures, created_at, run_at)"
                " VALUES (?, ?, ?, 'queued', ?, ?, ?, ?, ?, '{}', 0, 1, 0, 0, ?, ?) ON CONFLICT (unique_key)"
                " WHERE unique_key IS NOT NULL AND ended_at IS NULL DO NOTHING"
                " RETURNING id",
                *values,
            ).fetchone()
            found = str(row[0]) if row is not None else self.with_key(connection, key or "")
            if found is not None:
                return found
        # Whoever has the key ended it between the two statements, three times over.
        raise RuntimeError(f"the key {key} changes hands faster than it can be read")

    # --- reading ----------------------------------------------------------------------------------------------------

    def get(self, connection: Connection, job_id: str) -> Job:
        """Return a job.

        Raises:
            NotFound: there is none of that id.
        """
        row = None
        if is_id(job_id):
            row = self.run(connection, f"SELECT {COLUMNS} FROM job WHERE id = ?", job_id).fetchone()
        if row is None:
            raise NotFound(Message("There is no job {id}", id=job_id))
        return job_of(row)

    def entries(
        self,
        connection: Connection,
        *,
        actor: str | None = None,
        task: str | None = None,
        state: str | None = None,
        limit: int = 50,
        before: str | None = None,
    ) -> list[Job]:
        """Return the newest jobs, the newest first; `before` is the id of the last one that was shown."""
        condition, values = _condition(actor_id=actor, task=task, state=state)
        if before is not None:
            condition, values = f"{condition} AND id < ?", [*values, before]
        rows = self.run(
            connection,
            f"SELECT {COLUMNS} FROM job WHERE {condition} ORDER BY id DESC LIMIT {int(limit)}",
            *values,
        ).fetchall()
        return [job_of(row) for row in rows]

    def overdue(self, connection: Connection, before: datetime, limit: int) -> list[Job]:
        """Return jobs that were due before a moment and were not begun, the oldest first."""
        rows = self.run(
            connection,
            f"SELECT {COLUMNS} FROM job WHERE state = 'queued' AND run_at < ? ORDER BY run_at, id LIMIT {int(limit)}",
            before,
        ).fetchall()
        return [job_of(row) for row in rows]

    def counts(self, connection: Connection, *, actor: str | None = None) -> dict[tuple[str, str], int]:
        """Return how many jobs there are by (task, state)."""
        condition, values = _condition(actor_id=actor)
        rows = self.run(
            connection, f"SELECT task, state, count(*) FROM job WHERE {condition} GROUP BY task, state", *values
        ).fetchall()
        return {(row[0], row[1]): row[2] for row in rows}

    # --- handing out ------------------------------------------------------------------------------------------------

    def with_key(self, connection: Connection, key: str) -> str | None:
        """Return the id of the job that has a key and has not ended."""
        row = self.run(connection, "SELECT id FROM job WHERE unique_key = ? AND ended_at IS NULL", key).fetchone()
        return None if row is None else str(row[0])

    def take_due(
        self, connection: Connection, worker: str, threads: int, tasks: Mapping[str, int], queues: Mapping[str, int]
    ) -> list[Ticket]:
        """Mark jobs that are due as given to a worker, the oldest first, and return them.

        Args:
            connection: a transaction in which nobody else does this.
            worker: who is to do them.
            threads: how many it does at once, those included that it has already.
            tasks: tasks of which only so many run at once, over all workers.
            queues: queues of which only so many run at once, over all workers.
        """
        now = clock.now()
        busy = self.run(
            connection,
            "SELECT task, queue, sum(CASE worker WHEN ? THEN 1 ELSE 0 END), count(*) FROM job WHERE state = 'running'"
            " OR (state = 'queued' AND sent_at IS NOT NULL) GROUP BY task, queue",
            worker,
        ).fetchall()
        room = threads - sum(own for _, _, own, _ in busy)
        of_tasks, of_queues = Counter[str](), Counter[str]()
        for task, queue, _, count in busy:
            of_tasks[task] += count
            of_queues[queue] += count
        found: list[Ticket] = []
        while room > 0:
            full = [task for task, most in tasks.items() if of_tasks[task] >= most]
            closed = [queue for queue, most in queues.items() if of_queues[queue] >= most]
            without = f" AND task NOT IN ({', '.join('?' * len(full))})" if full else ""
            without += f" AND queue NOT IN ({', '.join('?' * len(closed))})" if closed else ""
            row = self.run(
                connection,
                "UPDATE job SET sent_at = ?, worker = ? WHERE id = (SELECT id FROM job WHERE state = 'queued'"
                f" AND sent_at IS NULL AND run_at <= ?{without} ORDER BY run_at, id LIMIT 1) AND state = 'queued'"
                " RETURNING id, run, task, queue",
                now, worker, now, *full, *closed,
            ).fetchone()  # fmt: skip
            if row is None:
                break
            found.append(Ticket(str(row[0]), *row[1:]))
            room -= 1
            of_tasks[row[2]] += 1
            of_queues[row[3]] += 1
        return found

    def begin(self, connection: Connection, ticket: Ticket, worker: str) -> Job | None:
        """Mark a run as begun by a worker; None when it is no longer to be run."""
        now = clock.now()
        row = self.run(
            connection,
            "UPDATE job SET state = 'running', worker = ?, attempts = attempts + 1, wish = NULL,"
            " started_at = coalesce(started_at, ?) WHERE id = ? AND run = ? AND state = 'queued'"
            f" RETURNING {COLUMNS}",
            worker, now, ticket.job_id, ticket.run,
        ).fetchone()  # fmt: skip
        return None if row is None else job_of(row)

    def is_due(self, connection: Connection) -> bool:
        """Say whether a job is due that no queue has."""
        row = self.run(
            connection,
            "SELECT 1 FROM job WHERE state = 'queued' AND sent_at IS NULL AND run_at <= ? LIMIT 1", clock.now(),
        ).fetchone()  # fmt: skip
        return row is not None

    # --- while it runs ----------------------------------------------------------------------------------------------

    def keep(self, connection: Connection, run: Run, state: Mapping[str, Any]) -> bool:
        """Write how far a run came; False when it is no longer the one that may. Coming further forgives failures."""
        kept = json_text(state)
        changed = self.run(
            connection,
            "UPDATE job SET failures = CASE WHEN kept = ? THEN failures ELSE 0 END, kept = ?, done = ?, total = ?,"
            f" note = ? WHERE {_MINE}",
            kept, kept, run.done, run.total, words(run.note), run.job_id, run.number,
        )  # fmt: skip
        return bool(changed.rowcount == 1)

    def tell(self, connection: Connection, runs: Sequence[Run]) -> dict[str, str]:
        """Write how far runs are, and return what was asked of which: its id with cancel, pause or lost.

        A row that the task itself has locked is left out this time: waiting for it would be waiting for the task.
        """
        skip = "" if self.statements.sqlite else " FOR UPDATE SKIP LOCKED"
        for run in runs:
            news = run.news()
            if news is not None:
                done, total, note = news
                self.run(
                    connection,
                    f"UPDATE job SET done = ?, total = ?, note = ? WHERE id = (SELECT id FROM job WHERE {_MINE}{skip})",
                    done, total, words(note), run.job_id, run.number,
                )  # fmt: skip
        return self.wishes(connection, runs)

    def wishes(self, connection: Connection, runs: Sequence[Run]) -> dict[str, str]:
        """Return what was asked of which run, by the id of its job."""
        asked: dict[str, str] = {}
        for run in runs:
            row = self.run(connection, f"SELECT wish FROM job WHERE {_MINE}", run.job_id, run.number).fetchone()
            if row is None:
                asked[run.job_id] = "lost"
            elif row[0] is not None:
                asked[run.job_id] = row[0]
        return asked

    # --- at its end -------------------------------------------------------------------------------------------------

    def end(self, connection: Connection, run: Run, state: JobState, error: Message | None = None) -> bool:
        """Write the end of a run: done, failed, cancelled, or paused; False when it is no longer the one that may."""
        ended = None if state == "paused" else clock.now()
        left = self._leave(connection, run, "state = ?, result = ?, error = ?, ended_at = ?", state,
            None if run.result is None or state != "done" else json_text(run.result), words(error), ended)  # fmt: skip
        if left:
            self.ended(connection, run.job_id, run.actor, state)
        return left

    def give_back(self, connection: Connection, run: Run) -> bool:
        """Put a run back that was broken off; it goes on at once, wherever there is room."""
        return self._leave(connection, run, "state = 'queued'")

    def fail(self, connection: Connection, run: Run, error: Message, attempts: int) -> JobState | None:
        """Write that a run failed: it is tried anew after a pause, unless that was the last attempt.

        Return the state that the job is in now; None when the run is no longer the one that may say so.
        """
        row = self.run(
            connection, f"UPDATE job SET failures = failures + 1 WHERE {_MINE} RETURNING failures, wish",
            run.job_id, run.number,
        ).fetchone()  # fmt: skip
        if row is None:
            return None
        if row[1] == "cancel" or row[0] >= attempts:
            state: JobState = "cancelled" if row[1] == "cancel" else "failed"
            self.end(connection, run, state, error)
            return state
        state = "paused" if row[1] == "pause" else "queued"
        again = clock.now() + timedelta(seconds=pause_after(row[0]))
        self._leave(connection, run, "state = ?, run_at = ?, error = ?", state, again, words(error))
        return state

    def _leave(self, connection: Connection, run: Run, changes: str, *values: Any) -> bool:
        done = self.run(
            connection,
            f"UPDATE job SET {changes}, done = ?, total = ?, note = ?, wish = NULL, sent_at = NULL, worker = NULL,"
            f" run = run + 1 WHERE {_MINE}",
            *values, run.done, run.total, words(run.note), run.job_id, run.number,
        )  # fmt: skip
        return bool(done.rowcount == 1)

    # --- what people ask --------------------------------------------------------------------------------------------

    def change(self, connection: Connection, job_id: str, states: Sequence[str], changes: str, *values: Any) -> bool:
        """Change a job that is in one of some states; False when it is in another."""
        marks = ", ".join("?" * len(states))
        done = self.run(
            connection, f"UPDATE job SET {changes} WHERE id = ? AND state IN ({marks})", *values, job_id, *states
        )
        return bool(done.rowcount == 1)


def _nobody(_connection: Connection, _job_id: str, _actor: str | None, _state: JobState) -> None:
    """Tell nobody of the end of a job."""


def _condition(**wanted: str | None) -> tuple[str, list[Any]]:
    chosen = {column: value for column, value in wanted.items() if value is not None}
    return " AND ".join(f"{column} = ?" for column in chosen) or "1 = 1", list(chosen.values())
