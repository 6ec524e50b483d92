"""What somebody says about the columns of a file: which field each goes into, changed in which way, and how it is read.

The same mapping is a file that `guanxi import --map` reads, a row that a person saved under a name, and what the pages
of an import fill in.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from dataclasses import field as _field
from pathlib import Path
from typing import Any

from engine.data.transfer.decoding import SheetUnreadable
from engine.errors import DocumentsInvalid, Place, Problem
from engine.i18n import Message
from engine.metadata.document import by_place, read_plain
from engine.metadata.shape import Compiler
from engine.metadata.syntax import dump, join

REASON = "reason"
"""The column of the file with bad rows that says why; left out when such a file is imported again."""
MISSING = ("refuse", "leave", "create")
"""What to do when there is no record that a row names: refuse the row, leave the field empty, create it."""
MODES = ("create", "update", "both")
EMPTY = ("clear", "keep")
CHANGES = ("trim", "upper", "lower", "title", "digits")
DATES = ("ymd", "dmy", "mdy", "serial")
NUMBERS = ("comma", "point")
_FORMULA = re.compile(r"'*[=+\-@\t\r]")


@dataclass(frozen=True, slots=True)
class ColumnRule:
    """Where the cells of a column go, and what happens to them on the way, in the order of these lines."""

    field: str = ""
    """A field, or one of a linked record: `account.name`."""
    part: tuple[str, int] | None = None
    """Only one part of the text: what stands between, and which one, from 1; -1 is the last."""
    do: tuple[str, ...] = ()
    """Of CHANGES."""
    values: Mapping[str, Any] = _field(default_factory=dict)
    """Cell -> what it means; None leaves it empty."""
    date: str = ""
    """Of DATES: in which order days, months and years stand; `serial` = days since 1900 as spreadsheets count."""
    number: str = ""
    """Of NUMBERS: what stands before the decimals."""
    times: str = ""
    """What numbers are multiplied by: 10000 for 万."""
    prefix: str = ""
    suffix: str = ""
    separator: str = ""
    """What stands between several values in one cell; commas and semicolons unless given."""
    join: str | None = None
    """What stands between this column and the ones before it that go into the same field."""
    default: Any = None
    """What an empty cell means."""
    missing: str = "refuse"
    """Of MISSING."""

    def body(self) -> Any:
        """Return it as a mapping file says it: the name of the field alone where that is all."""
        said = {
            each.name: value
            for each in fields(self)
            if (value := getattr(self, each.name)) not in ("", None, (), {}) and (each.name, value) != _PLAIN
        }
        if self.join == "":
            said["join"] = ""
        for key in ("do", "part"):
            if key in said:
                said[key] = list(said[key])
        if "values" in said:
            said["values"] = dict(said["values"])
        return self.field if set(said) == {"field"} else said


_PLAIN = ("missing", "refuse")


@dataclass(frozen=True, slots=True)
class ColumnMap:
    """What a person says about a file and its columns."""

    columns: Mapping[str, Any] = _field(default_factory=dict)
    """Header -> field, rule, several rules, or nothing to leave it out."""
    values: Mapping[str, Any] = _field(default_factory=dict)
    """Field -> value, the same for every row."""
    on: str | None = None
    """What tells that a record is there already: external_id, id, a unique rule or a unique field."""
    mode: str = "both"
    """Of MODES; without `on` every row is a new record."""
    empty: str = "clear"
    """Of EMPTY: whether an empty cell takes the value of a record away that is there already."""
    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None
    header_row: int | None = None

    def rules(self, header: str) -> tuple[ColumnRule, ...]:
        """Return what is said about a column; nothing for one that is left out."""
        said = self.columns.get(header)
        if said is None:
            return ()
        several = said if isinstance(said, (list, tuple)) else (said,)
        return tuple(each if isinstance(each, ColumnRule) else ColumnRule(each) for each in several)

    def body(self) -> dict[str, Any]:
        """Return it as a mapping file says it."""
        columns: dict[str, Any] = {}
        for header in self.columns:
            found = [rule.body() for rule in self.rules(header)]
            columns[header] = None if not found else found[0] if len(found) == 1 else found
        said: dict[str, Any] = {"columns": columns, "values": dict(self.values)}
        if self.on is not None:
            said |= {"on": self.on, "mode": self.mode}
        if self.empty != "clear":
            said["empty"] = self.empty
        for key in ("encoding", "delimiter", "sheet", "header_row"):
            if (value := getattr(self, key)) is not None:
                said[key] = value
        return {key: value for key, value in said.items() if value != {} or key == "columns"}


def _text(description: str, **more: Any) -> dict[str, Any]:
    return {"type": "string", "description": description, **more}


_RULE: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["field"],
    "properties": {
        "field": _text("The field that it goes into.", minLength=1),
        "part": {
            "type": "array",
            "description": "What stands between the parts of the text, and which one is meant.",
            "minItems": 2,
            "maxItems": 2,
            "items": {"type": ["string", "integer"]},
        },
        "do": {"type": "array", "description": "Changes of the text.", "items": {"enum": list(CHANGES)}},
        "values": {"type": "object", "description": "What cells mean."},
        "date": {"enum": list(DATES), "description": "In which order days, months and years stand."},
        "number": {"enum": list(NUMBERS), "description": "What stands before the decimals."},
        "times": {"type": ["string", "number"], "description": "What numbers are multiplied by."},
        "prefix": _text("Text in front."),
        "suffix": _text("Text behind."),
        "separator": _text("What stands between several values."),
        "join": _text("What stands between this column and those before it in the same field."),
        "default": {"description": "What an empty cell means."},
        "missing": {"enum": list(MISSING), "description": "What to do when there is no such linked record."},
    },
}
_LONG: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "columns": {"type": "object", "description": "Column to field.", "additionalProperties": {}},
        "values": {"type": ["object", "null"], "description": "Values that are the same for every row."},
        "on": _text("What tells that a record is there already.", minLength=1),
        "mode": {"enum": list(MODES), "description": "Whether records are created, updated, or both."},
        "empty": {"enum": list(EMPTY), "description": "What an empty cell does to a record that is there."},
        "encoding": _text("The encoding of the file.", minLength=1),
        "delimiter": _text("What stands between cells.", minLength=1, maxLength=1),
        "sheet": _text("The sheet of a spreadsheet.", minLength=1),
        "header_row": {"type": "integer", "description": "The row with the headers.", "minimum": 1},
    },
}


def read_map(path: Path) -> ColumnMap:
    """Read a mapping from a file of YAML or JSON; docs/importing.md says what may stand in it.

    Raises:
        DocumentsInvalid: it is no such file; each problem has its line.
        SheetUnreadable: it cannot be read.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise SheetUnreadable(Message("{file} cannot be read: {why}", file=str(path), why=why)) from error
    return parse_map(data, str(path))


