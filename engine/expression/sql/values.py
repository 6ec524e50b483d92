"""The SQL of values: choices, arithmetic, texts, dates, conversions, counts and sums of related rows."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    Boolean,
    Date,
    Integer,
    Numeric,
    String,
    Text,
    Time,
    case,
    cast,
    func,
    literal_column,
    null,
    type_coerce,
)

from engine.expression.check import Typed
from engine.expression.sql import inline
from engine.expression.sql.compiler import LARGEST, Element, SqlCompiler, SqlValue, bound
from engine.expression.sql.conditions import own_rows, related
from engine.expression.texts import WHITESPACE
from engine.expression.types import Type


def _number(typed: Typed, element: Element) -> SqlValue:
    return SqlValue(element, Type.NUMBER, typed.scale, typed.result.bound)


def _plain(typed: Typed, element: Element) -> SqlValue:
    return SqlValue(element, typed.type)


# --- choices


def _branches(sql: SqlCompiler, typed: Typed, nodes: tuple[Typed, ...]) -> list[Element]:
    """Return alternatives in one form: numbers on SQLite in one scale, ids beside texts on PostgreSQL as texts."""
    if typed.type is Type.NUMBER and sql.sqlite:
        return [sql.aligned(each, typed.scale).element for each in nodes]
    found = []
    for each in nodes:
        element = sql.value(each).element
        if typed.type is Type.TEXT and each.type is Type.LINK and not sql.sqlite:
            element = cast(element, Text())
        found.append(element)
    return found


def conditional(sql: SqlCompiler, typed: Typed) -> SqlValue:
    """Build `a if c else b`."""
    condition, *values = typed.args
    then, otherwise = _branches(sql, typed, tuple(values))
    return _chosen(typed, case((sql.condition(condition), then), else_=otherwise))


def first_present(sql: SqlCompiler, typed: Typed) -> SqlValue:
    """Build coalesce."""
    parts = [each for each in typed.args if each.type is not Type.NULL]
    if not parts:
        return SqlValue(null(), Type.NULL)
    found = _branches(sql, typed, tuple(parts))
    return _chosen(typed, func.coalesce(*found) if len(found) > 1 else found[0])


def _chosen(typed: Typed, element: Element) -> SqlValue:
    if typed.type is Type.NUMBER:
        return _number(typed, element)
    if typed.type is Type.BOOLEAN:
        element = type_coerce(element, Boolean())
    return _plain(typed, element)


def extreme(sqlite_name: str, postgresql_name: str, own_name: str) -> Callable[[SqlCompiler, Typed], SqlValue]:
    """Return the builder of min or max: PostgreSQL's leave NULL out, SQLite's do not."""

    def build(sql: SqlCompiler, typed: Typed) -> SqlValue:
        parts = tuple(each for each in typed.args if each.type is not Type.NULL)
        if not parts:
            return SqlValue(null(), Type.NULL)
        found = _branches(sql, typed, parts)
        if len(found) == 1:
            return _chosen(typed, found[0])
        if not sql.sqlite:
            if typed.type is Type.TEXT:
                found = [each.collate("C") for each in found]
            return _chosen(typed, getattr(func, postgresql_name)(*found))
        name = sqlite_name
        if typed.type is Type.NUMBER and typed.result.bound > LARGEST:
            name = f"gx_wide_{own_name}"
        elif any(each.nullable for each in parts):
            name = f"gx_{own_name}"
        return _chosen(typed, getattr(func, name)(*found))

    return build


# --- arithmetic


def plus(sql: SqlCompiler, typed: Typed) -> SqlValue:
    """Build +."""
    left, right = typed.args
    if typed.type is Type.TEXT:
        one, other = (
            cast(sql.value(each).element, Text()) if each.type is Type.NULL else sql.value(each).element
            for each in typed.args
        )
        return _plain(typed, one.op("||")(other))
    if typed.type in {Type.DATE, Type.DATETIME}:
        moment, days = (left, right) if left.type is typed.type else (right, left)
        return _later(sql, typed, moment, days, negative=False)
    return _linear(sql, typed, 1)


def minus(sql: SqlCompiler, typed: Typed) -> SqlValue:
    """Build -."""
    if typed.type in {Type.DATE, Type.DATETIME}:
        return _later(sql, typed, typed.args[0], typed.args[1], negative=True)
    return _linear(sql, typed, -1)


def _linear(sql: SqlCompiler, typed: Typed, sign: int) -> SqlValue:
    left, right = typed.args
    if not sql.sqlite:
        one, other = sql.numeric(left), sql.numeric(right)
        return _number(typed, one + other if sign > 0 else one - other)
    if typed.result.bound <= LARGEST:
        one, other = sql.aligned(left, typed.scale).element, sql.aligned(right, typed.scale).element
        return _number(typed, one + other if sign > 0 else one - other)
    factors = [10 ** (typed.scale - left.scale), sign * 10 ** (typed.scale - right.scale)]
    elements = [sql.value(each).element for each in typed.args]
    return _number(typed, func.gx_sum(elements[0], sql.integer(factors[0]), elements[1], sql.integer(factors[1])))


def times(sql: SqlCompiler, typed: Typed) -> SqlValue:
    """Build *."""
    left, right = typed.args
    if not sql.sqlite:
        return _number(typed, sql.numeric(left) * sql.numeric(right))
    one, other = sql.value(left).element, sql.value(right).element
    if typed.result.bound <= LARGEST:
        return _number(typed, one * other)
    return _number(typed, func.gx_product(one, other))


def divided(sql: SqlCompiler, typed: Typed) -> SqlValue:
    """Build /."""
    left, right = typed.args
    if not sql.sqlite:
        return _number(typed, inline.Quotient(sql.numeric(left), sql.numeric(right)))
    one, other = sql.value(left).element, sql.value(right).element
    scales: list[Element] = [literal_column(str(each.scale)) for each in typed.args]
    return _number(typed, func.gx_quotient(one, scales[0], other, scales[1]))


def floored(sql: SqlCompiler, typed: Typed) -> SqlValue:
    """Build //."""
    return _whole_division(sql, typed, inline.Floor, "gx_floor")


