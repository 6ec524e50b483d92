"""Rows of a file, one after the other: CSV in whatever encoding and with whatever delimiter, XLSX, JSON lines.

A row is a list of cells beside the headers of the file. Cells of CSV are text; a spreadsheet's numbers and dates come
as the text that a person would type; cells of JSON lines are JSON values. Nothing here knows an entity.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any, TextIO

from engine.data.transfer.decoding import (
    SheetUnreadable,
    detect_encoding,
    sniff_delimiter,
    text_stream,
)
from engine.data.transfer.lines import ABSENT, json_lines, json_names
from engine.data.transfer.spreadsheet import SPREADSHEETS, unfolded
from engine.data.transfer.unfolding import spoken
from engine.i18n import Message

MOST_COLUMNS = 1_000
LONGEST_ROW = 16_000_000
"""Characters that a row of CSV may have."""
_SAMPLE_CHARACTERS = 65_536
_ABOVE = 10
"""Rows among which the headers are looked for."""
_JSON_SUFFIXES = {".jsonl", ".ndjson", ".json"}

_Row = tuple[int, list[Any] | Message]
"""Its number, and its cells or why it cannot be read."""

csv.field_size_limit(LONGEST_ROW)

__all__ = ["ABSENT", "Line", "Sheet", "SheetUnreadable", "detect_encoding", "open_sheet", "sniff_delimiter", "spoken"]


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a file."""

    number: int
    """As a spreadsheet numbers rows, from 1. In JSON lines, the line."""
    cells: list[Any]
    """As many as there are headers, or more."""
    broken: Message | None = None
    """Why the row cannot be read at all."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """What a file turned out to be."""

    path: Path
    kind: str
    """`csv`, `spreadsheet` or `json`."""
    headers: tuple[str, ...]
    lines: Iterator[Line]
    size: int
    """Bytes of the file."""
    position: Any
    """Call it for the bytes read so far, for a progress bar."""
    encoding: str = "utf-8"
    delimiter: str = ","
    total: int | None = None
    """Rows, where that is known before they are read."""
    sheets: tuple[str, ...] = ()
    """Names of a spreadsheet's sheets."""
    sheet: str = ""
    """The one that is read."""
    header_row: int = 1
    above: tuple[tuple[int, tuple[str, ...]], ...] = ()
    """The first rows as they stand, with their numbers, for who looks where the headers are."""


@contextmanager
def open_sheet(
    path: Path,
    *,
    encoding: str | None = None,
    delimiter: str | None = None,
    sheet: str | None = None,
    header_row: int | None = None,
    name: str | None = None,
) -> Iterator[Sheet]:
    """Open a file and read its headers; the suffix of its name says what kind it is, CSV where it says nothing.

    Args:
        path: where it lies.
        encoding: of text; found out unless given.
        delimiter: of CSV; found out unless given.
        sheet: of a spreadsheet; the first unless given.
        header_row: the number of the row with the headers; found out unless given.
        name: what people call the file, when it lies elsewhere under another name.

    Raises:
        SheetUnreadable: there is no such file, it is empty, or it is no such thing.
    """
    called = Path(name) if name else path
    suffix = called.suffix.lower()
    try:
        if suffix in SPREADSHEETS:
            with unfolded(path, called.name, sheet) as book:
                rows = _headed(called, book.rows, header_row)
                size = path.stat().st_size
                yield _sheet(path, "spreadsheet", rows, size, lambda: size, sheets=book.sheets, sheet=book.sheet,
                             total=max(book.last - rows.number, 0))  # fmt: skip
        elif suffix in _JSON_SUFFIXES:
            with path.open("rb") as stream:
                names = json_names(called, stream)
                lines = (Line(*each) for each in json_lines(stream, names))
                headers = _headers(called, names)
                yield Sheet(path, "json", headers, lines, path.stat().st_size, stream.tell, header_row=0)
        else:
            encoding = encoding or detect_encoding(path)
            with text_stream(path, encoding) as text:
                yield _csv(path, called, text, encoding, delimiter, header_row)
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise SheetUnreadable(Message("{file} cannot be read: {why}", file=str(called), why=why)) from error
    except LookupError as error:
        raise SheetUnreadable(Message("there is no encoding {name}", name=str(encoding))) from error


def fingerprint(path: Path) -> str:
    """Return the SHA-256 of a file's content."""
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise SheetUnreadable(Message("{file} cannot be read: {why}", file=str(path), why=why)) from error


# --- which row has the headers


@dataclass(frozen=True, slots=True)
class _Headed:
    """Rows with the headers found."""

    headers: tuple[str, ...]
    number: int
    rest: Iterator[_Row]
    above: tuple[tuple[int, tuple[str, ...]], ...]


