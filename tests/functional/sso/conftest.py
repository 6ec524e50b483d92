"""A site whose guanxi.yaml names a provider, as small as can be, and a browser that goes where it is sent."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import yaml
from werkzeug.test import Client, TestResponse

from engine import SYSTEM, Query, Site, create_folder
from engine.testing import copy_site
from ui.app import create_app

BASE = "http://crm.example"
PASSWORD = "correct horse battery"
ROLES = """
role: seller
label: Seller
grants: {}
---
role: helper
label: Helper
grants: {}
"""


class Office:
    """A site with providers."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.app = create_app(site)

    def browser(self) -> Client:
        return self.app.test_client()

    def signed_in(self, browser: Client) -> str | None:
        """The id of who is signed in with a browser."""
        cookie = browser.get_cookie("guanxi", domain="crm.example")
        return None if cookie is None else self.site.identity.principal_of_session(cookie.value).id

    def events(self, kind: str) -> list[dict[str, Any]]:
        """What the audit log has of a kind, the oldest first."""
        import orjson

        from engine.storage.database import run

        mark = "?" if self.site.database.dialect == "sqlite" else "%s"
        with self.site.database.read() as connection:
            rows = run(
                connection, f"SELECT details FROM audit_event WHERE kind = {mark} ORDER BY seq", (kind,)
            ).fetchall()
        return [orjson.loads(row[0]) if isinstance(row[0], str) else row[0] for row in rows]

    def roles(self, user_id: str) -> set[str]:
        with self.site.reading(SYSTEM) as reader:
            return set(reader.record("user", user_id, ("roles",)).values()["roles"] or ())

    def number(self, entity: str) -> int:
        with self.site.reading(SYSTEM) as reader:
            return reader.count(Query(entity)).number


def go(browser: Client, address: str) -> TestResponse:
    """Open an address of the site, as the browser calls it."""
    parts = urlsplit(address)
    return browser.get(f"{parts.path}?{parts.query}" if parts.query else parts.path, base_url=BASE)


def asked(response: TestResponse) -> dict[str, str]:
    """The parameters of the address that a browser is sent to."""
    assert response.status_code == 303, response.text
    return dict(parse_qsl(urlsplit(response.headers["Location"]).query))


Make = Callable[..., Office]


@pytest.fixture(scope="session")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sso") / "site"
    create_folder(folder)
    (folder / "schemas" / "roles.yaml").write_text(ROLES, encoding="utf-8")
    settings = folder / "guanxi.yaml"
    settings.write_text(settings.read_text(encoding="utf-8").replace("packs: [crm]", "packs: []"), encoding="utf-8")
    with Site.open(folder, database_url="sqlite:///data/site.sqlite") as site:
        site.publish()
        site.identity.add("Ada", "ada@x.example", ["admin"])
        site.identity.add("Ben", "ben@x.example", ["helper"])
    return folder


@pytest.fixture
def make(pattern: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    """Open a site whose guanxi.yaml says something under `sign_in`."""
    monkeypatch.delenv("DATABASE_URL", raising=False)
    opened: list[Site] = []
    numbers = count()

    def make_one(sign_in: Mapping[str, Any], database_url: str | None = None, **more: Any) -> Office:
        folder = copy_site(pattern, tmp_path / f"site{next(numbers)}")
        settings = folder / "guanxi.yaml"
        body = yaml.safe_load(settings.read_text(encoding="utf-8"))
        body |= {"sign_in": dict(sign_in), "base_url": BASE, "outbound": {"allow": ["127.0.0.1"]}, **more}
        settings.write_text(yaml.safe_dump(body), encoding="utf-8")
        opened.append(Site.open(folder, database_url=database_url))
        return Office(opened[-1])

    yield make_one
    for site in opened:
        site.close()
