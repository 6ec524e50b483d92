"""Entries of the menu and views that are shown to some people only: by role, and by a condition over the person."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine import SYSTEM, RecordInvalid, Site
from engine.site.documents import check_files
from tests.functional.screens.world import DOCUMENTS, World, build, words
from ui.app import create_app

OFFERED = (
    DOCUMENTS.replace(
        "items:\n  deals: {entity: deal}",
        "items:\n  deals: {entity: deal}\n"
        "  board: {view: deal.board, label: Board}\n"
        "  money: {url: /search, label: Money matters, roles: [boss]}\n"
        "  zoned: {url: /search, label: For Tokyo, when: \"user.timezone == 'Asia/Tokyo'\"}",
    )
    + """---
view: deal.board
entity: deal
title: Only the boss
roles: [boss]
columns: {name: {}}
---
view: deal.tokyo
entity: deal
title: Only in Tokyo
when: "user.timezone == 'Asia/Tokyo' and 'seller' in user.roles"
columns: {name: {}, amount: {}}
"""
)


@pytest.fixture(scope="module")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    folder = tmp_path_factory.mktemp("offered") / "site"
    return folder, build(folder, OFFERED)


@pytest.fixture
def world(pattern: tuple[Path, dict[str, str]], tmp_path: Path) -> Iterator[World]:
    folder, ids = pattern
    shutil.copytree(folder, tmp_path / "site")
    with Site.open(tmp_path / "site") as site:
        yield World(site, create_app(site), ids)


def test_an_entry_is_shown_to_its_roles_alone(world: World) -> None:
    assert "Money matters" in words(world.browser("cao").text("/"))
    assert "Money matters" not in words(world.browser("ben").text("/"))


def test_an_entry_of_a_view_that_is_not_offered_is_not_shown(world: World) -> None:
    assert "Board" in words(world.browser("cao").text("/"))
    assert "Board" not in words(world.browser("ben").text("/"))


def test_a_condition_is_judged_for_each_person_also_among_people_of_one_role(world: World) -> None:
    assert "For Tokyo" not in words(world.browser("ben").text("/"))
    world.site.records.update(SYSTEM, "user", [{"id": world.ids["ben"], "timezone": "Asia/Tokyo"}])
    assert "For Tokyo" in words(world.browser("ben").text("/"))
    assert "For Tokyo" not in words(world.browser("cao").text("/"))


def test_a_view_is_offered_and_found_by_its_address_only_where_it_is_meant(world: World) -> None:
    world.create("deal", {"name": "Bridge", "owner": world.ids["ben"]})
    assert "Only the boss" in words(world.browser("cao").text("/deal"))
    assert world.browser("cao").get("/deal?view=deal.board").status_code == 200

    ben = world.browser("ben")
    assert "Only the boss" not in words(ben.text("/deal"))
    assert ben.get("/deal?view=deal.board").status_code == 404
    assert ben.get("/deal?view=deal.tokyo").status_code == 404
    world.site.records.update(SYSTEM, "user", [{"id": world.ids["ben"], "timezone": "Asia/Tokyo"}])
    assert ben.get("/deal?view=deal.tokyo").status_code == 200


def test_rows_are_kept_by_grants_whatever_is_offered(world: World) -> None:
    """Who may not see the view sees the records all the same, where rows let them: it is no boundary."""
    [id_] = world.create("deal", {"name": "Bridge", "owner": world.ids["ben"]})
    assert "Bridge" in world.browser("ben").text(f"/deal/{id_}")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("roles: [boss]\ncolumns", None),
        ('when: "amount > 3"\ncolumns', "amount"),
        ('when: "user.id"\ncolumns', "true or false"),
    ],
)
def test_a_condition_that_is_not_about_the_person_is_refused_at_its_place(
    line: str, said: str | None, tmp_path: Path
) -> None:
    text = OFFERED.replace("roles: [boss]\ncolumns", line)
    (tmp_path / "site.yaml").write_text(text, "utf-8")
    checked = check_files([tmp_path / "site.yaml"], site=tmp_path)
    errors = [str(each) for each in checked.problems if each.severity == "error"]
    if said is None:
        assert not errors
    else:
        assert any(said in each for each in errors), errors


def test_a_role_that_is_not_there_is_told(tmp_path: Path) -> None:
    (tmp_path / "site.yaml").write_text(OFFERED.replace("roles: [boss]\ncolumns", "roles: [bos]\ncolumns"), "utf-8")
    checked = check_files([tmp_path / "site.yaml"], site=tmp_path)
    assert any("there is no role 'bos'" in str(each) for each in checked.problems)


RULES = """
entity: offer
title: name
features: [owned]
fields:
  name: {type: text, required: true}
  discount: {type: percent, read_only_when: "'boss' not in user.roles", label: Discount}
  reason: {type: text, visible_when: "'boss' in user.roles", label: Reason for the boss}
---
role: seller
grants: {offer: {read: all, create: all, update: all}}
---
role: boss
grants: {offer: {read: all, create: all, update: all}}
"""


def test_a_form_follows_who_fills_it_in_on_the_page_and_behind_it(tmp_path: Path) -> None:
    ids = build(tmp_path / "site", RULES)
    with Site.open(tmp_path / "site") as site:
        world = World(site, create_app(site), ids)
        [offer] = world.create("offer", {"name": "Bridge", "discount": "5", "owner": ids["ben"]})
        change = [{"id": offer, "discount": "50"}]

        ben, cao = (world.browser(who).text(f"/offer/{offer}/edit") for who in ("ben", "cao"))
        assert ('is-off" data-field="reason"' in ben, 'is-off" data-field="reason"' in cao) == (True, False)
        assert ('name="discount"' in ben, 'name="discount"' in cao) == (False, True)
        with pytest.raises(RecordInvalid, match="discount"):
            site.records.update(site.principal(ids["ben"]), "offer", change)

        [written] = site.records.update(site.principal(ids["cao"]), "offer", change)
        assert str(written.values["discount"]) == "50.00"
