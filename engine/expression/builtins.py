"""The rows of the registry that the product brings: every operator and function with all of its back ends."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from engine.expression import evaluate, moments, numbers, rules, rules_values, texts
from engine.expression.check import Result
from engine.expression.evaluate import dated, strict
from engine.expression.registry import Operator, register
from engine.expression.rules import CERTAIN, takes
from engine.expression.types import Type


def _sql(module: str, name: str, *given: Any) -> Any:
    """Return the SQL builder of that name, or what it makes of the arguments; its first call loads SQLAlchemy."""

    def build(compiler: Any, typed: Any) -> Any:
        found = getattr(import_module(f"engine.expression.sql.{module}"), name)
        return (found(*given) if given else found)(compiler, typed)

    return build


_TEXT = frozenset({Type.TEXT})


def _operator(
    name: str, rule: Any, python: Any, sql: Any, least: int = 2, most: int | None = 2, usage: str = ""
) -> None:
    register(
        Operator(
            name, rule, python, sql, browser=name, kind="operator", least=least, most=most, usage=usage or f"a {name} b"
        )
    )


def _function(name: str, rule: Any, python: Any, sql: Any, usage: str, least: int = 1, most: int | None = 1) -> None:
    register(Operator(name, rule, python, sql, browser=name, least=least, most=most, usage=usage))


def install() -> None:
    """Register every built-in row; called once, when the package is imported."""
    _conditions()
    _arithmetic()
    _texts()
    _dates()
    _rows()


def _conditions() -> None:
    _operator("and", rules.truths, evaluate.conjunct, _sql("conditions", "conjunct"), most=None)
    _operator("or", rules.truths, evaluate.disjunct, _sql("conditions", "disjunct"), most=None)
    _operator("not", rules.truths, evaluate.negated, _sql("conditions", "negated"), 1, 1, "not a")
    _operator("==", rules.equality, evaluate.equal, _sql("conditions", "equal"))
    _operator("!=", rules.equality, evaluate.unequal, _sql("conditions", "unequal"))
    for name, python in {
        "<": evaluate.less,
        "<=": evaluate.at_most,
        ">": evaluate.greater,
        ">=": evaluate.at_least,
    }.items():
        _operator(name, rules.order, python, _sql("conditions", "ordering", name))
    _operator("in", rules.membership, evaluate.member, _sql("conditions", "member"))
    _operator("if", rules.choice, evaluate.conditional, _sql("values", "conditional"), 3, 3, "a if condition else b")
    _function(
        "coalesce",
        rules.first_present,
        evaluate.first_present,
        _sql("values", "first_present"),
        "coalesce(a, b, ...)",
        most=None,
    )
    _function(
        "min",
        rules.extreme,
        evaluate.extreme(min),
        _sql("values", "extreme", "min", "least", "least"),
        "min(a, b, ...)",
        most=None,
    )
    _function(
        "max",
        rules.extreme,
        evaluate.extreme(max),
        _sql("values", "extreme", "max", "greatest", "greatest"),
        "max(a, b, ...)",
        most=None,
    )


def _arithmetic() -> None:
    _operator("+", rules_values.plus, evaluate.plus, _sql("values", "plus"))
    _operator("-", rules_values.minus, evaluate.minus, _sql("values", "minus"))
    _operator("*", rules_values.times, strict(numbers.multiply), _sql("values", "times"))
    _operator("/", rules_values.divided, strict(numbers.divide), _sql("values", "divided"))
    _operator("//", rules_values.floored, strict(numbers.floor_divide), _sql("values", "floored"))
    _operator("%", rules_values.remainder, strict(numbers.modulo), _sql("values", "remainder"))
    _operator("neg", rules_values.signed, strict(numbers.negate), _sql("values", "negated"), 1, 1, "-a")
    _function("abs", rules_values.signed, strict(numbers.absolute), _sql("values", "absolute"), "abs(number)")
    _function(
        "round", rules_values.rounded, evaluate.rounded, _sql("values", "rounded"), "round(number, decimals)", 1, 2
    )
    _function("number", rules_values.to_number, evaluate.to_number, _sql("values", "to_number"), "number(text)")


def _texts() -> None:
    text = takes(_TEXT, Result(Type.TEXT))
    asked = takes(_TEXT, CERTAIN)
    _function("len", rules_values.length, strict(len), _sql("values", "length"), "len(text)")
    _function("lower", text, strict(texts.lower), _sql("values", "lower"), "lower(text)")
    _function("upper", text, strict(texts.upper), _sql("values", "upper"), "upper(text)")
    _function("trim", text, strict(texts.trim), _sql("values", "trim"), "trim(text)")
    _function(
        "replace",
        rules_values.replacing,
        strict(texts.replace),
        _sql("values", "replace"),
        "replace(text, old, new)",
        3,
        3,
    )
    _function("contains", asked, evaluate.contains, _sql("conditions", "contains"), "contains(text, part)", 2, 2)
    _function(
        "starts_with", asked, evaluate.starts_with, _sql("conditions", "starts_with"), "starts_with(text, part)", 2, 2
    )
    _function("ends_with", asked, evaluate.ends_with, _sql("conditions", "ends_with"), "ends_with(text, part)", 2, 2)
    _function("text", rules_values.to_text_rule, evaluate.to_text, _sql("values", "to_text"), "text(value)")


def _dates() -> None:
    _function("date", rules_values.to_date, evaluate.to_date, _sql("values", "to_date"), "date(text)", 1, 3)
    _function(
        "datetime",
        rules_values.to_datetime,
        evaluate.to_datetime,
        _sql("values", "to_datetime"),
        "datetime(date, time)",
        1,
        2,
    )
    _function("time", rules_values.to_time, evaluate.to_time, _sql("values", "to_time"), "time(text)")
    parts = {
        "year": (9999, 1, 4, lambda day: day.year),
        "month": (12, 6, 2, lambda day: day.month),
        "day": (31, 9, 2, lambda day: day.day),
    }
    for name, (bound, first, count, python) in parts.items():
        _function(
            name,
            rules_values.part_of_date(bound),
            dated(python),
            _sql("values", "part_of_date", name, first, count),
            f"{name}(date)",
        )
    _function(
        "weekday",
        rules_values.part_of_date(7),
        dated(lambda day: day.isoweekday()),
        _sql("values", "weekday"),
        "weekday(date)",
    )
    _function(
        "days_between",
        rules_values.between_dates,
        dated(moments.days_between),
        _sql("values", "days_between"),
        "days_between(from, to)",
        2,
        2,
    )
    _function(
        "months_between",
        rules_values.between_dates,
        dated(moments.months_between),
        _sql("values", "months_between"),
        "months_between(from, to)",
        2,
        2,
    )
    _function(
        "add_months",
        rules_values.months_later,
        dated(moments.add_months),
        _sql("values", "add_months"),
        "add_months(date, months)",
        2,
        2,
    )


def _rows() -> None:
    _function("any", rules.quantified, evaluate.some, _sql("conditions", "some"), "any(relation, condition)", 2, 2)
    _function("all", rules.quantified, evaluate.every, _sql("conditions", "every"), "all(relation, condition)", 2, 2)
    _function("count", rules.counted, evaluate.counted, _sql("values", "counted"), "count(relation, condition)", 1, 2)
    _function("sum_of", rules.summed, evaluate.summed, _sql("values", "summed"), "sum_of(relation, number)", 2, 2)
    _function(
        "in_subtree", rules.beneath, evaluate.beneath, _sql("conditions", "beneath"), "in_subtree(link, record)", 2, 2
    )
