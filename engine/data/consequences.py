"""What follows from a write in other records: rollups of those that are linked to, formulas of those that link here.

What is worked out is written like any other change, with a version and a row of history, so that the feed, the screens
and automation see it. Values that come out the same write nothing, and so the wave ends.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from engine.data.alike import write_keys
from engine.data.batch import Batch, Draft
from engine.data.dependencies import CREATED, Follower, RollupGroup, dependencies
from engine.data.drafts import new_batch, stored_draft
from engine.data.history import write_history
from engine.data.rollups import compute
from engine.data.searching import index, record_one
from engine.data.shape import Shape
from engine.data.steps import formulas, persist, validate
from engine.data.steps.evaluate import Evaluation
from engine.data.steps.load import load, load_links
from engine.data.unit import CHUNK, Unit
from engine.errors import FieldProblem, RecordInvalid
from engine.i18n import Message
from engine.metadata.model import Field

MOST_WAVES = 64
"""How far a change may travel along links before it counts as going round in a circle."""


@dataclass(slots=True)
class Due:
    """What must be worked out again in the records of one entity."""

    groups: dict[str, dict[RollupGroup, None]] = field(default_factory=dict)
    """Record -> rollups."""
    formulas: dict[str, set[str]] = field(default_factory=dict)
    """Record -> stored formulas."""
    touched: set[str] = field(default_factory=set)
    """Parents of child rows that were written by themselves: they get a version of their own."""

    def ids(self) -> list[str]:
        """Return the records in order."""
        return sorted({*self.groups, *self.formulas, *self.touched})


def follow(unit: Unit, shape: Shape, batch: Batch, drafts: Sequence[Draft]) -> None:
    """Work out again what other records store because of these, which are written."""
    if not drafts:
        return
    due: dict[str, Due] = {}
    _collect_rollups(unit, shape, batch, drafts, due)
    _collect_followers(unit, shape, batch, drafts, due)
    if not batch.computed:
        _collect_parents(shape, drafts, due)
    for entity, found in due.items():
        known = unit.tail.settling.get(entity, set())
        ids = [id_ for id_ in found.ids() if id_ not in known]
        if not ids:
            continue
        if unit.wave >= MOST_WAVES:
            message = Message("What the records of {plural} add up to goes round in a circle",
                              plural=unit.published.model.entity(entity).plural)  # fmt: skip
            raise RecordInvalid([FieldProblem("", message, "circle")])
        unit.wave += 1
        try:
            for start in range(0, len(ids), CHUNK):
                recompute(unit, entity, ids[start : start + CHUNK], found)
        finally:
            unit.wave -= 1


@contextmanager
def settling(unit: Unit, records: Mapping[str, Iterable[str]]) -> Iterator[None]:
    """Keep what follows from a write away from records that the same call deletes or restores."""
    known = unit.tail.settling
    before = {entity: known.get(entity, set()) for entity in records}
    for entity, ids in records.items():
        known[entity] = before[entity] | set(ids)
    try:
        yield
    finally:
        known.update(before)


def _came_or_went(batch: Batch, draft: Draft) -> bool:
    return draft.old is None or batch.action in {"delete", "restore"}


def _collect_rollups(unit: Unit, shape: Shape, batch: Batch, drafts: Iterable[Draft], due: dict[str, Due]) -> None:
    known = dependencies(unit.published.model)
    groups = known.rollups.get(shape.entity.key, ())
    if not groups:
        return
    read = known.rollup_fields[shape.entity.key]
    counted = [draft for draft in drafts if _came_or_went(batch, draft) or not read.isdisjoint(draft.changed)]
    for key in shape.links_rolled_up:
        _know_links(unit, shape.entity.fields[key], counted)
    for draft in counted:
        for group in groups:
            for holder in _linked(draft, group.relation.field, group.relation.kind):
                due.setdefault(group.entity, Due()).groups.setdefault(holder, {})[group] = None


def _know_links(unit: Unit, field: Field, drafts: Iterable[Draft]) -> None:
    """Load what a `lookups` field leads to into drafts to which nobody has given it."""
    due = [draft for draft in drafts if draft.old is not None and field.key not in draft.old_links]
    if due:
        found = load_links(unit, field, [draft.id for draft in due])
        for draft in due:
            draft.old_links[field.key] = found.get(draft.id, ())


def _linked(draft: Draft, key: str, kind: str) -> set[str]:
    """Return the records that a draft links to by a field, before and after."""
    if kind == "lookups":
        return {*draft.links.get(key, ()), *draft.old_links.get(key, ())}
    values = {draft.new.get(key)}
    if draft.old is not None:
        values.add(draft.old.get(key))
    return {value for value in values if value is not None}


def _collect_followers(unit: Unit, shape: Shape, batch: Batch, drafts: Iterable[Draft], due: dict[str, Due]) -> None:
    known = dependencies(unit.published.model).followers
    entity = shape.entity.key
    if not shape.followed:
        return
    by_follower: dict[Follower, set[str]] = {}
    for draft in drafts:
        keys: set[str] = set(draft.changed)
        # To a new record only its own child rows link, and they know all of it but what is added up over them.
        linked_to = keys if draft.old is not None else keys & shape.settled_late if draft.child_ids else set()
        if _came_or_went(batch, draft):
            keys.add(CREATED)
        for key in keys:
            for follower in known.get((entity, key), ()):
                if follower.relation is None:
                    if key in linked_to:
                        by_follower.setdefault(follower, set()).add(draft.id)
                else:
                    hosts = _linked(draft, follower.relation.field, follower.relation.kind)
                    by_follower.setdefault(follower, set()).update(hosts)
    for follower, ids in by_follower.items():
        found = linking(unit, follower.entity, follower.links, ids) if follower.links else ids
        if found:
            formulas = due.setdefault(follower.entity, Due()).formulas
            for id_ in found:
                formulas.setdefault(id_, set()).update(follower.formulas)


def linking(unit: Unit, entity: str, links: Sequence[str], ids: Iterable[str]) -> list[str]:
    """Return the live records of an entity from which a chain of to-one fields leads to one of `ids`."""
    tables, name = unit.published.tables, unit.phrases.name
    model = unit.published.model
    at = model.entity(entity)
    chain = []
    for link in links:
        chain.append((at.key, link))
        at = model.entity(at.fields[link].target or "")
    inner = ""
    for key, link in reversed(chain):
        column = name(tables.column_name(key, link))
        condition = unit.phrases.is_in(column) if not inner else f"{column} IN ({inner})"
        inner = f"SELECT {name(tables.column_name(key, 'id'))} FROM {name(tables.name(key))} WHERE {condition}"  # noqa: S608
    inner += f" AND {name(tables.column_name(entity, 'deleted_at'))} IS NULL"
    return [row[0] for row in unit.run(inner, [unit.ids(ids)]).fetchall()]


def _collect_parents(shape: Shape, drafts: Iterable[Draft], due: dict[str, Due]) -> None:
    parent, link = shape.entity.parent, shape.entity.parent_field
    if parent is None or link is None:
        return
    for draft in drafts:
        due.setdefault(parent, Due()).touched.update(_linked(draft, link, "children"))


def recompute(unit: Unit, entity: str, ids: Sequence[str], due: Due) -> None:
    """Work out rollups and formulas of records again and write those that come out differently."""
    shape = unit.shape(entity)
    stored = load(unit, shape, ids)
    drafts = [stored_draft(found) for found in stored.values()]
    batch = new_batch(unit, shape, "update", drafts)
    batch.computed = True
    evaluation = Evaluation(unit, shape, batch)
    by_id = {draft.id: draft for draft in drafts}
    groups = {group: None for id_ in by_id for group in due.groups.get(id_, ())}
    for group in groups:
        wanted = [id_ for id_ in by_id if group in due.groups.get(id_, ())]
        for id_, values in compute(unit, shape, group, wanted).items():
            put_computed(by_id[id_], values)
    formulas.work_out_named(shape, drafts, evaluation, due.formulas)
    for draft in drafts:
        draft.touch = draft.id in due.touched
    written = [draft for draft in drafts if draft.writes]
    if not written:
        return
    batch.drafts = written
    for late in (False, True):
        validate.check_rules(shape, batch, evaluation, late=late)
    if batch.problems:
        raise RecordInvalid(FieldProblem("", problem.message, problem.code, problem.row) for problem in batch.problems)
    persist.update(unit, shape, written)
    finish(unit, shape, batch, written)


def put_computed(draft: Draft, values: Mapping[str, Any]) -> None:
    """Put computed values into a draft and note which of them are new."""
    for key, value in values.items():
        before = draft.old[key] if draft.old is not None else None
        if draft.new[key] != value:
            draft.unsaved.add(key)
        draft.new[key] = value
        if value != before:
            draft.changed.add(key)
        else:
            draft.changed.discard(key)


def finish(unit: Unit, shape: Shape, batch: Batch, written: Sequence[Draft]) -> None:
    """Steps 11 and 12: history, search and what follows in other records; the hooks are told at the end of the call."""
    if not written:
        return
    action = "transition" if batch.transition is not None else batch.action
    if batch.recorded:
        pass
    elif len(written) == 1 and written[0].old is None:
        record_one(unit, shape, action, written[0])
    else:
        write_history(unit, shape, action, written)
        index(unit, shape, written)
    write_keys(unit, shape, written)
    tell(unit, batch, written)
    follow(unit, shape, batch, written)


@contextmanager
def hooks_afterwards(unit: Unit) -> Iterator[None]:
    """Step 13: tell automation and plugins what was written inside, once all of it stands."""
    if unit.told is not None:
        yield
        return
    unit.told = []
    try:
        yield
        told = unit.told
    finally:
        unit.told = None
    for batch, written in told:
        _call_hooks(unit, batch, written)


def tell(unit: Unit, batch: Batch, written: Sequence[Draft]) -> None:
    """Note for the hooks what was written."""
    if unit.told is not None and written:
        unit.told.append((batch, list(written)))


def _call_hooks(unit: Unit, batch: Batch, written: list[Draft]) -> None:
    hooks = unit.hooks
    if not (hooks.listens("changed", batch.entity) or hooks.listens("after_save", batch.entity)):
        return
    whole = batch.drafts
    batch.drafts = written
    try:
        with unit.at_work():
            hooks.call("changed", batch=batch, connection=unit.connection)
            if batch.action in {"create", "update"}:
                hooks.call("after_save", guard=unit.savepoint, batch=batch)
    finally:
        batch.drafts = whole
