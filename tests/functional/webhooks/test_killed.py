"""Whoever sends may be killed at any moment: everything arrives, in order, and what arrives twice has the same id."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from engine import Change, Site
from tests.conftest import Tier
from tests.functional.webhooks.conftest import Sent, World

SENDER = """
import sys, time
from datetime import timedelta
from engine import Site
from engine.outbound import Allowance
from engine.webhooks import sending

sending._LEASE = timedelta(seconds=0.3)  # so that what a killed one was at is due again soon
with Site.open(sys.argv[1], database_url=sys.argv[2] or None) as site:
    site.outbound.allowance = Allowance(["127.0.0.1"])
    print("begun", flush=True)
    while True:
        site.webhooks.dispatch()
        time.sleep(0.01)
"""


def sender(site: Site) -> subprocess.Popen[bytes]:
    """Start a process that sends, and wait until it does."""
    address = "" if site.database.dialect == "sqlite" else site.database.url
    process = subprocess.Popen(
        [sys.executable, "-c", SENDER, str(site.config.folder), address],
        stdout=subprocess.PIPE, cwd=Path(__file__).parents[3],
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline().strip() == b"begun"
    return process


def test_a_killed_sender_loses_nothing_and_repeats_under_the_same_id(world: World, tier: Tier) -> None:
    rounds, chance, got = (2 if tier == "quick" else 100), random.Random(11), list[Sent]()

    def answer(sent: Sent) -> tuple[int, dict[str, str], bytes]:
        time.sleep(0.02)
        got.append(sent)
        return 200, {}, b""

    world.receiver.answer = answer
    endpoint, secret = world.endpoint()
    site, visits, versions = world.site, list[str](), dict[str, int]()
    for number in range(rounds):
        made = site.records.create(world.boss, "visit", [{"subject": f"{number}.{row}"} for row in range(6)])
        visits += [each.id for each in made]
        process = sender(site)
        try:
            for turn in range(3):
                changed = chance.sample(visits[-12:], 4)
                site.records.update(world.boss, "visit", [Change(id_, {"subject": f"Turn {turn}"}) for id_ in changed])
            time.sleep(chance.uniform(0.0, 0.25))
        finally:
            process.send_signal(signal.SIGKILL)
            process.communicate()
    process = sender(site)
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with site.database.read() as connection:
                waiting = site.webhooks.deliveries.counts(connection)
            if not waiting and not site.webhooks.is_due():
                break
            time.sleep(0.1)
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()

    with site.reading(world.boss) as reader:
        versions = {id_: reader.record("visit", id_).json()["version"] for id_ in visits}
    ids: dict[tuple[str, int], set[str]] = {}
    first: dict[str, list[int]] = {}
    for sent in got:
        key = (sent.data["id"], sent.data["version"])
        if key not in ids:
            first.setdefault(key[0], []).append(key[1])
        ids.setdefault(key, set()).add(sent.id)
        assert sent.signed_by(secret)
    assert first == {id_: list(range(1, last + 1)) for id_, last in versions.items()}
    assert {len(each) for each in ids.values()} == {1}
    assert len({next(iter(each)) for each in ids.values()}) == len(ids)
    states = {each.state for each in world.deliveries(endpoint, limit=10_000)}
    assert states == {"delivered"}
