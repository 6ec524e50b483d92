"""Saved views: what they keep, who sees them, and what of them is left out for whom."""

from __future__ import annotations

import re
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from engine import SYSTEM, Audience, Shown, Site, clock
from tests.functional.screens.world import Web, World, build, titles, words

TODAY = clock.now().astimezone(ZoneInfo("Asia/Shanghai")).date()


@pytest.fixture
def deals(world: World) -> World:
    """Four deals of Ben and one of Cao."""
    ben, cao = world.ids["ben"], world.ids["cao"]
    world.create(
        "deal",
        {"name": "Anvil", "amount": "1000", "owner": ben, "margin": "5"},
        {"name": "Bolt", "amount": "20", "owner": ben, "stage": "won", "margin": "50", "closes_on": TODAY},
        {"name": "Crane", "amount": "300000", "owner": ben, "stage": "won"},
        {"name": "Drill", "owner": ben, "stage": "lost"},
        {"name": "Extra", "amount": "9", "owner": cao, "stage": "won"},
    )
    return world


def save(web: Web, state: str, name: str, **values: str) -> str:
    """Save a list as a view and return its id."""
    response = web.submit("/deal/views", {"state": state, "name": name, **values})
    assert response.status_code == 303, words(response.text)
    found = re.search(r"view=([0-9a-f-]{36})$", response.headers["Location"])
    assert found is not None
    return found[1]


def heads(page: str) -> list[str]:
    """The labels above the columns."""
    return [words(each) for each in re.findall(r'<th scope="col"[^>]*>(.*?)</th>', page, re.DOTALL)]


def test_a_view_keeps_what_the_list_shows_and_an_address_says_only_what_differs(deals: World) -> None:
    web = deals.browser("ben")
    view = save(web, "stage=won&filter=amount > 10&order=name", "Big wins")

    page = web.text(f"/deal?view={view}")

    assert titles(page) == ["Bolt", "Crane"]
    assert "Big wins" in words(page)
    assert "Changed, not saved" not in words(page)
    assert f'href="/deal?view={view}&amp;order=-name"' in page
    wider = web.text(f"/deal?view={view}&filter=")
    assert titles(wider) == ["Bolt", "Crane"]
    assert "Changed, not saved" in words(wider)
    assert titles(web.text(f"/deal?view={view}&stage=&filter=&order=-name")) == ["Drill", "Crane", "Bolt", "Anvil"]
    assert titles(web.text(f"/deal/rows?view={view}")) == ["Bolt", "Crane"]
    assert words(web.text(f"/deal/count?view={view}")) == "2 records"
    assert titles(web.text("/deal"))[0] == "Crane"


def test_changes_are_saved_into_ones_own_view_or_discarded(deals: World) -> None:
    web = deals.browser("ben")
    view = save(web, "stage=won", "Wins")

    discarded = web.submit(f"/deal/views/{view}/discard", {"state": f"view={view}&stage=lost"})
    saved = web.submit(f"/deal/views/{view}/save", {"state": f"view={view}&stage=lost"})

    assert discarded.headers["Location"] == f"/deal?view={view}"
    assert titles(web.follow(saved)) == ["Drill"]
    document = web.submit("/deal/views/deal.all/save", {"state": "stage=won"})
    assert document.headers["Location"] == "/deal/views/new?stage=won"


def test_a_view_is_its_owners_until_it_is_shared_and_gives_nobody_a_right(deals: World) -> None:
    ben, ada, cao = (deals.browser(each) for each in ("ben", "ada", "cao"))
    mine = save(ben, "stage=won", "Mine alone")
    all_ = save(ada, "stage=won", "For all", audience="everyone")
    bosses = save(ada, "stage=won", "For bosses", audience="some", roles="boss")

    assert ada.get(f"/deal?view={mine}").status_code == 404
    assert ada.get(f"/deal/views/{mine}").status_code == 404
    assert titles(ben.text(f"/deal?view={all_}")) == ["Crane", "Bolt"]
    assert titles(cao.text(f"/deal?view={bosses}")) == ["Crane", "Bolt", "Extra"]
    assert ben.get(f"/deal?view={bosses}").status_code == 404
    assert "For all" in words(ben.text("/deal/views"))
    assert "For bosses" not in words(ben.text("/deal/views"))
    assert ben.submit(f"/deal/views/{all_}", {"name": "Taken"}).status_code == 403
    assert ben.submit(f"/deal/views/{all_}", {"act": "delete"}).status_code == 403
    assert ben.submit("/deal/views", {"state": "", "name": "Loud", "audience": "everyone"}).status_code == 403
    assert cao.client.get("/deal").status_code == 200


