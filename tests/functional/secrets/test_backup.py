"""Backups: consistent while others write, equal row by row when restored, refused when a byte is another one."""

import io
import os
import random
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from engine.backup import BackupUnusable, postgres, sqlite
from engine.backup.archive import Archive, ArchiveWriter
from engine.backup.container import Lock
from engine.backup.restoring import restore
from engine.backup.saving import checked, save
from engine.data.principal import SYSTEM
from engine.data.query import Query
from engine.errors import GuanxiError
from engine.expression import parse
from engine.site.config import read_config
from engine.site.site import Site
from engine.storage.database import run
from engine.storage.guard import ENTITY_ACCESS
from tests.functional.secrets.conftest import configure

FILE_LOCK = Lock(b"the bytes of a key file, some of them", "file")


@pytest.fixture
def target(request: pytest.FixtureRequest, folder: Path) -> Iterator[str | None]:
    """The address of an empty database for the restored site; None for the file that guanxi.yaml names."""
    if read_config(folder).database.startswith("sqlite"):
        yield None
        return
    server = request.getfixturevalue("postgres_server")
    url: str = server.create()
    yield url
    server.drop(url)


def fill(site: Site) -> list[str]:
    """Make records of every sort, with an attachment, history, something in the bin and a link."""
    scan = site.files.add(SYSTEM, io.BytesIO(b"%PDF-1.4 a scan"), name="scan.pdf")
    rows: list[dict[str, Any]] = [
        {"name": f"B{each} 张三", "note": 'two "lines"\n\t\\N \\.\n%', "amount": each, "portal": f"s{each}"}
        for each in range(50)
    ]
    rows[0]["scan"] = scan
    ids = [written.id for written in site.records.create(SYSTEM, "badge", rows)]
    site.records.update(SYSTEM, "badge", [{"id": ids[1], "amount": "12.34"}])
    site.records.delete(SYSTEM, "badge", ids[2:4])
    return ids


def count(site: Site) -> int:
    with site.reading(SYSTEM) as reader:
        return reader.count(Query("badge"), limit=1_000_000).number


def seventh(site: Site) -> str:
    """Return the id of the badge whose secret is s7."""
    with site.reading(SYSTEM) as reader:
        [id_] = reader.query(Query("badge", ("id",), where=parse("amount == 7"))).ids
    return str(id_)


def tables(site: Site) -> dict[str, list[Any]]:
    """Return every row of every table, columns that number transactions of a server left out."""
    dialect = postgres if site.database.dialect == "postgresql" else sqlite
    found: dict[str, list[Any]] = {}
    with site.database.read() as connection:
        for table in dialect.describe(connection)["tables"]:
            lines: list[bytes] = []
            dialect.rows(connection, table, lines.append)
            found[table["name"]] = sorted(b"".join(lines).split(b"\n"))
    return found


def schema(site: Site) -> dict[str, Any]:
    dialect = postgres if site.database.dialect == "postgresql" else sqlite
    with site.database.read() as connection:
        found: dict[str, Any] = dialect.describe(connection)
    found["tables"] = sorted(found["tables"], key=lambda table: table["name"])
    for key in ("objects", "sequences", "functions"):
        found[key] = sorted(found.get(key, ()), key=str)
    return found


@pytest.fixture
def backup(site: Site, tmp_path: Path) -> Path:
    """A backup of a site with records."""
    fill(site)
    file = tmp_path / "kept" / "one.backup"
    save(site, file)
    return file


def test_a_restored_site_is_equal_row_by_row(site: Site, backup: Path, target: str | None, tmp_path: Path) -> None:
    before, made = tables(site), schema(site)
    before["audit_event"] = [line for line in before["audit_event"] if b"backup" not in line]

    done = restore(backup, tmp_path / "again", database=target)

    assert done.files == 1
    assert not done.missing
    with Site.open(tmp_path / "again") as again:
        after = tables(again)
        after["audit_event"] = [line for line in after["audit_event"] if b"restore" not in line]
        different = {name for name, lines in after.items() if lines != before[name]}
        assert different <= {"audit_chain", "audit_seal"}  # they go on with what is told of the backup
        assert schema(again) == made
        assert again.plan().empty
        ids = [written.id for written in again.records.create(SYSTEM, "badge", [{"name": "next", "portal": None}])]
        assert len(ids) == 1
        assert count(again) == 49
        with again.reading(SYSTEM) as reader:
            assert len(reader.search("B17", ["badge"])) == 1


