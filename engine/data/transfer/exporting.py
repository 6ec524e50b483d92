"""Export: records into CSV, a spreadsheet or JSON lines, page by page, in the words that an import reads back.

A link stands twice in a table: as the id, which is exact, and as the title, which people read; an import takes the id.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, time
from decimal import Decimal
from typing import IO, Any, Literal

import orjson

from engine.audit import Event
from engine.data.principal import zone
from engine.data.query import Query
from engine.data.reader import Reader
from engine.data.rowset import RowSet
from engine.data.transfer.mapping import guarded
from engine.errors import GuanxiError
from engine.expression import Expr, Type, to_text
from engine.fields import Locale
from engine.i18n import Message
from engine.metadata.model import Entity, Field, Order

Kind = Literal["csv", "xlsx", "jsonl"]

PAGE = 1_000
_LAST_SHEET_ROW = 1_048_575
_EXACT_DIGITS = 15
_LEFT_OUT = frozenset({"version", "deleted_at", "origin", "created_by", "updated_by"})
_BEHIND = ("created_at", "updated_at")


class Exporter:
    """Writes the records of one entity that a reader may export."""

    def __init__(
        self,
        reader: Reader,
        entity: str,
        where: Expr | None = None,
        fields: Sequence[str] = (),
        search: str | None = None,
    ) -> None:
        """Prepare an export; `search` has words that full-text search must find.

        Raises:
            NotFound: there is no such entity.
            AccessDenied: the principal may not export.
        """
        self._reader = reader
        self._kind: Entity = reader.model.entity(entity)
        reader.access.require(entity, "export")
        reader.principal.require_own_hands()
        reader.read_as = "export"
        self._where, self._fields, self._search = where, tuple(fields), search
        where_ = reader.model.timezone if reader.principal.system else reader.principal.timezone
        self._locale = Locale("en", where_, reader.model.currency)
        # A person may have given a name that is no zone; then it is UTC, as everywhere.
        self._zone = zone(where_)
        self.count = 0
        """Records that were written so far."""
        self.done = False

    def write(self, stream: IO[bytes], kind: Kind) -> int:
        """Write everything and return the number of records.

        Raises:
            QueryInvalid: a field or condition cannot be used.
            GuanxiError: there are more records than a sheet holds.
        """
        paths = self._fields or tuple(self._default_paths(children=kind == "jsonl"))
        writer = {"csv": self._write_csv, "xlsx": self._write_xlsx, "jsonl": self._write_json}[kind]
        writer(stream, paths)
        self.done = True
        return self.count

    def act(self, kind: Kind) -> Event:
        """Return what the audit log says of it, done or broken off."""
        viewer = self._reader.principal.viewer
        details = {
            "format": kind,
            "where": to_text(self._where) if self._where is not None else None,
            "search": self._search,
            "fields": list(self._fields),
            "broken_off": not self.done,
            "as": self._reader.principal.id if viewer is not None else None,
        }
        told = {name: value for name, value in details.items() if value}
        who = viewer.id if viewer is not None else self._reader.principal.id
        return Event("export", who, self._kind.key, None, self.count, told)

    # --- rows -----------------------------------------------------------------------------------------------------

    def _default_paths(self, *, children: bool) -> Iterator[str]:
        known = self._kind.fields
        seen = [
            known[key] for key in self._reader.columns(self._kind.key) if key not in _LEFT_OUT and not known[key].secret
        ]
        for field in sorted(seen, key=lambda each: each.key in _BEHIND):
            if field.type.links == "children":
                if children:
                    yield field.key
                continue
            yield field.key
            if field.type.links == "one" and field.target is not None and not children and self._shows(field):
                title = self._reader.model.entity(field.target).title
                if self._reader.access.mask(field.target).get(title) not in {"hidden", None}:
                    yield f"{field.key}.{title}"

    def _shows(self, field: Field) -> bool:
        """Say whether a link is shown, and not only a mark in its place: then its title may be."""
        return self._reader.access.mask(self._kind.key).get(field.key) in {"read", "write"}

    def _pages(self, paths: tuple[str, ...]) -> Iterator[tuple[RowSet, list[bool]]]:
        query = Query(self._kind.key, paths, self._where, search=self._search, order_by=(Order(("id",)),), limit=PAGE)
        cursor: str | None = None
        while True:
            rows = self._reader.query(replace(query, cursor=cursor), abilities=("export",))
            yield rows, rows.abilities("export")
            cursor = rows.next_cursor
            if cursor is None:
                return

    def _field(self, path: str) -> Field | None:
        kind: Entity | None = self._kind
        field: Field | None = None
        for key in path.split("."):
            field = kind.fields.get(key) if kind is not None else None
            if field is None:
                return None
            kind = self._reader.model.entities.get(field.target or "")
        return field

    # --- ways of writing ------------------------------------------------------------------------------------------

    def _write_csv(self, stream: IO[bytes], paths: tuple[str, ...]) -> None:
        cells = [self._csv_cell(self._field(path)) for path in paths]
        text = io.StringIO(newline="")
        writer = csv.writer(text)
        text.write("\ufeff")
        writer.writerow(paths)
        for rows, allowed in self._pages(paths):
            for row, may in zip(rows.json(), allowed, strict=True):
                if may:
                    writer.writerow([cell(row.get(path)) for cell, path in zip(cells, paths, strict=True)])
                    self.count += 1
            stream.write(text.getvalue().encode())
            text.seek(0)
            text.truncate()

    def _csv_cell(self, field: Field | None) -> Callable[[Any], Any]:
        words = field is not None and field.value_type is Type.TEXT

        def cell(value: Any) -> Any:
            if value is None:
                return ""
            if isinstance(value, str):
                return guarded(value) if words else value
            if isinstance(value, bool):
                return "true" if value else "false"
            if isinstance(value, (list, tuple)):
                return "; ".join(map(str, value)) if all(isinstance(each, str) for each in value) else _json(value)
            if isinstance(value, dict):
                return self._formatted(field, value)
            return value

        return cell

    def _formatted(self, field: Field | None, value: Any) -> str:
        if field is None:
            return _json(value)
        return field.type.format(field.type.parse(value, field.options), field.options, self._locale)

    def _write_json(self, stream: IO[bytes], paths: tuple[str, ...]) -> None:
        for rows, allowed in self._pages(paths):
            for row, may in zip(rows.json(), allowed, strict=True):
                if may:
                    stream.write(
                        orjson.dumps({path: row.get(path) for path in paths}, option=orjson.OPT_APPEND_NEWLINE)
                    )
                    self.count += 1

    def _write_xlsx(self, stream: IO[bytes], paths: tuple[str, ...]) -> None:
        from xlsxwriter import Workbook

        options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
        book = Workbook(stream, options)
        sheet = book.add_worksheet(self._kind.key[:31])
        formats = {
            name: book.add_format({"num_format": pattern})
            for name, pattern in (("date", "yyyy-mm-dd"), ("datetime", "yyyy-mm-dd hh:mm:ss"), ("time", "hh:mm:ss"))
        }
        sheet.freeze_panes(1, 0)
        sheet.write_row(0, 0, paths, book.add_format({"bold": True}))
        fields = [self._field(path) for path in paths]
        for rows, allowed in self._pages(paths):
            if self.count + len(rows) > _LAST_SHEET_ROW:
                raise GuanxiError(
                    Message("A sheet holds at most {count} records; export CSV", count=f"{_LAST_SHEET_ROW:,}")
                )
            for row, may in zip(rows.dicts(), allowed, strict=True):
                if not may:
                    continue
                self.count += 1
                for place, path in enumerate(paths):
                    self._write_cell(sheet, self.count, place, row.get(path), fields[place], formats)
        book.close()

    def _write_cell(self, sheet: Any, row: int, place: int, value: Any, field: Field | None, formats: Any) -> None:
        match value:
            case None:
                return
            case bool():
                sheet.write_boolean(row, place, value)
            case int() | Decimal() if len(str(value).strip("-").replace(".", "")) <= _EXACT_DIGITS:
                sheet.write_number(row, place, value)
            case datetime():
                local = value.astimezone(self._zone).replace(tzinfo=None)
                sheet.write_datetime(row, place, local, formats["datetime"])
            case date():
                sheet.write_datetime(row, place, value, formats["date"])
            case time():
                sheet.write_datetime(row, place, value, formats["time"])
            case list() | tuple():
                sheet.write_string(row, place, "; ".join(map(str, value)))
            case dict():
                sheet.write_string(row, place, self._formatted(field, value))
            case _:
                sheet.write_string(row, place, str(value))


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()
