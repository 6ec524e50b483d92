"""An office of this test's own on SQLite, copied from one that is made once; on PostgreSQL where that differs."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine import Site
from tests.functional.notices.world import Office, make
from tests.sites import copied


@pytest.fixture(scope="session")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """The folder of an office that nobody works in, and the ids of its people."""
    folder = tmp_path_factory.mktemp("office") / "site"
    return folder, make(folder)


@pytest.fixture
def office(pattern: tuple[Path, dict[str, str]], tmp_path: Path) -> Iterator[Office]:
    folder, ids = pattern
    with copied(folder, tmp_path / "site") as site:
        yield Office(site, ids)


@pytest.fixture
def either(database_url: str, tmp_path: Path) -> Iterator[Office]:
    """An office on SQLite, and once more on PostgreSQL."""
    ids = make(tmp_path / "site", database_url)
    with Site.open(tmp_path / "site", database_url=database_url) as site:
        yield Office(site, ids)
