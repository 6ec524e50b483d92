"""What came of an import, and the file with the rows that could not be taken."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from engine.data.transfer.mapping import REASON
from engine.data.transfer.sheet import ABSENT
from engine.errors import GuanxiError
from engine.i18n import Message

MOST_PROBLEMS = 100
"""Problems that the report itself holds; the file has all."""


@dataclass(frozen=True, slots=True)
class RowProblem:
    """Why one row was not taken."""

    row: int
    """As a spreadsheet numbers it: the headers are row 1."""
    reason: str


@dataclass(slots=True)
class ImportReport:
    """What came of an import."""

    change_set: str | None = None
    """What `undo` takes back; None when nothing was kept."""
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    failed: int = 0
    warnings: int = 0
    errors_file: str | None = None
    left_out: tuple[str, ...] = ()
    """Columns that lead to no field."""
    problems: list[RowProblem] = field(default_factory=list)
    """The first of them."""

    @property
    def rows(self) -> int:
        """Return how many rows were read."""
        return self.created + self.updated + self.unchanged + self.failed


class ErrorsFile:
    """The rows that could not be taken, as they were, with the reason behind them; made when the first one comes."""

    def __init__(self, source: Path, headers: Sequence[str], *, go_on: bool) -> None:
        self.path = source.with_name(f"{source.name}.errors.csv")
        self._headers = [header for header in headers if header != REASON]
        self._width = len(headers)
        self._places = [place for place, header in enumerate(headers) if header != REASON]
        self._go_on = go_on and self.path.exists()
        self._stream: IO[str] | None = None
        self._writer: Any = None
        if not self._go_on:
            # One that an earlier attempt left would be taken for this one's.
            with suppress(OSError):
                self.path.unlink()

    def add(self, cells: Sequence[Any], reason: str) -> None:
        """Add a row.

        Raises:
            GuanxiError: the file cannot be written.
        """
        if self._stream is None:
            self._open()
        shown = [_shown(cells[place]) if place < len(cells) else "" for place in self._places]
        # Cells beyond the headers are what is wrong with the row: they stay, behind the reason.
        beyond = [_shown(cell) for cell in cells[self._width :]]
        self._writer.writerow([*shown, reason, *beyond])

    def _open(self) -> None:
        try:
            if self._go_on:
                self._stream = self.path.open("a", encoding="utf-8", newline="")
            else:
                self._stream = self.path.open("w", encoding="utf-8-sig", newline="")
        except OSError as error:
            raise GuanxiError(
                Message("{file} cannot be written: {why}", file=str(self.path), why=error.strerror or "")
            ) from error
        self._writer = csv.writer(self._stream)
        if not self._go_on:
            self._writer.writerow([*self._headers, REASON])

    def flush(self) -> None:
        """Write what was added to the disk, so that a crash loses no reason of a chunk that is kept."""
        if self._stream is not None:
            self._stream.flush()

    def close(self) -> str | None:
        """Close the file and return its name; None when every row was taken."""
        if self._stream is None:
            return str(self.path) if self._go_on else None
        self._stream.close()
        return str(self.path)


def _shown(cell: Any) -> str:
    if cell is None or cell is ABSENT:
        return ""
    if isinstance(cell, str):
        return cell
    import orjson

    return orjson.dumps(cell, default=str).decode()
