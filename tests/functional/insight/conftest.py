"""A shop that is made once and copied for each test that changes something."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine import Site
from tests.functional.insight import office
from tests.functional.screens.world import World, build
from tests.sites import copied
from ui.app import create_app


@pytest.fixture(scope="session")
def shop_pattern(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """The folder of a shop with eighty repairs, and the ids of its people."""
    folder = tmp_path_factory.mktemp("shop") / "site"
    ids = build(folder, office.DOCUMENTS, people=office.PEOPLE)
    with Site.open(folder) as site:
        office.fill(site, [ids["cao"], ids["hal"]], 80, 5)
    return folder, ids


@pytest.fixture
def shop(shop_pattern: tuple[Path, dict[str, str]], tmp_path: Path) -> Iterator[World]:
    """A shop of this test's own."""
    folder, ids = shop_pattern
    with copied(folder, tmp_path / "site") as site:
        yield World(site, create_app(site), ids)


@pytest.fixture(scope="module")
def seen(shop_pattern: tuple[Path, dict[str, str]], tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A shop that tests only look at."""
    folder, ids = shop_pattern
    with copied(folder, tmp_path_factory.mktemp("seen") / "site") as site:
        yield World(site, create_app(site), ids)
