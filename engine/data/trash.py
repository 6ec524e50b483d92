"""The recycle bin: what goes in with a record, what comes out with it, and what is gone for good.

The database never deletes by itself. What links to a record decides what happens to it: `restrict` keeps it, `clear`
empties the link, `cascade` takes the other record along; child rows always go with their parent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.data.batch import Batch, Draft
from engine.data.consequences import call_after, finish, follow
from engine.data.drafts import new_batch, stored_draft
from engine.data.history import write_history
from engine.data.incoming import Incoming, incoming, linking_rows
from engine.data.searching import index, unindex
from engine.data.shape import Shape
from engine.data.steps import authorise, persist
from engine.data.steps.evaluate import Evaluation
from engine.data.steps.formulas import work_out
from engine.data.steps.load import Stored, load, load_links
from engine.data.steps.unique import check_unique
from engine.data.unit import CHUNK, Unit
from engine.errors import RecordInvalid
from engine.i18n import Message


@dataclass(slots=True)
class Doomed:
    """What a delete takes along, and what it leaves with an empty link."""

    roots: dict[str, dict[str, int]] = field(default_factory=dict)
    """Entity -> record -> place of the record, in the caller's list, at whose wish it goes."""
    cleared: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    """(Entity, field) -> records whose link is emptied."""
    kept: list[tuple[int, Incoming, int]] = field(default_factory=list)
    """Places that may not go, the link that keeps them, and how many records hold it."""

    def has(self, entity: str, id_: str) -> bool:
        """Say whether a record goes."""
        return id_ in self.roots.get(entity, {})


def delete(unit: Unit, shape: Shape, ids: Sequence[str], first_row: int) -> Batch:
    """Put records into the recycle bin; return their batch, with the problems of those that were kept."""
    entity = shape.entity
    authorise.require_action(unit, entity, "delete")
    stored = load(unit, shape, ids, action="delete", lock="delete")
    batch = new_batch(unit, shape, "delete", [])
    batch.collect = True
    seen: set[str] = set()
    for row, id_ in enumerate(ids, first_row):
        found = stored.get(id_)
        error = authorise.out_of_reach(entity, id_, found, "delete")
        if error is not None or found is None:
            batch.errors[row] = error or authorise.missing(entity, id_)
        elif id_ not in seen:
            seen.add(id_)
            batch.drafts.append(stored_draft(found, row))
    _delete(unit, shape, batch)
    return batch


def delete_children(unit: Unit, shape: Shape, ids: Sequence[str]) -> None:
    """Put child rows into the recycle bin inside the write of their parent."""
    stored = load(unit, shape, ids, lock="delete")
    _delete(unit, shape, new_batch(unit, shape, "delete", [stored_draft(found) for found in stored.values()]))


def _delete(unit: Unit, shape: Shape, batch: Batch) -> None:
    if unit.hooks.listens("before_delete"):
        with unit.at_work():
            unit.hooks.call("before_delete", batch=batch)
        batch.drop_failed()
    doomed = _doom(unit, shape, batch)
    if doomed.kept:
        by_row = {draft.row: draft for draft in batch.drafts}
        for row, link, count in doomed.kept:
            if row in by_row:
                batch.refuse(by_row[row], "", _used(unit, link, count), "restrict")
        batch.drop_failed()
        doomed = _doom(unit, shape, batch)
    _clear(unit, doomed)
    # Rows that others hang on go last, so that what is worked out again finds them gone.
    for entity in reversed(list(doomed.roots)):
        ids = list(doomed.roots[entity])
        if entity == shape.entity.key:
            own = {draft.id for draft in batch.drafts}
            _put_away(unit, entity, [id_ for id_ in ids if id_ not in own], None)
            _bury(unit, shape, batch, batch.drafts)
        else:
            _put_away(unit, entity, ids, None)


def _used(unit: Unit, link: Incoming, count: int) -> Message:
    plural = unit.published.model.entity(link.field.entity).plural
    return Message("It cannot be deleted: {count} {plural} lead to it", count=count, plural=plural)


def _doom(unit: Unit, shape: Shape, batch: Batch) -> Doomed:
    """Follow the links that lead to the records of a batch."""
    doomed = Doomed()
    waiting: list[tuple[str, dict[str, int]]] = [(shape.entity.key, {draft.id: draft.row for draft in batch.drafts})]
    restricting: list[tuple[Incoming, Sequence[tuple[str, str]], Mapping[str, int]]] = []
    while waiting:
        entity, records = waiting.pop(0)
        known = doomed.roots.setdefault(entity, {})
        fresh = {id_: row for id_, row in records.items() if id_ not in known}
        known.update(fresh)
        if not fresh:
            continue
        for link in incoming(unit.published.model, entity):
            if link.on_delete == "leave":
                continue
            found = linking_rows(unit, link, fresh)
            if not found:
                continue
            if link.on_delete == "cascade":
                waiting.append((link.field.entity, {holder: fresh[target] for holder, target in found}))
            elif link.on_delete == "clear":
                doomed.cleared.setdefault((link.field.entity, link.field.key), set()).update(each for each, _ in found)
            else:
                restricting.append((link, found, fresh))
    for link, found, records in restricting:
        counts: dict[int, int] = {}
        for holder, target in found:
            if not doomed.has(link.field.entity, holder):
                counts[records[target]] = counts.get(records[target], 0) + 1
        doomed.kept += [(row, link, count) for row, count in counts.items()]
    return doomed


