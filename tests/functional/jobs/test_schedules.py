"""What is done again and again: once each time however many look, made up for once, changed by the site."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from engine import GuanxiError, Jobs, Message, NotFound, Run, Schedule, ScheduleEntry, Task, clock

BERLIN = ZoneInfo("Europe/Berlin")
NOON = datetime(2026, 3, 28, 12, tzinfo=BERLIN)


@pytest.fixture
def nightly(jobs: Jobs) -> Jobs:
    """Jobs with something to do at half past two, which fell due at noon for the first time."""
    jobs.register(Task("tidy", lambda run: run.finish({"what": run.payload["what"]}), Message("Tidy up")))
    jobs.schedules.register(Schedule("tidy", "tidy", "30 2 * * *", Message("Tidy up"), {"what": "all"}))
    with clock.set_to(NOON):
        assert jobs.schedules.fire() == []
    return jobs


def entry(jobs: Jobs) -> ScheduleEntry:
    [found] = jobs.schedules.entries()
    return found


def at(moment: datetime, act: Callable[[], list[str]]) -> list[str]:
    with clock.set_to(moment):
        return act()


def test_a_schedule_fires_at_its_time_by_the_clocks_of_the_site(nightly: Jobs) -> None:
    # The clocks are put forward that night: half past two is three.
    due = datetime(2026, 3, 29, 1, 0, tzinfo=UTC)

    assert entry(nightly).next_at == due
    assert at(due - timedelta(seconds=1), nightly.schedules.fire) == []
    [job] = at(due, nightly.schedules.fire)
    assert at(due + timedelta(minutes=5), nightly.schedules.fire) == []
    with clock.set_to(due):
        nightly.run_due()

    assert nightly.get(job).result == {"what": "all"}
    assert nightly.get(job).actor is None
    now = entry(nightly)
    assert (now.last_at, now.last_job, now.next_at) == (due, job, datetime(2026, 3, 30, 0, 30, tzinfo=UTC))


def test_however_many_look_it_fires_once(nightly: Jobs) -> None:
    def look(_number: int) -> list[str]:
        return at(NOON + timedelta(days=1), nightly.schedules.fire)

    with ThreadPoolExecutor(6) as pool:
        found = [job for jobs in pool.map(look, range(12)) for job in jobs]

    assert len(found) == 1
    assert len(nightly.entries()) == 1


def test_what_was_missed_is_made_up_for_once(nightly: Jobs) -> None:
    late = NOON + timedelta(days=9)

    assert len(at(late, nightly.schedules.fire)) == 1
    assert at(late, nightly.schedules.fire) == []
    assert entry(nightly).next_at == datetime(2026, 4, 7, 0, 30, tzinfo=UTC)


def test_while_one_has_not_ended_the_next_is_the_same(nightly: Jobs) -> None:
    [first] = at(NOON + timedelta(days=1), nightly.schedules.fire)

    assert at(NOON + timedelta(days=2), nightly.schedules.fire) == [first]


def test_a_site_turns_a_schedule_off_and_gives_it_another_rule(nightly: Jobs) -> None:
    nightly.schedules.change("tidy", enabled=False)

    assert entry(nightly).next_at is None
    assert at(NOON + timedelta(days=3), nightly.schedules.fire) == []
    with clock.set_to(NOON):
        nightly.schedules.change("tidy", enabled=True, cron="0 4 * * sun")
        assert nightly.schedules.fire() == []
    assert (entry(nightly).cron, entry(nightly).shipped_cron) == ("0 4 * * sun", "30 2 * * *")
    assert entry(nightly).next_at == datetime(2026, 3, 29, 2, tzinfo=UTC)
    with clock.set_to(NOON):
        nightly.schedules.change("tidy", cron="")
    assert entry(nightly).cron == "30 2 * * *"
    with pytest.raises(GuanxiError):
        nightly.schedules.change("tidy", cron="never")
    with pytest.raises(NotFound):
        nightly.schedules.change("other", enabled=False)


def test_a_schedule_may_be_run_now_and_says_what_it_lacks(nightly: Jobs) -> None:
    job = nightly.schedules.run_now("tidy")
    nightly.schedules.register(Schedule("other", "tidy", "0 1 * * *", Message("Other"), lacking=Message("Say where")))

    assert nightly.get(job).state == "queued"
    assert next(each for each in nightly.schedules.entries() if each.name == "tidy").last_job == job
    with pytest.raises(GuanxiError, match="Say where"):
        nightly.schedules.run_now("other")
    assert at(NOON + timedelta(days=5), nightly.schedules.fire) == [job]


def test_a_schedule_needs_a_task_and_a_rule(jobs: Jobs) -> None:
    def work(_run: Run) -> None:
        pass

    with pytest.raises(ValueError, match="no task"):
        jobs.schedules.register(Schedule("a", "none", "0 1 * * *", Message("A")))
    jobs.register(Task("a", work, Message("A")))
    with pytest.raises(GuanxiError):
        jobs.schedules.register(Schedule("a", "a", "0 1 * *", Message("A")))
    with pytest.raises(ValueError, match="two tasks"):
        jobs.register(Task("a", work, Message("B")))
