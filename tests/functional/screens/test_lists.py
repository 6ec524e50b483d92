"""Lists: columns, filters, sorting, paging, counting, rights and what a page costs."""

import re
from datetime import timedelta
from zoneinfo import ZoneInfo

import orjson
import pytest

from engine import SYSTEM, Change, clock
from tests.functional.screens.world import World, titles, words

TODAY = clock.now().astimezone(ZoneInfo("Asia/Shanghai")).date()
"""Where the site is, which may be a day ahead of the clock."""


@pytest.fixture
def deals(world: World) -> World:
    """Six deals of Ben and one of Cao."""
    acme, bond = world.create("client", {"name": "Acme & Sons"}, {"name": "邦德"})
    ben, cao = world.ids["ben"], world.ids["cao"]
    world.create(
        "deal",
        {"name": "Anvil", "amount": "1000.50", "owner": ben, "client": acme, "closes_on": TODAY, "tags": "big, red"},
        {"name": "Bolt", "amount": "20", "owner": ben, "stage": "won", "active": True, "view": "Sunny side"},
        {"name": "Crane", "amount": "300000", "owner": ben, "client": bond, "closes_on": TODAY - timedelta(1)},
        {"name": "Drill", "owner": ben, "stage": "lost", "active": False, "closes_on": TODAY + timedelta(400)},
        {"name": "<b>Evil</b> & co", "amount": "7", "owner": ben, "site": "https://example.com/a?b=1&c=2"},
        {"name": "飞机", "amount": "8", "owner": ben, "phone": "+8613812345678"},
        {"name": "Not Ben's", "amount": "9", "owner": cao},
    )
    return world


def test_a_list_shows_the_columns_of_its_view_in_its_order(deals: World) -> None:
    page = deals.browser("ben").text("/deal")

    assert titles(page) == ["Crane", "Anvil", "Bolt", "飞机", "<b>Evil</b> & co", "Drill"]
    heads = re.findall(r'<th scope="col"[^>]*>(.*?)</th>', page, re.DOTALL)
    assert [words(head) for head in heads] == ["Name", "Stage", "Amount", "Client", "Owner", "Closes on", "Created"]
    assert "¥1,000.50" in page
    assert "Acme &amp; Sons" in page
    assert "<b>Evil" not in page


def test_a_field_that_is_hidden_from_a_role_is_neither_column_nor_filter_nor_order(deals: World) -> None:
    web = deals.browser("ben")

    assert "Margin" in deals.browser("ada").text("/deal")
    assert "Margin" not in web.text("/deal")
    assert "Margin" not in web.text("/deal?order=margin&margin=1..2")
    assert web.get("/deal?filter=margin > 1").status_code == 422


def test_a_masked_value_is_a_mark_that_leads_nowhere_and_cannot_be_sorted_by(deals: World) -> None:
    deals.create("deal", {"name": "Secretive", "owner": deals.ids["cao"], "phone": "+8613812345678"})
    web = deals.browser("cao")

    page = web.text("/deal?view=deal.mine")

    assert "••••5678" in page
    assert "tel:" not in page
    assert "order=phone" not in page
    assert titles(web.text("/deal?view=deal.mine&order=phone"))[0] == "Not Ben's"
    assert titles(web.text("/deal?view=deal.mine&phone=1381"))[0] == "Not Ben's"


def test_another_view_has_its_own_columns_and_rows(deals: World) -> None:
    page = deals.browser("cao").text("/deal?view=deal.mine")

    assert titles(page) == ["Not Ben's"]
    assert re.search(r'href="/deal\?view=deal.mine" aria-current="page"', page)


