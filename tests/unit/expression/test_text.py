"""Trees survive being written, as text and as JSON."""

from __future__ import annotations

import json

import pytest
from hypothesis import given

from engine.errors import ExpressionInvalid
from engine.expression import Expr, Literal, Path, from_json, parse, to_json, to_text
from engine.expression.ast import MAX_DEPTH
from tests.unit.expression.trees import EXPRESSIONS


@given(EXPRESSIONS)
def test_what_is_written_reads_the_same(expr: Expr) -> None:
    assert parse(to_text(expr)) == expr


@given(EXPRESSIONS)
def test_json_carries_the_whole_tree(expr: Expr) -> None:
    assert from_json(json.loads(json.dumps(to_json(expr)))) == expr


@pytest.mark.parametrize(
    "text",
    [
        "stage == 'new' and amount > 1000",
        "(a or b) and not (c and d)",
        "a - (b - c) * -d",
        "-(5)",
        "(-5) * 2",
        "(a if b else c) + (d if e else f)",
        "a if b else c if d else e",
        "(a == b) == (c < d)",
        "x not in ['a', \"it's\", 1.5, None]",
        "stage is None or name is not None",
        "any(items, amount > 3) and sum_of(items, amount * 2) < 10",
        "date('2026-01-31') <= on_date < today + 7",
        "datetime('2026-01-31T09:00:00.000Z') < now and starts == time('09:30:00')",
    ],
)
def test_a_text_is_written_with_no_more_parentheses_than_it_takes(text: str) -> None:
    once = to_text(parse(text))

    assert to_text(parse(once)) == once
    assert once == {
        "(-5) * 2": "-5 * 2",
        "date('2026-01-31') <= on_date < today + 7": "date('2026-01-31') <= on_date and on_date < today + 7",
    }.get(text, text)


def test_json_is_plain_to_read() -> None:
    assert to_json(parse("account.stage in ['new', 1.50] and on_date > date('2026-01-31')")) == {
        "call": "and",
        "args": [
            {"call": "in", "args": [{"path": ["account", "stage"]}, {"list": ["new", {"number": "1.5"}]}]},
            {"call": ">", "args": [{"path": ["on_date"]}, {"date": "2026-01-31"}]},
        ],
    }


def _deep() -> object:
    data: object = {"path": ["a"]}
    for _ in range(MAX_DEPTH):
        data = {"call": "not", "args": [data]}
    return data


@pytest.mark.parametrize(
    "data",
    [
        1.5,
        7,
        ["a"],
        {},
        {"path": []},
        {"path": "a"},
        {"path": ["a", 1]},
        {"var": 1},
        {"call": "and"},
        {"call": 1, "args": []},
        {"number": "x"},
        {"number": "1e999999999"},
        {"number": "NaN"},
        {"date": "2026-02-30"},
        {"list": [{"path": ["a"]}]},
        {"list": [{"list": [[1]]}]},
        {"number": "1", "date": "2026-01-01"},
        {"call": "and", "args": [{"path": ["a"]}] * 5_000},
        _deep(),
    ],
)
def test_json_that_is_no_expression_is_refused(data: object) -> None:
    with pytest.raises(ExpressionInvalid):
        from_json(data)


def test_a_literal_is_not_equal_to_another_kind_that_python_thinks_equal() -> None:
    assert Literal(1) != Literal(True)
    assert Literal((1,)) != Literal((True,))
    assert Literal(1) == Literal(1)
    assert len({Literal(1), Literal(True), Literal("1"), Path(("1",))}) == 4
