"""Publishing while others work, and publications that die: on both databases, with processes of their own."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.publish import Publisher
from engine.storage.database import Database, run
from engine.storage.guard import ENTITY_ACCESS
from engine.storage.migrations import migrate
from tests.conftest import Tier, read_tier
from tests.functional import publication_world as world
from tests.functional.publication_world import GROWN, INTEGER, TEXT, documents

ROOT = Path(__file__).parents[2]


@pytest.fixture
def site(database_url: str) -> Iterator[tuple[Database, Publisher]]:
    database, publisher = world.open_site(database_url)
    migrate(database)
    publisher.publish(documents(TEXT))
    yield database, publisher
    database.dispose()


def start(*arguments: object) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "tests.functional.publication_world", *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def answer(process: "subprocess.Popen[str]") -> Any:
    out, error = process.communicate(timeout=120)
    assert process.returncode == 0, error
    return json.loads(out)


def wait_for_writers(folder: Path, revision: int) -> None:
    """Wait until all four writers have written under a revision."""
    deadline = time.monotonic() + 60
    while not all((folder / f"{seed}.{revision}").exists() for seed in range(4)):
        assert time.monotonic() < deadline, "the writers do not write"
        time.sleep(0.02)


@pytest.mark.slow
def test_no_value_is_wrong_when_four_processes_write_while_a_field_changes_its_type(
    site: tuple[Database, Publisher], tmp_path: Path, tier: Tier
) -> None:
    database, publisher = site
    ids = world.fill(database, publisher, 12_000 if tier == "quick" else 60_000)
    known = tmp_path / "ids.json"
    known.write_text(json.dumps(ids[:500]))
    writers = [start("write", database.url, seed, known, tmp_path) for seed in range(4)]
    reader = start("watch", database.url, tmp_path)
    wait_for_writers(tmp_path, 1)

    for revision in range(2, 4 if tier == "quick" else 12):
        publisher.publish(documents(INTEGER if revision % 2 == 0 else TEXT))
        wait_for_writers(tmp_path, revision)

    (tmp_path / "stop").touch()
    done = [answer(writer) for writer in writers]
    seen = answer(reader)
    assert world.wrong(database, publisher) == []
    assert all(each["written"] > 10 and each["stale"] > 0 for each in done), done
    assert seen["wrong"] == 0
    assert seen["read"] > 0


POINTS = {
    "integer": ("begun", "expanded", "copied visit.amount", "copied", "indexed", "caught up", "switching", "switched"),
    "grown": ("begun", "expanded", "switching", "switched"),
}
QUICK = {"integer": ("expanded", "copied visit.amount", "switching"), "grown": ("switching",)}


def deaths() -> list[tuple[str, str]]:
    points = QUICK if read_tier() == "quick" else POINTS
    return [(what, point) for what, each in points.items() for point in each]


@pytest.mark.kill
@pytest.mark.parametrize(("what", "point"), deaths())
def test_a_publication_that_dies_leaves_the_old_revision_or_the_new_one_and_can_be_done_again(
    site: tuple[Database, Publisher], what: str, point: str
) -> None:
    database, publisher = site
    world.fill(database, publisher, 7_000)

    process = start("publish", database.url, what, point)
    process.communicate(timeout=60)

    assert process.returncode == -signal.SIGKILL
    again, opened = world.open_site(database.url)
    number = opened.current().number
    assert number == (2 if point == "switched" else 1)
    assert world.wrong(database, opened) == []
    opened.publish(documents(INTEGER if what == "integer" else GROWN))
    assert opened.current().number == 2
    assert world.wrong(database, opened) == []
    world.fill(database, opened, 3)
    assert leftovers(database, opened) == []
    again.dispose()


def leftovers(database: Database, publisher: Publisher) -> list[str]:
    """Whatever is in the database and not in the storage map: triggers, notes, columns, tables."""
    storage = publisher.current().storage
    stored = storage.entities["visit"]
    known = {column.name for column in stored.columns.values()}
    known |= {each.column.name for each in storage.retired if each.column is not None}
    with database.read() as connection:
        found = [f"work {row}" for row in run(connection, "SELECT kind FROM meta_work").fetchall()]
        found += [f"touch {row}" for row in run(connection, "SELECT record_id FROM meta_touch LIMIT 3").fetchall()]
        if database.dialect == "sqlite":
            triggers = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
            columns = "SELECT name FROM pragma_table_info('s_visit')"
        else:
            triggers = "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal"
            columns = (
                "SELECT attname FROM pg_attribute"
                " WHERE attrelid = 's_visit'::regclass AND attnum > 0 AND NOT attisdropped"
            )
        found += [f"trigger {row[0]}" for row in run(connection, triggers).fetchall()]
        names = run(connection, columns, access=ENTITY_ACCESS).fetchall()
    return found + [f"column {row[0]}" for row in names if row[0] not in known]


@pytest.mark.slow
def test_two_publishers_come_one_after_the_other(site: tuple[Database, Publisher]) -> None:
    database, publisher = site
    world.fill(database, publisher, 7_000)

    processes = [start("publish", database.url, what, "never") for what in ("integer", "grown")]
    for process in processes:
        out, error = process.communicate(timeout=60)
        assert process.returncode == 0, error + out

    assert publisher.current().number == 3
    assert world.wrong(database, publisher) == []
    assert leftovers(database, publisher) == []


def test_a_process_that_was_open_follows_a_publication_with_its_next_request(site: tuple[Database, Publisher]) -> None:
    database, publisher = site
    again, other = world.open_site(database.url)
    assert world.pinned(database, other).revision == 1

    publisher.publish(documents(GROWN))

    assert "room" in world.pinned(database, other).model.entities["visit"].fields
    again.dispose()