def test_what_a_view_names_that_is_hidden_or_gone_is_left_out_and_told(deals: World) -> None:
    ada, ben = deals.browser("ada"), deals.browser("ben")
    ada.submit("/deal/columns", {"column": ["name", "margin", "client.name", "owner.nonsense"], "width-name": "300"})
    view = save(ada, "filter=margin > 10 and stage == 'won'&order=-margin&margin=1..", "Margins", audience="everyone")

    whole, part = ada.text(f"/deal?view={view}"), ben.text(f"/deal?view={view}")

    assert titles(whole) == ["Bolt"]
    assert heads(whole) == ["Name", "Margin", "Client · Name"]
    assert titles(part) == ["Crane", "Bolt"]
    assert heads(part) == ["Name", "Client · Name"]
    assert "3 parts of this view are left out" in words(part)
    assert "left out" not in words(whole)
    assert "argin" not in re.sub(r"Margins", "", words(part))


def test_columns_are_chosen_ordered_and_sized_by_each_person(deals: World) -> None:
    ben, ada = deals.browser("ben"), deals.browser("ada")

    page = ben.submit("/deal/columns", {"column": ["name", "stage"], "do": "add:client.name"}).text
    assert re.findall(r'name="column" value="(.*?)"', page) == ["name", "stage", "client.name"]
    page = ben.submit(
        "/deal/columns", {"column": ["name", "stage", "amount"], "do": "up:amount", "width-stage": "90"}
    ).text
    assert re.findall(r'name="column" value="(.*?)"', page) == ["name", "amount", "stage"]
    assert 'name="width-stage" value="90"' in page
    assert "margin" not in ben.text("/deal/columns")
    kept = ben.submit("/deal/columns", {"column": ["amount", "name", "margin"], "width-amount": "90", "do": "save"})

    assert heads(ben.follow(kept)) == ["Amount", "Name"]
    assert heads(ada.text("/deal"))[:2] == ["Name", "Stage"]
    assert heads(ben.text("/deal?view=deal.mine"))[:2] == ["Name", "Tags"]
    style = re.search(r'href="(/deal/columns.css.*?)"', ben.text("/deal"))
    assert style is not None
    assert "inline-size:90px" in ben.text(style[1].replace("&amp;", "&"))
    assert ben.submit("/deal/columns/width", {"column": ["name"], "width-name": "220"}).status_code == 204
    assert heads(ben.text("/deal")) == ["Name"]
    ben.submit("/deal/columns", {"do": "reset"})
    assert heads(ben.text("/deal"))[:2] == ["Name", "Stage"]


def test_columns_that_are_saved_in_a_view_are_everybodys_and_changes_to_them_are_ones_own(deals: World) -> None:
    ada, ben = deals.browser("ada"), deals.browser("ben")
    ada.submit("/deal/columns", {"column": ["name", "tags"]})
    view = save(ada, "", "Tags", audience="everyone")
    ada.submit("/deal/columns", {"do": "reset"})

    assert heads(ben.text(f"/deal?view={view}")) == ["Name", "Tags"]
    ben.submit("/deal/columns", {"state": f"view={view}", "column": ["tags"]})

    assert heads(ben.text(f"/deal?view={view}")) == ["Tags"]
    assert "Changed, not saved" in words(ben.text(f"/deal?view={view}"))
    assert heads(ada.text(f"/deal?view={view}")) == ["Name", "Tags"]
    ben.submit(f"/deal/views/{view}/discard", {"state": f"view={view}"})
    assert heads(ben.text(f"/deal?view={view}")) == ["Name", "Tags"]


def test_views_are_pinned_ordered_and_begun_with_as_each_person_likes(deals: World) -> None:
    ben, ada = deals.browser("ben"), deals.browser("ada")
    view = save(ada, "stage=won", "Wins", audience="everyone")

    def shown() -> list[str]:
        tabs = re.search(r'<nav class="views".*?<details', ben.text("/deal?view=deal.all"), re.DOTALL)
        assert tabs is not None
        return [words(each) for each in re.findall(r"<a .*?</a>", tabs[0], re.DOTALL)]

    assert shown() == ["All deals", "My deals"]
    ben.submit("/deal/views/arrange", {"act": f"pin:{view}"})
    ben.submit("/deal/views/arrange", {"act": f"up:{view}"})
    ben.submit("/deal/views/arrange", {"act": f"up:{view}"})
    assert shown() == ["Wins", "All deals", "My deals"]
    ben.submit("/deal/views/arrange", {"act": "hide:deal.mine"})
    assert shown() == ["Wins", "All deals"]
    ben.submit("/deal/views/arrange", {"act": f"first:{view}"})
    assert titles(ben.text("/deal")) == ["Crane", "Bolt"]
    assert titles(ben.text("/deal?view=deal.all"))[0] == "Crane"
    assert "order=name" in ben.text("/deal")
    assert ben.submit("/deal/views/arrange", {"act": "pin:nonsense"}).status_code == 404


