"""The SQL back end: an expression becomes a SQLAlchemy element for SQLite or PostgreSQL.

A condition is compiled so that an index can answer it: at the top of a WHERE, and below `and` and `or`
there, NULL counts as false, so `status == 'new'` is simply `status = ?`. Only below `not`, in a
comparison of booleans or where a condition is selected is it wrapped so that it is never NULL.
Whatever the Python back end calls missing is NULL here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from decimal import Decimal
from functools import cache
from typing import Any, Literal, Protocol, TypeAlias

from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    Date,
    DateTime,
    Integer,
    Numeric,
    Select,
    String,
    Text,
    Time,
    and_,
    bindparam,
    cast,
    false,
    func,
    literal_column,
    or_,
    select,
    true,
    type_coerce,
)
from sqlalchemy.sql.elements import Grouping
from sqlalchemy.types import TypeEngine, Uuid

from engine.errors import ExpressionInvalid, ExpressionProblem
from engine.expression.ast import Call, Expr, Path, Value, Var
from engine.expression.check import Typed, place_of, resolved
from engine.expression.moments import date_text, datetime_text, time_text
from engine.expression.numbers import unscaled, wide
from engine.expression.sql import inline
from engine.expression.text import value_text
from engine.expression.types import MAX_STORED, FieldInfo, Scope, Type
from engine.i18n import Message

Dialect: TypeAlias = Literal["sqlite", "postgresql"]
Element: TypeAlias = ColumnElement[Any]

LARGEST = 2**63 - 1

ZONE = "user.timezone"
"""Variable with the IANA name of the time zone in which `today` was computed; UTC in a scope without it."""


@dataclass(frozen=True, slots=True)
class SqlValue:
    """An expression in SQL.

    Numbers on SQLite are integers in units of their last decimal: INTEGER, or TEXT of the digits where
    `bound` is beyond 64 bits. On PostgreSQL they are NUMERIC or BIGINT and `scale` only says their decimals.
    """

    element: Element
    type: Type
    scale: int | None = None
    bound: int = MAX_STORED
    loose: bool = False
    """Of a condition: it can be NULL where it means false."""

    @property
    def wide(self) -> bool:
        """Whether 64 bits may not suffice for it."""
        return self.bound > LARGEST


class SqlScope(Scope, Protocol):
    """The columns behind the names of a scope, in one place of one statement.

    A scope may also have `subtree(path, root) -> Select`: the ids of the record `root` (an element) and of all
    records below it in the tree that the link path leads to. Without it in_subtree is refused. And it may have
    `ids(name) -> Select | None`: the ids that a variable stands for, where they are rows and no bind parameter.
    """

    @property
    def dialect(self) -> Dialect:
        """The kind of database that the statement is for."""

    def column(self, path: tuple[str, ...]) -> SqlValue:
        """Return the column of a field, joined in as far as the path needs."""

    def bind(self, name: str, info: FieldInfo) -> SqlValue:
        """Return the bind parameter of a variable, in the form in which a column of its type holds values."""

    def many(self, path: tuple[str, ...]) -> ManyScope:
        """Return the related rows that a relation leads to."""


@dataclass(frozen=True, slots=True)
class ManyScope:
    """Related rows: a SELECT of `link` from them, not correlated; the rows of this record have link = anchor."""

    rows: Select[Any]
    link: Element
    anchor: Element
    scope: SqlScope


def compile_sql(expr: Expr, scope: SqlScope, *, value: bool = False, scale: int | None = None) -> Element:
    """Return an expression as an element for a statement.

    A condition is meant for a WHERE or HAVING, where NULL counts as false; with `value` it is TRUE or FALSE,
    never NULL, for a column of the result. A number with `scale` comes as a column of that scale holds it,
    rounded half to even, NULL when it has more than 18 digits. Without, see `compile_value`.

    Raises:
        ExpressionInvalid: the expression does not fit the scope, or has no form in SQL.
    """
    typed = resolved(expr, scope)
    compiler = SqlCompiler(scope)
    if typed.type is Type.BOOLEAN and not value:
        return compiler.condition(typed)
    if typed.type is Type.BOOLEAN:
        return compiler.certain(typed)
    found = compiler.value(typed)
    return compiler.stored(found, scale) if scale is not None and typed.type is Type.NUMBER else found.element


def compile_value(expr: Expr, scope: SqlScope) -> SqlValue:
    """Return an expression as an element together with its scale and size.

    Raises:
        ExpressionInvalid: as compile_sql.
    """
    typed = resolved(expr, scope)
    compiler = SqlCompiler(scope)
    if typed.type is Type.BOOLEAN:
        return SqlValue(compiler.certain(typed), Type.BOOLEAN)
    return compiler.value(typed)


_SQLITE_TYPES: dict[Type, TypeEngine[Any]] = {Type.NUMBER: Integer(), Type.BOOLEAN: Boolean(create_constraint=False)}


@cache
def _postgresql_types() -> Mapping[Type, TypeEngine[Any]]:
    """Return what each type is on PostgreSQL; SQLAlchemy's half for it is loaded only where it is spoken to."""
    from sqlalchemy.dialects.postgresql import JSONB

    return {
        Type.NUMBER: Numeric(),
        Type.BOOLEAN: Boolean(),
        Type.DATE: Date(),
        Type.DATETIME: DateTime(timezone=True),
        Type.TIME: Time(),
        Type.LINK: Uuid(as_uuid=False),
        Type.LIST: JSONB(none_as_null=True),
        Type.JSON: JSONB(none_as_null=True),
    }


