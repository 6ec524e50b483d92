"""Every channel, over every entity of several sites, in the name of people with random roles: nothing leaks."""

import random
from pathlib import Path
from typing import Any

import pytest

from engine.leaks import LeakReport, channels
from tests.conftest import Tier, read_tier
from tests.functional.leaks.random_models import random_documents
from tests.functional.leaks.world import CLINIC_DOCUMENTS, World, world

pytestmark = pytest.mark.slow
ENGINE = tuple(each.name for each in channels() if each.name not in {"screens", "rest"})


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "seed" in metafunc.fixturenames:
        metafunc.parametrize("seed", range(25 if read_tier() == "full" else 1))


def clean(report: LeakReport) -> None:
    assert not report.leaks, "\n".join(str(leak.message()) for leak in report.leaks)
    assert report.told > 200


def planted_everywhere(made: World) -> None:
    """A site in which nothing could be planted would prove nothing."""
    assert not made.planted.refused
    assert len(made.planted.marks) > 100


def _all_or_some(tier: Tier, **some: Any) -> dict[str, Any]:
    """Ask everything in the name of everybody; on every change, some of it."""
    return {} if tier == "full" else some


def test_the_clinic(seed: int, database_url: str, tmp_path: Path, tier: Tier) -> None:
    with world(tmp_path, CLINIC_DOCUMENTS, seed, url=database_url, packs="[crm]", rows=3) as made:
        planted_everywhere(made)
        clean(made.scan(**_all_or_some(tier, only=ENGINE, people=1, about=("visit", "visit_item", "contact"))))


def test_the_crm_pack_with_its_own_roles_and_random_ones(seed: int, tmp_path: Path, tier: Tier) -> None:
    with world(tmp_path, "", 100 + seed, packs="[crm]", rows=3) as made:
        planted_everywhere(made)
        clean(made.scan(**_all_or_some(tier, people=1, about=("account", "opportunity", "user"))))


def test_random_metadata(seed: int, database_url: str, tmp_path: Path, tier: Tier) -> None:
    documents = random_documents(random.Random(200 + seed))
    with world(tmp_path, documents, 200 + seed, url=database_url) as made:
        clean(made.scan(**_all_or_some(tier, only=ENGINE, people=1)))
