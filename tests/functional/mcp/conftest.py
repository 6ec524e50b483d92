"""A clinic with agents: people, their tokens, and a site for each test, on both databases."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from engine import SYSTEM, Principal, Site
from engine.storage.database import run
from tests.conftest import PostgresServer
from tests.sites import copied, make_folder
from ui.app import create_app
from ui.mcp import tools
from ui.mcp.answers import UNTRUSTED
from ui.mcp.caller import Caller

DOCUMENTS = """
entity: patient
label: {en: Patient, zh: 患者}
plural: {en: Patients, zh: 患者}
title: name
features: [owned, history, search]
fields:
  name: {type: text, label: {en: Name, zh: 姓名}, required: true, max_length: 80, search: high}
  mobile: {type: phone, label: {en: Mobile, zh: 手机}, pii: true}
  reach: {type: formula, result: text, expr: "'call ' + mobile"}
  reachable: {type: formula, result: boolean, expr: "mobile is not None"}
  id_card: {type: secret}
  notes: {type: longtext, label: {en: Notes, zh: 备注}, search: normal}
  level: {type: select, label: {en: Level, zh: 级别}, options: {a: {}, b: {}, c: {}}}
---
entity: visit
label: {en: Visit, zh: 就诊}
plural: {en: Visits, zh: 就诊}
title: subject
features: [owned, history, search]
fields:
  subject: {type: text, label: {en: Subject, zh: 主题}, required: true, max_length: 120, search: high}
  patient: {type: lookup, to: patient, on_delete: restrict}
  mobile: {type: reference, of: patient, field: mobile}
  stage: {type: select, label: {en: Stage, zh: 阶段}, default: booked, options: {booked: {}, seen: {}, missed: {}}}
  fee: {type: money, label: {en: Fee, zh: 费用}, currency: CNY, min: 0}
  cost: {type: money, currency: CNY}
  items: {type: table, of: visit_item}
  total: {type: rollup, of: items, sum: amount}
states:
  field: stage
  transitions:
    see: {label: {en: See, zh: 就诊}, from: [booked], to: seen, requires: [fee]}
    miss: {from: [booked], to: missed}
checks:
  fee_is_sane: {fail_when: "fee > 1000000", at: fee, message: {en: Too much, zh: 太多}}
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
  visit: {read: [own], create: all, update: [own], delete: [own], fields: {fee: read, cost: hidden}}
---
role: doctor
grants:
  patient: {read: all, create: all, update: all, delete: all}
  visit: {read: all, create: all, update: all, delete: all, export: all, transfer: all}
