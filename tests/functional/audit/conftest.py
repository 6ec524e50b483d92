"""A site with three people for the tests of the log and of alarms, made once for each database and copied."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from engine import Site, clock
from engine.storage.database import run
from tests.sites import make_folder

SET_UP = datetime(2026, 2, 4, 12, 0, tzinfo=UTC)
PASSWORD = "correct horse battery"

DOCUMENTS = """
entity: deal
label: {en: Deal, zh: 交易}
plural: {en: Deals, zh: 交易}
title: name
features: [owned, history, search]
fields:
  name: {type: text, label: {en: Name, zh: 名称}, required: true, search: high}
  amount: {type: money, label: {en: Amount, zh: 金额}, currency: CNY}
  stage: {type: select, label: {en: Stage, zh: 阶段}, options: {open: {}, won: {}}, default: open}
---
role: seller
label: {en: Seller, zh: 销售}
grants: {deal: {read: all, create: all, update: all, delete: all, export: all, import: all}}
---
role: auditor
label: {en: Auditor, zh: 审计员}
permissions: [audit]
grants: {deal: {read: all}}
---
alert: too_much_open
label: {en: Too much is open, zh: 未结交易过多}
entity: deal
where: "stage == 'open'"
measure: {sum: amount}
above: 1000
within: 7d
schedule: "0 9 * * *"
quiet: 1d
to: [role:seller, boss@example.com]
template: {en: Close some of them., zh: 请尽快处理。}
"""


@pytest.fixture(scope="session")
def sqlite_pattern(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """The folder of a site that nobody works in, and the ids of its people."""
    folder = tmp_path_factory.mktemp("audit") / "site"
    return folder, build(folder, None)


@pytest.fixture(scope="session")
def postgresql_pattern(
    tmp_path_factory: pytest.TempPathFactory, postgres_server: Any
) -> tuple[Path, str, dict[str, str]]:
    """As `sqlite_pattern`, with the address of its database."""
    folder, url = tmp_path_factory.mktemp("audit") / "site", postgres_server.create()
    return folder, url, build(folder, url)


@pytest.fixture(params=["sqlite", "postgresql"])
def made(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Path, str | None, dict[str, str]]]:
    """A site of this test's own: its folder, the address of its database unless it lies there, and its people."""
    if request.param == "sqlite":
        folder, ids = request.getfixturevalue("sqlite_pattern")
        shutil.copytree(folder, tmp_path / "site")
        yield tmp_path / "site", None, ids
        return
    server = request.getfixturevalue("postgres_server")
    folder, pattern, ids = request.getfixturevalue("postgresql_pattern")
    shutil.copytree(folder, tmp_path / "site")
    url = server.create(pattern)
    yield tmp_path / "site", url, ids
    server.drop(url)


@pytest.fixture
def site(made: tuple[Path, str | None, dict[str, str]]) -> Iterator[Site]:
    folder, url, _ = made
    with Site.open(folder, database_url=url) as site:
        yield site


@pytest.fixture
def people(made: tuple[Path, str | None, dict[str, str]]) -> dict[str, str]:
    """The ids of an administrator, a seller and an auditor; two of them can sign in."""
    return made[2]


def build(folder: Path, url: str | None) -> dict[str, str]:
    """Make the site and return the ids of its people."""
    make_folder(folder, DOCUMENTS)
    with clock.set_to(SET_UP), Site.open(folder, database_url=url) as site:
        site.publish()
        return _people(site)


def _people(site: Site) -> dict[str, str]:
    ids = {
        key: site.identity.add(name, f"{key}@example.com", [role], language=language)
        for key, (name, role, language) in {
            "ada": ("Ada", "admin", "en"),
            "ben": ("Ben", "seller", "zh"),
            "aud": ("Aud", "auditor", "en"),
        }.items()
    }
    for key in ("ada", "ben"):
        site.identity.set_password(ids[key], PASSWORD)
    # That there is an administrator now rings too; tests begin with nothing.
    assert [each.alert for each in site.alarms.evaluate()] == ["core.new_administrator"]
    with site.database.write() as connection:
        run(connection, "DELETE FROM alert_raised")
        run(connection, "DELETE FROM mail_message")
    return ids
