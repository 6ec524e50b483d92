"""What somebody wants exported, and how it is to be written: a value that can be kept as JSON and read again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from engine.data.query import orders
from engine.errors import ExpressionInvalid, FieldProblem, GuanxiError, QueryInvalid, RecordInvalid
from engine.expression import Expr, parse, to_text, transform, walk
from engine.expression import Literal as Value
from engine.expression import Path as FieldPath
from engine.i18n import LANGUAGES, Message
from engine.ids import is_id
from engine.metadata.model import Entity, Model, Order

Kind = Literal["csv", "xlsx", "jsonl"]
Headers = Literal["keys", "labels"]
Links = Literal["both", "ids", "titles"]
Values = Literal["exact", "people"]
Encoding = Literal["utf-8-sig", "utf-8", "gb18030", "utf-16"]
Delimiter = Literal[",", ";", "\t"]

MOST_FIELDS = 1_000
MOST_CHOSEN = 10_000
"""Records that may be named one by one."""
MOST_WORDS = 500
"""Characters of a reason."""


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """Which records and fields, and how they are written. Unless something is said, an import takes the file back."""

    kind: Kind = "csv"
    where: Expr | None = None
    search: str | None = None
    """Words that full-text search must find."""
    ids: tuple[str, ...] | None = None
    """Only these records."""
    order_by: tuple[Order, ...] = ()
    """Empty = as they were made."""
    fields: tuple[str, ...] = ()
    """Keys, or paths along links to one record; empty = all that may be seen."""
    headers: Headers = "keys"
    links: Links | None = None
    """How a link to records stands there; None = both where all fields are exported, as named where some are."""
    values: Values = "exact"
    """`people`: labels of options, yes and no, amounts with their currency, in `language`."""
    language: str = "en"
    timezone: str = ""
    """Of times; empty = UTC in text and in JSON, the time of who exports in spreadsheets."""
    encoding: Encoding = "utf-8-sig"
    delimiter: Delimiter = ","
    children: bool | None = None
    """Whether child rows come along: in JSON lines nested, which is usual there, in a spreadsheet as sheets."""
    about: bool = False
    """Whether the file says who exported what and when: in a spreadsheet as a sheet, in CSV below the rows."""
    files: bool = False
    """Whether the files of the records come along, in a zip with the rows."""
    reason: str = ""
    """Why, in the words of who exports; noted in the audit log."""

    @property
    def suffix(self) -> str:
        """Return how the name of the file ends, without the dot."""
        return "zip" if self.files else self.kind

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON that `read_export_options` takes back; what says nothing is left out."""
        body: dict[str, Any] = {"format": self.kind}
        if self.where is not None:
            body["filter"] = to_text(self.where)
        if self.order_by:
            body["order"] = [f"{'-' if each.descending else ''}{'.'.join(each.path)}" for each in self.order_by]
        plain = {
            "q": self.search, "ids": self.ids, "fields": self.fields, "links": self.links, "children": self.children,
            "timezone": self.timezone, "reason": self.reason,
        }  # fmt: skip
        body |= {key: list(value) if isinstance(value, tuple) else value for key, value in plain.items()
                 if value not in {None, "", ()} or (key == "ids" and value == ())}  # fmt: skip
        for key in ("headers", "values", "language", "encoding", "delimiter", "about", "files"):
            if (value := getattr(self, key)) != getattr(_USUAL, key):
                body[key] = value
        return body


_USUAL = ExportOptions()


def read_export_options(body: Mapping[str, Any]) -> ExportOptions:
    """Return what JSON asks for.

    Its keys: `format filter q ids order fields headers links values language timezone encoding delimiter children
    about files reason`.

    Raises:
        RecordInvalid: a key or value cannot be used; each problem has the key as its path.
    """
    problems: list[FieldProblem] = []
    found: dict[str, Any] = {}
    for key, raw in body.items():
        known = _READ.get(key)
        if known is None:
            problems.append(FieldProblem(key, Message("An export has no {key}", key=key), "unknown"))
            continue
        name, read = known
        if raw is None:
            continue
        try:
            found[name] = read(raw)
        except ExpressionInvalid as error:
            problems += [FieldProblem(key, each.message, "expression") for each in error.problems]
        except (QueryInvalid, _Wrong) as error:
            problems.append(FieldProblem(key, error.message, "value"))
    options = ExportOptions(**found)
    if not problems:
        problems = _clashes(options)
    if problems:
        raise RecordInvalid(problems)
    return options


_SUFFIXES: Mapping[str, Kind] = {".csv": "csv", ".xlsx": "xlsx", ".jsonl": "jsonl", ".ndjson": "jsonl"}


def kind_of_file(file: Path) -> Kind:
    """Return the format that a file's name asks for.

    Raises:
        GuanxiError: it is none that can be written.
    """
    kind = _SUFFIXES.get(file.suffix.lower())
    if kind is None:
        raise GuanxiError(
            Message("{file}: files end with one of {suffixes}", file=str(file), suffixes=", ".join(_SUFFIXES))
        )
    return kind


