"""Imports by jobs: what they say while they run, and going on where they stood; and real lists through the pages."""

import csv
import io
import os
import re
import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest

from engine import SYSTEM, ImportOptions, NotFound, Query, now, parse
from engine.data.transfer.import_work import CHUNK
from tests.conftest import Tier
from tests.functional.importing.conftest import Upload
from tests.functional.importing.test_wizard import columns, form_of
from tests.functional.screens.world import World, words


def count(world: World, where: str | None = None) -> int:
    with world.site.reading(SYSTEM) as reader:
        return reader.count(Query("firm", where=None if where is None else parse(where)), 100_000).number


def test_a_paused_import_goes_on_at_its_row_and_says_nothing_twice(any_world: World, upload: Upload) -> None:
    world, web = any_world, any_world.browser("ada")
    lines = [f"Firm {number},C{number},{'x' if number % 100 == 50 else ''}\n" for number in range(6_000)]
    address = upload(web, "firm", "name,code,mail\n" + "".join(lines))
    columns(web, address)
    web.submit(address, {"act": "run", "on": ""})

    worker = threading.Thread(target=world.site.jobs.run_due)
    worker.start()
    deadline = time.monotonic() + 60
    while count(world) < CHUNK // 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    web.submit(address, {"act": "pause"})
    worker.join()
    stopped = count(world)
    assert "It stopped after row" in words(web.text(address))
    assert 0 < stopped < 5_940

    web.submit(address, {"act": "go_on"})
    assert world.site.jobs.run_due() == 1

    assert "created 5,940 failed 60" in words(web.text(address))
    assert count(world) == 5_940
    bad = list(csv.DictReader(io.StringIO(web.get(f"{address}/errors.csv").data.decode("utf-8-sig"))))
    assert [row["code"] for row in bad] == [f"C{number}" for number in range(50, 6_000, 100)]
    page = web.text(address)
    assert len(re.findall(r'class="import-value"', page)) == 50
    # One change set, one way back.
    run = world.site.imports.entries(SYSTEM, "firm")[0]
    assert run.change_set is not None
    assert world.site.undo(SYSTEM, run.change_set).undone == 5_940


def test_a_person_who_may_no_longer_import_does_not(world: World, upload: Upload) -> None:
    web = world.browser("ben")
    address = upload(web, "firm", "name\n" + "".join(f"Firm {number}\n" for number in range(800)))
    columns(web, address)
    web.submit(address, {"act": "run", "on": ""})
    world.site.records.update(SYSTEM, "user", [{"id": world.ids["ben"], "roles": []}])

    world.site.jobs.run_due()

    run = world.site.imports.get(SYSTEM, address.rpartition("/")[2])
    job = world.site.imports.job(run)
    assert job is not None
    assert "You may not import" in str(job.error)
    assert count(world) == 0


def test_a_file_lies_sealed_and_opens_with_the_key_of_the_site_alone(world: World, upload: Upload) -> None:
    web = world.browser("ada")
    address = upload(web, "firm", "name,city\nGeheim AG,Ulm\n")
    [folder] = (world.site.config.files / "imports").iterdir()
    left = folder / "plain-0"
    left.write_text("what a killed process left", "utf-8")
    os.utime(left, (0, 0))

    file = folder / "file"
    sealed = file.read_bytes()
    assert b"Geheim" not in sealed
    whole = bytearray(sealed)
    whole[-20] ^= 1
    file.write_bytes(whole)
    with pytest.raises(NotFound), world.site.imports.store.opened(folder.name):
        pass
    file.write_bytes(sealed)
    columns(web, address)
    assert "created 1" in words(web.follow(web.submit(address, {"act": "run", "on": ""})))
    # What is imported is needed no more.
    assert list(folder.iterdir()) == []


