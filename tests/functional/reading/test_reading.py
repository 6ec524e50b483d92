"""Lists, records and counts as different people see them."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from engine.data.principal import SYSTEM, Principal
from engine.data.query import Query, orders
from engine.data.reader import Reader
from engine.errors import AccessDenied, NotFound, QueryInvalid
from engine.expression import parse
from engine.ids import new_id
from tests.functional.reading.world import NOW, World

Cast = tuple[World, dict[str, Principal], dict[str, str]]


@pytest.fixture(scope="module")
def cast(empty_world: World) -> Cast:
    world = empty_world
    people = {
        name: world.person(name, *roles, manager=boss)
        for name, roles, boss in [
            ("bea", ["boss"], None),
            ("liu", ["lead"], "bea"),
            ("ann", ["seller"], "liu"),
            ("bob", ["seller"], "liu"),
            ("cai", ["clerk"], None),
            ("nan", ["nobody"], None),
        ]
    }
    ids: dict[str, str] = {}
    companies: dict[str, dict[str, Any]] = {
        "acme": {"name": "Acme", "industry": "it", "owner": people["bea"].id, "credit": Decimal("500.00")},
        "beta": {"name": "Beta", "industry": "realty", "owner": people["ann"].id, "credit": Decimal("70.00")},
    }
    for name, row in companies.items():
        [ids[name]] = world.add("company", [row])
    deals: dict[str, dict[str, Any]] = {
        "one": {
            "amount": Decimal("100.50"),
            "cost": Decimal("40.25"),
            "company": ids["acme"],
            "owner": people["ann"].id,
            "stage": "new",
            "due": dt.date(2026, 3, 14),
            "phone": "13812345678",
            "email": "x@example.com",
            "helpers": (people["bob"].id, people["bea"].id),
            "hot": True,
            "seen": NOW,
            "pin": "sealed",
            "tags": ("a", "b"),
        },
        "two": {
            "amount": Decimal(20),
            "company": ids["beta"],
            "owner": people["ann"].id,
            "stage": "won",
            "due": dt.date(2026, 4, 1),
        },
        "three": {"owner": people["bob"].id, "company": ids["beta"], "stage": "lost", "watcher": people["ann"].id},
        "four": {"amount": Decimal("-3.07"), "cost": Decimal(1), "owner": people["bea"].id, "stage": "new"},
        "gone": {"amount": Decimal(7), "owner": people["ann"].id, "deleted_at": NOW},
    }
    for name, row in deals.items():
        [ids[name]] = world.add("deal", [{"name": name, **row}])
    ids["screw"], ids["nail"] = world.add(
        "deal_item",
        [
            {"what": "screw", "price": Decimal("2.50"), "deal": ids["one"]},
            {"what": "nail", "price": Decimal(700), "deal": ids["one"]},
        ],
    )
    return world, people, ids


def names(reader: Reader, query: Query) -> list[str]:
    return [row["name"] for row in reader.query(query).json()]


LIST = Query("deal", select=("name",), order_by=orders(["name"]))


def test_a_list_holds_what_the_roles_grant_and_no_more(cast: Cast) -> None:
    world, people, _ = cast
    seen = {}
    for name, person in people.items():
        with world.reading(person) as reader:
            seen[name] = names(reader, LIST) if reader.access.may("deal", "read") else None

    assert seen == {
        "bea": ["four", "one", "three", "two"],
        "liu": ["one", "three", "two"],
        "ann": ["one", "three", "two"],
        "bob": ["one", "three"],
        "cai": [],
        "nan": None,
    }


def test_who_may_read_nothing_is_told_so(cast: Cast) -> None:
    world, people, _ = cast
    with world.reading(people["nan"]) as reader, pytest.raises(AccessDenied) as refused:
        reader.query(LIST)

    assert str(refused.value) == "You may not read deals"
    assert (refused.value.entity, refused.value.action) == ("deal", "read")


def test_a_record_out_of_reach_is_not_found_like_one_that_is_not_there(cast: Cast) -> None:
    world, people, ids = cast
    answers = set()
    with world.reading(people["ann"]) as reader:
        for record in (ids["four"], ids["gone"], new_id(), "no id"):
            with pytest.raises(NotFound) as refused:
                reader.record("deal", record)
            answers.add(str(refused.value))

        assert len(answers) == 1
        assert reader.record("deal", ids["one"], ("name",)).json() == {"name": "one"}
        assert reader.record("deal", ids["gone"], ("name",), trashed=True).json() == {"name": "gone"}


def test_values_come_as_python_and_as_json(cast: Cast) -> None:
    world, people, ids = cast
    select = (
        "amount",
        "cost",
        "due",
        "seen",
        "hot",
        "tags",
        "helpers",
        "margin",
        "late",
        "company",
        "company.name",
        "pin",
    )
    with world.reading(people["bea"]) as reader:
        row = reader.record("deal", ids["one"], select)

    helpers = (people["bob"].id, people["bea"].id)
    assert row.values() == {
        "amount": Decimal("100.50"), "cost": Decimal("40.25"), "due": dt.date(2026, 3, 14), "seen": NOW, "hot": True,
        "tags": ("a", "b"), "helpers": helpers, "margin": Decimal("60.25"), "late": True,
        "company": ids["acme"], "company.name": "Acme", "pin": "••••",
    }  # fmt: skip
    assert row.json() == {
        "amount": "100.50", "cost": "40.25", "due": "2026-03-14", "seen": "2026-03-15T09:30:00.000Z", "hot": True,
        "tags": ["a", "b"], "helpers": list(helpers), "margin": "60.25", "late": True,
        "company": ids["acme"], "company.name": "Acme", "pin": "••••",
    }  # fmt: skip


def test_negative_amounts_keep_their_sign_and_decimals(cast: Cast) -> None:
    world, people, ids = cast
    with world.reading(people["bea"]) as reader:
        assert reader.record("deal", ids["four"], ("amount", "margin")).json() == {"amount": "-3.07", "margin": "-4.07"}


def test_child_rows_come_with_their_parent_under_their_own_rule(cast: Cast) -> None:
    world, people, ids = cast
    one = Query("deal", select=("name", "items"), ids=(ids["one"], ids["two"]), order_by=orders(["name"]))
    with world.reading(people["bea"]) as reader:
        first, second = reader.query(one).json()

    assert [item["what"] for item in first["items"]] == ["screw", "nail"]
    assert first["items"][0] == {
        "id": ids["screw"],
        "version": 1,
        "what": "screw",
        "price": "2.50",
        "secret_price": None,
    }
    assert second["items"] is None


def test_a_record_has_every_field_that_its_reader_may_see(cast: Cast) -> None:
    world, people, ids = cast
    with world.reading(people["liu"]) as reader:
        row = reader.record("deal", ids["one"]).json()

    assert row["phone"] == "138••••5678"
    assert row["email"] == "••••@example.com"
    assert "cost" not in row
    assert row["id"] == ids["one"]
    assert row["version"] == 1


def test_titles_are_shown_along_links_and_other_fields_only_within_reach(cast: Cast) -> None:
    world, people, ids = cast
    query = Query(
        "deal",
        select=("name", "company.name", "company.industry", "industry"),
        ids=(ids["one"], ids["two"]),
        order_by=orders(["name"]),
    )
    with world.reading(people["ann"]) as reader:
        assert reader.query(query).json() == [
            {"name": "one", "company.name": "Acme", "company.industry": None, "industry": None},
            {"name": "two", "company.name": "Beta", "company.industry": "realty", "industry": "realty"},
        ]


def test_abilities_come_with_each_row(cast: Cast) -> None:
    world, people, _ = cast
    with world.reading(people["ann"]) as reader:
        rows = reader.query(LIST, abilities=("update", "delete"))

    assert rows.abilities("update") == [True, False, True]
    assert rows.abilities("delete") == [False, False, False]
    assert [row.may("update") for row in rows] == [True, False, True]


def test_the_bin_is_a_list_of_its_own(cast: Cast) -> None:
    world, people, _ = cast
    with world.reading(people["ann"]) as reader:
        assert names(reader, Query("deal", select=("name",), trashed=True)) == ["gone"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("amount > 19.999", ["one", "two"]),
        ("amount == 20", ["two"]),
        ("amount is None", ["three"]),
        ("amount != 20", ["four", "one", "three"]),
        ("stage in ['won', 'lost']", ["three", "two"]),
        ("name in ['one', 'four', 'never']", ["four", "one"]),
        ("company.name == 'Beta'", ["three", "two"]),
        ("company.parent.name is None", ["four", "one", "three", "two"]),
        ("industry == 'it'", ["one"]),
        ("margin > 0", ["one"]),
        ("late", ["one"]),
        ("not hot", ["four", "three", "two"]),
        ("due == today - 1", ["one"]),
        ("owner.manager.name == 'liu'", ["one", "three", "two"]),
        ("any(items, price > 500)", ["one"]),
        ("count(items) == 0", ["four", "three", "two"]),
        ("sum_of(items, price) == 702.50", ["one"]),
        ("any(helpers, name == 'bob')", ["one"]),
        ("'a' in tags", ["one"]),
        ("contains(name, 'O')", ["four", "one", "two"]),
        ("seen >= datetime('2026-03-15T09:30:00Z')", ["one"]),
    ],
)
def test_filters_answer_the_same_on_both_databases(cast: Cast, text: str, expected: list[str]) -> None:
    world, people, _ = cast
    query = Query("deal", select=("name",), where=parse(text), order_by=orders(["name"]))
    with world.reading(people["bea"]) as reader:
        assert names(reader, query) == expected
        assert reader.count(query).number == len(expected)


def test_links_are_filtered_by_id(cast: Cast) -> None:
    world, people, ids = cast
    with world.reading(people["bea"]) as reader:
        assert names(reader, Query("deal", select=("name",), where=parse(f"company == '{ids['acme']}'"))) == ["one"]
        assert names(reader, Query("deal", select=("name",), where=parse("company == 'nonsense'"))) == []


def test_a_list_is_sorted_by_titles_of_links_and_missing_values_come_last(cast: Cast) -> None:
    world, people, _ = cast
    with world.reading(people["bea"]) as reader:
        up = names(reader, Query("deal", select=("name",), order_by=orders(["company", "-amount"])))
        down = names(reader, Query("deal", select=("name",), order_by=orders(["-company", "amount"])))

    assert up == ["one", "two", "three", "four"]
    assert down == ["two", "three", "one", "four"]


def test_counts_stop_where_nobody_counts_any_further(cast: Cast) -> None:
    world, people, _ = cast
    with world.reading(people["bea"]) as reader:
        assert str(reader.count(LIST)) == "4"
        assert str(reader.count(LIST, limit=3)) == "3+"
        assert str(reader.count(LIST, limit=4)) == "4"


def test_related_records_are_those_of_one_record_within_reach(cast: Cast) -> None:
    world, people, ids = cast
    with world.reading(people["ann"]) as reader:
        shown = reader.related(
            "company", ids["beta"], "deals", Query("deal", select=("name",), order_by=orders(["name"]))
        )
        assert [row["name"] for row in shown.json()] == ["three", "two"]
        with pytest.raises(NotFound):
            reader.related("company", ids["acme"], "deals")
        with pytest.raises(QueryInvalid):
            reader.related("company", ids["beta"], "nothing")


def test_related_records_may_be_those_that_name_it_among_many(cast: Cast) -> None:
    world, people, ids = cast
    bob = people["bob"].id or ""
    with world.reading(people["bea"]) as reader:
        relation = next(key for key, each in world.model.entity("user").relations.items() if each.field == "helpers")
        assert [row.id for row in reader.related("user", bob, relation)] == [ids["one"]]
        assert set(reader.related("deal", ids["one"], "helpers").ids) == {bob, people["bea"].id}


def test_titles_are_told_of_records_that_cannot_be_opened(cast: Cast) -> None:
    world, people, ids = cast
    with world.reading(people["ann"]) as reader:
        assert reader.titles("company", [ids["acme"], new_id(), "x"]) == {ids["acme"]: "Acme"}


def test_the_system_reads_every_row_but_no_secret(cast: Cast) -> None:
    world, _, ids = cast
    with world.reading(SYSTEM) as reader:
        assert len(reader.query(LIST)) == 4
        assert reader.record("deal", ids["one"], ("pin", "cost")).json() == {"pin": "••••", "cost": "40.25"}


def test_a_token_reaches_no_further_than_its_scopes(cast: Cast) -> None:
    world, people, ids = cast
    bea = people["bea"]
    token = Principal(id=bea.id, name="token", roles=bea.roles, scopes=frozenset({"deal:read"}))
    with world.reading(token) as reader:
        assert len(reader.query(LIST, abilities=("update",))) == 4
        assert reader.query(LIST, abilities=("update",)).abilities("update") == [False] * 4
        assert reader.record("deal", ids["one"], ("company.name",)).json() == {"company.name": "Acme"}
        with pytest.raises(QueryInvalid):
            reader.record("deal", ids["one"], ("company.industry",))
        with pytest.raises(AccessDenied):
            reader.query(Query("company"))
