"""Records exported with their files: a zip that holds what somebody may see, and harms nobody who unpacks it."""

from __future__ import annotations

import csv
import io
import json
import os
import resource
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from engine import SYSTEM, AccessDenied, Change, ExportOptions, RecordInvalid, attach_files
from engine.data.transfer.bundle import FilesTooLarge
from engine.storage.database import run
from engine.storage.guard import ENTITY_ACCESS
from tests.conftest import Tier
from tests.functional.exporting.test_files import fetched, noted
from tests.functional.screens.world import World
from ui.cli.commands import cli

HOSTILE = ("../../evil.txt", "C:\\temp\\evil.txt", "a/b/c.txt", "CON.txt", "=cmd|' /C calc'!A1.txt", "\u202egpj.exe")


def put(world: World, who: str, data: bytes, name: str) -> str:
    """A file that somebody has uploaded."""
    return world.site.files.add(world.site.principal(world.ids[who]), io.BytesIO(data), name=name)


def dossier(world: World, name: str, owner: str = "ben", **files: str) -> str:
    principal = world.site.principal(world.ids[owner])
    [made] = world.site.records.create(SYSTEM, "dossier", [{"name": name, "owner": world.ids[owner]}])
    if files:
        world.site.records.update(principal, "dossier", [Change(made.id, dict(files))])
    return made.id


def asked(world: World, who: str, at_once: bool = True, **options: Any) -> Any:
    principal = world.site.principal(world.ids[who])
    wish = ExportOptions("csv", files=True, **options)
    return world.site.exports.ask(principal, "dossier", wish, at_once=at_once)


def opened(data: bytes) -> tuple[zipfile.ZipFile, list[dict[str, str]]]:
    """A zip that is whole, and its list of files."""
    archive = zipfile.ZipFile(io.BytesIO(data))
    assert archive.testzip() is None
    listed = csv.DictReader(io.StringIO(archive.read("files.csv").decode("utf-8-sig")))
    return archive, list(listed)


def test_files_come_along_as_far_as_they_may_be_seen(either: World) -> None:
    own = dossier(either, "Müller / 公司", scan=put(either, "ben", b"scan " * 9_000, "scan.txt"))
    either.site.records.update(SYSTEM, "dossier", [Change(own, {"contract": put(either, "ada", b"secret", "pay.txt")})])
    attach_files(
        either.site.records, either.site.principal(either.ids["ben"]), "dossier", own,
        [put(either, "ben", b"one", "Note.txt"), put(either, "ben", b"two", "note.TXT")],
    )  # fmt: skip
    other = dossier(either, "Not his", "ada", scan=put(either, "ada", b"not his", "no.txt"))

    made = asked(either, "ben")
    assert made.name.endswith(".zip")
    data = fetched(either, "ben", made.id)
    archive, listed = opened(data)
    folder = f"files/公司 {own[-12:]}"
    assert sorted(archive.namelist()) == sorted(
        ["Dossiers.csv", "files.csv", f"{folder}/scan.txt", f"{folder}/Note.txt", f"{folder}/note (2).TXT"]
    )
    assert archive.read(f"{folder}/scan.txt") == b"scan " * 9_000
    assert {each["path"]: (each["id"], each["field"], each["name"]) for each in listed} == {
        f"{folder}/scan.txt": (own, "scan", "scan.txt"),
        f"{folder}/Note.txt": (own, "", "Note.txt"),
        f"{folder}/note (2).TXT": (own, "", "note.TXT"),
    }
    rows = list(csv.DictReader(io.StringIO(archive.read("Dossiers.csv").decode("utf-8-sig"))))
    assert [row["id"] for row in rows] == [own]
    assert b"secret" not in data
    assert other[-12:].encode() not in data
    details = noted(either)[0].details
    assert (details["files"], details["bytes"]) == (3, 45_006)

    # An administrator has everything; the field that the other may not see is a field like all others.
    _, every = opened(fetched(either, "ada", asked(either, "ada", at_once=True).id))
    assert {(each["id"], each["field"]) for each in every} == {
        (own, "scan"), (own, "contract"), (own, ""), (other, "scan"),
    }  # fmt: skip


def test_names_in_the_zip_lead_nowhere_and_run_nothing(shop: World) -> None:
    # As a hostile database might hold them: what comes in by an upload was made clean there.
    ids = [put(shop, "ben", name.encode(), "x.txt") for name in HOSTILE]
    one = dossier(shop, "../..")
    attach_files(shop.site.records, shop.site.principal(shop.ids["ben"]), "dossier", one, ids)
    for id_, name in zip(ids, HOSTILE, strict=True):
        with shop.site.database.write() as connection:
            run(connection, "UPDATE core_file SET name = ? WHERE id = ?", (name, id_), access=ENTITY_ACCESS)
    archive, listed = opened(fetched(shop, "ben", asked(shop, "ben").id))
    inside = [each for each in archive.namelist() if each.startswith("files/")]
    assert len(inside) == len(set(map(str.casefold, inside))) == len(HOSTILE)
    for each in inside:
        parts = each.split("/")
        assert len(parts) == 3
        assert not {"..", "", "."} & set(parts)
        assert not set(each) & set('\\:<>"|?*\u202e')
        assert parts[2].partition(".")[0].upper() != "CON"
    assert {each["name"] for each in listed if each["name"].startswith("=")} == set()


