"""The columns of a board are the lists that they stand for, whichever way these are read; and what is near is near."""

import random
import time
from dataclasses import replace
from typing import Any

import pytest

from engine.data import strategy
from engine.data.lanes import lane
from engine.data.nearby import Point, box_around, distance_km
from engine.data.query import Bucket, Query, orders
from engine.expression import parse
from tests.conftest import read_tier
from tests.functional.reading.test_reading_oracle import populated

ASKED = (
    Query("deal", select=("name", "company.name"), limit=3, order_by=orders(["-created_at"])),
    Query("deal", select=("name",), limit=2, where=parse("hot"), order_by=orders(["-amount"])),
)


@pytest.mark.slow
def test_the_lanes_of_a_board_are_the_lists_with_their_values(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, people = populated(random.Random(8), database_url)
    compared = 0
    for way in ("plain", "walk", "gather", "merge"):
        monkeypatch.setattr(strategy, "_choose", lambda reader, rule, way=way: (way, time.monotonic() + 1000))
        world.model.memory.clear()
        for person in people[: 6 if read_tier() == "full" else 1]:
            with world.reading(person) as reader:
                if reader.access.mask("deal").get("stage") not in {"read", "write"}:
                    continue
                groups = reader.aggregate(Query("deal", group_by=(Bucket("stage"),), aggregates=(), limit=50))
                values: list[Any] = [*(row[0] for row in groups.values()), None]
                for query in ASKED:
                    found = reader.lanes(query, "stage", list(dict.fromkeys(values)))
                    for value, rows in found.items():
                        one = replace(query, where=lane("stage", value, query.where))
                        expected = reader.query(one)
                        assert rows.ids == expected.ids, (way, value)
                        compared += len(rows)
                        if rows.next_cursor is not None:
                            again = reader.query(replace(one, cursor=rows.next_cursor))
                            assert again.ids == reader.query(replace(one, cursor=expected.next_cursor)).ids
                ids = reader.query(Query("deal", select=("name",), limit=200)).ids
                asked = reader.query(Query("deal", select=("name",), ids=tuple(ids[::2]), limit=200))
                assert sorted(asked.ids) == sorted(ids[::2]), way
    world.database.dispose()

    assert compared


@pytest.mark.parametrize(
    ("one", "other", "km"),
    [
        (Point(30.2741, 120.1551), Point(31.2304, 121.4737), 164.6),
        (Point(0, 0), Point(0, 180), 20_015.1),
        (Point(-18.1248, 178.4501), Point(-13.8333, -171.7667), 1_149.0),
        (Point(90, 0), Point(-90, 77), 20_015.1),
        (Point(5, 5), Point(5, 5), 0),
    ],
)
def test_distances_are_those_of_the_globe(one: Point, other: Point, km: float) -> None:
    assert distance_km(one, other) == pytest.approx(km, rel=0.005)
    assert distance_km(other, one) == pytest.approx(distance_km(one, other))


def test_nothing_within_a_distance_lies_outside_of_its_box() -> None:
    dice = random.Random(3)
    for _ in range(3_000):
        middle = Point(dice.uniform(-90, 90), dice.uniform(-180, 180))
        other = Point(
            max(-90.0, min(90.0, middle.lat + dice.gauss(0, 4))), (middle.lng + dice.gauss(0, 9) + 180) % 360 - 180
        )
        km = distance_km(middle, other) * 1.000_001 + 0.001
        box = box_around(middle, km)
        inside = box["south"] <= other.lat <= box["north"]
        turned = box["west"] > box["east"]
        wide = other.lng >= box["west"] or other.lng <= box["east"]
        assert inside, (middle, other, km, box)
        assert wide if turned else box["west"] <= other.lng <= box["east"], (middle, other, km, box)
