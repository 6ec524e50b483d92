"""The columns of an exported file: which there are, what stands above them, and what stands in their cells."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from engine.data.fields import Resolved, child_columns, resolve
from engine.data.principal import zone
from engine.data.reader import Reader
from engine.data.rowset import RowSet
from engine.data.transfer.mapping import guarded
from engine.data.transfer.wanted import ExportOptions
from engine.expression import Type
from engine.fields import Locale
from engine.metadata.model import Entity, Field

_LEFT_OUT = frozenset({"version", "deleted_at", "origin", "created_by", "updated_by"})
_BEHIND = ("created_at", "updated_at")
_TITLED = frozenset({"many", "any"})


@dataclass(frozen=True, slots=True)
class OutColumn:
    """One column of the file."""

    path: str
    header: str
    field: Field
    masked: bool = False
    """Whether its values are marks."""
    titled: bool = False
    """Whether the ids of its links are shown as titles."""


@dataclass(frozen=True, slots=True)
class ChildSheet:
    """Child rows as a sheet of their own, with the id and title of the record that they belong to in front."""

    path: str
    entity: Entity
    columns: tuple[OutColumn, ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """What a file has of each record."""

    columns: tuple[OutColumn, ...]
    sheets: tuple[ChildSheet, ...]
    paths: tuple[str, ...]
    """What to ask the reader for, each once."""
    locale: Locale
    zone: ZoneInfo
    exact: bool
    """Whether times without a zone that was asked for stay in UTC."""


def layout(reader: Reader, entity: Entity, options: ExportOptions) -> Layout:
    """Return the columns that somebody asked for, or all that they may see.

    Raises:
        QueryInvalid: a path leads nowhere for them.
    """
    model, roles = reader.model, reader.access.roles
    resolved = [resolve(roles, entity, path) for path in options.fields or _all(reader, entity, options)]
    if options.fields and options.children:
        missing = set(_tables(reader, entity)) - set(options.fields)
        resolved += [resolve(roles, entity, path) for path in _tables(reader, entity) if path in missing]
    columns = [made for each in resolved for made in _columns(reader, entity, each, options)]
    columns = list({column.path: column for column in reversed(columns)}.values())[::-1]
    sheets = []
    if options.kind == "xlsx":
        sheets = [_sheet(reader, each.field, options) for each in resolved if each.kind == "children"]
        columns = [each for each in columns if each.field.type.links != "children"]
    own = reader.principal.timezone if not reader.principal.system else model.timezone
    where = options.timezone or own
    extra = ("id", *_named(reader, entity)) if sheets else ()
    paths = tuple(dict.fromkeys((*(each.path for each in columns), *(each.path for each in sheets), *extra)))
    # A person may have given a name that is no zone; then it is UTC, as everywhere.
    locale = Locale(options.language, where, model.currency)
    return Layout(tuple(columns), tuple(sheets), paths, locale, zone(where), exact=not options.timezone)


def _named(reader: Reader, entity: Entity) -> tuple[str, ...]:
    """Return the title as a path, where it may be seen."""
    return (entity.title,) if reader.access.mask(entity.key).get(entity.title) not in {"hidden", None} else ()


def _tables(reader: Reader, entity: Entity) -> tuple[str, ...]:
    return tuple(key for key in reader.columns(entity.key) if entity.fields[key].type.links == "children")


def _all(reader: Reader, entity: Entity, options: ExportOptions) -> Iterator[str]:
    """Yield every field that may be seen, what belongs to the engine at the end."""
    known, links = entity.fields, options.links or "both"
    seen = [known[key] for key in reader.columns(entity.key) if key not in _LEFT_OUT and not known[key].secret]
    children = options.kind == "jsonl" if options.children is None else options.children
    for field in sorted(seen, key=lambda each: each.key in _BEHIND):
        if field.type.links == "children":
            if children:
                yield field.key
            continue
        yield field.key
        if links == "both" and options.kind != "jsonl" and (title := _title(reader, entity, field)):
            yield title


def _title(reader: Reader, entity: Entity, field: Field) -> str:
    """Return the path of the title that a link to one record leads to; "" where it may not be seen."""
    if field.type.links != "one" or field.target is None:
        return ""
    # A link is shown, and not only a mark in its place: then its title may be.
    if reader.access.mask(entity.key).get(field.key) not in {"read", "write"}:
        return ""
    title = reader.model.entity(field.target).title
    return f"{field.key}.{title}" if reader.access.mask(field.target).get(title) not in {"hidden", None} else ""


def _columns(reader: Reader, entity: Entity, found: Resolved, options: ExportOptions) -> Iterator[OutColumn]:
    """Yield the columns of one path: a link may have two, the id and the title, or the title in place of the id."""
    labels = options.headers == "labels"
    header = _label(reader, entity, found, options.language) if labels else found.dotted
    titled = options.links == "titles" and found.field.type.links in _TITLED and not found.masked
    plain = OutColumn(found.dotted, header, found.field, found.masked, titled)
    if len(found.keys) > 1 or options.links not in {"both", "titles"} or not options.fields:
        title = _title(reader, entity, found.field) if options.links == "titles" and len(found.keys) == 1 else ""
        yield _at(reader, entity, title, header if labels else title) if title else plain
        return
    title = _title(reader, entity, found.field)
    if options.links == "both" or not title:
        yield plain
    if title:
        name = _label(reader, entity, resolve(reader.access.roles, entity, title), options.language)
        shown = header if options.links == "titles" else name
        yield _at(reader, entity, title, shown if labels else title)


def _at(reader: Reader, entity: Entity, path: str, header: str) -> OutColumn:
    found = resolve(reader.access.roles, entity, path)
    return OutColumn(path, header, found.field, found.masked)


def _label(reader: Reader, entity: Entity, found: Resolved, language: str) -> str:
    here, words = entity, []
    for key in found.keys:
        field = here.fields[key]
        words.append(field.label.in_(language))
        here = reader.model.entities.get(field.target or "", here)
    return " · ".join(words)


def _sheet(reader: Reader, field: Field, options: ExportOptions) -> ChildSheet:
    child = reader.model.entity(field.target or "")
    masks = reader.access.mask(child.key)
    columns = tuple(
        OutColumn(
            key,
            child.fields[key].label.in_(options.language) if options.headers == "labels" else key,
            child.fields[key],
            masked=masks.get(key) == "masked",
        )
        for key in child_columns(reader.access.roles, child)
        if key not in _LEFT_OUT and not child.fields[key].secret
    )
    return ChildSheet(field.key, child, columns)


# --- cells ------------------------------------------------------------------------------------------------------------


def titles_of(reader: Reader, columns: Sequence[OutColumn], rows: RowSet) -> dict[str, dict[str, str]]:
    """Return, for each column that shows titles, what the ids on a page are called, by path."""
    found: dict[str, dict[str, str]] = {}
    for column in columns:
        if not column.titled:
            continue
        place = rows.paths.index(column.path)
        values = [value for row in rows.values() if (value := row[place]) is not None]
        if column.field.type.links == "many" and column.field.target is not None:
            found[column.path] = reader.titles(column.field.target, [each for value in values for each in value])
            continue
        by_entity: dict[str, list[str]] = {}
        for value in values:
            there, _, record = str(value).partition("/")
            by_entity.setdefault(there, []).append(record)
        found[column.path] = {
            f"{there}/{record}": title
            for there, records in by_entity.items()
            if there in reader.model.entities
            for record, title in reader.titles(there, records).items()
        }
    return found


def named(value: Any, titles: dict[str, str]) -> Any:
    """Return ids as titles; an id whose title may not be seen stays one."""
    if isinstance(value, (list, tuple)):
        return [titles.get(each, each) for each in value]
    return titles.get(value, value) if isinstance(value, str) else value


def display(column: OutColumn, made: Layout) -> Callable[[Any], str]:
    """Return what writes a value as people read it; times as spreadsheets sort them, without a zone."""
    if column.field.value_type is Type.DATETIME:
        return lambda value: value.astimezone(made.zone).replace(tzinfo=None).isoformat(" ", "seconds")
    if column.field.value_type in {Type.DATE, Type.TIME}:
        return lambda value: str(value.isoformat())
    return column.field.type.displayer(column.field.options, made.locale)


def text_cell(column: OutColumn, made: Layout) -> Callable[[Any], Any]:
    """Return what writes a JSON value into a cell of text, never as something that a spreadsheet would run."""
    field = column.field
    words = field.value_type in {Type.TEXT, Type.LIST, Type.MANY, Type.JSON, Type.LINK} or column.masked
    local = None if made.exact or column.masked or field.value_type is not Type.DATETIME else made.zone

    def cell(value: Any) -> Any:
        if value is None:
            return ""
        if isinstance(value, str):
            if local is not None:
                return datetime.fromisoformat(value).astimezone(local).isoformat(timespec="seconds")
            return guarded(value) if words else value
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, (list, tuple)):
            plain = all(isinstance(each, str) for each in value)
            return guarded("; ".join(map(str, value))) if plain else as_json(value)
        if isinstance(value, dict):
            return guarded(formatted(field, value, made.locale))
        return value

    return cell


def formatted(field: Field, value: Any, locale: Locale) -> str:
    """Return a value with parts, such as an address, as text that an import reads."""
    return field.type.format(field.type.parse(value, field.options), field.options, locale)


def as_json(value: Any) -> str:
    """Return a value as JSON."""
    return orjson.dumps(value, default=str).decode()
