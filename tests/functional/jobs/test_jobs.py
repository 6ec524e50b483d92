"""Jobs are rows of their transaction, run once, go on from what they kept, and say what became of them."""

import logging
import threading
import time
from datetime import timedelta
from typing import Any

import pytest

from engine import GuanxiError, Jobs, Message, NotFound, Run, Task, clock, new_id
from engine.storage.database import run
from tests.functional.jobs.conftest import GONE

TITLE = Message("Count to {number}", number=3)


def task(jobs: Jobs, work: Any, **options: Any) -> None:
    jobs.register(Task("count", work, Message("Count"), **options))


def queued(jobs: Jobs, **options: Any) -> str:
    return jobs.enqueue("count", {"to": 3}, **{"actor": None, "title": TITLE} | options)


def test_a_job_runs_and_says_what_came_of_it(jobs: Jobs) -> None:
    seen: list[Any] = []

    def work(run: Run) -> None:
        seen.append((run.payload, run.actor, run.principal.name, run.attempt, run.state))
        run.progress(2, 3, Message("nearly"))
        run.finish({"counted": 3})

    task(jobs, work)
    person = new_id()
    job_id = queued(jobs, actor=person, entity="lead")

    assert jobs.get(job_id).state == "queued"
    assert jobs.run_due() == 1

    job = jobs.get(job_id)
    assert seen == [({"to": 3}, person, "Li Na", 1, {})]
    assert (job.state, job.result, job.done, job.total, str(job.note)) == ("done", {"counted": 3}, 2, 3, "nearly")
    assert (job.title.in_("en"), job.entity, job.attempts, job.error) == ("Count to 3", "lead", 1, None)
    assert job.started_at is not None
    assert job.finished_at is not None
    assert jobs.workers() == []
    assert jobs.run_due() == 0


def test_a_job_of_a_transaction_that_is_rolled_back_never_was(jobs: Jobs) -> None:
    task(jobs, lambda run: None)

    ids = []

    def submit_and_fail() -> None:
        with jobs.database.write() as connection:
            ids.append(jobs.submit(connection, "count", {}, actor=None, title=TITLE))
            raise LookupError

    with pytest.raises(LookupError):
        submit_and_fail()
    with pytest.raises(NotFound):
        jobs.get(ids[0])
    assert jobs.run_due() == 0


def test_the_same_key_is_the_same_job_until_it_ends(jobs: Jobs) -> None:
    task(jobs, lambda run: None)
    first = queued(jobs, key="nightly")

    assert queued(jobs, key="nightly") == first
    assert queued(jobs, key="other") != first

    jobs.run_due()

    assert queued(jobs, key="nightly") != first


def test_jobs_wait_for_their_time(jobs: Jobs) -> None:
    task(jobs, lambda run: None)
    at = clock.now() + timedelta(hours=2)
    job_id = queued(jobs, run_at=at)

    assert jobs.run_due() == 0
    with clock.set_to(at):
        assert jobs.run_due() == 1
    assert jobs.get(job_id).state == "done"


def test_what_fails_is_tried_again_after_growing_pauses_and_given_up(jobs: Jobs) -> None:
    def work(run: Run) -> None:
        raise GuanxiError(Message("The far side says no"))

    task(jobs, work, attempts=3)
    job_id = queued(jobs)
    pauses = []
    for _ in range(2):
        job = jobs.get(job_id)
        with clock.set_to(job.run_at):
            assert jobs.run_due() == 1
            pauses.append(jobs.get(job_id).run_at - clock.now())
            assert jobs.get(job_id).state == "queued"
            assert jobs.run_due() == 0
    with clock.set_to(jobs.get(job_id).run_at):
        jobs.run_due()

    job = jobs.get(job_id)
    assert pauses == [timedelta(seconds=10), timedelta(seconds=40)]
    assert (job.state, str(job.error), job.attempts) == ("failed", "The far side says no", 3)

    jobs.retry(job_id, None)
    assert (jobs.get(job_id).state, jobs.get(job_id).failures) == ("queued", 0)


def test_a_defect_is_logged_under_a_number_and_tells_no_more(jobs: Jobs, caplog: pytest.LogCaptureFixture) -> None:
    def work(run: Run) -> None:
        raise ZeroDivisionError("password=hunter2")

    task(jobs, work, attempts=1)
    job_id = queued(jobs)

    with caplog.at_level(logging.ERROR):
        jobs.run_due()

    error = jobs.get(job_id).error
    assert error is not None
    assert "hunter2" not in str(error)
    assert error.values["number"] in caplog.text


def test_a_run_goes_on_from_what_was_kept_and_coming_further_forgives_failures(jobs: Jobs) -> None:
    starts = []

    def work(run: Run) -> None:
        starts.append((run.state.get("at", 0), run.attempt))
        at = run.state.get("at", 0) + 1
        with jobs.database.write() as connection:
            run.keep(connection, {"at": at})
        if at < 5:
            raise GuanxiError(Message("broken off"))

    task(jobs, work, attempts=2)
    job_id = queued(jobs)
    while jobs.get(job_id).state == "queued":
        with clock.set_to(jobs.get(job_id).run_at):
            jobs.run_due()

    assert starts == [(0, 1), (1, 2), (2, 2), (3, 2), (4, 2)]
    assert jobs.get(job_id).state == "done"


