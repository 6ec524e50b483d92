"""Out of the recycle bin: a record comes back with those that went in along with it.

What went along is known from history: child rows and cascades that were deleted in the same change set.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from engine.data.batch import Batch
from engine.data.consequences import Due, follow, hooks_afterwards, recompute, settling, tell
from engine.data.dependencies import dependencies
from engine.data.drafts import new_batch, stored_draft
from engine.data.history import write_history
from engine.data.incoming import Incoming, incoming, linking_rows
from engine.data.searching import index
from engine.data.shape import Shape
from engine.data.steps import persist
from engine.data.steps.load import load
from engine.data.steps.unique import check_unique
from engine.data.trash import NO_VERSIONS, asked_for
from engine.data.unit import CHUNK, Unit
from engine.errors import RecordInvalid
from engine.i18n import Message


def restore(
    unit: Unit, shape: Shape, ids: Sequence[str], first_row: int, versions: Mapping[str, int] = NO_VERSIONS
) -> Batch:
    """Take records out of the recycle bin, with the child rows and the others that went in along with them."""
    batch = asked_for(unit, shape, "restore", ids, first_row, versions)
    with hooks_afterwards(unit):
        _restore(unit, shape, batch)
    return batch


def _restore(unit: Unit, shape: Shape, batch: Batch) -> None:
    entity = shape.entity.key
    along = _along(unit, shape, batch)
    together = {**{key: list(records) for key, records in along.items()}, entity: [*batch.ids, *along.get(entity, ())]}
    with settling(unit, together):
        _raise_rows(unit, shape, batch, along)
        if not batch.drafts:
            return
        for key, records in along.items():
            other = unit.shape(key)
            for start in range(0, len(records), CHUNK):
                rows = load(unit, other, records[start : start + CHUNK], lock="delete", trashed=True)
                inner = new_batch(unit, other, "restore", [stored_draft(each) for each in rows.values()])
                _raise_rows(unit, other, inner, along, check=False)
    for key, records in together.items():
        _work_out_again(unit, key, records)


def _work_out_again(unit: Unit, entity: str, ids: Sequence[str]) -> None:
    """Work out rollups and formulas of records that the world went on without."""
    shape = unit.shape(entity)
    groups = [
        group
        for found in dependencies(unit.published.model).rollups.values()
        for group in found
        if group.entity == entity
    ]
    if not groups and not shape.formulas:
        return
    due = Due()
    for id_ in ids:
        due.groups[id_] = dict.fromkeys(groups)
        due.formulas[id_] = {field.key for field, _ in shape.formulas}
    for start in range(0, len(ids), CHUNK):
        recompute(unit, entity, ids[start : start + CHUNK], due)


def _along(unit: Unit, shape: Shape, batch: Batch) -> dict[str, list[str]]:
    """Return by entity the records that went into the bin in the same change set because of these."""
    found: dict[str, dict[str, None]] = {}
    waiting = [(shape.entity.key, batch.ids)]
    taken = {shape.entity.key: set(batch.ids)}
    while waiting:
        entity, ids = waiting.pop(0)
        for link in incoming(unit.published.model, entity):
            if link.on_delete != "cascade" or not ids:
                continue
            same = _deleted_together(unit, entity, link, ids)
            known = taken.setdefault(link.field.entity, set())
            fresh = [each for each in same if each not in known]
            known.update(fresh)
            if fresh:
                found.setdefault(link.field.entity, {}).update(dict.fromkeys(fresh))
                waiting.append((link.field.entity, fresh))
    return {entity: list(records) for entity, records in found.items()}


def _deleted_together(unit: Unit, entity: str, link: Incoming, ids: Sequence[str]) -> list[str]:
    """Return records in the bin that lead to some of `ids` and were deleted in the same change set as it."""
    mark = unit.phrases.mark
    pairs = linking_rows(unit, link, ids, trashed=True)
    holders = sorted({holder for holder, _ in pairs})
    sets: dict[str, Any] = {}
    for key, records in ((entity, list(ids)), (link.field.entity, holders)):
        if not records:
            continue
        text = (
            f"SELECT record_id, change_set_id FROM record_change WHERE entity = {mark} AND action = 'delete' AND "  # noqa: S608
            f"{unit.phrases.is_in('record_id')} ORDER BY seq"
        )
        for record, change_set in unit.run(text, [key, unit.ids(records)]).fetchall():
            sets[f"{key}/{record}"] = change_set
    return sorted(
        {
            holder
            for holder, target in pairs
            if (one := sets.get(f"{link.field.entity}/{holder}")) is not None and one == sets.get(f"{entity}/{target}")
        }
    )


def _raise_rows(
    unit: Unit, shape: Shape, batch: Batch, along: Mapping[str, Sequence[str]], *, check: bool = True
) -> None:
    """Write rows as live again."""
    for draft in batch.drafts:
        draft.new["deleted_at"] = None
        draft.changed = {"deleted_at"}
    if check:
        _check_targets(unit, shape, batch, along)
    check_unique(unit, shape, batch)
    if batch.problems and not check:
        raise RecordInvalid(batch.problems)
    batch.drop_failed()
    if not batch.drafts:
        return
    persist.update(unit, shape, batch.drafts)
    write_history(unit, shape, "restore", batch.drafts)
    index(unit, shape, batch.drafts, whole=True)
    tell(unit, batch, batch.drafts)
    follow(unit, shape, batch, batch.drafts)
    unit.change_set.note("restored", len(batch.drafts))


def _check_targets(unit: Unit, shape: Shape, batch: Batch, along: Mapping[str, Sequence[str]]) -> None:
    """Refuse records whose links lead into the bin and hold; links that may be empty are emptied."""
    for key, each in shape.link_shapes:
        target = each.field.target
        if each.links != "one" or target is None or each.column is None:
            continue
        ids = {draft.new[key] for draft in batch.drafts} - {None}
        if not ids:
            continue
        there = unit.shape(target)
        text = (
            f"SELECT {there.by_key['id'].name} FROM {there.table} WHERE {unit.phrases.is_in(there.by_key['id'].name)} "  # noqa: S608
            f"AND {there.by_key['deleted_at'].name} IS NULL"
        )
        live = {row[0] for row in unit.run(text, [unit.ids(sorted(ids))]).fetchall()}
        back = {*along.get(target, ()), *(batch.ids if target == shape.entity.key else ())}
        for draft in batch.drafts:
            value = draft.new[key]
            if value is None or value in live or value in back:
                continue
            if each.field.on_delete == "clear" and key != shape.entity.parent_field:
                draft.new[key] = None
                draft.changed.add(key)
            else:
                label = unit.published.model.entity(target).label
                message = Message("{field}: the {label} is in the recycle bin; restore it first",
                                  field=each.field.label, label=label)  # fmt: skip
                batch.refuse(draft, key, message, "link")
