"""What stands for a value that somebody may know of but not read.

A phone keeps its last four digits and an e-mail address what follows the @, so that people can tell two of them
apart. Of everything else nothing is left, not even its length. The database makes the marks, so that a masked
value never reaches this process; `mark` makes the same for values out of the history.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Text, case, cast, func, literal_column, null

from engine.metadata.model import Field

MARK = "••••"
_LAST = 4
_LEAST = 8
"""Characters that a phone must have before its last ones are shown."""


def mark(field: Field, value: Any) -> Any:
    """Return what stands for a value that is there; None for nothing."""
    if value is None or value in {"", ()}:
        return None
    text = value if isinstance(value, str) else ""
    if _shown(field) == "phone" and len(text) >= _LEAST and not _sealed(field):
        return MARK + text[-_LAST:]
    if _shown(field) == "email" and "@" in text and not _sealed(field):
        return MARK + text[text.index("@") :]
    return MARK


def mark_sql(field: Field, column: ColumnElement[Any], dialect: str) -> ColumnElement[Any]:
    """Return `mark` as SQL over the column that holds the value."""
    sign = literal_column(f"'{MARK}'", Text)
    shown: ColumnElement[Any] = sign
    if _shown(field) == "phone" and not _sealed(field):
        text = cast(column, Text)
        last = func.substr(text, func.length(text) - (_LAST - 1), type_=Text)
        shown = case((func.length(text) >= _LEAST, sign.concat(last)), else_=sign)
    elif _shown(field) == "email" and not _sealed(field):
        text = cast(column, Text)
        at = func.instr(text, "@") if dialect == "sqlite" else func.strpos(text, "@")
        shown = case((at > 0, sign.concat(func.substr(text, at, type_=Text))), else_=sign)
    return case((column.is_(None), null()), else_=shown)


def _shown(field: Field) -> str:
    """Return the type of the values: of a reference, that of the field that it shows."""
    return field.type.result(field.options).name


def _sealed(field: Field) -> bool:
    return field.secret or field.type.name == "secret"