def test_rows_that_failed_lie_sealed_for_who_imported_them(world: World, upload: Upload) -> None:
    web, store = world.browser("ben"), world.site.imports.store
    address = upload(web, "firm", "name,mail\nGut AG,\nGeheim AG,nonsense\n")
    columns(web, address)
    [folder] = (world.site.config.files / "imports").iterdir()
    web.submit(address, {"act": "try", "on": ""})
    assert sorted(each.name for each in folder.iterdir()) == ["file", "trial.csv"]
    web.submit(address, {"act": "run", "on": ""})
    assert sorted(each.name for each in folder.iterdir()) == ["errors.csv", "trial.csv"]

    sealed = folder / "errors.csv"
    assert b"Geheim" not in sealed.read_bytes()
    answer = web.get(f"{address}/errors.csv")
    assert (answer.content_length, answer.headers["Cache-Control"]) == (len(answer.data), "private, no-store")
    assert [row["name"] for row in csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig")))] == ["Geheim AG"]
    assert world.browser("cao").get(f"{address}/errors.csv").status_code == 404
    # One cannot be put in the place of the other, and none is sent that was changed.
    trial = (folder / "trial.csv").read_bytes()
    (folder / "trial.csv").write_bytes(sealed.read_bytes())
    assert web.get(f"{address}/errors.csv?trial").status_code == 404
    (folder / "trial.csv").write_bytes(trial)
    assert web.get(f"{address}/errors.csv?trial").status_code == 200

    # What a killed process left in plain is gone on with, or sealed by the clean-up.
    left = folder / "worked-errors.csv"
    left.write_text("name,reason\nLeft AG,why\n", "utf-8")
    store.sweep({folder.name}, now())
    assert left.exists()
    store.sweep({folder.name}, now() + timedelta(days=2))
    assert not left.exists()
    assert b"Left AG" in web.get(f"{address}/errors.csv").data
    assert b"Left AG" not in sealed.read_bytes()


def test_what_the_command_imports_is_listed_with_its_undo(any_world: World, tmp_path: Path) -> None:
    world, web = any_world, any_world.browser("ada")
    file = tmp_path / "firms.csv"
    rows = "".join(f"Firm {number},C{number},\n" for number in range(CHUNK))
    file.write_text(f"name,code,mail\n{rows}Bad,X,nonsense\n", "utf-8")
    world.site.import_file(SYSTEM, "firm", file, ImportOptions(dry_run=True))
    assert world.site.imports.entries(SYSTEM, "firm") == []
    report = world.site.import_file(SYSTEM, "firm", file)

    assert report.errors_file == str(file.with_name("firms.csv.errors.csv"))
    [run] = world.site.imports.entries(SYSTEM, "firm")
    assert (run.state, run.name, run.change_set, run.by_command) == ("done", "firms.csv", report.change_set, True)
    listed = words(web.text("/firm/import"))
    assert "firms.csv Done" in listed
    assert "by a command" in listed
    assert "500 created, 0 updated, 1 failed" in listed
    page = web.text(f"/firm/import/{run.id}")
    assert "nonsense" in words(page)
    assert "errors.csv" not in page
    assert world.browser("ben").get(f"/firm/import/{run.id}").status_code == 404

    web.submit(f"/firm/undo/{run.change_set}", {"back": f"/firm/import/{run.id}"})
    assert count(world) == 0
    assert "It was taken back." in words(web.text(f"/firm/import/{run.id}"))
    assert world.site.imports.clean_up(now() + timedelta(days=400)) == 0


def test_files_are_thrown_away_and_reports_stay(world: World, upload: Upload) -> None:
    web = world.browser("ada")
    done, left = upload(web, "firm", "name\nAcme\n,\n"), upload(web, "firm", "name\nBeta\n")
    columns(web, done)
    web.submit(done, {"act": "run", "on": ""})
    folder = world.site.config.files / "imports"
    assert len(list(folder.iterdir())) == 2
    assert all(oct(entry.stat().st_mode)[-3:] == "700" for entry in folder.iterdir())

    swept = {each.step: each.count for each in world.site.clean_up(now() + timedelta(days=29))}
    assert swept["imports"] == 0
    swept = {each.step: each.count for each in world.site.clean_up(now() + timedelta(days=31))}

    assert swept["imports"] == 2
    assert list(folder.iterdir()) == []
    assert "The file is not kept any more." in words(web.text(done))
    assert web.get(left).status_code == 404


@pytest.mark.slow
def test_real_lists_come_in_through_the_pages(
    world: World, upload: Upload, stocks: Path, shares: Path, tier: Tier
) -> None:
    web = world.browser("ada")
    most = 1_500 if tier == "quick" else 50_000

    def head(file: Path) -> bytes:
        return "".join(file.read_text(encoding="utf-8").splitlines(keepends=True)[: most + 1]).encode()

    american = upload(web, "firm", head(stocks), "stocks_usa.csv")
    sent = form_of(web.text(american))
    assert sent["r1-field"] == "name"
    columns(web, american, r0_field="code", r2_field="", r3_field="city")
    web.submit(american, {"act": "try", "on": "code", "mode": "both"})
    assert world.site.jobs.run_due() == 1
    assert "Every row can be imported." in words(web.text(f"{american}?step=check"))
    web.submit(american, {"act": "run", "on": "code", "mode": "both"})
    assert world.site.jobs.run_due() == 1

    chinese = upload(web, "firm", head(shares), "code.csv")
    columns(web, chinese, r0_field="external_id", r1_field="name", r2_field="", r3_field="", r4_field="")
    web.submit(chinese, {"act": "run", "on": "external_id"})
    assert world.site.jobs.run_due() == 1

    assert count(world) == min(most, 22_165) + min(most, 5_640)
    assert count(world, "external_id == '000001' and name == '平安银行'") == 1
    with world.site.reading(SYSTEM) as reader:
        found = reader.query(Query("firm", select=("name",), search="平安", limit=50))
        assert "平安银行" in [row["name"] for row in found.json()]
