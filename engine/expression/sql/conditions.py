"""The SQL of conditions: and, or, not, comparisons, `in`, texts that contain others, related rows."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any
from typing import cast as static_cast

from sqlalchemy import ColumnElement, Numeric, String, case, cast, false, func, literal_column, null, or_, select, true
from sqlalchemy.types import Text, Uuid

from engine.expression.ast import Path, Value, Var
from engine.expression.check import Typed
from engine.expression.numbers import decimals, unscaled
from engine.expression.sql import inline
from engine.expression.sql.compiler import LARGEST, Element, ManyScope, SqlCompiler, SqlValue, bound, jsonb
from engine.expression.texts import lower
from engine.expression.types import Type

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_UUID_PATTERN = "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"


def _answer(element: Element, *, loose: bool) -> SqlValue:
    return SqlValue(element, Type.BOOLEAN, loose=loose)


def conjunct(sql: SqlCompiler, typed: Typed) -> SqlValue:
    """Build `and`."""
    return _answer(sql.conjunction(typed.args), loose=True)


def disjunct(sql: SqlCompiler, typed: Typed) -> SqlValue:
    """Build `or`."""
    return _answer(sql.disjunction(typed.args), loose=True)


def negated(sql: SqlCompiler, typed: Typed) -> SqlValue:
    """Build `not`."""
    (part,) = typed.args
    if part.operator is not None and part.operator.name == "==":
        return unequal(sql, part)
    return _answer(sql.negation(part), loose=False)


# --- equality


def equal(sql: SqlCompiler, typed: Typed) -> SqlValue:
    """Build ==."""
    left, right = typed.args
    if left.is_literal and not right.is_literal:
        left, right = right, left
    if right.is_literal and right.literal is None:
        return _answer(sql.operand(left).is_(None), loose=False)
    if Type.NUMBER in {left.type, right.type}:
        return _number_equality(sql, left, right)
    one, other = operands(sql, left, right)
    if one is None or other is None:
        return _answer(false(), loose=False)
    return _same(sql, left, right, one, other)


def _same(sql: SqlCompiler, left: Typed, right: Typed, one: Element, other: Element) -> SqlValue:
    """Return null-safe equality: plain `=` where one side is never NULL, so that every index serves it."""
    if not (left.nullable and right.nullable):
        return _answer(one == other, loose=left.nullable or right.nullable)
    if not sql.sqlite and (_repeatable(left) or _repeatable(right)):
        # PostgreSQL uses no index for IS NOT DISTINCT FROM.
        return _answer((one == other) | (one.is_(None) & other.is_(None)), loose=True)
    return _answer(one.is_not_distinct_from(other), loose=False)


def _repeatable(typed: Typed) -> bool:
    """Return whether a value is the same for all rows and can stand twice without the statement growing on and on."""
    if isinstance(typed.expr, Path) or typed.type in {Type.BOOLEAN, Type.MANY}:
        return isinstance(typed.expr, Var)
    return all(_repeatable(each) for each in typed.args)


def unequal(sql: SqlCompiler, typed: Typed) -> SqlValue:
    """Build !=."""
    left, right = typed.args
    if left.is_literal and not right.is_literal:
        left, right = right, left
    if right.is_literal and right.literal is None:
        return _answer(sql.operand(left).is_not(None), loose=False)
    if Type.NUMBER in {left.type, right.type}:
        same = _number_equality(sql, left, right)
        if same.element is false():
            return _answer(true(), loose=False)
        if not (right.is_literal or isinstance(right.expr, (Path, Var))):
            return _answer(same.element.is_not(true()), loose=False)
        return _answer(_differs(sql, left, right, same), loose=False)
    one, other = operands(sql, left, right)
    if one is None or other is None:
        return _answer(true(), loose=False)
    distinct = left.nullable or right.nullable
    return _answer(one.is_distinct_from(other) if distinct else one != other, loose=False)


def _differs(sql: SqlCompiler, left: Typed, right: Typed, same: SqlValue) -> Element:
    return same.element.is_not(true()) if same.loose else ~same.element


def operands(sql: SqlCompiler, left: Typed, right: Typed) -> tuple[Element | None, Element | None]:
    """Return both sides of a comparison in one type; None for a text that can be no id."""
    if not sql.sqlite and {left.type, right.type} == {Type.TEXT, Type.LINK}:
        return _as_link(sql, left, right), _as_link(sql, right, left)
    return sql.operand(left), sql.operand(right)


def _as_link(sql: SqlCompiler, typed: Typed, other: Typed) -> Element | None:
    """Return a side of text == link on PostgreSQL: ids as UUID where a text is known, else both as TEXT."""
    if typed.type is Type.LINK:
        element = sql.value(typed).element
        return element if other.is_literal else cast(element, Text())
    if isinstance(typed.literal, str):
        return link_constant(typed.literal)
    return sql.value(typed).element


def link_constant(text: str) -> Element | None:
    """Return an id as PostgreSQL's UUID; None for a text that is none."""
    return cast(bound(text, String()), Uuid(as_uuid=False)) if _UUID.fullmatch(text) else None


