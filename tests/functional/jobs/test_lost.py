"""What dead workers leave behind, and what a queue has lost, is put back by whoever lives."""

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from engine import DatabaseUnavailable, Jobs, Message, Principal, Run, Task, new_id
from engine.jobs.beats import SILENT_S, Beats
from engine.jobs.lost import UNBEGUN
from engine.jobs.queues import InlineQueue
from engine.jobs.worker import Worker
from engine.storage.database import run

TITLE = Message("Count")


@pytest.fixture
def counting(jobs: Jobs) -> Jobs:
    jobs.register(Task("count", lambda run: None, TITLE, attempts=1))
    return jobs


@pytest.fixture
def worker(counting: Jobs) -> Worker:
    return Worker(counting, lambda _name, _threads: InlineQueue())


def begun(jobs: Jobs, by: str) -> str:
    """A job that a worker has begun and said nothing of since."""
    job_id = jobs.enqueue("count", {}, actor=None, title=TITLE)
    [ticket] = jobs.hand_out(by, 9)
    with jobs.database.write() as connection:
        assert jobs.store.begin(connection, ticket, by) is not None
    return job_id


def test_the_job_of_a_worker_that_is_not_there_is_put_back(counting: Jobs, worker: Worker) -> None:
    job_id = begun(counting, new_id())

    assert worker.recover() == 1
    assert worker.recover() == 0

    job = counting.get(job_id)
    assert (job.state, job.worker, job.failures, str(job.error)) == ("queued", None, 1, "The worker that ran it died")
    counting.run_due()
    assert counting.get(job_id).state == "done"
    assert counting.get(job_id).error is None


def test_a_living_worker_keeps_its_job_and_a_silent_one_loses_it(counting: Jobs, worker: Worker) -> None:
    beats = Beats(counting.store.statements, new_id(), "worker", 1)
    beats.beat()
    job_id = begun(counting, beats.worker)

    assert worker.recover() == 0
    assert counting.manned()
    # Elsewhere, so that nobody here can tell whether the process is there.
    silent(counting, SILENT_S + 1)
    assert not counting.manned()
    assert worker.recover() == 1
    assert (counting.get(job_id).state, counting.workers()) == ("queued", [])


def silent(jobs: Jobs, seconds: float) -> None:
    now = "strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-{} seconds')" if jobs.store.statements.sqlite else (
        "clock_timestamp() - interval '{} seconds'"
    )  # fmt: skip
    with jobs.database.write() as connection:
        run(connection, f"UPDATE worker_heartbeat SET place = 'elsewhere', seen_at = {now.format(seconds)}")


def test_a_process_that_is_gone_is_dead_at_once(counting: Jobs, worker: Worker) -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    beats = Beats(counting.store.statements, new_id(), "worker", 1)
    beats.beat()
    with counting.database.write() as connection:
        # As the child would have said it.
        state = Path(f"/proc/{child.pid}/stat").read_text("utf-8")
        started = state.rpartition(")")[2].split()[19]
        run(connection, f"UPDATE worker_heartbeat SET pid = {child.pid}, born = '{started}'")
    assert [each.dead for each in counting.workers()] == [False]

    child.kill()
    child.wait()
    assert child.stdin is not None
    child.stdin.close()

    assert [each.dead for each in counting.workers()] == [True]
    worker.recover()
    assert counting.workers() == []


def test_where_processes_cannot_be_told_apart_only_silence_counts(counting: Jobs) -> None:
    Beats(counting.store.statements, new_id(), "worker", 1).beat()
    for change in ("born = 'another', place = ''", "born = ''"):
        with counting.database.write() as connection:
            run(connection, f"UPDATE worker_heartbeat SET pid = 1, {change}")
        assert [each.dead for each in counting.workers()] == [False]


@pytest.mark.parametrize(("wish", "state"), [("cancel", "cancelled"), ("pause", "paused")])
def test_what_was_asked_of_a_job_whose_worker_died_is_done(
    counting: Jobs, worker: Worker, wish: str, state: str
) -> None:
    job_id = begun(counting, new_id())
    getattr(counting, wish)(job_id, None)
    worker.recover()

    assert counting.get(job_id).state == state


