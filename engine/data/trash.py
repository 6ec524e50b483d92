"""The recycle bin: what goes in, and along with what.

The database never deletes by itself. What links to a record decides what happens to it: `restrict` keeps it, `clear`
empties the link, `cascade` takes the other record along; child rows always go with their parent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from engine.data.batch import Batch
from engine.data.consequences import finish, follow, hooks_afterwards, settling, tell
from engine.data.drafts import new_batch, stored_draft
from engine.data.history import last_author, write_history
from engine.data.incoming import Incoming, incoming, linking_rows
from engine.data.searching import unindex
from engine.data.shape import Shape
from engine.data.steps import authorise, persist
from engine.data.steps.evaluate import Evaluation
from engine.data.steps.formulas import work_out
from engine.data.steps.load import load, load_links
from engine.data.unit import CHUNK, Unit
from engine.errors import RecordInvalid, VersionConflict
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


NO_VERSIONS: Mapping[str, int] = {}


def asked_for(
    unit: Unit,
    shape: Shape,
    verb: Literal["delete", "restore"],
    ids: Sequence[str],
    first_row: int,
    versions: Mapping[str, int] = NO_VERSIONS,
) -> Batch:
    """Return a batch of the stored records that are to go or to come back; ids out of reach have their error.

    So have those that are no longer at the version that `versions` says the caller had read.
    """
    entity = shape.entity
    authorise.require_action(unit, entity, "delete")
    stored = load(unit, shape, ids, action="delete", lock="delete", trashed=verb == "restore")
    batch = new_batch(unit, shape, verb, [])
    batch.collect = True
    seen: set[str] = set()
    for row, id_ in enumerate(ids, first_row):
        found = stored.get(id_)
        error = authorise.out_of_reach(entity, id_, found, "delete")
        if error is not None or found is None:
            batch.errors[row] = error or authorise.missing(entity, id_)
        elif versions.get(id_, found.values["version"]) != found.values["version"]:
            version = found.values["version"]
            batch.errors[row] = VersionConflict(
                entity.key, id_, version, {}, changed_by=last_author(unit, entity.key, id_)
            )
        elif id_ not in seen:
            seen.add(id_)
            batch.drafts.append(stored_draft(found, row))
    return batch


def delete(
    unit: Unit, shape: Shape, ids: Sequence[str], first_row: int, versions: Mapping[str, int] = NO_VERSIONS
) -> Batch:
    """Put records into the recycle bin; return their batch, with the problems of those that were kept."""
    batch = asked_for(unit, shape, "delete", ids, first_row, versions)
    with hooks_afterwards(unit):
        _delete(unit, shape, batch)
    return batch


def delete_children(unit: Unit, shape: Shape, ids: Sequence[str]) -> None:
    """Put child rows into the recycle bin inside the write of their parent."""
    stored = load(unit, shape, ids, lock="delete")
    _delete(unit, shape, new_batch(unit, shape, "delete", [stored_draft(found) for found in stored.values()]))


def _delete(unit: Unit, shape: Shape, batch: Batch) -> None:
    if unit.hooks.listens("before_delete", batch.entity):
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
    with settling(unit, doomed.roots):
        _clear(unit, doomed)
        # Rows that others hang on go last, so that what is worked out again finds them gone.
        for entity in reversed(list(doomed.roots)):
            ids = list(doomed.roots[entity])
            if entity == shape.entity.key:
                own = {draft.id for draft in batch.drafts}
                _put_away(unit, entity, [id_ for id_ in ids if id_ not in own])
                _bury(unit, shape, batch)
            else:
                _put_away(unit, entity, ids)


def _used(unit: Unit, link: Incoming, count: int) -> Message:
    entity = unit.published.model.entity(link.field.entity)
    if count == 1:
        return Message("It cannot be deleted: a record leads to it ({label})", label=entity.label)
    plural = entity.plural
    return Message("It cannot be deleted: {count} {plural} lead to it", count=count, plural=plural)


def _doom(unit: Unit, shape: Shape, batch: Batch) -> Doomed:
    """Follow the links that lead to the records of a batch."""
    doomed = Doomed()
    waiting: list[tuple[str, dict[str, int]]] = [(shape.entity.key, {draft.id: draft.row for draft in batch.drafts})]
    restricting: list[tuple[Incoming, list[tuple[str, str]], dict[str, int]]] = []
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


def _put_away(unit: Unit, entity: str, ids: Sequence[str]) -> None:
    """Put records into the bin that go along with others."""
    shape = unit.shape(entity)
    for start in range(0, len(ids), CHUNK):
        stored = load(unit, shape, ids[start : start + CHUNK], lock="delete")
        batch = new_batch(unit, shape, "delete", [stored_draft(found) for found in stored.values()])
        if unit.hooks.listens("before_delete", batch.entity):
            with unit.at_work():
                unit.hooks.call("before_delete", batch=batch)
            if batch.problems:
                raise RecordInvalid(batch.problems)
        _bury(unit, shape, batch)


def _bury(unit: Unit, shape: Shape, batch: Batch) -> None:
    """Write rows as deleted, with all that follows."""
    drafts = batch.drafts
    if not drafts:
        return
    for draft in drafts:
        draft.new["deleted_at"] = unit.now
        draft.changed = {"deleted_at"}
    persist.update(unit, shape, drafts)
    write_history(unit, shape, "delete", drafts)
    unindex(unit, shape, batch.ids)
    tell(unit, batch, drafts)
    follow(unit, shape, batch, drafts)
    unit.change_set.note("deleted", len(drafts))
