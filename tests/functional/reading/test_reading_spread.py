"""A list of some values is the same list when each value is read by itself, page by page, and so is a board of it."""

import random
import time
from contextlib import suppress
from typing import Any

import pytest

from engine.data import select, spreading, strategy
from engine.data.query import Query, orders
from engine.errors import AccessDenied, QueryInvalid
from engine.expression import Expr, parse
from tests.functional.reading.test_reading_oracle import populated
from tests.functional.reading.test_reading_pages import walk

LISTS = tuple(
    Query("deal", select=("name",), limit=5, order_by=orders(order), where=parse(where))
    for where in ("stage in ['new', 'lost']", "hot and stage in ['lost', 'won', 'new']")
    for order in (["-due"], ["due"])
)


@pytest.mark.slow
def test_what_is_read_value_by_value_is_the_same_list(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    world, people = populated(random.Random(5), database_url)
    apart: list[int] = []

    def counted(*given: Any, **more: Any) -> tuple[Expr, ...]:
        found = spreading.spread(*given, **more)
        apart.append(len(found))
        return found

    monkeypatch.setattr(select, "spread", counted)
    answers: dict[str, list[object]] = {}
    for way, indexed in (("plain", False), ("plain", True), ("walk", True)):
        known = [("stage", "due"), ("stage", "created_at"), ("company", "stage", "due")] if indexed else []
        chosen = (way, time.monotonic() + 1000)
        monkeypatch.setattr(spreading, "list_indexes", lambda place, known=known: known)
        monkeypatch.setattr(strategy, "_choose", lambda reader, rule, chosen=chosen: chosen)
        world.model.memory.clear()
        apart.clear()
        found = answers.setdefault(f"{way} {indexed}", [])
        for person in people[:2]:
            with world.reading(person) as reader:
                companies = reader.query(Query("company", limit=2)).ids
                for query in LISTS:
                    # Who may not know of a field is refused, whichever way would have been taken.
                    with suppress(AccessDenied, QueryInvalid):
                        lanes = reader.lanes(query, "company", (*companies, None))
                        found.append([walk(reader, query), [lanes[each].ids for each in (*companies, None)]])
        assert (max(apart) > 1) == indexed
    world.database.dispose()

    assert any(answers["plain False"])
    for way, found in answers.items():
        assert found == answers["plain False"], way
