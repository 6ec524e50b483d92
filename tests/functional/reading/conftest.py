"""One database of each kind for a file of tests: reading changes nothing, so the tests may share it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.functional.reading.world import SITE, World, model_of


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def reading_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an empty database that lives as long as the file."""
    if request.param == "sqlite":
        folder: Path = tmp_path_factory.mktemp("reading")
        yield f"sqlite:///{folder}/guanxi.sqlite"
        return
    server = request.getfixturevalue("postgres_server")
    url = server.create()
    yield url
    server.drop(url)


@pytest.fixture(scope="module")
def empty_world(reading_url: str) -> Iterator[World]:
    """The site of `world.py` without a row."""
    world = World(reading_url, model_of(SITE))
    yield world
    world.database.dispose()
