"""Answers are right, of nothing but what the asker may see, and each number leads to exactly its records."""

import datetime as dt
import re
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from engine import AccessDenied, Query, Reader, Site, ask_numbers, ask_totals, parse, question_of, records_of, to_text
from tests.functional.insight import office
from tests.functional.screens.world import build

Shop = tuple[Site, dict[str, str], list[dict[str, Any]]]
NUMBERS = {
    "count": {"count": True},
    "price": {"sum": "price"},
    "hours": {"avg": "hours"},
    "dearest": {"max": "price"},
    "places": {"count_distinct": "place"},
    "over": {"count": True, "where": "stage == 'over'"},
    "dear": {"sum": "price", "where": "price > 100 and stage is not None"},
    "done": {"ratio": ["over", "count"]},
}
EXACT = {key: NUMBERS[key] for key in ("count", "price", "dearest", "over", "dear", "done")}
"""Those whose totals are put together from their parts."""
QUESTIONS: list[dict[str, Any]] = [
    {"group_by": "stage"},
    {"group_by": ["place", "urgent"], "pivot": "stage"},
    {"group_by": "month(due_on)", "pivot": "stage", "where": "price > 50"},
    {"group_by": "week(seen_at)"},
    {"group_by": "quarter(seen_at)", "pivot": "weekday(seen_at)"},
    {"group_by": "day(seen_at)", "where": "hours > 40"},
    {"group_by": "place.region", "pivot": "year(due_on)"},
    {"group_by": ["owner", "stage", "urgent"]},
    {"pivot": "owner"},
]


@contextmanager
def stocked_site(folder: Path, database_url: str | None = None) -> Iterator[Shop]:
    """Make a shop with repairs that are known here."""
    ids = build(folder, office.DOCUMENTS, database_url, office.PEOPLE)
    with Site.open(folder, database_url=database_url) as site:
        yield site, ids, office.fill(site, [ids["cao"], ids["hal"]], 120, 11)


@pytest.fixture(scope="module")
def stocked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with stocked_site(tmp_path_factory.mktemp("stocked") / "site") as made:
        yield made


def value_of(row: dict[str, Any], bucket: str, regions: dict[str, str]) -> Any:
    """Return the group of a row, worked out in Python."""
    unit, path = bucket.rstrip(")").split("(") if "(" in bucket else ("", bucket)
    value: Any = regions.get(row["place"]) if path == "place.region" else row[path]
    if value is None or not unit:
        return value
    day: Any = value.astimezone(ZoneInfo("Asia/Shanghai")).date() if isinstance(value, dt.datetime) else value
    year, week, weekday = day.isocalendar()
    return {
        "year": f"{day.year}",
        "quarter": f"{day.year}-Q{(day.month + 2) // 3}",
        "month": f"{day:%Y-%m}",
        "week": f"{year}-W{week:02d}",
        "day": day.isoformat(),
        "weekday": weekday,
    }[unit]


