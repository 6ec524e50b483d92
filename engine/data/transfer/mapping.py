"""Which column of a file is which field, and what its cells mean.

A header is a key, an external id, or a label in any language; a mapping says the rest. What a cell means is left to
the field's type: here only empty cells, links and local times are seen to.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.data.transfer.sheet import ABSENT, SheetUnreadable
from engine.errors import BadValue, DocumentsInvalid, FieldProblem, GuanxiError, Place, Problem
from engine.fields import FieldType, Locale
from engine.fields.links import WAYS
from engine.i18n import Message
from engine.ids import is_id
from engine.metadata.document import read_plain
from engine.metadata.model import Entity, Field, Model

REASON = "reason"
"""The column of the file with bad rows that says why; left out when such a file is imported again."""

_Convert = Callable[[Any], Any]
_UNWRITABLE_BUT_MATCHED = frozenset({"id", "external_id", "owner"})
_FORMULA = re.compile(r"'*[=+\-@\t\r]")


@dataclass(frozen=True, slots=True)
class ColumnMap:
    """What a person says about the columns of a file."""

    columns: Mapping[str, str | None] = field(default_factory=dict)
    """Header -> field, or nothing to leave it out."""
    values: Mapping[str, Any] = field(default_factory=dict)
    """Field -> value, the same for every row."""


def read_map(path: Path) -> ColumnMap:
    """Read a mapping: YAML of `column: field`, or that under `columns` with `values` for every row beside it.

    Raises:
        DocumentsInvalid: it is no such file.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise SheetUnreadable(Message("{file} cannot be read: {why}", file=str(path), why=why)) from error
    body, positions, problems = read_plain(data, str(path))
    if problems:
        raise DocumentsInvalid(problems)
    long = isinstance(body, dict) and isinstance(body.get("columns"), dict) and set(body) <= {"columns", "values"}
    columns = body["columns"] if long else body
    values = (body.get("values") or {}) if long else {}
    if not isinstance(columns, dict) or not isinstance(values, dict):
        raise DocumentsInvalid(
            [
                Problem(
                    Message(
                        "a mapping names a field for each column, such as {example}", example="ticker: external_id"
                    ),
                    Place(str(path)),
                )
            ]
        )
    at = ("columns",) if long else ()
    wrong = [
        Problem(Message("a column leads to one field, or to nothing"), positions.place((*at, name)), name)
        for name, target in columns.items()
        if not (target is None or isinstance(target, str))
    ]
    if wrong:
        raise DocumentsInvalid(wrong)
    return ColumnMap({str(name): target for name, target in columns.items()}, values)


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the file that goes into a field."""

    index: int
    key: str
    convert: _Convert
    keep_empty: bool
    """Whether an empty cell clears the field of a record that is there already."""


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of a file, matched with the fields of an entity."""

    columns: tuple[Column, ...]
    left_out: tuple[str, ...]
    """Headers that lead nowhere."""
    values: Mapping[str, Any]

    @property
    def keys(self) -> frozenset[str]:
        """Return the fields that rows give values for."""
        return frozenset(column.key for column in self.columns) | frozenset(self.values)

    def read(self, cells: Sequence[Any]) -> tuple[dict[str, Any], list[FieldProblem]]:
        """Return the values of one row by field, and what is wrong with its cells."""
        values = dict(self.values)
        problems: list[FieldProblem] = []
        for column in self.columns:
            cell = cells[column.index]
            if cell is ABSENT:
                continue
            if cell is None or cell == "":
                if column.keep_empty:
                    values[column.key] = None
                continue
            try:
                values[column.key] = column.convert(cell)
            except BadValue as error:
                problems.append(FieldProblem(column.key, error.message, "value"))
        return values, problems


