"""The type rules of arithmetic, texts, dates and conversions, with how large a number or text can become."""

from __future__ import annotations

from decimal import Decimal

from engine.expression.check import Reporter, Result, Rule, Typed
from engine.expression.moments import datetime_of
from engine.expression.numbers import DIVISION_SCALE, decimals, unscaled
from engine.expression.rules import DATED, NUMBER, SCALAR, TEXT, accepts, all_accepted, number
from engine.expression.types import TYPE_NAMES, Type
from engine.i18n import Message

MAX_TEXT = 10**9


# --- arithmetic


def plus(args: tuple[Typed, ...], report: Reporter) -> Result:
    """Rule of +: numbers, texts, or a date and days."""
    left, right = args
    types = {left.type, right.type} - {Type.NULL}
    if types <= {Type.TEXT} and types:
        return Result(
            Type.TEXT, nullable=left.nullable or right.nullable, growth=left.result.growth + right.result.growth
        )
    if types & DATED and len(types & DATED) == 1 and types - DATED <= {Type.NUMBER}:
        moment, days = (left, right) if left.type in DATED else (right, left)
        whole(days, report)
        return Result(moment.type)
    if types <= {Type.NUMBER}:
        return _aligned(left, right)
    if Type.TEXT in types:
        other = left if left.type is not Type.TEXT else right
        return report.report(
            Message("{left} and {right} cannot be added", left=TYPE_NAMES[left.type], right=TYPE_NAMES[right.type]),
            advice=Message("text(...) turns it into one") if other.type is not Type.LIST else None,
        )
    return report.report(
        Message("{left} and {right} cannot be added", left=TYPE_NAMES[left.type], right=TYPE_NAMES[right.type])
    )


def minus(args: tuple[Typed, ...], report: Reporter) -> Result:
    """Rule of -: numbers, a date and days, or two dates (which gives days)."""
    left, right = args
    if left.type in DATED and right.type in {Type.NUMBER, Type.NULL}:
        whole(right, report)
        return Result(left.type)
    if left.type in DATED and right.type in DATED:
        return report.report(
            Message(
                "{left} and {right} cannot be subtracted", left=TYPE_NAMES[left.type], right=TYPE_NAMES[right.type]
            ),
            advice=Message("days_between(from, to) counts the days"),
        )
    if {left.type, right.type} <= {Type.NUMBER, Type.NULL}:
        return _aligned(left, right)
    return report.report(
        Message("{left} and {right} cannot be subtracted", left=TYPE_NAMES[left.type], right=TYPE_NAMES[right.type])
    )


def _aligned(left: Typed, right: Typed) -> Result:
    scale = max(left.scale, right.scale)
    bound = left.result.bound * 10 ** (scale - left.scale) + right.result.bound * 10 ** (scale - right.scale)
    return number((left, right), scale, bound)


def whole(node: Typed, report: Reporter) -> None:
    """Report a number that can have decimals."""
    if accepts(node, NUMBER, report) and node.type is Type.NUMBER and node.scale:
        report.report(Message("Expected a whole number"), node=node, advice=Message("use round(...) or //"))


def _numbers(args: tuple[Typed, ...], report: Reporter) -> bool:
    return all_accepted(args, NUMBER, report)


_BROKEN_NUMBER = Result(Type.NUMBER, broken=True)


def times(args: tuple[Typed, ...], report: Reporter) -> Result:
    """Rule of *."""
    left, right = args
    if not _numbers(args, report):
        return _BROKEN_NUMBER
    return number(args, left.scale + right.scale, left.result.bound * right.result.bound)


def _never_zero(node: Typed) -> bool:
    return isinstance(node.literal, Decimal) and bool(node.literal)


def divided(args: tuple[Typed, ...], report: Reporter) -> Result:
    """Rule of /: ten decimals."""
    left, right = args
    if not _numbers(args, report):
        return _BROKEN_NUMBER
    bound = _quotient_bound(left, right, DIVISION_SCALE) + 1
    return number(args, DIVISION_SCALE, bound, nullable=left.nullable or right.nullable or not _never_zero(right))


def _quotient_bound(left: Typed, right: Typed, scale: int) -> int:
    """Return the largest |left / right| in units of 10**-scale: the divisor is at least one unit, or known."""
    unit = 1
    if isinstance(right.literal, Decimal) and right.literal:
        unit = abs(unscaled(right.literal, decimals(right.literal)))
    dividend: int = left.result.bound * 10 ** (right.scale + scale)
    divisor: int = unit * 10**left.scale
    return dividend // divisor + 1


def floored(args: tuple[Typed, ...], report: Reporter) -> Result:
    """Rule of //: a whole number."""
    left, right = args
    if not _numbers(args, report):
        return _BROKEN_NUMBER
    return number(
        args, 0, _quotient_bound(left, right, 0) + 1, nullable=left.nullable or right.nullable or not _never_zero(right)
    )


def remainder(args: tuple[Typed, ...], report: Reporter) -> Result:
    """Rule of %."""
    left, right = args
    if not _numbers(args, report):
        return _BROKEN_NUMBER
    scale = max(left.scale, right.scale)
    bound = right.result.bound * 10 ** (scale - right.scale)
    return number(args, scale, bound, nullable=left.nullable or right.nullable or not _never_zero(right))


def signed(args: tuple[Typed, ...], report: Reporter) -> Result:
    """Rule of unary minus and of abs."""
    if not _numbers(args, report):
        return _BROKEN_NUMBER
    return number(args, args[0].scale, args[0].result.bound)


