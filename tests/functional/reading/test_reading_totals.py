"""Counts, sums and averages over groups, exact and alike on both databases."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from engine.data.principal import Principal
from engine.data.query import Aggregate, Bucket, Query, orders
from engine.errors import QueryInvalid
from engine.expression import parse
from tests.functional.reading.world import World

Cast = tuple[World, dict[str, Principal]]

DEALS = [
    ("a", "new", "100.10", dt.date(2025, 12, 29), dt.datetime(2025, 12, 31, 15, 59, 59, tzinfo=dt.UTC)),
    ("b", "new", "0.20", dt.date(2026, 1, 1), dt.datetime(2025, 12, 31, 16, 0, tzinfo=dt.UTC)),
    ("c", "won", "-5.00", dt.date(2026, 3, 31), dt.datetime(2026, 3, 8, 23, 30, tzinfo=dt.UTC)),
    ("d", "won", "10.00", dt.date(2026, 4, 1), None),
    ("e", "won", None, None, None),
]


@pytest.fixture(scope="module")
def cast(empty_world: World) -> Cast:
    world = empty_world
    people = {name: world.person(name, role) for name, role in {"bea": "boss", "ann": "seller", "liu": "lead"}.items()}
    acme, beta = world.add(
        "company",
        [{"name": "Acme", "industry": "it", "owner": people["bea"].id}, {"name": "Beta", "owner": people["ann"].id}],
    )
    for name, stage, amount, due, seen in DEALS:
        row: dict[str, Any] = {"name": name, "stage": stage, "due": due, "seen": seen, "cost": Decimal("0.10")}
        row |= {"amount": Decimal(amount) if amount else None, "hot": name in {"a", "c"}}
        row |= {"company": acme if name in "ab" else beta, "owner": people["ann" if name in "cde" else "bea"].id}
        world.add("deal", [row])
    return world, people


def totals(cast: Cast, who: str = "bea", **parts: Any) -> list[tuple[Any, ...]]:
    world, people = cast
    query = Query(
        "deal",
        group_by=tuple(map(Bucket.parse, parts.pop("by", ()))),
        aggregates=tuple(map(Aggregate.parse, parts.pop("tell", ()))),
        order_by=orders(parts.pop("order", ())),
        having=parse(parts.pop("having")) if "having" in parts else None,
        where=parse(parts.pop("where")) if "where" in parts else None,
        **parts,
    )
    with world.reading(people[who]) as reader:
        return list(reader.aggregate(query).values())


def test_every_number_over_all_rows(cast: Cast) -> None:
    tell = [
        "count()",
        "count(amount)",
        "sum(amount)",
        "avg(amount)",
        "min(amount)",
        "max(due)",
        "count_distinct(stage)",
    ]

    assert totals(cast, tell=tell) == [
        (5, 4, Decimal("105.30"), Decimal("26.3250"), Decimal("-5.00"), dt.date(2026, 4, 1), 2)
    ]


def test_numbers_of_nothing(cast: Cast) -> None:
    tell = ["count()", "sum(amount)", "avg(amount)", "max(name)"]

    assert totals(cast, tell=tell, where="name == 'nothing'") == [(0, None, None, None)]


def test_groups_by_field_and_along_links(cast: Cast) -> None:
    assert totals(cast, by=["stage"], tell=["count()", "sum(amount)"]) == [
        ("new", 2, Decimal("100.30")),
        ("won", 3, Decimal("5.00")),
    ]
    assert totals(cast, by=["company.industry", "hot"], tell=["count()"]) == [
        ("it", False, 1),
        ("it", True, 1),
        (None, False, 2),
        (None, True, 1),
    ]
    assert totals(cast, by=["late"], tell=["count()"]) == [(False, 3), (True, 2)]


@pytest.mark.parametrize(
    ("bucket", "expected"),
    [
        ("year(due)", ["2025", "2026", None]),
        ("quarter(due)", ["2025-Q4", "2026-Q1", "2026-Q2", None]),
        ("month(due)", ["2025-12", "2026-01", "2026-03", "2026-04", None]),
        ("week(due)", ["2026-W01", "2026-W14", None]),
        ("day(due)", ["2025-12-29", "2026-01-01", "2026-03-31", "2026-04-01", None]),
        ("year(seen)", ["2025", "2026", None]),
        ("quarter(seen)", ["2025-Q4", "2026-Q1", None]),
        ("month(seen)", ["2025-12", "2026-01", "2026-03", None]),
        ("week(seen)", ["2026-W01", "2026-W11", None]),
        ("day(seen)", ["2025-12-31", "2026-01-01", "2026-03-09", None]),
    ],
)
def test_dates_fall_into_periods_of_the_persons_own_calendar(
    cast: Cast, bucket: str, expected: list[str | None]
) -> None:
    assert [row[0] for row in totals(cast, by=[bucket], tell=["count()"])] == expected


def test_a_zone_that_moves_its_clocks_is_followed_day_by_day(cast: Cast) -> None:
    world, people = cast
    bea = people["bea"]
    there = Principal(id=bea.id, name="bea", roles=bea.roles, timezone="America/New_York")
    query = Query("deal", group_by=(Bucket("seen", "day"),), aggregates=(Aggregate("count"),))
    with world.reading(there) as reader:
        assert [row[0] for row in reader.aggregate(query).values()] == ["2025-12-31", "2026-03-08", None]


def test_having_and_order_speak_of_the_numbers(cast: Cast) -> None:
    by, tell = ["stage"], ["count()", "sum(amount)", "avg(amount)"]

    assert [row[0] for row in totals(cast, by=by, tell=tell, having="sum_amount > 5")] == ["new"]
    assert [row[0] for row in totals(cast, by=by, tell=tell, having="count == 3 and avg_amount == 2.5")] == ["won"]
    assert [row[0] for row in totals(cast, by=by, tell=tell, having="stage != 'new'")] == ["won"]
    assert [row[0] for row in totals(cast, by=by, tell=tell, order=["-count()"])] == ["won", "new"]
    assert [row[0] for row in totals(cast, by=by, tell=tell, order=["sum_amount"])] == ["won", "new"]
    assert [row[0] for row in totals(cast, by=by, tell=tell, order=["-stage"], limit=1)] == ["won"]


def test_numbers_are_those_of_the_rows_that_the_asker_may_see(cast: Cast) -> None:
    assert totals(cast, "ann", tell=["count()", "sum(amount)"]) == [(3, Decimal("5.00"))]
    assert totals(cast, "ann", by=["company.industry"], tell=["count()"]) == [(None, 3)]


def test_json_has_decimal_texts(cast: Cast) -> None:
    world, people = cast
    numbers = tuple(map(Aggregate.parse, ("sum(amount)", "avg(amount)", "count()")))
    query = Query("deal", group_by=(Bucket("due", "month"),), aggregates=(*numbers, Aggregate("max", "due", "last")))
    with world.reading(people["bea"]) as reader:
        first = reader.aggregate(query).json()[0]

    assert first == {
        "month(due)": "2025-12", "sum(amount)": "100.10", "avg(amount)": "100.1000", "count()": 1, "last": "2025-12-29",
    }  # fmt: skip


@pytest.mark.parametrize(
    "parts",
    [
        {},
        {"by": ["nothing"]},
        {"by": ["month(name)"]},
        {"by": ["helpers"]},
        {"by": ["tags"]},
        {"by": ["pin"]},
        {"tell": ["sum(name)"]},
        {"tell": ["avg(due)"]},
        {"tell": ["sum(items)"]},
        {"tell": ["max(pin)"]},
        {"by": ["stage"], "tell": ["count()"], "having": "amount > 1"},
        {"by": ["stage"], "tell": ["count()"], "order": ["amount"]},
        {"by": ["stage", "stage"]},
    ],
)
def test_what_cannot_be_told_is_refused(cast: Cast, parts: dict[str, Any]) -> None:
    with pytest.raises(QueryInvalid):
        totals(cast, **parts)


def test_a_hidden_field_is_in_no_number(cast: Cast) -> None:
    for parts in ({"tell": ["sum(cost)"]}, {"by": ["cost"]}, {"tell": ["sum(nothing)"]}):
        with pytest.raises(QueryInvalid) as refused:
            totals(cast, "liu", **parts)
        assert str(refused.value).startswith("There is no field")


def test_sums_beyond_64_bits_stay_exact(reading_url: str, cast: Cast) -> None:
    world, people = cast
    most = Decimal("9999999999999999.99")
    added = world.add("deal", [{"name": "huge", "amount": most, "owner": people["bea"].id} for _ in range(12)])
    query = Query("deal", aggregates=(Aggregate("sum", "amount"), Aggregate("avg", "amount")), ids=tuple(added))
    with world.reading(people["bea"]) as reader:
        [(total, average)] = reader.aggregate(query).values()
        text = reader.aggregate(query).json()[0]["sum(amount)"]

    assert (total, average, text) == (most * 12, most, "119999999999999999.88")
