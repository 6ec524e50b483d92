"""Many records at once: counted first, all that fit, tags, transitions, by a job, and back again."""

from __future__ import annotations

import re
from typing import Any

import pytest

from engine import SYSTEM, Order, Query
from tests.functional.screens.world import World, titles, words


@pytest.fixture
def deals(world: World) -> World:
    """Four deals of Ben, one of Cao."""
    ben, cao = world.ids["ben"], world.ids["cao"]
    world.create(
        "deal",
        *({"name": name, "owner": ben, "stage": "won", "tags": "big, <b>"} for name in ("A", "B", "C")),
        {"name": "D", "owner": ben},
        {"name": "E", "owner": cao, "stage": "won"},
    )
    return world


def values(world: World, path: str, entity: str = "deal") -> list[Any]:
    """What stands in a field of all records, by name."""
    with world.site.reading(SYSTEM) as reader:
        title = reader.model.entity(entity).title
        query = Query(entity, select=(path,), order_by=(Order((title,)),), limit=2_000)
        return [row[path] for row in reader.query(query).dicts()]


def test_what_is_done_to_all_that_fit_is_counted_first_done_and_taken_back(deals: World) -> None:
    web = deals.browser("ben")

    chosen = web.get("/deal/bulk?all=1&back=/deal%3Fstage=won&field=name").headers["Location"]
    asked = web.text(chosen)
    page = web.follow(
        web.submit(
            "/deal/many",
            {
                "act": "update",
                "all": "1",
                "state": "stage=won",
                "field": "amount",
                "set-amount": "7",
                "was-set-amount": "",
            },
        )
    )

    assert "3 records chosen, all that fit the list" in words(asked)
    assert "You may change all of them." in words(asked)
    assert "3 deals changed" in words(page)
    assert titles(page) == ["C", "B", "A"]
    assert [str(each) for each in values(deals, "amount")] == ["7.00", "7.00", "7.00", "None", "None"]
    undo = re.search(r'action="(/deal/undo/[0-9a-f-]{36})"', page)
    assert undo is not None
    web.submit(undo[1])
    assert set(values(deals, "amount")) == {None}


def test_those_that_may_not_be_changed_are_counted_and_told_one_by_one(deals: World) -> None:
    web = deals.browser("cao")

    asked = words(web.text("/deal/many?act=update&all=1&state=stage%3Dwon"))
    page = words(
        web.submit(
            "/deal/many",
            {
                "act": "update",
                "all": "1",
                "state": "stage=won",
                "field": "amount",
                "set-amount": "7",
                "was-set-amount": "",
            },
        ).text
    )

    assert "4 records chosen" in asked
    assert "3 stay as they are: you may not change them" in asked
    assert "1 changed, 0 were so already, 3 stayed as they are." in page
    assert "You may not change this" in page or "may not" in page
    assert [str(each) for each in values(deals, "amount")] == ["None"] * 4 + ["7.00"]


def test_tags_are_added_and_removed_without_touching_others(deals: World) -> None:
    web = deals.browser("ben")

    refused = web.submit("/deal/many", {"act": "tag", "all": "1", "state": "", "field": "tags"})
    web.submit(
        "/deal/many", {"act": "tag", "all": "1", "state": "", "field": "tags", "add": "new，big", "remove": "<b>"}
    )

    assert refused.status_code == 422
    assert "Name a tag to add or to remove" in words(refused.text)
    assert values(deals, "tags") == [("big", "new")] * 3 + [("new", "big"), None]


def test_ticked_records_are_handed_over_and_moved_to_the_bin(deals: World) -> None:
    ada = deals.browser("ada")
    ids = values(deals, "id")

    asked = ada.text(f"/deal/many?id={ids[0]}&id={ids[1]}")
    assert "2 records chosen" in words(asked)
    assert "Hand over…" in words(asked)
    moved = {"act": "transfer", "id": ids[:2], "set-owner": "曹琳", "was-set-owner": ""}
    assert ada.submit("/deal/many", moved).status_code == 303
    assert values(deals, "owner")[:3] == [deals.ids["cao"], deals.ids["cao"], deals.ids["ben"]]
    page = ada.follow(ada.submit("/deal/many", {"act": "delete", "all": "1", "state": "owner=me&stage=won"}))
    assert "Nothing had to be changed" in words(page)
    page = ada.follow(ada.submit("/deal/many", {"act": "delete", "id": ids[:2]}))
    assert "2 deals moved to the recycle bin" in words(page)


def test_a_step_says_from_how_many_it_does_not_lead_and_asks_for_what_it_needs(clinic: World, anna: str) -> None:
    owner = clinic.ids["cai"]
    clinic.create(
        "visit",
        *(
            {"subject": f"V{n}", "patient": anna, "owner": owner, "on_date": f"2026-01-0{n}", "fee": "5"}
            for n in (1, 2, 3)
        ),
    )
    nia, cai = clinic.browser("nia"), clinic.browser("cai")
    clinic.site.records.transition(SYSTEM, "visit", values(clinic, "id", "visit")[:1], "see")

    asked = cai.text("/visit/many?all=1&act=transition:miss")
    refused = cai.submit(
        "/visit/many",
        {"act": "transition:miss", "all": "1", "state": "", "set-why_missed": "", "was-set-why_missed": ""},
    )
    done = cai.submit(
        "/visit/many",
        {"act": "transition:miss", "all": "1", "state": "", "set-why_missed": "Snow", "was-set-why_missed": ""},
    )

    assert "1 stay as they are: this step does not lead on from where they stand" in words(asked)
    assert 'name="set-why_missed"' in asked
    assert "0 changed" in words(refused.text)
    assert "2 changed, 0 were so already, 1 stayed as they are." in words(done.text)
    assert values(clinic, "stage", "visit") == ["seen", "missed", "missed"]
    assert values(clinic, "why_missed", "visit")[1:] == ["Snow", "Snow"]
    assert cai.submit("/visit/many", {"act": "transition:see", "all": "1", "state": ""}).status_code == 404
    assert "See" in words(nia.text("/visit/many?all=1"))


def test_many_are_changed_by_a_job_with_a_page_of_its_own(world: World) -> None:
    ben, cao = world.ids["ben"], world.ids["cao"]
    world.create("deal", *({"name": f"D{n:03}", "owner": ben if n % 10 else cao} for n in range(420)))
    web = world.browser("cao")

    asked = web.text("/deal/many?all=1&act=update&field=stage")
    response = web.submit(
        "/deal/many", {"act": "update", "all": "1", "state": "", "field": "stage", "set-stage": "won"}
    )
    waiting = web.follow(response)
    world.site.jobs.run_due()
    page = web.follow(response)

    assert "So many are changed by a job" in words(asked)
    assert "378 stay as they are" in words(asked)
    assert "Waiting" in words(waiting)
    assert "42 changed, 0 were so already, 378 stayed as they are." in words(page)
