"""A worker that is killed while it exports leaves no half of a file, and whoever comes after makes the whole."""

import random
import subprocess
import sys
import time
from pathlib import Path

from engine import ExportOptions, Wanted
from engine.jobs.queues import InlineQueue
from engine.jobs.worker import Worker
from tests.conftest import Tier
from tests.functional.exporting.reading_back import table
from tests.functional.screens.world import World

ROWS = 12_000
PROGRAM = Path(__file__).with_name("dying.py")


def test_an_export_whose_worker_is_killed_is_made_whole_by_another(either: World, tier: Tier) -> None:
    site, dice = either.site, random.Random(4)
    for start in range(0, ROWS, 1_000):
        either.create("client", *({"name": f"C{start + number}", "city": "x" * 40} for number in range(1_000)))
    who, folder = site.principal(either.ids["ada"]), site.config.files / "exports"
    rounds = 100 if tier == "full" else 2

    for number in range(rounds):
        made = site.exports.ask(who, "client", ExportOptions(fields=("name", "city")))
        command = [sys.executable, str(PROGRAM), str(site.config.folder), site.config.database]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout is not None
            assert child.stdout.readline() == "begun\n"
            # The first is killed in the middle of the file, the others wherever it happens to be.
            deadline = time.monotonic() + 20
            while number == 0 and not list(folder.glob("*.part")) and time.monotonic() < deadline:
                time.sleep(0.005)
            time.sleep(dice.random() * (0.1 if number == 0 else 0.8))
            child.kill()
        Worker(site.jobs, lambda _name, _threads: InlineQueue()).recover()
        site.jobs.run_due()

        with site.reading(who) as reader:
            data = b"".join(site.exports.fetch(reader, made.id).blocks)
        assert len({row["name"] for row in table(data)}) == len(table(data)) == ROWS
        assert site.jobs.get(made.job_id or "").state == "done"
        site.trail.seal()
    assert sorted(each.name for each in folder.iterdir() if each.suffix != ".part") == sorted(
        each.id for each in site.exports.entries(who, 1_000)
    )
    with site.database.read() as connection:
        events = site.trail.entries(connection, Wanted(kinds=("export",)), limit=1_000)
    assert [each.number for each in events] == [ROWS] * rounds