"""
PEOPLE = {"doctor": "doctor", "other": "doctor", "nurse": "nurse", "visitor": ""}
PASSWORD = "correct horse battery"
SCOPES = {
    "reads": ("doctor", ("*", "mcp")),
    "proposes": ("doctor", ("*", "mcp", "mcp:write")),
    "deletes": ("doctor", ("*", "mcp", "mcp:write", "mcp:delete")),
    "writes": ("doctor", ("*", "mcp", "mcp:direct")),
    "sees": ("doctor", ("*", "mcp", "mcp:personal")),
    "patients": ("doctor", ("patient:read", "mcp", "mcp:write")),
    "nurse": ("nurse", ("*", "mcp", "mcp:write")),
    "program": ("doctor", ()),
}
"""Token -> whose it is, and its scopes."""


@dataclass
class Clinic:
    """A site and its agents."""

    site: Site
    app: Flask
    ids: Mapping[str, str]
    tokens: Mapping[str, str]

    def person(self, who: str) -> Principal:
        """Return somebody as they are when they work themselves."""
        return self.site.principal(self.ids[who])

    def caller(self, token: str) -> Caller:
        """Return an agent, as its token says."""
        principal, known = self.site.identity.agent_of_token(self.tokens[token])
        return Caller(principal, known.id, known.name, "Tester 1.0", "203.0.113.7")

    def call(self, tool: str, by: str = "proposes", **arguments: Any) -> dict[str, Any]:
        """Call a tool and return what it says; what is refused fails the test."""
        answer = tools.call(self.site, self.caller(by), tool, arguments)
        assert not answer.failed, answer.text()
        return answer.plain()

    def refused(self, tool: str, by: str = "proposes", **arguments: Any) -> dict[str, Any]:
        """Call a tool that refuses, and return the error."""
        answer = tools.call(self.site, self.caller(by), tool, arguments)
        assert answer.failed, answer.text()
        error: dict[str, Any] = answer.plain()["error"]
        return error

    def data(self, tool: str, by: str = "proposes", **arguments: Any) -> dict[str, Any]:
        """Call a tool and return the values that people have entered."""
        found: dict[str, Any] = self.call(tool, by, **arguments)[UNTRUSTED]
        return found

    def make(self, entity: str, *rows: Mapping[str, Any], by: str | None = None) -> list[str]:
        """Store records, as the product itself or as somebody, and return their ids."""
        principal = SYSTEM if by is None else self.person(by)
        return [each.id for each in self.site.records.create(principal, entity, rows)]

    def stored(self, entity: str, id_: str) -> dict[str, Any]:
        """Return a record as the product sees it."""
        with self.site.reading(SYSTEM) as reader:
            return reader.record(entity, id_).json()

    def send(self, body: Any, token: str | None = "proposes", **headers: str) -> Any:
        """Post a message to /mcp and return the answer."""
        given = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json", **headers}
        if token is not None:
            given["Authorization"] = f"Bearer {self.tokens.get(token, token)}"
        data = body if isinstance(body, (str, bytes)) else json.dumps(body)
        return self.app.test_client().post("/mcp", data=data, headers=given)


def build(folder: Path, url: str | None) -> tuple[dict[str, str], dict[str, str]]:
    """Make the site in a folder, and return the ids of its people and its tokens."""
    make_folder(folder, DOCUMENTS)
    with Site.open(folder, database_url=url) as site:
        site.publish()
        ids = {
            name: site.identity.add(name.title(), f"{name}@example.com", (role,) if role else ())
            for name, role in PEOPLE.items()
        }
        tokens = {
            name: site.identity.add_token(ids[who], f"{name} token", scopes)[1]
            for name, (who, scopes) in SCOPES.items()
        }
    return ids, tokens


@dataclass(frozen=True)
class Pattern:
    """A site that nobody works in."""

    folder: Path
    url: str | None
    ids: Mapping[str, str]
    tokens: Mapping[str, str]


@pytest.fixture(scope="session")
def sqlite_clinic(tmp_path_factory: pytest.TempPathFactory) -> Pattern:
    folder = tmp_path_factory.mktemp("mcp") / "site"
    made = Pattern(folder, None, *build(folder, None))
    with Site.open(folder) as site:
        # Everybody signs in once for all tests: a password takes a while, as it should.
        for name, id_ in made.ids.items():
            site.identity.set_password(id_, PASSWORD)
            secret = site.identity.sign_in(f"{name}@example.com", PASSWORD).secret
            (folder / f"{name}.cookie").write_text(secret, encoding="utf-8")
    return made


@pytest.fixture(scope="session")
def postgresql_clinic(tmp_path_factory: pytest.TempPathFactory, postgres_server: PostgresServer) -> Pattern:
    folder, url = tmp_path_factory.mktemp("mcp") / "site", postgres_server.create()
    return Pattern(folder, url, *build(folder, url))


def _copied(request: pytest.FixtureRequest, kind: str, tmp_path: Path) -> Iterator[Clinic]:
    pattern: Pattern = request.getfixturevalue(f"{kind}_clinic")
    server = request.getfixturevalue("postgres_server") if pattern.url is not None else None
    with copied(pattern.folder, tmp_path / "site", server, pattern.url) as site:
        yield Clinic(site, create_app(site), pattern.ids, pattern.tokens)


@pytest.fixture
def clinic(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Clinic]:
    """A clinic of this test's own, on SQLite."""
    yield from _copied(request, "sqlite", tmp_path)


@pytest.fixture(params=["sqlite", "postgresql"])
def stored_clinic(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Clinic]:
    """A clinic of this test's own; the test runs once on each kind of database."""
    yield from _copied(request, request.param, tmp_path)


@pytest.fixture
def anna(stored_clinic: Clinic) -> str:
    """The id of a patient."""
    [id_] = stored_clinic.make("patient", {"name": "Anna", "mobile": "13800138000", "level": "b"})
    return id_


def paths(error: Mapping[str, Any]) -> Sequence[str]:
    """Return the places of the problems of an error."""
    return sorted(each["path"] for each in error["problems"])


def changes(clinic: Clinic) -> int:
    """Return how many versions of records there are."""
    with clinic.site.database.read() as connection:
        return int(run(connection, "SELECT count(*) FROM record_change").fetchone()[0])
