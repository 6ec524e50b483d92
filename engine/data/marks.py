"""What stands for a value that somebody may know of but not read.

A phone keeps its first three and last four digits, an e-mail address its first letter and what follows the @, and a
long number kept as text, such as that of an identity card or a bank card, its last four digits, so that people can
tell two of them apart. Of everything else nothing is left, not even its length. The database makes the marks, so that
a masked value never reaches this process; `mark` makes the same for values out of the history.
"""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import ColumnElement, Text, and_, case, cast, func, literal_column, null

from engine.data.rules import is_sealed
from engine.metadata.model import Field

MARK = "••••"
_FIRST, _LAST = 3, 4
_LEAST = 8
"""Characters that a phone must have before its last ones are shown."""
_WHOLE = 11
"""Characters from which on a phone shows its first ones too."""
_HOME = "+86"
"""A country code that tells nobody apart, so the first characters are those behind it."""
_LONG = 12
"""Digits of a long number."""
_APART = (" ", "-")
_NUMBER = re.compile(r"[0-9]+[0-9Xx]")


def mark(field: Field, value: Any) -> Any:
    """Return what stands for a value that is there; None for nothing."""
    if value is None or value in ("", (), []):
        return None
    shown = _shown(field)
    if not isinstance(value, str) or is_sealed(field):
        return MARK
    if shown == "phone":
        number = value.removeprefix(_HOME)
        if len(number) >= _LEAST:
            return (number[:_FIRST] if len(number) >= _WHOLE else "") + MARK + number[-_LAST:]
    if shown == "email" and "@" in value:
        at = value.index("@")
        return (value[:1] if at > 1 else "") + MARK + value[at:]
    if shown == "text":
        digits = value
        for each in _APART:
            digits = digits.replace(each, "")
        if len(digits) >= _LONG and _NUMBER.fullmatch(digits):
            return MARK + digits[-_LAST:]
    return MARK


def mark_sql(field: Field, column: ColumnElement[Any], dialect: str) -> ColumnElement[Any]:
    """Return `mark` as SQL over the column that holds the value."""
    sign = literal_column(f"'{MARK}'", Text)
    make = None if is_sealed(field) else _SQL.get(_shown(field))
    if make is None:
        shown: ColumnElement[Any] = sign
    else:
        shown = make(cast(column, Text), sign, dialect)
    return case((column.is_(None), null()), else_=shown)


_Text = ColumnElement[Any]


def _phone(text: _Text, sign: _Text, dialect: str) -> _Text:
    text = case((text.startswith(_HOME), func.substr(text, len(_HOME) + 1, type_=Text)), else_=text)
    last = sign.concat(func.substr(text, func.length(text) - (_LAST - 1), type_=Text))
    first = func.substr(text, 1, _FIRST, type_=Text)
    return case((func.length(text) >= _WHOLE, first.concat(last)), (func.length(text) >= _LEAST, last), else_=sign)


def _email(text: _Text, sign: _Text, dialect: str) -> _Text:
    at = func.instr(text, "@") if dialect == "sqlite" else func.strpos(text, "@")
    rest = sign.concat(func.substr(text, at, type_=Text))
    first = func.substr(text, 1, 1, type_=Text)
    return case((at > _FIRST - 1, first.concat(rest)), (at > 0, rest), else_=sign)


def _number(text: _Text, sign: _Text, dialect: str) -> _Text:
    digits: _Text = text
    for each in _APART:
        digits = func.replace(digits, each, "", type_=Text)
    size = func.length(digits)
    bare = func.substr(digits, 1, size - 1, type_=Text)
    end = func.substr(digits, size, 1, type_=Text)
    if dialect == "sqlite":
        fits = and_(bare.op("NOT GLOB")("*[^0-9]*"), end.op("GLOB")("[0-9Xx]"))
    else:
        fits = digits.regexp_match("^[0-9]+[0-9Xx]$")
    return case(
        (and_(size >= _LONG, fits), sign.concat(func.substr(digits, size - (_LAST - 1), type_=Text))), else_=sign
    )


_SQL = {"phone": _phone, "email": _email, "text": _number}


def _shown(field: Field) -> str:
    """Return the type of the values: of a reference, that of the field that it shows."""
    return field.type.result(field.options).name