def parse_map(data: bytes, file: str) -> ColumnMap:
    """Return the mapping that a text says; `file` is what problems call it.

    Raises:
        DocumentsInvalid: it says none.
    """
    body, positions, problems = read_plain(data, file)
    if problems:
        raise DocumentsInvalid(problems)
    long = isinstance(body, dict) and isinstance(body.get("columns"), dict) and set(body) <= set(_LONG["properties"])
    body = body if long else {"columns": body}
    if not isinstance(body["columns"], dict):
        example = "ticker: external_id"
        message = Message("a mapping names a field for each column, such as {example}", example=example)
        raise DocumentsInvalid([Problem(message, Place(file))])
    inside: tuple[str | int, ...] = () if long else ("columns",)

    def place(path: tuple[str | int, ...], *, key: bool = False) -> Place:
        return positions.place(path[len(inside) :], key=key)

    found: list[Problem] = []
    for path, schema, value in _parts(body):
        if schema is None:
            message = Message("a column leads to one field, or to nothing")
            found.append(Problem(message, place(path), join(path[len(inside) :])))
            continue
        for each in Compiler(schema).compile(schema).check(value) or ():
            whole = (*path, *reversed(each.path))
            found.append(Problem(each.message, place(whole, key=each.key), join(whole[len(inside) :])))
    if found:
        raise DocumentsInvalid(sorted(found, key=by_place))
    return map_of(body)


def _parts(body: Mapping[str, Any]) -> list[tuple[tuple[str | int, ...], dict[str, Any] | None, Any]]:
    """Return what is to be checked: where it stands, by which schema (None = it is nothing at all), and what it is."""
    parts: list[tuple[tuple[str | int, ...], dict[str, Any] | None, Any]] = [((), _LONG, body)]
    for name, said in body["columns"].items():
        several = said if isinstance(said, list) and all(isinstance(each, dict) for each in said) else [said]
        for number, each in enumerate(several):
            at = ("columns", name, number) if several is said else ("columns", name)
            if isinstance(each, dict):
                parts.append((at, _RULE, each))
            elif not (each is None or isinstance(each, str)):
                parts.append((at, None, each))
    return parts


def map_of(body: Mapping[str, Any]) -> ColumnMap:
    """Return the mapping that a body says which `body()` made or `read_map` checked."""
    columns = {}
    for name, said in body["columns"].items():
        several = said if isinstance(said, list) else [said]
        rules = tuple(each if isinstance(each, str) else _rule(each) for each in several if each is not None)
        columns[str(name)] = None if not rules else rules[0] if len(rules) == 1 else rules
    rest = {key: body[key] for key in _LONG["properties"] if key not in {"columns", "values"} and body.get(key)}
    return ColumnMap(columns, dict(body.get("values") or {}), **rest)


def _rule(said: Mapping[str, Any]) -> ColumnRule:
    given = dict(said)
    if "part" in given:
        between, number = given["part"]
        given["part"] = (str(between), int(number))
    if "times" in given:
        given["times"] = str(given["times"])
    given["do"] = tuple(given.get("do", ()))
    given["values"] = {str(key): value for key, value in given.get("values", {}).items()}
    return ColumnRule(**given)


def map_text(said: ColumnMap) -> str:
    """Return a mapping as the text of a file that `read_map` reads."""
    return dump(said.body())


def guarded(text: str) -> str:
    """Return text that no spreadsheet takes for a formula; reading it here gives the text itself."""
    return f"'{text}" if _FORMULA.match(text) else text


def unguarded(cell: Any) -> Any:
    """Return a cell without the apostrophe that exports put before what a spreadsheet would take for a formula."""
    return cell[1:] if isinstance(cell, str) and cell[:1] == "'" and _FORMULA.match(cell) else cell