# --- numbers


def _number_equality(sql: SqlCompiler, left: Typed, right: Typed) -> SqlValue:
    if right.is_literal and not left.is_literal and isinstance(right.literal, Decimal):
        return _compared_with(sql, left, "==", right.literal)
    if not sql.sqlite:
        return _same(sql, left, right, sql.value(left).element, sql.value(right).element)
    one, other, wide = _sqlite_sides(sql, left, right)
    if wide is None:
        return _same(sql, left, right, one, other)
    if left.nullable and right.nullable:
        return _answer(func.coalesce(wide == 0, one.is_(None) & other.is_(None)), loose=False)
    return _answer(wide == 0, loose=left.nullable or right.nullable)


def _sqlite_sides(sql: SqlCompiler, left: Typed, right: Typed) -> tuple[Element, Element, Element | None]:
    """Return both sides in one scale, or (third) gx_compare of them where 64 bits do not suffice."""
    scale = max(left.scale, right.scale)
    sizes = [each.result.bound * 10 ** (scale - each.scale) for each in (left, right)]
    if max(sizes) <= LARGEST:
        return sql.aligned(left, scale).element, sql.aligned(right, scale).element, None
    one, other = sql.value(left), sql.value(right)
    factors = [sql.integer(10 ** (scale - each.scale)) for each in (left, right)]
    return one.element, other.element, func.gx_compare(one.element, factors[0], other.element, factors[1])


_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "==": lambda left, right: left == right,
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
}
_SWAPPED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "=="}


def _compared_with(sql: SqlCompiler, left: Typed, sign: str, number: Decimal) -> SqlValue:
    """Return a number compared with a literal, whatever decimals it has, as a comparison of whole numbers."""
    found = sql.value(left)
    whole = sql.sqlite or (left.scale == 0 and isinstance(left.expr, (Path, Var)))
    if not whole:
        return _answer(_COMPARE[sign](found.element, bound(number, Numeric())), loose=left.nullable)
    places = decimals(number)
    limit, rest = divmod(unscaled(number, max(places, left.scale)), 10 ** max(0, places - left.scale))
    if rest:
        if sign == "==":
            return _answer(false(), loose=False)
        sign = "<=" if sign in {"<", "<="} else ">"
    if abs(limit) > LARGEST or found.wide:
        return _far_from(sql, left, found, sign, limit)
    return _answer(_COMPARE[sign](found.element, sql.integer(limit)), loose=left.nullable)


def _far_from(sql: SqlCompiler, left: Typed, found: SqlValue, sign: str, limit: int) -> SqlValue:
    if found.wide and sql.sqlite:
        compared = func.gx_compare(found.element, 1, sql.integer(limit), 1)
        return _answer(_COMPARE[sign](compared, 0), loose=left.nullable)
    if (limit > 0) == (sign in {"<", "<="}) and sign != "==":
        return _answer(found.element.is_not(None), loose=False)
    return _answer(false(), loose=False)


# --- order


def ordering(sign: str) -> Callable[[SqlCompiler, Typed], SqlValue]:
    """Return the builder of < <= > or >=."""

    def build(sql: SqlCompiler, typed: Typed) -> SqlValue:
        left, right = typed.args
        used = sign
        if left.is_literal and not right.is_literal:
            left, right, used = right, left, _SWAPPED[sign]
        if Type.NULL in {left.type, right.type}:
            return _answer(false(), loose=False)
        loose = left.nullable or right.nullable
        if left.type is Type.NUMBER:
            return _number_order(sql, left, right, used)
        one, other = sql.value(left).element, sql.value(right).element
        if left.type is Type.TEXT and not sql.sqlite:
            one = one.collate("C")
        return _answer(_COMPARE[used](one, other), loose=loose)

    return build


def _number_order(sql: SqlCompiler, left: Typed, right: Typed, sign: str) -> SqlValue:
    if isinstance(right.literal, Decimal) and not left.is_literal:
        return _compared_with(sql, left, sign, right.literal)
    loose = left.nullable or right.nullable
    if sql.sqlite:
        one, other, wide = _sqlite_sides(sql, left, right)
        if wide is not None:
            return _answer(_COMPARE[sign](wide, 0), loose=loose)
    else:
        one, other = sql.value(left).element, sql.value(right).element
    return _answer(_COMPARE[sign](one, other), loose=loose)


