"""The order of execution of a create or an update: a promise, printed in docs/records.md.

Each line of `prepare` and `write` is one step over all records of the batch. `prepare` writes nothing; `write` is
reached only by records without a problem.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from engine.data.batch import Batch, Change, Draft
from engine.data.consequences import finish, hooks_afterwards, put_computed, settling
from engine.data.drafts import new_batch, stored_draft
from engine.data.rollups import compute
from engine.data.shape import Shape
from engine.data.steps import (
    attachments,
    authorise,
    children,
    circles,
    conflicts,
    defaults,
    formulas,
    links,
    persist,
    reach,
    states,
    unique,
    validate,
)
from engine.data.steps.children import ChildWork
from engine.data.steps.evaluate import Evaluation
from engine.data.steps.load import Stored, load, load_links
from engine.data.steps.normalise import normalise, note_changes, put_value
from engine.data.trash import delete_children
from engine.data.unit import Unit
from engine.errors import RecordInvalid
from engine.ids import new_id


class Save:
    """One batch on its way, with what hangs on it."""

    __slots__ = ("batch", "children", "evaluation", "inner", "shape", "unit")

    def __init__(self, unit: Unit, shape: Shape, batch: Batch, parents: Mapping[str, Draft] | None = None) -> None:
        self.unit = unit
        self.shape = shape
        self.batch = batch
        self.inner = parents is not None
        """True for child rows inside the write of their parents."""
        self.evaluation = Evaluation(unit, shape, batch, parents)
        self.children: list[tuple[ChildWork, list[Save]]] = []

    # --- steps 4 to 9: nothing is written ---------------------------------------------------------------------------

    def prepare(self) -> None:
        """Check the batch and work out its values; rows with problems are marked in it."""
        unit, shape, batch, evaluation = self.unit, self.shape, self.batch, self.evaluation
        creating = batch.action == "create"
        authorise.check_fields(unit, shape, batch)
        normalise(unit, shape, batch)
        if creating:
            defaults.stamp(unit, batch)
            defaults.give_defaults(unit, shape, batch, evaluation)
            defaults.give_numbers(unit, shape, batch)
        note_changes(shape, batch)
        if not creating:
            conflicts.merge(unit, shape, batch)
            authorise.check_transfer(unit, shape, batch)
            authorise.check_import(unit, batch)
        self._before_save()
        formulas.work_out(shape, batch.drafts, evaluation)
        self._prepare_children()
        links.check_links(unit, shape, batch, inner=self.inner)
        if not creating:
            circles.check_circles(unit, shape, batch)
        attachments.check_files(unit, shape, batch)
        if not batch.trusted:
            validate.check_read_only(shape, batch, evaluation)
            validate.check_required(shape, batch, evaluation)
            validate.check_options(shape, batch, evaluation)
            states.check_states(unit, shape, batch, evaluation)
            validate.check_rules(shape, batch, evaluation)
        if self.inner or not unique.told_by_insert(batch):
            unique.check_unique(unit, shape, batch)
        reach.check_before(unit, batch, inner=self.inner)
        guard = unit.records.guard
        if guard is not None and shape.compared is not None and not (self.inner or batch.trusted):
            guard(unit, shape, batch)

    def _prepare_children(self) -> None:
        unit, batch = self.unit, self.batch
        parents = {draft.id: draft for draft in batch.drafts}
        for work in children.plan_children(unit, self.shape, batch):
            saves = []
            for child in work.batches:
                save = Save(unit, work.shape, child, parents)
                save.prepare()
                children.report(batch, child)
                saves.append(save)
            self.children.append((work, saves))

    def _before_save(self) -> None:
        unit, batch = self.unit, self.batch
        if not unit.hooks.listens("before_save", batch.entity):
            return

        def put(draft: Draft, key: str, value: Any) -> None:
            put_value(unit, self.shape, batch, draft, key, value)

        batch.put = put
        try:
            with unit.at_work():
                unit.hooks.call("before_save", batch=batch)
        finally:
            batch.put = None
        note_changes(self.shape, batch)

    # --- steps 10 to 13 ---------------------------------------------------------------------------------------------

    def write(self) -> list[Draft]:
        """Write the rows without problems and all that follows from them; return those that were written."""
        unit, shape, batch = self.unit, self.shape, self.batch
        failed = {draft.id for draft in batch.drafts if draft.failed}
        batch.drop_failed()
        if batch.action == "create":
            if batch.drafts and not self._insert():
                failed |= {draft.id for draft in batch.drafts}
                self._name_twin()
        else:
            persist.update(unit, shape, [draft for draft in batch.drafts if draft.changed])
        with settling(unit, {batch.entity: batch.ids}):
            self._write_children(failed)
        written = [draft for draft in batch.drafts if draft.writes]
        attachments.attach(unit, shape, written)
        self._settle(written)
        reach.check_after(unit, batch, written, inner=self.inner)
        finish(unit, shape, batch, written)
        return written

    def _insert(self) -> bool:
        """Insert the rows; False when a value that must be unique is in another row."""
        unit, shape, batch = self.unit, self.shape, self.batch
        told = not self.inner and unique.told_by_insert(batch)
        if not told or unit.phrases.kind != "postgresql" or not shape.words or self.children or self._settles_late:
            return persist.insert(unit, shape, batch, told=told)
        batch.recorded = persist.insert_whole(unit, shape, batch.drafts[0])
        return batch.recorded

    def _name_twin(self) -> None:
        """Say whose values a record has that the database refused; the index is the truth, whoever was quicker."""
        unique.check_unique(self.unit, self.shape, self.batch)
        if not self.batch.problems:
            raise persist.refused()
        self.batch.drop_failed()

    def _write_children(self, failed: set[str]) -> None:
        for work, saves in self.children:
            for save in saves:
                for draft in save.batch.drafts:
                    if work.parents[draft.id].id in failed:
                        draft.failed = True
                save.batch.drafts = [draft for draft in save.batch.drafts if not draft.failed]
                save.batch.problems.clear()
                save.write()
            doomed = [id_ for id_, parent in work.doomed.items() if parent.id not in failed]
            if doomed:
                delete_children(self.unit, work.shape, doomed)
            children.note_children(self.batch, work)
        touched = [draft for draft in self.batch.drafts if draft.touch and draft.old is not None]
        # Those whose own columns did not change have no new version yet.
        persist.update(self.unit, self.shape, [draft for draft in touched if draft.version == draft.old_version])

    @property
    def _settles_late(self) -> bool:
        shape = self.shape
        return bool(shape.settled_late or shape.late_transitions or any(check.late for check in shape.checks))

    def _settle(self, written: Sequence[Draft]) -> None:
        """Work out what waits for child rows and related rows, in the same version."""
        shape = self.shape
        if not self._settles_late:
            return
        self._roll_up([draft for draft in written if draft.child_ids])
        formulas.work_out(shape, written, self.evaluation, late=True)
        persist.update_settled(self.unit, shape, written)
        if not self.batch.trusted:
            states.check_states(self.unit, shape, self.batch, self.evaluation, late=True)
            validate.check_rules(shape, self.batch, self.evaluation, late=True)
        if any(draft.failed for draft in written):
            # The rows stand already, so all of the batch is taken back.
            raise RecordInvalid(self.batch.problems)

    def _roll_up(self, drafts: Sequence[Draft]) -> None:
        """Put the rollups over child rows into the drafts of their parents."""
        by_id = {draft.id: draft for draft in drafts}
        for group in self.shape.child_rollups if drafts else ():
            for id_, values in compute(self.unit, self.shape, group, by_id).items():
                put_computed(by_id[id_], values)


def create(unit: Unit, shape: Shape, rows: Sequence[Mapping[str, Any]], first_row: int) -> Batch:
    """Create records and return their batch, with the problems of those that were left out."""
    authorise.require_action(unit, shape.entity, "create")
    drafts = []
    for row, values in enumerate(rows, first_row):
        draft = Draft(new_id(), row, values, dict(shape.blank))
        draft.new["id"] = draft.id
        drafts.append(draft)
    batch = new_batch(unit, shape, "create", drafts)
    return _saved(unit, shape, batch)


def update(
    unit: Unit,
    shape: Shape,
    changes: Sequence[Change],
    first_row: int,
    *,
    transition: str | None = None,
    trusted: bool = False,
    strict: bool = False,
) -> Batch:
    """Update records and return their batch, those that stay as they are included."""
    batch = new_batch(unit, shape, "update", [])
    batch.transition, batch.trusted, batch.strict = transition, trusted, strict
    circles.take_turns(unit, shape, changes)
    stored = load(unit, shape, (change.id for change in changes), action="update")
    links_of = _old_links(unit, shape, changes, stored)
    seen: set[str] = set()
    for row, change in enumerate(changes, first_row):
        found = stored.get(change.id)
        error = authorise.out_of_reach(shape.entity, change.id, found, "update")
        if error is not None or found is None:
            batch.errors[row] = error or authorise.missing(shape.entity, change.id)
            continue
        draft = stored_draft(found, row)
        batch.drafts.append(draft)
        if change.id in seen:
            batch.refuse(draft, "id", authorise.twice(shape.entity), "twice")
            continue
        seen.add(change.id)
        draft.given, draft.base = change.values, change.version
        draft.old_links = {key: each.get(change.id, ()) for key, each in links_of.items()}
    return _saved(unit, shape, batch)


def _saved(unit: Unit, shape: Shape, batch: Batch) -> Batch:
    batch.collect = True
    save = Save(unit, shape, batch)
    save.prepare()
    with hooks_afterwards(unit):
        written = save.write()
    unit.change_set.note("created" if batch.action == "create" else "updated", len(written))
    return batch


def _old_links(
    unit: Unit, shape: Shape, changes: Iterable[Change], stored: Mapping[str, Stored]
) -> dict[str, Mapping[str, tuple[str, ...]]]:
    """Return the targets of those `lookups` fields that are given or that rules read."""
    given = frozenset[str]().union(*(change.values for change in changes)) | shape.links_read
    ids = list(stored)
    return {field.key: load_links(unit, field, ids) for field in shape.link_fields if field.key in given and ids}