def test_files_beyond_the_limit_are_told_before_anything_is_written(shop: World) -> None:
    dossier(shop, "Large", scan=put(shop, "ben", os.urandom(3_000), "a.bin"))
    exports = shop.site.exports
    exports.rules = replace(exports.rules, bytes=2_000)
    with pytest.raises(RecordInvalid) as refused:
        asked(shop, "ben")
    assert [each.path for each in refused.value.problems] == ["files"]
    answer = shop.browser("ben").submit("/dossier/export", {"format": "csv", "files": "1"})
    assert answer.status_code == 422
    assert "Narrow the list, or leave the files out" in answer.text
    # A job that was asked for finds out itself, and leaves nothing.
    made = asked(shop, "ben", at_once=False)
    shop.site.jobs.run_due()
    job = shop.site.exports.job(made)
    assert job is not None
    assert (job.state != "done", "Narrow the list" in str(job.error)) == (True, True)
    assert not list((shop.site.config.files / "exports").glob("*"))
    with pytest.raises(FilesTooLarge), shop.site.reading(shop.site.principal(shop.ids["ben"])) as reader:
        exports.exporter(reader, "dossier", ExportOptions(files=True), exports.allowance(reader)).write(io.BytesIO())
    # Without them, and for the product itself, there is no such limit.
    assert shop.site.export(SYSTEM, "dossier", io.BytesIO(), ExportOptions(files=True)) == 1


def test_bytes_that_are_gone_are_told_in_the_list(shop: World) -> None:
    one = dossier(shop, "Lost", scan=put(shop, "ben", b"here today", "a.txt"))
    for blob in (path for path in shop.site.config.files.rglob("*") if path.is_file() and len(path.parent.name) == 2):
        blob.unlink()
    archive, listed = opened(fetched(shop, "ben", asked(shop, "ben").id))
    assert sorted(archive.namelist()) == ["Dossiers.csv", "files.csv"]
    assert [(each["id"], each["name"], each["path"]) for each in listed] == [(one, "a.txt", "")]


def test_page_program_and_command_offer_the_files(shop: World, tmp_path: Path) -> None:
    dossier(shop, "A", scan=put(shop, "ben", b"abc", "a.txt"))
    browser = shop.browser("ben")
    assert 'name="files"' in browser.get("/dossier/export").text
    assert 'name="files"' not in browser.get("/job_card/export").text
    sent = browser.get(browser.submit("/dossier/export", {"format": "jsonl", "files": "1"}).headers["Location"])
    assert sent.headers["Content-Type"] == "application/zip"
    archive, _ = opened(sent.data)
    assert json.loads(archive.read("Dossiers.jsonl"))["name"] == "A"

    file = tmp_path / "dossiers.zip"
    done = CliRunner().invoke(
        cli, ["export", "dossier", "--site", str(shop.site.config.folder), "--format", "xlsx", "-o", str(file)]
    )
    assert done.exit_code == 0, done.output
    archive, listed = opened(file.read_bytes())
    assert archive.read(listed[0]["path"]) == b"abc"
    assert zipfile.is_zipfile(io.BytesIO(archive.read("Dossiers.xlsx")))


def test_a_right_that_was_taken_keeps_a_zip_with_its_files(shop: World) -> None:
    dossier(shop, "A", scan=put(shop, "ben", b"abc", "a.txt"))
    made = asked(shop, "ben")
    path = shop.site.config.folder / "schemas" / "world.yaml"
    path.write_text(path.read_text("utf-8").replace("{contract: hidden}", "{contract: hidden, scan: hidden}"), "utf-8")
    shop.site.publish()
    with pytest.raises(AccessDenied):
        fetched(shop, "ben", made.id)


@pytest.mark.slow
def test_memory_stays_as_it_is_however_large_the_files(shop: World, tier: Tier) -> None:
    megabytes, count = (4, 4) if tier == "quick" else (50, 40)
    for number in range(count):
        dossier(shop, f"D{number}", scan=put(shop, "ben", os.urandom(2**20) * megabytes, f"{number}.bin"))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with (shop.site.config.folder / "out.zip").open("wb") as stream:
        assert shop.site.export(SYSTEM, "dossier", stream, ExportOptions(files=True)) == count
        assert stream.tell() > count * megabytes * 2**20
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 30_000, f"{grown} KB"
