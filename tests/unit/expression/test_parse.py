"""What can be written, what cannot, and what is said about it."""

from __future__ import annotations

import ast
import time as clock
from datetime import date, time
from decimal import Decimal

import pytest
from hypothesis import given

from engine.errors import ExpressionInvalid
from engine.expression import Call, Expr, Literal, Path, Var, parse, to_text
from engine.expression.parse import MAX_LENGTH
from tests.unit.expression.python_syntax import from_python
from tests.unit.expression.trees import EXPRESSIONS

STAGE, AMOUNT = Path(("stage",)), Path(("amount",))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("stage", STAGE),
        ("account.owner.name", Path(("account", "owner", "name"))),
        ("record.stage", STAGE),
        ("user.id", Var("user.id")),
        ("today", Var("today")),
        ("old.stage", Var("old.stage")),
        ("None", Literal(None)),
        ("True", Literal(True)),
        ("12.50", Literal(Decimal("12.5"))),
        ("1_000", Literal(1000)),
        (".5", Literal(Decimal("0.5"))),
        ("1e3", Literal(1000)),
        ("-5", Literal(-5)),
        ("-amount", Call("neg", (AMOUNT,))),
        ("+amount", AMOUNT),
        ("'it\\'s \\u4e2d\\n'", Literal("it's 中\n")),
        ('"新建"', Literal("新建")),
        ("['a', 'b',]", Literal(("a", "b"))),
        ("[-1, None]", Literal((-1, None))),
        ("[]", Literal(())),
        ("date('2026-01-31')", Literal(date(2026, 1, 31))),
        ("time('09:30')", Literal(time(9, 30))),
        ("stage is None", Call("==", (STAGE, Literal(None)))),
        ("stage is not None", Call("!=", (STAGE, Literal(None)))),
        ("stage not in ['a']", Call("not", (Call("in", (STAGE, Literal(("a",)))),))),
        ("1 < amount <= 3", Call("and", (Call("<", (Literal(1), AMOUNT)), Call("<=", (AMOUNT, Literal(3)))))),
        ("not stage == 'a'", Call("not", (Call("==", (STAGE, Literal("a"))),))),
        ("a if b else c", Call("if", (Path(("b",)), Path(("a",)), Path(("c",))))),
        ("a or b and not c", Call("or", (Path(("a",)), Call("and", (Path(("b",)), Call("not", (Path(("c",)),))))))),
        ("a and b and c", Call("and", (Path(("a",)), Path(("b",)), Path(("c",))))),
        ("a - b - c", Call("-", (Call("-", (Path(("a",)), Path(("b",)))), Path(("c",))))),
        ("date(created_at)", Call("date", (Path(("created_at",)),))),
        ("date == text", Call("==", (Path(("date",)), Path(("text",))))),
        ("stage == 'a'\n  # a note\n  and amount", Call("and", (Call("==", (STAGE, Literal("a"))), AMOUNT))),
        ("stage\u3000==\u3000'新'", Call("==", (STAGE, Literal("新")))),
    ],
)
def test_a_text_becomes_a_tree(text: str, expected: Expr) -> None:
    assert parse(text) == expected


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "1:1: The expression is empty"),
        ("stage = 'new'", "1:7: = means nothing here (write ==)"),
        ("stage === 'new'", "1:7: === means nothing here (write ==)"),
        ("a && b", "1:3: && means nothing here (write and)"),
        ("a || b", "1:3: || means nothing here (write or)"),
        ("!a", "1:1: ! means nothing here (write not)"),
        ("a <> b", "1:3: <> means nothing here (write !=)"),
        ("a ? b : c", "1:3: ? means nothing here (write a if condition else b)"),
        ("contains（name，'x'）", "1:9: （ means nothing here (write ()"),
        ("amount \uff1e 3", "1:8: \uff1e means nothing here (write >)"),
        ("amount ≥ 3", "1:8: ≥ means nothing here (write >=)"),
        ("stage == “新建”", '1:10: “ means nothing here (write ")'),
        ("amount == \uff11", "1:11: \uff11 means nothing here (write 1)"),
        ("stage == null", "1:10: null is not a name (write None)"),
        ("urgent == true", "1:11: true is not a name (write True)"),
        ("a AND b", "1:3: AND does not fit here (write and)"),
        (
            "amount ** 2",
            "1:8: ** means nothing here (allowed are + - * / // % == != < <= > >= in, not, and, or, if and else)",
        ),
        ("lowr(name)", "1:1: There is no function lowr (did you mean lower?)"),
        ("__import__('os')", "1:1: There is no function __import__"),
        ("name.lower()", "1:6: lower cannot be called on a value (write lower(name, ...))"),
        ("items[0]", "1:6: Nothing can be taken out with [ ] (a field of a linked record is written link.field)"),
        ("a b", "1:3: b does not fit here (an operator such as and, or, ==, + is missing before it)"),
        ("f'x'", "1:2: 'x' does not fit here (a text has no prefix here)"),
        ("(a == 1", "1:8: The expression ends too early (the ( of line 1, column 1 is not closed)"),
        ("a == 1)", "1:7: ) does not fit here"),
        ("a ==", "1:5: The expression ends too early"),
        ("a\nand b\nand = c", "3:5: = means nothing here (write ==)"),
        ("a == 'x", "1:6: The text that begins here is not closed (end it with ' on the same line)"),
        ("'\\d'", "1:2: \\d means nothing in a text (write \\\\ for a backslash)"),
        ("'\\ud800'", "1:2: \\ud800 is no character"),
        ("'a\\x00'", "1:3: \\x00 is no character"),
        (
            "owner in [user.id]",
            ("1:11: A list holds values only, such as ['new', 'open'] or [1, 2] "
             "(write x == a or x == b to compare with other fields)"),
        ),
        ("(1, 2)", "1:3: , does not fit here (a list stands in [ ])"),
        ("a is 3", "1:6: Only None can follow `is` (write == to compare values)"),
        ("a is not True", "1:10: Only None can follow `is` (write != to compare values)"),
        ("lambda", "1:1: lambda is not a name"),
        ("5x", "1:1: 5x is neither a number nor a name"),
        ("1__0", "1:1: 1__0 is no number"),
        ("1e99", "1:1: 1e99 has more than 28 digits"),
        ("record", "1:1: record alone is no value (write record.field, or just field)"),
        (
            "any(items, record.fee > 1)",
            ("1:12: record cannot be used inside any, all, count and sum_of "
             "(names there are those of the related rows)"),
        ),
        ("a.", "1:3: The expression ends too early (a field name follows the dot)"),
        ("any(x for x in items)", "1:7: for does not fit here (write any(relation, condition))"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_place_and_what_would_put_it_right(text: str, problem: str) -> None:
    with pytest.raises(ExpressionInvalid) as refused:
        parse(text)

    assert [str(each) for each in refused.value.problems] == [problem]


def test_a_mistake_is_told_in_chinese() -> None:
    with pytest.raises(ExpressionInvalid) as refused:
        parse("stage = 'new'")

    (problem,) = refused.value.problems
    assert problem.message.in_("zh") == "= 在这里没有意义"
    assert problem.advice is not None
    assert problem.advice.in_("zh") == "请写 =="


@pytest.mark.parametrize(
    "text",
    [
        "a" * (MAX_LENGTH + 1),
        "(" * 5_000 + "a" + ")" * 5_000,
        "not " * 2_000 + "a",
        "-" * 9_000 + "a",
        "a+" * 4_000 + "a",
        "a<" * 4_000 + "a",
        " if ".join(["a"] * 1_000),
        "[" * 9_000,
        "'" * 9_999,
        "\\" * 9_999,
        "a if b else " * 800 + "c",
        "0 < (1 if " * 300 + "a" + " else 2) < 3" * 300,
        "x." * 4_999 + "x",
        "1" * 9_999,
        "f(" * 4_000,
    ],
)
def test_what_is_too_large_or_too_deep_is_refused_at_once(text: str) -> None:
    begun = clock.process_time()

    with pytest.raises(ExpressionInvalid):
        parse(text if not text.startswith("x.") else text + " +")

    assert clock.process_time() - begun < 1


def test_a_chain_of_comparisons_cannot_blow_a_tree_up() -> None:
    text = "a"
    for _ in range(12):
        text = f"0 < (1 if {text} else 2) < 3"

    with pytest.raises(ExpressionInvalid) as refused:
        parse(text)

    assert refused.value.problems[0].code in {"too_long", "too_deep"}


@given(EXPRESSIONS)
def test_python_reads_the_same_tree_from_the_same_text(expr: Expr) -> None:
    text = to_text(expr)

    assert from_python(ast.parse(f"({text})", mode="eval").body) == parse(text)