def test_values_of_many_kinds_are_shown_as_people_read_them(deals: World) -> None:
    deals.create(
        "deal",
        {
            "name": "All", "owner": deals.ids["ben"], "tags": "big, <i>", "site": "https://www.example.com/",
            "amount": "200", "phone": "+8613812345678", "tint": "#ff0000", "stars": 3, "active": False,
            "helpers": [deals.ids["cao"], deals.ids["ada"]],
        },
    )  # fmt: skip

    page = deals.browser("ben").text("/deal?view=deal.mine&q=All")

    assert '<span class="tag">&lt;i&gt;</span>' in page
    assert '<a href="https://www.example.com/" target="_blank" rel="noopener noreferrer">example.com</a>' in page
    assert '<a href="tel:+8613812345678">' in page
    assert 'fill="#ff0000"' in page
    assert "★★★☆☆" in page
    assert "¥26.00" in page
    assert "曹琳, Ada" in page or "Ada, 曹琳" in page


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ("stage=won", ["Bolt"]),
        ("stage=won&stage=lost", ["Bolt", "Drill"]),
        ("owner=me", ["Crane", "Anvil", "Bolt", "飞机", "<b>Evil</b> & co", "Drill"]),
        ("owner=-", []),
        ("active=yes", ["Bolt"]),
        ("active=no&stage=lost", ["Drill"]),
        ("closes_on=today", ["Anvil"]),
        ("closes_on=past", ["Crane"]),
        ("closes_on=future", ["Drill"]),
        ("closes_on=-&stage=won", ["Bolt"]),
        (f"closes_on={TODAY - timedelta(3)}..{TODAY}", ["Crane", "Anvil"]),
        ("amount=20..1000.5", ["Anvil", "Bolt"]),
        ("amount=300000", ["Crane"]),
        ("amount=..7", ["<b>Evil</b> & co"]),
        ("client=acme", ["Anvil"]),
        ("client=邦", ["Crane"]),
        ("tags=red", ["Anvil"]),
        ("f.view=sunny", ["Bolt"]),
        ("created_at=today&stage=won", ["Bolt"]),
        ("created_at=yesterday", []),
        ("q=飞", ["飞机"]),
        ("q=anvil", ["Anvil"]),
        ("filter=amount > 1000 and client.name != '邦德'", ["Anvil"]),
        ("stage=&owner=&q=&filter=", ["Crane", "Anvil", "Bolt", "飞机", "<b>Evil</b> & co", "Drill"]),
    ],
)
def test_quick_filters_are_parameters_of_the_address(deals: World, filters: str, expected: list[str]) -> None:
    page = deals.browser("ben").text(f"/deal?{filters}")

    assert titles(page) == expected


def test_a_link_may_narrow_a_list_by_any_field_and_names_the_record(deals: World) -> None:
    web = deals.browser("ben")
    [acme] = re.findall(r'<a href="/client/([0-9a-f-]{36})">Acme', web.text("/deal"))
    deals.create("deal", {"name": "Helped", "owner": deals.ids["ben"], "helpers": [deals.ids["cao"]]})

    by_client = web.text(f"/deal?client={acme}&stage=fresh")
    by_helper = web.text(f"/deal?helpers={deals.ids['cao']}&site=")
    by_site = web.text("/deal?site=example.com&margin=3")

    assert titles(by_client) == ["Anvil"]
    assert "Client: Acme & Sons" in words(by_client)
    assert f'<input type="hidden" name="client" value="{acme}">' in by_client
    assert 'href="/deal?stage=fresh" title="Clear"' in by_client
    assert titles(by_helper) == ["Helped"]
    assert "Helpers: 曹琳" in words(by_helper)
    assert titles(by_site) == ["<b>Evil</b> & co"]


def test_a_chosen_filter_stays_chosen_on_the_page(deals: World) -> None:
    page = deals.browser("ben").text("/deal?stage=won&amount=20..&q=Bolt")

    assert '<option value="won" selected>Won</option>' in page
    assert 'name="amount" value="20.."' in page
    assert 'name="q" type="search" value="Bolt"' in page
    assert 'href="/deal"' in page


