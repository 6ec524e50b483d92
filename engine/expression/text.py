"""Writes an expression as text, with as few parentheses as it takes: `parse(to_text(e)) == e`."""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal

from engine.expression.ast import Call, Expr, Literal, Path, Value, Var
from engine.expression.moments import date_text, datetime_text, time_text
from engine.expression.numbers import number_text

_IF, _OR, _AND, _NOT, _COMPARISON, _SUM, _PRODUCT, _SIGN, _ATOM = range(9)

_BINARY = {
    **dict.fromkeys(("==", "!=", "<", "<=", ">", ">=", "in"), _COMPARISON),
    **dict.fromkeys(("+", "-"), _SUM),
    **dict.fromkeys(("*", "/", "//", "%"), _PRODUCT),
}
_ESCAPES = {"\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def to_text(expr: Expr) -> str:
    """Return the expression as people write it."""
    return _text(expr)[0]


def value_text(value: Value) -> str:
    """Return a literal's value as people write it."""
    if value is None or isinstance(value, bool):
        return str(value)
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, (int, Decimal)):
        return number_text(value)
    if isinstance(value, datetime):
        return f"datetime('{datetime_text(value)}')"
    if isinstance(value, date):
        return f"date('{date_text(value)}')"
    if isinstance(value, time):
        return f"time('{time_text(value)}')"
    return f"[{', '.join(value_text(each) for each in value)}]"


def _quoted(text: str) -> str:
    quote = '"' if "'" in text and '"' not in text else "'"
    body = "".join(_escaped(letter, quote) for letter in text)
    return f"{quote}{body}{quote}"


def _escaped(letter: str, quote: str) -> str:
    if letter in _ESCAPES:
        return _ESCAPES[letter]
    if letter == quote:
        return f"\\{letter}"
    if letter.isprintable():
        return letter
    code = ord(letter)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"  # noqa: PLR2004


def _text(expr: Expr) -> tuple[str, int]:
    """Return the text and how tightly it binds."""
    if isinstance(expr, Literal):
        negative = isinstance(expr.value, Decimal) and expr.value < 0
        return value_text(expr.value), _SIGN if negative else _ATOM
    if isinstance(expr, Path):
        return expr.dotted, _ATOM
    if isinstance(expr, Var):
        return expr.name, _ATOM
    return _call(expr)


def _in(expr: Expr, level: int) -> str:
    text, binds = _text(expr)
    return text if binds >= level else f"({text})"


def _call(expr: Call) -> tuple[str, int]:
    name, args = expr.name, expr.args
    if name in {"and", "or"} and len(args) > 1:
        level = _AND if name == "and" else _OR
        return f" {name} ".join(_in(each, level + 1) for each in args), level
    if name == "not":
        inner = args[0]
        if isinstance(inner, Call) and inner.name == "in":
            return f"{_in(inner.args[0], _SUM)} not in {_in(inner.args[1], _SUM)}", _COMPARISON
        return f"not {_in(inner, _NOT)}", _NOT
    if name == "if":
        condition, then, otherwise = args
        return f"{_in(then, _OR)} if {_in(condition, _OR)} else {_in(otherwise, _IF)}", _IF
    if name == "neg":
        # -(5) is a call, -5 a literal
        number = isinstance(args[0], Literal) and isinstance(args[0].value, Decimal) and args[0].value >= 0
        return f"-({to_text(args[0])})" if number else f"-{_in(args[0], _SIGN)}", _SIGN
    if name in _BINARY and len(args) == 2:  # noqa: PLR2004
        return _binary(name, args[0], args[1])
    return f"{name}({', '.join(to_text(each) for each in args)})", _ATOM


def _binary(name: str, left: Expr, right: Expr) -> tuple[str, int]:
    level = _BINARY[name]
    if name in {"==", "!="} and isinstance(right, Literal) and right.value is None:
        return f"{_in(left, _SUM)} is {'' if name == '==' else 'not '}None", _COMPARISON
    tight = level + 1
    return f"{_in(left, tight if level == _COMPARISON else level)} {name} {_in(right, tight)}", level