def remainder(sql: SqlCompiler, typed: Typed) -> SqlValue:
    """Build %."""
    return _whole_division(sql, typed, inline.Modulo, "gx_modulo")


def _whole_division(sql: SqlCompiler, typed: Typed, postgresql: Any, sqlite_name: str) -> SqlValue:
    left, right = typed.args
    if not sql.sqlite:
        return _number(typed, postgresql(sql.numeric(left), sql.numeric(right)))
    scale = max(left.scale, right.scale)
    one, other = sql.value(left).element, sql.value(right).element
    factors = [sql.integer(10 ** (scale - each.scale)) for each in typed.args]
    return _number(typed, getattr(func, sqlite_name)(one, factors[0], other, factors[1]))


def negated(sql: SqlCompiler, typed: Typed) -> SqlValue:
    """Build unary minus."""
    (part,) = typed.args
    found = sql.value(part)
    if not sql.sqlite:
        return _number(typed, -sql.numeric(part))
    if found.wide:
        return _number(typed, func.gx_product(found.element, literal_column("-1")))
    return _number(typed, literal_column("0") - found.element)


def absolute(sql: SqlCompiler, typed: Typed) -> SqlValue:
    """Build abs."""
    (part,) = typed.args
    if not sql.sqlite:
        return _number(typed, func.abs(sql.numeric(part)))
    found = sql.value(part)
    return _number(typed, func.gx_abs(found.element) if found.wide else func.abs(found.element))


def rounded(sql: SqlCompiler, typed: Typed) -> SqlValue:
    """Build round."""
    part = typed.args[0]
    if part.scale <= typed.scale:
        return sql.value(part)
    if sql.sqlite:
        return _number(typed, func.gx_round(sql.value(part).element, sql.integer(10 ** (part.scale - typed.scale))))
    factor, unit = Decimal(10**typed.scale), Decimal(1).scaleb(-typed.scale)
    return _number(typed, inline.Round(sql.numeric(part), bound(factor, Numeric()), bound(unit, Numeric())))


# --- texts


def length(sql: SqlCompiler, typed: Typed) -> SqlValue:
    """Build len."""
    (part,) = typed.args
    element = sql.value(part).element
    if isinstance(part.literal, tuple):
        return _number(typed, sql.integer(len(part.literal)))
    if part.type is Type.LIST:
        return _number(typed, sql.list_length(element))
    return _number(typed, func.length(element) if sql.sqlite else func.char_length(cast(element, Text())))


