"""Working hours, schedules and places of alarms."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from engine.alarms.clocks import is_due, is_outside
from engine.alarms.places import agent_family, network_of
from engine.alarms.rules import Hours

SHANGHAI = ZoneInfo("Asia/Shanghai")
WEEK = Hours("08:00", "20:00", frozenset(range(5)), "Asia/Shanghai", None)
CALENDAR = Hours(
    "",
    "",
    frozenset(range(7)),
    "Asia/Shanghai",
    {
        "week": {"mon": ["09:00-12:00", "13:00-18:00"], "sun": []},
        "holidays": {"2026-03-02": "Founders' day"},
        "workdays": {"2026-03-08": ["10:00-24:00"]},
    },
)


@pytest.mark.parametrize(
    ("hours", "moment", "outside"),
    [
        (WEEK, "2026-03-04 08:00", False),
        (WEEK, "2026-03-04 07:59", True),
        (WEEK, "2026-03-04 19:59", False),
        (WEEK, "2026-03-04 20:00", True),
        (WEEK, "2026-03-07 12:00", True),
        (CALENDAR, "2026-03-09 10:00", False),
        (CALENDAR, "2026-03-09 12:30", True),
        (CALENDAR, "2026-03-02 10:00", True),
        (CALENDAR, "2026-03-08 23:59", False),
        (CALENDAR, "2026-03-15 10:00", True),
        (CALENDAR, "2026-03-10 10:00", True),
    ],
)
def test_working_hours_are_those_of_the_place(hours: Hours, moment: str, *, outside: bool) -> None:
    at = datetime.fromisoformat(moment).replace(tzinfo=SHANGHAI).astimezone(UTC)

    assert is_outside(hours, at) is outside


@pytest.mark.parametrize(
    ("schedule", "last", "now", "due"),
    [
        ("0 9 * * *", "2026-03-04 08:00", "2026-03-04 08:59", False),
        ("0 9 * * *", "2026-03-04 08:59", "2026-03-04 09:00", True),
        ("0 9 * * *", "2026-03-04 09:00", "2026-03-05 08:59", False),
        ("0 9 * * *", "2026-01-04 09:00", "2026-03-05 08:59", True),
        ("*/15 * * * *", "2026-03-04 08:01", "2026-03-04 08:14", False),
        ("*/15 * * * *", "2026-03-04 08:01", "2026-03-04 08:15", True),
        ("30 9-17/2 * * 1-5", "2026-03-04 09:31", "2026-03-04 11:29", False),
        ("30 9-17/2 * * 1-5", "2026-03-04 09:31", "2026-03-04 11:30", True),
        ("0 9 * * 7", "2026-03-07 10:00", "2026-03-08 09:00", True),
        ("0 9 1 * 1", "2026-03-03 10:00", "2026-03-05 09:00", False),
        ("0 9 5 * 1", "2026-03-04 10:00", "2026-03-05 09:00", True),
        ("0 9 1,5 3 *", "2026-03-04 10:00", "2026-03-05 09:00", True),
        ("x y * * *", "2026-03-04 10:00", "2026-03-05 09:00", False),
    ],
)
def test_a_schedule_has_come_or_not(schedule: str, last: str, now: str, *, due: bool) -> None:
    before, at = (datetime.fromisoformat(each).replace(tzinfo=SHANGHAI) for each in (last, now))

    assert is_due(schedule, before.astimezone(UTC), at.astimezone(UTC), "Asia/Shanghai") is due


def test_places_are_coarse_enough_for_addresses_that_change() -> None:
    assert network_of("203.0.113.7") == network_of("203.0.113.99") == "203.0.113.0/24"
    assert network_of("2001:db8:1:2::3") == network_of("2001:db8:1:9::7") == "2001:db8:1::/48"
    assert network_of("::ffff:203.0.113.7") == "203.0.113.0/24"
    assert (network_of(None), network_of("unix")) == (None, "unix")
    edge = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0"
    assert agent_family(edge) == agent_family(edge.replace("140", "150")) == "Edge, Windows"
    assert agent_family("curl/8.5.0") == agent_family("curl/9") == "curl"
