"""Tables of numbers as files: what a spreadsheet would take for a formula goes in as text."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import IO, Any

from engine.data.transfer.mapping import guarded

_WIDTH, _NAMES = 16, 28
_EXACT_DIGITS = 15
"""Digits of a number that a spreadsheet keeps."""
_LONGEST_SHEET = 31
_NOT_IN_SHEETS = str.maketrans(dict.fromkeys("[]:*?/\\'", " "))


def write_numbers(
    stream: IO[bytes], kind: str, title: str, heads: Sequence[str], rows: Sequence[Sequence[Any]]
) -> None:
    """Write a table as "csv", with a mark that tells spreadsheets it is UTF-8, or as "xlsx".

    Cells are texts, numbers, dates or None.
    """
    if kind == "csv":
        _write_csv(stream, heads, rows)
    else:
        _write_xlsx(stream, title, heads, rows)


def _write_csv(stream: IO[bytes], heads: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    text = io.StringIO(newline="")
    text.write("\ufeff")
    writer = csv.writer(text)
    writer.writerow([guarded(each) for each in heads])
    for row in rows:
        writer.writerow([_plain(each) for each in row])
    stream.write(text.getvalue().encode())


def _plain(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, str):
        return guarded(value)
    if isinstance(value, (date, time)):
        return value.isoformat()
    return f"{value:f}" if isinstance(value, Decimal) else value


def _write_xlsx(stream: IO[bytes], title: str, heads: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    from xlsxwriter import Workbook

    book = Workbook(stream, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    sheet = book.add_worksheet(title.translate(_NOT_IN_SHEETS).strip()[:_LONGEST_SHEET] or None)
    bold, number = book.add_format({"bold": True}), book.add_format({"num_format": "#,##0.##########"})
    sheet.freeze_panes(1, 0)
    sheet.set_column(0, 0, _NAMES)
    if len(heads) > 1:
        sheet.set_column(1, len(heads) - 1, _WIDTH)
    for place, head in enumerate(heads):
        sheet.write_string(0, place, head, bold)
    for line, row in enumerate(rows, 1):
        for place, value in enumerate(row):
            if isinstance(value, (int, Decimal)) and len(str(abs(value)).replace(".", "")) <= _EXACT_DIGITS:
                sheet.write_number(line, place, float(value), number)
            elif isinstance(value, (datetime, date, time)):
                sheet.write_string(line, place, value.isoformat())
            elif value is not None:
                sheet.write_string(line, place, str(value))
    book.close()
