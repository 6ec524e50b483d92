"""Trees of conditions and expressions say the same, whichever was there first."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import Expr, compile_python, parse, problems_of, to_text
from engine.data.principal import Principal, variables
from engine.metadata import EntityScope, build_model, layer_of, read_text, shipped_layers
from tests.functional.screens.clinic import DOCUMENTS
from tests.unit.expression.trees import CHARACTERS, expressions
from ui.widgets.criteria import Condition, Grammar, Group, Part, Words
from ui.widgets.operators import PERIODS

FIELDS = (
    *("name", "note", "size", "pieces", "price", "ready", "made_on", "shown_at", "opens", "kind", "traits", "words"),
    *(
        "maker",
        "maker.name",
        "friends",
        "keeper",
        "keeper.department",
        "owner",
        "owner.manager.name",
        "paper",
        "papers",
    ),
    *("spot", "stars"),
)
"""Fields of every type that conditions can be about, some of them of linked records."""
ID = "01920000-0000-7000-8000-000000000001"


@cache
def grammar() -> Grammar:
    """The things of the clinic."""
    documents, problems = read_text(DOCUMENTS, "clinic.yaml", "site")
    assert not problems
    return Grammar(build_model([*shipped_layers([]), layer_of("site", "site", documents)]), "thing")


def value(path: str, operator: str) -> st.SearchStrategy[object]:
    """A value that a field may be asked for."""
    name = path.rpartition(".")[2]
    if name in {"made_on", "shown_at"}:
        return st.dates(date(1900, 1, 1), date(2100, 1, 1))
    if name == "opens":
        return st.times().map(lambda each: each.replace(microsecond=0, tzinfo=None))
    if name in {"size", "pieces", "price", "stars"}:
        return st.decimals(-1000, 1000, places=2)
    if name == "kind":
        return st.sampled_from(["old", "new", "fake"])
    if name == "traits":
        return st.sampled_from(["red", "big", "rare"])
    if name in {"maker", "friends", "keeper", "department", "owner"}:
        return st.sampled_from([ID, ID.replace("1", "2")])
    return st.text(CHARACTERS, min_size=1, max_size=8)


@st.composite
def rows(draw: st.DrawFn) -> Condition:
    """A complete row."""
    path = draw(st.sampled_from(FIELDS))
    operator = draw(st.sampled_from(list(grammar().operators(path).values())))
    given_values: tuple[object, ...] = ()
    match operator.value:
        case "one":
            given_values = (draw(value(path, operator.key)),)
        case "two":
            given_values = tuple(draw(st.tuples(value(path, operator.key), value(path, operator.key))))
        case "several":
            given_values = tuple(draw(st.lists(value(path, operator.key), min_size=1, max_size=3, unique=True)))
        case "days":
            given_values = (Decimal(draw(st.integers(1, 400))),)
        case "period":
            given_values = (draw(st.sampled_from(list(PERIODS))),)
    return Condition(path, operator.key, given_values)


def groups(depth: int = 2) -> st.SearchStrategy[Group]:
    """Groups of at least two rows, some of them groups."""
    part: st.SearchStrategy[Part] = rows() if depth == 0 else st.one_of(rows(), groups(depth - 1))
    return st.builds(Group, st.lists(part, min_size=2, max_size=3).map(tuple), st.booleans())


def typed(expr: Expr) -> list[str]:
    """What is wrong with a condition about a thing."""
    return [str(each.message) for each in problems_of(grammar().model, "thing", expr)]


@given(rows())
def test_every_row_is_an_expression_of_the_right_types_that_is_read_as_that_row(row: Condition) -> None:
    expr = grammar().write(row)

    assert expr is not None
    assert typed(expr) == []
    assert grammar().read(parse(to_text(expr))).parts[0] == row or grammar().write(grammar().read(expr)) == expr


@given(groups())
def test_a_tree_is_written_and_read_back_as_it_was(tree: Group) -> None:
    expr = grammar().write(tree)

    assert expr is not None
    again = grammar().read(parse(to_text(expr)))
    assert grammar().write(again) == expr
    assert not any(isinstance(each, Words) for each in flat(again))


def flat(part: Part) -> list[Part]:
    """All rows of a tree."""
    return [each for inner in part.parts for each in flat(inner)] if isinstance(part, Group) else [part]


@given(expressions(st.sampled_from([*(each for each in FIELDS if "." not in each), "id", "nonsense"])))
def test_nothing_of_an_expression_is_lost_whatever_it_says(expr: Expr) -> None:
    assert grammar().write(grammar().read(expr)) == expr


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("name is None", Group((Condition("name", "empty"),))),
        ("ready", Group((Condition("ready", "yes"),))),
        ("owner == user.id", Group((Condition("owner", "me"),))),
        ("kind in ['old', 'new']", Group((Condition("kind", "any", ("old", "new")),))),
        ("'red' in traits or 'big' in traits", Group((Condition("traits", "any", ("red", "big")),))),
        ("any(keeper.team_by_members, id in user.teams)", Group((Condition("keeper", "my_team"),))),
        ("made_on > today - 7 and made_on <= today", Group((Condition("made_on", "last", (Decimal(7),)),))),
        (
            "name == 'a' and (pieces > 1 or len(name) > 3)",
            Group(
                (
                    Condition("name", "is", ("a",)),
                    Group((Condition("pieces", "gt", (Decimal(1),)), Words("len(name) > 3")), every=False),
                )
            ),
        ),
        ("size * 2 > 3", Group((Words("size * 2 > 3"),))),
        ("pin == 'secret'", Group((Words("pin == 'secret'"),))),
    ],
)
def test_an_expression_is_read_as_people_would_say_it(text: str, expected: Group) -> None:
    assert grammar().read(parse(text)) == expected


def test_a_row_without_its_value_says_nothing() -> None:
    rows_ = Group(
        (Condition("name", "contains"), Condition("kind", "any"), Condition("nonsense", "is", ("x",)), Words(""))
    )

    assert grammar().write(rows_) is None


PERIOD_DAYS = {
    "today": ("2024-02-29", "2024-02-29"), "yesterday": ("2024-02-28", "2024-02-28"),
    "tomorrow": ("2024-03-01", "2024-03-01"), "this_week": ("2024-02-26", "2024-03-03"),
    "last_week": ("2024-02-19", "2024-02-25"), "next_week": ("2024-03-04", "2024-03-10"),
    "this_month": ("2024-02-01", "2024-02-29"), "last_month": ("2024-01-01", "2024-01-31"),
    "next_month": ("2024-03-01", "2024-03-31"), "this_quarter": ("2024-01-01", "2024-03-31"),
    "last_quarter": ("2023-10-01", "2023-12-31"), "next_quarter": ("2024-04-01", "2024-06-30"),
    "this_year": ("2024-01-01", "2024-12-31"), "last_year": ("2023-01-01", "2023-12-31"),
    "next_year": ("2025-01-01", "2025-12-31"),
}  # fmt: skip


@pytest.mark.parametrize("period", PERIODS)
def test_periods_begin_and_end_on_the_right_days(period: str) -> None:
    first, last = map(date.fromisoformat, PERIOD_DAYS[period])
    env = variables(Principal(ID, "A", timezone="Asia/Shanghai"), datetime(2024, 2, 28, 20, tzinfo=UTC))
    scope = EntityScope(grammar().model, "thing")
    day = grammar().write(Condition("made_on", "period", (period,)))
    moment = grammar().write(Condition("shown_at", "period", (period,)))
    assert day is not None
    assert moment is not None
    on_day, at_moment = compile_python(day, scope), compile_python(moment, scope)

    inside = [date.fromordinal(n) for n in range(first.toordinal() - 400, last.toordinal() + 400)
              if on_day({"made_on": date.fromordinal(n)}, env)]  # fmt: skip
    assert (inside[0], inside[-1]) == (first, last)
    assert len(inside) == (last - first).days + 1
    # 16:00 UTC is midnight in Shanghai.
    start = datetime.combine(first, datetime.min.time(), UTC).timestamp() - 8 * 3600
    end = start + 86400 * len(inside)
    around = [start - 1, start, end - 1, end]
    found = [bool(at_moment({"shown_at": datetime.fromtimestamp(each, UTC)}, env)) for each in around]
    assert found == [False, True, True, False]
