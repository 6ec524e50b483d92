"""Numbers over groups of records: counts, sums, averages by field or by year, quarter, month, week, day and weekday.

A group is what the asker may see: the rows are those of the list with the same filter, so a sum never tells of a
record that the list would not show.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, Literal

from sqlalchemy import TIMESTAMP, ColumnElement, Integer, String, Text, case, cast, extract, func, literal_column

from engine.data.fields import Resolved, conversions, masked, resolve
from engine.data.normal import Normal
from engine.data.query import Aggregate, Bucket, Query
from engine.data.rowset import Columns, Convert
from engine.data.rules import RoleRules
from engine.data.select import Selection
from engine.data.statement import Statement
from engine.data.strategy import Strategy
from engine.errors import ExpressionInvalid, QueryInvalid
from engine.expression import Call, Expr, FieldInfo, ManyScope, Path, SqlValue, Type, check, compile_sql, compile_value
from engine.i18n import Message
from engine.metadata.model import Field
from engine.storage.order import ordered
from engine.storage.tables import Tables

Element = ColumnElement[Any]

_ORDERED = frozenset({Type.NUMBER, Type.TEXT, Type.DATE, Type.DATETIME, Type.TIME, Type.LINK})
_GROUPED = _ORDERED | {Type.BOOLEAN}
_MORE_DECIMALS = 2
"""Decimals that an average has beyond those of its field."""
_MOST_DECIMALS = 10

_DIGITS = {"year": 4, "month": 7, "day": 10}


@dataclass(frozen=True, slots=True)
class Totals:
    """A compiled aggregate."""

    statement: Statement
    columns: Columns


@dataclass(frozen=True, slots=True)
class _Number:
    """One column of the answer, or something that `having` speaks of."""

    element: Element
    info: FieldInfo
    decode: Convert = None
    write: Convert = None


class Summary:
    """An aggregate on its way to SQL."""

    def __init__(
        self,
        kind: Literal["sqlite", "postgresql"],
        tables: Tables,
        roles: RoleRules,
        query: Query,
        where: Normal,
        *,
        shifted: bool = False,
        wide: bool = False,
        strategy: Strategy = "plain",
    ) -> None:
        self._rows = Selection(kind, tables, roles, query, where, strategy=strategy)
        self._kind = kind
        self._query = query
        self._shifted = shifted
        self._wide = wide

    def compile(self) -> Totals:
        """Return the statement.

        Raises:
            QueryInvalid: a path, function, order or `having` cannot be used.
        """
        query = self._query
        if not query.aggregates and not query.group_by:
            raise QueryInvalid(Message("Say what to count or add up"))
        buckets = {each.key: self._bucket(each) for each in query.group_by}
        numbers = {each.key: self._number(each) for each in query.aggregates}
        if len(buckets) + len(numbers) < len(query.group_by) + len(query.aggregates) or buckets.keys() & numbers.keys():
            raise QueryInvalid(Message("Two columns of the answer have the same name"))
        columns = {**buckets, **numbers}
        chosen = self._rows.chosen([each.element for each in columns.values()], self._rows.conditions())
        if buckets:
            # Places in the list of columns: the expressions hold parameters, which PostgreSQL would take for others.
            chosen = chosen.group_by(*(literal_column(str(place + 1)) for place in range(len(buckets))))
        if query.having is not None:
            chosen = chosen.having(self._having(query.having, buckets, numbers))
        chosen = chosen.order_by(*self._order(list(buckets), columns))
        binds = self._rows.frame.binds
        chosen = chosen.limit(binds.value("limit", Integer())).offset(binds.value("offset", Integer()))
        return Totals(self._rows.frame.binds.finish(chosen), _columns(columns))

    # --- groups ---------------------------------------------------------------------------------------------------

    def _bucket(self, bucket: Bucket) -> _Number:
        resolved = self._resolved(bucket.path)
        element = self._rows.root.value(resolved.keys, asking=True)
        kind = resolved.field.value_type
        if not bucket.unit:
            if kind not in _GROUPED or resolved.kind != "column":
                raise QueryInvalid(Message("Rows cannot be grouped by {name}", name=bucket.path))
            return _Number(element, resolved.field.info, *conversions(resolved, self._kind))
        if kind not in {Type.DATE, Type.DATETIME}:
            raise QueryInvalid(Message("{name} is no date", name=bucket.path))
        if bucket.unit == "weekday":
            return self._weekday(element, kind)
        label = _LABELS[bucket.unit]
        if self._kind == "postgresql":
            moment = func.timezone(self._zone(), element) if kind is Type.DATETIME else cast(element, TIMESTAMP())
            return _Number(func.date_trunc(literal_column(f"'{bucket.unit}'"), moment), _TEXT, label, label)
        if kind is Type.DATETIME:
            element = self._local(element)
        return _Number(_truncated(element, bucket.unit), _TEXT, *_sqlite_label(bucket.unit))

    def _weekday(self, element: Element, kind: Type) -> _Number:
        """Return the day of the week, 1 for Monday to 7, as the function `weekday` of expressions counts."""
        if self._kind == "postgresql":
            moment = func.timezone(self._zone(), element) if kind is Type.DATETIME else element
            return _Number(cast(extract("isodow", moment), Integer), FieldInfo(Type.NUMBER, 0), int, int)
        if kind is Type.DATETIME:
            element = self._local(element)
        # SQLite counts from Sunday, 0.
        sunday = cast(func.strftime(literal_column("'%w'"), element), Integer)
        seven, one = literal_column("7", Integer), literal_column("1", Integer)
        return _Number((sunday + literal_column("6", Integer)) % seven + one, FieldInfo(Type.NUMBER, 0))

    def _zone(self) -> Element:
        return self._rows.frame.binds.value("timezone", String())

    def _local(self, element: Element) -> Element:
        """Return the local date of a moment on SQLite; by its own function where the zone never shifts."""
        if self._shifted:
            return func.datetime(element, self._rows.frame.binds.value("timezone.shift", String()))
        return func.gx_local_date(element, self._zone())

    # --- numbers --------------------------------------------------------------------------------------------------

    def _number(self, aggregate: Aggregate) -> _Number:
        if aggregate.path is None:
            return _Number(func.count(*self._only(aggregate, literal_column("1"))), _COUNT)
        resolved = self._resolved(aggregate.path)
        field, element = resolved.field, self._rows.root.value(resolved.keys, asking=True)
        for limited in self._only(aggregate, element):
            element = limited
        if resolved.kind != "column":
            raise QueryInvalid(
                Message("{function} of {name} cannot be told", function=aggregate.function, name=aggregate.path)
            )
        match aggregate.function:
            case "count":
                return _Number(func.count(element), _COUNT)
            case "count_distinct" if field.value_type in _GROUPED:
                return _Number(func.count(element.distinct()), _COUNT)
            case "min" | "max" if field.value_type in _ORDERED:
                if self._kind == "postgresql" and field.value_type is Type.LINK:
                    element = cast(element, Text())  # It has no least UUID.
                made: Element = func.min(element) if aggregate.function == "min" else func.max(element)
                return _Number(made, field.info, *conversions(resolved, self._kind))
            case "sum" if field.value_type is Type.NUMBER:
                return self._sum(resolved, element)
            case "avg" if field.value_type is Type.NUMBER:
                return self._average(field, element)
            case _:
                raise QueryInvalid(
                    Message("{function} of {name} cannot be told", function=aggregate.function, name=aggregate.path)
                )

    def _only(self, aggregate: Aggregate, element: Element) -> tuple[Element, ...]:
        """Return the value of those records alone that a number is about; nothing when it is about all."""
        return () if aggregate.where is None else (case((self._rows.asked(aggregate.where), element)),)

    def _sum(self, resolved: Resolved, element: Element) -> _Number:
        decode, write = conversions(resolved, self._kind)
        info = FieldInfo(Type.NUMBER, resolved.field.scale or 0)
        total = self._total(element)
        if resolved.field.storage is not None and resolved.field.storage.kind == "integer":
            # PostgreSQL adds up BIGINT as NUMERIC, and wide sums of SQLite are texts.
            return _Number(total, info, int, int)
        return _Number(
            total, info, _over_int(decode) if self._wide else decode, _over_int(write) if self._wide else write
        )

    def _average(self, field: Field, element: Element) -> _Number:
        scale = min((field.scale or 0) + _MORE_DECIMALS, _MOST_DECIMALS)
        parts = {
            "sum": _Number(self._total(element), FieldInfo(Type.NUMBER, field.scale or 0)),
            "count": _Number(func.count(element), _COUNT),
        }
        scope = _AnswerScope(self._rows, parts)
        average = Call("/", (Path(("sum",)), Path(("count",))))
        # Rounded in Python: a column of that scale would not hold the average of the largest amounts.
        exact = compile_value(average, scope)
        decode = _rounder(scale, exact.scale or 0 if self._kind == "sqlite" else 0)
        return _Number(
            exact.element, FieldInfo(Type.NUMBER, exact.scale), decode, lambda value: format(decode(value), "f")
        )

    def _total(self, element: Element) -> Element:
        if self._kind == "sqlite" and self._wide:
            return func.gx_total(element)
        return func.sum(element)

    # --- having and order -----------------------------------------------------------------------------------------

    def _having(self, condition: Expr, buckets: dict[str, _Number], numbers: dict[str, _Number]) -> Element:
        known = {**buckets}
        for aggregate in self._query.aggregates:
            known.update(dict.fromkeys(aggregate.names, numbers[aggregate.key]))
        scope = _AnswerScope(self._rows, known)
        found = check(condition, scope, Type.BOOLEAN)
        if found.problems:
            raise QueryInvalid(found.problems[0].message, found.problems)
        try:
            return compile_sql(condition, scope)
        except ExpressionInvalid as error:
            raise QueryInvalid(error.message, error.problems) from error

    def _order(self, buckets: list[str], columns: dict[str, _Number]) -> Iterable[Element]:
        places = {key: place for place, key in enumerate(columns)}
        for aggregate in self._query.aggregates:
            places.update(dict.fromkeys(aggregate.names, places[aggregate.key]))
        used: set[int] = set()
        for order in self._query.order_by:
            place = places.get(".".join(order.path))
            if place is None:
                raise QueryInvalid(Message("{name} is no column of the answer", name=".".join(order.path)))
            used.add(place)
            yield self._place(place, descending=order.descending)
        for key in buckets:
            if places[key] not in used:
                yield self._place(places[key], descending=False)

    def _place(self, place: int, *, descending: bool) -> Element:
        return ordered(literal_column(str(place + 1)), descending=descending, nullable=True, dialect=self._kind)

    def _resolved(self, path: str) -> Resolved:
        resolved = resolve(self._rows.roles, self._rows.entity, path)
        if resolved.masked:
            raise masked(path)
        return resolved


class _AnswerScope:
    """The columns of an answer as names for `having`."""

    def __init__(self, rows: Selection, columns: dict[str, _Number]) -> None:
        self._rows = rows
        self._columns = columns
        self._outer = rows.root.scope(asking=True)

    @property
    def dialect(self) -> Literal["sqlite", "postgresql"]:
        return self._outer.dialect

    def field(self, key: str) -> FieldInfo | None:
        column = self._columns.get(key)
        return None if column is None else column.info

    def target(self, entity: str) -> Any:
        raise QueryInvalid(Message("having speaks of the columns of the answer only"))

    def variable(self, name: str) -> FieldInfo | None:
        return self._outer.variable(name)

    def names(self) -> Iterable[str]:
        return self._columns

    def column(self, path: tuple[str, ...]) -> SqlValue:
        return SqlValue(self._columns[path[0]].element, Type.NULL)

    def bind(self, name: str, info: FieldInfo) -> SqlValue:
        return self._outer.bind(name, info)

    def many(self, path: tuple[str, ...]) -> ManyScope:
        raise QueryInvalid(Message("having speaks of the columns of the answer only"))


_TEXT = FieldInfo(Type.TEXT)
_COUNT = FieldInfo(Type.NUMBER, 0, nullable=False)


def _columns(columns: dict[str, _Number]) -> Columns:
    decoders = [(place, each.decode) for place, each in enumerate(columns.values()) if each.decode is not None]
    writers = [(place, key, each.write) for place, (key, each) in enumerate(columns.items()) if each.write is not None]
    return Columns(tuple(columns), tuple(decoders), tuple(writers))


def _over_int(convert: Convert) -> Convert:
    """Return a conversion for wide sums of SQLite, which come as texts."""
    return (lambda value: convert(int(value))) if convert is not None else int


def _rounder(scale: int, units: int) -> Callable[[Any], Decimal]:
    """Return what rounds half to even; SQLite has integers in units of a decimal, or texts of their digits."""
    step = Decimal(1).scaleb(-scale)

    def rounded(value: Any) -> Decimal:
        exact = value if isinstance(value, Decimal) else Decimal(int(value)).scaleb(-units)
        return exact.quantize(step, ROUND_HALF_EVEN)

    return rounded


def _truncated(element: Element, unit: str) -> Element:
    """Return the period of an ISO date on SQLite: parts of the text; a date function a row takes twice as long."""
    if unit in _DIGITS:
        return func.substr(element, literal_column("1"), literal_column(str(_DIGITS[unit])))
    if unit == "quarter":
        month = cast(func.substr(element, literal_column("6"), literal_column("2")), Integer)
        quarter = (month + literal_column("2", Integer)) // literal_column("3", Integer)
        year = func.substr(element, literal_column("1"), literal_column("4"))
        return year.concat(literal_column("'-Q'")).concat(cast(quarter, Text))
    return func.date(element, literal_column("'weekday 0'"), literal_column("'-6 days'"))


def _sqlite_label(unit: str) -> tuple[Convert, Convert]:
    if unit != "week":
        return None, None

    def week(monday: str) -> str:
        return _week(dt.date.fromisoformat(monday))

    return week, week


def _week(monday: dt.date) -> str:
    year, week, _ = monday.isocalendar()
    return f"{year}-W{week:02d}"


_LABELS: dict[str, Callable[[Any], str]] = {
    "year": lambda start: f"{start.year:04d}",
    "quarter": lambda start: f"{start.year:04d}-Q{(start.month + 2) // 3}",
    "month": lambda start: f"{start.year:04d}-{start.month:02d}",
    "week": lambda start: _week(start.date()),
    "day": lambda start: start.date().isoformat(),
}
