# ruff: noqa: S608
# Statements are put together from constants; values are bound.
"""Who runs jobs: each worker says every few seconds that it lives, by the clock of the database.

A worker is dead when it has said nothing for half a minute; on the same machine as soon as its process is gone.
"""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

from sqlalchemy import Connection

from engine.audit.statements import Statements, time_of

SILENT_S = 30.0
"""Seconds of silence after which a worker counts as dead."""
HERE = "here"
_NOW = {"sqlite": "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')", "postgresql": "clock_timestamp()"}


@dataclass(frozen=True, slots=True)
class WorkerEntry:
    """A process that runs jobs, or did."""

    id: str
    host: str
    place: str
    pid: int
    born: str
    kind: str
    """worker, server or here: a process of its own, one beside a server, or a command that runs what is due."""
    threads: int
    started_at: datetime
    seen_at: datetime
    silent: timedelta
    """For how long it has said nothing."""

    @property
    def constant(self) -> bool:
        """Say whether it goes on when nothing is left to do; a command ends then."""
        return self.kind != HERE

    @property
    def dead(self) -> bool:
        """Say whether nobody is behind it any more."""
        if self.silent > timedelta(seconds=SILENT_S):
            return True
        # Where processes cannot be told apart, silence alone counts.
        here = bool(self.place) and bool(self.born) and self.place == _place()
        return here and _born(self.pid) != self.born


class Beats:
    """The beats of one worker, and a look at those of all."""

    def __init__(self, statements: Statements, worker: str, kind: str, threads: int) -> None:
        self._statements, self.worker, self._kind, self._threads = statements, worker, kind, threads

    def beat(self) -> None:
        """Say that the worker lives.

        Raises:
            DatabaseUnavailable: the database does not answer, or others write for too long.
        """
        now = _NOW[self._statements.database.dialect]
        pid = os.getpid()
        with self._statements.database.write() as connection:
            self._statements.run(
                connection,
                "INSERT INTO worker_heartbeat (id, host, place, pid, born, kind, threads, started_at, seen_at)"
                f" VALUES (?, ?, ?, ?, ?, ?, ?, {now}, {now}) ON CONFLICT (id) DO UPDATE SET seen_at = {now}",
                self.worker, socket.gethostname(), _place(), pid, _born(pid), self._kind, self._threads,
            )  # fmt: skip

    def end(self) -> None:
        """Say that the worker has stopped.

        Raises:
            DatabaseUnavailable: the database does not answer, or others write for too long.
        """
        with self._statements.database.write() as connection:
            forget(self._statements, connection, self.worker)


def workers(statements: Statements, connection: Connection) -> list[WorkerEntry]:
    """Return every worker that is in the list, the living and those that died and were not missed yet."""
    now = _NOW[statements.database.dialect]
    rows = statements.run(
        connection,
        f"SELECT id, host, place, pid, born, kind, threads, started_at, seen_at, {now} FROM worker_heartbeat"
        " ORDER BY started_at, id",
    ).fetchall()
    return [
        WorkerEntry(
            id=str(row[0]), host=row[1], place=row[2], pid=row[3], born=row[4], kind=row[5], threads=row[6],
            started_at=time_of(row[7]), seen_at=time_of(row[8]), silent=time_of(row[9]) - time_of(row[8]),
        )
        for row in rows
    ]  # fmt: skip


def forget(statements: Statements, connection: Connection, worker: str) -> None:
    """Take a worker off the list."""
    statements.run(connection, "DELETE FROM worker_heartbeat WHERE id = ?", worker)


@cache
def _place() -> str:
    """Return where process numbers mean the same as here, and nowhere else; "" where that cannot be told."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot}/{Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return ""


def _born(pid: int) -> str:
    """Return when a process of this machine began, as the kernel counts; "" when there is none, or nobody can tell."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return ""
    # A zombie still has a number, and does nothing any more.
    return "" if state[0] in {"Z", "X"} else state[19]
