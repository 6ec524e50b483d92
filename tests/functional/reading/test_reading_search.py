"""Search by words, in one list and across everything, under the same rules as lists."""

from typing import Any

import pytest

from engine.data.principal import Principal
from engine.data.query import Query, orders
from tests.functional.reading.world import NOW, World

Cast = tuple[World, dict[str, Principal], dict[str, str]]

DEALS: dict[str, dict[str, Any]] = {
    "hua": {"name": "上海华为技术", "note": "等客户回复", "phone": "13812345678"},
    "zhang": {"name": "张三的订单", "note": "Call about the blue pump"},
    "acme": {"name": "Acme rollout", "note": "mentions 上海 and pumps"},
    "bin": {"name": "Acme in the bin", "deleted_at": NOW},
}


@pytest.fixture(scope="module")
def cast(empty_world: World) -> Cast:
    world = empty_world
    people = {
        name: world.person(name, role) for name, role in {"bea": "boss", "ann": "seller", "rui": "careful"}.items()
    }
    people["liu"] = world.person("liu", "lead")
    world.add("company", [{"name": "Acme works", "owner": people["bea"].id}])
    ids = {}
    for name, row in DEALS.items():
        owner = people["ann" if name == "zhang" else "liu" if name == "hua" else "bea"]
        [ids[name]] = world.add("deal", [{**row, "owner": owner.id}])
    return world, people, ids


def listed(cast: Cast, who: str, words: str) -> set[str]:
    world, people, ids = cast
    names = {record: name for name, record in ids.items()}
    with world.reading(people[who]) as reader:
        query = Query("deal", search=words, order_by=orders(["name"]))
        rows = reader.query(query)
        assert reader.count(query).number == len(rows)
        return {names[record] for record in rows.ids}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("华", {"hua"}),
        ("上海", {"hua", "acme"}),
        ("海华为", {"hua"}),
        ("上海华为", {"hua"}),
        ("张三", {"zhang"}),
        ("海上", set()),
        ("zsdd", {"zhang"}),
        ("shhw", {"hua"}),
        ("pump", {"zhang", "acme"}),
        ("PUMP blue", {"zhang"}),
        ("5678", {"hua"}),
        ("138 1234 5678", {"hua"}),
        ("acme", {"acme"}),
        ("!!!", set()),
        ("100%", set()),
    ],
)
def test_words_of_any_length_find_exactly_what_holds_them(cast: Cast, words: str, expected: set[str]) -> None:
    assert listed(cast, "bea", words) == expected


def test_a_list_is_searched_within_the_row_rule(cast: Cast) -> None:
    assert listed(cast, "ann", "pump") == {"zhang"}
    assert listed(cast, "ann", "acme") == set()


def test_words_of_a_hidden_field_find_nothing(cast: Cast) -> None:
    assert listed(cast, "rui", "上海") == {"hua"}
    assert listed(cast, "rui", "pump") == set()
    assert listed(cast, "rui", "acme") == {"acme"}


def test_words_of_a_masked_field_find_nothing(cast: Cast) -> None:
    assert listed(cast, "liu", "5678") == set()
    assert listed(cast, "liu", "13812345678") == set()
    assert listed(cast, "liu", "客户") == {"hua"}


def everywhere(cast: Cast, who: str, words: str) -> list[tuple[str, str]]:
    world, people, _ = cast
    with world.reading(people[who]) as reader:
        return [(each.entity, each.title) for each in reader.search(words)]


def test_one_search_finds_records_of_every_kind_names_first(cast: Cast) -> None:
    assert sorted(everywhere(cast, "bea", "acme")) == [("company", "Acme works"), ("deal", "Acme rollout")]
    assert everywhere(cast, "bea", "上海") == [("deal", "上海华为技术"), ("deal", "Acme rollout")]


def test_the_search_across_everything_keeps_to_row_rules_and_masks(cast: Cast) -> None:
    assert everywhere(cast, "ann", "acme") == []
    assert everywhere(cast, "ann", "张三") == [("deal", "张三的订单")]
    assert everywhere(cast, "liu", "5678") == []
    assert everywhere(cast, "rui", "blue") == []


def test_what_was_found_beside_the_title_is_shown(cast: Cast) -> None:
    world, people, _ = cast
    with world.reading(people["bea"]) as reader:
        [deal] = [each for each in reader.search("blue") if each.entity == "deal"]

    assert deal.snippet == "Call about the blue pump"


def test_a_search_may_be_kept_to_some_entities(cast: Cast) -> None:
    world, people, _ = cast
    with world.reading(people["bea"]) as reader:
        assert [each.entity for each in reader.search("acme", ["company", "user"])] == ["company"]
        assert reader.search("acme", []) == []
        assert len(reader.search("acme", limit=1)) == 1
