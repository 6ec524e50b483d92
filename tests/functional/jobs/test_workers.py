"""Workers are processes: killed at any moment nothing is lost or doubled, and two never run one job."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from engine.storage.database import Database, run
from engine.storage.migrations import migrate
from tests.conftest import Tier

PROGRAM = Path(__file__).with_name("workers.py")
ROOT = Path(__file__).parents[3]


@pytest.fixture
def url(database_url: str) -> str:
    database = Database(database_url)
    migrate(database)
    key = "INTEGER PRIMARY KEY" if database.dialect == "sqlite" else "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY"
    with database.plain() as connection:
        run(connection, f"CREATE TABLE tally (seq {key}, job TEXT, what TEXT, number BIGINT)")
    database.dispose()
    return database_url


def play(name: str, url: str, folder: Path, number: int, seconds: float = 300) -> Any:
    done = subprocess.run(
        [sys.executable, str(PROGRAM), name, url, str(folder / "queue"), str(number)],
        cwd=ROOT, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=seconds, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_workers_that_are_killed_lose_nothing_and_double_nothing(url: str, tmp_path: Path, tier: Tier) -> None:
    rounds = 100 if tier == "full" else 3
    found = play("killed", url, tmp_path, rounds, 300 + 40 * rounds)

    assert found["states"] == ["done"]
    assert found["counted"] == [list(range(1, 61))] * len(found["counted"])
    assert found["starts"] > len(found["counted"])


def test_two_workers_never_run_one_job(url: str, tmp_path: Path, tier: Tier) -> None:
    found = play("together", url, tmp_path, 60 if tier == "full" else 8)

    begun = Counter(job for job, what, _ in found["tally"] if what == "begin")
    assert begun == dict.fromkeys((each for made in found["ids"].values() for each in made), 1)
    assert len({number for _, _, number in found["tally"]}) == 2
    assert most_at_once(found, "alone") == 1
    assert most_at_once(found, "narrow") in {1, 2}
    assert sorted(found["known"]) == sorted(found["pids"])
    assert (found["codes"], found["left"]) == ([0, 0], 0)
    # The queue keeps a file of its own beside SQLite, and nothing but a schema on PostgreSQL.
    assert bool(found["schema"]) == url.startswith("sqlite")


def most_at_once(found: dict[str, Any], task: str) -> int:
    going, most = 0, 0
    for job, what, _ in found["tally"]:
        if job in found["ids"][task]:
            going += 1 if what == "begin" else -1
            most = max(most, going)
    return most


def test_a_worker_that_is_stopped_gives_back_what_it_was_at(url: str, tmp_path: Path) -> None:
    found = play("stopped", url, tmp_path, 0)

    assert (found["code"], found["state"], found["failures"]) == (0, "queued", 0)
    assert (found["last"], found["second"], found["workers"]) == ("cancelled", -9, 1)
    # What the two have left behind, the one that was killed too, is thrown away by a third.
    assert (found["runs"], found["again"], found["queues"]) == (2, 0, 1)
