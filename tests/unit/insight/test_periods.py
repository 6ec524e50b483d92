"""Periods by name, the ones before them, and the parts of time that make one up."""

from datetime import date, timedelta
from itertools import pairwise

import pytest

from engine.errors import BadValue
from engine.expression import Type, to_text
from engine.insight.periods import (
    NAMED_PERIODS,
    Period,
    label_of,
    parts_between,
    parts_in,
    period_of,
    period_of_label,
    within_period,
)

TODAY = date(2026, 5, 20)


@pytest.mark.parametrize(
    ("words", "first", "last", "before"),
    [
        ("today", "2026-05-20", "2026-05-20", ("2026-05-19", "2026-05-19")),
        ("this_week", "2026-05-18", "2026-05-24", ("2026-05-11", "2026-05-17")),
        ("this_month", "2026-05-01", "2026-05-31", ("2026-04-01", "2026-04-30")),
        ("last_month", "2026-04-01", "2026-04-30", ("2026-03-01", "2026-03-31")),
        ("this_quarter", "2026-04-01", "2026-06-30", ("2026-01-01", "2026-03-31")),
        ("last_quarter", "2026-01-01", "2026-03-31", ("2025-10-01", "2025-12-31")),
        ("this_year", "2026-01-01", "2026-12-31", ("2025-01-01", "2025-12-31")),
        ("last_7_days", "2026-05-14", "2026-05-20", ("2026-05-07", "2026-05-13")),
        ("last_12_months", "2025-06-01", "2026-05-31", ("2024-06-01", "2025-05-31")),
        ("2026-02-03", "2026-02-03", "2026-02-03", ("2026-02-02", "2026-02-02")),
        ("2026-02-01..2026-02-10", "2026-02-01", "2026-02-10", ("2026-01-22", "2026-01-31")),
    ],
)
def test_a_period_has_a_first_and_a_last_day_and_one_before_it(
    words: str, first: str, last: str, before: tuple[str, str]
) -> None:
    found = period_of(words, TODAY)
    assert (f"{found.first}", f"{found.last}") == (first, last)
    earlier = found.before()
    assert (f"{earlier.first}", f"{earlier.last}") == before


def test_the_same_days_of_the_year_before_end_with_their_month() -> None:
    february = period_of_label("2024-02", "month")
    assert february.year_before() == Period(date(2023, 2, 1), date(2023, 2, 28), 1)
    assert Period(date(2024, 2, 29), date(2024, 2, 29)).year_before().first == date(2023, 2, 28)


def test_what_still_runs_is_compared_with_as_many_days() -> None:
    month = period_of("this_month", TODAY)
    assert month.before().so_far(month, TODAY) == Period(date(2026, 4, 1), date(2026, 4, 20))
    assert month.before().so_far(month, month.last or TODAY) == month.before()
    over = period_of("last_month", TODAY)
    assert over.before().so_far(over, TODAY) == over.before()
    march = Period(date(2026, 3, 1), date(2026, 3, 31), 1)
    assert march.before().so_far(march, date(2026, 3, 30)).last == date(2026, 2, 28)


@pytest.mark.parametrize("words", ["", "soon", "2026-13-01", "2026-05-02..2026-05-01", "..", "1..2"])
def test_other_words_are_no_period(words: str) -> None:
    with pytest.raises(BadValue):
        period_of(words, TODAY)


def test_a_period_may_be_open() -> None:
    def told(words: str, path: str, kind: Type) -> str:
        found = within_period(path, kind, period_of(words, TODAY), "Asia/Shanghai")
        return "" if found is None else to_text(found)

    assert told("2026-05-01..", "due", Type.DATE) == "due >= date('2026-05-01')"
    assert told("..2026-05-01", "due", Type.DATE) == "due < date('2026-05-02')"
    assert "2026-05-19T16:00" in told("today", "at", Type.DATETIME)
    assert "2026-05-20T16:00" in told("today", "at", Type.DATETIME)


@pytest.mark.parametrize("unit", ["year", "quarter", "month", "week", "day"])
def test_the_parts_of_time_follow_one_another_without_a_gap(unit: str) -> None:
    day, last = date(2019, 12, 20), date(2021, 1, 20)
    labels = parts_in(Period(day, last), unit)
    days = [day + timedelta(each) for each in range((last - day).days + 1)]
    assert labels == list(dict.fromkeys(label_of(each, unit) for each in days))
    assert labels == parts_between(labels[0], labels[-1], unit)
    for one, other in pairwise(labels):
        following = period_of_label(other, unit).first
        assert following is not None
        assert period_of_label(one, unit).last == following - timedelta(1)
    assert parts_in(Period(date(1, 1, 1), date(9999, 12, 31)), "day") == []


def test_every_named_period_holds_some_day() -> None:
    for name, (_label, make) in NAMED_PERIODS.items():
        found = make(date(2024, 2, 29))
        assert not found.open, name
        assert str(found.first) <= str(found.last), name
