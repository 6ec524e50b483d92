"""The end of the recycle bin: what has lain in it long enough goes for good, unless something still leads to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from engine.data.incoming import incoming, linking_rows
from engine.data.purging import purge
from engine.data.shape import Shape
from engine.data.unit import Unit
from engine.errors import GuanxiError
from engine.i18n import Message

PEOPLE = "user"
PART = 200
"""Records that one transaction takes."""


@dataclass(frozen=True, slots=True)
class Kept:
    """Something that could have gone and did not."""

    entity: str
    id: str
    reason: Message


def due(unit: Unit, shape: Shape, limit: datetime, after: str) -> list[str]:
    """Return the next records, by id, that lie in the bin since before a time."""
    phrases = unit.phrases
    identity, deleted = shape.by_key["id"].name, shape.by_key["deleted_at"].name
    text = (
        f"SELECT {identity} FROM {shape.table} WHERE {deleted} < {phrases.mark}"  # noqa: S608 - names of the Model
        + (f" AND {identity} > {phrases.mark}" if after else "")
        + f" ORDER BY {identity} LIMIT {PART}"
    )
    values = (phrases.moment(limit), after) if after else (phrases.moment(limit),)
    return [str(row[0]) for row in unit.run(text, values).fetchall()]


def expire(unit: Unit, shape: Shape, ids: Sequence[str], limit: datetime, *, dry_run: bool) -> tuple[int, list[Kept]]:
    """Delete records of the bin for good; return how many went, or would go, and which are kept and why."""
    held = _held(unit, shape, ids, limit)
    kept = [Kept(shape.entity.key, id_, reason) for id_, reason in held.items()]
    gone = [id_ for id_ in ids if id_ not in held]
    if dry_run or not gone:
        return len(gone), kept
    [batch] = purge(unit, shape, gone, 0)
    refused: dict[int, Message] = {row: _said(error) for row, error in batch.errors.items()}
    for problem in batch.problems:
        refused.setdefault(problem.row or 0, problem.message)
    kept += [Kept(shape.entity.key, gone[row], reason) for row, reason in refused.items()]
    if batch.drafts:
        unit.note("purge", entity=shape.entity.key, number=len(batch.drafts), details={"why": "trash_days"})
    return len(batch.drafts), kept


def _said(error: GuanxiError) -> Message:
    return error.message


def _held(unit: Unit, shape: Shape, ids: Sequence[str], limit: datetime) -> Mapping[str, Message]:
    """Return the records that something leads to which lives, or may come back from the bin, and what that is."""
    entity = shape.entity
    if entity.key == PEOPLE:
        reason = Message("Whoever made or changed a record stays known")
        return dict.fromkeys(ids, reason)
    found: dict[str, Message] = {}
    for link in incoming(unit.published.model, entity.key):
        holder = unit.published.model.entities[link.field.entity]
        if holder.parent == entity.key and holder.parent_field == link.field.key:
            continue  # child rows go along
        live = linking_rows(unit, link, ids)
        waiting = linking_rows(unit, link, ids, trashed=True)
        if waiting:
            ended = _ended(unit, unit.shape(holder.key), [each for each, _target in waiting], limit)
            live += [(each, target) for each, target in waiting if each not in ended]
        counts: dict[str, int] = {}
        for _holder, target in live:
            counts[str(target)] = counts.get(str(target), 0) + 1
        for target, count in counts.items():
            message = Message("A record still leads to it ({label})", label=holder.label)
            if count > 1:
                message = Message("{count} {plural} still lead to it", count=count, plural=holder.plural)
            found.setdefault(target, message)
    return found


def _ended(unit: Unit, shape: Shape, ids: Sequence[str], limit: datetime) -> set[str]:
    """Return those of the records whose time in the bin is over too."""
    phrases = unit.phrases
    identity, deleted = shape.by_key["id"].name, shape.by_key["deleted_at"].name
    text = (
        f"SELECT {identity} FROM {shape.table} WHERE {phrases.is_in(identity)} "  # noqa: S608 - names of the Model
        f"AND {deleted} < {phrases.mark}"
    )
    return {str(row[0]) for row in unit.run(text, [unit.ids(ids), phrases.moment(limit)]).fetchall()}
