"""Cron rules: what they say, when they come next, and what happens when clocks are put forward and back."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from engine.errors import GuanxiError
from engine.jobs.cron import Cron

SHANGHAI, BERLIN, LORD_HOWE = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin"), ZoneInfo("Australia/Lord_Howe")


def times(rule: str, after: datetime, zone: ZoneInfo, count: int) -> list[str]:
    cron, found = Cron.parse(rule), []
    for _ in range(count):
        at = cron.after(after, zone)
        assert at is not None
        assert at > after
        after = at
        found.append(at.astimezone(zone).strftime("%m-%d %H:%M%z"))
    return found


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("30 2 * * *", ["03-02 02:30+0800", "03-03 02:30+0800"]),
        ("0 9 * * 1-5", ["03-02 09:00+0800", "03-03 09:00+0800"]),
        ("0 9 * * mon,7", ["03-02 09:00+0800", "03-08 09:00+0800"]),
        ("*/20 8-9 1 * *", ["04-01 08:00+0800", "04-01 08:20+0800"]),
        ("0 0 13 * fri", ["03-06 00:00+0800", "03-13 00:00+0800"]),
        ("0 0 31 * *", ["03-31 00:00+0800", "05-31 00:00+0800"]),
        ("5/25 12 * jun *", ["06-01 12:05+0800", "06-01 12:30+0800"]),
    ],
)
def test_the_next_times_of_a_rule(rule: str, expected: list[str]) -> None:
    assert times(rule, datetime(2026, 3, 1, 12, tzinfo=SHANGHAI), SHANGHAI, 2) == expected


def test_a_leap_day_is_waited_for() -> None:
    assert Cron.parse("0 0 29 2 *").after(datetime(2026, 1, 1, tzinfo=UTC), SHANGHAI) == datetime(
        2028, 2, 28, 16, tzinfo=UTC
    )


def test_what_falls_into_the_hour_that_is_skipped_is_done_at_its_end_once() -> None:
    assert times("30 2 * * *", datetime(2026, 3, 28, 12, tzinfo=BERLIN), BERLIN, 2) == [
        "03-29 03:00+0200",
        "03-30 02:30+0200",
    ]
    # Half an hour is skipped there.
    assert times("15 2 * * *", datetime(2026, 10, 3, 12, tzinfo=LORD_HOWE), LORD_HOWE, 1) == ["10-04 02:30+1100"]


def test_what_is_due_in_the_hour_that_comes_twice_is_done_the_first_time_alone() -> None:
    assert times("30 2 * * *", datetime(2026, 10, 24, 12, tzinfo=BERLIN), BERLIN, 2) == [
        "10-25 02:30+0200",
        "10-26 02:30+0100",
    ]


def test_what_is_due_in_every_hour_is_due_in_the_second_one_too() -> None:
    assert times("0,30 * * * *", datetime(2026, 10, 25, 1, 45, tzinfo=BERLIN), BERLIN, 5) == [
        "10-25 02:00+0200",
        "10-25 02:30+0200",
        "10-25 02:00+0100",
        "10-25 02:30+0100",
        "10-25 03:00+0100",
    ]


def test_the_times_of_a_year_are_in_order_and_of_the_rule() -> None:
    cron, at, seen = Cron.parse("0 */6 * * *"), datetime(2026, 1, 1, tzinfo=UTC), 0
    while (following := cron.after(at, BERLIN)) is not None and following < datetime(2027, 1, 1, tzinfo=UTC):
        assert timedelta(hours=5) <= following - at <= timedelta(hours=7)
        at, seen = following, seen + 1
    assert seen == 365 * 4


@pytest.mark.parametrize(
    "rule",
    ["", "* * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *", "* * * * 8", "a * * * *", "*/0 * * * *",
     "5-2 * * * *", "0 0 30 2 *", "1,,2 * * * *", "-1 * * * *", "٣ * * * *"],
)  # fmt: skip
def test_what_is_no_rule_is_refused(rule: str) -> None:
    with pytest.raises(GuanxiError):
        Cron.parse(rule)
