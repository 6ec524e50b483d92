"""A process of its own that writes; the tests of concurrency start it and may end it hard.

Run as `python -m tests.functional.writing.child URL JOB ARGUMENT...`; it says what it has done on its output.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

from engine.data.batch import Change
from engine.data.principal import SYSTEM
from engine.errors import VersionConflict
from engine.hooks import hookimpl
from tests.functional.writing.world import World


class Pause:
    """Says when the third chunk of a call is written, and waits to be killed."""

    watches = frozenset({"company"})

    def __init__(self) -> None:
        self.chunks = 0

    @hookimpl
    def changed(self, batch: Any, connection: Any) -> None:
        self.chunks += 1
        if self.chunks == 3:
            say("written")
            time.sleep(60)


def say(words: str) -> None:
    sys.stdout.write(words + "\n")
    sys.stdout.flush()


def batch(world: World, count: str) -> None:
    """Create records in one call that stops in the middle."""
    world.hooks.register(Pause())
    say("ready")
    world.records.create(SYSTEM, "company", [{"name": f"killed {number}"} for number in range(int(count))])


def count_up(world: World, id_: str, times: str) -> None:
    """Add one to a number, as somebody does who reads, works out and writes, and tries again on a conflict."""
    say("ready")
    done = 0
    while done < int(times):
        values = world.values("person", id_)
        try:
            change = Change(id_, {"salary": (values["salary"] or 0) + 1}, values["version"])
            world.records.update(SYSTEM, "person", [change], strict=True)
        except VersionConflict:
            continue
        done += 1
    say("done")


def number(world: World, count: str) -> None:
    """Create records one by one and say their numbers."""
    say("ready")
    for _ in range(int(count)):
        [made] = world.records.create(SYSTEM, "company", [{"name": "numbered"}])
        say(f"{made.values['number']} {made.values['bill']}")


JOBS: dict[str, Callable[..., None]] = {"batch": batch, "count_up": count_up, "number": number}


def main() -> None:
    """Do the job that the command line names."""
    url, job, *arguments = sys.argv[1:]
    world = World(url, first=False)
    JOBS[job](world, *arguments)
    world.database.dispose()


if __name__ == "__main__":
    main()
