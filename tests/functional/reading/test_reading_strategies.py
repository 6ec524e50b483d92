"""Whichever way a list is read, it is the same list."""

import random
import time
from contextlib import suppress
from typing import Any

import pytest

from engine.data import strategy
from engine.data.query import Aggregate, Bucket, Query, orders
from engine.data.reader import Reader
from engine.errors import AccessDenied, QueryInvalid
from engine.expression import parse
from tests.conftest import read_tier
from tests.functional.reading.test_reading_oracle import populated
from tests.functional.reading.test_reading_pages import walk

LISTS = (
    Query("deal", select=("name", "company.name"), limit=9),
    Query("deal", select=("name",), limit=9, order_by=orders(["company", "-due"])),
    Query(
        "deal", select=("name",), limit=9, order_by=orders(["-amount"]), where=parse("company.industry == 'it' or hot")
    ),
    Query("deal", select=("name",), limit=9, search="alpha"),
    Query("deal", select=("name",), limit=9, trashed=True),
    Query("company", select=("name",), limit=3),
)


@pytest.mark.slow
def test_the_way_that_a_list_is_read_changes_nothing(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    world, people = populated(random.Random(5), database_url)
    answers: dict[str, list[object]] = {}
    for way in ("plain", "walk", "gather"):
        monkeypatch.setattr(strategy, "_choose", lambda reader, rule, way=way: (way, time.monotonic() + 1000))
        world.model.memory.clear()
        answers[way] = []
        for person in people[: 8 if read_tier() == "full" else 2]:
            with world.reading(person) as reader:
                for query in LISTS:
                    # Who may not know of a field is refused, whichever way would have been taken.
                    with suppress(AccessDenied, QueryInvalid):
                        answers[way] += [walk(reader, query), reader.count(query).number, totals(reader, query)]
    world.database.dispose()

    assert answers["walk"] == answers["plain"]
    assert answers["gather"] == answers["plain"]
    assert any(answers["plain"])


def totals(reader: Reader, query: Query) -> list[object]:
    if query.entity != "deal":
        return []
    asked = Query("deal", where=query.where, group_by=(Bucket("stage"),), aggregates=(Aggregate("sum", "amount"),))
    return list(reader.aggregate(asked).values())


def test_how_much_somebody_reaches_is_counted_once_for_a_while(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, people = populated(random.Random(6), database_url)
    monkeypatch.setattr(strategy, "SMALL", 0)
    chosen: list[str] = []
    original = strategy._choose  # noqa: SLF001 - what is counted is not to be seen from outside

    def choose(reader: Any, rule: Any) -> Any:
        chosen.append(rule.entity)
        return original(reader, rule)

    monkeypatch.setattr(strategy, "_choose", choose)
    for _ in range(3):
        for person in people[:3]:
            with world.reading(person) as reader:
                if reader.access.may("deal", "read"):
                    reader.query(Query("deal", select=("name",)))
    world.database.dispose()

    assert 1 <= len(chosen) <= 3