def lower(sql: SqlCompiler, typed: Typed) -> SqlValue:
    """Build lower."""
    element = _text(sql, typed.args[0])
    return _plain(typed, func.gx_lower(element) if sql.sqlite else inline.Lower(element))


def upper(sql: SqlCompiler, typed: Typed) -> SqlValue:
    """Build upper."""
    element = _text(sql, typed.args[0])
    return _plain(typed, func.gx_upper(element) if sql.sqlite else inline.Upper(element))


def _text(sql: SqlCompiler, typed: Typed) -> Element:
    element = sql.value(typed).element
    return cast(element, Text()) if typed.type is Type.NULL and not sql.sqlite else element


def trim(sql: SqlCompiler, typed: Typed) -> SqlValue:
    """Build trim."""
    element = _text(sql, typed.args[0])
    return _plain(typed, (func.trim if sql.sqlite else func.btrim)(element, bound(WHITESPACE, String())))


def replace(sql: SqlCompiler, typed: Typed) -> SqlValue:
    """Build replace."""
    return _plain(typed, func.replace(*(_text(sql, each) for each in typed.args)))


# --- conversions


def to_text(sql: SqlCompiler, typed: Typed) -> SqlValue:
    """Build text."""
    (part,) = typed.args
    element = sql.value(part).element
    match part.type:
        case Type.BOOLEAN:
            element = case(
                (element.is_(None), null()), (element, literal_column("'true'")), else_=literal_column("'false'")
            )
        case Type.NUMBER if sql.sqlite:
            element = func.gx_number_text(element, literal_column(str(part.scale)))
        case Type.NUMBER:
            element = inline.NumberText(element)
        case Type.DATE if not sql.sqlite:
            element = inline.DateText(element)
        case Type.DATETIME if not sql.sqlite:
            element = inline.DatetimeText(element)
        case Type.TIME | Type.LINK if not sql.sqlite:
            element = cast(element, Text())
        case _:
            pass
    return _plain(typed, element)


def to_number(sql: SqlCompiler, typed: Typed) -> SqlValue:
    """Build number."""
    (part,) = typed.args
    found = sql.value(part)
    match part.type:
        case Type.TEXT:
            return _number(typed, func.gx_number(found.element) if sql.sqlite else inline.NumberOf(found.element))
        case Type.BOOLEAN:
            return _number(typed, cast(found.element, Integer()))
        case _:
            return found if found.type is Type.NUMBER else _number(typed, found.element)


# --- dates


def as_date(sql: SqlCompiler, typed: Typed) -> Element:
    """Return the date of a date, moment or text."""
    element = sql.value(typed).element
    if typed.type is Type.DATETIME:
        return (func.gx_local_date if sql.sqlite else inline.LocalDate)(element, sql.zone())
    if typed.type is Type.TEXT:
        return (func.gx_date if sql.sqlite else inline.DateOf)(element)
    if typed.type is Type.NULL and not sql.sqlite:
        return cast(element, Date())
    return element


def to_date(sql: SqlCompiler, typed: Typed) -> SqlValue:
    """Build date."""
    if len(typed.args) == 1:
        return _plain(typed, as_date(sql, typed.args[0]))
    parts = [sql.value(each).element if sql.sqlite else sql.numeric(each) for each in typed.args]
    return _plain(typed, (func.gx_date_from if sql.sqlite else inline.DateFrom)(*parts))


def to_datetime(sql: SqlCompiler, typed: Typed) -> SqlValue:
    """Build datetime."""
    first = typed.args[0]
    element = sql.value(first).element
    if len(typed.args) > 1:
        clock = sql.value(typed.args[1]).element
        if not sql.sqlite:
            element, clock = cast(element, Date()), cast(clock, Time())
        return _plain(typed, (func.gx_moment_from if sql.sqlite else inline.MomentFrom)(element, clock, sql.zone()))
    if first.type is Type.DATE:
        return _plain(typed, (func.gx_midnight if sql.sqlite else inline.Midnight)(element, sql.zone()))
    if first.type is Type.TEXT:
        return _plain(typed, (func.gx_datetime if sql.sqlite else inline.DatetimeOf)(element, sql.zone()))
    return _plain(typed, element)


