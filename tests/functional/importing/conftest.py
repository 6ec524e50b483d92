"""A site for each test on which files are imported, and a browser to do it with."""

from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path

import pytest

from tests.conftest import PostgresServer
from tests.functional.commands.conftest import shares, stocks
from tests.functional.screens.conftest import pattern
from tests.functional.screens.world import World, build
from tests.sites import copied
from ui.app import create_app

__all__ = ["pattern", "shares", "stocks"]

DOCUMENTS = """
entity: firm
label: {en: Firm, zh: 公司}
plural: {en: Firms, zh: 公司}
title: name
features: [owned, history, search]
fields:
  name: {type: text, label: {en: Name, zh: 公司名称}, required: true, max_length: 120, search: high}
  code: {type: text, label: {en: Code, zh: 代码}, unique: true}
  city: {type: text, label: {en: City, zh: 城市}}
  phone: {type: phone, label: {en: Phone, zh: 电话}}
  mail: {type: email, label: {en: Mail, zh: 邮箱}}
  trade:
    type: select
    label: {en: Trade, zh: 行业}
    options: {steel: {label: {en: Steel, zh: 钢铁}}, trade: {label: {en: Trading, zh: 贸易}}}
  revenue: {type: money, label: {en: Revenue, zh: 营收}, currency: CNY}
  founded: {type: date, label: {en: Founded, zh: 成立日期}}
  parent: {type: lookup, label: {en: Parent, zh: 母公司}, to: firm}
  pin: {type: secret, label: {en: PIN, zh: 密码}}
---
entity: person
label: {en: Person, zh: 联系人}
plural: {en: People, zh: 联系人}
title: name
features: [owned, history, search]
fields:
  name: {type: text, label: {en: Name, zh: 姓名}, required: true}
  mail: {type: email, label: {en: Mail, zh: 邮箱}}
  firm: {type: lookup, label: {en: Firm, zh: 公司}, to: firm}
---
role: clerk
label: {en: Clerk, zh: 文员}
grants:
  firm: {read: [own], create: all, update: [own], import: all, fields: {revenue: read}}
  person: {read: all}
"""
PEOPLE = {
    "ada": ("Ada", "ada@example.com", "admin"),
    "ben": ("Ben", "ben@example.com", "clerk"),
    "cao": ("曹琳", "cao@example.com", "clerk"),
}

Upload = Callable[..., str]


@pytest.fixture(scope="session")
def office(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """The folder of an office that nobody works in, and the ids of its people."""
    folder = tmp_path_factory.mktemp("importing") / "site"
    return folder, build(folder, DOCUMENTS, people=PEOPLE)


@pytest.fixture
def world(office: tuple[Path, dict[str, str]], tmp_path: Path) -> Iterator[World]:
    """An office of this test's own, without records."""
    folder, ids = office
    with copied(folder, tmp_path / "site") as site:
        yield World(site, create_app(site), ids)


@pytest.fixture(scope="session")
def office_on_postgres(
    tmp_path_factory: pytest.TempPathFactory, postgres_server: PostgresServer
) -> tuple[Path, dict[str, str], str]:
    """The folder of an office whose database is on PostgreSQL, the ids of its people, and its address."""
    folder, url = tmp_path_factory.mktemp("importing-pg") / "site", postgres_server.create()
    return folder, build(folder, DOCUMENTS, url, people=PEOPLE), url


@pytest.fixture(params=["sqlite", "postgresql"])
def any_world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """An office without records; the test runs once on each kind of database."""
    if request.param == "sqlite":
        yield request.getfixturevalue("world")
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    folder, ids, template = request.getfixturevalue("office_on_postgres")
    with copied(folder, tmp_path / "site", server, template) as site:
        yield World(site, create_app(site), ids)


@pytest.fixture
def upload() -> Upload:
    """Upload a file as a browser does, and return the address of its import."""

    def send(web: object, entity: str, text: str | bytes, name: str = "rows.csv") -> str:
        data = text.encode() if isinstance(text, str) else text
        answer = web.submit(f"/{entity}/import", {"file": (BytesIO(data), name)})  # type: ignore[attr-defined]
        assert answer.status_code == 303, answer.text
        return str(answer.headers["Location"])

    return send
