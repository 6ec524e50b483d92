"""Schemathesis, with every check that it has, from the document that a site serves to people of several kinds.

It makes requests that keep to the document and requests that break it: nothing may end in a 500, nothing that breaks
it may be taken, every answer must be one that is described, and what was deleted must be gone. The quick tier goes on
for a few seconds with each of them; the full tier until everything was tried many times.
"""

from __future__ import annotations

import logging
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine import Site, create_folder
from tests.conftest import Tier
from tests.functional.openapi.conftest import people
from tests.functional.openapi.exploring import ALL, explore, served
from ui.api import changes
from ui.app import create_app

GUEST = "role: guest\nlabel: {en: Guest, zh: 访客}\ngrants: {}\n"
SECONDS = 6
"""How long the quick tier tries as one person."""
Trade = tuple[str, dict[str, str]]


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nobody wait long for changes that nobody makes, and keep requests out of what the tests print."""
    monkeypatch.setattr(changes, "MOST_WAIT_S", 0.05)
    monkeypatch.setattr(logging.getLogger("werkzeug"), "disabled", True)


@pytest.fixture
def clinic_served(clinic_folder: tuple[Path, dict[str, str]], tmp_path: Path) -> Iterator[Trade]:
    yield from _served_copy(clinic_folder, tmp_path)


@pytest.fixture(scope="module")
def crm_folder(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    folder = tmp_path_factory.mktemp("explored-crm") / "site"
    create_folder(folder)
    (folder / "schemas" / "guest.yaml").write_text(GUEST, encoding="utf-8")
    return folder, people(folder, {"ada": "admin", "rep": "sales_rep", "gus": "guest"})


@pytest.fixture
def crm_served(crm_folder: tuple[Path, dict[str, str]], tmp_path: Path) -> Iterator[Trade]:
    yield from _served_copy(crm_folder, tmp_path)


def _served_copy(made: tuple[Path, dict[str, str]], where: Path) -> Iterator[Trade]:
    """Serve a copy of a site: what an administrator tries out may end the accounts of everybody."""
    folder, tokens = made
    copy = where / "site"
    shutil.copytree(folder, copy)
    with Site.open(copy) as site, served(create_app(site)) as address:
        yield address, tokens


@pytest.mark.parametrize(
    ("trade", "who", "phases", "examples", "only"),
    [
        ("clinic_served", "ada", ("coverage",), 1, "^/(contact|visit_item|meta|files|changes|openapi|hooks)"),
        ("clinic_served", "gus", ("fuzzing", "stateful"), 2, None),
        ("clinic_served", "nia", ("examples", "fuzzing", "stateful"), 2, None),
        ("clinic_served", "ada", ("fuzzing", "stateful"), 1, None),
        ("crm_served", "ada", ("coverage",), 1, "^/lead(/.id.)?$"),
        ("crm_served", "gus", ("fuzzing", "stateful"), 2, None),
        ("crm_served", "rep", ("examples", "fuzzing", "stateful"), 1, None),
        ("crm_served", "ada", ("fuzzing",), 1, None),
    ],
)
def test_the_api_keeps_to_its_description_whatever_is_sent(
    request: pytest.FixtureRequest,
    tier: Tier,
    trade: str,
    who: str,
    phases: tuple[str, ...],
    examples: int,
    only: str | None,
) -> None:
    address, tokens = request.getfixturevalue(trade)
    if tier == "full":
        examples, phases, only = 30, ALL, None

    wrong, made = explore(
        address,
        tokens[who],
        examples=examples,
        phases=phases,
        only=only,
        seed=secrets.randbelow(10**9) if tier == "full" else 1,
        seconds=None if tier == "full" else SECONDS,
    )

    assert not wrong, "\n\n".join(f"{what}\n{how}" for what, how in wrong.items())
    assert made > 20
