"""Web and worker are killed at any moment of imports, exports and deliveries: nothing is lost, nothing is twice."""

import itertools
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Tier
from tests.functional.kills.receiver import Receiver
from tests.functional.kills.served import Served
from tests.functional.kills.truth import World

pytestmark = [pytest.mark.kill, pytest.mark.slow]

ROUNDS = {"quick": 2, "full": 100}
ROWS = {"quick": 1_000, "full": 3_000}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    found = Receiver()
    yield found
    found.stop()


@pytest.fixture
def world(tmp_path: Path, database_url: str, receiver: Receiver) -> Iterator[World]:
    found = World(tmp_path, database_url, receiver)
    yield found
    found.close()


def test_whatever_is_killed_everything_is_done_once(world: World, tier: Tier) -> None:
    chance = random.Random(f"{tier} {world.site.database.dialect}")
    rounds, half = iter(range(1, ROUNDS[tier] + 1)), ROUNDS[tier] // 2
    beside = world.site.database.dialect == "sqlite"
    # With the worker beside the server, and with a worker of its own; in the quick tier as is usual for the database.
    for together, count in ((True, half), (False, half)) if tier == "full" else ((beside, ROUNDS[tier]),):
        served = Served(world.folder, world.environment, together=together)
        try:
            served.revive()
            for number in itertools.islice(rounds, count):
                played(world, served, number, ROWS[tier], chance)
        except BaseException:
            sys.stdout.write(served.log())
            raise
        finally:
            served.stop()

    assert min(world.caught[what] for what in ("import", "export", "program", "deliveries")) >= ROUNDS[tier] // 10
    told = Counter(told for told, _, _ in world.receiver.got)
    repeated = sum(told.values()) - len(told)
    sys.stdout.write(f"\n{len(told)} changes told, {repeated} again; killed amid {dict(world.caught)}\n")


def played(world: World, served: Served, number: int, rows: int, chance: random.Random) -> None:
    """Let the site do a lot, kill something once or twice, begin it anew, and compare what came of it."""
    begin = time.monotonic()
    asked = world.ask(number, rows, served.port)
    web, worker = served.kill_web, served.kill_worker
    for _ in range(chance.choice((1, 1, 2)) if rows > ROWS["quick"] else 1):
        world.wait(asked, chance)
        for kill in chance.choice(((web,), (worker,), (worker, web))):
            kill()
        world.check_meanwhile(asked)
        served.revive()
    world.check(asked)
    sys.stdout.write(f"round {number}: {time.monotonic() - begin:.1f} s\n")