def _clear(unit: Unit, doomed: Doomed) -> None:
    """Empty the links of records that stay."""
    for (entity, key), holders in doomed.cleared.items():
        ids = sorted(id_ for id_ in holders if not doomed.has(entity, id_))
        gone = frozenset().union(*(records for records in doomed.roots.values()))
        for start in range(0, len(ids), CHUNK):
            clear_links(unit, entity, key, ids[start : start + CHUNK], gone)


def clear_links(unit: Unit, entity: str, key: str, ids: Sequence[str], gone: Iterable[str]) -> None:
    """Take targets that are gone out of a link field of some records, with a version and history."""
    shape = unit.shape(entity)
    linked = shape.entity.fields[key]
    lost = frozenset(gone)
    stored = load(unit, shape, ids)
    old_links = load_links(unit, linked, list(stored)) if linked.type.links == "many" else {}
    drafts = []
    for found in stored.values():
        draft = stored_draft(found)
        if linked.type.links == "many":
            draft.old_links[key] = old_links.get(draft.id, ())
            draft.links[key] = tuple(each for each in draft.old_links[key] if each not in lost)
        else:
            draft.new[key] = None
        draft.changed.add(key)
        drafts.append(draft)
    batch = new_batch(unit, shape, "update", drafts)
    batch.computed = True
    work_out(shape, drafts, Evaluation(unit, shape, batch))
    persist.update(unit, shape, drafts)
    finish(unit, shape, batch, drafts)


def _put_away(unit: Unit, entity: str, ids: Sequence[str], rows: Mapping[str, int] | None) -> None:
    """Put records into the bin that go along with others."""
    shape = unit.shape(entity)
    for start in range(0, len(ids), CHUNK):
        stored = load(unit, shape, ids[start : start + CHUNK], lock="delete")
        batch = new_batch(unit, shape, "delete", [stored_draft(found) for found in stored.values()])
        if unit.hooks.listens("before_delete"):
            with unit.at_work():
                unit.hooks.call("before_delete", batch=batch)
            if batch.problems:
                raise RecordInvalid(batch.problems)
        _bury(unit, shape, batch, batch.drafts)


def _bury(unit: Unit, shape: Shape, batch: Batch, drafts: Sequence[Draft]) -> None:

    if not drafts:
        return
    for draft in drafts:
        draft.new["deleted_at"] = unit.now
        draft.changed = {"deleted_at"}
    persist.update(unit, shape, drafts)
    settling = unit.tail.settling.setdefault(batch.entity, set())
    settling.update(batch.ids)
    try:
        _note_links(unit, shape, drafts)
        write_history(unit, shape, "delete", drafts)
        unindex(unit, shape, [draft.id for draft in drafts])
        follow(unit, shape, batch, drafts)
    finally:
        settling.difference_update(batch.ids)
    unit.change_set.note("deleted", len(drafts))
    call_after(unit, batch, drafts)


def _note_links(unit: Unit, shape: Shape, drafts: Sequence[Draft]) -> None:
    """Load what `lookups` fields lead to where rollups at the other end count these records."""
    for key in shape.links_rolled_up:
        found = load_links(unit, shape.entity.fields[key], [draft.id for draft in drafts])
        for draft in drafts:
            draft.old_links[key] = found.get(draft.id, ())


def restore(unit: Unit, shape: Shape, ids: Sequence[str], first_row: int) -> Batch:
    """Take records out of the recycle bin, with the child rows and the others that went in along with them."""
    entity = shape.entity
    authorise.require_action(unit, entity, "delete")
    stored = load(unit, shape, ids, action="delete", lock="delete", trashed=True)
    batch = new_batch(unit, shape, "restore", [])
    batch.collect = True
    seen: set[str] = set()
    for row, id_ in enumerate(ids, first_row):
        found = stored.get(id_)
        error = authorise.out_of_reach(entity, id_, found, "delete")
        if error is not None or found is None:
            batch.errors[row] = error or authorise.missing(entity, id_)
        elif id_ not in seen:
            seen.add(id_)
            batch.drafts.append(stored_draft(found, row))
    along = _along(unit, shape, batch)
    _raise_rows(unit, shape, batch, along)
    for key, records in along.items():
        other = unit.shape(key)
        for start in range(0, len(records), CHUNK):
            found_rows: dict[str, Stored] = load(
                unit, other, records[start : start + CHUNK], lock="delete", trashed=True
            )
            inner = new_batch(unit, other, "restore", [stored_draft(each) for each in found_rows.values()])
            _raise_rows(unit, other, inner, along, check=False)
    return batch


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
            fresh = [each for each in same if each not in taken.setdefault(link.field.entity, set())]
            taken[link.field.entity].update(fresh)
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
    settling = unit.tail.settling.setdefault(batch.entity, set())
    settling.update(batch.ids)
    try:
        _note_links(unit, shape, batch.drafts)
        write_history(unit, shape, "restore", batch.drafts)
        index(unit, shape, batch.drafts, whole=True)
    finally:
        settling.difference_update(batch.ids)
    follow(unit, shape, batch, batch.drafts)
    unit.change_set.note("restored", len(batch.drafts))
    call_after(unit, batch, batch.drafts)


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
