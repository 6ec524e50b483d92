"""Hypothesis strategies for trees of any shape, typed or not."""

from __future__ import annotations

from datetime import UTC, time
from decimal import Decimal

from hypothesis import strategies as st

from engine.expression import Call, Expr, Literal, Path, Var

KEYS = st.sampled_from(["a", "amount", "x_wechat", "stage", "if_", "date", "字段"])
NUMBERS = st.decimals(min_value=-(10**9), max_value=10**9, allow_nan=False, allow_infinity=False, places=4)
CHARACTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
MOMENTS = st.datetimes(timezones=st.just(UTC))
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    NUMBERS,
    st.integers(-(10**15), 10**15).map(Decimal),
    st.text(CHARACTERS, max_size=12),
    st.dates(),
    MOMENTS,
    st.times().map(lambda clock: time(clock.hour, clock.minute, clock.second)),
)
BINARY = ("==", "!=", "<", "<=", ">", ">=", "in", "+", "-", "*", "/", "//", "%")


def _calls(inner: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
    several = st.lists(inner, min_size=2, max_size=3).map(tuple)
    return st.one_of(
        st.builds(Call, st.sampled_from(BINARY), st.tuples(inner, inner)),
        st.builds(Call, st.sampled_from(("and", "or")), several),
        st.builds(Call, st.just("not"), st.tuples(inner)),
        st.builds(Call, st.just("neg"), st.tuples(inner)),
        st.builds(Call, st.just("if"), st.tuples(inner, inner, inner)),
        st.builds(Call, st.sampled_from(("coalesce", "round", "min", "any", "count", "contains", "len")), several),
    )


def expressions(keys: st.SearchStrategy[str]) -> st.SearchStrategy[Expr]:
    """Trees whose paths are made of those keys."""
    leaves = st.one_of(
        SCALARS.map(Literal),
        st.lists(SCALARS, max_size=3).map(tuple).map(Literal),
        st.lists(keys, min_size=1, max_size=2).map(tuple).map(Path),
        keys.map(lambda key: Path((key,))),
        st.sampled_from(["user.id", "today", "now", "old.stage", "input.reason"]).map(Var),
    )
    return st.recursive(leaves, _calls, max_leaves=20)


EXPRESSIONS = expressions(KEYS)
