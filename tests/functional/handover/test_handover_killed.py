"""A process that dies in the middle of a hand-over leaves whole portions; it is carried on, or taken back."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from engine import SYSTEM, Handovers, Principal, Site
from engine.storage.database import run
from tests.conftest import Tier
from tests.functional.handover.conftest import DOCUMENTS, Office
from tests.sites import make_folder

pytestmark = [pytest.mark.kill, pytest.mark.slow]

# Small portions, so that it can be caught between two and inside of one.
PORTION = 100
_CODE = f"""
from engine.handover import handovers
handovers.PORTION = {PORTION}
from ui.cli import main
main()
"""


@pytest.fixture
def folder(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of an office, for this process and for others."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    make_folder(tmp_path / "site", DOCUMENTS)
    with Site.open(tmp_path / "site") as site:
        site.publish()
    return tmp_path / "site"


def command(folder: Path, *words: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-c", _CODE, "user", "handover", "--site", str(folder), "--json", *words],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=os.environ,
    )


def moved(site: Site, heir: Principal) -> int:
    office = Office(site)
    return office.count("client", f"owner == '{heir.id}'")


def test_a_hand_over_that_is_killed_is_finished_or_taken_back(folder: Path, tier: Tier) -> None:
    total = 2_000 if tier == "quick" else 50_000
    with Site.open(folder) as site:
        office = Office(site)
        tom, eve = office.person("seller"), office.person("seller")
        for _ in range(total // 1_000):
            office.make("client", 1_000, tom)
        process = command(folder, tom.email or "", "--to", eve.email or "")
        deadline = time.monotonic() + 60
        while moved(site, eve) < total // 5 and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        process.wait()

        half = moved(site, eve)
        assert total // 5 <= half < total
        assert half % PORTION == 0
        assert not site.identity.find(tom.id or "").active
        handovers = Handovers(site.records, site.identity)
        [known] = handovers.of(SYSTEM, tom.id or "")
        assert (known.state, known.moved) == ("running", half)

        done = handovers.finish(SYSTEM, known)

        assert (moved(site, eve), done.moved) == (total, total)
        assert handovers.remaining(SYSTEM, tom.id or "") == []
        with site.database.read() as connection:
            mark = "?" if site.database.dialect == "sqlite" else "%s"
            [(changes, records)] = run(
                connection,
                f"SELECT count(*), count(DISTINCT record_id) FROM record_change WHERE change_set_id = {mark}",
                (known.id,),
            ).fetchall()
        # Each record went once, the account besides, and all of it under one change set.
        assert changes == records == total + 1
        assert handovers.undo(SYSTEM, known.id).undone == total + 1
        assert moved(site, eve) == 0
        assert site.identity.find(tom.id or "").active
