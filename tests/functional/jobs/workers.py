"""A program that runs workers as processes of their own, and kills them; `test_workers.py` runs it and looks on.

What is imported here once, every worker that is forked has: a worker that begins anew costs a moment, not seconds.
"""

import json
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any, NoReturn

from dbos import DBOS

from engine import Jobs, Message, Principal, Run, Task
from engine.jobs import dbos_queue, lost
from engine.jobs import worker as working
from engine.jobs.dbos_queue import SCHEMA, DBOSQueue
from engine.jobs.queue_file import FILE
from engine.storage.database import Connection, Database, run

STEPS = 60
COUNT = Message("Count")


def open_jobs(url: str) -> Jobs:
    """The jobs of a database, with tasks that leave a row for each thing that they do."""
    database = Database(url)
    jobs = Jobs(database, lambda user_id: Principal(user_id, "Li Na"), queues=MappingProxyType({"narrow": 2}))
    mark = "?" if database.dialect == "sqlite" else "%s"

    def put(connection: Connection, *values: Any) -> None:
        run(connection, f"INSERT INTO tally (job, what, number) VALUES ({mark}, {mark}, {mark})", values)

    def count(given: Run) -> None:
        for number in range(given.state.get("at", 0) + 1, STEPS + 1):
            with database.write() as connection:
                put(connection, given.job_id, "step", number)
                given.keep(connection, {"at": number})
            given.progress(number, STEPS)
            time.sleep(0.02)
        given.finish({"counted": STEPS})

    def once(given: Run) -> None:
        for what in ("begin", "end"):
            with database.write() as connection:
                put(connection, given.job_id, what, os.getpid())
            time.sleep(0.03)

    def stubborn(given: Run) -> None:
        with database.write() as connection:
            put(connection, given.job_id, "begin", os.getpid())
        while True:
            time.sleep(0.05)
            given.look()

    jobs.register(Task("count", count, COUNT, attempts=1_000))
    jobs.register(Task("once", once, COUNT))
    jobs.register(Task("alone", once, COUNT, concurrency=1))
    jobs.register(Task("narrow", once, COUNT, queue="narrow"))
    jobs.register(Task("stubborn", stubborn, COUNT))
    return jobs


def begin(url: str, folder: Path, threads: int = 3) -> int:
    """Begin a worker in a process of its own, and return its number."""
    pid = os.fork()
    if pid == 0:
        work(url, folder, threads)
    return pid


def work(url: str, folder: Path, threads: int) -> NoReturn:
    jobs = open_jobs(url)
    worker = working.Worker(jobs, lambda name, count: DBOSQueue(url, folder, name, count), threads=threads)
    signal.signal(signal.SIGTERM, lambda *_: worker.stop())
    clean = worker.run()
    jobs.database.dispose()
    os._exit(0 if clean else 1)


def kill(pid: int, number: int = signal.SIGKILL) -> int:
    os.kill(pid, number)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def until(true: Callable[[], bool], seconds: float = 120.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.05)


def tally(jobs: Jobs) -> list[tuple[str, str, int]]:
    with jobs.database.read() as connection:
        rows = run(connection, "SELECT job, what, number FROM tally ORDER BY seq").fetchall()
    return [(row[0], row[1], row[2]) for row in rows]


def ended(jobs: Jobs, ids: list[str]) -> bool:
    return all(jobs.get(each).ended for each in ids)


def until_more(jobs: Jobs, ids: list[str]) -> None:
    """Wait until something more was done."""
    before = len(tally(jobs))
    until(lambda: len(tally(jobs)) > before or ended(jobs, ids))


def killed(url: str, folder: Path, rounds: int) -> dict[str, Any]:
    """Kill a worker again and again, at any moment, and once throw away all that the queue knows."""
    jobs, chance, kills = open_jobs(url), random.Random(rounds), 0
    ids = [jobs.enqueue("count", {}, actor=None, title=COUNT) for _ in range(max(2, rounds // 2))]
    while kills < rounds:
        pid = begin(url, folder)
        if kills % 2:
            until_more(jobs, ids)
        time.sleep(chance.uniform(0.05, 0.5))
        kill(pid)
        kills += 1
        if kills == rounds // 2:
            forget(jobs, folder)
    pid = begin(url, folder)
    until(lambda: ended(jobs, ids), 60 + 10 * rounds)
    kill(pid, signal.SIGTERM)
    found = [jobs.get(each) for each in ids]
    return {
        "states": sorted({job.state for job in found}),
        "counted": [[number for job, _, number in tally(jobs) if job == each] for each in ids],
        "starts": sum(job.attempts for job in found),
    }


def forget(jobs: Jobs, folder: Path) -> None:
    if jobs.database.dialect == "sqlite":
        for file in folder.glob(f"{FILE}*"):
            file.unlink()
    else:
        with jobs.database.plain() as connection:
            run(connection, f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")


def together(url: str, folder: Path, count: int) -> dict[str, Any]:
    """Let two workers do many jobs, stop both, and say who did what in which order."""
    jobs = open_jobs(url)
    ids = {name: [] for name in ("once", "alone", "narrow")}  # type: dict[str, list[str]]
    with jobs.database.write() as connection:
        for _ in range(count):
            for name, made in ids.items():
                made.append(jobs.submit(connection, name, {}, actor=None, title=COUNT))
    pids = [begin(url, folder), begin(url, folder)]
    until(lambda: all(jobs.get(each).ended for made in ids.values() for each in made))
    known = [each.pid for each in jobs.workers()]
    codes = [kill(pid, signal.SIGTERM) for pid in pids]
    return {
        "ids": ids, "tally": tally(jobs), "pids": pids, "known": known, "codes": codes, "left": len(jobs.workers()),
        "schema": sorted(str(each.name) for each in folder.iterdir()),
    }  # fmt: skip


def stopped(url: str, folder: Path, _count: int) -> dict[str, Any]:
    """Stop a worker in the middle of a job, then begin another; then cancel the job that the other one runs."""
    jobs = open_jobs(url)
    job_id = jobs.enqueue("stubborn", {}, actor=None, title=COUNT)
    first = begin(url, folder)
    until(lambda: len(tally(jobs)) == 1)
    code = kill(first, signal.SIGTERM)
    between = jobs.get(job_id)
    second = begin(url, folder)
    until(lambda: len(tally(jobs)) == 2)
    jobs.cancel(job_id, None)
    until(lambda: jobs.get(job_id).ended)
    ended = {"last": jobs.get(job_id).state, "second": kill(second), "workers": len(jobs.workers())}
    return ended | cleaned(url, folder) | {
        "code": code, "state": between.state, "failures": between.failures,
    }  # fmt: skip


def cleaned(url: str, folder: Path) -> dict[str, Any]:
    """Let a third worker throw away what the two others have left in the tables of the queue."""
    dbos_queue.OLD = timedelta(0)
    queue = dbos_queue.DBOSQueue(url, folder, "third", 1)
    queue.work(lambda _ticket: None)
    found = {"runs": queue.clean(()), "again": queue.clean(()), "queues": len(DBOS.list_queues())}
    queue.stop()
    return found


if __name__ == "__main__":
    lost.UNBEGUN = timedelta(seconds=3)
    play, address, here, number = sys.argv[1:]
    Path(here).mkdir(exist_ok=True)
    found = {"killed": killed, "together": together, "stopped": stopped}[play](address, Path(here), int(number))
    sys.stdout.write(json.dumps(found))
    shutil.rmtree(here)
