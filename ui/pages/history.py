"""What became of a record: every version, who made it and what it changed, and the way back from each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, make_response, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from engine import (
    AccessDenied,
    BadValue,
    Change,
    ChangeEntry,
    Entity,
    FieldChange,
    FieldProblem,
    History,
    Locale,
    Message,
    NotFound,
    Reader,
    RecordInvalid,
    Row,
    VersionConflict,
)
from ui.asking import language, principal, reading, site
from ui.frame import notice, page
from ui.pages.editing import said_title
from ui.pages.listing import entity_of, locale_of

ACTIONS = {
    "create": Message("created"),
    "update": Message("changed"),
    "delete": Message("moved to the recycle bin"),
    "restore": Message("restored"),
    "transition": Message("moved on"),
    "purge": Message("deleted for good"),
    "merge": Message("merged"),
    "undo": Message("taken back"),
    "reveal": Message("masked value looked at"),
}
_PAGE = 200
"""Versions that are looked through at a time."""
LONGEST = 200
"""Characters of a value that a line shows."""

routes = Blueprint("history", __name__)


@dataclass(frozen=True, slots=True)
class Told:
    """One field that changed, in words."""

    label: str
    before: str
    after: str
    again: str = ""
    """Address that gives the field its value from before; "" where that cannot be done, or it has that value."""


@dataclass(frozen=True, slots=True)
class Story:
    """One version of a record, in words."""

    version: int
    who: str
    what: str
    when: str
    iso: str
    changes: Sequence[Told]
    undo: str = ""
    """Address that takes it back, with all that was done at the same time."""
    back: str = ""
    """Where that leads: what was made is not there any more."""


@routes.get("/<entity>/<uuid:record_id>/history")
def history(entity: str, record_id: Any) -> str:
    """Show what became of a record, the latest first."""
    return _shown(entity, str(record_id))


def _shown(entity: str, record_id: str, problems: Sequence[FieldProblem] = ()) -> str:
    with reading() as reader:
        shown = entity_of(reader, entity)
        row = reader.record(entity, record_id, abilities=("update",))
        found = reader.history(entity, row.id, request.args.get("cursor") or None)
        locale = locale_of(reader)
        return page(
            "history.html",
            reader,
            entity=shown,
            record_id=row.id,
            title=said_title(row.values(), shown, locale),
            history=stories(reader, shown, found, locale, row=row if row.may("update") else None),
            version=row.version,
            problems=[problem.message.in_(language()) for problem in problems],
            more=f"/{entity}/{row.id}/history?cursor={found.next_cursor}" if found.next_cursor else "",
        )


@routes.post("/<entity>/<uuid:record_id>/history/<int:version>/<field>")
def put_back(entity: str, record_id: Any, version: int, field: str) -> AnyResponse:
    """Give one field the value that it had before a version."""
    id_ = str(record_id)
    with reading() as reader:
        shown = entity_of(reader, entity)
        row = reader.record(entity, id_, abilities=("update",))
        change = _change(reader, entity, id_, version, field)
        if change is None or not _may_put_back(reader, shown, field):
            raise NotFound(Message("There is no such value in the history of this record"))
        if not row.may("update"):
            raise AccessDenied(
                Message("You may not change this {label}", label=shown.label), entity=entity, action="update"
            )
    value = [] if change.before is None and shown.fields[field].type.links == "many" else change.before
    change_set = site().records.begin_set(principal(), "update", entity=entity)
    try:
        site().records.update(
            principal(),
            entity,
            [Change(id_, {field: value}, request.form.get("version", type=int))],
            via="web",
            change_set=change_set,
        )
    except RecordInvalid as error:
        return make_response(_shown(entity, id_, error.problems), 422)
    except VersionConflict as error:
        return make_response(_shown(entity, id_, [FieldProblem("", error.message, "conflict")]), 409)
    label = shown.fields[field].label
    notice(Message("{label} has its earlier value again", label=label), undo=f"/{entity}/undo/{change_set}")
    return redirect(f"/{entity}/{id_}/history", 303)


def _change(reader: Reader, entity: str, record_id: str, version: int, field: str) -> FieldChange | None:
    """Return what a version did to a field, as far as who reads may know of it."""
    cursor: str | None = None
    while True:
        found = reader.history(entity, record_id, cursor, _PAGE)
        for entry in found:
            if entry.version == version:
                return next((each for each in entry.changes if each.key == field), None)
        cursor = found.next_cursor
        if cursor is None or found[-1].version < version:
            return None


def _may_put_back(reader: Reader, entity: Entity, key: str) -> bool:
    """Say whether who reads may see the old values of a field, and give it one of them."""
    field = entity.fields.get(key)
    if field is None or reader.access.mask(entity.key).get(key) != "write" or field.read_only:
        return False
    # A state is reached by its transitions, and child rows have histories of their own.
    state = entity.states.field if entity.states is not None else None
    return field.type.links != "children" and key != state and not field.secret


def stories(
    reader: Reader, entity: Entity, found: History, locale: Locale, *, row: Row | None = None, brief: bool = False
) -> list[Story]:
    """Return versions of a record in the reader's language; with its `row`, each with the way back.

    In `brief`, a new record is said to be made, without all that was in it.
    """
    when = entity.fields["updated_at"]
    write = when.type.displayer(when.options, locale)
    spoken = language()
    now = row.json() if row is not None else {}
    told = []
    for each in found.entries:
        changes = [
            Told(
                _label(entity, change.key, spoken),
                value_said(found.titles or {}, entity, change.key, change.before, locale),
                value_said(found.titles or {}, entity, change.key, change.after, locale),
                _again(reader, entity, each, change, now),
            )
            for change in each.changes
            if (change.after is not None and not brief) or each.action != "create"
        ]
        told.append(
            Story(
                version=each.version,
                who=each.actor or Message("The system").in_(spoken),
                what=_what(reader, entity, each).in_(spoken),
                when=write(each.at),
                iso=each.at.isoformat(),
                changes=changes,
                undo=f"/{entity.key}/undo/{each.change_set}" if row is not None and _may_undo(reader, each) else "",
                back=f"/{entity.key}" if each.action == "create" else f"/{entity.key}/{each.record_id}",
            )
        )
    return told


def _again(reader: Reader, entity: Entity, entry: ChangeEntry, change: FieldChange, now: Mapping[str, Any]) -> str:
    """Return the address that gives a field its value from before a change; "" when there is nothing to do."""
    key = change.key
    if entry.action == "create" or key not in now or (now[key] or None) == (change.before or None):
        return ""
    if not _may_put_back(reader, entity, key):
        return ""
    return f"/{entity.key}/{entry.record_id}/history/{entry.version}/{key}"


def _what(reader: Reader, entity: Entity, entry: ChangeEntry) -> Message:
    """Return what was done; of a look at a masked value also which one, to who may know of the field."""
    key = entry.via.removeprefix("reveal:") if entry.action == "reveal" else ""
    if key in entity.fields and reader.access.mask(entity.key).get(key, "hidden") != "hidden":
        return Message("looked at the masked value of {field}", field=entity.fields[key].label)
    return ACTIONS.get(entry.action, Message(entry.action))


def _may_undo(reader: Reader, entry: ChangeEntry) -> bool:
    """Say whether who reads may take back what was done then: their own work, or anybody's as an administrator."""
    if entry.change_set is None or entry.action in {"purge", "reveal"}:
        return False
    return entry.actor_id == reader.principal.id or reader.access.has("admin")


