"""The demonstration: filled, signed in to, kept, and the same for the same seed."""

import datetime as dt
import json
from pathlib import Path

import pytest

from engine.data.principal import SYSTEM
from engine.data.query import Query
from engine.site.site import Site
from tests.functional.commands.conftest import Command
from ui.demo.generate import Generator
from ui.demo.people import PEOPLE


@pytest.fixture
def demo(tmp_path: Path) -> Path:
    return tmp_path / "demo"


def make(guanxi: Command, demo: Path, *words: str) -> dict[str, object]:
    done = guanxi("demo", "--dir", demo, "--no-serve", "--size", "20", "--json", *words)
    assert (done.code, done.err) == (0, "")
    answer: dict[str, object] = done.json
    return answer


def test_the_demo_is_filled_with_linked_bilingual_data(guanxi: Command, demo: Path) -> None:
    made = make(guanxi, demo)

    counts = made["made"]
    assert isinstance(counts, dict)
    assert counts == {"account": 20, "contact": 36, "lead": 24, "opportunity": 22, "activity": 70}
    with Site.open(demo) as site, site.reading(SYSTEM) as reader:
        names = [row["name"] for row in reader.query(Query("account", select=("name",), limit=100)).json()]
        assert any(name.isascii() for name in names)
        assert any(not name.isascii() for name in names)
        linked = reader.query(Query("contact", select=("account.name", "owner.name"), limit=100)).json()
        assert all(row["account.name"] and row["owner.name"] for row in linked)
        # It has a past: not everything was made today.
        days = {
            row["created_at"][:10] for row in reader.query(Query("account", select=("created_at",), limit=100)).json()
        }
        assert len(days) > 5
    assert guanxi("--site", demo, "doctor").code == 0


def test_everybody_in_the_demo_signs_in_and_sees_what_their_role_shows(guanxi: Command, demo: Path) -> None:
    sign_ins = make(guanxi, demo)["sign_ins"]

    assert isinstance(sign_ins, list)
    seen: dict[str, int] = {}
    with Site.open(demo) as site:
        for key, known in zip((person.key for person in PEOPLE), sign_ins, strict=True):
            principal = site.identity.sign_in(known["email"], known["password"]).principal
            with site.reading(principal) as reader:
                may = reader.access.may("account", "read")
                seen[key] = reader.count(Query("account")).number if may else 0
    assert all(seen[key] == 20 for key in ("admin", "marketing", "service", "agent", "finance", "exec", "auditor"))
    assert seen["people"] == 0
    assert seen["admin"] >= seen["director"] > seen["manager"] > seen["rep"] > 0


def test_a_demo_that_is_there_is_kept_with_its_passwords_and_a_fresh_one_gets_new_ones(
    guanxi: Command, demo: Path
) -> None:
    first = make(guanxi, demo)
    second = make(guanxi, demo)
    third = make(guanxi, demo, "--fresh")

    assert second["made"] == {}
    assert second["sign_ins"] == first["sign_ins"]
    assert third["made"] == first["made"]
    assert third["sign_ins"] != first["sign_ins"]
    assert (demo / "data" / "demo.json").stat().st_mode & 0o777 == 0o600


def test_a_demo_that_was_broken_off_begins_anew(guanxi: Command, demo: Path) -> None:
    make(guanxi, demo)
    notes = demo / "data" / "demo.json"
    broken = json.loads(notes.read_text(encoding="utf-8"))
    del broken["filled"]
    notes.write_text(json.dumps(broken), encoding="utf-8")

    made = make(guanxi, demo)

    assert made["made"] != {}


def test_a_folder_that_is_no_demo_is_left_alone(guanxi: Command, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work", encoding="utf-8")

    for words in ((), ("--fresh",)):
        done = guanxi("demo", "--dir", tmp_path, "--no-serve", *words)
        assert done.code == 1
        assert "is no demo" in done.err

    assert (tmp_path / "thesis.txt").read_text(encoding="utf-8") == "years of work"


def test_the_same_seed_gives_the_same_rows_and_another_one_others() -> None:
    day = dt.date(2026, 3, 1)

    first, second, third = (list(Generator(30, seed, day).rows()) for seed in (1, 1, 2))

    assert first == second
    assert first != third
    assert len(first) == len(third)
