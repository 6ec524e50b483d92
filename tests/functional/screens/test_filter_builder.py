"""The filter builder: rows and groups become the expression of a list, with and without a script."""

from __future__ import annotations

import html
import re
from urllib.parse import parse_qs, urlsplit

import pytest

from engine import SYSTEM
from tests.functional.screens.world import Web, World, titles, words


@pytest.fixture
def deals(world: World) -> World:
    """Four deals of Ben, two of them with a client."""
    ben = world.ids["ben"]
    acme, bond = world.create("client", {"name": "Acme"}, {"name": "Bond & <Co>"})
    world.create(
        "deal",
        {"name": "Anvil", "amount": "1000", "owner": ben, "client": acme, "tags": "big, red"},
        {"name": "Bolt", "amount": "20", "owner": ben, "stage": "won", "client": bond},
        {"name": "Crane", "amount": "300000", "owner": ben, "stage": "lost"},
        {"name": "Drill", "owner": ben},
    )
    return world


def filled(page: str) -> dict[str, list[str]]:
    """What the form of a page holds, as a browser would send it."""
    form = re.search(r'<form id="builder".*?</form>', page, re.DOTALL)
    assert form is not None
    found: dict[str, list[str]] = {}
    for name, value in re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', form[0]):
        found.setdefault(name, []).append(value)
    for name, options in re.findall(r'<select [^>]*name="([^"]*)".*?>(.*?)</select>', form[0], re.DOTALL):
        chosen = re.search(r'<option value="([^"]*)" selected', options) or re.search(
            r'<option value="([^"]*)"', options
        )
        found.setdefault(name, []).append(chosen[1] if chosen else "")
    for name, value, checked in re.findall(r'type="checkbox" name="([^"]*)" value="([^"]*)"( checked)?', form[0]):
        if checked:
            found.setdefault(name, []).append(value)
    for name, value in re.findall(r'<input class="form-control[^"]*" name="([^"]*)"[^>]*? value="([^"]*)"', form[0]):
        found.setdefault(name, []).append(value)
    found.pop("_token")
    return {name: [html.unescape(each) for each in values] for name, values in found.items()}


def press(web: Web, page: str, do: str, **values: str | list[str]) -> str:
    """Fill in some inputs of a form, press a button, and return what comes."""
    response = web.submit("/deal/filter", {**filled(page), **values, "do": do})
    if response.status_code == 303:
        return str(response.headers["Location"])
    assert response.status_code in {200, 422}
    return response.text


def filter_of(address: str) -> str:
    """The expression in an address."""
    return parse_qs(urlsplit(address).query).get("filter", [""])[0]


def test_rows_are_added_changed_and_taken_away_without_a_script(deals: World) -> None:
    web = deals.browser("ben")
    page = web.text("/deal/filter?stage=won")

    page = press(web, page, "refresh", **{"p-0": "amount"})
    page = press(web, page, "refresh", **{"o-0": "between"})
    page = press(web, page, "row:", **{"v-0": ["10", "5000"]})
    page = press(web, page, "refresh", **{"p-1": "client.name"})
    address = press(web, page, "apply", **{"o-1": "lacks", "v-1": "bond"})

    assert filter_of(address) == "(amount >= 10 and amount <= 5000) and not contains(client.name, 'bond')"
    assert address.startswith("/deal?stage=won&filter=")
    shown = web.text(address.replace("stage=won&", ""))
    assert titles(shown) == ["Anvil"]
    assert "Amount is between ¥10 – ¥5,000" in words(shown).replace(".00", "")
    page = press(web, web.text(address.replace("?", "/filter?", 1)), "remove:0")
    assert filter_of(press(web, page, "apply")) == "not contains(client.name, 'bond')"


def test_groups_nest_and_what_no_row_can_say_stays_as_it_was(deals: World) -> None:
    web = deals.browser("ben")
    text = "len(name) > 3 and (owner == user.id or stage in ['won', 'lost'] and amount > 5)"

    page = web.get("/deal/filter?filter=" + text).text
    again = press(web, page, "apply")

    assert filter_of(again) == text
    page = press(web, page, "group:1")
    assert 'name="j-1.2"' in page
    page = press(web, page, "row:1.2", **{"v-1.2.0": "Crane"})
    grown = filter_of(press(web, page, "apply", **{"v-1.2.1": "Drill"}))
    assert grown == f"{text[:-1]} or (contains(name, 'Crane') or contains(name, 'Drill')))"
    assert titles(web.get(f"/deal?filter={grown}").text)