def _headed(path: Path, rows: Iterator[_Row], header_row: int | None) -> _Headed:
    first = list(islice(rows, max(_ABOVE, header_row or 0)))
    full = [(number, cells) for number, cells in first if isinstance(cells, list) and any(map(_filled, cells))]
    if header_row is not None:
        found = next(((number, cells) for number, cells in full if number == header_row), None)
        if found is None:
            raise SheetUnreadable(
                Message("{file} has nothing in row {row}, where the headers should be", file=path.name, row=header_row)
            )
    elif full:
        found = full[_likely([sum(map(_filled, cells)) for _, cells in full])]
    else:
        # A row that cannot be read says why; a file without any is empty.
        broken = next((cells for _, cells in first if isinstance(cells, Message)), None)
        if broken is not None:
            raise SheetUnreadable(Message("{file} is no CSV file: {why}", file=path.name, why=broken))
        found = (1, [])
    number, cells = found
    above = tuple((each, tuple(str(cell or "") for cell in row[:MOST_COLUMNS])) for each, row in full)
    rest = chain((each for each in first if each[0] > number), rows)
    return _Headed(_headers(path, cells), number, rest, above)


def _likely(widths: list[int]) -> int:
    """Return which row has the headers: the first, but for titles above a table, which have one cell alone."""
    if widths[0] == 1 and max(widths) > 2:  # noqa: PLR2004 - a name and a note may well be a table
        return next(place for place, width in enumerate(widths) if width > 1)
    return 0


def _filled(cell: Any) -> bool:
    return cell is not None and bool(str(cell).strip())


def _headers(path: Path, cells: Iterable[Any]) -> tuple[str, ...]:
    cleaned = tuple("" if cell is None else str(cell).strip().lstrip("\ufeff") for cell in cells)
    while cleaned and not cleaned[-1]:
        cleaned = cleaned[:-1]
    if not cleaned:
        raise SheetUnreadable(Message("{file} is empty: its first row must name the columns", file=str(path)))
    if len(cleaned) > MOST_COLUMNS:
        raise SheetUnreadable(
            Message("{file} has {count} columns; it may have {most}", file=path.name, count=len(cleaned),
                    most=MOST_COLUMNS)
        )  # fmt: skip
    named = [name for name in cleaned if name]
    if len(set(named)) < len(named):
        twice = next(name for name in named if named.count(name) > 1)
        raise SheetUnreadable(Message("{file} has two columns named {name}", file=str(path), name=repr(twice)))
    return cleaned


def _sheet(path: Path, kind: str, rows: _Headed, size: int, position: Any, **more: Any) -> Sheet:
    lines = _lines(rows.rest, len(rows.headers))
    return Sheet(path, kind, rows.headers, lines, size, position, header_row=rows.number, above=rows.above, **more)


def _lines(rows: Iterator[_Row], width: int) -> Iterator[Line]:
    for number, cells in rows:
        if isinstance(cells, Message):
            yield Line(number, [], cells)
        elif len(cells) < width:
            if any(_given(cell) for cell in cells):
                yield Line(number, cells + [None] * (width - len(cells)))
        elif any(_given(cell) for cell in cells):
            yield _line(number, cells, width)


def _given(cell: Any) -> bool:
    return cell is not None and cell != ""


def _line(number: int, cells: list[Any], width: int) -> Line:
    if len(cells) > width and any(_given(cell) for cell in cells[width:]):
        wrong = Message("the row has {count} cells, the headers are {width}", count=len(cells), width=width)
        return Line(number, cells, wrong)
    return Line(number, cells[:width])


# --- CSV


def _csv(path: Path, called: Path, text: TextIO, encoding: str, delimiter: str | None, header_row: int | None) -> Sheet:
    try:
        sample = text.read(_SAMPLE_CHARACTERS)
        text.seek(0)
        if encoding.startswith("utf-16-"):
            sample = sample.removeprefix("\ufeff")
        delimiter = delimiter or sniff_delimiter(sample)
        reader = csv.reader(_bounded(called, text), delimiter=delimiter)
        rows = _headed(called, _csv_rows(called, reader, encoding), header_row)
    except UnicodeDecodeError as error:
        raise _not_in(called, encoding) from error
    except (csv.Error, TypeError) as error:
        raise SheetUnreadable(Message("{file} is no CSV file: {why}", file=str(called), why=str(error))) from error
    size = path.stat().st_size
    return _sheet(path, "csv", rows, size, text.buffer.tell, encoding=encoding, delimiter=delimiter)


def _bounded(path: Path, text: TextIO) -> Iterator[str]:
    """Yield the lines of a text; one without an end would be read into memory whole."""
    while line := text.readline(LONGEST_ROW):
        if len(line) >= LONGEST_ROW:
            most = LONGEST_ROW // 1_000_000
            raise SheetUnreadable(
                Message("{file} has a row of more than {most} million characters", file=path.name, most=most)
            )
        yield line


def _csv_rows(path: Path, reader: Any, encoding: str) -> Iterator[_Row]:
    number = 0
    while True:
        number += 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except UnicodeDecodeError as error:
            raise _not_in(path, encoding) from error
        except csv.Error as error:
            yield number, Message("the row cannot be read: {why}", why=str(error))
            continue
        yield number, cells


def _not_in(path: Path, encoding: str) -> SheetUnreadable:
    return SheetUnreadable(Message("{file} is not written in {encoding}", file=str(path), encoding=encoding))
