"""The formats of exported files, each written row by row: whatever the number of records, memory stays as it is."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol

import orjson

from engine.data.reader import Reader
from engine.data.rowset import RowSet
from engine.data.transfer.layout import (
    Layout,
    OutColumn,
    display,
    named,
    text_cell,
    titles_of,
)
from engine.data.transfer.mapping import guarded
from engine.data.transfer.wanted import ExportOptions
from engine.data.transfer.workbook import Spreadsheet
from engine.expression import Type
from engine.metadata.model import Entity

About = Sequence[tuple[str, str]]
"""What a file says about itself: (what, its value)."""


class Out(Protocol):
    """What a file is written to, from its beginning to its end."""

    def write(self, data: bytes, /) -> int | None:
        """Take some bytes."""


class Writer(Protocol):
    """Writes one file."""

    cut: int
    """Texts that were cut because a cell does not hold them."""

    def page(self, rows: RowSet, allowed: Iterable[bool]) -> int:
        """Write those rows that are allowed and return how many."""

    def end(self, about: About) -> None:
        """Write what comes last."""


def writer_of(
    stream: Out, reader: Reader, entity: Entity, made: Layout, options: ExportOptions, scratch: Path | None = None
) -> Writer:
    """Return what writes the format that was asked for."""
    if options.kind == "jsonl":
        return _JsonLines(stream, reader, made)
    if options.kind == "csv":
        return _Csv(stream, reader, made, options)
    return Spreadsheet(stream, reader, entity, made, options, scratch)


class _JsonLines:
    cut = 0

    def __init__(self, stream: Out, reader: Reader, made: Layout) -> None:
        self._stream, self._reader, self._made = stream, reader, made

    def page(self, rows: RowSet, allowed: Iterable[bool]) -> int:
        count, columns = 0, self._made.columns
        titles = titles_of(self._reader, columns, rows)
        for row, may in zip(rows.json(), allowed, strict=True):
            if not may:
                continue
            values = {each.header: row.get(each.path) for each in columns}
            for each in columns:
                if each.titled:
                    values[each.header] = named(values[each.header], titles[each.path])
            self._stream.write(orjson.dumps(values, option=orjson.OPT_APPEND_NEWLINE))
            count += 1
        return count

    def end(self, about: About) -> None:
        """Write nothing: a line that is no record would come in again as one."""


class _Csv:
    cut = 0

    def __init__(self, stream: Out, reader: Reader, made: Layout, options: ExportOptions) -> None:
        self._stream, self._reader, self._made = stream, reader, made
        self._encoding: str = options.encoding.removesuffix("-sig")
        self._people = options.values == "people"
        self._text = io.StringIO(newline="")
        self._writer = csv.writer(self._text, delimiter=options.delimiter)
        if options.encoding == "utf-16":
            self._encoding = "utf-16-le"
        if options.encoding in {"utf-8-sig", "utf-16"}:
            self._text.write("\ufeff")
        self._cells = [self._cell(each) for each in made.columns]
        self._writer.writerow([guarded(each.header) for each in made.columns])

    def _cell(self, column: OutColumn) -> Callable[[Any], Any]:
        plain = text_cell(column, self._made)
        linked = column.field.type.links
        if not self._people or column.masked or linked:
            return plain
        show, number = display(column, self._made), column.field.value_type is Type.NUMBER
        return lambda value: "" if value is None else show(value) if number else guarded(show(value))

    def page(self, rows: RowSet, allowed: Iterable[bool]) -> int:
        count, columns = 0, self._made.columns
        titles = titles_of(self._reader, columns, rows)
        exact = rows.json()
        spoken: Iterable[dict[str, Any]] = rows.dicts() if self._people else exact
        for row, plain, may in zip(spoken, exact, allowed, strict=True):
            if not may:
                continue
            cells = []
            for column, cell in zip(columns, self._cells, strict=True):
                source = plain if column.field.type.links or column.masked else row
                value = source.get(column.path)
                cells.append(cell(named(value, titles[column.path]) if column.titled else value))
            self._writer.writerow(cells)
            count += 1
        self._flush()
        return count

    def end(self, about: About) -> None:
        if about:
            self._writer.writerow([])
            for what, value in about:
                self._writer.writerow([guarded(what), guarded(value)])
        self._flush()

    def _flush(self) -> None:
        self._stream.write(self._text.getvalue().encode(self._encoding))
        self._text.seek(0)
        self._text.truncate()
