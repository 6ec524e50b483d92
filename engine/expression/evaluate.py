"""The Python back end: an expression becomes nested closures, chosen by type when they are made.

A closure is called as (row, env). `row` maps dotted paths to values, `env` names of variables; a missing
key is None. A relation is a sequence of such rows.
"""

from __future__ import annotations

import operator as python_operators
from collections.abc import Callable, Mapping
from datetime import time
from decimal import Decimal
from typing import Any

from engine.expression import moments, numbers, texts
from engine.expression.ast import Call, Expr, Literal, Path, Var, ancestry_key
from engine.expression.check import Typed, resolved
from engine.expression.registry import Evaluate
from engine.expression.types import Scope, Type

ZONE = "user.timezone"
"""Key of `env` with the IANA name of the time zone in which `today` was computed; UTC without it."""


def compile_python(expr: Expr, scope: Scope) -> Evaluate:
    """Return a function (row, env) -> value.

    Numbers come as int or Decimal, the rest as the field types hold it; a condition gives True or False.

    Raises:
        ExpressionInvalid: the expression does not fit the scope.
    """
    typed = resolved(expr, scope)
    closure = compile_node(typed)
    return as_truth(typed, closure) if typed.type is Type.BOOLEAN else closure


def compile_node(typed: Typed) -> Evaluate:
    """Return the closure of a typed node."""
    expr = typed.expr
    if isinstance(expr, Literal):
        return _constant(_plain(expr.value))
    if isinstance(expr, Path):
        return _from_row(expr.dotted)
    if isinstance(expr, Var):
        return _from_env(expr.name)
    if typed.operator is None:
        raise ValueError(f"{expr.name} is not typed")
    return typed.operator.python(typed, tuple(compile_node(each) for each in typed.args))


def _plain(value: Any) -> Any:
    """Return a literal with whole numbers as int, which compares faster."""
    if isinstance(value, Decimal) and value == value.to_integral_value():
        return int(value)
    if isinstance(value, tuple):
        return tuple(_plain(each) for each in value)
    return value


def _constant(value: Any) -> Evaluate:
    return lambda row, env: value


def _from_row(key: str) -> Evaluate:
    return lambda row, env: row.get(key)


def _from_env(name: str) -> Evaluate:
    return lambda row, env: env.get(name)


def strict(function: Callable[..., Any]) -> Callable[[Typed, tuple[Evaluate, ...]], Evaluate]:
    """Return a builder for a function of plain values that is missing when an argument is."""

    def build(typed: Typed, args: tuple[Evaluate, ...]) -> Evaluate:
        if len(args) == 1:
            (only,) = args
            return lambda row, env: None if (value := only(row, env)) is None else function(value)
        if len(args) == 2:  # noqa: PLR2004
            first, second = args
            return lambda row, env: (
                None
                if (left := first(row, env)) is None or (right := second(row, env)) is None
                else function(left, right)
            )

        def several(row: Mapping[str, Any], env: Mapping[str, Any]) -> Any:
            values = [each(row, env) for each in args]
            return None if None in values else function(*values)

        return several

    return build


def question(function: Callable[..., bool]) -> Callable[[Typed, tuple[Evaluate, ...]], Evaluate]:
    """Return a builder like `strict`, for a function that answers a question: False when an argument is missing."""
    build_strict = strict(function)

    def build(typed: Typed, args: tuple[Evaluate, ...]) -> Evaluate:
        inner = build_strict(typed, args)
        return lambda row, env: inner(row, env) is True

    return build


# --- conditions


def as_truth(typed: Typed, closure: Evaluate) -> Evaluate:
    """Return a closure that gives True or False for whatever the node gives."""
    if typed.type is Type.BOOLEAN and not typed.nullable:
        return closure
    if typed.type in {Type.BOOLEAN, Type.NUMBER, Type.TEXT, Type.LIST}:
        return lambda row, env: bool(closure(row, env))
    return lambda row, env: closure(row, env) is not None


def _truths(typed: Typed, args: tuple[Evaluate, ...]) -> tuple[Evaluate, ...]:
    return tuple(as_truth(node, closure) for node, closure in zip(typed.args, args, strict=True))


def conjunct(typed: Typed, args: tuple[Evaluate, ...]) -> Evaluate:
    """Build `and`."""
    parts = _truths(typed, args)
    if len(parts) == 2:  # noqa: PLR2004
        first, second = parts
        return lambda row, env: first(row, env) and second(row, env)
    if len(parts) == 3:  # noqa: PLR2004
        first, second, third = parts
        return lambda row, env: first(row, env) and second(row, env) and third(row, env)
    return lambda row, env: all(part(row, env) for part in parts)


def disjunct(typed: Typed, args: tuple[Evaluate, ...]) -> Evaluate:
    """Build `or`."""
    parts = _truths(typed, args)
    if len(parts) == 2:  # noqa: PLR2004
        first, second = parts
        return lambda row, env: first(row, env) or second(row, env)
    return lambda row, env: any(part(row, env) for part in parts)