@pytest.mark.parametrize("filters", ["stage=nonsense", "closes_on=someday", "amount=few", "active=perhaps"])
def test_a_value_that_means_nothing_is_told(deals: World, filters: str) -> None:
    response = deals.browser("ben").get(f"/deal?{filters}")

    assert response.status_code == 422
    assert "cannot be used" in words(response.text)


def test_a_wrong_expression_is_shown_with_its_place(deals: World) -> None:
    response = deals.browser("ben").get("/deal?filter=amount > 1 and stag == 'won'")

    assert response.status_code == 422
    assert "Column 16: There is no field stag (did you mean stage?)" in words(response.text)
    assert 'value="amount &gt; 1 and stag == &#39;won&#39;"' in response.text


@pytest.mark.parametrize("text", ["1 +", "name ==", "(((", "amount > 'x'", "'" * 5000])
def test_no_expression_breaks_the_page(deals: World, text: str) -> None:
    response = deals.browser("ben").client.get("/deal", query_string={"filter": text})

    assert response.status_code == 422


def test_a_head_sorts_by_its_column_and_turns_round(deals: World) -> None:
    web = deals.browser("ben")

    up = web.text("/deal?order=name")
    down = web.text("/deal?order=-client.name")

    assert titles(up)[:3] == ["<b>Evil</b> & co", "Anvil", "Bolt"]
    assert 'aria-sort="ascending"><a href="/deal?order=-name">' in up
    assert titles(down)[:2] == ["Crane", "Anvil"]
    assert 'aria-sort="descending"><a href="/deal?order=client.name">' in down


def test_an_order_by_what_is_no_column_is_as_if_it_was_not_asked_for(deals: World) -> None:
    page = deals.browser("ben").text("/deal?order=nonsense")

    assert titles(page)[0] == "Crane"


def test_more_rows_come_page_by_page_until_there_are_no_more(world: World) -> None:
    world.create("deal", *({"name": f"Deal {number:03}", "owner": world.ids["ben"]} for number in range(120)))
    web = world.browser("ben")
    seen: list[str] = []
    address = "/deal?order=name"
    for _ in range(3):
        page = web.text(address)
        seen += titles(page)
        following = re.search(r'class="btn btn-ghost w-100" href="(.*?)"', page)
        if following is None:
            break
        address = following[1].replace("&amp;", "&")

    assert seen == [f"Deal {number:03}" for number in range(120)]


def test_with_a_script_rows_are_added_and_the_address_remembers_how_many(world: World) -> None:
    world.create("deal", *({"name": f"Deal {number:03}", "owner": world.ids["ben"]} for number in range(120)))
    web = world.browser("ben")
    page = web.text("/deal?order=name")
    address = re.search(r'hx-get="(/deal/rows.*?)"', page)
    assert address is not None

    response = web.get(address[1].replace("&amp;", "&"), **{"HX-Request": "true"})

    assert titles(response.text) == [f"Deal {number:03}" for number in range(50, 100)]
    assert "<html" not in response.text
    assert response.headers["HX-Replace-Url"] == "/deal?order=name&rows=100"
    assert len(titles(web.text("/deal?order=name&rows=100"))) == 100


def test_a_cursor_of_another_list_is_refused(world: World) -> None:
    world.create("deal", *({"name": f"Deal {number:03}", "owner": world.ids["ben"]} for number in range(60)))
    page = world.browser("ben").text("/deal?order=name")
    cursor = re.search(r"cursor=([\w-]+)", page)
    assert cursor is not None

    assert world.browser("cao").get(f"/deal?order=name&cursor={cursor[1]}").status_code == 400
    assert world.browser("ben").get(f"/deal?order=-name&cursor={cursor[1]}").status_code == 400


