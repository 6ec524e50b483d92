"""Jobs of a whole site: what it does every night, what a backup brings back, what the doctor says, its commands."""

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from engine import (
    BackupLock,
    Event,
    Message,
    Run,
    Site,
    Task,
    check_backup,
    clock,
    examine,
    nightly_backup,
    restore_backup,
    save_backup,
)
from engine.jobs.beats import Beats
from engine.site.duties import AUDIT, CLEAN_UP
from engine.testing import copy_site, published_site
from tests.functional.commands.conftest import run_here

__all__ = ["published_site"]

ROOT = Path(__file__).parents[3]
COUNT = Message("Count")


@pytest.fixture
def folder(published_site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GUANXI_SITE", str(tmp_path / "site"))
    monkeypatch.delenv("DATABASE_URL", raising=False)
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    return copy_site(published_site, tmp_path / "site")


@pytest.fixture
def site(folder: Path) -> Iterator[Site]:
    with Site.open(folder) as site:
        site.jobs.register(Task("count", lambda run: None, COUNT))
        yield site


def queued(site: Site) -> str:
    return site.jobs.enqueue("count", {}, actor=None, title=COUNT)


def test_a_restored_site_runs_no_old_job_unasked(site: Site, tmp_path: Path) -> None:
    waiting, done, begun = queued(site), queued(site), queued(site)
    with clock.set_to(clock.now() - timedelta(days=3)):
        site.jobs.schedules.fire()
    site.jobs.cancel(done, None)
    with site.database.write() as connection:
        site.jobs.store.run(connection, "UPDATE job SET state = 'running', worker = id WHERE id = ?", begun)
    Beats(site.jobs.store.statements, begun, "worker", 1).beat()
    save_backup(site, tmp_path / "a.backup")

    restored = restore_backup(tmp_path / "a.backup", tmp_path / "again")

    assert restored.held == 2
    with Site.open(tmp_path / "again") as again:
        again.jobs.register(Task("count", lambda run: None, COUNT))
        assert [again.jobs.get(each).state for each in (waiting, done, begun)] == ["paused", "cancelled", "paused"]
        assert "restored from a backup" in str(again.jobs.get(waiting).error)
        assert (again.jobs.schedules.fire(), again.jobs.run_due(), again.jobs.workers()) == ([], 0, [])
        again.jobs.go_on(waiting, None)
        assert again.jobs.run_due() == 1


def test_the_backup_of_every_night_goes_where_guanxi_yaml_says_and_is_kept_as_it_says(folder: Path) -> None:
    with (folder / "guanxi.yaml").open("a", encoding="utf-8") as file:
        file.write('backup: {folder: backups, at: "01:45", keep: "1,0,0", key_file: key}\n')
    (folder / "key").write_bytes(b"k" * 32)
    with Site.open(folder) as site:
        nightly_backup(site)
        [entry] = [each for each in site.jobs.schedules.entries() if each.name == "backup"]
        assert (entry.cron, entry.enabled) == ("45 1 * * *", True)
        (folder / "backups").mkdir()
        for day in (1, 2):
            (folder / "backups" / f"guanxi-2026010{day}-014500.backup").write_bytes(b"an older one")
        job = site.jobs.schedules.run_now("backup")
        site.jobs.run_due()
        last = site.jobs.get(job)

    assert last.state == "done", last.error
    assert last.result is not None
    assert sorted(last.result["deleted"]) == ["guanxi-20260101-014500.backup", "guanxi-20260102-014500.backup"]
    assert [each.name for each in (folder / "backups").iterdir()] == [Path(last.result["file"]).name]
    assert last.percent == 100
    check_backup(Path(last.result["file"]), BackupLock(b"k" * 32, "file"))


def test_a_backup_that_cannot_be_made_says_why(folder: Path) -> None:
    with (folder / "guanxi.yaml").open("a", encoding="utf-8") as file:
        file.write("backup: {folder: backups, key_file: nowhere}\n")
    with Site.open(folder) as site:
        nightly_backup(site)
        job = site.jobs.schedules.run_now("backup")
        site.jobs.run_due()

        assert site.jobs.get(job).state == "queued"
        assert "nowhere cannot be read" in str(site.jobs.get(job).error)


def test_every_night_the_site_is_cleaned_up_and_its_log_checked(site: Site) -> None:
    old = queued(site)
    with clock.set_to(clock.now() - timedelta(days=15)):
        site.jobs.run_due()
        site.jobs.cancel(old, None)
    with clock.set_to(clock.now() + timedelta(days=1)):
        site.jobs.schedules.fire()
        [*_] = [site.jobs.schedules.run_now(name) for name in (CLEAN_UP, AUDIT)]
        assert site.jobs.run_due() == 2

    assert {job.task: job.state for job in site.jobs.entries()} == {CLEAN_UP: "done", AUDIT: "done"}
    [cleaned] = site.jobs.entries(task=CLEAN_UP)
    assert cleaned.result is not None
    assert cleaned.result["jobs"] == 1


def test_a_server_leaves_to_workers_what_they_do(site: Site) -> None:
    def looked() -> object:
        site.trail.tell(Event("sign_in_failed"))
        site.trail.seal()
        site.upkeep.watch()
        with site.database.read() as connection:
            return site.jobs.store.run(connection, "SELECT sum(place) FROM alert_watch").fetchone()[0]

    seen: list[object] = []
    seen.append(looked())
    beats = Beats(site.jobs.store.statements, queued(site), "worker", 1)
    beats.beat()
    seen.append(looked())
    beats.end()
    seen.append(looked())

    assert seen[0] is not None
    assert seen[0] == seen[1] != seen[2]


def test_the_doctor_tells_of_jobs_that_wait_and_fail(site: Site) -> None:
    def found() -> tuple[str, str]:
        [each] = [each for each in examine(site) if each.key == "jobs"]
        return each.state, str(each.said)

    def fail(_run: Run) -> None:
        raise ZeroDivisionError

    assert found()[0] == "good"
    with clock.set_to(clock.now() - timedelta(minutes=10)):
        late = queued(site)
    assert found() == ("bad", "1 jobs are due, and no worker is running: `guanxi worker`")
    beats = Beats(site.jobs.store.statements, late, "worker", 1)
    beats.beat()
    assert found()[0] == "warning"
    beats.end()
    site.jobs.run_due()
    site.jobs.register(Task("fail", fail, COUNT, attempts=1))
    site.jobs.enqueue("fail", {}, actor=None, title=COUNT)
    site.jobs.run_due()
    assert found() == ("warning", "1 jobs have failed; /admin/jobs lets you try them again")


def test_commands_list_show_and_stop_jobs(site: Site) -> None:
    one = site.jobs.schedules.run_now(CLEAN_UP)

    assert [each["id"] for each in run_here("jobs", "list", "--json").json] == [one]
    assert "Waiting  clean_up  Clean up" in run_here("jobs", "list").out
    assert run_here("jobs", "pause", one).out == "Clean up: is paused\n"
    assert run_here("jobs", "go-on", one).code == 0
    assert run_here("jobs", "cancel", one, "--json").json[0]["state"] == "cancelled"
    wrong = run_here("jobs", "cancel", one)
    assert (wrong.code, wrong.err) == (1, "This job has ended: Cancelled\n")
    assert run_here("jobs", "retry", one).code == 0
    assert run_here("jobs", "run", "--json").json == {"count": 1}
    assert run_here("jobs", "show", one, "--json").json["state"] == "done"
    assert run_here("jobs", "show", "nothing").code == 1
    assert run_here("jobs", "workers").code == 1


def test_commands_change_schedules(site: Site) -> None:
    moved = run_here("jobs", "schedule", CLEAN_UP, "--cron", "0 4 * * sun")
    assert moved.out.startswith("clean_up is due next on ")
    assert run_here("jobs", "schedule", AUDIT, "--off").out == "audit is off\n"
    found = {each["name"]: each for each in run_here("jobs", "schedules", "--json").json}
    assert (found[CLEAN_UP]["cron"], found[AUDIT]["enabled"], found["backup"]["enabled"]) == (
        "0 4 * * sun",
        False,
        False,
    )
    started = run_here("jobs", "schedule", AUDIT, "--now", "--json").json["job"]
    assert site.jobs.get(started).state == "queued"
    assert run_here("jobs", "schedule", AUDIT, "--cron", "* *").code == 1


def test_what_answers_requests_never_loads_the_queue(folder: Path) -> None:
    program = (
        "import json, sys\nfrom ui.app import create_app\nfrom engine import Message, Task\napp = create_app()\n"
        "site = app.extensions['guanxi']\nsite.jobs.schedules.run_now('audit')\nsite.jobs.entries()\n"
        "app.test_client().get('/login')\nsite.close()\n"
        "print(json.dumps([name for name in sys.modules if name.split('.')[0] in ('dbos', 'croniter')]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env={"GUANXI_SITE": str(folder)}, capture_output=True, text=True,
        check=True,
    )  # fmt: skip

    assert json.loads(done.stdout) == []
