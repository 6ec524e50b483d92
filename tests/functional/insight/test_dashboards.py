"""Dashboards in a browser without a script: cards, filters, everybody's own order, and the way to the records."""

import html
import json
import re
from datetime import date
from decimal import Decimal

from engine import SYSTEM, Query
from tests.functional.screens.world import Web, World, words


def card(web: Web, key: str, **query: str) -> str:
    """Return what a card shows."""
    asked = "&".join(f"{name}={value}" for name, value in query.items())
    return web.text(f"/dashboard/shop.all/card/{key}?{asked}")


def order(page: str) -> list[str]:
    """Return the keys of the cards on a page, in their order."""
    return re.findall(r'data-key="(\w+)"', page)


def listed(web: Web, address: str) -> int:
    """Return how many records a list says that it has."""
    below, _, query = html.unescape(address).partition("?")
    return int(re.sub(r"\D", "", words(web.text(f"{below}/count?{query}"))) or 0)


def test_the_first_page_is_the_dashboard_of_ones_roles(seen: World) -> None:
    page = seen.browser("cao").text("/")
    assert order(page) == [
        "open", "count", "months", "rate", "stages", "begun", "plan", "hello", "margins", "chiefs", "parts",
        "wanted", "sums",
    ]  # fmt: skip
    assert 'hx-get="/dashboard/shop.all/card/open?period=this_month&amp;whose=all"' in page
    assert "chiefs" not in order(seen.browser("hal").text("/"))
    assert "/dashboard/shop.secret" in page
    assert seen.browser("hal").get("/dashboard/shop.secret").status_code == 404
    assert seen.browser("cao").get("/dashboard/shop.none").status_code == 404


def test_a_number_leads_to_the_list_of_its_records(seen: World) -> None:
    for who in ("cao", "hal"):
        web = seen.browser(who)
        shown = card(web, "count", period="any")
        found = re.search(r'dash-value"[^>]*><a href="([^"]+)">([\d,]+)</a>', shown)
        assert found is not None
        assert int(found[2]) == listed(web, found[1])
        months = card(web, "months", period="2026-02-01..2026-05-31".replace("..", "&to=").join(("between&from=", "")))
        links = re.findall(r'<td class="is-number"><a href="([^"]+)">(\d+)</a>', months)
        assert len(links) > 5
        for address, number in links:
            assert listed(web, address) == int(number), address


def test_filters_of_the_page_narrow_its_cards(seen: World) -> None:
    web = seen.browser("hal")
    today = date.today()  # noqa: DTZ011 - the year is enough
    every = int(re.search(r">([\d,]+)</a></p>", card(web, "count", period="any"))[1])  # type: ignore[index]
    assert every == int(re.search(r">([\d,]+)</a></p>", card(web, "count", whose="me"))[1])  # type: ignore[index]
    boss = seen.browser("cao")
    assert card(boss, "count", whose="me") != card(boss, "count", whose="all")
    rows = words(card(boss, "months", period="this_year"))
    assert f"Jan {today.year}" in rows
    assert f"Dec {today.year}" in rows
    assert "Jan 2026" in words(card(boss, "months", period="between", **{"from": "2026-01-05", "to": "2026-01-20"}))
    assert card(boss, "count", period="soon", whose="them") == card(boss, "count", period="any", whose="all").replace(
        "period=any", "period=soon"
    )


def test_a_number_tells_how_it_changed_and_how_far_its_target_is(seen: World) -> None:
    shown = card(seen.browser("cao"), "open", period="between", **{"from": "2026-03-01", "to": "2026-03-31"})
    assert re.search(r"\d+% of ¥1,000", words(shown))
    assert re.search(r'<polyline class="spark-line" points="[\d., -]+">', shown)
    assert re.search(r"than ¥[\d,.]+ in [\w ,]+ – ", words(shown))
    rate = words(card(seen.browser("cao"), "rate"))
    assert re.match(r"[\d.]+%", rate)


def test_a_target_is_added_up_from_the_records_that_say_it(shop: World) -> None:
    goals = [("2026-03-01", "cao", "30"), ("2026-03-05", "hal", "10"), ("2026-04-01", "cao", "500")]
    shop.create("goal", *({"name": m, "month": m, "who": shop.ids[who], "amount": a} for m, who, a in goals))
    web = shop.browser("cao")
    march = {"period": "between", "from": "2026-03-01", "to": "2026-03-31"}
    every, mine = words(card(web, "wanted", **march)), words(card(web, "wanted", **march, whose="me"))
    number = int(every.split()[0])
    assert every == f"{number} {Decimal(number * 100 / 40).quantize(Decimal(1))}% of 40"
    assert mine.endswith("% of 30")
    assert 'class="ring-part"' in card(web, "wanted", **march)


def test_a_number_leads_to_its_records_where_no_view_shows_them_all(shop: World) -> None:
    shop.create("spare", *({"name": f"S{stock}", "stock": stock} for stock in range(7)))
    web = shop.browser("cao")
    found = re.search(r'dash-value"[^>]*><a href="([^"]+)">7</a>', card(web, "parts"))
    assert found is not None
    page = web.text(html.unescape(found[1]))
    assert len(re.findall(r'<a href="/spare/[0-9a-f-]{36}"', page)) == 7


def test_a_chart_brings_its_table_and_the_words_that_are_drawn(seen: World) -> None:
    shown = card(seen.browser("cao"), "stages")
    data = json.loads(html.unescape(re.search(r'data-chart="([^"]+)"', shown)[1]))  # type: ignore[index]
    assert data["names"] == ["Asked", "Begun", "Over", "Empty"]
    assert data["colors"][:3] == ["blue", "orange", "green"]
    assert [each["unit"] for each in data["series"]] == ["CNY", "number"]
    for each in data["series"]:
        assert len(each["values"]) == len(each["links"]) == 4
    assert '<th scope="row">' in shown
    assert "checked" in shown  # without a script the table stands there
    assert (
        'class="dash-toggle" id="table-stages">'
        in seen.browser("cao").get("/dashboard/shop.all/card/stages", **{"HX-Request": "true"}).text
    )
    web = seen.browser("cao")
    web.client.set_cookie("guanxi_language", "zh")
    assert "未完成" in web.text("/?whole=1")