def test_a_job_that_kills_its_workers_is_given_up(counting: Jobs, worker: Worker) -> None:
    job_id = begun(counting, new_id())
    for _ in range(2):
        worker.recover()
        [ticket] = counting.hand_out(new_id(), 9)
        with counting.database.write() as connection:
            counting.store.begin(connection, ticket, new_id())
    worker.recover()

    assert (counting.get(job_id).state, counting.get(job_id).attempts) == ("failed", 3)


def test_what_a_queue_has_lost_is_given_to_it_again(counting: Jobs, worker: Worker) -> None:
    job_id = counting.enqueue("count", {}, actor=None, title=TITLE)
    beats = Beats(counting.store.statements, new_id(), "worker", 1)
    beats.beat()
    [lost] = counting.hand_out(beats.worker, 9)

    assert worker.recover() == 0
    assert counting.hand_out(beats.worker, 9) == []
    with counting.database.write() as connection:
        long_ago = counting.get(job_id).created_at - 2 * UNBEGUN
        counting.store.run(connection, "UPDATE job SET sent_at = ?", long_ago)
    assert worker.recover() == 1
    [again] = counting.hand_out(beats.worker, 9)

    assert (again.job_id, again.run) == (job_id, lost.run + 1)
    with counting.database.write() as connection:
        # The old one turns up after all.
        assert counting.store.begin(connection, lost, new_id()) is None
        assert counting.store.begin(connection, again, new_id()) is not None


def test_no_more_is_handed_out_than_there_are_threads_and_limits_allow(jobs: Jobs) -> None:
    jobs.register(Task("wide", lambda run: None, TITLE))
    jobs.register(Task("one", lambda run: None, TITLE, concurrency=1))
    for name in ("one", "one", "wide", "wide", "wide"):
        jobs.enqueue(name, {}, actor=None, title=TITLE)

    one, other = new_id(), new_id()
    assert [each.task for each in jobs.hand_out(one, 3)] == ["one", "wide", "wide"]
    assert jobs.hand_out(one, 3) == []
    assert [each.task for each in jobs.hand_out(other, 3)] == ["wide"]
    assert jobs.overdue(timedelta(minutes=-1))[0].task == "one"


def test_what_was_given_to_a_worker_that_died_is_given_to_another_one_at_once(counting: Jobs, worker: Worker) -> None:
    counting.enqueue("count", {}, actor=None, title=TITLE)
    assert len(counting.hand_out(new_id(), 1)) == 1
    assert counting.run_due() == 1


def test_a_worker_that_could_not_say_how_a_run_ended_finds_it_again(counting: Jobs, worker: Worker) -> None:
    beats = Beats(counting.store.statements, worker.id, "worker", 1)
    beats.beat()
    job_id = begun(counting, worker.id)

    assert worker.recover() == 1
    assert counting.get(job_id).state == "queued"


def test_a_database_that_is_away_is_not_the_fault_of_the_person(jobs: Jobs) -> None:
    def away(_user: str) -> Principal:
        raise DatabaseUnavailable(Message("The database does not answer"))

    jobs.principals = away
    jobs.register(Task("count", lambda run: None, TITLE))
    job_id = jobs.enqueue("count", {}, actor=new_id(), title=TITLE)
    jobs.run_due()

    assert (jobs.get(job_id).state, jobs.get(job_id).failures) == ("queued", 1)


def test_a_run_that_somebody_breaks_off_is_given_back(jobs: Jobs) -> None:
    def broken_off(_run: Run) -> None:
        raise KeyboardInterrupt

    jobs.register(Task("count", broken_off, TITLE, attempts=1))
    job_id = jobs.enqueue("count", {}, actor=None, title=TITLE)
    with pytest.raises(KeyboardInterrupt):
        jobs.run_due()

    assert (jobs.get(job_id).state, jobs.get(job_id).failures, jobs.workers()) == ("queued", 0, [])
