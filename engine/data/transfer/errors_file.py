"""The rows that could not be taken, as they were, with the reason behind them: put right, it is imported again."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from engine.data.transfer.mapping import REASON
from engine.data.transfer.report import shown_cell
from engine.errors import GuanxiError
from engine.i18n import Message


class ErrorsFile:
    """A file of CSV that is made when its first row comes.

    Args:
        path: where it lies.
        headers: those of the file that is imported.
        secret: places of columns that are left out: what is secret does not lie about in files.
        at: how many bytes of it an earlier attempt is sure of; None = all of them, 0 = begin anew.
    """

    def __init__(self, path: Path, headers: Sequence[str], secret: Collection[int] = (), *, at: int | None) -> None:
        self.path = path
        self._places = [place for place, header in enumerate(headers) if header != REASON and place not in secret]
        self._headers = [headers[place] for place in self._places]
        self._width = len(headers)
        self._bare = bool(secret)
        self._stream: io.TextIOWrapper | None = None
        self._raw: BinaryIO | None = None
        self._writer: Any = None
        self._at = self._found(at)
        self._head = 0
        """Bytes of the mark and the headers."""

    def _found(self, at: int | None) -> int:
        """Return how much of the file stays."""
        if at is None:
            at = self.path.stat().st_size if self.path.exists() else 0
        if not at:
            # One that an earlier attempt left would be taken for this one's.
            with suppress(OSError):
                self.path.unlink()
        return at

    def add(self, cells: Sequence[Any], reason: str) -> None:
        """Add a row.

        Raises:
            GuanxiError: the file cannot be written.
        """
        if self._stream is None:
            self._open()
        shown = [shown_cell(cells[place]) if place < len(cells) else "" for place in self._places]
        # Cells beyond the headers are what is wrong with the row: they stay, behind the reason.
        beyond = [] if self._bare else [shown_cell(cell) for cell in cells[self._width :]]
        self._writer.writerow([*shown, reason, *beyond])

    def _open(self) -> None:
        try:
            if self._at:
                self._raw = self.path.open("r+b")
                self._raw.truncate(self._at)
                self._raw.seek(self._at)
            else:
                self._raw = self.path.open("wb")
                self._raw.write(b"\xef\xbb\xbf")
        except OSError as error:
            raise GuanxiError(
                Message("{file} cannot be written: {why}", file=str(self.path), why=error.strerror or "")
            ) from error
        self._stream = io.TextIOWrapper(self._raw, encoding="utf-8", newline="")
        self._writer = csv.writer(self._stream)
        if not self._at:
            self._writer.writerow([*self._headers, REASON])
            self._head = self.flush()

    def flush(self) -> int:
        """Write what was added to the disk, and return how many bytes there are, for who goes on after a crash."""
        if self._stream is None or self._raw is None:
            return self._at
        self._stream.flush()
        return self._raw.tell()

    def go_back(self, at: int) -> None:
        """Forget rows that were added after so many bytes: what they tell of did not happen."""
        if self._stream is not None and self._raw is not None:
            self._stream.flush()
            self._raw.seek(max(at, self._head))
            self._raw.truncate()

    def close(self) -> str | None:
        """Close the file and return its name; None when every row was taken."""
        if self._stream is None:
            return str(self.path) if self._at else None
        self._stream.close()
        return str(self.path)
