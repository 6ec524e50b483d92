"""The type rule of every built-in operator and function: what it takes, and what it gives for that."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from engine.expression.check import Reporter, Result, Rule, Typed, type_of_value
from engine.expression.numbers import DIVISION_SCALE, decimals, unscaled
from engine.expression.parse import suggestion
from engine.expression.types import TYPE_NAMES, Type
from engine.i18n import Message

TEXTUAL = frozenset({Type.TEXT, Type.LINK})
DATED = frozenset({Type.DATE, Type.DATETIME})
ORDERED = frozenset({Type.NUMBER, Type.TEXT, Type.DATE, Type.DATETIME, Type.TIME})
SCALAR = ORDERED | {Type.BOOLEAN, Type.LINK}
NO_TRUTH = frozenset({Type.JSON, Type.MANY})

CERTAIN = Result(Type.BOOLEAN, nullable=False)
"""True or false, never missing: what every operator that answers a question gives."""

MAX_TEXT = 10**9
MAX_COUNT = 10**15
MAX_SUM = 2**63 - 1


def number(args: Sequence[Typed], scale: int, bound: int, *, nullable: bool | None = None) -> Result:
    """Return a number that is missing when an argument is."""
    missing = any(each.nullable for each in args) if nullable is None else nullable
    return Result(Type.NUMBER, scale, bound, missing)


def accepts(node: Typed, allowed: frozenset[Type], report: Reporter, expected: Message | None = None) -> bool:
    """Return whether a node has one of the types; report it when it has another. None fits everywhere."""
    if node.type in allowed or node.type is Type.NULL:
        return True
    wanted = expected or TYPE_NAMES[next(iter(sorted(allowed)))]
    advice = None
    if node.type is Type.MANY:
        advice = Message("any(...), all(...), count(...) and sum_of(...) look at related records")
    elif allowed == {Type.TEXT}:
        advice = Message("text(...) turns it into one")
    elif allowed == {Type.NUMBER} and node.type is Type.TEXT:
        advice = Message("number(...) turns it into one")
    report.report(
        Message("Expected {wanted}, but this is {given}", wanted=wanted, given=TYPE_NAMES[node.type]), node=node, advice=advice
    )
    return False


def takes(allowed: frozenset[Type], result: Result | None = None, expected: Message | None = None) -> Rule:
    """Return the rule of a function whose arguments all have one of the types."""

    def rule(args: tuple[Typed, ...], report: Reporter) -> Result:
        fits = [accepts(each, allowed, report, expected) for each in args]
        given = result if result is not None else Result(args[0].type)
        if not all(fits):
            return Result(given.type, broken=True)
        if given.nullable:
            growth = sum(each.result.growth for each in args)
            return Result(given.type, given.scale, given.bound, any(each.nullable for each in args), growth)
        return given

    return rule


# --- conditions


def truths(args: tuple[Typed, ...], report: Reporter) -> Result:
    """Rule of and, or, not: anything that can be true or false."""
    for each in args:
        truth(each, report)
    return CERTAIN


def truth(node: Typed, report: Reporter) -> None:
    """Report a node that is neither true nor false."""
    if node.type in NO_TRUTH:
        report.report(
            Message("{given} is neither true nor false", given=TYPE_NAMES[node.type]),
            node=node,
            advice=Message("ask `... is not None`") if node.type is Type.JSON else Message("write any(relation, condition)"),
        )


def comparable(left: Typed, right: Typed, report: Reporter, *, node: Typed | None = None) -> bool:
    """Return whether two values can be compared; report it when not."""
    types = {left.type, right.type}
    if Type.NULL in types or len(types - TEXTUAL) + bool(types & TEXTUAL) == 1:
        return True
    advice = None
    if types == {Type.DATE, Type.DATETIME}:
        advice = Message("date(...) gives the date of a moment, datetime(...) the beginning of a date")
    elif Type.TEXT in types and types & {Type.DATE, Type.DATETIME, Type.TIME, Type.NUMBER}:
        other = next(iter(types - {Type.TEXT}))
        example = {Type.DATE: "date('2026-01-31')", Type.DATETIME: "datetime('2026-01-31T09:00:00Z')", Type.TIME: "time('09:00')"}
        advice = Message("write {instead}", instead=example.get(other, "number(...)"))
    elif Type.LIST in types:
        advice = Message("write value in list")
    report.report(
        Message("{left} cannot be compared with {right}", left=TYPE_NAMES[left.type], right=TYPE_NAMES[right.type]),
        node=node,
        advice=advice,
    )
    return False


def known_option(choice: Typed, value: object, report: Reporter, node: Typed) -> None:
    """Report a text that is none of the options of the select that it is compared with."""
    if choice.options is None or not isinstance(value, str) or value in choice.options:
        return
    name = choice.expr.dotted if hasattr(choice.expr, "dotted") else getattr(choice.expr, "name", "")
    advice = suggestion(value, choice.options) or Message("options are {options}", options=", ".join(sorted(choice.options)[:20]))
    report.report(Message("{value} is no option of {field}", value=repr(value), field=name), node=node, advice=advice, code="option")


def equality(args: tuple[Typed, ...], report: Reporter) -> Result:
    """Rule of == and !=: the same kind of value on both sides, or None on one."""
    left, right = args
    if Type.NULL in {left.type, right.type}:
        if Type.MANY in {left.type, right.type}:
            report.report(Message("Related records are never None"), advice=Message("write count(...) == 0"))
        return CERTAIN
    for each in args:
        if each.type in {Type.JSON, Type.MANY, Type.LIST}:
            name = TYPE_NAMES[each.type]
            advice = Message("write value in list") if each.type is Type.LIST else Message("ask `... is not None`")
            report.report(Message("{given} cannot be compared", given=name), node=each, advice=advice)
            return CERTAIN
    if comparable(left, right, report):
        known_option(left, right.literal, report, right)
        known_option(right, left.literal, report, left)
    return CERTAIN


def order(args: tuple[Typed, ...], report: Reporter) -> Result:
    """Rule of < <= > >=: two numbers, texts, dates or times."""
    expected = Message("a number, text, date or time")
    if all([accepts(each, ORDERED, report, expected) for each in args]):
        comparable(args[0], args[1], report)
    return CERTAIN


def membership(args: tuple[Typed, ...], report: Reporter) -> Result:
    """Rule of `in`: a value and a list of such values, or a text and a multiselect."""
    value, where = args
    if where.type is not Type.LIST:
        if where.type in TEXTUAL and value.type in TEXTUAL:
            advice = Message("write contains(text, part)")
        else:
            advice = Message("a list is written ['a', 'b']")
        report.report(Message("Expected {wanted}, but this is {given}", wanted=TYPE_NAMES[Type.LIST], given=TYPE_NAMES[where.type]), node=where, advice=advice)
        return CERTAIN
    if not accepts(value, SCALAR, report, Message("a single value")):
        return CERTAIN
    if isinstance(where.literal, tuple):
        for each in where.literal:
            kind = type_of_value(each)
            item = Typed(where.expr, Result(kind))
            if kind is not Type.NULL and not comparable(value, item, report, node=where):
                break
            known_option(value, each, report, where)
    elif accepts(value, TEXTUAL, report, Message("a text or a link")):
        known_option(where, value.literal, report, value)
    return CERTAIN


def unify(args: Sequence[Typed], report: Reporter, *, nullable: bool) -> Result:
    """Return the one type that all of the values have."""
    given = [each for each in args if each.type is not Type.NULL]
    if not given:
        return Result(Type.NULL, nullable=nullable)
    for each in given:
        if each.type is Type.MANY or (each.type is Type.LIST and each.is_literal):
            return report.report(Message("{given} cannot stand here", given=TYPE_NAMES[each.type]), node=each)
    types = {each.type for each in given}
    if len(types) > 1:
        if types <= TEXTUAL:
            return Result(Type.TEXT, nullable=nullable, growth=sum(each.result.growth for each in given))
        first, other = given[0], next(each for each in given if each.type is not given[0].type)
        return report.report(
            Message("All values here must be of one kind: this is {given}, not {wanted}", given=TYPE_NAMES[other.type], wanted=TYPE_NAMES[first.type]),
            node=other,
        )
    if types == {Type.NUMBER}:
        scale = max(each.scale for each in given)
        return Result(Type.NUMBER, scale, max(each.result.bound * 10 ** (scale - each.scale) for each in given), nullable)
    return Result(given[0].type, nullable=nullable, growth=max(each.result.growth for each in given))


def choice(args: tuple[Typed, ...], report: Reporter) -> Result:
    """Rule of `a if c else b`."""
    truth(args[0], report)
    return unify(args[1:], report, nullable=any(each.nullable for each in args[1:]))


def first_present(args: tuple[Typed, ...], report: Reporter) -> Result:
    """Rule of coalesce."""
    return unify(args, report, nullable=all(each.nullable for each in args))


def extreme(args: tuple[Typed, ...], report: Reporter) -> Result:
    """Rule of min and max."""
    expected = Message("a number, text, date or time")
    if not all([accepts(each, ORDERED, report, expected) for each in args]):
        return Result(Type.NULL, broken=True)
    return unify(args, report, nullable=all(each.nullable for each in args))


# --- arithmetic


def plus(args: tuple[Typed, ...], report: Reporter) -> Result:
    """Rule of +: numbers, texts, or a date and days."""
    left, right = args
    types = {left.type, right.type} - {Type.NULL}
    if types <= {Type.TEXT} and types:
        return Result(Type.TEXT, nullable=left.nullable or right.nullable, growth=left.result.growth + right.result.growth)
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
    return report.report(Message("{left} and {right} cannot be added", left=TYPE_NAMES[left.type], right=TYPE_NAMES[right.type]))


def minus(args: tuple[Typed, ...], report: Reporter) -> Result:
    """Rule of -: numbers, a date and days, or two dates (which gives days)."""
    left, right = args
    if left.type in DATED and right.type in {Type.NUMBER, Type.NULL}:
        whole(right, report)
        return Result(left.type)
    if left.type in DATED and right.type in DATED:
        return report.report(
            Message("{left} and {right} cannot be subtracted", left=TYPE_NAMES[left.type], right=TYPE_NAMES[right.type]),
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
    if accepts(node, frozenset({Type.NUMBER}), report) and node.type is Type.NUMBER and node.scale:
        report.report(Message("Expected a whole number"), node=node, advice=Message("use round(...) or //"))


def _numbers(args: tuple[Typed, ...], report: Reporter) -> bool:
    return all([accepts(each, frozenset({Type.NUMBER}), report) for each in args])


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
    return left.result.bound * 10 ** (right.scale + scale) // (unit * 10**left.scale) + 1


def floored(args: tuple[Typed, ...], report: Reporter) -> Result:
    """Rule of //: a whole number."""
    left, right = args
    if not _numbers(args, report):
        return _BROKEN_NUMBER
    return number(args, 0, _quotient_bound(left, right, 0) + 1, nullable=left.nullable or right.nullable or not _never_zero(right))


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
    if not all([accepts(each, frozenset({Type.TEXT}), report) for each in args]):
        return Result(Type.TEXT, broken=True)
    text, old, new = args
    factor = 100
    if isinstance(new.literal, str):
        factor = max(1, -(-len(new.literal) // (len(old.literal) or 1)) if isinstance(old.literal, str) else len(new.literal))
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
        report.report(Message("{name} does not take {count} arguments", name="date", count=len(args)), advice=Message("write {usage}", usage="date(year, month, day)"), code="arguments")
    return Result(Type.DATE, nullable=args[0].nullable or args[0].type is not Type.DATE)


def to_datetime(args: tuple[Typed, ...], report: Reporter) -> Result:
    """Rule of datetime(value) and datetime(date, time)."""
    if len(args) == 1:
        accepts(args[0], DATED | {Type.TEXT}, report, Message("a date, or a text such as '2026-01-31T09:00'"))
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


# --- related rows


def quantified(args: tuple[Typed, ...], report: Reporter) -> Result:
    """Rule of any and all."""
    truth(args[1], report)
    return CERTAIN


def counted(args: tuple[Typed, ...], report: Reporter) -> Result:
    """Rule of count."""
    for each in args[1:]:
        truth(each, report)
    return number(args, 0, MAX_COUNT, nullable=False)


def summed(args: tuple[Typed, ...], report: Reporter) -> Result:
    """Rule of sum_of: 0 of no rows."""
    if not _numbers(args[1:], report):
        return _BROKEN_NUMBER
    bound = MAX_SUM if args[1].result.bound <= MAX_SUM else args[1].result.bound * MAX_COUNT
    return number(args, args[1].scale, bound, nullable=False)


def beneath(args: tuple[Typed, ...], report: Reporter) -> Result:
    """Rule of in_subtree(link, record)."""
    link, root = args
    if link.info is None or link.type is not Type.LINK or link.info.tree is None:
        report.report(
            Message("in_subtree needs a link to records that form a tree"),
            node=link,
            advice=Message("the records need a link to their own kind, such as a parent"),
        )
        return CERTAIN
    accepts(root, TEXTUAL, report, Message("a link or the id of a record"))
    return CERTAIN
