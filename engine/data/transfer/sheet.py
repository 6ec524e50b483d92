"""Rows of a file, one after the other: CSV in whatever encoding and with whatever delimiter, XLSX, JSON lines.

A row is a list of cells beside the headers of the file. Cells of CSV are text; a spreadsheet's numbers and dates come
as the text that a person would type; cells of JSON lines are JSON values. Nothing here knows an entity.
"""

from __future__ import annotations

import codecs
import csv
import hashlib
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any, TextIO

from engine.data.transfer.unpacking import measure
from engine.errors import GuanxiError
from engine.i18n import Message

DELIMITERS = (",", ";", "\t", "|")
_SAMPLE_BYTES = 65_536
_SAMPLE_LINES = 30
_LONGEST_CELL = 16_000_000
_ENCODINGS = ("utf-8", "gb18030", "cp1252")
_JSON_SUFFIXES = {".jsonl", ".ndjson", ".json"}
_SPREADSHEETS = {".xlsx", ".xlsm", ".xlsb", ".xls", ".ods"}

csv.field_size_limit(_LONGEST_CELL)


class SheetUnreadable(GuanxiError):
    """A file holds no rows that can be read; the message says why."""


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a file."""

    number: int
    """As a spreadsheet numbers rows: the headers are row 1. In JSON lines, the line."""
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


@contextmanager
def open_sheet(
    path: Path, *, encoding: str | None = None, delimiter: str | None = None, sheet: str | None = None
) -> Iterator[Sheet]:
    """Open a file and read its headers; the suffix says what kind it is, CSV where it says nothing.

    Raises:
        SheetUnreadable: there is no such file, it is empty, or it is no such thing.
    """
    suffix = path.suffix.lower()
    try:
        if suffix in _SPREADSHEETS:
            measure(path)
            yield _spreadsheet(path, sheet)
        elif suffix in _JSON_SUFFIXES:
            with path.open("rb") as stream:
                yield _json_lines(path, stream)
        else:
            encoding = encoding or detect_encoding(path)
            with _text_stream(path, encoding) as text:
                yield _csv(path, text, encoding, delimiter)
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise SheetUnreadable(Message("{file} cannot be read: {why}", file=str(path), why=why)) from error
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


# --------------------------------------------------------------------------------------------------- CSV


def detect_encoding(path: Path) -> str:
    """Return the encoding of a text file, found by reading it to its end.

    UTF-8 is told by its strictness: text in another encoding is practically never valid UTF-8.
    """
    with path.open("rb") as stream:
        start = stream.read(_SAMPLE_BYTES)
    if start.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if b"\0" in start:
        # Text in UTF-16 without its mark: the zero bytes of ASCII letters stand on one side only.
        odd, even = start[1::2].count(0), start[::2].count(0)
        for name, sure in (("utf-16-le", odd > 10 * even), ("utf-16-be", even > 10 * odd)):
            if sure and _decodes(path, name):
                return name
        raise SheetUnreadable(Message("{file} is no text file", file=str(path)))
    for name in _ENCODINGS:
        if _decodes(path, name):
            return name
    raise SheetUnreadable(Message("the encoding of {file} is unknown; say it with --encoding", file=str(path)))


def _decodes(path: Path, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        with path.open("rb") as stream:
            while block := stream.read(1 << 20):
                decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


@contextmanager
def _text_stream(path: Path, encoding: str) -> Iterator[TextIO]:
    codecs.lookup(encoding)
    with path.open("rb") as raw, io.TextIOWrapper(raw, encoding=encoding, newline="") as text:
        yield text


def sniff_delimiter(sample: str) -> str:
    """Return the delimiter that cuts the first lines into the same number of cells, more of them being better."""
    best, best_score = ",", (0.0, 0)
    for delimiter in DELIMITERS:
        try:
            rows = [row for row in csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter) if row]
        except csv.Error:
            continue
        widths = [len(row) for row in (rows[:-1] or rows)[:_SAMPLE_LINES]]  # The last one may be cut off.
        if not widths or widths[0] == 1:
            continue
        score = (widths.count(widths[0]) / len(widths), widths[0])
        if score > best_score:
            best, best_score = delimiter, score
    return best


def _csv(path: Path, text: TextIO, encoding: str, delimiter: str | None) -> Sheet:
    try:
        sample = text.read(_SAMPLE_BYTES)
        text.seek(0)
        if encoding.startswith("utf-16-"):
            sample = sample.removeprefix("\ufeff")
        delimiter = delimiter or sniff_delimiter(sample)
        reader = csv.reader(text, delimiter=delimiter)
        headers = next((row for row in reader if any(cell.strip() for cell in row)), None)
    except UnicodeDecodeError as error:
        raise SheetUnreadable(
            Message("{file} is not written in {encoding}", file=str(path), encoding=encoding)
        ) from error
    except csv.Error as error:
        raise SheetUnreadable(Message("{file} is no CSV file: {why}", file=str(path), why=str(error))) from error
    buffer = text.buffer
    return Sheet(
        path=path,
        kind="csv",
        headers=_headers(path, headers),
        lines=_csv_lines(path, reader, len(headers or ()), encoding),
        size=path.stat().st_size,
        position=buffer.tell,
        encoding=encoding,
        delimiter=delimiter,
    )


def _csv_lines(path: Path, reader: Any, width: int, encoding: str) -> Iterator[Line]:
    number = 1
    while True:
        number += 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except UnicodeDecodeError as error:
            raise SheetUnreadable(
                Message("{file} is not written in {encoding}", file=str(path), encoding=encoding)
            ) from error
        except csv.Error as error:
            yield Line(number, [], Message("the row cannot be read: {why}", why=str(error)))
            continue
        if any(cells):
            yield _line(number, cells, width)


def _line(number: int, cells: list[Any], width: int) -> Line:
    if len(cells) < width:
        return Line(number, cells + [None] * (width - len(cells)))
    if len(cells) > width and any(cell not in {None, ""} for cell in cells[width:]):
        wrong = Message("the row has {count} cells, the headers are {width}", count=len(cells), width=width)
        return Line(number, cells, wrong)
    return Line(number, cells[:width])


def _headers(path: Path, headers: list[str] | None) -> tuple[str, ...]:
    cleaned = tuple(str(header).strip().lstrip("\ufeff") for header in headers or ())
    while cleaned and not cleaned[-1]:
        cleaned = cleaned[:-1]
    if not cleaned:
        raise SheetUnreadable(Message("{file} is empty: its first row must name the columns", file=str(path)))
    twice = next((name for name in cleaned if name and cleaned.count(name) > 1), None)
    if twice is not None:
        raise SheetUnreadable(Message("{file} has two columns named {name}", file=str(path), name=repr(twice)))
    return cleaned


# ------------------------------------------------------------------------------------------- spreadsheets


def _spreadsheet(path: Path, name: str | None) -> Sheet:
    from python_calamine import CalamineError, CalamineWorkbook, WorksheetNotFound

    size = path.stat().st_size
    try:
        book = CalamineWorkbook.from_path(str(path))
        page = book.get_sheet_by_name(name) if name else book.get_sheet_by_index(0)
        rows = page.iter_rows()
        first = next((row for row in rows if any(cell not in {None, ""} for cell in row)), None)
    except WorksheetNotFound as error:
        raise SheetUnreadable(Message("{file} has no sheet {name}", file=str(path), name=repr(name))) from error
    except (CalamineError, ValueError, IndexError) as error:
        raise SheetUnreadable(Message("{file} is no spreadsheet that can be read", file=str(path))) from error
    headers = _headers(path, None if first is None else [spoken(cell) or "" for cell in first])
    start = page.start[0] if page.start else 0
    return Sheet(
        path=path,
        kind="spreadsheet",
        headers=headers,
        lines=_spreadsheet_lines(rows, len(headers), start),
        size=size,
        position=lambda: size,
        total=max(page.total_height - start - 1, 0),
    )


def _spreadsheet_lines(rows: Iterator[list[Any]], width: int, start: int) -> Iterator[Line]:
    for number, cells in enumerate(rows, start + 2):
        said = [spoken(cell) for cell in cells]
        if any(cell is not None for cell in said):
            yield _line(number, said, width)


def spoken(cell: Any) -> str | None:
    """Return a spreadsheet's cell as the text that a person would type; None for an empty one."""
    if cell is None or cell == "":
        return None
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)  # noqa: PLR2004 - digits of a float
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == time() else cell.isoformat(" ", "seconds")
    if isinstance(cell, (date, time)):
        return cell.isoformat()
    if isinstance(cell, timedelta):
        return str(int(cell.total_seconds()))
    return str(cell)


