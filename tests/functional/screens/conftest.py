"""A site for each test, copied from one that is made once: making it and its passwords takes a second."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.functional.screens import clinic as documents
from tests.functional.screens import trust
from tests.functional.screens.world import World, build
from tests.sites import copied
from ui.app import create_app


@pytest.fixture(scope="session")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """The folder of a site that nobody works in, and the ids of its people."""
    folder = tmp_path_factory.mktemp("screens") / "site"
    return folder, build(folder)


@pytest.fixture
def world(pattern: tuple[Path, dict[str, str]], tmp_path: Path) -> Iterator[World]:
    """A site of this test's own, without records."""
    folder, ids = pattern
    with copied(folder, tmp_path / "site") as site:
        yield World(site, create_app(site), ids)


@pytest.fixture(scope="session")
def clinic_pattern(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """The folder of a clinic that nobody works in, and the ids of its people."""
    folder = tmp_path_factory.mktemp("clinic") / "site"
    return folder, build(folder, documents.DOCUMENTS, people=documents.PEOPLE)


@pytest.fixture
def clinic(clinic_pattern: tuple[Path, dict[str, str]], tmp_path: Path) -> Iterator[World]:
    """A clinic of this test's own, without records: child rows, money, secrets, states, and every type of field."""
    folder, ids = clinic_pattern
    with copied(folder, tmp_path / "site") as site:
        yield World(site, create_app(site), ids)


@pytest.fixture(scope="session")
def office_pattern(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """The folder of a sales office that nobody works in, and the ids of its people."""
    folder = tmp_path_factory.mktemp("office") / "site"
    return folder, build(folder, trust.DOCUMENTS, people=trust.PEOPLE)


@pytest.fixture
def office(office_pattern: tuple[Path, dict[str, str]], tmp_path: Path) -> Iterator[World]:
    """A sales office of this test's own, without records: ranks, shares, restrictions and masks."""
    folder, ids = office_pattern
    with copied(folder, tmp_path / "site") as site:
        yield World(site, create_app(site), ids)


@pytest.fixture
def anna(clinic: World) -> str:
    """The id of the only contact of the clinic."""
    [id_] = clinic.create("contact", {"name": "Anna", "mobile": "13800138000", "city": "Bonn"})
    return id_
