"""The pages on which a person who leaves is handed over: counts, choices, a look ahead, the result and the way back."""

import html
import re
from urllib.parse import urlsplit

import pytest

from tests.functional.screens.world import World, words
from ui.pages import handover as module


@pytest.fixture
def deals(world: World) -> list[str]:
    """What is Ben's."""
    rows = [
        {"name": f"Deal {number}", "owner": world.ids["ben"], "stage": "fresh" if number else "won"}
        for number in range(5)
    ]
    return world.create("deal", *rows)


def given(page: str) -> dict[str, str]:
    """The hidden fields of the form that carries out what was looked at."""
    form = page[page.index('method="post" action="/admin/handover') :]
    return dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', html.unescape(form)))


def owners(world: World, ids: list[str]) -> set[str]:
    from engine import SYSTEM

    with world.site.reading(SYSTEM) as reader:
        return {reader.record("deal", id_, ("owner",)).values()["owner"] for id_ in ids}


def test_the_record_of_a_person_leads_to_it(world: World) -> None:
    address = f"/user/{world.ids['ben']}"

    assert f"/admin/handover/{world.ids['ben']}" in world.browser("ada").text(address)
    assert "/admin/handover/" not in world.browser("ada").text(f"/user/{world.ids['ada']}")
    assert "/admin/handover/" not in world.browser("cao").text(address)


def test_everything_is_handed_over_and_taken_back(world: World, deals: list[str]) -> None:
    web, ben = world.browser("ada"), world.ids["ben"]
    asked = web.text(f"/admin/handover/{ben}")
    assert "Deals 5" in words(asked)

    seen = web.text(
        f"/admin/handover/{ben}?step=preview&to=cao%40example.com&to-deal=ada%40example.com%2C+%E6%9B%B9%E7%90%B3"
    )
    assert "Deals 5 Ada 3 曹琳 2" in words(seen)
    done = web.follow(web.submit(f"/admin/handover/{ben}", given(seen)))

    assert "5 records were given away. The account is closed." in words(done)
    assert "Still with Ben Nothing." in words(done)
    assert owners(world, deals) == {world.ids["ada"], world.ids["cao"]}
    assert world.browser("ben").get("/deal").status_code == 303
    [run] = re.findall(rf'action="(/admin/handover/{ben}/[^"]+/undo)"', done)
    back = web.follow(web.submit(run))
    assert "6 records are as they were before" in words(back)
    assert owners(world, deals) == {ben}


def test_segments_and_what_stays(world: World, deals: list[str]) -> None:
    web, ben = world.browser("ada"), world.ids["ben"]
    chosen = "step=preview&to=cao%40example.com&keep-deal=1&enabled=1"
    chosen += "&where-deal=stage+%3D%3D+%27won%27&to-deal-own=ada%40example.com"

    seen = web.text(f"/admin/handover/{ben}?{chosen}")

    assert "Deals stage == 'won' 1 Ada Deals 4 They stay with Ben" in words(seen)
    assert "stays as it is" in words(seen)
    done = web.follow(web.submit(f"/admin/handover/{ben}", given(seen)))
    assert "1 records were given away." in words(done)
    assert "Deals · Owner 4 Nobody was named for them" in words(done)
    assert owners(world, deals[:1]) == {world.ids["ada"]}
    assert world.browser("ben").get("/deal").status_code == 200


def test_what_is_wrong_is_said_at_its_place(world: World, deals: list[str]) -> None:
    web, ben = world.browser("ada"), world.ids["ben"]
    for chosen, said in (
        ("", "Say who gets them"),
        ("to=nobody", "There is no user nobody"),
        ("to=ben%40example.com", "It is Ben who leaves"),
        ("to=cao%40example.com&where-deal=stag+%3D%3D+1&to-deal-own=ada%40example.com", "There is no field stag"),
        ("to=cao%40example.com&where-deal=stage+%3D%3D&to-deal-own=ada%40example.com", "field-wrong"),
        ("to=cao%40example.com&where-deal=stage+%3D%3D+1", "Fill in both"),
    ):
        response = web.get(f"/admin/handover/{ben}?step=preview&{chosen}")
        assert (response.status_code, said in response.text) == (422, True), chosen
        assert "field-wrong" in response.text
    refused = web.submit(f"/admin/handover/{ben}", {"to": "nobody"})
    assert refused.status_code == 422
    assert owners(world, deals) == {ben}


def test_others_may_not_even_look(world: World, deals: list[str]) -> None:
    ben = world.ids["ben"]
    for who in ("ben", "cao", "dan"):
        web = world.browser(who)
        assert web.get(f"/admin/handover/{ben}").status_code == 403
        assert web.submit(f"/admin/handover/{ben}", {"to": "cao@example.com"}).status_code == 403
    assert world.browser().get(f"/admin/handover/{ben}").status_code == 303
    assert world.browser("ada").get("/admin/handover/00000000-0000-7000-8000-000000000000").status_code == 404
    assert owners(world, deals) == {ben}


def test_a_large_one_goes_on_from_page_to_page(world: World, deals: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    from engine.handover import handovers

    monkeypatch.setattr(handovers, "PORTION", 2)
    monkeypatch.setattr(module, "_SECONDS", -1.0)
    web, ben = world.browser("ada"), world.ids["ben"]

    response = web.submit(f"/admin/handover/{ben}", {"to": "cao@example.com"})
    address = urlsplit(response.headers["Location"]).path
    page = web.follow(response)
    assert "2 of 5 records were given away." in words(page)
    assert "was begun and is not finished" in words(web.text(f"/admin/handover/{ben}"))
    assert web.submit(f"/admin/handover/{ben}", {"to": "cao@example.com"}).status_code == 422
    for _ in range(10):
        if "Carry on" not in page:
            break
        page = web.follow(web.submit(address))

    assert "5 records were given away." in words(page)
    assert owners(world, deals) == {world.ids["cao"]}


def test_the_pages_speak_chinese(world: World, deals: list[str]) -> None:
    web = world.browser("ada")
    web.client.set_cookie("guanxi_language", "zh")

    page = web.text(f"/admin/handover/{world.ids['ben']}")
    seen = web.text(f"/admin/handover/{world.ids['ben']}?step=preview&to=cao%40example.com")

    assert "离职交接：Ben" in words(page)
    assert "预览交接结果" in words(seen)
