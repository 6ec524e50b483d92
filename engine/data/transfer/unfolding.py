"""Unfolds one sheet of a spreadsheet into lines of JSON: run as a process of its own, with bounded memory and time.

A spreadsheet of some kilobytes can name a cell in its last row and column and so stand for a table that no memory
holds, and the library that reads it takes that memory in one piece. Here it ends a child and nobody else. Nothing of
the product is imported.

Writes `{"sheets": [...], "sheet": name, "rows": n}` and then one list of texts or nulls a row, from the first row of
the sheet; or `{"error": "sheet" | "format"}` alone.
"""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from datetime import date, datetime, time, timedelta
from typing import Any

MOST_MEMORY = 1_536 * 2**20
"""Bytes that a child may take: a full sheet of a million rows with some twenty columns."""
MOST_SECONDS = 180
_DIGITS = 1e15


def spoken(cell: Any) -> str | None:
    """Return a spreadsheet's cell as the text that a person would type; None for an empty one."""
    if cell is None or cell == "":
        return None
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < _DIGITS else repr(cell)
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == time() else cell.isoformat(" ", "seconds")
    if isinstance(cell, (date, time)):
        return cell.isoformat()
    if isinstance(cell, timedelta):
        return str(int(cell.total_seconds()))
    return str(cell)


def _bound() -> None:
    with suppress(ImportError, ValueError, OSError):  # not every system can
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
        resource.setrlimit(resource.RLIMIT_CPU, (MOST_SECONDS, MOST_SECONDS))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def unfold(path: str, name: str) -> None:
    """Write a sheet of a file, the first one unless `name` says which."""
    from python_calamine import CalamineError, CalamineWorkbook, WorksheetNotFound

    out = sys.stdout
    try:
        book = CalamineWorkbook.from_path(path)
        names = book.sheet_names
        page = book.get_sheet_by_name(name) if name else book.get_sheet_by_index(0)
        head = {"sheets": names, "sheet": page.name, "rows": page.end[0] + 1 if page.end else 0}
        out.write(json.dumps(head) + "\n")
        for cells in page.iter_rows():
            out.write(json.dumps([spoken(cell) for cell in cells]) + "\n")
    except WorksheetNotFound:
        out.write('{"error": "sheet"}\n')
    except (CalamineError, ValueError, IndexError):
        out.write('{"error": "format"}\n')


if __name__ == "__main__":
    _bound()
    with suppress(BrokenPipeError):
        unfold(sys.argv[1], sys.argv[2])
