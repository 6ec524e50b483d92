"""A published site of a trade that is not ours, with people and tokens, on both databases."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from engine import SYSTEM, Site
from tests.conftest import PostgresServer
from tests.sites import copied, make_folder
from ui.app import create_app

DOCUMENTS = """
entity: patient
label: {en: Patient, zh: 患者}
title: name
features: [owned, history, search]
fields:
  name: {type: text, required: true, max_length: 80, search: high}
  mobile: {type: phone}
  id_card: {type: secret}
---
entity: visit
label: {en: Visit, zh: 就诊}
title: subject
features: [owned, history, search]
fields:
  subject: {type: text, required: true, max_length: 120, search: high}
  patient: {type: lookup, to: patient, on_delete: restrict}
  on_date: {type: date}
  stage: {type: select, default: booked, options: {booked: {}, seen: {}, missed: {}}}
  fee: {type: money, currency: CNY, min: 0}
  cost: {type: money, currency: CNY}
  doubled: {type: formula, result: money, expr: "fee * 2"}
  items: {type: table, of: visit_item}
  total: {type: rollup, of: items, sum: amount}
states:
  field: stage
  transitions: {see: {from: [booked], to: seen, requires: [fee]}, miss: {from: [booked], to: missed}}
checks:
  fee_is_sane: {fail_when: "fee > 1000000", at: fee, message: {en: Too much, zh: 太多}}
unique: {one_a_day: {fields: [patient, on_date]}}
---
entity: visit_item
parent: visit
title: what
fields:
  what: {type: text, required: true}
  amount: {type: money, currency: CNY, required: true, min: 0}
---
role: nurse
grants:
  patient: {read: all, create: all, update: own, fields: {id_card: hidden}}
  visit: {read: [own, team], create: all, update: [own], delete: [own], fields: {fee: read, cost: hidden}}
---
role: doctor
grants:
  patient: {read: all, create: all, update: all, delete: all}
  visit: {read: all, create: all, update: all, delete: all, export: all, transfer: all}
"""


@dataclass
class Api:
    """Requests to a site in the name of one of its people."""

    app: Flask
    site: Site
    tokens: dict[str, str]
    ids: dict[str, str]

    def send(self, method: str, path: str, who: str = "doctor", **options: Any) -> Any:
        """Send a request to /api/v1 and return the answer."""
        headers = {"Authorization": f"Bearer {self.tokens[who]}", **options.pop("headers", {})}
        return self.app.test_client().open(f"/api/v1{path}", method=method, headers=headers, buffered=True, **options)

    def create(self, entity: str, who: str = "doctor", **values: Any) -> dict[str, Any]:
        """Create a record and return it."""
        answer = self.send("POST", f"/{entity}", who, json=values)
        assert answer.status_code == 201, answer.get_data(as_text=True)
        made: dict[str, Any] = answer.get_json()
        return made


def _made(folder: Path, url: str | None) -> tuple[dict[str, str], dict[str, str]]:
    make_folder(folder, DOCUMENTS)
    with Site.open(folder, database_url=url) as site:
        site.publish()
        ids, tokens = {}, {}
        for name in ("doctor", "nurse", "other"):
            role = "doctor" if name == "doctor" else "nurse"
            ids[name] = site.identity.add(name.title(), f"{name}@example.com", (role,))
            tokens[name] = site.identity.add_token(ids[name], "test", (), None)[1]
        tokens["reader"] = site.identity.add_token(ids["doctor"], "reads", ("read",), None)[1]
        site.records.create(SYSTEM, "patient", [{"name": "Anna", "external_id": "P1"}])
    return ids, tokens


@dataclass(frozen=True)
class Pattern:
    """A site that nobody works in: its folder, its database, its people."""

    folder: Path
    url: str | None
    ids: dict[str, str]
    tokens: dict[str, str]


@pytest.fixture(scope="session")
def sqlite_pattern(tmp_path_factory: pytest.TempPathFactory) -> Pattern:
    folder = tmp_path_factory.mktemp("api") / "site"
    return Pattern(folder, None, *_made(folder, None))


@pytest.fixture(scope="session")
def postgresql_pattern(tmp_path_factory: pytest.TempPathFactory, postgres_server: PostgresServer) -> Pattern:
    folder, url = tmp_path_factory.mktemp("api") / "site", postgres_server.create()
    return Pattern(folder, url, *_made(folder, url))


@contextmanager
def opened(request: pytest.FixtureRequest, kind: str, folder: Path) -> Iterator[Api]:
    """Open the API of a site of its own, on a kind of database, in an empty folder."""
    pattern: Pattern = request.getfixturevalue(f"{kind}_pattern")
    server = request.getfixturevalue("postgres_server") if pattern.url is not None else None
    with copied(pattern.folder, folder / "site", server, pattern.url) as site:
        yield Api(create_app(site), site, dict(pattern.tokens), dict(pattern.ids))


@pytest.fixture(params=["sqlite", "postgresql"])
def api(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Api]:
    """The API of a site of this test's own; the test runs once on each kind of database."""
    with opened(request, request.param, tmp_path) as made:
        yield made


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """The API of a site that the tests of a module share."""
    with opened(request, request.param, tmp_path_factory.mktemp("api")) as made:
        yield made


@pytest.fixture
def lone(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Api]:
    """The API of a site of this test's own on SQLite, for what has nothing to do with the database."""
    with opened(request, "sqlite", tmp_path) as made:
        yield made