def named_options(given: Mapping[str, Any]) -> ExportOptions:
    """Return options that were given by name; the condition may be text.

    Raises:
        ExpressionInvalid: it cannot be read.
    """
    where = given.get("where")
    known: dict[str, Any] = {
        key: tuple(value) if key == "fields" else value for key, value in given.items() if value is not None
    }
    known["where"] = parse(where) if isinstance(where, str) else where
    return ExportOptions(**known)


def _clashes(options: ExportOptions) -> list[FieldProblem]:
    """Return what is well said and does not fit the format."""
    if options.kind == "jsonl":
        message = Message("JSON lines are for programs: keys and exact values")
        named = {"headers": options.headers != "keys", "values": options.values != "exact", "about": options.about}
        return [FieldProblem(key, message, "format") for key, wrong in named.items() if wrong]
    if options.kind == "csv" and options.children:
        return [FieldProblem("children", Message("Child rows go into XLSX or JSON lines"), "format")]
    return []


class _Wrong(QueryInvalid):
    """A value of a wrong kind."""


def _text(raw: Any) -> str:
    if not isinstance(raw, str):
        raise _Wrong(Message("This is a text"))
    return raw.strip()


def _flag(raw: Any) -> bool:
    if not isinstance(raw, bool):
        raise _Wrong(Message("This is true or false"))
    return raw


def _one_of(choices: Any) -> Callable[[Any], str]:
    known = get_args(choices)

    def read(raw: Any) -> str:
        if raw not in known:
            shown = ", ".join("\\t" if each == "\t" else each for each in known)
            raise _Wrong(Message("This is one of {choices}", choices=shown))
        return str(raw)

    return read


def _texts(raw: Any, most: int) -> tuple[str, ...]:
    given = raw.split(",") if isinstance(raw, str) else raw
    if not isinstance(given, (list, tuple)) or not all(isinstance(each, str) for each in given):
        raise _Wrong(Message("This is a list of texts"))
    if len(given) > most:
        raise _Wrong(Message("At most {most} can be named", most=f"{most:,}"))
    return tuple(dict.fromkeys(each.strip() for each in given if each.strip()))


def _ids(raw: Any) -> tuple[str, ...]:
    found = _texts(raw, MOST_CHOSEN)
    # A program that sends an empty one has not meant "none of them"; in a text with commas it is nothing.
    for each in found if isinstance(raw, str) else raw:
        if not is_id(each.strip()):
            raise _Wrong(Message("{text} is not an id", text=each))
    return found


def _zone(raw: Any) -> str:
    name = _text(raw)
    try:
        return ZoneInfo(name).key if name else ""
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise _Wrong(Message("there is no time zone {name}", name=repr(name))) from None


def _language(raw: Any) -> str:
    if raw not in LANGUAGES:
        raise _Wrong(Message("This is one of {choices}", choices=", ".join(LANGUAGES)))
    return str(raw)


def _reason(raw: Any) -> str:
    words = _text(raw)
    if len(words) > MOST_WORDS:
        raise _Wrong(Message("Too long: {count} characters, at most {max}", count=len(words), max=MOST_WORDS))
    return words


_READ: Mapping[str, tuple[str, Callable[[Any], Any]]] = {
    "format": ("kind", _one_of(Kind)),
    "filter": ("where", lambda raw: parse(_text(raw)) if _text(raw) else None),
    "q": ("search", lambda raw: _text(raw) or None),
    "ids": ("ids", _ids),
    "order": ("order_by", lambda raw: orders(_texts(raw, 10))),
    "fields": ("fields", lambda raw: _texts(raw, MOST_FIELDS)),
    "headers": ("headers", _one_of(Headers)),
    "links": ("links", _one_of(Links)),
    "values": ("values", _one_of(Values)),
    "language": ("language", _language),
    "timezone": ("timezone", _zone),
    "encoding": ("encoding", _one_of(Encoding)),
    "delimiter": ("delimiter", _one_of(Delimiter)),
    "children": ("children", _flag),
    "about": ("about", _flag),
    "files": ("files", _flag),
    "reason": ("reason", _reason),
}


def discreet(model: Model, entity: Entity, where: Expr) -> str:
    """Return a condition as the audit log keeps it: without texts that may be somebody's name, number or address.

    Options, ids, numbers, dates and yes and no stay, for they say which part of the records it was.
    """
    known = {choice for each in walk(where) if isinstance(each, FieldPath) for choice in _choices(model, entity, each)}

    def plain(value: Any) -> Any:
        if isinstance(value, (list, tuple)):
            return tuple(map(plain, value))
        return "…" if isinstance(value, str) and value not in known and not is_id(value) else value

    def change(each: Expr) -> Expr:
        return Value(plain(each.value)) if isinstance(each, Value) else each

    return to_text(transform(where, change))


def _choices(model: Model, entity: Entity, path: FieldPath) -> tuple[str, ...]:
    here: Entity | None = entity
    field = None
    for key in path.keys:
        field = here.fields.get(key) if here is not None else None
        here = model.entities.get(field.target or "") if field is not None else None
    return () if field is None else tuple(field.choices)


__all__ = ["ExportOptions", "Kind", "discreet", "read_export_options"]
