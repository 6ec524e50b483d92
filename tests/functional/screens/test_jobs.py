"""The console of jobs, one's own jobs and outgoing mail, in a browser without a script."""

import re
from pathlib import Path

import pytest

from engine import GuanxiError, Message, Run, Site, Task
from engine.mail import Mail
from tests.functional.screens.world import DOCUMENTS, PEOPLE, World, build, words
from ui.app import create_app


def work(run: Run) -> None:
    run.progress(3, 4, Message("Row {number}", number=3))
    run.finish({"created": 7, "api_key": "s3cret"})


def broken(_run: Run) -> None:
    raise GuanxiError(Message("The far side says no"))


def prepare(world: World) -> dict[str, str]:
    """Submit one job of each sort, and return their ids."""
    jobs, ids = world.site.jobs, world.ids
    jobs.register(Task("count", work, Message("Count")))
    jobs.register(Task("broken", broken, Message("Deliver"), attempts=1))
    made = {
        "failed": jobs.enqueue("broken", {}, actor=ids["ben"], title=Message("Deliver it")),
        "done": jobs.enqueue("count", {"file": "a.csv", "token": "hunter2"}, actor=ids["ben"], title=Message("Load a")),
    }
    jobs.run_due()
    made["queued"] = jobs.enqueue("count", {}, actor=ids["cao"], title=Message("Load b"))
    made["system"] = jobs.enqueue("count", {}, actor=None, title=Message("Load c"))
    return made


@pytest.fixture
def made(world: World) -> dict[str, str]:
    return prepare(world)


def titles(page: str) -> list[str]:
    return re.findall(r'<a class="fw-medium" href="[^"]+">(.*?)</a>', page)


def test_the_console_lists_jobs_by_state_and_task_and_says_that_no_worker_runs(
    world: World, made: dict[str, str]
) -> None:
    ada = world.browser("ada")
    page = ada.text("/admin/jobs")

    assert titles(page) == ["Load c", "Load b", "Load a", "Deliver it"]
    assert "No worker is running" in page
    assert titles(ada.text("/admin/jobs?state=failed")) == ["Deliver it"]
    assert titles(ada.text("/admin/jobs?task=count&state=queued")) == ["Load c", "Load b"]
    assert titles(ada.text(f"/admin/jobs?cursor={made['done']}")) == ["Deliver it"]
    assert "The far side says no" in page
    ada.client.set_cookie("guanxi_language", "zh")
    assert "没有工作进程在运行" in ada.text("/admin/jobs")


def test_only_who_looks_after_the_site_sees_the_console(world: World, made: dict[str, str]) -> None:
    for who in ("ben", "cao", "dan"):
        browser = world.browser(who)
        for address in ("/admin/jobs", f"/admin/jobs/{made['done']}", "/admin/mail"):
            assert browser.get(address).status_code == 403
        assert browser.submit(f"/admin/jobs/{made['queued']}/cancel").status_code == 403
        assert browser.submit("/admin/jobs/schedules/clean_up", {"act": "run"}).status_code == 403
    assert world.browser().get("/admin/jobs").status_code in {302, 303, 401}
    assert world.site.jobs.get(made["queued"]).state == "queued"


def test_a_job_has_a_page_with_what_came_of_it_and_no_secret(world: World, made: dict[str, str]) -> None:
    page = world.browser("ada").text(f"/admin/jobs/{made['done']}")

    told = words(page)
    assert "created 7" in told
    assert "file a.csv" in told
    assert "hunter2" not in page
    assert "s3cret" not in page
    assert "hx-get" not in page[page.index("<main") :]
    assert f'hx-get="/admin/jobs/{made["queued"]}"' in world.browser("ada").text(f"/admin/jobs/{made['queued']}")
    assert world.browser("ada").get("/admin/jobs/01a20425-f2c7-71db-b6a1-67db62e5af7f").status_code == 404