def test_a_long_list_is_counted_only_when_asked(world: World) -> None:
    world.create("deal", *({"name": f"Deal {number}", "owner": world.ids["ben"]} for number in range(1_100)))
    web = world.browser("ben")

    page = web.text("/deal")

    assert 'href="/deal?count=1"' in page
    assert "1,000+ records" in words(web.text("/deal?count=1"))
    assert words(web.text("/deal/count")) == "1,000+ records"
    assert words(web.text("/deal/count?q=1099")) == "1 record"


def test_a_short_list_says_how_many_there_are_at_once(deals: World) -> None:
    assert "6 records" in words(deals.browser("ben").text("/deal"))


def test_with_a_script_only_the_list_is_sent_and_the_address_is_cleaned(deals: World) -> None:
    response = deals.browser("ben").get("/deal?stage=won&owner=&q=", **{"HX-Request": "true"})

    assert titles(response.text) == ["Bolt"]
    assert "<html" not in response.text
    assert response.headers["HX-Push-Url"] == "/deal?stage=won"
    assert "HX-Request" in response.headers["Vary"]


def test_going_back_with_a_script_gets_the_whole_page(deals: World) -> None:
    response = deals.browser("ben").get("/deal", **{"HX-Request": "true", "HX-History-Restore-Request": "true"})

    assert "<html" in response.text


def test_rows_have_what_their_own_rights_allow(deals: World) -> None:
    page = deals.browser("cao").text("/deal")
    rows = re.findall(r"<tr><td>.*?</tr>", page)

    editable = [titles(row) for row in rows if "/edit" in row]

    assert len(rows) == 7
    assert editable == [["Not Ben's"]]
    assert [titles(row) for row in rows if 'name="id"' in row] == [["Not Ben's"]]


def test_what_somebody_may_not_do_is_not_offered(deals: World) -> None:
    ben, cao = deals.browser("ben").text("/deal"), deals.browser("cao").text("/deal")

    assert 'href="/deal/new"' in ben
    assert 'href="/deal/new"' not in cao
    assert "/deal/export.csv" in ben
    assert "/deal/export.csv" not in cao
    assert "New" not in deals.browser("ben").text("/client")


def test_an_entity_that_somebody_may_not_see_does_not_exist_for_them(deals: World) -> None:
    web = deals.browser("dan")

    assert web.get("/deal").status_code == 404
    assert web.get("/deal/rows").status_code == 404
    assert web.get("/nonsense").status_code == 404
    assert words(web.get("/deal").text).replace("deal", "") == words(web.get("/nonsense").text).replace("nonsense", "")


def test_an_empty_list_says_what_to_do(world: World) -> None:
    web = world.browser("ben")

    assert "No deals yet" in words(web.text("/deal"))
    assert "Add the first" in words(web.text("/deal"))
    assert "Add the first" not in words(world.browser("cao").text("/deal"))
    assert "Nothing fits" in words(web.text("/deal?stage=won"))
    assert "only some of the deals" in words(web.text("/deal?view=deal.mine"))


def test_the_style_of_the_columns_comes_as_a_file_that_browsers_keep(deals: World) -> None:
    web = deals.browser("ben")
    page = web.text("/deal")
    address = re.search(r'href="(/deal/columns.css.*?)"', page)
    assert address is not None

    response = web.get(address[1].replace("&amp;", "&"))

    assert response.mimetype == "text/css"
    assert 'content:"Stage"' in response.text
    assert "immutable" in response.headers["Cache-Control"]
    assert "style=" not in page
    assert "<script>" not in page


def test_an_export_holds_what_the_list_shows(deals: World) -> None:
    response = deals.browser("ben").get("/deal/export.csv?stage=won")
    found = deals.browser("ben").get("/deal/export.csv?q=anvil")

    assert response.mimetype == "text/csv"
    assert "attachment" in response.headers["Content-Disposition"]
    lines = response.data.decode("utf-8-sig").splitlines()
    assert len(lines) == 2
    assert "Bolt" in lines[1]
    assert "margin" not in lines[0].split(",")
    assert "Anvil" in found.text
    assert len(found.text.splitlines()) == 2


