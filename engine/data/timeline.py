"""History, the reading half: what became of a record, as far as the asker may know of its fields."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from engine.data.marks import mark
from engine.data.place import reading, visible
from engine.data.rules import RoleRules
from engine.fields import StorageType
from engine.metadata.model import Entity
from engine.storage.codec import decode_kind

COLUMNS = "seq, entity, record_id, version, action, changes, actor_id, via, at, change_set_id"


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field that changed: JSON values as the API gives them, marks where the asker sees the field masked."""

    key: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class ChangeEntry:
    """One version of a record."""

    seq: int
    entity: str
    record_id: str
    version: int
    action: str
    at: datetime
    actor_id: str | None
    actor: str | None
    """Name of who did it; None for the system."""
    via: str
    change_set: str | None
    changes: tuple[FieldChange, ...]

    def json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "seq": self.seq,
            "entity": self.entity,
            "id": self.record_id,
            "version": self.version,
            "action": self.action,
            "at": self.at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "actor": {"id": self.actor_id, "name": self.actor} if self.actor_id is not None else None,
            "via": self.via,
            "change_set": self.change_set,
            "changes": {each.key: [each.before, each.after] for each in self.changes},
        }


@dataclass(frozen=True, slots=True)
class History:
    """One page of the history of a record, the newest version first."""

    entries: tuple[ChangeEntry, ...]
    next_cursor: str | None = None
    titles: Mapping[tuple[str, str], str] | None = None
    """(entity, id) -> title, of the records that changed links lead to."""

    def __len__(self) -> int:
        return len(self.entries)

    def __iter__(self) -> Any:
        return iter(self.entries)

    def __getitem__(self, place: int) -> ChangeEntry:
        return self.entries[place]


def entries(
    roles: RoleRules, rows: Iterable[Sequence[Any]], names: Mapping[str, str], kind: str
) -> tuple[ChangeEntry, ...]:
    """Return rows of `record_change` (see `COLUMNS`) as the asker may see them; the records are in reach already."""
    moment = decode_kind(StorageType("datetime"), kind)
    found = []
    for seq, entity, record_id, version, action, changes, actor_id, via, at, change_set in rows:
        known = roles.model.entities.get(entity)
        if known is not None:
            values = orjson.loads(changes) if isinstance(changes, str) else changes
            when = at if moment is None else moment(at)
            actor = names.get(actor_id) if actor_id is not None else None
            shown = tuple(field_changes(roles, known, values))
            found.append(
                ChangeEntry(seq, entity, record_id, version, action, when, actor_id, actor, via, change_set, shown)
            )
    return tuple(found)


def field_changes(roles: RoleRules, entity: Entity, changes: Mapping[str, Sequence[Any]]) -> Iterable[FieldChange]:
    """Yield the changes of fields that the asker may know of, in the order of the fields."""
    for key, field in entity.fields.items():
        if key in changes and visible(roles, entity, key):
            before, after = changes[key]
            if reading(roles, entity, key) == "masked":
                before, after = mark(field, before), mark(field, after)
            yield FieldChange(key, before, after)


def linked(entity: Entity, changes: Iterable[FieldChange]) -> Iterable[tuple[str, str]]:
    """Yield (entity, id) of the records that changed links lead to."""
    for change in changes:
        field = entity.fields[change.key]
        for value in (change.before, change.after):
            if field.type.links == "any" and isinstance(value, str) and "/" in value:
                target, _, record = value.partition("/")
                yield target, record
            elif field.target is not None and field.type.links in {"one", "many"}:
                for record in value if isinstance(value, list) else [value]:
                    if isinstance(record, str):
                        yield field.target, record
