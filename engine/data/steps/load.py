"""Step 3: the records as they stand, locked against other writers, and what the asker may do with them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from sqlalchemy import Select, and_, select, true

from engine.data.batch import SEALED
from engine.data.place import Frame, Place
from engine.data.probes import IDS, can_reach, prepared, reaches_all, rows
from engine.data.shape import Shape
from engine.data.unit import Unit
from engine.ids import is_id
from engine.metadata.model import Field

Lock = Literal["change", "delete", "link", "none"]
"""What a reader holds: a row that it changes, one that it takes away, one that it links to, or nothing."""


@dataclass(slots=True)
class Stored:
    """One record as the database has it."""

    values: dict[str, Any]
    readable: bool = True
    reached: bool = True
    """Whether the action that was asked about reaches it."""
    sealed: dict[str, str] = field(default_factory=dict)
    """Cipher text of secret fields; `values` has SEALED for them."""


def load(
    unit: Unit,
    shape: Shape,
    ids: Iterable[str],
    *,
    action: str | None = None,
    lock: Lock = "change",
    trashed: bool | None = False,
) -> dict[str, Stored]:
    """Return records by id; those that do not exist are not in the answer.

    `action` asks, beside, which records the principal may read and which the action reaches; None asks nothing.
    `trashed` is False for live records, True for those in the recycle bin, None for both. Records are locked in the
    order of their ids, so that two writers never wait for each other.
    """
    wanted = sorted({id_ for id_ in ids if is_id(id_)})
    if not wanted:
        return {}
    entity = shape.entity.key
    asks = tuple(each for each in (("read", action) if action is not None else ()) if not _decided(unit, entity, each))

    def build(frame: Frame, place: Place) -> Select[Any]:
        columns: list[Any] = [place.alias.c[key] for key in shape.blank]
        columns += [and_(true(), *place.reach(each)) for each in asks]
        chosen = select(*columns).select_from(place.source).where(place.alias.c.id.in_(frame.binds.listed(IDS)))
        if trashed is not None:
            deleted = place.alias.c.deleted_at
            chosen = chosen.where(deleted.is_not(None) if trashed else deleted.is_(None))
        chosen = chosen.order_by(place.alias.c.id)
        return locked(chosen, place, lock)

    statement = prepared(unit, entity, ("load", asks, lock, trashed), build)
    found: dict[str, Stored] = {}
    width = len(shape.columns)
    for row in rows(unit, statement, ids=wanted):
        stored = Stored(shape.decoded(row[:width]))
        if action is not None:
            flags = dict(zip(asks, row[width:], strict=True))
            stored.readable = bool(flags.get("read", reaches_all(unit, entity, "read")))
            stored.reached = bool(flags.get(action, reaches_all(unit, entity, action)))
        for key in shape.sealed:
            if stored.values[key] is not None:
                stored.sealed[key] = stored.values[key]
                stored.values[key] = SEALED
        found[stored.values["id"]] = stored
    return found


def _decided(unit: Unit, entity: str, action: str) -> bool:
    """Say whether the answer is the same for every row."""
    return reaches_all(unit, entity, action) or not can_reach(unit, entity, action)


def locked(chosen: Select[Any], place: Place, lock: Lock) -> Select[Any]:
    """Return a SELECT that locks what it finds; SQLite has one writer at a time and needs no locks."""
    if place.frame.kind == "sqlite" or lock == "none":
        return chosen
    if lock == "change":
        return chosen.with_for_update(key_share=True, of=place.alias)
    if lock == "delete":
        return chosen.with_for_update(of=place.alias)
    return chosen.with_for_update(read=True, key_share=True, of=place.alias)


def load_links(unit: Unit, field: Field, ids: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
    """Return the targets of a `lookups` field by record, in their order; records without any are not in the answer."""
    table = unit.phrases.name(unit.published.tables.link_name(field.entity, field.key))
    text = (
        f"SELECT record_id, target_id FROM {table} WHERE {unit.phrases.is_in('record_id')} "  # noqa: S608
        "ORDER BY record_id, position"
    )
    found: dict[str, list[str]] = {}
    for record, target in unit.run(text, [unit.ids(ids)]).fetchall():
        found.setdefault(record, []).append(target)
    return {record: tuple(targets) for record, targets in found.items()}