def test_what_was_kept_in_a_transaction_that_is_rolled_back_was_not_kept(jobs: Jobs) -> None:
    def work(run: Run) -> None:
        with jobs.database.write() as connection:
            run.keep(connection, {"at": 1})
            raise GuanxiError(Message("no"))

    task(jobs, work, attempts=1)
    job_id = queued(jobs)
    jobs.run_due()

    assert jobs.get(job_id).kept == {}


def test_a_waiting_job_is_cancelled_or_paused_at_once(jobs: Jobs) -> None:
    task(jobs, lambda run: None)
    one, two = queued(jobs), queued(jobs)

    assert jobs.cancel(one, None).state == "cancelled"
    assert jobs.pause(two, None).state == "paused"
    assert jobs.run_due() == 0
    assert jobs.go_on(two, None).state == "queued"
    assert jobs.run_due() == 1
    for act in (jobs.cancel, jobs.pause, jobs.go_on, jobs.retry):
        with pytest.raises(GuanxiError):
            act(two, None)
    with pytest.raises(NotFound):
        jobs.cancel(new_id(), None)


@pytest.mark.parametrize(("act", "state"), [("cancel", "cancelled"), ("pause", "paused")])
def test_a_running_job_ends_at_its_next_look(jobs: Jobs, act: str, state: str) -> None:
    running = threading.Event()

    def work(run: Run) -> None:
        with jobs.database.write() as connection:
            run.keep(connection, {"at": 7})
        running.set()
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            run.progress(8, 10)
            time.sleep(0.01)

    task(jobs, work)
    job_id = queued(jobs)
    thread = threading.Thread(target=jobs.run_due)
    thread.start()
    assert running.wait(10)

    assert getattr(jobs, act)(job_id, None).wish == act
    thread.join(15)

    job = jobs.get(job_id)
    assert (job.state, job.kept, job.done, job.wish) == (state, {"at": 7}, 8, None)


def test_progress_is_written_while_the_task_holds_a_transaction(jobs: Jobs) -> None:
    """The thread that writes it may not wait for the task, nor the task for it."""

    def work(run: Run) -> None:
        with jobs.database.write() as connection:
            run.keep(connection, {"at": 1})
            for done in range(12):
                run.progress(done, 12)
                time.sleep(0.1)
        run.progress(12, 12)

    task(jobs, work)
    job_id = queued(jobs)
    jobs.run_due()

    assert (jobs.get(job_id).state, jobs.get(job_id).done) == ("done", 12)


def test_a_job_of_somebody_who_may_no_longer_sign_in_fails_and_says_why(jobs: Jobs) -> None:
    ran: list[Run] = []
    task(jobs, ran.append)
    job_id = queued(jobs, actor=GONE)
    jobs.run_due()

    assert (jobs.get(job_id).state, str(jobs.get(job_id).error)) == ("failed", "This account is closed")
    assert ran == []


def test_a_job_whose_task_is_gone_says_so(jobs: Jobs) -> None:
    task(jobs, lambda run: None)
    job_id = queued(jobs)
    jobs.tasks.clear()
    jobs.run_due()

    assert jobs.get(job_id).state == "failed"
    assert "count" in str(jobs.get(job_id).error)
    with pytest.raises(ValueError, match="no task"):
        queued(jobs)


def test_who_lost_a_job_writes_nothing_more(jobs: Jobs) -> None:
    def work(run_: Run) -> None:
        with jobs.database.write() as connection:
            run(connection, "UPDATE job SET run = run + 1, state = 'queued'")
        with jobs.database.write() as connection:
            run(connection, "UPDATE meta_state SET access_epoch = access_epoch + 1 WHERE id = 1")
            run_.keep(connection, {"at": 1})

    task(jobs, work)
    job_id = queued(jobs)
    with jobs.database.read() as connection:
        before = jobs.database.probe(connection)
    jobs.run_due()

    with jobs.database.read() as connection:
        assert jobs.database.probe(connection) == before
    assert (jobs.get(job_id).state, jobs.get(job_id).kept) == ("queued", {})


def test_jobs_are_listed_newest_first_by_person_task_and_state(jobs: Jobs) -> None:
    task(jobs, lambda run: None)
    person = new_id()
    ids = [queued(jobs, actor=person if number % 2 else None) for number in range(6)]
    jobs.cancel(ids[0], None)

    assert [job.id for job in jobs.entries()] == ids[::-1]
    assert [job.id for job in jobs.entries(actor=person)] == ids[5::-2]
    assert [job.id for job in jobs.entries(state="cancelled")] == ids[:1]
    assert [job.id for job in jobs.entries(task="count", limit=2, before=ids[3])] == [ids[2], ids[1]]
    assert jobs.entries(task="other") == []
