"""Spreadsheets in: one sheet of a workbook, unfolded by a child process and read row by row from what it writes."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from engine.data.transfer import unfolding
from engine.data.transfer.decoding import SheetUnreadable
from engine.data.transfer.unpacking import measure
from engine.i18n import Message

SPREADSHEETS = frozenset({".xlsx", ".xlsm", ".xlsb", ".xls", ".ods"})
_SECONDS = unfolding.MOST_SECONDS + 60
"""After which a child is ended that waits instead of working."""


@dataclass(frozen=True, slots=True)
class Unfolded:
    """One sheet of a spreadsheet."""

    sheets: tuple[str, ...]
    """Names of all sheets."""
    sheet: str
    last: int
    """Number of the last row."""
    rows: Iterator[tuple[int, list[Any]]]
    """Number and cells, from the first row of the sheet on."""


@contextmanager
def unfolded(path: Path, name: str, sheet: str | None) -> Iterator[Unfolded]:
    """Open a sheet of a spreadsheet, the first unless it is named; `name` is what people call the file.

    Raises:
        SheetUnreadable: it is no spreadsheet, has no such sheet, or takes more than a spreadsheet may.
        TooLargeUnpacked: it is a trap.
    """
    measure(path, name)
    with tempfile.TemporaryFile() as lines:
        _unfold(path, name, sheet, lines)
        lines.seek(0)
        head = json.loads(lines.readline() or b'{"error": "limit"}')
        if head.get("error") == "sheet":
            raise SheetUnreadable(Message("{file} has no sheet {name}", file=name, name=repr(sheet)))
        if "error" in head:
            raise SheetUnreadable(Message("{file} is no spreadsheet that can be read", file=name))
        yield Unfolded(tuple(head["sheets"]), head["sheet"], head["rows"], _rows(lines))


def _unfold(path: Path, name: str, sheet: str | None, lines: IO[bytes]) -> None:
    command = [sys.executable, "-I", unfolding.__file__, str(path), sheet or ""]
    try:
        ended = subprocess.run(  # noqa: S603 - our own program, with a file that it only reads
            command, stdin=subprocess.DEVNULL, stdout=lines, stderr=subprocess.DEVNULL, timeout=_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise _too_much(name) from error
    if ended.returncode:
        raise _too_much(name)


def _too_much(name: str) -> SheetUnreadable:
    return SheetUnreadable(
        Message("{file} takes more memory or time to unfold than a spreadsheet may; save it as CSV", file=name)
    )


def _rows(lines: IO[bytes]) -> Iterator[tuple[int, list[Any]]]:
    for number, line in enumerate(lines, 1):
        yield number, json.loads(line)
