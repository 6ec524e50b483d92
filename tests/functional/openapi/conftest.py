"""A clinic with a field of every type, and people of four kinds: who may all, some, little and nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from engine import Site
from tests.functional.screens.clinic import DOCUMENTS
from tests.sites import copied, make_folder
from ui.app import create_app

ROLES = """
---
role: builder
label: {en: Builder, zh: 搭建者}
permissions: [developer]
grants:
  contact: {read: all}
---
role: guest
label: {en: Guest, zh: 访客}
grants: {}
"""
PEOPLE = {"ada": "admin", "nia": "nurse", "bob": "builder", "gus": "guest"}


@dataclass
class Described:
    """A site whose API is described."""

    app: Flask
    site: Site
    tokens: dict[str, str]

    def get(self, path: str, who: str = "ada", **headers: str) -> Any:
        """Send a GET to /api/v1 in the name of somebody; `_` in the name of a header stands for `-`."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {"Authorization": f"Bearer {self.tokens[who]}", **named}
        return self.app.test_client().get(f"/api/v1{path}", headers=sent)

    def document(self, who: str = "ada", query: str = "", **headers: str) -> dict[str, Any]:
        """Return the document as somebody gets it."""
        answer = self.get(f"/openapi.json{query}", who, **headers)
        assert answer.status_code == 200, answer.get_data(as_text=True)
        found: dict[str, Any] = answer.get_json()
        return found


def _made(folder: Path, documents: str, packs: str) -> dict[str, str]:
    make_folder(folder, documents, packs)
    return people(folder, PEOPLE)


def people(folder: Path, roles: dict[str, str]) -> dict[str, str]:
    """Publish a site and return tokens of people with some roles, by name."""
    with Site.open(folder) as site:
        site.publish()
        tokens = {}
        for name, role in roles.items():
            person = site.identity.add(name.title(), f"{name}@example.com", (role,))
            tokens[name] = site.identity.add_token(person, "test", (), None)[1]
    return tokens


@pytest.fixture(scope="session")
def clinic_folder(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    folder = tmp_path_factory.mktemp("openapi") / "site"
    return folder, _made(folder, DOCUMENTS + ROLES, "[]")


@pytest.fixture(scope="module")
def shown(clinic_folder: tuple[Path, dict[str, str]]) -> Iterator[Described]:
    """A clinic that nobody changes."""
    folder, tokens = clinic_folder
    with Site.open(folder) as site:
        yield Described(create_app(site), site, tokens)


@pytest.fixture
def clinic(clinic_folder: tuple[Path, dict[str, str]], tmp_path: Path) -> Iterator[Described]:
    """A clinic of this test's own."""
    folder, tokens = clinic_folder
    with copied(folder, tmp_path / "site") as site:
        yield Described(create_app(site), site, tokens)