def rounded(args: tuple[Typed, ...], report: Reporter) -> Result:
    """Rule of round(number, decimals=0)."""
    value = args[0]
    if not _numbers(args[:1], report):
        return _BROKEN_NUMBER
    places = 0
    if len(args) > 1:
        given = args[1].literal
        if not isinstance(given, Decimal) or given not in range(11):
            return report.report(Message("The number of decimals is a whole number from 0 to 10"), node=args[1])
        places = int(given)
    if places >= value.scale:
        return number(args[:1], value.scale, value.result.bound)
    return number(args[:1], places, value.result.bound // 10 ** (value.scale - places) + 1)


# --- texts, conversions


def length(args: tuple[Typed, ...], report: Reporter) -> Result:
    """Rule of len."""
    if args[0].type is Type.MANY:
        return report.report(Message("Related records have no length"), advice=Message("write count(...)"))
    accepts(args[0], frozenset({Type.TEXT, Type.LIST}), report, Message("a text or a list"))
    return number(args, 0, MAX_TEXT)


def replacing(args: tuple[Typed, ...], report: Reporter) -> Result:
    """Rule of replace(text, old, new): bounded in how much longer it makes a text."""
    if not all_accepted(args, TEXT, report):
        return Result(Type.TEXT, broken=True)
    text, old, new = args
    factor = 100
    if isinstance(new.literal, str):
        factor = max(
            1, -(-len(new.literal) // (len(old.literal) or 1)) if isinstance(old.literal, str) else len(new.literal)
        )
    growth = text.result.growth * factor * (1 if new.is_literal else new.result.growth)
    return Result(Type.TEXT, nullable=any(each.nullable for each in args), growth=growth)


def to_text_rule(args: tuple[Typed, ...], report: Reporter) -> Result:
    """Rule of text(value)."""
    accepts(args[0], SCALAR, report, Message("a single value"))
    return Result(Type.TEXT, nullable=args[0].nullable, growth=args[0].result.growth)


def to_number(args: tuple[Typed, ...], report: Reporter) -> Result:
    """Rule of number(value)."""
    value = args[0]
    accepts(value, frozenset({Type.NUMBER, Type.TEXT, Type.BOOLEAN}), report, Message("a text that shows a number"))
    if value.type is Type.NUMBER:
        return value.result
    if value.type is Type.BOOLEAN:
        return number(args, 0, 1)
    return Result(Type.NUMBER, 10, 10**28)


def to_date(args: tuple[Typed, ...], report: Reporter) -> Result:
    """Rule of date(value) and date(year, month, day)."""
    if len(args) == 1:
        accepts(args[0], DATED | {Type.TEXT}, report, Message("a date with time, or a text such as '2026-01-31'"))
        if isinstance(args[0].literal, str):  # a real date became a literal when it was read
            _no_moment(args[0], "2026-01-31", report)
    elif len(args) == 3:  # noqa: PLR2004
        for each in args:
            whole(each, report)
    else:
        report.report(
            Message("{name} does not take {count} arguments", name="date", count=len(args)),
            advice=Message("write {usage}", usage="date(year, month, day)"),
            code="arguments",
        )
    return Result(Type.DATE, nullable=args[0].nullable or args[0].type is not Type.DATE)


def to_datetime(args: tuple[Typed, ...], report: Reporter) -> Result:
    """Rule of datetime(value) and datetime(date, time)."""
    if len(args) == 1:
        accepts(args[0], DATED | TEXT, report, Message("a date, or a text such as '2026-01-31T09:00'"))
        if isinstance(args[0].literal, str) and datetime_of(args[0].literal) is None:
            _no_moment(args[0], "2026-01-31T09:00", report)
    elif accepts(args[0], frozenset({Type.DATE}), report):
        accepts(args[1], frozenset({Type.TIME}), report)
    return Result(Type.DATETIME, nullable=args[0].nullable or args[0].type is not Type.DATETIME)


def to_time(args: tuple[Typed, ...], report: Reporter) -> Result:
    """Rule of time(text)."""
    accepts(args[0], frozenset({Type.TIME, Type.TEXT}), report, Message("a text such as '09:00'"))
    if isinstance(args[0].literal, str):
        _no_moment(args[0], "09:00", report)
    return Result(Type.TIME, nullable=args[0].nullable or args[0].type is not Type.TIME)


def _no_moment(node: Typed, example: str, report: Reporter) -> None:
    report.report(
        Message("{value} is no date or time that exists", value=repr(node.literal)),
        node=node,
        advice=Message("write it as {example}", example=repr(example)),
        code="value",
    )


# --- dates


def part_of_date(bound: int) -> Rule:
    """Return the rule of year, month, day and weekday."""

    def rule(args: tuple[Typed, ...], report: Reporter) -> Result:
        accepts(args[0], DATED, report)
        return number(args, 0, bound, nullable=args[0].nullable or args[0].type is Type.DATETIME)

    return rule


def between_dates(args: tuple[Typed, ...], report: Reporter) -> Result:
    """Rule of days_between and months_between."""
    for each in args:
        accepts(each, DATED, report)
    return number(args, 0, 4_000_000, nullable=any(each.nullable or each.type is Type.DATETIME for each in args))


def months_later(args: tuple[Typed, ...], report: Reporter) -> Result:
    """Rule of add_months."""
    accepts(args[0], DATED, report)
    whole(args[1], report)
    return Result(Type.DATE)
