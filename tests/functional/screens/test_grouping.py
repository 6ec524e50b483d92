"""Lists whose rows stand together: groups with counts and sums, their rows one group at a time, and totals."""

from __future__ import annotations

import re
from datetime import date

import pytest

from tests.functional.screens.world import World, titles, words


@pytest.fixture
def deals(world: World) -> World:
    """Deals of two months and three stages, one without a date, and one of Cao."""
    [acme] = world.create("client", {"name": "Acme & <Sons>"})
    ben, cao = world.ids["ben"], world.ids["cao"]
    world.create(
        "deal",
        {
            "name": "A",
            "amount": "1000.50",
            "owner": ben,
            "stage": "won",
            "client": acme,
            "closes_on": date(2026, 1, 31),
        },
        {"name": "B", "amount": "20", "owner": ben, "stage": "won", "closes_on": date(2026, 2, 1)},
        {"name": "C", "amount": "300", "owner": ben, "stage": "lost", "closes_on": date(2026, 2, 28)},
        {"name": "D", "owner": ben, "stage": "fresh"},
        {"name": "E", "amount": "5000", "owner": cao, "stage": "won", "closes_on": date(2026, 2, 2)},
    )
    return world


def groups(page: str) -> list[tuple[str, ...]]:
    """(name, count, the sums) of each group."""
    heads = re.findall(r'<tbody class="group-head">(.*?)</tbody>', page, re.DOTALL)
    found = []
    for head in heads:
        name, count = re.search(r"<span[^>]*>([^<]*)</span> <small>(.*?)</small>", head, re.DOTALL).groups()  # type: ignore[union-attr]
        sums = [words(each) for each in re.findall(r'<td class="group-sum">(.*?)</td>', head)]
        found.append((name, count, *filter(None, sums)))
    return found


def test_groups_have_counts_and_sums_in_the_order_of_the_options_and_the_first_is_open(deals: World) -> None:
    page = deals.browser("ben").text("/deal?group=stage")

    assert groups(page) == [("Fresh", "1"), ("Won", "2", "¥1,020.50"), ("Lost", "1", "¥300.00")]
    assert titles(page) == ["D"]
    assert titles(deals.browser("ben").text("/deal?group=stage&in=won")) == ["A", "B"]


@pytest.mark.parametrize(
    ("group", "expected", "open_", "rows"),
    [
        ("month(closes_on)", [("Jan 2026", "1"), ("Feb 2026", "2"), ("Empty", "1")], "2026-02", ["C", "B"]),
        ("year(closes_on)", [("2026", "3"), ("Empty", "1")], "-", ["D"]),
        ("client", [("Acme &amp; &lt;Sons&gt;", "1"), ("Empty", "3")], "-", ["C", "B", "D"]),
        ("owner", [("Ben", "4")], "", ["A", "C", "B", "D"]),
        ("active", [("Empty", "4")], "-", ["A", "C", "B", "D"]),
    ],
)
def test_any_field_and_any_part_of_a_date_makes_groups(
    deals: World, group: str, expected: list[tuple[str, str]], open_: str, rows: list[str]
) -> None:
    page = deals.browser("ben").text(f"/deal?group={group}{f'&in={open_}' if open_ else ''}")

    assert [each[:2] for each in groups(page)] == expected
    assert titles(page) == rows


def test_rows_of_a_group_come_when_it_is_opened_page_by_page(world: World) -> None:
    world.create("deal", *({"name": f"Deal {n:03}", "owner": world.ids["ben"], "stage": "won"} for n in range(70)))
    world.create("deal", {"name": "Alone", "owner": world.ids["ben"], "stage": "fresh"})
    web = world.browser("ben")
    page = web.text("/deal?group=stage&order=name")

    address = re.search(r'hx-get="(/deal/rows\?[^"]*in=won[^"]*)"', page)
    assert address is not None
    first = web.get(address[1].replace("&amp;", "&"), **{"HX-Request": "true"})
    more = re.search(r'hx-get="(/deal/rows\?[^"]*)"', first.text)
    assert more is not None
    second = web.get(more[1].replace("&amp;", "&"), **{"HX-Request": "true"})

    assert titles(first.text) == [f"Deal {n:03}" for n in range(50)]
    assert titles(second.text) == [f"Deal {n:03}" for n in range(50, 70)]
    assert "HX-Replace-Url" not in second.headers


def test_what_cannot_be_grouped_by_is_as_if_it_was_not_asked_for(deals: World) -> None:
    web = deals.browser("ben")

    for group in ("nonsense", "tags", "margin", "month(amount)", "(", "created_at"):
        page = web.text(f"/deal?group={group}")
        assert titles(page) == ["A", "C", "B", "D"]
        assert not groups(page)
    assert web.get("/deal/rows?group=client&in=nonsense").status_code == 400
    assert 'value="margin"' not in web.text("/deal")


def test_totals_are_over_all_that_fits_and_only_over_what_may_be_seen(deals: World) -> None:
    ben, cao = deals.browser("ben"), deals.browser("cao")

    assert "¥1,320.50" in words(ben.text("/deal?totals=1"))
    assert "4 records" in words(ben.text("/deal?totals=1"))
    assert words(ben.text("/deal/totals?stage=won")) == "Totals ¥1,020.50"
    assert words(cao.text("/deal/totals?stage=won")) == "Totals ¥6,020.50"


def test_a_grouped_page_costs_as_few_statements_as_any(deals: World) -> None:
    web = deals.browser("ben")
    web.text("/deal?group=stage")
    with deals.statements() as seen:
        web.text("/deal?group=stage")

    assert len(seen) <= 5, seen
