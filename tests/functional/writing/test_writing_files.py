"""Uploaded files: stored once under their checksum, attached to a record, fetched by who may see it, cleaned up."""

import datetime as dt
import io
import os
import threading
from pathlib import Path
from typing import Any

import pytest
import time_machine

from engine.data.batch import Change
from engine.data.files import Files, FileStore
from engine.data.principal import SYSTEM, Principal
from engine.errors import NotFound, RecordInvalid
from tests.functional.writing.world import World

PNG = bytes.fromhex("89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489") + b"\0" * 40
PDF = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<<>>\nendobj\n"

SITE = """
entity: letter
plural: letters
title: name
features: [owned]
fields:
  name: {type: text, required: true}
  scan: {type: file, accept: [.pdf, image/*], max_size: 1 KB}
  more: {type: files}
  photo: {type: image}
  hidden: {type: file}
---
role: writer
grants:
  letter: {read: all, create: all, update: [own], delete: [own], fields: {hidden: hidden}}
---
role: boss
permissions: [admin]
grants: {"*": {read: all, create: all, update: all, delete: all}}
"""


@pytest.fixture(scope="module")
def world(writing_url: str) -> Any:
    world = World(writing_url, SITE)
    yield world
    world.database.dispose()


@pytest.fixture
def files(world: World, tmp_path: Path) -> Files:
    return Files(FileStore(tmp_path / "files", most_bytes=5_000), world.records)


@pytest.fixture(scope="module")
def ann(world: World) -> Principal:
    return world.person("ann", "writer")


@pytest.fixture(scope="module")
def bob(world: World) -> Principal:
    return world.person("bob", "writer")


def upload(files: Files, who: Principal, content: bytes = PDF, name: str = "letter.pdf") -> str:
    return files.add(who, io.BytesIO(content), name=name)


def letter(world: World, who: Principal, **values: Any) -> Any:
    [written] = world.records.create(who, "letter", [{"name": "x", **values}])
    return written


def problems(error: RecordInvalid) -> dict[str, str]:
    return {problem.path: problem.code for problem in error.problems}


def test_a_file_is_stored_once_and_known_by_what_it_is(
    world: World, files: Files, ann: Principal, bob: Principal
) -> None:
    first = upload(files, ann, PNG, "../../etc/Photo .png")
    second = upload(files, bob, PNG, "same.exe")

    stored = world.values("file", first)
    assert (stored["name"], stored["content_type"], stored["size"]) == ("Photo .png", "image/png", len(PNG))
    assert world.values("file", second)["checksum"] == stored["checksum"]
    blobs = [path for path in files.store.folder.rglob("*") if path.is_file()]
    assert blobs == [files.store.path(stored["checksum"])]
    assert blobs[0].read_bytes() == PNG


def test_a_file_is_for_who_uploaded_it_until_a_record_names_it(
    world: World, files: Files, ann: Principal, bob: Principal
) -> None:
    scan = upload(files, ann)
    with world.reading(ann) as reader:
        found = files.open(reader, scan)
        assert (found.name, found.mimetype, found.path.read_bytes()) == ("letter.pdf", "application/pdf", PDF)
    with world.reading(bob) as reader, pytest.raises(NotFound):
        files.open(reader, scan)
    with pytest.raises(RecordInvalid) as refused:
        letter(world, bob, scan=scan)
    assert problems(refused.value) == {"scan": "file"}

    hers = letter(world, ann, scan=scan)

    stored = world.values("file", scan)
    assert (stored["record_entity"], stored["record_id"], stored["record_field"]) == ("letter", hers.id, "scan")
    with world.reading(bob) as reader:
        assert files.open(reader, scan).size == len(PDF)


def test_a_file_in_a_hidden_field_is_hidden(world: World, files: Files, bob: Principal) -> None:
    scan = upload(files, SYSTEM)
    letter(world, SYSTEM, hidden=scan)

    with world.reading(bob) as reader, pytest.raises(NotFound):
        files.open(reader, scan)


