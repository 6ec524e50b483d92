"""Formulas and rollups that a publication adds are worked out for the records that are there already."""

from collections.abc import Iterator

import pytest

from engine.data.principal import SYSTEM
from tests.functional.writing.world import World

BEFORE = """
entity: shop
plural: shops
title: name
fields:
  name: {type: text, required: true}
  rent: {type: money, currency: CNY}
---
entity: sale
plural: sales
title: what
fields:
  what: {type: text}
  price: {type: money, currency: CNY}
  shop: {type: lookup, to: shop, on_delete: clear}
"""

AFTER = BEFORE.replace(
    "  rent: {type: money, currency: CNY}\n",
    """  rent: {type: money, currency: CNY}
  sold: {type: rollup, of: sales, sum: price}
  left: {type: formula, result: money, stored: true, expr: "coalesce(sold, 0) - coalesce(rent, 0)"}
""",
).replace(
    "  shop: {type: lookup, to: shop, on_delete: clear}\n",
    """  shop: {type: lookup, to: shop, on_delete: clear}
  at: {type: formula, result: text, stored: true, expr: "shop.name"}
""",
)


@pytest.fixture(scope="module")
def world(writing_url: str) -> Iterator[World]:
    world = World(writing_url, BEFORE)
    world.publisher.backfill = world.records.backfill
    yield world
    world.database.dispose()


def test_what_is_published_later_is_worked_out_for_what_is_there(world: World) -> None:
    [one, other, gone] = world.records.create(
        SYSTEM, "shop", [{"name": "One", "rent": 3}, {"name": "Other"}, {"name": "Gone"}]
    )
    rows = [{"what": f"s{number}", "price": number, "shop": one.id} for number in range(1_200)]
    made = world.records.create(SYSTEM, "sale", rows)
    world.records.create(SYSTEM, "sale", [{"what": "g", "price": 9, "shop": gone.id}])
    world.records.delete(SYSTEM, "shop", [gone.id])

    world.publish(AFTER)

    total = sum(range(1_200))
    assert world.value("shop", one.id, "sold") == total
    assert world.value("shop", one.id, "left") == total - 3
    assert world.value("shop", other.id, "sold") == 0
    assert world.value("sale", made[-1].id, "at") == "One"
    assert world.value("shop", one.id, "version") == 1
    assert len(world.history(one.id)) == 1
    world.records.create(SYSTEM, "sale", [{"what": "more", "price": 1, "shop": one.id}])
    assert world.value("shop", one.id, "left") == total - 2
