"""What may be known of imports: files and their columns, proposals, how far each is, what was wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from sqlalchemy import Connection

from engine.data.access import Access
from engine.data.principal import Principal
from engine.data.records import Records
from engine.data.transfer.importing import Importer, ImportOptions
from engine.data.transfer.looking import FileLook, look
from engine.data.transfer.mapping import ColumnMap
from engine.data.transfer.proposing import Proposal, propose
from engine.errors import AccessDenied, GuanxiError, NotFound
from engine.i18n import Message
from engine.jobs import Job, Jobs
from engine.publish import Models, Published
from engine.storage.database import Database
from engine.transfers.export_rules import Fetched
from engine.transfers.import_maps import ImportMaps, SavedMap
from engine.transfers.import_rows import ImportRows, ImportRun, ShownProblem
from engine.transfers.import_store import ImportStore
from engine.transfers.import_targets import ImportTarget, targets


class ImportLooking:
    """The imports of one site, for who looks at them.

    Args:
        database: where their rows are.
        store: where their files are.
    """

    def __init__(self, database: Database, store: ImportStore, models: Models, records: Records, jobs: Jobs) -> None:
        self.rows = ImportRows(database)
        self.maps = ImportMaps(database)
        self.store = store
        self._database, self._models, self._records, self._jobs = database, models, records, jobs

    def errors(self, principal: Principal, run: ImportRun, *, trial: bool) -> Fetched:
        """Return the file with the rows that were not taken.

        Raises:
            NotFound: there is none, or not any more.
        """
        self._require(principal, run.entity)
        return self.store.read_errors(run.id, trial=trial)

    def get(self, principal: Principal, id_: str, entity: str | None = None) -> ImportRun:
        """Return an import of the principal's own; an administrator gets any.

        Raises:
            NotFound: there is none such.
        """
        with self._database.read() as connection:
            found = self.rows.get(connection, id_)
            published = self._published(connection)
        mine = found is not None and found.actor_id == principal.id
        if found is None or not (mine or Access(published, principal).has("admin")):
            raise NotFound(Message("There is no import {id}", id=id_))
        if entity is not None and found.entity != entity:
            raise NotFound(Message("There is no import {id}", id=id_))
        return found

    def entries(
        self, principal: Principal, entity: str | None = None, *, limit: int = 50, before: str | None = None
    ) -> list[ImportRun]:
        """Return the newest imports that the principal may know of, the newest first."""
        with self._database.read() as connection:
            everybody = Access(self._published(connection), principal).has("admin")
            return self.rows.entries(connection, entity, None if everybody else principal.id, limit, before)

    def look(self, run: ImportRun, said: ColumnMap | None = None) -> FileLook:
        """Return what the file of an import turned out to be, read as `said` tells, else as its plan does.

        Raises:
            NotFound: the file is gone.
            SheetUnreadable: it cannot be read so.
        """
        with self.store.opened(run.id) as file:
            return look(file, said or run.plan, run.name)

    def proposals(self, principal: Principal, run: ImportRun, seen: FileLook, said: ColumnMap | None) -> list[Proposal]:
        """Return for each column what it probably is; what `said` says already stays."""
        importer = self._importer(principal, run.entity)
        published = importer.published()
        matcher = importer.matcher(published, published.model.entity(run.entity), updates=False)
        return propose(matcher, seen, said)

    def propose(self, principal: Principal, entity: str, file: Path, said: ColumnMap) -> ColumnMap:
        """Return a mapping that fits a file that lies anywhere; what `said` says already stays.

        Raises:
            AccessDenied, NotFound, SheetUnreadable: as `start`.
        """
        self._require(principal, entity)
        importer = self._importer(principal, entity)
        published = importer.published()
        matcher = importer.matcher(published, published.model.entity(entity), updates=False)
        proposals = propose(matcher, look(file, said), said)
        columns = {each.header: said.columns.get(each.header, each.rule) for each in proposals}
        return replace(said, columns=columns)

    def targets(self, principal: Principal, entity: str) -> list[ImportTarget]:
        """Return what columns may go into."""
        published = self._importer(principal, entity).published()
        return targets(published.model, Access(published, principal), published.model.entity(entity))

    def faults(self, principal: Principal, run: ImportRun, said: ColumnMap) -> dict[str, Message]:
        """Return what is wrong with single columns of a mapping, by header."""
        importer = self._importer(principal, run.entity)
        published = importer.published()
        matcher = importer.matcher(published, published.model.entity(run.entity), updates=False)
        found: dict[str, Message] = {}
        for header in said.columns:
            for rule in said.rules(header):
                try:
                    matcher.column(0, header, rule, empty=said.empty, described=False)
                except GuanxiError as error:
                    found.setdefault(header, error.message)
        return found

    def job(self, run: ImportRun) -> Job | None:
        """Return the job that does an import, or tries it; None when none does."""
        if run.job_id is None:
            return None
        try:
            return self._jobs.get(run.job_id)
        except NotFound:
            return None

    def undone(self, run: ImportRun) -> bool:
        """Say whether what an import brought in was taken back."""
        with self._database.read() as connection:
            return self.rows.undone(connection, run.change_set)

    def check(self, principal: Principal, run: ImportRun, headers: Sequence[str], said: ColumnMap) -> None:
        """Refuse a mapping that does not fit the file or what the principal may write.

        Raises:
            GuanxiError: it does not.
        """
        importer = self._importer(principal, run.entity)
        published = importer.published()
        said = ImportOptions(said).said()
        importer.columns(published, published.model.entity(run.entity), tuple(headers), said)

    def problems(
        self, run: ImportRun, *, trial: bool, kind: str = "", after: int = 0, limit: int = 50
    ) -> tuple[list[ShownProblem], int | None]:
        """Return problems in the order of the file, and what to ask for those after them (None = these are all)."""
        with self._database.read() as connection:
            return self.rows.problems(connection, run.id, trial=trial, kind=kind, after=after, limit=limit)

    def saved_maps(self, principal: Principal, entity: str) -> list[SavedMap]:
        """Return the mappings of an entity that the principal may use, those used last first."""
        with self._database.read() as connection:
            return self.maps.of(connection, entity, principal.id)

    def _importer(self, principal: Principal, entity: str) -> Importer:
        return Importer(self._database, self._models, self._records, principal, entity)

    def _published(self, connection: Connection) -> Published:
        return self._models.get(self._database.probe(connection)[0])

    def _require(self, principal: Principal, entity: str) -> None:
        with self._database.read() as connection:
            published = self._published(connection)
        kind = published.model.entities.get(entity)
        if kind is None:
            raise NotFound(Message("There is no {key}", key=entity))
        access = Access(published, principal)
        access.require(entity, "import")
        if not (access.may(entity, "create") or access.may(entity, "update")):
            raise AccessDenied(Message("You may neither create nor change {plural}", plural=kind.plural),
                               entity=entity, action="import")  # fmt: skip