def test_everybody_sees_and_stops_their_own_jobs_alone(world: World, made: dict[str, str]) -> None:
    ben, cao = world.browser("ben"), world.browser("cao")

    assert titles(ben.text("/login/account/jobs")) == ["Load a", "Deliver it"]
    assert "All jobs" not in ben.text("/login/account/jobs")
    assert ben.get(f"/login/account/jobs/{made['queued']}").status_code == 404
    assert ben.submit(f"/login/account/jobs/{made['queued']}/cancel").status_code == 404
    done = cao.submit(f"/login/account/jobs/{made['queued']}/cancel")
    assert (done.status_code, done.location) == (303, f"/login/account/jobs/{made['queued']}")
    assert world.site.jobs.get(made["queued"]).state == "cancelled"
    assert "Cancelled" in words(cao.text(f"/login/account/jobs/{made['queued']}"))


def test_a_job_is_paused_goes_on_and_is_tried_again_and_the_log_says_who_asked(
    world: World, made: dict[str, str]
) -> None:
    ada, jobs = world.browser("ada"), world.site.jobs
    for act, job, state in (
        ("pause", "queued", "paused"), ("go_on", "queued", "queued"), ("retry", "failed", "queued"),
        ("cancel", "system", "cancelled"),
    ):  # fmt: skip
        assert ada.submit(f"/admin/jobs/{made[job]}/{act}").status_code == 303
        assert jobs.get(made[job]).state == state
    assert ada.submit(f"/admin/jobs/{made['done']}/pause").status_code == 303
    assert jobs.get(made["done"]).state == "done"
    assert ada.submit(f"/admin/jobs/{made['done']}/delete").status_code == 404

    log = words(ada.text("/admin/audit?kind=job"))
    assert "Ada cancelled the job Load c" in log
    assert "Ada had the job Deliver it tried anew" in log


def test_schedules_are_run_turned_off_and_moved(world: World) -> None:
    ada, schedules = world.browser("ada"), world.site.jobs.schedules

    started = ada.submit("/admin/jobs/schedules/clean_up", {"act": "run"})
    assert started.status_code == 303
    assert world.site.jobs.run_due() == 1
    assert "Done" in words(ada.text(started.location))
    ada.submit("/admin/jobs/schedules/clean_up", {"act": "cron", "cron": "0 5 * * 1"})
    ada.submit("/admin/jobs/schedules/audit", {"act": "off"})
    found = {each.name: each for each in schedules.entries()}
    assert (found["clean_up"].cron, found["audit"].enabled) == ("0 5 * * 1", False)
    ada.submit("/admin/jobs/schedules/clean_up", {"act": "cron", "cron": "often"})
    assert "five fields" in words(ada.text("/admin/jobs"))
    assert found["backup"].lacking is not None
    ada.submit("/admin/jobs/schedules/backup", {"act": "run"})
    assert "backup.folder" in words(ada.text("/admin/jobs"))
    assert ada.submit("/admin/jobs/schedules/none", {"act": "run"}).status_code == 404


def test_outgoing_mail_is_shown_without_its_words_and_tried_again(world: World) -> None:
    post, ada = world.site.post, world.browser("ada")
    with world.site.database.write() as connection:
        post.put(connection, Mail("li@example.com", "en", "alert", "A subject", "the words", "<p>the words</p>"))
    claimed = post.outbox.claim()
    assert claimed is not None
    post.outbox.failed(claimed, "the server is away", for_good=False)
    page = ada.text("/admin/mail?state=waiting")

    assert "A subject" in page
    assert "the server is away" in page
    assert "the words" not in page
    assert not post.outbox.is_due()
    assert ada.submit(f"/admin/mail/{claimed.id}/retry").status_code == 303
    assert post.outbox.is_due()
    assert "No mail" in ada.text("/admin/mail?state=failed")


def test_the_console_works_on_postgresql(tmp_path: Path, postgres_url: str) -> None:
    ids = build(tmp_path / "site", DOCUMENTS, postgres_url, dict(list(PEOPLE.items())[:3]))
    with Site.open(tmp_path / "site", database_url=postgres_url) as site:
        world = World(site, create_app(site), ids)
        made = prepare(world)
        ada = world.browser("ada")

        assert titles(ada.text("/admin/jobs")) == ["Load c", "Load b", "Load a", "Deliver it"]
        assert ada.submit(f"/admin/jobs/{made['queued']}/cancel").status_code == 303
        assert "Cancelled" in words(ada.text(f"/admin/jobs/{made['queued']}"))
        assert ada.submit("/admin/jobs/schedules/audit", {"act": "run"}).status_code == 303
        assert site.jobs.run_due() == 2
