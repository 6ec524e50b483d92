"""The type rules of conditions, choices and related rows: what they take, and what they give for that."""

from __future__ import annotations

from collections.abc import Sequence

from engine.expression.check import Reporter, Result, Rule, Typed, type_of_value
from engine.expression.parse import suggestion
from engine.expression.types import TYPE_NAMES, Type
from engine.i18n import Message

NUMBER = frozenset({Type.NUMBER})
TEXT = frozenset({Type.TEXT})
TEXTUAL = frozenset({Type.TEXT, Type.LINK})
DATED = frozenset({Type.DATE, Type.DATETIME})
ORDERED = frozenset({Type.NUMBER, Type.TEXT, Type.DATE, Type.DATETIME, Type.TIME})
SCALAR = ORDERED | {Type.BOOLEAN, Type.LINK}
NO_TRUTH = frozenset({Type.JSON, Type.MANY})

CERTAIN = Result(Type.BOOLEAN, nullable=False)
"""True or false, never missing: what every operator that answers a question gives."""

MAX_COUNT = 10**15


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
        Message("Expected {wanted}, but this is {given}", wanted=wanted, given=TYPE_NAMES[node.type]),
        node=node,
        advice=advice,
    )
    return False


def all_accepted(
    args: Sequence[Typed], allowed: frozenset[Type], report: Reporter, expected: Message | None = None
) -> bool:
    """Return whether every argument has one of the types; report each that has not."""
    return sum(accepts(each, allowed, report, expected) for each in args) == len(args)


def takes(allowed: frozenset[Type], result: Result | None = None, expected: Message | None = None) -> Rule:
    """Return the rule of a function whose arguments all have one of the types."""

    def rule(args: tuple[Typed, ...], report: Reporter) -> Result:
        given = result if result is not None else Result(args[0].type)
        if not all_accepted(args, allowed, report, expected):
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
            advice=Message("ask `... is not None`")
            if node.type is Type.JSON
            else Message("write any(relation, condition)"),
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
        example = {
            Type.DATE: "date('2026-01-31')",
            Type.DATETIME: "datetime('2026-01-31T09:00:00Z')",
            Type.TIME: "time('09:00')",
        }
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
    advice = suggestion(value, choice.options) or Message(
        "options are {options}", options=", ".join(sorted(choice.options)[:20])
    )
    report.report(
        Message("{value} is no option of {field}", value=repr(value), field=name),
        node=node,
        advice=advice,
        code="option",
    )


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
    if all_accepted(args, ORDERED, report, expected):
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
        report.report(
            Message(
                "Expected {wanted}, but this is {given}", wanted=TYPE_NAMES[Type.LIST], given=TYPE_NAMES[where.type]
            ),
            node=where,
            advice=advice,
        )
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
            Message(
                "All values here must be of one kind: this is {given}, not {wanted}",
                given=TYPE_NAMES[other.type],
                wanted=TYPE_NAMES[first.type],
            ),
            node=other,
        )
    if types == {Type.NUMBER}:
        scale = max(each.scale for each in given)
        return Result(
            Type.NUMBER, scale, max(each.result.bound * 10 ** (scale - each.scale) for each in given), nullable
        )
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
    if not all_accepted(args, ORDERED, report, expected):
        return Result(Type.NULL, broken=True)
    return unify(args, report, nullable=all(each.nullable for each in args))


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
    if not all_accepted(args[1:], NUMBER, report):
        return Result(Type.NUMBER, broken=True)
    return number(args, args[1].scale, args[1].result.bound * MAX_COUNT, nullable=False)


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
