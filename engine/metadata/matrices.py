"""Option matrices: which options of one field go with which of another, read from conditions and written as such.

A matrix is no kind of its own. It is `options_when` seen as a table: `model: "make in ['audi', 'vw']"` is a column
with two ticks. Conditions that say something else stay as they are, beside the table.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from engine.expression import FALSE, Call, Expr, Literal, Path, paths, to_text
from engine.i18n import Text
from engine.metadata.model import Entity, Field

YES, NO, NOTHING = "true", "false", ""
"""The rows of a boolean, and of a field that has no value."""
_ONE = frozenset({"select"})


@dataclass(frozen=True, slots=True)
class MatrixRow:
    """One value of the field that others depend on."""

    key: str
    """The option, or one of `YES`, `NO`, `NOTHING`."""
    label: Text | None
    """None of the rows that the product names itself."""


@dataclass(frozen=True, slots=True)
class MatrixColumn:
    """One option of the field that depends."""

    key: str
    label: Text
    ticked: frozenset[str]
    """Rows with which it may be chosen."""
    other: str = ""
    """Its condition, when it is one that no row of ticks can say; it stays as it is."""


@dataclass(frozen=True, slots=True)
class Matrix:
    """Which options of `field` may be chosen for each value of `by`."""

    field: Field
    by: Field
    rows: tuple[MatrixRow, ...]
    columns: tuple[MatrixColumn, ...]

    def conditions(self, ticked: Mapping[str, Iterable[str]]) -> dict[str, str | None]:
        """Return option -> its condition as text, None when it may always be chosen; others are left out.

        Args:
            ticked: option -> rows with which it may be chosen; an option that is not in it has none.
        """
        known = [row.key for row in self.rows]
        found: dict[str, str | None] = {}
        for column in self.columns:
            if not column.other:
                wanted = set(ticked.get(column.key, ()))
                expr = _condition(self.by, [key for key in known if key in wanted], known)
                found[column.key] = to_text(expr) if expr is not None else None
        return found


def depending_fields(entity: Entity) -> list[Field]:
    """Return the fields whose options may depend on another field."""
    return [each for each in entity.fields.values() if each.choices and each.writable and not each.hidden]


def deciding_fields(entity: Entity, field: Field) -> list[Field]:
    """Return the fields on which the options of a field may depend in a matrix."""
    return [
        each
        for each in entity.fields.values()
        if each.key != field.key and not each.hidden and (each.type.name in _ONE or each.type.name == "boolean")
    ]


def decider_of(entity: Entity, field: Field) -> Field | None:
    """Return the field on which the options of a field depend now; None when they depend on none, or on several."""
    known = {each.key: each for each in deciding_fields(entity, field)}
    found = {path[0] for expr in field.options_when.values() for path in paths(expr)}
    return known.get(next(iter(found))) if len(found) == 1 else None


def matrix_of(entity: Entity, field: Field, by: Field) -> Matrix:
    """Return the conditions of a field's options as a matrix by another field."""
    rows = tuple(_rows(by))
    every = frozenset(row.key for row in rows)
    columns = []
    for key, option in field.choices.items():
        condition = field.options_when.get(key)
        ticked = every if condition is None else _ticked(condition, by, every)
        other = to_text(condition) if condition is not None and ticked is None else ""
        columns.append(MatrixColumn(key, option.label, ticked or frozenset(), other))
    return Matrix(field, by, rows, tuple(columns))


def _rows(by: Field) -> Iterable[MatrixRow]:
    if by.type.name == "boolean":
        yield MatrixRow(YES, None)
        yield MatrixRow(NO, None)
    else:
        for key, option in by.choices.items():
            yield MatrixRow(key, option.label)
    if not by.required:
        yield MatrixRow(NOTHING, None)


def _ticked(expr: Expr, by: Field, every: frozenset[str]) -> frozenset[str] | None:
    """Return the rows for which a condition over one field holds; None when it says something else."""
    own = Path((by.key,))
    match expr:
        case Literal(value=bool() as value):
            return every if value else frozenset()
        case Call(name="or", args=args):
            parts = [_ticked(each, by, every) for each in args]
            known = [each for each in parts if each is not None]
            return frozenset().union(*known) if len(known) == len(parts) else None
        case Call(name="not", args=(inner,)) if inner == own and by.type.name == "boolean":
            return every & {NO}
        case Call(name="==", args=(left, Literal(value=value))) if left == own:
            return _row(value, every)
        case Call(name="in", args=(left, Literal(value=tuple() as values))) if left == own:
            rows = [_row(each, every) for each in values]
            return frozenset().union(*(each for each in rows if each is not None)) if None not in rows else None
        case _:
            return every & {YES} if expr == own and by.type.name == "boolean" else None


def _row(value: object, every: frozenset[str]) -> frozenset[str] | None:
    key = NOTHING if value is None else {True: YES, False: NO}.get(value) if isinstance(value, bool) else value
    return every & {key} if isinstance(key, str) else None


def _condition(by: Field, ticked: list[str], every: list[str]) -> Expr | None:
    if len(ticked) == len(every):
        return None
    if not ticked:
        return FALSE
    own = Path((by.key,))
    values = [each if by.type.name != "boolean" else each == YES for each in ticked if each != NOTHING]
    parts: list[Expr] = []
    if len(values) == 1 or by.type.name == "boolean":
        parts += [Call("==", (own, Literal(each))) for each in values]
    elif values:
        parts.append(Call("in", (own, Literal(tuple(values)))))
    if NOTHING in ticked:
        parts.append(Call("==", (own, Literal(None))))
    return parts[0] if len(parts) == 1 else Call("or", tuple(parts))