def numbers_of(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the numbers of some rows, worked out in Python."""
    prices = [row["price"] for row in rows if row["price"] is not None]
    hours = [row["hours"] for row in rows if row["hours"] is not None]
    dear = [row["price"] for row in rows if row["price"] is not None and row["price"] > 100 and row["stage"]]
    over = sum(row["stage"] == "over" for row in rows)
    return {
        "count": len(rows),
        "price": sum(prices) if prices else None,
        "hours": (sum(hours) / len(hours)).quantize(Decimal("0.0001")) if hours else None,
        "dearest": max(prices, default=None),
        "places": len({row["place"] for row in rows} - {None}),
        "over": over,
        "dear": sum(dear) if dear else None,
        "done": (Decimal(over) * 100 / len(rows)).quantize(Decimal("0.1")) if rows else None,
    }


def test_every_number_is_that_of_its_records_and_leads_to_them(database_url: str, tmp_path: Path) -> None:
    with stocked_site(tmp_path / "site", database_url) as (site, ids, rows):
        with site.reading(site.principal(ids["cao"])) as reader:
            regions = dict(reader.query(Query("place", select=("id", "region"), limit=9)).values())
            for body in QUESTIONS:
                _check_numbers(reader, body, rows, regions, NUMBERS)
                _check_numbers(reader, body, rows, regions, EXACT)
        for who in ("cao", "hal"):
            with site.reading(site.principal(ids[who])) as reader:
                for body in QUESTIONS:
                    if "price" not in str(body):  # a mark for some, who then may not ask by it
                        _check_ways(reader, body)


def _check_numbers(
    reader: Reader, body: dict[str, Any], rows: list[dict[str, Any]], regions: dict[str, str], measures: dict[str, Any]
) -> None:
    """Compare each number, subtotal and total with that of the rows themselves."""
    question = question_of({"entity": "repair", "measures": measures, **body})
    answer = ask_numbers(reader, question)
    groups: dict[tuple[tuple[Any, ...], tuple[Any, ...]], list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        if "where" in body and not _holds(row, body["where"]):
            continue
        mine = tuple(value_of(row, each.key, regions) for each in question.groups)
        across = tuple(value_of(row, each.key, regions) for each in question.pivot)
        for key in {(mine, across), (mine, ()), ((), across), ((), ())}:
            groups[key].append(row)
        for depth in range(1, len(mine)):
            if not question.pivot:
                groups[mine[:depth], ()].append(row)
    assert set(answer.rows) >= {mine for mine, _across in groups if len(mine) == len(question.groups)}
    for (mine, across), several in groups.items():
        found = {key: answer.number(mine, across, key) for key in measures}
        expected = numbers_of(several)
        assert found == {key: expected[key] for key in measures}, (body, mine, across)


def _check_ways(reader: Reader, body: dict[str, Any]) -> None:
    """Compare counts with those of the lists that they lead to."""
    measures = {"count": {"count": True}, "over": NUMBERS["over"], "filled": {"count": "abroad"}}
    answer = ask_numbers(reader, question_of({"entity": "repair", "measures": measures, **body}))
    for row in [*answer.rows[:5], (), *(each[:1] for each in answer.rows[:2])]:
        for column in {*answer.columns[:3], ()}:
            for measure in measures:
                told = answer.number(row, column, measure)
                if told is None:
                    continue
                where = records_of(reader.model, answer.question, row, column, measure, "Asia/Shanghai")
                # As the address of the list says it, and the list reads it.
                again = None if where is None else parse(to_text(where))
                assert reader.count(Query("repair", where=again)).number == told, (body, row, column, measure)


def _holds(row: dict[str, Any], where: str) -> bool:
    path, _, bound = re.fullmatch(r"(\w+) (>) (\d+)", where).groups()  # type: ignore[union-attr]
    return row[path] is not None and row[path] > int(bound)


def test_nobody_is_told_of_what_they_may_not_see(stocked: Shop) -> None:
    site, ids, rows = stocked
    with site.reading(site.principal(ids["hal"])) as reader:
        body = {
            "entity": "repair",
            "group_by": "stage",
            "measures": {"count": {"count": True}, "price": {"sum": "price"}},
        }
        answer = ask_numbers(reader, question_of({**body, "order": ["-price"]}))
        mine = [row for row in rows if row["owner"] == ids["hal"]]
        assert sum(answer.number(row, (), "count") for row in answer.rows) == len(mine) < len(rows)
        assert (answer.left_out, [each.key for each in answer.question.measures]) == (("price",), ["count"])
        for measures in ({"margin": {"avg": "margin"}}, {"price": {"max": "price"}}):
            with pytest.raises(AccessDenied):
                ask_numbers(reader, question_of({"entity": "repair", "measures": measures}))
        with pytest.raises(AccessDenied):
            ask_numbers(reader, question_of({"entity": "repair", "group_by": "margin"}))


def test_having_order_and_limit_choose_rows(stocked: Shop) -> None:
    site, ids, rows = stocked
    with site.reading(site.principal(ids["cao"])) as reader:
        question = question_of(
            {
                "entity": "repair",
                "group_by": "day(due_on)",
                "measures": NUMBERS,
                "having": "count > 1",
                "order": ["-count"],
            }
        )
        answer = ask_numbers(reader, question)
        counts = [answer.number(row, (), "count") for row in answer.rows]
        by_day: dict[Any, int] = defaultdict(int)
        for row in rows:
            by_day[row["due_on"]] += 1
        assert counts == sorted((each for each in by_day.values() if each > 1), reverse=True)
        assert not answer.capped
        first = ask_numbers(reader, replace(question, limit=2))
        assert (len(first.rows), first.capped) == (2, True)
        ratios = question_of({"entity": "repair", "group_by": "place", "measures": NUMBERS, "order": ["-done"]})
        shares = [ask_numbers(reader, ratios).number(row, (), "done") for row in ask_numbers(reader, ratios).rows]
        assert shares == sorted(shares, reverse=True)
        assert ask_totals(reader, ratios)["count"] == len(rows)


def test_months_without_a_record_are_rows_too(stocked: Shop) -> None:
    site, ids, _rows = stocked
    with site.reading(site.principal(ids["cao"])) as reader:
        body = {"entity": "repair", "group_by": "month(due_on)", "measures": {"n": {"count": True}}}
        some = "due_on >= date(2026, 2, 1) and due_on < date(2026, 2, 5) or due_on >= date(2026, 9, 1)"
        labels = [row[0] for row in ask_numbers(reader, question_of({**body, "where": some})).rows]
        assert labels[:8] == [f"2026-{month:02d}" for month in range(2, 10)] or labels[0] >= "2026-09"
        assert labels == sorted(labels)


def spoken(reader: Reader, body: dict[str, Any]) -> list[Any]:
    """Return the first values of an answer's rows."""
    return [row[0] for row in ask_numbers(reader, question_of({"entity": "repair", **body})).rows]


def test_groups_that_are_sorted_by_time_the_other_way_stay_so(stocked: Shop) -> None:
    site, ids, _rows = stocked
    with site.reading(site.principal(ids["cao"])) as reader:
        body = {"group_by": "quarter(due_on)", "where": "due_on is not None"}
        up = spoken(reader, body)
        assert spoken(reader, {**body, "order": ["-quarter(due_on)"]}) == up[::-1]
