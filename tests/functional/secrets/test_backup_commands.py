"""`guanxi backup`, `guanxi restore` and `guanxi secrets` as people type them, and which backups are kept."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.backup.retention import Kept, file_name, keep_some, kept
from engine.data.principal import SYSTEM
from engine.site.site import Site
from tests.functional.commands.conftest import run_here


@pytest.fixture
def filled(sqlite_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("DATABASE_URL", "LC_ALL", "LC_MESSAGES", "LANG", "GUANXI_BACKUP_PASSPHRASE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GUANXI_SITE", str(sqlite_folder))
    with Site.open(sqlite_folder) as site:
        site.records.create(SYSTEM, "badge", [{"name": "one", "portal": "p"}])
    return sqlite_folder


def test_a_backup_is_made_verified_and_restored(filled: Path, tmp_path: Path) -> None:
    file = tmp_path / "one.backup"

    made = run_here("backup", file)

    assert made.code == 0
    assert "read back and found whole" in made.out
    assert "NOT in it" in made.err
    assert run_here("backup", "--verify", file).code == 0
    again = tmp_path / "again"
    done = run_here("restore", "--json", file, "--dir", again)
    assert done.code == 0
    assert done.json["new_key"]
    assert done.json["rows"] > 1
    with Site.open(again) as site, site.database.read() as connection:
        kinds = [row[0] for row in connection.exec_driver_sql("SELECT kind FROM audit_event").fetchall()]
    assert "restore" in kinds
    file.write_bytes(file.read_bytes()[:-5])
    broken = run_here("backup", "--verify", file)
    assert broken.code == 1
    assert "damaged" in broken.err


def test_a_key_file_encrypts_a_backup(filled: Path, tmp_path: Path) -> None:
    key, file = tmp_path / "key", tmp_path / "one.backup"
    assert run_here("secrets", "new-key", key).code == 0
    assert run_here("secrets", "new-key", key).code == 1
    assert key.stat().st_mode & 0o777 == 0o600

    assert run_here("backup", file, "--key-file", key, "--with-keys").code == 0

    assert "is encrypted" in run_here("backup", "--verify", file).err
    assert run_here("backup", "--verify", file, "--key-file", key).code == 0
    done = run_here("restore", "--json", file, "--dir", tmp_path / "again", "--key-file", key)
    assert done.json["new_key"] is False


def test_a_passphrase_encrypts_a_backup(filled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "one.backup"
    monkeypatch.setenv("GUANXI_BACKUP_PASSPHRASE", "short")
    assert "at least 12" in run_here("backup", file, "--passphrase").err
    monkeypatch.setenv("GUANXI_BACKUP_PASSPHRASE", "long enough for anybody")

    assert run_here("backup", file, "--passphrase").code == 0

    assert run_here("restore", file, "--dir", tmp_path / "again", "--passphrase").code == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["backup"], "either a file or --folder"),
        (["backup", "x", "--folder", "y"], "either a file or --folder"),
        (["backup", "x", "--keep", "1,1,1"], "--keep goes with --folder"),
        (["backup", "--folder", "y", "--keep", "often"], "7,4,12 does"),
        (["backup", "--folder", "y", "--keep", "0,0,0"], "7,4,12 does"),
        (["restore", "nothing"], "no file"),
        (["backup", "x", "--key-file", "guanxi.yaml", "--passphrase"], "either --key-file"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    filled: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], said: str
) -> None:
    monkeypatch.chdir(filled)

    done = run_here(*words)

    assert done.code == 1
    assert said in done.err


def test_a_folder_keeps_some_backups(filled: Path, tmp_path: Path) -> None:
    folder = tmp_path / "nightly"
    folder.mkdir()
    for days in range(1, 40):
        (folder / file_name(datetime.now(UTC) - timedelta(days=days))).write_bytes(b"old")
    (folder / "mine.txt").write_text("stays", encoding="utf-8")

    done = run_here("backup", "--json", "--folder", folder, "--keep", "7,4,12")

    assert done.code == 0
    assert Path(done.json["file"]).exists()
    assert (folder / "mine.txt").exists()
    assert 10 <= len(list(folder.glob("guanxi-*.backup"))) <= 13
    assert len(done.json["deleted"]) == 40 - len(list(folder.glob("guanxi-*.backup")))


def test_keys_are_shown_rotated_and_wrapped_anew(filled: Path) -> None:
    before = run_here("secrets", "show", "--json").json
    assert [field for field in before["fields"] if field["field"].startswith("badge.")] == [
        {"field": "badge.id_card", "values": 0, "keys": []},
        {"field": "badge.portal", "values": 1, "keys": [key["id"] for key in before["keys"] if key["values"]]},
    ]

    assert run_here("secrets", "rotate", "--json").json["sealed"] == 1
    assert run_here("secrets", "rewrap", "--json").json["rewrapped"] == 0
    assert run_here("secrets", "rotate", "--index", "--json").json["indexes"] >= 0

    shown = run_here("secrets", "show")
    assert shown.code == 0
    assert "badge.portal: 1 values" in shown.out
    with Site.open(filled) as site, site.database.read() as connection:
        rows = connection.exec_driver_sql("SELECT details FROM audit_event WHERE kind = 'key_rotated'").fetchall()
    assert [json.loads(row[0])["what"] for row in rows] == ["data key", "index key"]


DAY = datetime(2026, 11, 22, 2, 30, tzinfo=UTC)


def test_seven_days_four_weeks_and_twelve_months_are_kept() -> None:
    nightly = [DAY - timedelta(days=days) for days in range(800)]

    stay = sorted(kept(nightly, Kept(7, 4, 12)), reverse=True)

    assert stay[:7] == nightly[:7]
    assert len({at.isocalendar()[:2] for at in stay}) >= 4
    assert {(at.year, at.month) for at in stay} == {(2026, month) for month in range(1, 12)} | {(2025, 12)}
    assert len(stay) <= 7 + 4 + 12


@given(
    st.lists(st.integers(0, 20_000), min_size=1, max_size=60), st.integers(0, 9), st.integers(0, 9), st.integers(0, 9)
)
def test_keeping_is_stable_and_never_takes_the_newest(hours: list[int], days: int, weeks: int, months: int) -> None:
    moments = [DAY - timedelta(hours=each) for each in hours]
    rule = Kept(days, weeks, months)

    stay = kept(moments, rule)

    assert max(moments) in stay
    assert kept(stay, rule) == stay
    assert len(stay) <= max(1, days + weeks + months)


def test_files_that_only_look_like_backups_stay(tmp_path: Path) -> None:
    for name in ("guanxi-20269999-000000.backup", "guanxi-20260101-000000.backup.part", "other-20260101-000000.backup"):
        (tmp_path / name).touch()

    assert keep_some(tmp_path, Kept(1, 0, 0), UTC) == []
