"""The file of the queue: fast enough, with the functions that DBOS asks, and never emptied by us."""

import sqlite3
import time
from pathlib import Path

from engine.jobs.queue_file import FILE, give_unixepoch, queue_engine

ROOT = Path(__file__).parents[3]


def test_the_file_is_written_ahead_and_knows_fractions_of_seconds(tmp_path: Path) -> None:
    engine = queue_engine(tmp_path / FILE)
    with engine.connect() as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        assert driver.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        [moment] = driver.execute("SELECT unixepoch('subsec')").fetchone()
    engine.dispose()

    assert abs(moment - time.time()) < 60
    assert moment != int(moment)


def test_a_library_that_knows_unixepoch_keeps_its_own() -> None:
    driver = sqlite3.connect(":memory:")
    asked = []

    def unixepoch(how: str) -> float:
        asked.append(how)
        return 1.5

    driver.create_function("unixepoch", 1, unixepoch)
    give_unixepoch(driver)

    assert driver.execute("SELECT unixepoch('subsec')").fetchone() == (1.5,)
    driver.close()


def test_a_library_without_unixepoch_is_given_one() -> None:
    driver = sqlite3.connect(":memory:")
    # As a library before 3.38 would answer, and one before 3.42.
    driver.create_function("unixepoch", 1, lambda _how: None)
    give_unixepoch(driver)

    assert driver.execute("SELECT typeof(unixepoch('subsec'))").fetchone() == ("real",)
    assert driver.execute("SELECT typeof(unixepoch('now'))").fetchone() == ("integer",)
    driver.close()


def test_nothing_ever_empties_the_tables_of_the_queue() -> None:
    word = "reset_system" + "_database"

    assert [
        path for folder in ("engine", "ui") for path in (ROOT / folder).rglob("*.py") if word in path.read_text("utf-8")
    ] == []