def test_who_may_not_export_gets_nothing(deals: World) -> None:
    assert deals.browser("cao").get("/deal/export.csv").status_code == 403


def test_a_changed_record_moves_in_the_list_without_anything_to_clear(deals: World) -> None:
    web = deals.browser("ben")
    page = web.text("/deal")
    [bolt] = re.findall(r'<a href="/deal/([0-9a-f-]{36})">Bolt</a>', page)

    deals.site.records.update(SYSTEM, "deal", [Change(bolt, {"amount": "999999"})])

    assert titles(web.text("/deal"))[0] == "Bolt"


def test_a_published_view_shows_at_once(deals: World) -> None:
    web = deals.browser("ben")
    web.text("/deal")
    file = deals.site.config.folder / "schemas" / "world.yaml"
    file.write_text(file.read_text("utf-8").replace("{name: {}, stage: {widget: badge}", "{name: {}"), "utf-8")

    deals.site.publish()

    assert '<th scope="col"><a href="/deal?order=stage">' not in web.text("/deal")
    assert titles(web.text("/deal"))[0] == "Crane"


@pytest.mark.parametrize("address", ["/deal", "/deal?order=-client.name&stage=fresh&q=Deal", "/deal?view=deal.mine"])
def test_a_list_costs_few_statements_whatever_its_length(world: World, address: str) -> None:
    world.create(
        "deal",
        *({"name": f"Deal {number}", "owner": world.ids["ben"], "helpers": [world.ids["cao"]]} for number in range(60)),
    )
    web = world.browser("ben")
    web.text(address)

    with world.statements() as seen:
        web.text(address)

    assert 0 < len(seen) <= 5, seen


def test_a_page_of_rows_is_small(world: World) -> None:
    world.create(
        "deal",
        *(
            {"name": f"Deal number {number}", "amount": number, "owner": world.ids["ben"], "closes_on": TODAY}
            for number in range(60)
        ),
    )

    page = world.browser("ben").text("/deal")
    rows = re.findall(r"<tr><td>.*?</tr>", page)

    assert len(rows) == 50
    assert sum(map(len, rows)) / 50 < 600
    assert len(page.encode()) <= 40_000


def test_a_list_is_sorted_by_several_columns_and_its_heads_say_in_which_order(deals: World) -> None:
    web = deals.browser("ben")

    page = web.text("/deal?order=stage,-name")

    assert titles(page)[:2] == ["飞机", "Crane"]
    assert titles(page) == titles(web.text("/deal?order=stage&order=-name"))
    assert 'data-order="stage,-name"' in page
    assert page.count('aria-sort="') == 1
    assert re.findall(r"<small>(\d)</small>", page) == ["2", "1"]
    form = web.text("/deal/columns?order=stage,-name&stage=won")
    assert '<option value="-name" selected>' in form
    assert '<input type="hidden" name="stage" value="won">' in form
    save = web.submit("/deal/views", {"state": "order=stage,-name", "name": "Twice sorted"})
    assert titles(web.follow(save)) == titles(page)


def test_each_choice_of_a_filter_says_how_many_records_it_would_leave(deals: World) -> None:
    web = deals.browser("ada")

    every, won, few = (
        orjson.loads(web.text(f"/deal/facets{more}"))
        for more in ("", "?stage=won&owner=me", "?filter=amount+>+1000000")
    )

    assert every["stage"] == {"fresh": "5", "won": "1", "lost": "1", "-": "0"}
    assert every["active"] == {"yes": "1", "no": "6"}
    assert every["owner"]["me"] == "0"
    assert won["stage"] == dict.fromkeys(won["stage"], "0")
    assert set(few["stage"].values()) == {"0"}
    assert "margin" not in every
    with deals.statements() as seen:
        web.get("/deal/facets")
    assert sum("count(*)" in text for text in seen) == 1
    assert len(seen) <= 4