def negated(typed: Typed, args: tuple[Evaluate, ...]) -> Evaluate:
    """Build `not`."""
    (part,) = _truths(typed, args)
    return lambda row, env: not part(row, env)


def equal(typed: Typed, args: tuple[Evaluate, ...]) -> Evaluate:
    """Build ==, under which a missing value equals a missing value only."""
    left, right = args
    one, other = typed.args
    if other.is_literal:
        value = right({}, {})
        if isinstance(one.expr, Path):
            key = one.expr.dotted
            return lambda row, env: row.get(key) == value
        return lambda row, env: left(row, env) == value
    return lambda row, env: left(row, env) == right(row, env)


def unequal(typed: Typed, args: tuple[Evaluate, ...]) -> Evaluate:
    """Build !=."""
    left, right = args
    one, other = typed.args
    if other.is_literal and isinstance(one.expr, Path):
        key, value = one.expr.dotted, right({}, {})
        return lambda row, env: row.get(key) != value
    return lambda row, env: left(row, env) != right(row, env)


def ordering(compare: Callable[[Any, Any], bool]) -> Callable[[Typed, tuple[Evaluate, ...]], Evaluate]:
    """Return the builder of < <= > or >=, false when a side is missing."""

    def build(typed: Typed, args: tuple[Evaluate, ...]) -> Evaluate:
        left, right = args
        if not typed.args[1].nullable:
            if isinstance(typed.args[0].expr, Path):
                key = typed.args[0].expr.dotted
                if typed.args[1].is_literal:
                    limit = right({}, {})
                    return lambda row, env: (value := row.get(key)) is not None and compare(value, limit)
                return lambda row, env: (value := row.get(key)) is not None and compare(value, right(row, env))
            return lambda row, env: (value := left(row, env)) is not None and compare(value, right(row, env))
        return lambda row, env: (
            (one := left(row, env)) is not None and (other := right(row, env)) is not None and compare(one, other)
        )

    return build


less = ordering(python_operators.lt)
at_most = ordering(python_operators.le)
greater = ordering(python_operators.gt)
at_least = ordering(python_operators.ge)


def member(typed: Typed, args: tuple[Evaluate, ...]) -> Evaluate:
    """Build `in`."""
    value, where = args
    if typed.args[1].is_literal:
        known = frozenset(where({}, {}))
        return lambda row, env: value(row, env) in known
    return lambda row, env: (found := where(row, env)) is not None and value(row, env) in found


def conditional(typed: Typed, args: tuple[Evaluate, ...]) -> Evaluate:
    """Build `a if c else b`."""
    condition = as_truth(typed.args[0], args[0])
    _, then, otherwise = args
    return lambda row, env: then(row, env) if condition(row, env) else otherwise(row, env)


def first_present(typed: Typed, args: tuple[Evaluate, ...]) -> Evaluate:
    """Build coalesce."""

    def closure(row: Mapping[str, Any], env: Mapping[str, Any]) -> Any:
        for each in args:
            value = each(row, env)
            if value is not None:
                return value
        return None

    return closure


def extreme(choose: Callable[[list[Any]], Any]) -> Callable[[Typed, tuple[Evaluate, ...]], Evaluate]:
    """Return the builder of min or max, which leave missing values out."""

    def build(typed: Typed, args: tuple[Evaluate, ...]) -> Evaluate:
        def closure(row: Mapping[str, Any], env: Mapping[str, Any]) -> Any:
            values = [value for each in args if (value := each(row, env)) is not None]
            return choose(values) if values else None

        return closure

    return build


# --- arithmetic and dates


def plus(typed: Typed, args: tuple[Evaluate, ...]) -> Evaluate:
    """Build +."""
    if typed.type is Type.TEXT:
        return strict(python_operators.add)(typed, args)
    if typed.type in _LATER:
        ordered = args if typed.args[0].type is typed.type else args[::-1]
        return strict(_LATER[typed.type])(typed, ordered)
    return strict(numbers.add)(typed, args)


def minus(typed: Typed, args: tuple[Evaluate, ...]) -> Evaluate:
    """Build -."""
    if typed.type in _LATER:
        later = _LATER[typed.type]
        return strict(lambda moment, count: later(moment, -count))(typed, args)
    return strict(numbers.subtract)(typed, args)


_LATER: dict[Type, Callable[[Any, Any], Any]] = {
    Type.DATE: moments.add_days,
    Type.DATETIME: moments.add_days_to_moment,
}


def rounded(typed: Typed, args: tuple[Evaluate, ...]) -> Evaluate:
    """Build round."""
    places = int(args[1]({}, {})) if len(args) > 1 else 0
    return strict(lambda value: numbers.round_half_even(value, places))(typed, args[:1])


