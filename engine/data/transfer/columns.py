"""The columns of a file, matched with fields: what the cells of a row say, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.data.transfer.lines import ABSENT
from engine.data.transfer.linking import Link, Sought
from engine.data.transfer.mapping import unguarded
from engine.errors import BadValue, FieldProblem

Convert = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the file that goes into a field, or into a part of a link."""

    index: int
    key: str
    convert: Convert
    keep_empty: bool
    """Whether an empty cell clears the field of a record that is there already."""
    change: Convert | None = None
    default: Any = None
    """What an empty cell means; None = nothing."""
    also: tuple[tuple[int, Convert | None, str], ...] = ()
    """Columns whose text is put behind: where they stand, what happens to them, what stands in between."""
    part: str = ""
    """Of a link that several columns, or more than its title, describe: the field of the linked record."""

    def cell(self, cells: Sequence[Any]) -> Any:
        """Return what is to be read: the cell changed as its rule says, with those put behind that go along."""
        value = cells[self.index]
        if self.change is not None and value is not None and value != "" and value is not ABSENT:
            value = self.change(unguarded(value))
        for index, change, between in self.also:
            more = cells[index]
            if more is None or more == "" or more is ABSENT:
                continue
            more = change(unguarded(more)) if change is not None else more
            empty = value is None or value == "" or value is ABSENT
            value = more if empty else f"{value}{between}{more}"
        return value


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of a file, matched with the fields of an entity."""

    columns: tuple[Column, ...]
    left_out: tuple[str, ...]
    """Headers that lead nowhere."""
    values: Mapping[str, Any]
    links: Mapping[str, Link] = field(default_factory=dict)
    """Fields whose records are looked up, or made, here."""

    @property
    def keys(self) -> frozenset[str]:
        """Return the fields that rows give values for."""
        return frozenset(column.key for column in self.columns) | frozenset(self.values)

    def index_of(self, key: str, part: str = "") -> int | None:
        """Return which column goes into a field; None when none does."""
        found = [column for column in self.columns if column.key == key]
        return next((each.index for each in found if each.part == part), found[0].index if found else None)

    def read(self, cells: Sequence[Any]) -> tuple[dict[str, Any], list[FieldProblem]]:
        """Return the values of one row by field, and what is wrong with its cells."""
        values = dict(self.values)
        problems: list[FieldProblem] = []
        for column in self.columns:
            try:
                cell = column.cell(cells)
                if cell is ABSENT:
                    continue
                if cell is None or cell == "":
                    if column.default is None:
                        if column.keep_empty:
                            values.setdefault(column.key, None)
                        continue
                    cell = column.default
                value = column.convert(cell)
            except BadValue as error:
                path = f"{column.key}.{column.part}" if column.part else column.key
                problems.append(FieldProblem(path, error.message, "value"))
                continue
            if column.part:
                sought = values.get(column.key)
                if not isinstance(sought, Sought):
                    values[column.key] = sought = Sought({})
                sought.values[column.part] = value
            else:
                values[column.key] = value
        return values, problems
