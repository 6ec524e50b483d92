"""What a file says when somebody opens it."""

import csv
import io
import json
from typing import Any

from python_calamine import CalamineWorkbook


def table(data: bytes, encoding: str = "utf-8-sig", delimiter: str = ",") -> list[dict[str, str]]:
    """Return the rows of CSV."""
    return list(csv.DictReader(io.StringIO(data.decode(encoding), newline=""), delimiter=delimiter))


def sheets(data: bytes) -> dict[str, list[list[Any]]]:
    """Return the rows of each sheet of a spreadsheet."""
    book = CalamineWorkbook.from_filelike(io.BytesIO(data))
    return {name: book.get_sheet_by_name(name).to_python() for name in book.sheet_names}


def lines(data: bytes) -> list[dict[str, Any]]:
    """Return the objects of JSON lines."""
    return [json.loads(line) for line in data.splitlines()]