def as_date(typed: Typed, closure: Evaluate) -> Evaluate:
    """Return a closure that gives the date of whatever the node gives: a moment's in the zone of `env`."""
    if typed.type is Type.DATETIME:
        return lambda row, env: (
            None if (value := closure(row, env)) is None else moments.local_date(value, env.get(ZONE) or "UTC")
        )
    if typed.type is Type.TEXT:
        return lambda row, env: None if (value := closure(row, env)) is None else moments.date_of(value)
    return closure


def dated(function: Callable[..., Any]) -> Callable[[Typed, tuple[Evaluate, ...]], Evaluate]:
    """Return the builder of a function of dates that also takes moments."""
    build_strict = strict(function)

    def build(typed: Typed, args: tuple[Evaluate, ...]) -> Evaluate:
        return build_strict(typed, tuple(as_date(node, each) for node, each in zip(typed.args, args, strict=True)))

    return build


def to_date(typed: Typed, args: tuple[Evaluate, ...]) -> Evaluate:
    """Build date."""
    return as_date(typed.args[0], args[0]) if len(args) == 1 else strict(moments.date_from)(typed, args)


def to_datetime(typed: Typed, args: tuple[Evaluate, ...]) -> Evaluate:
    """Build datetime."""
    kind = typed.args[0].type
    if kind is Type.DATETIME:
        return args[0]
    first = args[0]
    if kind is Type.TEXT:
        return lambda row, env: (
            None if (value := first(row, env)) is None else moments.datetime_of(value, env.get(ZONE) or "UTC")
        )
    clock = args[1] if len(args) > 1 else _constant(time())

    def closure(row: Mapping[str, Any], env: Mapping[str, Any]) -> Any:
        day, at = first(row, env), clock(row, env)
        return None if day is None or at is None else moments.midnight(day, env.get(ZONE) or "UTC", at)

    return closure


def to_time(typed: Typed, args: tuple[Evaluate, ...]) -> Evaluate:
    """Build time."""
    return args[0] if typed.args[0].type is Type.TIME else strict(moments.time_of)(typed, args)


# --- conversions


def to_text(typed: Typed, args: tuple[Evaluate, ...]) -> Evaluate:
    """Build text."""
    function = _TEXTS.get(typed.args[0].type)
    return args[0] if function is None else strict(function)(typed, args)


_TEXTS: dict[Type, Callable[[Any], str]] = {
    Type.BOOLEAN: lambda value: "true" if value else "false",
    Type.NUMBER: numbers.number_text,
    Type.DATE: moments.date_text,
    Type.DATETIME: moments.datetime_text,
    Type.TIME: moments.time_text,
}


def to_number(typed: Typed, args: tuple[Evaluate, ...]) -> Evaluate:
    """Build number."""
    match typed.args[0].type:
        case Type.TEXT:
            return strict(numbers.number_of)(typed, args)
        case Type.BOOLEAN:
            return strict(int)(typed, args)
        case _:
            return args[0]


contains = question(texts.contains)
starts_with = question(texts.starts_with)
ends_with = question(texts.ends_with)


# --- related rows


def some(typed: Typed, args: tuple[Evaluate, ...]) -> Evaluate:
    """Build any."""
    rows, condition = args[0], as_truth(typed.args[1], args[1])
    return lambda row, env: any(condition(each, env) for each in rows(row, env) or ())


def every(typed: Typed, args: tuple[Evaluate, ...]) -> Evaluate:
    """Build all."""
    rows, condition = args[0], as_truth(typed.args[1], args[1])
    return lambda row, env: all(condition(each, env) for each in rows(row, env) or ())


def counted(typed: Typed, args: tuple[Evaluate, ...]) -> Evaluate:
    """Build count."""
    rows = args[0]
    if len(args) == 1:
        return lambda row, env: len(rows(row, env) or ())
    condition = as_truth(typed.args[1], args[1])
    return lambda row, env: sum(condition(each, env) for each in rows(row, env) or ())


def summed(typed: Typed, args: tuple[Evaluate, ...]) -> Evaluate:
    """Build sum_of."""
    rows, amount = args

    def closure(row: Mapping[str, Any], env: Mapping[str, Any]) -> Any:
        total: numbers.Number = 0
        for each in rows(row, env) or ():
            value = amount(each, env)
            if value is not None:
                total = numbers.add(total, value)
        return total

    return closure


def beneath(typed: Typed, args: tuple[Evaluate, ...]) -> Evaluate:
    """Build in_subtree: the row carries the ids of the linked record and those above it."""
    link = typed.args[0].expr
    assert isinstance(link, Path)  # noqa: S101 - the rule refuses anything else
    key, root = ancestry_key(link.dotted), args[1]
    return lambda row, env: (value := root(row, env)) is not None and value in (row.get(key) or ())


def is_call(typed: Typed, name: str) -> bool:
    """Return whether the node calls that operator."""
    return isinstance(typed.expr, Call) and typed.expr.name == name