def test_everything_stands_on_the_page_without_a_script(seen: World) -> None:
    page = seen.browser("cao").text("/dashboard/shop.all?whole=1")
    said = words(page)
    for part in ("Hello there", "Stages", "Begun now", "¥", "Total"):
        assert part in said
    assert 'hx-trigger="load"' not in page


def test_what_somebody_may_not_see_is_said_on_its_card_alone(seen: World) -> None:
    web = seen.browser("hal")
    assert "Your roles do not show you" in words(card(web, "margins"))
    assert "Your roles do not show you" in words(card(web, "open"))
    shown = words(card(web, "stages"))
    assert "Some numbers are missing" in shown
    assert "¥" not in shown
    assert web.get("/dashboard/shop.all/card/chiefs").status_code == 404


def test_a_list_and_an_agenda_show_records(seen: World) -> None:
    web = seen.browser("cao")
    shown = card(web, "begun")
    assert len(re.findall(r'<a href="/repair/[0-9a-f-]{36}"', shown)) == 20
    assert 'href="/repair?view=repair.begun"' in shown
    plan = card(web, "plan")
    assert len(re.findall(r"<h3", plan)) > 5
    assert "Overdue" in plan


def test_a_card_costs_few_statements(seen: World) -> None:
    web = seen.browser("cao")
    card(web, "stages")
    for key, most in (("stages", 4), ("count", 3), ("begun", 3), ("months", 6), ("hello", 2)):
        with seen.statements() as sent:
            card(web, key)
        asked = [each for each in sent if each.startswith(("SELECT", "WITH"))]
        assert len(asked) <= most, (key, asked)
    with seen.statements() as sent:
        web.text("/")
    assert len([each for each in sent if each.startswith("SELECT")]) <= 6


def test_everybody_arranges_cards_for_themselves(shop: World) -> None:
    web, other = shop.browser("cao"), shop.browser("ada")

    def act(**values: str) -> str:
        return web.follow(web.submit("/dashboard/shop.all/arrange", values))

    before = order(web.text("/"))
    assert order(act(act="later", card="open"))[:3] == [before[1], "open", before[2]]
    assert order(act(act="earlier", card="open"))[:2] == ["open", before[1]]
    page = act(act="wider", card="open")
    assert "dash-w4 dash-h3" in page
    for _ in range(12):
        page = act(act="taller", card="open")
    assert "dash-w4 dash-h12" in page
    page = act(act="hide", card="count")
    assert "count" not in order(page)
    assert "Taken away" in words(page)
    assert "count" in order(act(act="show", card="count"))
    page = act(act="add", what="report:shop.list")
    assert order(page)[-1] == "own_1"
    assert "Dear repairs" in words(page)
    assert "R" in words(card(web, "own_1"))
    page = act(act="order", order=",".join(["own_1", *before]))
    assert order(page) == ["own_1", *before]
    assert order(web.text("/"))[0] == "own_1"
    assert "own_1" not in order(other.text("/dashboard/shop.all"))
    assert order(act(act="hide", card="own_1")) == before
    assert order(act(act="reset")) == before
    assert "dash-h12" not in web.text("/")


def test_an_arrangement_that_makes_no_sense_changes_nothing(shop: World) -> None:
    web = shop.browser("cao")
    before = order(web.text("/"))
    for values in (
        {"act": "add", "what": "report:shop.none"},
        {"act": "add", "what": "view:user.all"},
        {"act": "wider", "card": "nothing"},
        {"act": "order", "order": "x,y"},
        {"act": "dance", "card": "open"},
        {},
    ):
        assert web.submit("/dashboard/shop.all/arrange", values).status_code == 303
        assert order(web.text("/")) == before


def test_numbers_are_saved_as_a_table(seen: World) -> None:
    web = seen.browser("cao")
    response = web.get("/dashboard/shop.all/card/stages.csv?period=any")
    assert response.headers["Content-Disposition"].startswith("attachment")
    lines = response.text.lstrip("\ufeff").splitlines()
    assert lines[0] == "Stage,Sum of Price,Number of records"
    assert [line.split(",")[0] for line in lines[1:]] == ["Asked", "Begun", "Over", "Empty", "Total"]
    assert int(lines[-1].split(",")[2]) == 80
    assert seen.browser("hal").get("/dashboard/shop.all/card/stages.csv").status_code == 403


def test_who_is_purged_takes_their_arrangement_along(shop: World) -> None:
    web = shop.browser("hal")
    web.submit("/dashboard/shop.all/arrange", {"act": "hide", "card": "count"})

    def kept() -> object:
        with shop.site.database.read() as connection:
            return connection.exec_driver_sql("SELECT count(*) FROM person_dashboard").scalar()

    assert kept() == 1
    shop.site.records.update(SYSTEM, "repair", [{"id": each, "owner": None} for each in owned(shop)])
    shop.site.records.delete(SYSTEM, "user", [shop.ids["hal"]])
    shop.site.records.purge(SYSTEM, "user", [shop.ids["hal"]])
    assert kept() == 0


def owned(shop: World) -> list[str]:
    """Return the ids of the repairs of the hand."""
    with shop.site.reading(shop.site.principal(shop.ids["hal"])) as reader:
        return list(reader.query(Query("repair", select=("id",), limit=200)).ids)
