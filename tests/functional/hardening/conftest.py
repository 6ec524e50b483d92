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


ON_BOTH = pytest.mark.parametrize("house", ["sqlite", "postgresql"], indirect=True)
"""Lets a test run on each kind of database; on SQLite alone otherwise."""


@pytest.fixture(scope="module")
def house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A clinic that the tests of a module share: attacks leave it as it was."""
    folder = tmp_path_factory.mktemp("house") / "site"
    server: PostgresServer | None = None
    url = None
    if getattr(request, "param", "sqlite") == "postgresql":
        server = request.getfixturevalue("postgres_server")
        url = server.create()
    ids = build(folder, documents.DOCUMENTS, url, documents.PEOPLE)
    with Site.open(folder, database_url=url) as site:
        yield World(site, create_app(site), ids)
    if server is not None and url is not None:
        server.drop(url)
