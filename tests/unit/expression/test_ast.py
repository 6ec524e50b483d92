"""What can be learnt from a tree and done to it without types."""

from __future__ import annotations

from datetime import datetime

import pytest

from engine.expression import (
    FALSE,
    TRUE,
    Expr,
    Literal,
    conjunction,
    disjunction,
    functions,
    negation,
    parse,
    paths,
    rename_path,
    simplify,
    subtrees,
    to_text,
    variables,
)


def test_paths_are_all_that_is_read_also_of_related_rows() -> None:
    expr = parse(
        "account.industry == stage or any(items, amount > 1 and product.kind == 'x') or count(account.contacts) > 1"
    )

    assert paths(expr) == {
        ("account", "industry"),
        ("stage",),
        ("items",),
        ("items", "amount"),
        ("items", "product", "kind"),
        ("account", "contacts"),
    }


def test_variables_and_functions_are_listed() -> None:
    expr = parse("owner == user.id and any(items, lower(what) == old.name) and on_date < today")

    assert variables(expr) == {"user.id", "old.name", "today"}
    assert functions(expr) == {"and", "==", "any", "lower", "<"}


def test_subtrees_are_the_links_that_need_ancestors() -> None:
    assert subtrees(parse("in_subtree(ward, user.department) or any(items, in_subtree(store.region, 'x'))")) == {
        ("ward",),
        ("items", "store", "region"),
    }


@pytest.mark.parametrize(
    ("old", "new", "text", "expected"),
    [
        ("stage", "phase", "stage == 'a' and account.stage == 'b'", "phase == 'a' and account.stage == 'b'"),
        ("account.industry", "account.branch", "account.industry == industry", "account.branch == industry"),
        ("account", "customer", "account.owner.name == 'x'", "customer.owner.name == 'x'"),
        ("items.amount", "items.price", "sum_of(items, amount) > amount", "sum_of(items, price) > amount"),
        ("items", "lines", "any(items, items > 1) and count(items) > 2", "any(lines, items > 1) and count(lines) > 2"),
        ("absent", "x", "stage == 'a'", "stage == 'a'"),
    ],
)
def test_a_renamed_field_is_followed(old: str, new: str, text: str, expected: str) -> None:
    assert to_text(rename_path(parse(text), old.split("."), new.split("."))) == expected


def test_a_rename_does_not_move_fields() -> None:
    with pytest.raises(ValueError, match="keeps its length"):
        rename_path(parse("a"), ["a"], ["b", "c"])


A, B = parse("a > 1"), parse("b")


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (conjunction(), TRUE),
        (disjunction(), FALSE),
        (conjunction(A, TRUE), A),
        (conjunction(A, FALSE, B), FALSE),
        (disjunction(A, FALSE), A),
        (disjunction(A, TRUE, B), TRUE),
        (conjunction(A, conjunction(B, A)), parse("a > 1 and b")),
        (disjunction(A, disjunction(B)), parse("a > 1 or b")),
        (negation(TRUE), FALSE),
        (negation(parse("a == 1")), parse("a != 1")),
        (negation(A), parse("not a > 1")),
        (negation(negation(A)), A),
        (simplify(parse("(a > 1 or False) and not False and (b or True)")), A),
    ],
)
def test_literals_dissolve_in_conditions(made: Expr, expected: Expr) -> None:
    assert made == expected


def test_a_literal_holds_only_values_of_the_language() -> None:
    with pytest.raises(TypeError, match="cannot hold a float"):
        Literal(1.5)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="time zone"):
        Literal(datetime(2026, 1, 1))  # noqa: DTZ001 - what is refused
