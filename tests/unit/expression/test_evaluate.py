"""What expressions give in Python, rule by rule; that the other back ends give the same is tests/parity's work."""

from __future__ import annotations

import timeit
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pytest

from engine.expression import compile_python, parse
from tests.unit.expression.clinic import Clinic

ROW: dict[str, Any] = {
    "subject": "Straße 张三",
    "stage": "seen",
    "fee": Decimal("1250.50"),
    "rate": Decimal("0.1300"),
    "age": 7,
    "on_date": date(2024, 1, 31),
    "created_at": datetime(2026, 6, 30, 20, 15, tzinfo=UTC),
    "starts": time(9, 30),
    "owner": "u1",
    "tags": ("new",),
    "ward^": ("w2", "w1"),
    "items": (
        {"what": "a", "amount": Decimal(3)},
        {"what": "b", "amount": None},
        {"what": "c", "amount": Decimal("0.5")},
    ),
}
ENV: dict[str, Any] = {
    "user.id": "u1",
    "user.roles": ("nurse",),
    "today": date(2026, 11, 22),
    "user.timezone": "Asia/Shanghai",
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # equality knows missing values
        ("urgent is None", True),
        ("urgent == None", True),
        ("urgent == False", False),
        ("urgent != True", True),
        ("patient == owner", False),
        ("patient == about", True),
        # order with a missing operand is false, and so is its opposite
        ("patient.born < today", False),
        ("not patient.born < today", True),
        ("patient.born >= today", False),
        # conditions are true or false, never missing
        ("urgent", False),
        ("not urgent", True),
        ("urgent or fee", True),
        ("age and subject and tags and owner and on_date", True),
        ("(fee - fee) or ''", False),
        ("patient in ['x', None]", True),
        ("patient in ['x']", False),
        ("'new' in tags", True),
        ("'nurse' in user.roles", True),
        # arithmetic is exact, and missing where an operand is
        ("fee * rate", Decimal("162.565")),
        ("0.1 + 0.2 == 0.3", True),
        ("fee / 3", Decimal("416.8333333333")),
        ("1 / 8", Decimal("0.125")),
        ("2 / 3", Decimal("0.6666666667")),
        ("-2 / 3", Decimal("-0.6666666667")),
        ("0.00000000005 / 1", Decimal(0)),
        ("0.00000000015 / 1", Decimal("0.0000000002")),
        ("fee / (age - 7)", None),
        ("-7 // 2", -4),
        ("-7 % 2", 1),
        ("7 % -2", -1),
        ("7.5 % 2", Decimal("1.5")),
        ("round(2.5)", 2),
        ("round(3.5)", 4),
        ("round(-2.5)", -2),
        ("round(0.125, 2)", Decimal("0.12")),
        ("round(fee)", 1250),
        ("999999999999999999 * 999999999999999999", 999999999999999999 * 999999999999999999),
        ("old.fee + 1", None),
        ("-age", -7),
        ("abs(-fee)", Decimal("1250.50")),
        ("max(fee, old.fee, 3)", Decimal("1250.50")),
        ("min(old.fee)", None),
        ("coalesce(old.fee, fee)", Decimal("1250.50")),
        # texts
        ("len(subject)", 9),
        ("lower('ÄİΣ')", "äi\u03c3"),
        ("upper('straße ﬁ')", "STRAßE ﬁ"),
        ("trim('\\u3000 a \\n')", "a"),
        ("contains(subject, 'STRASS')", False),
        ("contains(subject, 'STRAß')", True),
        ("starts_with(subject, 'sTR')", True),
        ("ends_with(subject, '三')", True),
        ("contains(patient.name, '')", False),
        ("replace('aXbX', 'X', '')", "ab"),
        ("replace('ab', '', '-')", "ab"),
        ("'a' + subject", "aStraße 张三"),
        ("text(fee)", "1250.5"),
        ("text(100)", "100"),
        ("text(urgent)", None),
        ("text(age > 3)", "true"),
        ("text(created_at)", "2026-06-30T20:15:00.000Z"),
        ("number(' 1')", None),
        ("number('-1.50')", Decimal("-1.5")),
        ("'😀' > '\\ue000'", True),
        # dates
        ("on_date + 29", date(2024, 2, 29)),
        ("on_date - age", date(2024, 1, 24)),
        ("add_months(on_date, 1)", date(2024, 2, 29)),
        ("add_months(on_date, -11)", date(2023, 2, 28)),
        ("days_between(on_date, today)", 1026),
        ("months_between(date('2024-01-31'), date('2024-02-29'))", 1),
        ("months_between(date('2024-01-31'), date('2024-02-28'))", 0),
        ("months_between(date('2024-03-15'), date('2024-01-31'))", -1),
        ("weekday(date('2026-11-22'))", 7),
        ("date(created_at)", date(2026, 7, 1)),
        ("year(created_at)", 2026),
        ("month(created_at)", 7),
        ("datetime(on_date)", datetime(2024, 1, 30, 16, tzinfo=UTC)),
        ("datetime(on_date, starts)", datetime(2024, 1, 31, 1, 30, tzinfo=UTC)),
        ("datetime('2026-01-31T09:00')", datetime(2026, 1, 31, 1, tzinfo=UTC)),
        ("date(2026, 2, 30)", None),
        ("date('9999-12-31') + 1", None),
        ("date(year(today), 1, 1)", date(2026, 1, 1)),
        ("starts == time('09:30')", True),
        # related rows
        ("count(items)", 3),
        ("count(items, amount > 1)", 1),
        ("sum_of(items, amount * 2)", Decimal(7)),
        ("any(items, what == 'b' and amount is None)", True),
        ("all(items, amount > 0)", False),
        ("all(items, what)", True),
        ("in_subtree(ward, 'w1')", True),
        ("in_subtree(ward, 'w3')", False),
        ("fee if urgent else age", 7),
    ],
)
def test_an_expression_gives(text: str, expected: object) -> None:
    value = compile_python(parse(text), Clinic())(ROW, ENV)

    assert value == expected
    assert isinstance(value, bool) == isinstance(expected, bool)


def test_nothing_is_there_in_an_empty_row() -> None:
    for text, expected in {
        "count(items)": 0,
        "sum_of(items, amount)": 0,
        "any(items, True)": False,
        "all(items, False)": True,
    }.items():
        assert compile_python(parse(text), Clinic())({}, {}) == expected


TYPICAL = (
    "stage == 'seen' and fee > 1000",
    "owner == user.id and (stage in ['booked', 'seen'] or fee is None)",
    "stage != 'missed' and on_date < today and not urgent",
    "fee * rate > 100 or 'insured' in tags",
)


@pytest.mark.parametrize("text", TYPICAL)
def test_a_typical_condition_takes_no_longer_than_two_microseconds(text: str) -> None:
    evaluate = compile_python(parse(text), Clinic())
    floor: Any = lambda row, env: row.get("stage") == "seen"  # noqa: E731 - what a hand-written condition costs

    def best(function: Any) -> float:
        return min(timeit.repeat(lambda: function(ROW, ENV), number=2_000, repeat=7)) / 2_000

    spent = best(evaluate)

    # The goal is absolute, on a machine that does nothing else; on a busy one, in units of the smallest condition.
    assert spent < 2e-6 or spent < 12 * best(floor)
