"""A process that dies while it writes what was approved leaves a proposal that waits on, and nothing half written."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from engine import SYSTEM, Operation, Query, Site
from tests.conftest import Tier
from tests.functional.mcp.conftest import build

pytestmark = [pytest.mark.kill, pytest.mark.slow]

COUNT = 50
_APPROVE = """
import sys
from engine import Site

folder, person, proposal = sys.argv[1:]
with Site.open(folder) as site:
    print("ready", flush=True)
    site.proposals.approve(site.principal(person), proposal, dict.fromkeys(range(%d)))
    print("done", flush=True)
"""


def names(site: Site, level: str) -> int:
    with site.reading(SYSTEM) as reader:
        found = reader.query(Query("patient", select=("level",), limit=200))
        return sum(each["level"] == level for each in found.dicts())


def test_approving_is_all_or_nothing_when_it_is_killed(
    database_url: str, tmp_path: Path, tier: Tier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    folder = tmp_path / "site"
    ids, tokens = build(folder, database_url)
    rounds = 2 if tier == "quick" else 50
    with Site.open(folder) as site:
        doctor = site.principal(ids["doctor"])
        agent, _ = site.identity.agent_of_token(tokens["proposes"])
        made = site.records.create(doctor, "patient", [{"name": f"P{each}", "level": "b"} for each in range(COUNT)])
        for turn in range(rounds):
            level = "ac"[turn % 2]
            changes = [
                Operation("update", "patient", {"level": level, "notes": f"turn {turn}"}, each.id) for each in made
            ]
            proposal = site.proposals.propose(agent, changes)
            process = subprocess.Popen(
                [sys.executable, "-c", _APPROVE % COUNT, str(folder), ids["doctor"], proposal.id],
                stdout=subprocess.PIPE, env=os.environ,
            )  # fmt: skip
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            time.sleep(0.02 + 0.06 * turn / rounds)
            process.send_signal(signal.SIGKILL)
            process.wait()
            process.stdout.close()

            known = site.proposals.get(doctor, proposal.id)
            written = names(site, level)
            assert (written, known.state) in {(0, "open"), (COUNT, "done")}
            if known.due:
                assert site.proposals.approve(doctor, proposal.id, dict.fromkeys(range(COUNT))).failed == ()
            assert names(site, level) == COUNT
            with site.reading(doctor) as reader:
                assert len(reader.history("patient", made[0].id, limit=200)) == turn + 2
