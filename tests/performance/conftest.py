"""The site of the bench with 5,000 leads on each database: made once, and only read."""

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from engine import SYSTEM, Site, create_folder
from engine.data import statement as statements
from engine.storage.database import run
from tests.bench import people
from tests.bench.ours import LEAD
from tests.conftest import PostgresServer
from tests.traces import traced
from ui.app import create_app

Sent = list[tuple[str, Any]]
"""Statements that readers have sent, with their values."""

ROWS = 5_000
PASSWORD = "correct horse battery staple"


@dataclass
class Shop:
    """A site, its application, and who uses it."""

    site: Site
    app: Flask
    people: dict[str, str]
    token: str
    cookie: str

    def get(self, path: str, *, browser: bool = False) -> Any:
        """Ask as the boss does with a program, or as a sales representative with a browser."""
        client = self.app.test_client()
        if browser:
            client.set_cookie("guanxi", self.cookie)
            return client.get(path)
        return client.get(path, headers={"Authorization": f"Bearer {self.token}"})

    def send(self, method: str, path: str, body: Any) -> Any:
        """Send JSON as the boss."""
        headers = {"Authorization": f"Bearer {self.token}"}
        return self.app.test_client().open(path, method=method, headers=headers, json=body)

    @contextmanager
    def statements(self) -> Iterator[list[str]]:
        """Note the statements that SQLite is sent, without those that its full text sends to itself."""
        sent: list[str] = []

        def note(text: str) -> None:
            if not text.startswith(("--", "PRAGMA")) and "'main'.'search_index" not in text:
                sent.append(text)

        with traced(self.site.database, note):
            yield sent


def _made(folder: Path, url: str | None) -> Shop:
    create_folder(folder, database=url)
    config = folder / "guanxi.yaml"
    config.write_text(config.read_text(encoding="utf-8").replace("packs: [crm]", "packs: []"), encoding="utf-8")
    (folder / "schemas" / "lead.yaml").write_text(LEAD, encoding="utf-8")
    site = Site.open(folder, database_url=url)
    site.publish()
    ids = {"boss": site.identity.add("Boss", "boss@example.com", ("boss",))}
    for number in range(people.USERS):
        ids[f"rep{number}"] = site.identity.add(f"Rep {number}", f"rep{number}@example.com", ("rep",))
    reps = [ids[f"rep{number}"] for number in range(people.USERS)]
    teams = [{"name": f"Team {n}", "members": reps[n :: people.TEAMS]} for n in range(people.TEAMS)]
    site.records.create(SYSTEM, "team", teams)
    site.identity.set_password(ids["rep1"], PASSWORD)
    path = folder / "leads.csv"
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, [*people.FIELDS, "owner"])
        writer.writeheader()
        writer.writerows(
            {**lead, "owner": f"Rep {number % people.USERS}"} for number, lead in enumerate(people.leads(ROWS))
        )
    assert site.import_file(SYSTEM, "lead", path).created == ROWS
    token = site.identity.add_token(ids["boss"], "guards")[1]
    cookie = site.identity.sign_in("rep1@example.com", PASSWORD).secret
    return Shop(site, create_app(site), ids, token, cookie)


@pytest.fixture(scope="session")
def sqlite_shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    shop = _made(tmp_path_factory.mktemp("performance") / "site", None)
    yield shop
    shop.site.close()


@pytest.fixture(scope="session")
def postgresql_shop(tmp_path_factory: pytest.TempPathFactory, postgres_server: PostgresServer) -> Iterator[Shop]:
    url = postgres_server.create()
    shop = _made(tmp_path_factory.mktemp("performance") / "site", url)
    with shop.site.database.beside() as connection:
        run(connection, "ANALYZE")  # as autovacuum does a minute later
    yield shop
    shop.site.close()
    postgres_server.drop(url)


@pytest.fixture(params=["sqlite", "postgresql"])
def shop(request: pytest.FixtureRequest) -> Shop:
    """The site on each kind of database."""
    found: Shop = request.getfixturevalue(f"{request.param}_shop")
    return found


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Sent:
    """The statements that readers have sent, with their values."""
    found: Sent = []

    def noting(connection: Any, text: str, values: Any = (), **options: Any) -> Any:
        found.append((text, values))
        return run(connection, text, values, **options)

    monkeypatch.setattr(statements, "run", noting)
    return found
