"""The site of the screens' tests, for whoever attacks it."""

from collections.abc import Iterator

import pytest

from engine import Site
from tests.conftest import PostgresServer
from tests.functional.screens import clinic as documents
from tests.functional.screens.conftest import clinic, clinic_pattern, pattern, world
from tests.functional.screens.world import World, build
from ui.app import create_app

__all__ = ["clinic", "clinic_pattern", "pattern", "world"]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A clinic that the tests of a module share, on each kind of database: attacks leave it as it was."""
    folder = tmp_path_factory.mktemp("house") / "site"
    server: PostgresServer | None = None
    url = None
    if request.param == "postgresql":
        server = request.getfixturevalue("postgres_server")
        url = server.create()
    ids = build(folder, documents.DOCUMENTS, url, documents.PEOPLE)
    with Site.open(folder, database_url=url) as site:
        yield World(site, create_app(site), ids)
    if server is not None and url is not None:
        server.drop(url)