def to_time(sql: SqlCompiler, typed: Typed) -> SqlValue:
    """Build time."""
    (part,) = typed.args
    element = sql.value(part).element
    if part.type is Type.TEXT:
        return _plain(typed, (func.gx_time if sql.sqlite else inline.TimeOf)(element))
    return _plain(typed, element)


def _later(sql: SqlCompiler, typed: Typed, moment: Typed, days: Typed, *, negative: bool) -> SqlValue:
    element = sql.value(moment).element
    if isinstance(days.literal, Decimal):
        number = -days.literal if negative else days.literal
        count = sql.constant(number, Type.NUMBER, 0).element
    elif sql.sqlite:
        found = sql.value(days)
        count = found.element
        if negative:
            count = func.gx_product(count, literal_column("-1")) if found.wide else literal_column("0") - count
    else:
        count = -sql.numeric(days) if negative else sql.numeric(days)
    if typed.type is Type.DATE:
        return _plain(typed, (func.gx_add_days if sql.sqlite else inline.AddDays)(element, count))
    return _plain(typed, (func.gx_add_days_to_moment if sql.sqlite else inline.AddDaysToMoment)(element, count))


def part_of_date(name: str, first: int, count: int) -> Callable[[SqlCompiler, Typed], SqlValue]:
    """Return the builder of year, month or day, which are digits of the text on SQLite."""

    def build(sql: SqlCompiler, typed: Typed) -> SqlValue:
        day = as_date(sql, typed.args[0])
        if sql.sqlite:
            digits = func.substr(day, literal_column(str(first)), literal_column(str(count)))
            return _number(typed, cast(digits, Integer()))
        return _number(typed, inline.DatePart[name](day))

    return build


def weekday(sql: SqlCompiler, typed: Typed) -> SqlValue:
    """Build weekday."""
    day = as_date(sql, typed.args[0])
    if sql.sqlite:
        sunday_first = cast(func.strftime(literal_column("'%w'"), day), Integer())
        shifted = (sunday_first + literal_column("6")) % literal_column("7")
        return _number(typed, shifted + literal_column("1"))
    return _number(typed, inline.DatePart["weekday"](day))


def days_between(sql: SqlCompiler, typed: Typed) -> SqlValue:
    """Build days_between."""
    start, end = (as_date(sql, each) for each in typed.args)
    if sql.sqlite:
        return _number(typed, cast(func.julianday(end) - func.julianday(start), Integer()))
    return _number(typed, inline.DaysBetween(start, end))


def add_months(sql: SqlCompiler, typed: Typed) -> SqlValue:
    """Build add_months."""
    day = as_date(sql, typed.args[0])
    if sql.sqlite:
        return _plain(typed, func.gx_add_months(day, sql.value(typed.args[1]).element))
    return _plain(typed, inline.AddMonths(day, sql.numeric(typed.args[1])))


def months_between(sql: SqlCompiler, typed: Typed) -> SqlValue:
    """Build months_between."""
    start, end = (as_date(sql, each) for each in typed.args)
    return _number(typed, (func.gx_months_between if sql.sqlite else inline.MonthsBetween)(start, end))


# --- related rows


def counted(sql: SqlCompiler, typed: Typed) -> SqlValue:
    """Build count."""
    many, inner = related(sql, typed)
    if len(typed.args) > 1:
        many = _filtered(many, inner.condition(typed.args[1]))
    return _number(typed, own_rows(many, func.count()))


def _filtered(many: Any, condition: Element) -> Any:
    from dataclasses import replace as changed

    return changed(many, rows=many.rows.where(condition))


def summed(sql: SqlCompiler, typed: Typed) -> SqlValue:
    """Build sum_of."""
    many, inner = related(sql, typed)
    amount = inner.value(typed.args[1])
    total: Element
    if not sql.sqlite:
        total = func.sum(inner.numeric(typed.args[1]))
    elif amount.wide:
        total = func.gx_total(amount.element)
    else:
        # Two sums of halves, which cannot overflow; SQLite's own sum of the whole would stop the statement.
        half: Element = literal_column("1000000000", Integer())
        units = type_coerce(amount.element, Integer())
        total = func.gx_sum(func.sum(units // half), half, func.sum(units % half), literal_column("1"))
    return _number(typed, own_rows(many, func.coalesce(total, literal_column("0"))))
