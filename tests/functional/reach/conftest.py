"""One published site on each kind of database for a file of tests; each test makes the people and records it needs."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.functional.reach.world import World


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The site of `world.py`, published, without a row."""
    folder: Path = tmp_path_factory.mktemp("reach")
    server = request.getfixturevalue("postgres_server") if request.param == "postgresql" else None
    url = server.create() if server is not None else f"sqlite:///{folder}/guanxi.sqlite"
    world = World(folder / "site", url)
    yield world
    world.site.close()
    if server is not None:
        server.drop(url)
