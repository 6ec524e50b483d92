"""Carries a prepared publication out: all at once where that is quick, in stages where rows must be copied.

At once is one transaction that no writer runs beside. In stages: additive statements and triggers that note what is
written meanwhile; copies, a batch a transaction, beside running writers; then the switch, which copies what was noted.
A publication that fails between takes back what it made; one whose process dies leaves a note, by which the next one
does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, IntegrityError

from engine.errors import PlanRefused, StaleModel
from engine.i18n import Message
from engine.metadata.model import Model
from engine.publish import revisions
from engine.publish.models import Published
from engine.publish.revisions import Revision
from engine.storage import apply, later, statistics
from engine.storage.copying import Copy, Fill, Filler
from engine.storage.database import Database
from engine.storage.fills import reaches_out
from engine.storage.guards import Looker, duplicates, find_duplicates
from engine.storage.patience import patiently
from engine.storage.plan import Change, Plan
from engine.storage.plan_text import plan_to_json
from engine.storage.reindex import Reindex

Pause = Callable[[str], None]
Backfill = Callable[[Connection, Published, str, Sequence[str], Sequence[str] | None], None]
"""(connection, what is published, entity, fields, ids or None for all records) -> None"""

_INDEXES = frozenset({"add_index", "add_unique"})
_INDEXING = frozenset({"create_table", "create_link", "revive_table", "retype_column", "drop_index", *_INDEXES})


@dataclass(frozen=True, slots=True)
class Prepared:
    """A publication that was planned: from where, to where."""

    running: Revision
    model: Model
    previous: Model | None
    plan: Plan
    revision: Revision
    published: Published


def refuse(plan: Plan) -> None:
    """Refuse a plan that cannot or may not be carried out.

    Raises:
        PlanRefused: with the problems, and the plan.
    """
    if plan.problems:
        raise PlanRefused(plan.problems[0].message, plan.problems, plan)
    losses = plan.losses
    if losses:
        items = " ".join(f"--accept {target}={count}" for target, count in losses.items())
        message = Message("Values would be lost; publish with {items} if that is right", items=items)
        raise PlanRefused(message, (), plan)


class Carry:
    """One publication on its way."""

    def __init__(
        self,
        database: Database,
        prepared: Prepared,
        accept: Mapping[str, int],
        backfill: Backfill | None,
        pause: Pause,
        note: Callable[[Connection], None],
    ) -> None:
        self._note = note
        self._database, self._prepared = database, prepared
        self._accept, self._backfill, self._pause = accept, backfill, pause
        self._plan = prepared.plan
        self._looker: Looker | None = None

    def out(self) -> None:
        """Carry it out.

        Raises:
            PlanRefused: what was written meanwhile breaks a unique rule, or would be lost too.
            StaleModel: somebody else published meanwhile.
            DatabaseUnavailable: others kept a table for too long.
        """
        large = self._large_indexes()
        if not large and not any(change.copies for change in self._plan.changes):
            patiently(self._at_once)
            return
        try:
            self._in_stages(large)
        except Exception:
            apply.take_back(self._database, self._prepared.running.storage)
            raise

    # -- at once

    def _at_once(self) -> None:
        with self._database.exclusive() as connection:
            self._check_running(connection)
            self._expand(connection, self._plan.changes)
            self._pause("expanded")
            self._switch(connection)

    def _expand(self, connection: Connection, changes: Sequence[Change]) -> None:
        try:
            apply.expand(connection, changes)
        except IntegrityError as error:
            message = Message("Records that were written meanwhile break a unique rule; plan again")
            raise PlanRefused(message, (), self._plan) from error

    # -- in stages

    def _in_stages(self, large: Sequence[Change]) -> None:
        changes = self._plan.changes
        copies = self._copies()
        additive = [change for change in changes if change.kind not in _INDEXES]
        patiently(lambda: self._begin(additive, copies))
        self._pause("expanded")
        for copy in copies:
            copy.run(self._pause)
        self._pause("copied")
        for change in large:
            self._index_beside(change)
        self._pause("indexed")
        rest = [change for change in changes if change.kind in _INDEXES and change not in large]
        patiently(lambda: self._finish(copies, rest))

    def _begin(self, additive: Sequence[Change], copies: Sequence[Copy | Fill]) -> None:
        """Make what is added, and the triggers, in one transaction beside running writers."""
        watched: dict[str, set[str]] = {}
        for copy in copies:
            watched.setdefault(copy.table, set()).update(copy.watched)
        with self._database.plain() as connection:
            apply.begin_work(connection, self._database.dialect, self._plan.changes, tuple(watched))
            self._expand(connection, additive)
            apply.watch(connection, watched)

    def _finish(self, copies: Sequence[Copy | Fill], rest: Sequence[Change]) -> None:
        with self._database.exclusive() as connection:
            self._check_running(connection)
            for copy in copies:
                copy.catch_up(connection)
            self._check_losses(copies)
            apply.copy_links(connection, self._plan.changes)
            for change in rest:
                if change.kind == "add_unique":
                    self._check_unique(connection, change)
            self._expand(connection, rest)
            self._pause("caught up")
            self._switch(connection)

    def _copies(self) -> list[Copy | Fill]:
        prepared = self._prepared
        copies: list[Copy | Fill] = []
        fills: dict[str, list[str]] = {}
        for change in self._plan.changes:
            if change.kind == "retype_column" and change.source is not None and change.column is not None:
                convert, back = apply.converters(change, prepared.model, prepared.previous, self._database.dialect)
                copies.append(Copy(self._database, change, convert, back))
            elif change.kind == "fill_column":
                fills.setdefault(change.entity, []).append(change.field)
        if self._backfill is not None:
            copies += [
                Fill(self._database, prepared.published.storage.entities[entity], self._filler(entity, fields))
                for entity, fields in fills.items()
            ]
        return copies

    def _filler(self, entity: str, fields: Sequence[str]) -> Filler:
        backfill, published = self._backfill, self._prepared.published

        def fill(connection: Connection, ids: Sequence[str] | None) -> None:
            if backfill is not None:
                backfill(connection, published, entity, fields, ids)

        return fill

    # -- indexes

    def _large_indexes(self) -> list[Change]:
        """Return indexes on tables so large that PostgreSQL shall make them beside running writers."""
        if self._database.dialect == "sqlite":
            return []
        found = [change for change in self._plan.changes if change.kind in _INDEXES]
        fresh = {change.table for change in self._plan.changes if change.kind == "create_table"}
        tables = {change.table for change in found} - fresh
        with self._database.bare() as connection:
            large = apply.large_tables(connection, tables)
        return [change for change in found if change.table in large]

    def _index_beside(self, change: Change) -> None:
        if change.index is None:
            return
        try:
            apply.index_concurrently(self._database, change.index)
        except DBAPIError as error:
            if not isinstance(error, IntegrityError):
                raise
            with self._database.bare() as connection:
                self._check_unique(connection, change)
            raise

    # -- checks

    def _check_running(self, connection: Connection) -> None:
        number = revisions.current_number(connection)
        if number != self._prepared.running.number:
            raise StaleModel(self._prepared.running.number, number)

    def _check_losses(self, copies: Sequence[Copy | Fill]) -> None:
        for copy in copies:
            if isinstance(copy, Copy) and len(copy.losses) > self._accept.get(copy.change.target, 0):
                plan = _with_losses(self._plan, copy)
                refuse(plan)

    def _check_unique(self, connection: Connection, change: Change) -> None:
        count, samples = find_duplicates(connection, change)
        if count:
            problem = duplicates(change, count, samples)
            raise PlanRefused(problem.message, (problem,), self._plan)

    # -- the switch

    def _switch(self, connection: Connection) -> None:
        """Let the new revision run; the last part of the exclusive transaction."""
        prepared = self._prepared
        apply.rename_entities(connection, prepared.plan.changes, prepared.running.storage, prepared.model)
        revisions.store(connection, prepared.revision, plan_to_json(prepared.plan))
        revisions.drop_published(connection, prepared.revision.documents)
        self._note(connection)
        apply.retire(connection, prepared.plan.changes)
        indexed = {change.entity for change in prepared.plan.changes if change.kind in _INDEXING}
        statistics.tell(connection, prepared.model, prepared.plan.storage, indexed)
        self._order_later(connection)
        apply.end_work(connection, self._database.dialect)
        self._pause("switching")

    def _order_later(self, connection: Connection) -> None:
        """Note what is done after the switch: search rows, and values computed from other records.

        These were computed before, too, but what was written meanwhile to the other records does not show.
        """
        fills: dict[str, list[str]] = {}
        for change in self._plan.changes:
            if change.kind == "index_search":
                later.order(connection, "search", change.entity)
            elif change.kind == "fill_column" and self._backfill is not None:
                field = self._prepared.model.entities[change.entity].fields[change.field]
                if reaches_out(field):
                    fills.setdefault(change.entity, []).append(change.field)
        for entity, fields in fills.items():
            later.order(connection, "fill", entity, fields=fields)


def _with_losses(plan: Plan, copy: Copy) -> Plan:
    """Return the plan with what was lost in the end."""
    changes = tuple(
        replace(change, risk="lossy", losses=len(copy.losses), accepted=False) if change is copy.change else change
        for change in plan.changes
    )
    return replace(plan, changes=changes)


def work_off(database: Database, published: Published, backfill: Backfill | None, pause: Pause) -> list[str]:
    """Do what is left to do after a switch, from where it was left; return the entities it concerned."""
    with database.bare() as connection:
        left = later.notes(connection)
    for note in left:
        step = _step(database, published, backfill, note)
        after: str | None = note.body["after"]
        while after is not None:
            after = patiently(partial(_advance, database, step, note, after))
            pause(f"{note.kind} {note.body['entity']}")
    return [note.body["entity"] for note in left]


def _advance(
    database: Database, step: Callable[[Connection, str], str | None], note: later.Note, after: str
) -> str | None:
    with database.write() as connection:
        reached = step(connection, after)
        later.advance(connection, note, reached)
    return reached


def _step(
    database: Database, published: Published, backfill: Backfill | None, note: later.Note
) -> Callable[[Connection, str], str | None]:
    """Return what does one batch after an id, and returns the last id that it did; None when nothing is left."""
    entity = note.body["entity"]
    stored = published.storage.entities.get(entity)
    if stored is None or entity not in published.model.entities:
        return lambda connection, after: None
    if note.kind == "search":
        return Reindex(published.model, published.storage, entity, database.dialect).batch
    known = published.model.entities[entity].fields
    fields = [key for key in note.body["fields"] if key in known]

    def fill(connection: Connection, ids: Sequence[str] | None) -> None:
        if backfill is not None and fields:
            backfill(connection, published, entity, fields, ids)

    return Fill(database, stored, fill).batch
