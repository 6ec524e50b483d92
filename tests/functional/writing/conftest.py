"""One database of each kind for a file of tests; each test makes the records that it needs."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.functional.writing.world import World


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def writing_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an empty database that lives as long as the file."""
    if request.param == "sqlite":
        folder: Path = tmp_path_factory.mktemp("writing")
        yield f"sqlite:///{folder}/guanxi.sqlite"
        return
    server = request.getfixturevalue("postgres_server")
    url = server.create()
    yield url
    server.drop(url)


@pytest.fixture(scope="module")
def world(writing_url: str) -> Iterator[World]:
    """The site of `world.py`, published, without a row."""
    world = World(writing_url)
    yield world
    world.database.dispose()