def jsonb(element: Element) -> Element:
    """Return a text as a value of PostgreSQL's JSONB."""
    return cast(element, _postgresql_types()[Type.JSON])


class SqlCompiler:
    """Compiles typed nodes against one scope. Rows of the registry are called with it."""

    def __init__(self, scope: SqlScope) -> None:
        self.scope = scope
        self.dialect: Dialect = scope.dialect
        self.sqlite = scope.dialect == "sqlite"

    # -- nodes

    def value(self, typed: Typed) -> SqlValue:
        """Return a node as a value. An operator's condition is never NULL; a boolean field keeps its NULL."""
        found = self.raw(typed)
        if found.loose:
            return replace(found, element=found.element.is_(true()), loose=False)
        return found

    def raw(self, typed: Typed) -> SqlValue:
        """Return a node as its row of the registry gives it: a condition can be NULL where it means false."""
        expr = typed.expr
        if isinstance(expr, Path):
            return self._column(expr, typed)
        if isinstance(expr, Var):
            return self._bind(expr, typed)
        if isinstance(expr, Call):
            if typed.operator is None or typed.operator.sql is None:
                raise self.refusal(typed, expr.name)
            found = typed.operator.sql(self, typed)
            if not isinstance(found, SqlValue):
                raise TypeError(f"the SQL of {expr.name} is no SqlValue")
            if (
                not self.sqlite
                and typed.type in _postgresql_types()
                and any(each.type is Type.NULL for each in typed.args)
            ):
                # A bare NULL has no type for PostgreSQL, and what is made of it neither.
                return (
                    found
                    if found.type is Type.BOOLEAN
                    else replace(found, element=cast(found.element, _postgresql_types()[typed.type]))
                )
            return found
        return self.constant(expr.value, typed.type, typed.scale)

    def refusal(self, typed: Typed, name: str) -> ExpressionInvalid:
        """Return what to raise for an operator that the database cannot compute."""
        line, column = place_of(typed.expr)
        message = Message("{name} cannot be used where the database has to compute", name=name)
        return ExpressionInvalid([ExpressionProblem(message, line, column, code="sql")])

    def operand(self, typed: Typed) -> Element:
        """Return a value to be compared; a condition stands in parentheses, as databases differ in how it binds."""
        element = self.value(typed).element
        grouped = typed.type is Type.BOOLEAN and isinstance(typed.expr, Call)
        return Grouping(element) if grouped else element

    def _column(self, expr: Path, typed: Typed) -> SqlValue:
        return self._known(self.scope.column(expr.keys), typed)

    def _bind(self, expr: Var, typed: Typed) -> SqlValue:
        if typed.info is None:
            raise ValueError(f"{expr.name} is not typed")
        found = self._known(self.scope.bind(expr.name, typed.info), typed)
        if typed.type is Type.NUMBER and not self.sqlite:
            # The driver sends numbers and booleans without their type, which a SELECT or a minus alone cannot guess.
            whole = typed.info.scale == 0
            return replace(found, element=cast(found.element, BigInteger() if whole else Numeric()))
        if typed.type is Type.BOOLEAN and not self.sqlite:
            return replace(found, element=cast(found.element, Boolean()))
        return found

    def _known(self, found: SqlValue, typed: Typed) -> SqlValue:
        """Return a column or bind as the raw value that the database holds, whatever type the table gives it."""
        if typed.type is Type.NUMBER and typed.info is not None and typed.info.scale is None and self.sqlite:
            return SqlValue(func.gx_decimal(found.element), Type.NUMBER, typed.scale, typed.result.bound)
        types = _SQLITE_TYPES if self.sqlite else _postgresql_types()
        element = type_coerce(found.element, types.get(typed.type, Text()))
        return SqlValue(element, typed.type, typed.scale, typed.result.bound)

    def constant(self, value: Value, type_: Type, scale: int = 0) -> SqlValue:
        """Return a literal as a bind parameter in the form in which a column holds such a value."""
        if value is None:
            return SqlValue(literal_column("NULL"), Type.NULL)
        if isinstance(value, bool):
            return SqlValue(true() if value else false(), Type.BOOLEAN)
        if isinstance(value, (int, Decimal)):
            number = unscaled(value, scale)
            element = self.integer(number) if self.sqlite else bound(Decimal(value), Numeric())
            return SqlValue(element, Type.NUMBER, scale, abs(number))
        if isinstance(value, str):
            return SqlValue(bound(value, String()), type_)
        if isinstance(value, (datetime, date, time)):
            return SqlValue(self._moment(value), type_)
        text = bound(_list_text(value), String())
        return SqlValue(text if self.sqlite else jsonb(text), Type.LIST)

    def integer(self, number: int) -> Element:
        """Return a whole number as a bind parameter: SQLite's TEXT of its digits beyond 64 bits."""
        if not self.sqlite:
            return bound(number, BigInteger()) if -LARGEST <= number <= LARGEST else bound(Decimal(number), Numeric())
        form = wide(number)
        return bound(form, Integer() if isinstance(form, int) else String())

    def _moment(self, value: date | datetime | time) -> Element:
        if isinstance(value, datetime):
            return bound(datetime_text(value), String()) if self.sqlite else bound(value, DateTime(timezone=True))
        if isinstance(value, date):
            return bound(date_text(value), String()) if self.sqlite else bound(value, Date())
        return bound(time_text(value), String()) if self.sqlite else bound(value, Time())

    def zone(self) -> Element:
        """Return the name of the time zone that dates are in."""
        info = self.scope.variable(ZONE)
        return bound("UTC", String()) if info is None else type_coerce(self.scope.bind(ZONE, info).element, String())

    # -- conditions

    def condition(self, typed: Typed) -> Element:
        """Return a node as a condition in which NULL counts as false."""
        if isinstance(typed.expr, Call) and typed.type is Type.BOOLEAN and not typed.nullable:
            return self.raw(typed).element
        return self.truth(typed)

    def truth(self, typed: Typed) -> Element:
        """Return the truth of any value; NULL where a missing value makes it false."""
        if typed.is_literal:
            return true() if _literal_truth(typed.literal) else false()
        found = self.value(typed)
        match typed.type:
            case Type.BOOLEAN:
                return found.element == true() if typed.nullable or not isinstance(typed.expr, Call) else found.element
            case Type.NUMBER:
                if self.sqlite and found.wide:
                    return func.gx_compare(found.element, 1, 0, 1) != 0
                return found.element != literal_column("0")
            case Type.TEXT:
                return found.element != literal_column("''")
            case Type.LIST:
                return self.list_length(found.element) > literal_column("0")
            case _:
                return found.element.is_not(None)

    def certain(self, typed: Typed) -> Element:
        """Return a node's truth, TRUE or FALSE and never NULL."""
        if typed.is_literal:
            return true() if _literal_truth(typed.literal) else false()
        if isinstance(typed.expr, Call) and typed.type is Type.BOOLEAN and not typed.nullable:
            return self.value(typed).element
        if typed.type is Type.BOOLEAN:
            return self.value(typed).element.is_(true())
        if typed.type in {Type.NUMBER, Type.TEXT, Type.LIST} and typed.nullable:
            return self.truth(typed).is_(true())
        return self.truth(typed)

    def negation(self, typed: Typed) -> Element:
        """Return whether a node is not true; never NULL."""
        if typed.is_literal:
            return false() if _literal_truth(typed.literal) else true()
        if isinstance(typed.expr, Call) and typed.type is Type.BOOLEAN:
            found = self.raw(typed)
            if not found.loose and not typed.nullable:
                return ~found.element
            return found.element.is_not(true())
        return self.truth(typed).is_not(true())

    def conjunction(self, parts: Sequence[Typed]) -> Element:
        """Return `and`; NULL where it means false."""
        return and_(*(self.condition(each) for each in parts))

    def disjunction(self, parts: Sequence[Typed]) -> Element:
        """Return `or`; NULL where it means false."""
        return or_(*(self.condition(each) for each in parts))

    # -- lists

    def list_length(self, element: Element) -> Element:
        """Return how many values a list column has."""
        return func.json_array_length(element) if self.sqlite else func.jsonb_array_length(element)

    # -- numbers

    def numeric(self, typed: Typed) -> Element:
        """Return a number on PostgreSQL as NUMERIC, in which arithmetic neither overflows nor rounds."""
        found = self.value(typed)
        if typed.type is Type.NULL:
            return cast(found.element, Numeric())
        if typed.is_literal or (typed.scale and isinstance(typed.expr, (Path, Var))):
            return found.element
        return cast(found.element, Numeric())

    def aligned(self, typed: Typed, scale: int) -> SqlValue:
        """Return a number on SQLite in units of a smaller or equal decimal."""
        if isinstance(typed.literal, Decimal):
            return self.constant(typed.literal, Type.NUMBER, scale)
        return self.rescaled(self.value(typed), scale)

    def rescaled(self, found: SqlValue, scale: int) -> SqlValue:
        """Return a value on SQLite in units of a smaller or equal decimal."""
        if found.type is Type.NULL:
            return replace(found, scale=scale, bound=0)
        factor = 10 ** (scale - (found.scale or 0))
        if factor == 1:
            return found
        size = found.bound * factor
        if size <= LARGEST:
            return replace(found, element=found.element * literal_column(str(factor)), scale=scale, bound=size)
        element = func.gx_product(found.element, self.integer(factor))
        return replace(found, element=element, scale=scale, bound=size)

    def stored(self, found: SqlValue, scale: int) -> Element:
        """Return a number as a column of that scale holds it, NULL when it has more than 18 digits."""
        given = found.scale or 0
        if not self.sqlite:
            unit = bound(Decimal(1).scaleb(-scale), Numeric())
            element: Element = cast(found.element, Numeric())
            if given > scale:
                element = inline.Round(element, bound(Decimal(10**scale), Numeric()), unit)
            largest = found.bound * 10 ** max(0, scale - given) // 10 ** max(0, given - scale)
            return (
                element
                if largest < MAX_STORED
                else inline.Fit(element, bound(Decimal(MAX_STORED).scaleb(-scale), Numeric()))
            )
        if given == scale and found.bound <= MAX_STORED:
            return found.element
        up, down = 10 ** max(0, scale - given), 10 ** max(0, given - scale)
        return func.gx_fit(found.element, self.integer(up), self.integer(down), literal_column(str(MAX_STORED)))


def _list_text(values: tuple[Value, ...]) -> str:
    """Return a list as a column holds it: a JSON array, of texts but for None, True and False."""
    plain = [each if each is None or isinstance(each, (str, bool)) else value_text(each) for each in values]
    return json.dumps(plain, ensure_ascii=False)


def _literal_truth(value: Value) -> bool:
    return bool(value) if isinstance(value, (bool, Decimal, str, tuple)) else value is not None


def bound(value: object, type_: TypeEngine[Any]) -> Element:
    """Return a bind parameter with a value of its own."""
    return bindparam(None, value, type_=type_, unique=True)


def rows_below(key: Element, parent: Element, root: Element) -> Select[Any]:
    """Return the ids of `root` and all records below it: what a scope's `subtree` needs where no closure is kept.

    `key` and `parent` are columns of an alias of the tree's table that stands nowhere else in the statement.
    """
    # `root` may be a column of the record around this: correlate_except of nothing takes no table of its own for it.
    start = select(type_coerce(root, key.type).label("id")).correlate_except()
    below = start.cte(recursive=True, nesting=True)
    below = below.union(select(key).where(parent == below.c.id))
    return select(below.c.id)


Builder: TypeAlias = Callable[[SqlCompiler, Typed], SqlValue]
