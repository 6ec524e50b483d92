"""A process that dies in the middle of an import leaves whole chunks; the import is finished without doubles."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from engine.data.principal import SYSTEM
from engine.data.query import Query
from engine.data.transfer.importing import CHUNK
from engine.site.site import Site
from tests.conftest import Tier
from tests.functional.commands.conftest import Command

pytestmark = [pytest.mark.kill, pytest.mark.slow]

# No external id goes along, so nothing but the import itself keeps rows from coming twice.
MAP = "ticker: null\nname: name\nexchange: null\ncategory name: business\n"


@pytest.fixture
def companies(stocks: Path, tmp_path: Path, tier: Tier) -> Path:
    """A list with names that stand in it several times."""
    lines = stocks.read_text(encoding="utf-8").splitlines(keepends=True)
    file = tmp_path / "companies.csv"
    file.write_text("".join(lines[: 6_001 if tier == "quick" else None]), encoding="utf-8")
    (tmp_path / "map.yaml").write_text(MAP, encoding="utf-8")
    return file


def names_of(file: Path) -> Counter[str]:
    import csv

    with file.open(encoding="utf-8", newline="") as stream:
        return Counter(row["name"] for row in csv.DictReader(stream))


def stored_names(folder: Path) -> Counter[str]:
    with Site.open(folder) as site, site.reading(SYSTEM) as reader:
        rows = reader.query(Query("account", select=("name",), limit=100_000))
        return Counter(row["name"] for row in rows.json())


def started(*words: str | Path) -> "subprocess.Popen[bytes]":
    code = "from ui.cli import main; main()"
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, words)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def kill_after(process: "subprocess.Popen[bytes]", site: Site, rows: int) -> None:
    """End a process hard as soon as it has stored some rows, wherever it is then."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        with site.reading(SYSTEM) as reader:
            if reader.count(Query("account"), 100_000).number >= rows:
                break
        time.sleep(0.01)
    assert process.poll() is None, "it was done before it could be killed"
    os.kill(process.pid, signal.SIGKILL)
    process.wait()


@pytest.fixture(params=[1, 2_000], ids=["early", "late"])
def rows_before(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture(autouse=True)
def no_process_stays() -> Iterator[None]:
    yield
    assert [child for child in psutil.Process().children() if "ui.cli" in " ".join(child.cmdline())] == []


def test_a_killed_import_is_finished_without_doubles(
    any_crm: Path, guanxi: Command, companies: Path, rows_before: int
) -> None:
    mapping = companies.with_name("map.yaml")
    with Site.open(any_crm) as site:
        kill_after(started("import", "account", companies, "--map", mapping), site, rows_before)

    # What is there is whole chunks from the start of the file, and the site works as if nothing had been.
    expected = names_of(companies)
    stored = stored_names(any_crm)
    assert stored.total() % CHUNK == 0
    assert 0 < stored.total() < expected.total()
    assert not stored - expected
    assert guanxi("doctor").code == 0

    # Nobody imports it twice by mistake.
    refused = guanxi("import", "account", companies, "--map", mapping)
    assert refused.code == 1
    assert f"broken off after row {stored.total() + 1}" in refused.err
    resumed = refused.err.split("--resume ")[1].split(",")[0]

    done = guanxi("import", "account", companies, "--map", mapping, "--resume", resumed, "--json")

    assert (done.code, done.json["change_set"]) == (0, resumed)
    assert done.json["created"] == expected.total() - stored.total()
    assert stored_names(any_crm) == expected
    # People see one import, with what both attempts brought in.
    with Site.open(any_crm) as site:
        [run] = site.imports.entries(SYSTEM, "account")
    assert run.report is not None
    assert (run.state, run.change_set, run.report.created) == ("done", resumed, expected.total())

    # It is one change set, and one undo takes all of it back.
    assert json.loads(guanxi("undo", resumed, "--json").out)["undone"] == expected.total()
    assert stored_names(any_crm).total() == 0
