"""Paging: every row once, in one order on both databases, however it is sorted and whatever is added meanwhile."""

import datetime as dt
import random
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from engine.data.principal import SYSTEM, Principal
from engine.data.query import Query, orders
from engine.data.reader import Reader
from engine.errors import QueryInvalid
from engine.expression import parse
from tests.conftest import read_tier
from tests.functional.reading.world import NOW, World

SORTS = (
    "amount",
    "cost",
    "due",
    "seen",
    "stage",
    "hot",
    "company",
    "company.industry",
    "margin",
    "late",
    "created_at",
    "name",
)


@pytest.fixture(scope="module")
def world(empty_world: World) -> World:
    generator = random.Random(7)
    companies = empty_world.add(
        "company", [{"name": f"c{each % 3}", "industry": [None, "it", "realty"][each % 3]} for each in range(5)]
    )
    empty_world.add("deal", [deal(generator, companies) for _ in range(120)])
    return empty_world


def deal(generator: random.Random, companies: list[str]) -> dict[str, Any]:
    few = [None, Decimal("1.00"), Decimal("1.50"), Decimal("-2.25")]
    return {
        "name": generator.choice(["a", "b", "Ä", "张"]),
        "amount": generator.choice(few),
        "cost": generator.choice(few),
        "due": generator.choice([None, dt.date(2026, 1, 1), dt.date(2026, 1, 2)]),
        "seen": generator.choice([None, NOW, NOW + dt.timedelta(milliseconds=1)]),
        "stage": generator.choice(["new", "won"]),
        "hot": generator.choice([None, True, False]),
        "company": generator.choice([None, *companies]),
        "created_at": NOW + dt.timedelta(days=generator.randrange(3)),
    }


def walk(reader: Reader, query: Query) -> list[str]:
    seen: list[str] = []
    for _ in range(1000):
        page = reader.query(query)
        assert len(page) <= query.limit
        seen += page.ids
        if page.next_cursor is None:
            return seen
        query = replace(query, cursor=page.next_cursor)
    raise AssertionError("the list has no end")


def random_orders(count: int) -> list[str]:
    generator = random.Random(3)
    found = {
        ",".join(generator.choice(["", "-"]) + each for each in generator.sample(SORTS, generator.randrange(1, 4)))
        for _ in range(count)
    }
    return sorted(found)


@pytest.mark.parametrize("order", random_orders(400 if read_tier() == "full" else 25))
def test_pages_hold_every_row_once_in_the_order_of_the_whole_list(world: World, order: str) -> None:
    with world.reading(SYSTEM) as reader:
        query = Query("deal", select=("name",), order_by=orders(order.split(",")), limit=200)
        whole = reader.query(query).ids
        assert len(set(whole)) == 120

        assert walk(reader, replace(query, limit=7)) == whole


def test_missing_values_come_last_either_way(world: World) -> None:
    with world.reading(SYSTEM) as reader:
        for order in ("amount", "-amount"):
            rows = [
                row["amount"]
                for row in reader.query(Query("deal", select=("amount",), order_by=orders([order]), limit=200)).json()
            ]
            present = [each for each in rows if each is not None]
            assert rows == present + [None] * (len(rows) - len(present))
            assert [Decimal(each) for each in present] == sorted(map(Decimal, present), reverse=order == "-amount")


def test_rows_that_come_in_between_are_seen_or_not_but_none_twice_and_none_lost(reading_url: str, world: World) -> None:
    generator = random.Random(1)
    for order in ("amount", "-cost", "-due"):
        query = Query("deal", select=("name",), order_by=orders([order]), limit=9)
        with world.reading(SYSTEM) as reader:
            before = set(walk(reader, replace(query, limit=100)))
        seen: list[str] = []
        cursor = None
        while True:
            with world.reading(SYSTEM) as reader:
                page = reader.query(replace(query, cursor=cursor))
            seen += page.ids
            cursor = page.next_cursor
            if cursor is None:
                break
            world.add("deal", [deal(generator, [])])
        assert before <= set(seen)
        assert len(seen) == len(set(seen))
        # The other tests count on the rows that were there.
        added = set(world.rows["deal"]) - before
        forget(world, added)


def forget(world: World, ids: set[str]) -> None:
    from engine.storage.database import run
    from engine.storage.guard import ENTITY_ACCESS

    table = world.site.tables.name("deal")
    with world.database.write() as connection:
        for each in ids:
            mark = "?" if world.database.dialect == "sqlite" else "%s"
            run(connection, f"DELETE FROM {table} WHERE id = {mark}", (each,), access=ENTITY_ACCESS)
            del world.rows["deal"][each]


QUERY = Query("deal", select=("name",), order_by=orders(["amount"]), limit=5, where=parse("stage == 'new'"))


@pytest.mark.parametrize(
    "other",
    [
        replace(QUERY, order_by=orders(["-amount"])),
        replace(QUERY, where=parse("stage == 'won'")),
        replace(QUERY, where=None),
        replace(QUERY, search="a"),
        replace(QUERY, trashed=True),
        replace(QUERY, entity="company", where=None, order_by=orders(["name"])),
    ],
)
def test_a_cursor_belongs_to_its_list(world: World, other: Query) -> None:
    with world.reading(SYSTEM) as reader:
        cursor = reader.query(QUERY).next_cursor
        with pytest.raises(QueryInvalid):
            reader.query(replace(other, cursor=cursor))


def test_a_cursor_belongs_to_its_person_and_cannot_be_made_up(world: World) -> None:
    one, two = (Principal(id=None, name=name, roles=frozenset({"boss"})) for name in "ab")
    one = replace(one, id=next(iter(world.rows["company"])))
    with world.reading(one) as reader:
        cursor = reader.query(QUERY).next_cursor
        assert cursor is not None
        assert len(reader.query(replace(QUERY, cursor=cursor))) == 5
    with world.reading(two) as reader:
        for bad in (cursor, "", "x", cursor[:-2], cursor[::-1], "A" * 5000, "é"):
            if bad:
                with pytest.raises(QueryInvalid):
                    reader.query(replace(QUERY, cursor=bad))


def test_a_cursor_lets_the_columns_change(world: World) -> None:
    with world.reading(SYSTEM) as reader:
        first = reader.query(QUERY)
        more = reader.query(replace(QUERY, select=("amount", "cost"), cursor=first.next_cursor))

    assert not set(first.ids) & set(more.ids)