# --- lists


def member(sql: SqlCompiler, typed: Typed) -> SqlValue:
    """Build `in`."""
    value, where = typed.args
    if isinstance(where.literal, tuple):
        return _in_literal(sql, value, where.literal)
    if value.is_literal and value.literal is None:
        return _answer(false(), loose=False)
    ids: Callable[[str], Any] | None = getattr(sql.scope, "ids", None)
    rows = ids(where.expr.name) if ids is not None and isinstance(where.expr, Var) else None
    if rows is not None and value.type is Type.LINK:
        return _answer(sql.value(value).element.in_(rows), loose=True)
    found = sql.value(where).element
    if sql.sqlite:
        values = select(func.json_each(found).table_valued("value").c.value)
        return _answer(sql.value(value).element.in_(values), loose=True)
    if isinstance(where.expr, Var):
        return _answer(_in_bound_list(sql, value, found), loose=True)
    item: Element
    if isinstance(value.literal, str):
        item = jsonb(bound(_json_text(value.literal), String()))
    else:
        item = func.to_jsonb(cast(sql.value(value).element, Text()))
    return _answer(found.op("@>", is_comparison=True)(item), loose=True)


def _json_text(text: str) -> str:
    import json

    return json.dumps(text, ensure_ascii=False)


def _in_bound_list(sql: SqlCompiler, value: Typed, found: Element) -> Element:
    """Return membership in a list that is a bind parameter, for which an index on the value is used."""
    values = func.jsonb_array_elements_text(found).table_valued("value")
    if value.type is Type.LINK:
        is_id = values.c.value.op("~", is_comparison=True)(literal_column(f"'{_UUID_PATTERN}'"))
        return sql.value(value).element.in_(select(cast(values.c.value, Uuid(as_uuid=False))).where(is_id))
    return sql.value(value).element.in_(select(values.c.value))


def _in_literal(sql: SqlCompiler, value: Typed, choices: tuple[Value, ...]) -> SqlValue:
    present = [each for each in choices if each is not None]
    parts: list[ColumnElement[bool]] = []
    if value.is_literal:
        known = {(type(each), each) for each in choices}
        return _answer(true() if (type(value.literal), value.literal) in known else false(), loose=False)
    if present:
        if value.type is Type.NUMBER:
            parts.extend(_in_numbers(sql, value, static_cast("list[Decimal]", present)))
        else:
            parts.extend(_in_values(sql, value, present))
    if len(present) < len(choices):
        parts.append(sql.value(value).element.is_(None))
    if not parts:
        return _answer(false(), loose=False)
    return _answer(or_(*parts), loose=value.nullable)


def _in_numbers(sql: SqlCompiler, value: Typed, choices: list[Decimal]) -> list[ColumnElement[bool]]:
    found = sql.value(value)
    if found.wide and sql.sqlite:
        return [_compared_with(sql, value, "==", each).element for each in choices]
    if not sql.sqlite and not (value.scale == 0 and isinstance(value.expr, (Path, Var))):
        return [found.element.in_([bound(each, Numeric()) for each in choices])]
    fitting = [unscaled(each, value.scale) for each in choices if decimals(each) <= value.scale]
    fitting = [each for each in fitting if abs(each) <= LARGEST]
    return [found.element.in_([sql.integer(each) for each in fitting])] if fitting else []


def _in_values(sql: SqlCompiler, value: Typed, choices: Sequence[Value]) -> list[ColumnElement[bool]]:
    if value.type is Type.LINK and not sql.sqlite:
        elements = [found for each in choices if (found := link_constant(str(each))) is not None]
    else:
        elements = [sql.constant(each, value.type).element for each in choices]
    return [sql.value(value).element.in_(elements)] if elements else []


# --- texts


def contains(sql: SqlCompiler, typed: Typed) -> SqlValue:
    """Build contains."""
    text, part = typed.args
    if isinstance(part.literal, str):
        return _like(sql, text, part.literal, "%", "%")
    if sql.sqlite:
        return _loose(
            typed, func.instr(func.gx_lower(sql.value(text).element), func.gx_lower(sql.value(part).element)) > 0
        )
    return _loose(typed, func.strpos(_folded(sql, text), _folded(sql, part)) > 0)


def starts_with(sql: SqlCompiler, typed: Typed) -> SqlValue:
    """Build starts_with."""
    text, part = typed.args
    if isinstance(part.literal, str):
        return _like(sql, text, part.literal, "", "%")
    if sql.sqlite:
        return _loose(typed, func.gx_starts_with(sql.value(text).element, sql.value(part).element) == 1)
    return _loose(typed, inline.StartsWith(_folded(sql, text), _folded(sql, part)))


