"""Whatever comes in, what goes out is a tree or a list of problems: never another exception, never a wrong place."""

from __future__ import annotations

from pathlib import Path as File
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import ExpressionInvalid
from engine.expression import (
    Expr,
    Type,
    check,
    compile_python,
    compile_sql,
    compile_value,
    from_json,
    operators,
    parse,
    simplify,
    to_browser,
    to_json,
    to_text,
)
from tests.unit.expression.clinic import DIALECTS, FIELDS, Clinic, ClinicTables
from tests.unit.expression.trees import expressions

ROOT = File(__file__).parents[3]
WORDS = [
    "a", "stage", "user.id", "today", "==", "!=", "<", "<=", ">", ">=", "and", "or", "not", "in", "is", "None", "if",
    "else", "+", "-", "*", "/", "//", "%", "(", ")", "[", "]", ",", ".", "'x'", "12", "1.5", "any(", "len(", "date(",
    "=", "&&", "（", "#", "\n", "True",
]  # fmt: skip
NAMES = st.sampled_from([key for key in FIELDS["visit"] if key != "items"] * 3 + ["items", "nothing"])
NONSENSE = expressions(NAMES)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.floats(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["call", "args", "path", "var", "number", "date", "list", "x"]), inner, max_size=3
        )
    ),
    max_leaves=15,
)


@given(st.one_of(st.text(max_size=60), st.lists(st.sampled_from(WORDS), max_size=25).map(" ".join)))
def test_any_text_is_a_tree_or_a_problem_with_a_place_in_it(text: str) -> None:
    try:
        expr = parse(text)
    except ExpressionInvalid as refused:
        (problem,) = refused.problems
        lines = text.split("\n")
        assert 1 <= problem.line <= len(lines)
        assert 1 <= problem.column <= len(lines[problem.line - 1]) + 1
        assert str(problem)
        assert problem.message.in_("zh")
    else:
        assert parse(to_text(expr)) == expr


@given(JSON)
def test_any_json_is_a_tree_or_a_problem(data: object) -> None:
    try:
        made = from_json(data)
    except ExpressionInvalid:
        return

    assert from_json(to_json(made)) == made


@given(NONSENSE)
def test_a_tree_without_problems_compiles_for_every_back_end(expr: Expr) -> None:
    checked = check(expr, Clinic())
    if checked.problems:
        assert all(str(each) and each.message.in_("zh") for each in checked.problems)
        with pytest.raises(ExpressionInvalid):
            compile_python(expr, Clinic())
        return

    compile_python(expr, Clinic())({}, {})
    compile_python(simplify(expr), Clinic())
    to_browser(expr, Clinic())
    if checked.type not in {Type.MANY, Type.JSON}:
        for dialect in _DIALECTS:
            for element in (
                compile_sql(expr, ClinicTables(dialect)),
                compile_value(expr, ClinicTables(dialect)).element,
            ):
                assert str(element.compile(dialect=DIALECTS[dialect]))


_DIALECTS: tuple[Literal["sqlite", "postgresql"], ...] = ("sqlite", "postgresql")


@pytest.mark.parametrize("page", ["docs/expressions.md", "docs/zh/expressions.md"])
def test_the_reference_names_every_function(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")

    missing = [name for name, each in operators().items() if each.kind == "function" and f"`{name}(" not in text]
    assert missing == []
