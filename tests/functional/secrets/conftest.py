"""A site of its own for each test of keys and backups, on each kind of database."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from engine.site.site import Site
from engine.testing import copy_site, published_site

__all__ = ["published_site"]

BADGE = """
entity: badge
label: {en: Badge, zh: 证件}
plural: {en: Badges, zh: 证件}
title: name
features: [owned, history, search, attachments]
fields:
  name: {type: text, required: true, search: high}
  note: {type: longtext}
  amount: {type: money, currency: CNY}
  number: {type: autonumber}
  id_card: {type: secret, label: {en: ID card, zh: 身份证}}
  portal: {type: secret, label: {en: Portal, zh: 门户}}
  scan: {type: file}
"""


@pytest.fixture(scope="session")
def badge_site(published_site: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A published site on SQLite whose badges have secrets."""
    folder = copy_site(published_site, tmp_path_factory.mktemp("badges") / "site")
    (folder / "schemas" / "badge.yaml").write_text(BADGE, encoding="utf-8")
    with Site.open(folder) as site:
        site.publish()
    return folder


@pytest.fixture(scope="session")
def badge_template(postgres_server: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """The same on PostgreSQL: its folder, and a database that is copied for each test."""
    url = postgres_server.create()
    folder = tmp_path_factory.mktemp("badges") / "site"
    Site.create(folder, database_url=url).close()
    (folder / "schemas" / "badge.yaml").write_text(BADGE, encoding="utf-8")
    with Site.open(folder, database_url=url) as site:
        site.publish()
    yield folder, url
    postgres_server.drop(url)


@pytest.fixture(params=["sqlite", "postgresql"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """The folder of a site whose badges have secrets."""
    folder = tmp_path / "site"
    if request.param == "sqlite":
        yield copy_site(request.getfixturevalue("badge_site"), folder)
        return
    source, template = request.getfixturevalue("badge_template")
    server = request.getfixturevalue("postgres_server")
    url = server.create(template)
    copy_site(source, folder)
    configure(folder, database=url)
    yield folder
    server.drop(url)


@pytest.fixture
def sqlite_folder(badge_site: Path, tmp_path: Path) -> Path:
    """The folder of a site on SQLite whose badges have secrets."""
    return copy_site(badge_site, tmp_path / "site")


@pytest.fixture
def site(folder: Path) -> Iterator[Site]:
    """The site itself."""
    with Site.open(folder) as site:
        yield site


def configure(folder: Path, **settings: object) -> None:
    """Change guanxi.yaml."""
    file = folder / "guanxi.yaml"
    body = yaml.safe_load(file.read_text(encoding="utf-8")) | settings
    file.write_text(yaml.safe_dump(body, allow_unicode=True), encoding="utf-8")