def test_secrets_open_only_with_the_key(site: Site, backup: Path, target: str | None, tmp_path: Path) -> None:
    one = seventh(site)

    done = restore(backup, tmp_path / "again", database=target)

    assert done.new_key
    again = tmp_path / "again"
    with Site.open(again) as locked, pytest.raises(GuanxiError, match="wrapped with another key"):
        locked.records.reveal(SYSTEM, "badge", one, "portal")
    key = (site.config.folder / "data" / "secret_key").read_text(encoding="utf-8")
    assert key.strip().encode() not in backup.read_bytes()
    (again / "data" / "secret_key").write_text(key, encoding="utf-8")
    with Site.open(again) as opened:
        assert opened.records.reveal(SYSTEM, "badge", one, "portal") == "s7"


def test_with_its_keys_a_backup_is_all_that_is_needed(
    site: Site, backup: Path, target: str | None, tmp_path: Path
) -> None:
    save(site, backup, lock=FILE_LOCK, with_keys=True)

    done = restore(backup, tmp_path / "again", database=target, lock=FILE_LOCK)

    assert not done.new_key
    file = tmp_path / "again" / "data" / "secret_key"
    assert file.read_bytes() == (site.config.folder / "data" / "secret_key").read_bytes()
    assert file.stat().st_mode & 0o777 == 0o600
    with Site.open(tmp_path / "again") as again:
        assert again.records.reveal(SYSTEM, "badge", seventh(again), "portal") == "s7"


def test_a_backup_is_of_one_moment_while_four_write(
    site: Site, folder: Path, tmp_path: Path, target: str | None
) -> None:
    """Two records that change together always add up, and no change set is torn."""
    left, right = (w.id for w in site.records.create(SYSTEM, "badge", [{"name": x, "amount": 500} for x in "ab"]))
    code = (
        "import os, random, sys\n"
        "from engine.site.site import Site; from engine.data.principal import SYSTEM\n"
        "folder, left, right = sys.argv[1:]\n"
        "for _ in range(3):\n"
        "    if os.fork() == 0: break\n"  # what is imported once serves four
        "random.seed(os.getpid())\n"
        "with Site.open(folder) as site:\n"
        "    os.write(1, b'begun\\n')\n"
        "    while True:\n"
        "        part = random.randrange(1000)\n"
        "        site.records.update(SYSTEM, 'badge', [\n"
        "            {'id': left, 'amount': part}, {'id': right, 'amount': 1000 - part}])\n"
        "        site.records.create(SYSTEM, 'badge', [{'name': 'x', 'amount': part}])\n"
    )
    words = [sys.executable, "-c", code, str(folder), left, right]
    writers = subprocess.Popen(words, stdout=subprocess.PIPE, start_new_session=True)
    try:
        assert writers.stdout is not None
        assert [writers.stdout.readline() for _ in range(4)] == [b"begun\n"] * 4
        for number in range(3):
            before = count(site)
            while count(site) < before + 4:
                time.sleep(0.02)
            save(site, tmp_path / f"{number}.backup")
    finally:
        os.killpg(writers.pid, signal.SIGKILL)
        writers.communicate()

    restore(tmp_path / "2.backup", tmp_path / "again", database=target)
    with Site.open(tmp_path / "again") as again, again.database.read() as connection:
        table = again.published.tables.name("badge")
        rows = dict(
            run(connection, f"SELECT id, amount FROM {table} WHERE name IN ('a', 'b')", access=ENTITY_ACCESS).fetchall()
        )
        assert int(sum(rows.values())) in {1000, 100_000}
        versions = dict(run(connection, f"SELECT id, version FROM {table}", access=ENTITY_ACCESS).fetchall())
        told = dict(
            run(
                connection, "SELECT record_id, max(version) FROM record_change WHERE entity = 'badge' GROUP BY 1"
            ).fetchall()
        )
        assert versions == told