def test_a_role_begins_with_a_view_until_somebody_chooses_another(deals: World) -> None:
    ben, ada = deals.browser("ben"), deals.browser("ada")
    view = save(ada, "stage=lost", "Lost ones", audience="everyone")

    assert ben.submit("/deal/views/arrange", {"act": "roles:", "first-seller": view}).status_code == 403
    ada.submit("/deal/views/arrange", {"act": "roles:", "first-seller": view})

    assert titles(ben.text("/deal")) == ["Drill"]
    assert titles(deals.browser("cao").text("/deal"))[0] == "Crane"
    ben.submit("/deal/views/arrange", {"act": "first:deal.all"})
    assert titles(ben.text("/deal"))[0] == "Crane"
    ada.submit(f"/deal/views/{view}", {"act": "delete"})
    assert ben.get(f"/deal?view={view}").status_code == 404
    assert titles(ben.text("/deal"))[0] == "Crane"


def test_a_view_is_renamed_duplicated_and_deleted(deals: World) -> None:
    ben = deals.browser("ben")
    view = save(ben, "stage=won", "Wins")

    nameless = ben.submit(f"/deal/views/{view}", {"name": "  "})
    assert nameless.status_code == 422
    assert "Give the view a name" in words(nameless.text)
    assert "Victories" in words(ben.follow(ben.submit(f"/deal/views/{view}", {"name": "Victories"})))
    copy = ben.submit(f"/deal/views/{view}", {"act": "duplicate"})
    assert "Victories (copy)" in ben.follow(copy)
    assert "was deleted" in words(ben.follow(ben.submit(f"/deal/views/{view}", {"act": "delete"})))
    assert "Victories (copy)" in ben.text("/deal/views")


def test_a_view_becomes_a_document_and_a_document_a_view(deals: World) -> None:
    ada, ben = deals.browser("ada"), deals.browser("ben")
    view = save(ada, "stage=won&closes_on=this_month&order=-amount", "Wins & <more>", audience="everyone")

    text = ada.text(f"/deal/views/{view}/document")

    assert ben.get(f"/deal/views/{view}/document").status_code == 404
    assert "view: deal.wins____more" in text
    assert "month(today)" in text
    assert "stage == 'won'" in text
    assert "order: [-amount]" in text or "- -amount" in text
    again = ada.follow(ada.submit("/deal/views/import", {"document": text}))
    assert titles(again) == ["Bolt"]
    refused = ada.follow(ada.submit("/deal/views/import", {"document": "view: client.x\nentity: client\n"}))
    assert "There is no view of this list in the text" in words(refused)


def test_nobody_who_only_looks_as_somebody_else_changes_their_views(deals: World) -> None:
    ben = deals.browser("ben")
    view = save(ben, "stage=won", "Wins")
    deals.site.records.delete(SYSTEM, "deal", [])

    assert view in ben.text("/deal/views")
    assert deals.browser("dan").get("/deal/views").status_code == 404
    assert deals.browser().get("/deal/views").status_code == 303


def test_views_are_kept_in_both_databases(database_url: str, tmp_path: Path) -> None:
    ids = build(tmp_path / "site", database_url=database_url)
    site = Site.open(tmp_path / "site", database_url=database_url)
    ada, ben = site.principal(ids["ada"]), site.principal(ids["ben"])
    with site.reading(ada) as reader:
        view = site.views.save(
            reader.access, "deal", " Big  ones ", Shown(filter="amount > 1"), Audience(everyone=True)
        )
        site.views.open_with(reader.access, "deal", "seller", view)
    site.views.arrange(ben, "deal", columns={view: (("name", 90),)}, hidden=("deal.all",))
    site.views.arrange(ben, "deal", pinned=(view,))

    with site.reading(ben) as reader:
        found = site.views.of(reader.connection, ben, "deal")
    site.close()

    assert found.saved[view].name == "Big ones"
    assert found.saved[view].shown == Shown(filter="amount > 1")
    assert found.arranged.columns == {view: (("name", 90),)}
    assert (found.arranged.hidden, found.arranged.pinned) == (("deal.all",), (view,))
    assert list(found.first_for(ben)) == [view]
    assert list(found.first_for(ada)) == []