def _label(entity: Entity, key: str, spoken: str) -> str:
    field = entity.fields.get(key)
    return field.label.in_(spoken) if field is not None else key


def value_said(
    titles: Mapping[tuple[str, str], str],
    entity: Entity,
    key: str,
    value: Any,
    locale: Locale,
    longest: int = LONGEST,
) -> str:
    """Return a JSON value in words; `titles` are those of linked records, by (entity, id)."""
    field = entity.fields.get(key)
    if value is None or value == []:
        return "—"
    if field is None:
        return _short(str(value), longest)
    kind = field.type.links
    if kind == "children":
        count = len(value) if isinstance(value, list) else 1
        return Message("{count} row" if count == 1 else "{count} rows", count=count).in_(locale.language)
    if kind:
        names = []
        for each in value if isinstance(value, list) else [value]:
            target, _, record_id = str(each).rpartition("/")
            names.append(titles.get((target or field.target or "", record_id)) or "…")
        return ", ".join(names)
    if field.type.name in {"files", "images"} and isinstance(value, list):
        return Message("{count} file" if len(value) == 1 else "{count} files", count=len(value)).in_(locale.language)
    if field.choices:
        keys = value if isinstance(value, list) else [value]
        return ", ".join(
            field.choices[each].label.in_(locale.language) if each in field.choices else str(each) for each in keys
        )
    try:
        shown = field.type.result(field.options)
        return _short(field.type.displayer(field.options, locale)(shown.parse(value, field.options)), longest)
    except (BadValue, TypeError, ValueError):
        # Kept from before the field had another type, or a mark that stands for a value.
        return _short(str(value), longest)


def _short(words: str, longest: int) -> str:
    return words if len(words) <= longest else f"{words[: longest - 1]}…"