class Matcher:
    """Matches headers with the fields of one entity."""

    def __init__(
        self, model: Model, entity: Entity, locale: Locale, *, updates: bool, emails: Callable[[str], str | None]
    ) -> None:
        self._model, self._entity, self._locale, self._updates, self._emails = model, entity, locale, updates, emails
        self._names = self._named()

    def match(self, headers: Sequence[str], said: ColumnMap) -> Columns:
        """Match every header.

        Raises:
            GuanxiError: a mapping names what is not there, two columns lead to one field, or none leads anywhere.
        """
        missing = next((name for name in said.columns if name not in headers), None)
        if missing is not None:
            raise GuanxiError(
                Message(
                    "The mapping names a column {name} that the file does not have; it has {headers}",
                    name=repr(missing),
                    headers=", ".join(headers),
                )
            )
        taken: dict[str, str] = dict.fromkeys(said.values, "")
        found: list[Column] = []
        left_out: list[str] = []
        for key in said.values:
            self._field(key, key)
        for index, header in enumerate(headers):
            target = said.columns[header] if header in said.columns else self._guess(header)
            if target is None:
                # What somebody leaves out on purpose needs no telling.
                left_out += [] if header in said.columns else [header]
                continue
            column = self._column(index, header, target)
            if column.key in taken:
                if header in said.columns or not self._weaker(header):
                    raise GuanxiError(
                        Message(
                            "The columns {first} and {second} both lead to {field}",
                            first=repr(taken[column.key] or column.key),
                            second=repr(header),
                            field=column.key,
                        )
                    )
                left_out.append(header)
                continue
            taken[column.key] = header
            found.append(column)
        if not found:
            raise GuanxiError(
                Message(
                    "No column of the file is a field of {entity}; its fields are {fields}",
                    entity=self._entity.key,
                    fields=", ".join(self._writable()),
                )
            )
        return Columns(tuple(found), tuple(header for header in left_out if header), dict(said.values))

    @staticmethod
    def _weaker(header: str) -> bool:
        # An export has both `account`, the id, and `account.name`, for people: the id says which record is meant.
        return "." in header

    def _guess(self, header: str) -> str | None:
        if not header:
            return None
        targets = self._names.get(_plain(header), set())
        if len(targets) > 1:
            raise GuanxiError(
                Message(
                    "The column {header} may be any of {fields}; a mapping must say which",
                    header=repr(header),
                    fields=", ".join(sorted(targets)),
                )
            )
        return next(iter(targets), None)

    def _column(self, index: int, header: str, target: str) -> Column:
        key, _, by = target.partition(".")
        each = self._field(key, header)
        keep_empty = self._updates and not (
            each.required or each.default is not None or each.default_expr or key == "id"
        )
        return Column(index, key, self._convert(each, by, header), keep_empty)

    def _field(self, key: str, header: str) -> Field:
        each = self._entity.fields.get(key)
        if each is None or not _importable(each):
            raise GuanxiError(
                Message(
                    "{header} leads to {field}, which is no field of {entity} that can be written; those are {fields}",
                    header=repr(header),
                    field=repr(key),
                    entity=self._entity.key,
                    fields=", ".join(self._writable()),
                )
            )
        return each

    def _convert(self, each: Field, by: str, header: str) -> _Convert:
        links = each.type.links
        if by and not links:
            raise GuanxiError(
                Message("{field} links to nothing, so {header} means nothing", field=each.key, header=repr(header))
            )
        if links in {"one", "many"} and each.target is not None:
            way = self._way(each, by, header)
            one = self._link(each.target, way)
            return one if links == "one" else lambda cell: [one(part) for part in _parts(cell)]
        if links == "children" and each.target is not None:
            return self._children(self._model.entity(each.target))
        if links == "":
            # What a person types may mean something else than what a program writes: a time without a zone.
            kind, options, locale = each.type, each.options, self._locale
            if type(kind).read is not FieldType.read:
                return lambda cell: kind.read(_cleaned(cell), options, locale)
        return _cleaned

    @staticmethod
    def _children(child: Entity) -> _Convert:
        made = {key for key, each in child.fields.items() if not _importable(each)} | {"version"}

        def convert(cell: Any) -> Any:
            if not isinstance(cell, list):
                return cell
            # An export holds what is worked out too; it is worked out again.
            return [{key: row[key] for key in row if key not in made} if isinstance(row, dict) else row for row in cell]

        return convert

    def _way(self, each: Field, by: str, header: str) -> str:
        title = self._model.entity(each.target or "").title
        if by in {"", *WAYS}:
            return by or "title"
        if by == title:
            return "title"
        raise GuanxiError(
            Message("{header}: a linked record is found by external_id or by {title}", header=repr(header), title=title)
        )

    def _link(self, target: str, way: str) -> _Convert:
        emails = self._emails if target == "user" else None

        def convert(cell: Any) -> Any:
            if isinstance(cell, dict):
                return cell
            text = str(_cleaned(cell)).strip()
            if is_id(text):
                return text
            if emails is not None and "@" in text and (found := emails(text)) is not None:
                return found
            return {way: text}

        return convert

    def _named(self) -> dict[str, set[str]]:
        """Return every name that a header may have -> fields, each as a mapping would name it."""
        keys: dict[str, set[str]] = {}
        labels: dict[str, set[str]] = {}
        for key, each in self._entity.fields.items():
            if not _importable(each):
                continue
            keys[_plain(key)] = {key}
            for words in (*each.label.values(), str(each.label)):
                labels.setdefault(_plain(words), set()).add(key)
            if each.type.links in {"one", "many"} and each.target is not None:
                for way in (*WAYS, self._model.entity(each.target).title):
                    keys[_plain(f"{key}.{way}")] = {f"{key}.{way}"}
        return {**labels, **keys}

    def _writable(self) -> list[str]:
        return [key for key, each in self._entity.fields.items() if _importable(each)]


def _importable(each: Field) -> bool:
    return each.key in _UNWRITABLE_BUT_MATCHED or each.writable


def _plain(header: str) -> str:
    """Return a header as it is compared: without case, width, and what stands between its words."""
    text = unicodedata.normalize("NFKC", header).casefold()
    return "".join(letter for letter in text if letter.isalnum() or letter == ".") or text.strip()


def _cleaned(cell: Any) -> Any:
    # Exports put an apostrophe before text that a spreadsheet would take for a formula.
    return cell[1:] if isinstance(cell, str) and cell[:1] == "'" and _FORMULA.match(cell) else cell


def _parts(cell: Any) -> list[Any]:
    if isinstance(cell, (list, tuple)):
        return list(cell)
    marks = str.maketrans(dict.fromkeys(",，、;；\n", "\n"))
    return [part.strip() for part in str(cell).translate(marks).split("\n") if part.strip()]


def guarded(text: str) -> str:
    """Return text that no spreadsheet takes for a formula; reading it here gives the text itself."""
    return f"'{text}" if _FORMULA.match(text) else text
