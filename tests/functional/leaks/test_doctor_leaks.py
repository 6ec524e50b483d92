"""`guanxi doctor --leaks` on a site that lives: it finds what leaks, says so, and changes nothing."""

import re
import sqlite3
from pathlib import Path

import pytest

from engine import SYSTEM, Site, create_folder
from tests.functional.commands.conftest import run_here
from tests.functional.leaks.test_broken_plugins import COPIES, DOCUMENTS

PEOPLE = 3


@pytest.fixture
def clinic(tmp_path: Path) -> Path:
    """A small site in use: cases with real values, and clerks."""
    folder = tmp_path / "site"
    create_folder(folder)
    config = folder / "guanxi.yaml"
    config.write_text(re.sub(r"(?m)^packs:.*$", "packs: []", config.read_text("utf-8")), "utf-8")
    (folder / "schemas" / "site.yaml").write_text(DOCUMENTS, "utf-8")
    return folder


def filled(folder: Path) -> None:
    with Site.open(folder) as site:
        site.publish()
        for number in range(PEOPLE):
            site.identity.add(f"Clerk {number}", f"clerk{number}@example.com", ("clerk",))
        site.records.create(
            SYSTEM,
            "case",
            [{"name": f"Case number {n}", "diagnosis": f"illness of kind {n}", "salary": 1000 + n} for n in range(12)],
        )


def dump(folder: Path) -> list[str]:
    connection = sqlite3.connect(folder / "data" / "site.sqlite")
    try:
        return list(connection.iterdump())
    finally:
        connection.close()


def test_a_sound_site_is_found_sound_and_left_as_it_was(clinic: Path) -> None:
    filled(clinic)
    before = dump(clinic)

    done = run_here("doctor", "--leaks", "--seconds", "2", "--seed", "1", "--site", clinic)

    assert done.code == 0, done.out
    assert "Nobody was told" in done.out
    assert dump(clinic) == before


def test_a_leak_of_a_plugin_among_real_records_is_found_and_told(clinic: Path) -> None:
    place = clinic / "plugins" / "copies"
    place.mkdir(parents=True)
    (place / "plugin.yaml").write_text("plugin: copies\nversion: 1.0.0\n", "utf-8")
    (place / "__init__.py").write_text(COPIES, "utf-8")
    filled(clinic)

    done = run_here("doctor", "--leaks", "--seconds", "2", "--seed", "1", "--site", clinic, "--json")

    assert done.code == 1, done.err
    said = done.json
    leaks = [each for each in said["leaks"] if each["field"] == "diagnosis"]
    assert {"list", "record"} <= {each["channel"] for each in leaks}
    assert {each["rule"] for each in leaks} == {"the field is masked for them"}
    assert all(each["message"].startswith(each["channel"]) for each in leaks)