def test_links_are_chosen_by_name_dates_by_words_and_tags_by_commas(deals: World) -> None:
    web = deals.browser("ben")
    page = press(web, web.text("/deal/filter"), "refresh", **{"p-0": "client"})

    page = press(web, page, "refresh", **{"add-v-0": "Acme"})
    assert "Acme" in words(page)
    assert titles(web.text(press(web, page, "apply"))) == ["Anvil"]
    wrong = press(web, page, "apply", **{"add-v-0": "Nobody Inc"})
    assert "“Nobody Inc” is not the name of one record" in words(wrong)
    page = press(web, press(web, page, "refresh", **{"p-0": "created_at"}), "apply", **{"v-0": "this_month"})
    assert "add_months" in filter_of(page)
    assert "Created is in This month" in words(web.text(page))
    page = press(
        web, press(web, web.text("/deal/filter"), "refresh", **{"p-0": "tags"}), "apply", **{"v-0": "red，new"}
    )
    assert filter_of(page) == "'red' in tags or 'new' in tags"
    assert titles(web.text(page)) == ["Anvil"]


def test_what_is_wrong_is_told_at_its_row_and_nothing_is_lost(deals: World) -> None:
    web = deals.browser("ben")
    page = press(web, press(web, web.text("/deal/filter"), "refresh", **{"p-0": "amount"}), "words:", **{"v-0": "many"})

    wrong = press(web, page, "apply", **{"v-0": "many", "w-1": "stag == 'won'"})

    assert 'value="many"' in wrong
    assert "There is no field stag" in words(wrong)
    assert wrong.count('class="field-wrong"') == 2
    assert web.submit("/deal/filter", {**filled(page), "v-0": "many", "do": "apply"}).status_code == 422
    assert words(web.submit("/deal/filter/count", {**filled(page), "v-0": "many"}).text) == "Not complete yet"


def test_how_many_fit_is_told_while_somebody_types(deals: World) -> None:
    web = deals.browser("ben")
    page = press(web, web.text("/deal/filter?stage=fresh"), "refresh", **{"p-0": "amount"})
    page = press(web, page, "refresh", **{"o-0": "ge"})

    assert web.submit("/deal/filter/count", {**filled(page), "v-0": "20"}).text == "1 record fits"
    assert web.submit("/deal/filter/count", filled(page)).text == "2 records fit"


def test_a_field_that_is_hidden_is_neither_offered_nor_told(deals: World) -> None:
    deals.create("deal", {"name": "Secret", "owner": deals.ids["ben"], "margin": "77"})
    ben, ada = deals.browser("ben"), deals.browser("ada")

    assert 'value="margin"' in ada.text("/deal/filter")
    page = ben.text("/deal/filter")
    assert 'value="margin"' not in page
    assert 'value="client.name"' in page
    tried = press(ben, page, "apply", **{"p-0": "margin", "was-0": "margin", "o-0": "gt", "v-0": "1"})
    assert "This field is gone, or hidden from you" in words(tried)
    assert "Margin" not in tried
    assert "Margin" not in ben.get("/deal?filter=margin > 1").text
    counted = ben.submit(
        "/deal/filter/count", {"state": "", "k-0": "row", "p-0": "margin", "was-0": "margin", "o-0": "gt", "v-0": "1"}
    )
    assert counted.status_code in {200, 400, 403, 422}
    assert "1 record" not in counted.text


def test_nonsense_breaks_no_form(deals: World) -> None:
    web = deals.browser("ben")

    for values in (
        {"k-0": "row"},
        {"k-9.9.9": "row", "k-0": "nothing", "p-0": "name"},
        {"k-0": "group", "do": "row:0.5.7"},
        {"k-0": "row", "p-0": "helpers.name", "o-0": "is", "v-0": "x", "do": "remove:7"},
        {"k-0": "words", "w-0": "(" * 100},
        {"k-99999": "row", "do": "group:x.y"},
    ):
        assert web.submit("/deal/filter", {"state": "", **values}).status_code in {200, 303, 422}
    with deals.site.reading(SYSTEM) as reader:
        assert "deal" in reader.model.entities
