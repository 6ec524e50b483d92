"""Table fields: child rows are made, changed and deleted inside the write of their parent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.data.batch import Batch, Draft, Verb
from engine.data.shape import Shape
from engine.data.steps.load import load
from engine.data.unit import Unit
from engine.i18n import Message
from engine.ids import new_id
from engine.metadata.model import Field

DELETE = "_delete"
"""Key by which a given child row asks to be deleted."""


@dataclass(slots=True)
class ChildWork:
    """What a batch does to the child rows of one table field."""

    table: Field
    shape: Shape
    batches: list[Batch]
    """At most one for new rows and one for changed rows."""
    doomed: dict[str, Draft] = field(default_factory=dict)
    """Child rows to delete, with the draft of their parent."""
    parents: dict[str, Draft] = field(default_factory=dict)
    """Child id -> draft of its parent."""
    places: dict[str, int] = field(default_factory=dict)
    """Child id -> its place in the given list."""
    before: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Parent id -> child ids as they stood."""

    @property
    def empty(self) -> bool:
        """Say whether there is nothing to do."""
        return not self.doomed and not any(batch.drafts for batch in self.batches)


def plan_children(unit: Unit, shape: Shape, batch: Batch) -> list[ChildWork]:
    """Turn the given child rows of all drafts into batches of the child entities; nothing is checked yet."""
    work = []
    for table in shape.tables:
        due = [draft for draft in batch.drafts if table.key in draft.children]
        if due:
            work.append(_plan(unit, table, batch, due))
    return work


def _plan(unit: Unit, table: Field, batch: Batch, due: Sequence[Draft]) -> ChildWork:
    shape = unit.shape(table.target or "")
    work = ChildWork(table, shape, [])
    link = table.link or batch.kind.key
    existing = _existing(unit, shape, link, [draft.id for draft in due if draft.old is not None])
    made: list[Draft] = []
    changes: dict[str, Mapping[str, Any]] = {}
    for draft in due:
        have = existing.get(draft.id, ())
        work.before[draft.id] = have
        kept = _take_rows(batch, table, work, draft, have, made, changes, shape, link, exact=unit.exact)
        for id_ in have:
            if id_ not in kept:
                work.doomed[id_] = draft
                work.parents[id_] = draft
    if made:
        work.batches.append(_batch(unit, shape, batch, "create", made))
    if changes:
        stored = load(unit, shape, changes)
        changed = []
        for id_, values in changes.items():
            found = stored[id_]
            changed.append(
                Draft(
                    id_,
                    work.parents[id_].row,
                    values,
                    dict(found.values),
                    old=found.values,
                    version=found.values["version"],
                    sealed=found.sealed,
                    prefix=f"{work.parents[id_].prefix}{table.key}/{work.places[id_]}/",
                )
            )
        work.batches.append(_batch(unit, shape, batch, "update", changed))
    return work


def _take_rows(  # noqa: PLR0913, PLR0917 - one list of rows and all that it is sorted into
    batch: Batch,
    table: Field,
    work: ChildWork,
    draft: Draft,
    have: Sequence[str],
    made: list[Draft],
    changes: dict[str, Mapping[str, Any]],
    shape: Shape,
    link: str,
    *,
    exact: bool,
) -> set[str]:
    """Sort the given rows of one parent into new, changed and deleted ones; return the ids that stay.

    `exact`: rows are deleted by leaving them out alone, and new ones have no version.
    """
    kept: set[str] = set()
    for place, raw in enumerate(draft.children[table.key]):
        values = dict(raw)
        given = values.pop("id", None)
        delete = values.pop(DELETE, False) if not exact else False
        if not exact or given is not None:
            values.pop("version", None)
        if given is None or (given == "" and not exact):
            if delete:
                continue
            child = Draft(new_id(), draft.row, values, dict(shape.blank), prefix=f"{draft.prefix}{table.key}/{place}/")
            child.new["id"] = child.id
            child.new[link] = draft.id
            work.parents[child.id], work.places[child.id] = draft, place
            made.append(child)
        elif given not in have or given in kept:
            batch.refuse(
                draft,
                f"{table.key}/{place}/id",
                Message("{label}: there is no such row", label=table.label),
                "unknown",
            )
        elif not delete:
            kept.add(given)
            work.parents[given], work.places[given] = draft, place
            changes[given] = values
    return kept


def _batch(unit: Unit, shape: Shape, parent: Batch, action: Verb, drafts: list[Draft]) -> Batch:
    batch = Batch(
        unit.published.model,
        shape.entity,
        action,
        unit.principal,
        drafts,
        via=unit.via,
        change_set=unit.change_set.id,
        depth=unit.depth,
    )
    batch.collect = True
    batch.trusted = parent.trusted
    return batch


def _existing(unit: Unit, shape: Shape, link: str, parents: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
    """Return the ids of the live child rows by parent, in order."""
    if not parents:
        return {}
    column, identity = shape.by_key[link].name, shape.by_key["id"].name
    text = (
        f"SELECT {column}, {identity} FROM {shape.table} WHERE {unit.phrases.is_in(column)} "  # noqa: S608
        f"AND {shape.by_key['deleted_at'].name} IS NULL ORDER BY {identity}"
    )
    found: dict[str, list[str]] = {}
    for parent, child in unit.run(text, [unit.ids(parents)]).fetchall():
        found.setdefault(parent, []).append(child)
    return {parent: tuple(ids) for parent, ids in found.items()}


def report(parent: Batch, child: Batch) -> None:
    """Hand the problems and warnings of child rows to the batch of their parents."""
    rows = {draft.row: draft for draft in parent.drafts}
    parent.warnings += child.warnings
    for problem in child.problems:
        parent.problems.append(problem)
        if problem.row in rows:
            rows[problem.row].failed = True


def note_children(batch: Batch, work: ChildWork) -> None:
    """Note in the parents' drafts which child rows they have now, and whether any changed."""
    written: dict[str, list[tuple[int, Draft]]] = {}
    touched: set[str] = {parent.id for parent in work.doomed.values()}
    for child in work.batches:
        for draft in child.drafts:
            parent = work.parents[draft.id]
            written.setdefault(parent.id, []).append((work.places[draft.id], draft))
            if draft.writes:
                touched.add(parent.id)
    for draft in batch.drafts:
        if work.table.key not in draft.children:
            continue
        rows = [child for _, child in sorted(written.get(draft.id, ()), key=lambda pair: pair[0])]
        draft.written_children[work.table.key] = tuple(
            {**child.new, **child.links, **child.written_children} for child in rows
        )
        if draft.id in touched:
            draft.touch = True
            draft.changed.add(work.table.key)
            draft.child_ids[work.table.key] = (work.before.get(draft.id, ()), tuple(child.id for child in rows))