# --------------------------------------------------------------------------------------------- JSON lines


def _json_lines(path: Path, stream: Any) -> Sheet:
    headers: dict[str, int] = {}
    names: list[str] = []
    first = next((line for line in stream if line.strip()), None)
    if first is None:
        raise SheetUnreadable(Message("{file} is empty", file=str(path)))
    if first.lstrip(b"\xef\xbb\xbf \t").startswith(b"["):
        raise SheetUnreadable(Message("{file} holds a list; write one object a line instead", file=str(path)))
    # Objects need not all have the same keys: those of the whole file are the headers.
    stream.seek(0)
    for line in stream:
        value = _object(line)
        if isinstance(value, dict):
            for key in value:
                if key not in headers:
                    headers[key] = len(names)
                    names.append(key)
    stream.seek(0)
    return Sheet(
        path=path,
        kind="json",
        headers=_headers(path, names),
        lines=_json_rows(stream, tuple(names)),
        size=path.stat().st_size,
        position=stream.tell,
    )


def _json_rows(stream: Any, names: tuple[str, ...]) -> Iterator[Line]:
    for number, line in enumerate(stream, 1):
        if not line.strip():
            continue
        value = _object(line)
        if isinstance(value, dict):
            yield Line(number, [value.get(name, ABSENT) for name in names])
        else:
            yield Line(number, [line.decode("utf-8", "replace").strip()], value)


class _Absent:
    """A key that an object of JSON lines does not have, which is not the same as null."""

    def __repr__(self) -> str:
        return ""


ABSENT = _Absent()


def _object(line: bytes) -> dict[str, Any] | Message:
    import orjson

    try:
        value = orjson.loads(line.removeprefix(codecs.BOM_UTF8))
    except orjson.JSONDecodeError as error:
        return Message("the line is no JSON: {why}", why=str(error))
    return value if isinstance(value, dict) else Message("the line is no JSON object")
