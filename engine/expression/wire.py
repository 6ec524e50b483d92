"""Expressions as JSON: for storage, for the visual builder, and with types for the browser."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from decimal import Decimal

from engine.errors import ExpressionInvalid, ExpressionProblem
from engine.expression.ast import MAX_DEPTH, MAX_NODES, Call, Expr, Literal, Path, Value, Var
from engine.expression.check import Typed, place_of, resolved
from engine.expression.moments import date_of, date_text, datetime_of, datetime_text, time_of, time_text
from engine.expression.numbers import number_text
from engine.expression.types import Scope, Type
from engine.i18n import Message


def to_json(expr: Expr) -> object:
    """Return the expression as plain JSON values; `from_json` reads it back.

    Texts, booleans and None stand for themselves; everything else is an object with one of the keys
    `number date datetime time list path var call`.
    """
    if isinstance(expr, Literal):
        return value_to_json(expr.value)
    if isinstance(expr, Path):
        return {"path": list(expr.keys)}
    if isinstance(expr, Var):
        return {"var": expr.name}
    return {"call": expr.name, "args": [to_json(each) for each in expr.args]}


def value_to_json(value: Value) -> object:
    """Return a literal's value as `to_json` writes it."""
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, (int, Decimal)):
        return {"number": number_text(value)}
    if isinstance(value, datetime):
        return {"datetime": datetime_text(value)}
    if isinstance(value, date):
        return {"date": date_text(value)}
    if isinstance(value, time):
        return {"time": time_text(value)}
    return {"list": [value_to_json(each) for each in value]}


def to_browser(expr: Expr, scope: Scope) -> object:
    """Return the expression as the browser's interpreter takes it: `to_json` with the type of every path and variable.

    A condition gives true or false there too, never null.

    Raises:
        ExpressionInvalid: it does not fit the scope, or calls what the browser does not know.
    """
    typed = resolved(expr, scope)
    tree = _browser(typed)
    if typed.type is Type.BOOLEAN and typed.nullable:
        return {"call": "and", "args": [tree]}
    return tree


def _browser(typed: Typed) -> object:
    expr = typed.expr
    if isinstance(expr, Literal):
        return value_to_json(expr.value)
    if isinstance(expr, Path):
        return {"path": list(expr.keys), "type": str(typed.type)}
    if isinstance(expr, Var):
        return {"var": expr.name, "type": str(typed.type)}
    if typed.operator is None or typed.operator.browser is None:
        line, column = place_of(expr)
        message = Message("{name} cannot be used where the browser has to compute", name=expr.name)
        raise ExpressionInvalid([ExpressionProblem(message, line, column, code="browser")])
    return {"call": typed.operator.browser, "args": [_browser(each) for each in typed.args]}


def from_json(data: object) -> Expr:
    """Return the expression that `to_json` wrote.

    Raises:
        ExpressionInvalid: the data has another shape, or is too large.
    """
    return _Reader().read(data, 1)


class _Reader:
    def __init__(self) -> None:
        self._count = 0

    def read(self, data: object, depth: int) -> Expr:
        self._count += 1
        if depth > MAX_DEPTH or self._count > MAX_NODES:
            raise _refusal(Message("it is too large"))
        if isinstance(data, Mapping):
            if "call" in data:
                return self._call(data, depth)
            if "path" in data:
                return _path(data["path"])
            if isinstance(data.get("var"), str):
                return Var(data["var"])
        return Literal(self._value(data, depth))

    def _call(self, data: Mapping[str, object], depth: int) -> Call:
        name, args = data["call"], data.get("args")
        if not isinstance(name, str) or not isinstance(args, list):
            raise _refusal(repr(data)[:80])
        return Call(name, tuple(self.read(each, depth + 1) for each in args))

    def _value(self, data: object, depth: int) -> Value:
        if data is None or isinstance(data, (bool, str)):
            return data
        if isinstance(data, Mapping) and len(data) == 1:
            ((kind, raw),) = data.items()
            if kind == "list" and isinstance(raw, list) and depth < MAX_DEPTH and len(raw) <= MAX_NODES:
                return tuple(self._value(each, MAX_DEPTH) for each in raw)
            if kind in _VALUES and isinstance(raw, str):
                value = _VALUES[kind](raw)
                if value is not None:
                    return value
        raise _refusal(repr(data)[:80])


def _path(keys: object) -> Path:
    if not isinstance(keys, list) or not keys or not all(isinstance(key, str) and key for key in keys):
        raise _refusal(repr(keys)[:80])
    return Path(tuple(keys))


def _number(text: str) -> Decimal | None:
    try:
        number = Decimal(text)
    except ArithmeticError:
        return None
    return number if number.is_finite() and abs(number.adjusted()) < 60 and len(text) < 70 else None  # noqa: PLR2004


_VALUES: dict[str, Callable[[str], Value]] = {
    "number": _number,
    "date": date_of,
    "datetime": datetime_of,
    "time": time_of,
}


def _refusal(what: str | Message) -> ExpressionInvalid:
    message = Message("This JSON is no expression: {what}", what=what)
    return ExpressionInvalid([ExpressionProblem(message, code="json")])