def test_what_is_there_is_never_overwritten(
    site: Site, backup: Path, folder: Path, target: str | None, tmp_path: Path
) -> None:
    before = tables(site)

    with pytest.raises(GuanxiError, match="not empty"):
        restore(backup, folder, database=target)
    assert tables(site) == before
    if target is None:
        site.close()
        done = restore(backup, folder, force=True)
        assert done.aside is not None
        assert (done.aside / "data" / "site.sqlite").exists()
    else:
        with pytest.raises(GuanxiError, match="a database already"):
            restore(backup, tmp_path / "other")
        assert not (tmp_path / "other").exists()


@pytest.mark.parametrize("encrypted", [False, True])
def test_a_damaged_file_is_refused_before_anything_is_touched(
    badge_backup: Path, tmp_path: Path, *, encrypted: bool
) -> None:
    lock = FILE_LOCK if encrypted else None
    data = badge_backup.read_bytes() if not encrypted else badge_backup.with_name("sealed.backup").read_bytes()
    assert checked(badge_backup).rows > 50
    pick = random.Random(1)
    size = len(data)
    damages: list[bytes] = [data[: size // 2], data[:-1], data + b"x", b"", data[: size // 3] + data[size // 2 :]]
    half = size // 2
    damages.append(data[half:] + data[:half])
    places = [*range(0, 60, 7), *range(size - 90, size, 6), *(pick.randrange(size) for _ in range(25))]
    damages += [data[:at] + bytes([data[at] ^ (1 << pick.randrange(8))]) + data[at + 1 :] for at in places]
    file = tmp_path / "damaged.backup"

    for damage in damages:
        file.write_bytes(damage)
        with pytest.raises(GuanxiError):
            restore(file, tmp_path / "again", lock=lock)
        assert not (tmp_path / "again").exists()


@pytest.fixture(scope="module")
def badge_backup(badge_site: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup of a site on SQLite; `sealed.backup` beside it is one that is encrypted."""
    from engine.testing import copy_site

    folder = tmp_path_factory.mktemp("backup")
    with Site.open(copy_site(badge_site, folder / "site")) as site:
        fill(site)
        save(site, folder / "one.backup")
        save(site, folder / "sealed.backup", lock=FILE_LOCK)
        save(site, folder / "said.backup", lock=Lock("很长的口令 with words".encode(), "passphrase"))
    return folder / "one.backup"


@pytest.mark.parametrize(
    ("name", "lock", "said"),
    [
        ("sealed", None, "is encrypted"),
        ("sealed", Lock(b"another key file altogether, longer", "file"), "another key"),
        ("sealed", Lock(b"some passphrase", "passphrase"), "with a key file"),
        ("said", Lock(b"wrong", "passphrase"), "another key"),
        ("said", FILE_LOCK, "with a passphrase"),
    ],
)
def test_an_encrypted_backup_opens_with_its_key_only(
    badge_backup: Path, tmp_path: Path, name: str, lock: Lock | None, said: str
) -> None:
    with pytest.raises(BackupUnusable, match=said):
        restore(badge_backup.with_name(f"{name}.backup"), tmp_path / "again", lock=lock)


def test_an_encrypted_backup_shows_nothing(badge_backup: Path, tmp_path: Path) -> None:
    data = badge_backup.with_name("sealed.backup").read_bytes()

    assert b"manifest.json" not in data
    assert b"tables/" not in data
    done = restore(
        badge_backup.with_name("said.backup"),
        tmp_path / "again",
        lock=Lock("很长的口令 with words".encode(), "passphrase"),
    )
    assert done.rows > 50


def forged(source: Path, target: Path, change: Any) -> None:
    """Write an archive whose every checksum is right, and which is not what a backup is."""
    with Archive(source) as archive:
        parts = {name: b"".join(archive.read(name)) for name in archive.parts}
        manifest = dict(archive.manifest)
    writer = ArchiveWriter(target)
    change(parts, manifest)
    for name, data in parts.items():
        with writer.part(name) as part:
            part.write(data)
    writer.finish({key: value for key, value in manifest.items() if key not in {"parts", "format"}})
    writer.keep()


@pytest.mark.parametrize(
    "name",
    [
        "site/../../evil", "site//etc/passwd", "../evil", "/etc/evil", "site/a\\..\\..\\b", "site/C:evil", "evil",
        "files/0000", "site/./x", "site/x ", "tables/1",
    ],
)  # fmt: skip
def test_a_part_that_would_land_elsewhere_is_refused(badge_backup: Path, tmp_path: Path, name: str) -> None:
    forged(badge_backup, tmp_path / "evil.backup", lambda parts, _manifest: parts.update({name: b"x"}))

    with pytest.raises(BackupUnusable):
        restore(tmp_path / "evil.backup", tmp_path / "deep" / "again")

    assert sorted(each.name for each in tmp_path.iterdir()) == ["evil.backup"]


def test_a_part_that_unpacks_to_more_than_its_list_says_is_refused(badge_backup: Path, tmp_path: Path) -> None:
    """A bomb: the list says a few bytes, the zip has many."""
    forged(badge_backup, tmp_path / "bomb.backup", lambda parts, _m: parts.update({"site/bomb.txt": b"0" * 5_000_000}))
    data = (tmp_path / "bomb.backup").read_bytes()
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        infos = {info.filename: archive.read(info) for info in archive.infolist()}
    manifest = orjson.loads(infos.pop("manifest.json"))
    for part in manifest["parts"]:
        if part["name"] == "site/bomb.txt":
            part["bytes"] = 10
    with zipfile.ZipFile(tmp_path / "bomb.backup", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in infos.items():
            archive.writestr(name, body)
        archive.writestr("manifest.json", orjson.dumps(manifest))

    with pytest.raises(BackupUnusable, match="another size"):
        restore(tmp_path / "bomb.backup", tmp_path / "again")


def test_a_backup_of_a_newer_version_is_refused(badge_backup: Path, tmp_path: Path) -> None:
    forged(badge_backup, tmp_path / "new.backup", lambda _p, manifest: manifest["migrations"].update({"9999": "x"}))

    with pytest.raises(BackupUnusable, match="newer version"):
        restore(tmp_path / "new.backup", tmp_path / "again")


def test_a_backup_of_an_older_version_is_brought_up_to_date(site: Site, tmp_path: Path, target: str | None) -> None:
    fill(site)
    with site.database.plain() as connection:
        run(connection, "DELETE FROM engine_migration WHERE number = 6")
        run(connection, "DROP TABLE secret_key")
    save(site, tmp_path / "old.backup")

    restore(tmp_path / "old.backup", tmp_path / "again", database=target)

    with Site.open(tmp_path / "again") as again:
        assert 6 in _ledger(again)
        assert again.records.vault is not None


def _ledger(site: Site) -> list[int]:
    with site.database.bare() as connection:
        return [row[0] for row in run(connection, "SELECT number FROM engine_migration").fetchall()]


@pytest.mark.parametrize("point", ["load", "settle"])
def test_a_restore_that_was_killed_leaves_no_site_and_works_again(
    backup: Path, target: str | None, tmp_path: Path, point: str
) -> None:
    code = (
        "import os, signal, sys; from pathlib import Path\n"
        "from engine.backup import sqlite, postgres; from engine.backup.restoring import restore\n"
        "file, folder, database, point = sys.argv[1:]\n"
        "def die(*_): os.kill(os.getpid(), signal.SIGKILL)\n"
        "if point == 'load':\n"
        "    sqlite.Loader.finish = postgres.Loader.finish = die\n"
        "else:\n"
        "    before, moves = Path.replace, []\n"
        "    def replace(self, target):\n"
        "        moves.append(self)\n"
        "        staged = [each for each in moves if each.parent.name == '.restoring']\n"
        "        return die() if len(staged) == 2 else before(self, target)\n"
        "    Path.replace = replace\n"
        "restore(Path(file), Path(folder), database=database or None)\n"
    )
    again = tmp_path / "again"
    done = subprocess.run([sys.executable, "-c", code, backup, again, target or "", point], check=False)
    assert done.returncode == -signal.SIGKILL
    assert not (again / "guanxi.yaml").exists()
    assert (again / ".restoring").exists()

    restore(backup, again, database=target)

    assert not (again / ".restoring").exists()
    with Site.open(again) as site:
        assert count(site) == 48
        with site.database.bare() as connection:
            names = {table["name"] for table in (postgres if target else sqlite).describe(connection)["tables"]}
    assert "guanxi_restoring" not in names


def test_an_attachment_that_is_gone_is_told_of_only_where_a_record_names_it(
    sqlite_folder: Path, tmp_path: Path
) -> None:
    with Site.open(sqlite_folder) as site:
        fill(site)
        loose = site.files.store.put(io.BytesIO(b"nobody names this"))
        site.files.store.remove(loose.checksum)
        assert not save(site, tmp_path / "a.backup").missing
        [blob] = [each for each in site.files.store.folder.rglob("*") if each.is_file()]
        blob.write_bytes(b"%PDF changed")
        assert len(save(site, tmp_path / "b.backup").missing) == 1
        blob.unlink()
        saved = save(site, tmp_path / "c.backup")
    assert len(saved.missing) == 1
    assert restore(tmp_path / "c.backup", tmp_path / "again").missing == saved.missing


def test_a_key_in_guanxi_yaml_is_left_out(sqlite_folder: Path, tmp_path: Path) -> None:
    configure(sqlite_folder, secret_key="literal-" + "k" * 40, secrets={"key": "wrapping-" + "k" * 40})
    (sqlite_folder / "notes.txt").write_text("mine", encoding="utf-8")
    with Site.open(sqlite_folder) as site:
        save(site, sqlite_folder / "one.backup")
        save(site, sqlite_folder / "two.backup")

    with Archive(sqlite_folder / "two.backup") as archive:
        text = archive.whole("site/guanxi.yaml")
        assert "site/one.backup" not in archive.parts
        assert archive.whole("site/notes.txt") == b"mine"
        assert not any("secret_key" in name or "sqlite" in name for name in archive.parts)
    assert b"k" * 40 not in text
    assert restore(sqlite_folder / "two.backup", tmp_path / "again").new_key
    Site.open(tmp_path / "again").close()


def test_a_disk_that_is_full_leaves_no_half_backup(
    badge_site: Path, sqlite_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    (tmp_path / "one.backup").write_bytes(b"the one of yesterday")
    with Site.open(sqlite_folder) as site:
        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(GuanxiError, match="No space left"):
            save(site, tmp_path / "one.backup")

    assert (tmp_path / "one.backup").read_bytes() == b"the one of yesterday"
    assert [each.name for each in tmp_path.iterdir() if "part" in each.name] == []


def test_a_restore_that_cannot_be_ended_gives_back_what_was_there(badge_backup: Path, tmp_path: Path) -> None:
    def break_tables(parts: dict[str, bytes], _manifest: dict[str, Any]) -> None:
        schema = orjson.loads(parts["schema.json"])
        [made] = [each for each in schema["objects"] if each["name"] == "s_badge" and each["type"] == "table"]
        made["sql"] = "CREATE TABLE s_badge (id TEXT)"
        parts["schema.json"] = orjson.dumps(schema) + b"\n"

    forged(badge_backup, tmp_path / "odd.backup", break_tables)
    there = tmp_path / "there"
    there.mkdir()
    (there / "mine.txt").write_text("stays", encoding="utf-8")

    with pytest.raises(BackupUnusable, match="tables cannot be read"):
        restore(tmp_path / "odd.backup", there, force=True)
    with pytest.raises(BackupUnusable, match="tables cannot be read"):
        restore(tmp_path / "odd.backup", tmp_path / "new")

    assert [each.name for each in there.iterdir()] == ["mine.txt"]
    assert sorted(each.name for each in tmp_path.iterdir()) == ["odd.backup", "there"]


def test_a_database_of_the_other_kind_is_refused_before_anything_is_touched(
    badge_backup: Path, tmp_path: Path, postgres_server: Any
) -> None:
    url = postgres_server.create()

    with pytest.raises(GuanxiError, match="The backup is of SQLite"):
        restore(badge_backup, tmp_path / "again", database=url)

    assert not (tmp_path / "again").exists()
    postgres_server.drop(url)