def ends_with(sql: SqlCompiler, typed: Typed) -> SqlValue:
    """Build ends_with."""
    text, part = typed.args
    if isinstance(part.literal, str):
        return _like(sql, text, part.literal, "%", "")
    if sql.sqlite:
        return _loose(typed, func.gx_ends_with(sql.value(text).element, sql.value(part).element) == 1)
    return _loose(typed, inline.EndsWith(_folded(sql, text), _folded(sql, part)))


def _loose(typed: Typed, element: Element) -> SqlValue:
    return _answer(element, loose=any(each.nullable for each in typed.args))


def _folded(sql: SqlCompiler, typed: Typed) -> Element:
    return inline.Folded(sql.value(typed).element)


def _like(sql: SqlCompiler, text: Typed, part: str, before: str, after: str) -> SqlValue:
    """Return a LIKE that finds the part whatever the case.

    SQLite's own LIKE knows the case of ASCII letters only, and is several times faster than a function of ours. It is
    right when the part has no other letters with a case, and none that a letter beyond ASCII becomes in lower case:
    the Kelvin sign and "İ" become "k" and "i".
    """
    if text.type is Type.NULL:
        return _answer(false(), loose=False)
    folded = lower(part)
    pattern = bound(before + _escaped(folded) + after, String())
    element = sql.value(text).element
    if not sql.sqlite:
        element = inline.Folded(element)
    elif any(not letter.isascii() and _has_case(letter) for letter in folded):
        element = func.gx_lower(element)
    else:
        if "k" in folded:
            element = func.replace(element, literal_column("'\u212a'"), literal_column("'k'"))
        if "i" in folded:
            element = func.replace(element, literal_column("'\u0130'"), literal_column("'i'"))
    return _answer(element.like(pattern, escape="\\"), loose=text.nullable)


def _has_case(letter: str) -> bool:
    return letter.lower() != letter or letter.upper() != letter or letter.title() != letter


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


# --- related rows


def related(sql: SqlCompiler, typed: Typed) -> tuple[ManyScope, SqlCompiler]:
    """Return the rows of the relation that is the first argument, and what compiles conditions on them."""
    path = typed.args[0].expr
    assert isinstance(path, Path)  # noqa: S101 - the rule refuses anything else
    many = sql.scope.many(path.keys)
    return many, SqlCompiler(many.scope)


def some(sql: SqlCompiler, typed: Typed) -> SqlValue:
    """Build any: the anchor is among the links of the rows for which it holds, which indexes answer best."""
    many, inner = related(sql, typed)
    rows = many.rows.where(inner.condition(typed.args[1]))
    return _answer(many.anchor.in_(rows), loose=True)


def every(sql: SqlCompiler, typed: Typed) -> SqlValue:
    """Build all: no row for which it does not hold."""
    many, inner = related(sql, typed)
    rows = many.rows.where(inner.negation(typed.args[1]))
    return _answer(many.anchor.in_(rows).is_not(true()), loose=False)


def own_rows(many: ManyScope, *columns: Element) -> Any:
    """Return the related rows of this one record as a scalar subquery of the columns."""
    rows = many.rows.with_only_columns(*columns).where(many.link == many.anchor)
    return rows.correlate_except(*many.rows.get_final_froms()).scalar_subquery()


def beneath(sql: SqlCompiler, typed: Typed) -> SqlValue:
    """Build in_subtree from the scope's own select of the ids below a record."""
    link, root = typed.args
    subtree: Callable[[tuple[str, ...], Element], Any] | None = getattr(sql.scope, "subtree", None)
    if subtree is None:
        raise sql.refusal(typed, "in_subtree")
    path = link.expr
    assert isinstance(path, Path)  # noqa: S101 - the rule refuses anything else
    if root.is_literal and root.literal is None:
        return _answer(false(), loose=False)
    start = _tree_root(sql, root)
    if start is None:
        return _answer(false(), loose=False)
    return _answer(sql.value(link).element.in_(subtree(path.keys, start)), loose=True)


def _tree_root(sql: SqlCompiler, root: Typed) -> Element | None:
    """Return the id at the top of a subtree; on PostgreSQL as UUID, None for a text that can be no id."""
    if sql.sqlite or root.type is Type.LINK:
        return sql.value(root).element
    if isinstance(root.literal, str):
        return link_constant(root.literal)
    start = sql.value(root).element
    is_id = start.op("~", is_comparison=True)(literal_column(f"'{_UUID_PATTERN}'"))
    return case((is_id, cast(start, Uuid(as_uuid=False))), else_=null())
