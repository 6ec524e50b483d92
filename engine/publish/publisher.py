"""The publisher: validate, plan, expand, switch, retire.

Before the switch only additive statements run, so the revision that runs goes on running; the switch is one short
transaction that no writer runs beside; after it nothing is dropped until its grace has passed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from engine import clock
from engine.audit import Event, Trail
from engine.errors import DocumentsInvalid, Problem, PullFirst
from engine.i18n import Message
from engine.metadata.document import Document
from engine.metadata.layers import Layer
from engine.metadata.model import Model
from engine.publish import revisions
from engine.publish.acts import publication
from engine.publish.announced import unannounced
from engine.publish.carry import Backfill, Carry, Pause, Prepared, refuse, work_off
from engine.publish.models import Models, ProcessOutdated, Settings, pack_checksums, published
from engine.publish.revisions import Draft, Revision
from engine.storage import apply, later
from engine.storage.database import Database
from engine.storage.guards import drift, missing_indexes, repairs
from engine.storage.patience import patiently
from engine.storage.plan import DocumentChange, Plan, schema_plan
from engine.storage.publication_lock import publication_lock
from engine.storage.purge import Purged, count, drop, due
from engine.storage.storage_map import Retired


def _nowhere(point: str) -> None:
    """Pause nowhere."""


class Publisher:
    """Publishes documents into one database, and knows what is published.

    Args:
        database: with the engine's tables in it.
        layers: gives the layers below the site: core, packs, plugins.
        settings: languages, currency and time zone of the site.
        backfill: computes stored formulas and rollups of every record of an entity, in the caller's transaction;
            called for fields that are new or computed in another way.
    """

    def __init__(
        self,
        database: Database,
        layers: Callable[[], Sequence[Layer]],
        *,
        settings: Settings | None = None,
        backfill: Backfill | None = None,
    ) -> None:
        self._database = database
        self._layers = layers
        self.backfill = backfill
        self._settings = settings or Settings()
        self.models = Models(database, layers, self._settings)
        self.trail = Trail(database)
        """Where publications are noted; the site puts its own in."""
        self._running = Revision(0)

    # -- what is

    def current(self) -> Revision:
        """Return the revision that runs."""
        with self._database.read() as connection:
            number = self._database.probe(connection)[0]
            # A revision never changes, and its documents may be a megabyte.
            if number != self._running.number:
                self._running = revisions.load(connection, number)
            return self._running

    def history(self, limit: int = 50) -> list[revisions.Entry]:
        """Return the newest publications, newest first."""
        with self._database.read() as connection:
            return revisions.history(connection, limit)

    # -- what would be

    def plan(
        self, documents: Sequence[Document], *, accept: Mapping[str, int] | None = None, today: dt.date | None = None
    ) -> Plan:
        """Return what publishing these documents as the whole site layer would change.

        Raises:
            DocumentsInvalid: with every problem of every document.
        """
        return self._prepare(self.current(), documents, accept or {}, today, counted=True).plan

    # -- making it so

    def publish(
        self,
        documents: Sequence[Document],
        *,
        base: int | None = None,
        accept: Mapping[str, int] | None = None,
        comment: str | None = None,
        author: str | None = None,
        pause: Pause = _nowhere,
        back_to: int | None = None,
    ) -> Revision:
        """Publish documents as the whole site layer and return the new revision; the one that runs if nothing differs.

        Args:
            documents: the site layer.
            base: the revision that the documents were taken from; None when whoever publishes knows what runs.
            accept: `lead.amount` -> values that may be lost, at most.
            comment: why.
            author: id of the user who publishes.
            pause: called with the name of each point at which a crash would be interesting.
            back_to: the revision whose documents these are, when it is a rollback.

        Raises:
            DocumentsInvalid: with every problem of every document.
            PullFirst: another revision than `base` runs.
            PlanRefused: values would be lost that nobody accepted to lose, a unique rule is broken, or the
                database is not as the storage map says.
            DatabaseUnavailable: writers or readers kept a table for a minute.
        """
        with publication_lock(self._database):
            running = self.current()
            if base is not None and base != running.number:
                raise PullFirst(
                    Message(
                        "Revision {number} runs, and these documents were taken from revision {base}: pull first",
                        number=running.number,
                        base=base,
                    )
                )
            apply.take_back(self._database, running.storage)
            self._finish(running)
            pause("begun")
            prepared = self._prepare(running, documents, accept or {}, None, counted=False)
            if prepared.plan.empty:
                return prepared.running
            refuse(prepared.plan)
            pause("planned")
            revision = replace(prepared.revision, comment=comment, author_id=author, published_at=clock.now())
            prepared = replace(prepared, revision=revision)
            event = publication(prepared, self._previous(running), accept or {}, back_to)
            Carry(
                self._database, prepared, accept or {}, self.backfill, pause, lambda c: self.trail.note(c, event)
            ).out()
            self.models.keep(prepared.published)
            pause("switched")
            work_off(self._database, prepared.published, self.backfill, pause)
            return revision

    def rollback(
        self,
        number: int,
        *,
        accept: Mapping[str, int] | None = None,
        comment: str | None = None,
        author: str | None = None,
        pause: Pause = _nowhere,
    ) -> Revision:
        """Publish the documents of an earlier revision as a new one; what was retired since comes back.

        Raises:
            NotFound: there is no such revision.
            PlanRefused, DocumentsInvalid, DatabaseUnavailable: as `publish`.
        """
        with self._database.read() as connection:
            documents = revisions.load(connection, number).site_documents()
        return self.publish(documents, accept=accept, comment=comment, author=author, pause=pause, back_to=number)

    def purge(self, now: dt.datetime | None = None, *, dry_run: bool = False) -> list[Purged]:
        """Drop what was retired and whose grace has passed, and return what it held; as a new revision.

        Args:
            now: the time to go by; the clock's unless given.
            dry_run: only say what would be dropped.

        Raises:
            DatabaseUnavailable: writers or readers kept a table for a minute.
        """
        today = (now or clock.now()).date()
        with publication_lock(self._database):
            running = self.current()
            entries = due(running.storage, today)
            with self._database.read() as connection:
                found = count(connection, entries)
            if entries and not dry_run:
                patiently(lambda: self._drop(running, entries, found))
        return found

    def _drop(self, running: Revision, entries: Sequence[Retired], found: Sequence[Purged]) -> None:
        with self._database.exclusive() as connection:
            storage = drop(connection, running.storage, entries)
            what = "; ".join(map(str, found))
            revision = replace(
                running,
                number=running.number + 1,
                storage=storage,
                comment=f"purge: {what}",
                author_id=None,
                published_at=clock.now(),
            )
            revisions.store(
                connection, revision, {"changes": [], "documents": [], "purged": [str(each) for each in found]}
            )
            details = {"retired": [str(each) for each in found], "revision": revision.number}
            self.trail.note(connection, Event("purge", number=len(found), details=details))

    def finish(self) -> list[str]:
        """Do what a publication that died after its switch left undone, and return the entities it concerned."""
        with publication_lock(self._database):
            return self._finish(self.current())

    def _finish(self, running: Revision) -> list[str]:
        with self._database.read() as connection:
            if not later.notes(connection):
                return []
        try:
            found = self.models.get(running.number)
        except (ProcessOutdated, DocumentsInvalid):
            return []  # Who has its packs does it, or the publication of those that are installed.
        return work_off(self._database, found, self.backfill, _nowhere)

    def drift(self) -> list[Problem]:
        """Return where the database is not as the running revision made it; for `guanxi doctor`.

        Errors stop a publication of these entities; warnings (missing indexes) are put right by `repair`.
        """
        running = self.current()
        with self._database.read() as connection:
            return [
                *drift(connection, running.storage, running.storage.entities),
                *repairs(connection, running.storage),
            ]

    def repair(self) -> list[str]:
        """Make the indexes that `drift` finds missing or broken, and return their names.

        Raises:
            ProcessOutdated: as `Models.get`.
            IntegrityError: values stand more than once under a unique rule whose index was gone.
        """
        with publication_lock(self._database):
            running = self.current()
            found = self.models.get(running.number)
            with self._database.read() as connection:
                missing = missing_indexes(connection, found.model, running.storage)
            for index in missing:
                apply.index_anew(self._database, index)
            return [index.name(self._database.dialect) for index in missing]

    # -- drafts

    def drafts(self) -> list[Draft]:
        """Return the documents that are edited in the builder and not published yet."""
        with self._database.read() as connection:
            return revisions.drafts(connection)

    def save_draft(self, kind: str, name: str, body: Mapping[str, Any] | None, author: str | None = None) -> None:
        """Keep a document that is edited; None as its body: it shall be removed."""
        with self._database.write() as connection:
            revisions.save_draft(connection, kind, name, body, author)

    def drop_drafts(self, names: Sequence[tuple[str, str]] | None = None) -> None:
        """Forget drafts, all of them unless (kind, name) are given."""
        with self._database.write() as connection:
            revisions.drop_drafts(connection, names)

    def drafted(self) -> tuple[list[Document], int]:
        """Return the site layer with the drafts in it, and the revision that it builds on.

        Raises:
            PullFirst: a document was published by somebody else since its draft was begun.
        """
        with self._database.read() as connection:
            drafts = revisions.drafts(connection)
            running = revisions.load(connection, self._database.probe(connection)[0])
            bases = {draft.base_revision for draft in drafts} - {running.number}
            before = {number: revisions.load(connection, number).documents for number in bases}
        bodies = dict(running.documents)
        for draft in drafts:
            id_ = f"{draft.kind}/{draft.name}"
            known = before.get(draft.base_revision)
            if known is not None and known.get(id_) != running.documents.get(id_):
                message = Message("{document} was published by somebody else while you edited it", document=id_)
                raise PullFirst(message)
            if draft.body is None:
                bodies.pop(id_, None)
            else:
                bodies[id_] = draft.body
        return [revisions.document_of(id_, body) for id_, body in bodies.items()], running.number

    # -- parts

    def _prepare(
        self,
        running: Revision,
        documents: Sequence[Document],
        accept: Mapping[str, int],
        today: dt.date | None,
        *,
        counted: bool,
    ) -> Prepared:
        layers = list(self._layers())
        model = self.models.build([*layers, revisions.site_layer(documents)], running.number + 1)
        bodies = {document.id: dict(document.body) for document in documents}
        packs = pack_checksums(layers)
        differences = tuple(_differences(running, bodies, packs))
        with self._database.read() as connection:
            plan = schema_plan(
                model,
                running.storage,
                connection,
                previous=lambda: self._previous(running),
                until=(today or clock.now().date()) + dt.timedelta(days=self._settings.grace_days),
                accept=dict(accept),
                changed=_changed(differences, running, bodies),
                counted=counted,
            )
        plan = replace(plan, base_revision=running.number, documents=differences)
        if counted and differences:
            gone = unannounced(self._previous(running), model, today or clock.now().date())
            plan = replace(plan, warnings=(*plan.warnings, *gone))
        revision = Revision(running.number + 1, bodies, packs, plan.storage, model.checksum)
        retypes = any(change.kind == "retype_column" for change in plan.changes)
        previous = self._previous(running) if retypes else None
        return Prepared(running, model, previous, plan, revision, published(model, plan.storage))

    def _previous(self, running: Revision) -> Model | None:
        """Return the Model that runs, when its packs are still installed and it can still be built."""
        if running.number == 0:
            return None
        try:
            return self.models.get(running.number).model
        except (ProcessOutdated, DocumentsInvalid):
            return None


def _changed(
    differences: Sequence[DocumentChange], running: Revision, bodies: Mapping[str, Mapping[str, Any]]
) -> set[str] | None:
    """Return the entities whose tables or indexes may follow from what differs; None when that may be any."""
    found: set[str] = set()
    for each in differences:
        kind, _, name = each.name.partition("/")
        versions = [body for body in (running.documents.get(each.name), bodies.get(each.name)) if body is not None]
        if kind == "entity":
            found.add(name)
        elif kind in {"view", "report"}:
            found.update(str(body["entity"]) for body in versions if "entity" in body)
            if not all("entity" in body for body in versions):
                return None  # A patch of a shipped view does not say whose it is.
        elif kind == "role":
            granted = [body["grants"] for body in versions if isinstance(body.get("grants"), Mapping)]
            found.update(key for grants in granted for key in grants)
            if any("*" in grants for grants in granted):
                return None
        elif kind.startswith("pack "):
            return None
    return found


def _differences(
    running: Revision, bodies: Mapping[str, Mapping[str, Any]], packs: Mapping[str, str]
) -> Iterator[DocumentChange]:
    for name in sorted({*packs, *running.packs}):
        before, after = running.packs.get(name), packs.get(name)
        if before != after:
            yield DocumentChange(f"pack {name}", _action(before, after))
    for id_ in sorted({*bodies, *running.documents}):
        old, new = running.documents.get(id_), bodies.get(id_)
        if old != new:
            yield DocumentChange(id_, _action(old, new))


def _action(before: object, after: object) -> Any:
    return "added" if before is None else "removed" if after is None else "changed"