def test_a_file_of_another_record_is_not_taken(world: World, files: Files, ann: Principal) -> None:
    scan = upload(files, ann)
    first = letter(world, ann, scan=scan)

    with pytest.raises(RecordInvalid):
        letter(world, ann, scan=scan)
    assert world.records.update(ann, "letter", [Change(first.id, {"more": [scan]})])[0].values["more"] == (scan,)


def test_size_and_kind_are_those_that_the_field_takes(world: World, files: Files, ann: Principal) -> None:
    large = upload(files, ann, PDF + b" " * 2_000)
    text = upload(files, ann, b"hello", "letter.txt")
    disguised = upload(files, ann, b"MZ\x90\0program", "photo.png")

    for scan in (large, text, "0198f000-0000-7000-8000-000000000000"):
        with pytest.raises(RecordInvalid) as refused:
            letter(world, ann, scan=scan)
        assert problems(refused.value) == {"scan": "file"}
    with pytest.raises(RecordInvalid):
        letter(world, ann, photo=disguised)
    assert letter(world, ann, more=[large, text]).values["more"] == (large, text)


def test_what_is_too_large_or_nothing_is_not_stored(files: Files, ann: Principal) -> None:
    with pytest.raises(RecordInvalid) as large:
        upload(files, ann, b"x" * 5_001)
    with pytest.raises(RecordInvalid) as empty:
        upload(files, ann, b"")

    assert (problems(large.value), problems(empty.value)) == ({"file": "size"}, {"file": "empty"})
    assert not [path for path in files.store.folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize("checksum", ["", "..", "../../etc/passwd", "A" * 64, "0" * 63, "0" * 65])
def test_no_word_from_outside_becomes_a_path(files: Files, checksum: str) -> None:
    with pytest.raises(NotFound):
        files.store.path(checksum)


@pytest.mark.parametrize("name", ["nobody", "'; DROP TABLE core_file; --", "0198f000-0000-7000-8000-000000000000"])
def test_a_file_that_does_not_exist_is_not_found(world: World, files: Files, ann: Principal, name: str) -> None:
    with world.reading(ann) as reader, pytest.raises(NotFound):
        files.open(reader, name)


def test_files_that_nobody_names_are_deleted_after_a_day(world: World, files: Files, ann: Principal) -> None:
    kept, dropped, named = upload(files, ann, PDF), upload(files, ann, b"drop me"), upload(files, ann, b"named")
    letter(world, ann, scan=kept, more=[named])
    stray = files.store.folder / "upload-broken"
    stray.write_bytes(b"half")
    lost = files.store.put(io.BytesIO(b"without a record"))
    yesterday = (dt.datetime.now(dt.UTC) - dt.timedelta(hours=30)).timestamp()
    for path in [*files.store.folder.rglob("*")]:
        if path.is_file():
            os.utime(path, (yesterday, yesterday))
    assert files.clean_up() == 0

    with time_machine.travel(dt.datetime.now(dt.UTC) + dt.timedelta(hours=26), tick=True):
        assert files.clean_up() >= 1

    assert not world.rows("SELECT 1 FROM core_file WHERE id = ?", (dropped,))
    left = {path.read_bytes() for path in files.store.folder.rglob("*") if path.is_file()}
    assert left == {PDF, b"named"}
    assert not files.store.path(lost.checksum).exists()


def test_equal_files_that_come_at_once_are_stored_whole(files: Files) -> None:
    content = os.urandom(4_000)
    found: list[str] = []

    def put() -> None:
        found.append(files.store.put(io.BytesIO(content)).checksum)

    threads = [threading.Thread(target=put) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == 6
    assert len(set(found)) == 1
    assert files.store.path(found[0]).read_bytes() == content
    assert len([path for path in files.store.folder.rglob("*") if path.is_file()]) == 1
