"""What became of a record: every version, who made it and what it changed, and the way back from each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, request

from engine import BadValue, ChangeEntry, Entity, History, Locale, Message, Reader
from ui.asking import language, reading
from ui.frame import page
from ui.pages.editing import said_title
from ui.pages.listing import entity_of, locale_of

_ACTIONS = {
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
LONGEST = 200
"""Characters of a value that a line shows."""

routes = Blueprint("history", __name__)


@dataclass(frozen=True, slots=True)
class Story:
    """One version of a record, in words."""

    version: int
    who: str
    what: str
    when: str
    iso: str
    changes: Sequence[tuple[str, str, str]]
    """(label, before, after)."""
    undo: str = ""
    """Address that takes it back, with all that was done at the same time."""
    back: str = ""
    """Where that leads: what was made is not there any more."""


@routes.get("/<entity>/<uuid:record_id>/history")
def history(entity: str, record_id: Any) -> str:
    """Show what became of a record, the latest first."""
    with reading() as reader:
        shown = entity_of(reader, entity)
        row = reader.record(entity, str(record_id), (shown.title,), abilities=("update",))
        found = reader.history(entity, row.id, request.args.get("cursor") or None)
        return page(
            "history.html",
            reader,
            entity=shown,
            record_id=row.id,
            title=said_title(row.values(), shown, locale_of(reader)),
            history=stories(reader, shown, found, locale_of(reader), undo=row.may("update")),
            more=f"/{entity}/{row.id}/history?cursor={found.next_cursor}" if found.next_cursor else "",
        )


def stories(
    reader: Reader, entity: Entity, found: History, locale: Locale, *, undo: bool = False, brief: bool = False
) -> list[Story]:
    """Return versions of a record in the reader's language; with `undo`, each with the way back.

    In `brief`, a new record is said to be made, without all that was in it.
    """
    when = entity.fields["updated_at"]
    write = when.type.displayer(when.options, locale)
    spoken = language()
    told = []
    for each in found.entries:
        changes = [
            (_label(entity, change.key, spoken), _say(found, entity, change.key, change.before, locale),
             _say(found, entity, change.key, change.after, locale))
            for change in each.changes
            if (change.after is not None and not brief) or each.action != "create"
        ]  # fmt: skip
        told.append(
            Story(
                version=each.version,
                who=each.actor or Message("The system").in_(spoken),
                what=_ACTIONS.get(each.action, Message(each.action)).in_(spoken),
                when=write(each.at),
                iso=each.at.isoformat(),
                changes=changes,
                undo=f"/{entity.key}/undo/{each.change_set}" if undo and _may_undo(reader, each) else "",
                back=f"/{entity.key}" if each.action == "create" else f"/{entity.key}/{each.record_id}",
            )
        )
    return told


def _may_undo(reader: Reader, entry: ChangeEntry) -> bool:
    """Say whether who reads may take back what was done then: their own work, or anybody's as an administrator."""
    if entry.change_set is None or entry.action in {"purge", "reveal"}:
        return False
    return entry.actor_id == reader.principal.id or reader.access.has("admin")


def _label(entity: Entity, key: str, spoken: str) -> str:
    field = entity.fields.get(key)
    return field.label.in_(spoken) if field is not None else key


def _say(found: History, entity: Entity, key: str, value: Any, locale: Locale) -> str:
    """Return a JSON value of history in words."""
    field = entity.fields.get(key)
    if value is None or value == []:
        return "—"
    if field is None:
        return _short(str(value))
    kind = field.type.links
    if kind == "children":
        count = len(value) if isinstance(value, list) else 1
        return Message("{count} row" if count == 1 else "{count} rows", count=count).in_(locale.language)
    if kind:
        titles = found.titles or {}
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
        return _short(field.type.displayer(field.options, locale)(shown.parse(value, field.options)))
    except (BadValue, TypeError, ValueError):
        # Kept from before the field had another type, or a mark that stands for a value.
        return _short(str(value))


def _short(words: str) -> str:
    return words if len(words) <= LONGEST else f"{words[: LONGEST - 1]}…"
