"""Validating a record must not be felt: performance.md, W1."""

import time
import timeit
from typing import Any

from engine.fields import Locale, field_types

ID = "0198abcd-1234-7000-8000-0123456789ab"
STAGES = {"options": {"new": {"label": {"en": "New", "zh": "新建"}}, "won": {}}}

# The fifteen fields of the lead that the benchmark creates, as a JSON body brings them.
LEAD: list[tuple[str, dict[str, Any], Any]] = [
    ("text", {"max_length": 120}, "Anna Schmidt"),
    ("text", {"max_length": 200}, "上海宏达贸易有限公司"),
    ("text", {}, "Purchasing"),
    ("select", STAGES, "new"),
    ("select", STAGES, "won"),
    ("money", {"currency": "CNY", "min": 0}, "125000.50"),
    ("phone", {}, "138 0013 8000"),
    ("email", {}, "anna.schmidt@example.com"),
    ("url", {}, "https://www.example.com/about"),
    ("date", {}, "2026-11-22"),
    ("datetime", {}, "2026-11-22T09:30:00Z"),
    ("integer", {"min": 0, "max": 100}, 80),
    ("boolean", {}, True),
    ("lookup", {"to": "account"}, ID),
    ("longtext", {}, "Met at the fair in Canton.\nWants a quote for 200 units by the end of the month."),
]


def best(run: Any, rounds: int = 200) -> float:
    """CPU seconds of one run: what else the machine does meanwhile does not count."""
    return min(timeit.repeat(run, timer=time.process_time, number=rounds, repeat=7)) / rounds


def test_fifteen_fields_are_read_in_well_under_a_hundred_microseconds() -> None:
    parsers = [(field_types()[name].parser(options), raw) for name, options, raw in LEAD]

    seconds = best(lambda: [parse(raw) for parse, raw in parsers])

    assert len(parsers) == 15
    assert seconds < 60e-6, f"{seconds * 1e6:.0f} us"


def test_a_list_of_fifty_rows_of_twelve_columns_is_written_in_two_milliseconds() -> None:
    locale = Locale("zh", "Asia/Shanghai", "CNY")
    columns = [
        (field_types()[name].displayer(options, locale), field_types()[name].parse(raw, options))
        for name, options, raw in LEAD[:12]
    ]

    seconds = best(lambda: [write(value) for _ in range(50) for write, value in columns], rounds=5)

    assert seconds < 2e-3, f"{seconds * 1e3:.1f} ms"
