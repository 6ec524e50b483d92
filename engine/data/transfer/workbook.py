"""XLSX out: records on as many sheets as they need, child rows beside them, and a sheet that says what the file is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

from engine.data.reader import Reader
from engine.data.rowset import RowSet
from engine.data.transfer.layout import ChildSheet, Layout, OutColumn, as_json, display, formatted, named, titles_of
from engine.data.transfer.wanted import ExportOptions
from engine.expression import Type
from engine.i18n import Message
from engine.metadata.model import Entity

LAST_ROW = 1_048_575
"""The last row of a sheet, counted from 0."""
LONGEST_CELL = 32_767
"""Characters of a cell."""
_EXACT_DIGITS = 15
_FIRST_YEAR = 1900
"""The first year that a spreadsheet knows."""
_LONGEST_NAME = 31
_NOT_IN_NAMES = str.maketrans(dict.fromkeys("[]:*?/\\'", " "))
_WIDTHS = {Type.NUMBER: 14, Type.DATE: 12, Type.DATETIME: 19, Type.TIME: 10, Type.BOOLEAN: 9}
_USUAL_WIDTH = 24
_LONGEST_COMMENT = 250
_PATTERNS = {
    "date": "yyyy-mm-dd", "datetime": "yyyy-mm-dd hh:mm:ss", "time": "hh:mm:ss",
    "number": "#,##0.##########", "money": "#,##0.00",
}  # fmt: skip


class Spreadsheet:
    """Writes one workbook; a row is written as it comes and then forgotten."""

    def __init__(
        self,
        stream: Any,
        reader: Reader,
        entity: Entity,
        made: Layout,
        options: ExportOptions,
        scratch: Path | None = None,
    ) -> None:
        from xlsxwriter import Workbook

        self.cut = 0
        self._reader, self._entity, self._made, self._options = reader, entity, made, options
        plain = {"strings_to_formulas": False, "strings_to_urls": False}
        lies = {"tmpdir": str(scratch)} if scratch is not None else {}
        self.book = Workbook(stream, {"constant_memory": True, **plain, **lies})
        self.book.use_zip64()
        self.formats = {name: self.book.add_format({"num_format": pattern}) for name, pattern in _PATTERNS.items()}
        self.bold = self.book.add_format({"bold": True})
        self._names: set[str] = set()
        labels = options.headers == "labels"
        name = str(entity.plural.in_(options.language)) if labels else entity.key
        self._main = _Sheet(self, name, made.columns)
        self._front = self._columns_in_front() if made.sheets else []
        self._children = [(each, self._child(each, labels=labels)) for each in made.sheets]

    def _child(self, each: ChildSheet, *, labels: bool) -> _Sheet:
        label = self._entity.fields[each.path].label.in_(self._options.language)
        return _Sheet(self, label if labels else each.path, [*self._front, *each.columns])

    def _columns_in_front(self) -> list[OutColumn]:
        """Return the columns that say which record child rows belong to: its id, and its title where it is seen."""
        entity, labels = self._entity, self._options.headers == "labels"
        label = entity.label.in_(self._options.language)
        found = [OutColumn("id", f"{label} · id" if labels else entity.key, entity.fields["id"])]
        if entity.title in self._made.paths and entity.title != "id":
            masked = self._reader.access.mask(entity.key).get(entity.title) == "masked"
            header = label if labels else f"{entity.key}.{entity.title}"
            found.append(OutColumn(entity.title, header, entity.fields[entity.title], masked))
        return found

    def page(self, rows: RowSet, allowed: Iterable[bool]) -> int:
        """Write those rows that are allowed and return how many."""
        count, columns = 0, self._made.columns
        titles = titles_of(self._reader, columns, rows)
        for row, may in zip(rows.dicts(), allowed, strict=True):
            if not may:
                continue
            count += 1
            self._main.add(
                [named(row[each.path], titles[each.path]) if each.titled else row[each.path] for each in columns]
            )
            front = [row[each.path] for each in self._front]
            for sheet, written in self._children:
                for child in row[sheet.path] or ():
                    written.add([*front, *(child.get(each.path) for each in sheet.columns)])
        return count

    def end(self, about: Sequence[tuple[str, str]]) -> None:
        """Write the sheet that says what the file is, and finish the file."""
        if about:
            told = [*about, *self._what_was_cut()]
            sheet = self.book.add_worksheet(self.name(Message("About this file").in_(self._options.language)))
            sheet.set_column(0, 0, _USUAL_WIDTH, self.bold)
            sheet.set_column(1, 1, 4 * _USUAL_WIDTH)
            for number, (what, value) in enumerate(told):
                sheet.write_string(number, 0, what)
                sheet.write_string(number, 1, value[:LONGEST_CELL])
            # Who takes the sheet out forgets this: the same in the properties of the file.
            words = "\n".join(f"{what}: {value}" for what, value in about)
            self.book.set_properties({"comments": words[:_LONGEST_COMMENT]})
        self.book.close()

    def _what_was_cut(self) -> list[tuple[str, str]]:
        if not self.cut:
            return []
        language = self._options.language
        why = Message(
            "{count}; a cell holds {most} characters, CSV holds all", count=self.cut, most=f"{LONGEST_CELL:,}"
        )
        return [(Message("Texts that were cut").in_(language), why.in_(language))]

    def name(self, wanted: str) -> str:
        """Return a name for a sheet that spreadsheets take and that no other sheet has."""
        base = wanted.translate(_NOT_IN_NAMES).strip()[:_LONGEST_NAME] or "sheet"
        name, number = base, 1
        while name.casefold() in self._names:
            number += 1
            name = f"{base[: _LONGEST_NAME - len(str(number)) - 1]} {number}"
        self._names.add(name.casefold())
        return name

    def writing(self, column: OutColumn) -> Callable[[Any, int, int, Any], None]:
        """Return what writes a value of a column: (sheet, row, place, value)."""
        if self._options.values == "people" and not column.masked and column.field.type.links == "":
            if (
                column.field.value_type is Type.NUMBER
                and column.field.type.result(column.field.options).name != "duration"
            ):
                money = column.field.type.result(column.field.options).name == "money"
                shown = self.formats["money" if money and (column.field.scale or 0) > 0 else "number"]
                return lambda sheet, row, place, value: self._plain(sheet, row, place, value, column, shown)
            if column.field.value_type not in {Type.DATE, Type.DATETIME, Type.TIME}:
                show = display(column, self._made)
                return lambda sheet, row, place, value: self._words(sheet, row, place, show(value))
        return lambda sheet, row, place, value: self._plain(sheet, row, place, value, column, None)

    def _words(self, sheet: Any, row: int, place: int, text: str) -> None:
        if len(text) > LONGEST_CELL:
            self.cut += 1
            text = f"{text[: LONGEST_CELL - 1]}…"
        if text:
            sheet.write_string(row, place, text)

    def _plain(self, sheet: Any, row: int, place: int, value: Any, column: OutColumn, number: Any) -> None:
        match value:
            case bool():
                sheet.write_boolean(row, place, value)
            case int() | Decimal() if len(str(value).strip("-").replace(".", "")) <= _EXACT_DIGITS:
                sheet.write_number(row, place, value, number)
            case datetime() if value.year > _FIRST_YEAR:
                local = value.astimezone(self._made.zone).replace(tzinfo=None)
                sheet.write_datetime(row, place, local, self.formats["datetime"])
            case datetime():
                self._words(sheet, row, place, value.isoformat(" ", "seconds"))
            case date() if value.year >= _FIRST_YEAR:
                sheet.write_datetime(row, place, value, self.formats["date"])
            case time():
                sheet.write_datetime(row, place, value, self.formats["time"])
            case list() | tuple():
                plain = all(isinstance(each, str) for each in value)
                self._words(sheet, row, place, "; ".join(value) if plain else as_json(value))
            case dict():
                self._words(sheet, row, place, formatted(column.field, value, self._made.locale))
            case _:
                self._words(sheet, row, place, str(value))


class _Sheet:
    """Rows under one header; when a sheet is full they go on in the next."""

    def __init__(self, whole: Spreadsheet, name: str, columns: Sequence[OutColumn]) -> None:
        self._whole, self._name, self._columns = whole, name, columns
        self._writers = [whole.writing(each) for each in columns]
        self._begin()

    def _begin(self) -> None:
        self._row = 0
        self._sheet = self._whole.book.add_worksheet(self._whole.name(self._name))
        self._sheet.freeze_panes(1, 0)
        for place, each in enumerate(self._columns):
            self._sheet.set_column(place, place, _WIDTHS.get(each.field.value_type, _USUAL_WIDTH))
            self._sheet.write_string(0, place, each.header, self._whole.bold)

    def add(self, values: Sequence[Any]) -> None:
        """Write one row."""
        if self._row >= LAST_ROW:
            self._begin()
        self._row += 1
        for place, (write, value) in enumerate(zip(self._writers, values, strict=True)):
            if value is not None:
                write(self._sheet, self._row, place, value)
