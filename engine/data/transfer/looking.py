"""A first look at a file: how it is read, what its columns are called, and what stands in the first rows."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from engine.data.transfer.mapping import REASON, ColumnMap
from engine.data.transfer.report import short_cell
from engine.data.transfer.sheet import open_sheet

SAMPLES = 200
"""Rows that are looked at."""
_SMALL = 256 * 1024
"""Bytes up to which the rows of a file are counted at once."""


@dataclass(frozen=True, slots=True)
class FileLook:
    """What a file turned out to be."""

    kind: str
    """`csv`, `spreadsheet` or `json`."""
    encoding: str
    delimiter: str
    sheets: tuple[str, ...]
    sheet: str
    header_row: int
    headers: tuple[str, ...]
    samples: tuple[tuple[str, ...], ...]
    """The first rows, cells as they are shown."""
    above: tuple[tuple[int, tuple[str, ...]], ...]
    """The first rows of the file with their numbers, headers included."""
    rows: int | None
    """How many there are; None where counting them would take long."""

    def column(self, index: int) -> list[str]:
        """Return what stands in a column of the first rows, without empty cells."""
        return [row[index] for row in self.samples if index < len(row) and row[index].strip()]

    @property
    def named(self) -> list[tuple[int, str]]:
        """Return the columns that can be imported: place and header."""
        return [(index, header) for index, header in enumerate(self.headers) if header and header != REASON]


def look(file: Path, said: ColumnMap, name: str | None = None) -> FileLook:
    """Look at a file as a mapping says it is read; what that does not say is found out.

    Raises:
        SheetUnreadable: it cannot be read so.
    """
    ways = {
        "encoding": said.encoding,
        "delimiter": said.delimiter,
        "sheet": said.sheet,
        "header_row": said.header_row,
    }
    with open_sheet(file, name=name, **ways) as sheet:  # type: ignore[arg-type]
        lines = list(islice(sheet.lines, SAMPLES))
        rows = sheet.total
        if len(lines) < SAMPLES:
            rows = len(lines)
        elif rows is None and sheet.size <= _SMALL:
            rows = len(lines) + sum(1 for _ in sheet.lines)
        samples = tuple(tuple(short_cell(cell) for cell in line.cells) for line in lines if line.broken is None)
        return FileLook(
            sheet.kind, sheet.encoding, sheet.delimiter, sheet.sheets, sheet.sheet, sheet.header_row, sheet.headers,
            samples, sheet.above, rows,
        )  # fmt: skip
