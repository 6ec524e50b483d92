"""A site of a trade that is not ours, used from the outside: by commands and HTTP, on both databases."""

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from engine.site.site import Site
from engine.testing import published_site
from tests.conftest import PostgresServer
from tests.functional.commands.conftest import (
    Done,
    any_crm,
    crm,
    folder,
    guanxi,
    quiet_environment,
    run_here,
)
from ui.app import create_app

__all__ = ["any_crm", "crm", "folder", "guanxi", "published_site", "quiet_environment"]

GARAGE = Path(__file__).with_name("garage.yaml")
PEOPLE = {"ada": "admin", "bob": "mechanic", "cyn": "mechanic", "dan": "office"}


@dataclass
class Place:
    """A site as its users meet it: a folder for commands, an address for programs."""

    folder: Path
    tokens: dict[str, str]
    client: FlaskClient

    def command(self, *words: str | Path, stdin: str = "") -> Done:
        """Run a command on the site."""
        return run_here(*words, stdin=stdin)

    def send(self, method: str, path: str, who: str = "ada", **options: Any) -> Any:
        """Send a request to /api/v1 in somebody's name and return the answer."""
        headers = {"Authorization": f"Bearer {self.tokens[who]}", **options.pop("headers", {})}
        return self.client.open(f"/api/v1{path}", method=method, headers=headers, **options)

    def create(self, entity: str, who: str = "ada", **values: Any) -> dict[str, Any]:
        """Create a record and return it as the answer shows it."""
        answer = self.send("POST", f"/{entity}", who, json=values)
        assert answer.status_code == 201, answer.get_data(as_text=True)
        made: dict[str, Any] = answer.get_json()
        return made

    def update(self, entity: str, record: dict[str, Any], who: str = "ada", **values: Any) -> dict[str, Any]:
        """Change a record and return it as the answer shows it."""
        answer = self.send("PATCH", f"/{entity}/{record['id']}", who, json=values)
        assert answer.status_code == 200, answer.get_data(as_text=True)
        made: dict[str, Any] = answer.get_json()
        return made

    def list(self, entity: str, who: str = "ada", **params: str) -> list[dict[str, Any]]:
        """Return one page of records."""
        answer = self.send("GET", f"/{entity}", who, query_string=params)
        assert answer.status_code == 200, answer.get_data(as_text=True)
        found: list[dict[str, Any]] = answer.get_json()["data"]
        return found

    def file(self, name: str, text: str | bytes) -> Path:
        """Write a file beside the site and return it."""
        path = self.folder.parent / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path


def refused(answer: Any, status: int = 422) -> dict[str, str]:
    """Return the code of each error by its path, after a look at the form of the answer."""
    assert answer.status_code == status, answer.get_data(as_text=True)
    assert answer.mimetype == "application/problem+json"
    return {each["path"]: each["code"] for each in answer.get_json()["errors"]}


@dataclass(frozen=True)
class Pattern:
    """A published garage that nobody works in."""

    folder: Path
    url: str | None
    tokens: dict[str, str]


def _pattern(target: Path, url: str | None) -> Pattern:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GUANXI_SITE", str(target))
        if url is None:
            patch.delenv("DATABASE_URL", raising=False)
        else:
            patch.setenv("DATABASE_URL", url)
        assert run_here("new", target).code == 0
        shutil.copy(GARAGE, target / "schemas")
        done = run_here("publish")
        assert (done.code, done.err) == (0, "")
        tokens = {}
        for name, role in PEOPLE.items():
            email = f"{name}@garage.example"
            assert run_here("user", "add", name.title(), "--email", email, "--role", role).code == 0
            tokens[name] = json.loads(run_here("token", "add", email, "--json").out)["token"]
    return Pattern(target, url, tokens)


@pytest.fixture(scope="session")
def sqlite_garage(tmp_path_factory: pytest.TempPathFactory) -> Pattern:
    return _pattern(tmp_path_factory.mktemp("garage") / "site", None)


@pytest.fixture(scope="session")
def postgresql_garage(tmp_path_factory: pytest.TempPathFactory, postgres_server: PostgresServer) -> Pattern:
    return _pattern(tmp_path_factory.mktemp("garage") / "site", postgres_server.create())


@pytest.fixture(params=["sqlite", "postgresql"])
def garage(
    request: pytest.FixtureRequest, folder: Path, quiet_environment: None, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Place]:
    """The garage, in a site of this test's own; the test runs once on each kind of database."""
    pattern: Pattern = request.getfixturevalue(f"{request.param}_garage")
    shutil.copytree(pattern.folder, folder)
    drop: Callable[[], None] = lambda: None  # noqa: E731
    if pattern.url is not None:
        server: PostgresServer = request.getfixturevalue("postgres_server")
        url = server.create(pattern.url)
        monkeypatch.setenv("DATABASE_URL", url)
        drop = lambda: server.drop(url)  # noqa: E731
    with Site.open(folder) as site:
        yield Place(folder, pattern.tokens, create_app(site).test_client())
    drop()
