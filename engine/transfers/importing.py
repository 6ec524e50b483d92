"""`Imports`: files that people import, from the upload to the undo, at once or by a job that goes on after a crash.

The row of an import says how far it came; it is written in the transaction of each chunk, so that whoever goes on
knows. The file lies in a folder of its own until its time is over, readable for nobody but the product.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, Any

import orjson
from sqlalchemy import Connection

from engine import clock
from engine.audit import Event, Trail
from engine.data.access import Access
from engine.data.files import Files, clean_name
from engine.data.principal import Principal
from engine.data.records import Records
from engine.data.transfer.importing import ImportOptions
from engine.data.transfer.looking import look
from engine.data.transfer.mapping import ColumnMap
from engine.data.transfer.report import ImportReport
from engine.errors import FieldProblem, GuanxiError, NotFound, RecordInvalid
from engine.i18n import Message
from engine.ids import new_id
from engine.jobs import Jobs, Run, Task
from engine.publish import Models
from engine.storage.database import Database
from engine.transfers.import_ledger import CommandLedger, RowLedger
from engine.transfers.import_looking import ImportLooking
from engine.transfers.import_rows import ImportRun, report_to_json
from engine.transfers.import_store import ImportStore, wrong_file

TASK = "import"
FOLDER = "imports"
AT_ONCE = 500
"""Rows up to which an import is done while somebody waits."""


class Imports(ImportLooking):
    """The imports of one site.

    Args:
        database: where their rows are.
        folder: where their files are.
        keys: returns the keys that files open with, the first of which seals new ones.
        most_bytes: how large a file may be.
        days: how long a file is kept after anybody did anything with it.
    """

    def __init__(  # noqa: PLR0913 - the parts of a site that it stands on
        self,
        database: Database,
        folder: Path,
        models: Models,
        records: Records,
        files: Files,
        jobs: Jobs,
        trail: Trail,
        *,
        keys: Callable[[], Sequence[bytes]],
        most_bytes: int,
        days: int,
    ) -> None:
        super().__init__(database, ImportStore(folder, most_bytes, keys), models, records, jobs)
        self.days = days
        self._files, self._trail = files, trail
        jobs.register(Task(TASK, self._work, Message("Import")))

    # --- files ------------------------------------------------------------------------------------------------------

    def start(self, principal: Principal, entity: str, stream: IO[bytes], name: str) -> ImportRun:
        """Take a file that somebody wants to import, and return what stands for it.

        Raises:
            NotFound: there is no such entity.
            AccessDenied: the principal may not import.
            RecordInvalid: the file is empty, too large, or there is no room for it.
            SheetUnreadable: it is none that can be imported.
        """
        principal.require_own_hands()
        self._require(principal, entity)
        id_, called, now = new_id(), clean_name(name), clock.now()
        try:
            size = self.store.put(id_, stream)
            self._require_room(principal, size)
            with self.store.opened(id_) as file:
                look(file, ColumnMap(), called)
            made = ImportRun(id_, entity, principal.id, called, size, "draft", ColumnMap(), None, None, None, None, now,
                             now, None)  # fmt: skip
            with self._database.write() as connection:
                self.rows.insert(connection, made)
        except BaseException:
            self.store.remove(id_)
            raise
        return made

    def _require_room(self, principal: Principal, size: int) -> None:
        """Files that are imported take room like all others."""
        room = self._files.room
        with self._database.read() as connection:
            everybody = self.rows.kept(connection) if room.site else 0
            own = self.rows.kept(connection, principal.id) if room.person and principal.id is not None else 0
        if room.site and self._files.used() + everybody + size > room.site:
            raise wrong_file(Message("The site has no room left for this file"))
        if room.person and principal.id is not None and self._files.used(principal.id) + own + size > room.person:
            raise wrong_file(Message("You have no room left for this file"))

    # --- looking ----------------------------------------------------------------------------------------------------

    def reopen(self, principal: Principal, run: ImportRun) -> ImportRun:
        """Let somebody say anew how a file is read whose import ended before its first row was written.

        Raises:
            GuanxiError: rows were written, or it is still at work.
        """
        principal.require_own_hands()
        job = self.job(run)
        if run.state not in {"running", "trying"} or run.done is not None or (job is not None and not job.ended):
            raise GuanxiError(_too_late())
        self._back(run, run.state)
        return self._again(run)

    # --- doing ------------------------------------------------------------------------------------------------------

    def plan(self, principal: Principal, run: ImportRun, said: ColumnMap) -> ImportRun:
        """Keep how a file is to be read; what a trial said of another way is forgotten.

        Raises:
            GuanxiError: it is being imported, or was.
        """
        principal.require_own_hands()
        with self._database.write() as connection:
            states = ("draft", "tried")
            changed = self.rows.change(connection, run.id, states, clock.now(), plan=said, state="draft", trial=None)
            if not changed:
                raise GuanxiError(_too_late())
            self.rows.forget(connection, run.id, trial=True)
        return self._again(run)

    def begin(self, principal: Principal, run: ImportRun, *, trial: bool) -> ImportRun:
        """Try a file, or import it: a small one at once, a large one by a job; return how it stands then.

        Raises:
            AccessDenied: the principal may not import.
            GuanxiError: it is being imported already, or the file, its mapping or the rights of the principal do not
                let it begin.
        """
        principal.require_own_hands()
        self._require(principal, run.entity)
        seen = self.look(run)
        self.check(principal, run, seen.headers, run.plan)
        at_once = seen.rows is not None and seen.rows <= AT_ONCE
        with self._database.write() as connection:
            state = "trying" if trial else "running"
            change: dict[str, Any] = {"state": state, "job_id": None}
            if not at_once:
                change["job_id"] = self._submit(connection, principal, run, trial=trial)
            if not self.rows.change(connection, run.id, ("draft", "tried"), clock.now(), **change):
                raise GuanxiError(_too_late())
            if not trial:
                details = {"file": run.name, "import": run.id, "started": True}
                self._trail.note(connection, Event("import", principal.id, run.entity, None, 0, details))
        if at_once:
            try:
                self._perform(run.id, principal, lambda _bytes: None, trial=trial)
            except GuanxiError:
                if trial or self._again(run).done is None:
                    self._back(run, "running" if not trial else "trying")
                raise
        return self._again(run)

    def go_on(self, principal: Principal, run: ImportRun) -> ImportRun:
        """Let an import go on that was broken off, paused, or failed, where it stood.

        Raises:
            GuanxiError: it is none of these.
        """
        principal.require_own_hands()
        self._require(principal, run.entity)
        job = self.job(run)
        if run.state not in {"running", "trying"}:
            raise GuanxiError(_too_late())
        if run.by_command:
            words = Message("The command began this import: go on there with --resume {id}", id=run.change_set or "")
            raise GuanxiError(words)
        if job is not None and job.state == "paused":
            self._jobs.go_on(job.id, principal.id)
        elif job is not None and job.state in {"failed", "cancelled"}:
            self._jobs.retry(job.id, principal.id)
        elif job is None:
            with self._database.write() as connection:
                made = self._submit(connection, principal, run, trial=run.state == "trying")
                self.rows.change(connection, run.id, (run.state,), clock.now(), job_id=made)
        return self._again(run)

    def pause(self, principal: Principal, run: ImportRun) -> None:
        """Let an import wait after the rows that it is at.

        Raises:
            GuanxiError: it does not run as a job.
        """
        principal.require_own_hands()
        self._jobs.pause(self._job_of(run), principal.id)

    def cancel(self, principal: Principal, run: ImportRun) -> ImportRun:
        """End an import where it is; what it brought in stays, and can be taken back.

        Raises:
            GuanxiError: it does not run.
        """
        principal.require_own_hands()
        with suppress(GuanxiError):
            self._jobs.cancel(self._job_of(run), principal.id)
        if run.state == "trying":
            self._back(run, "trying")
            return self._again(run)
        details = {"file": run.name, "import": run.id, "cancelled": True}
        if run.done is not None:
            details["change_set"] = run.done.change_set
        with self._database.write() as connection:
            self._trail.note(connection, Event("import", principal.id, run.entity, None, 0, details))
        return self._again(run)

    def discard(self, principal: Principal, run: ImportRun) -> None:
        """Throw away a file that nothing was imported from, with all that was said about it.

        Raises:
            GuanxiError: rows of it were imported.
        """
        principal.require_own_hands()
        if run.begun:
            raise GuanxiError(_too_late())
        with self._database.write() as connection:
            self.rows.delete(connection, run.id)
        self.store.remove(run.id)

    # --- saved mappings ---------------------------------------------------------------------------------------------

    def save_map(
        self, principal: Principal, entity: str, name: str, said: ColumnMap, headers: Sequence[str], *, shared: bool
    ) -> str:
        """Save a mapping under a name; one of the same name of the same person is overwritten. Return its id.

        Raises:
            RecordInvalid: it has no name.
        """
        principal.require_own_hands()
        self._require(principal, entity)
        called = " ".join(name.split())[:120]
        if not called:
            raise RecordInvalid([FieldProblem("map_name", Message("Give it a name"), "required")])
        with self._database.write() as connection:
            return self.maps.save(connection, entity, principal.id, called, said, headers, clock.now(), shared=shared)

    def forget_map(self, principal: Principal, id_: str) -> None:
        """Delete a mapping of the principal's own, an administrator any.

        Raises:
            NotFound: there is none such.
        """
        principal.require_own_hands()
        with self._database.write() as connection:
            admin = Access(self._published(connection), principal).has("admin")
            if not self.maps.forget(connection, id_, principal.id, admin=admin):
                raise NotFound(Message("There is no such mapping"))

    # --- housekeeping -----------------------------------------------------------------------------------------------

    def clean_up(self, now: datetime | None = None, *, dry_run: bool = False) -> int:
        """Throw files away that nobody did anything with for some days; return how many. Their reports stay."""
        at = now or clock.now()
        with self._database.read() as connection:
            due = self.rows.due(connection, at - timedelta(days=self.days))
        due = [run for run in due if (job := self.job(run)) is None or job.ended]
        if dry_run:
            return len(due)
        for run in due:
            with self._database.write() as connection:
                if run.begun:
                    self.rows.change(connection, run.id, ("done", "running"), run.changed_at, thrown_at=at)
                    self.rows.forget(connection, run.id, trial=True)
                else:
                    self.rows.delete(connection, run.id)
            self.store.remove(run.id)
        with self._database.read() as connection:
            for id_ in self.rows.finished(connection):
                self.store.remove_upload(id_)  # its process died before it could
            known = self.rows.known(connection)
        self.store.sweep(known, at)
        return len(due)

    # --- the work itself --------------------------------------------------------------------------------------------

    def _work(self, run: Run) -> None:
        made, size = 0, 0

        def progress(moved: int) -> None:
            nonlocal made
            made += moved
            run.progress(made, max(size, 1))

        id_, trial = str(run.payload["import"]), bool(run.payload["trial"])
        with self._database.read() as connection:
            found = self.rows.get(connection, id_)
        if found is None:
            raise GuanxiError(Message("There is no import {id}", id=id_))
        size = found.size
        report = self._perform(id_, run.principal, progress, trial=trial, keep=run.keep)
        run.finish({"import": id_, "entity": found.entity, "trial": trial, **report.counts()})

    def _perform(
        self,
        id_: str,
        principal: Principal,
        progress: Callable[[int], None],
        *,
        trial: bool,
        keep: Callable[[Connection, Mapping[str, Any]], None] = lambda _connection, _state: None,
    ) -> ImportReport:
        with self._database.write() as connection:
            run = self.rows.get(connection, id_)
            if run is None:
                raise GuanxiError(Message("There is no import {id}", id=id_))
            if run.state not in {"trying", "running"}:
                # It was done before its job was told so.
                self.store.settle(id_, imported=run.state == "done")
                return (run.trial if trial else run.report) or ImportReport()
            if trial:
                self.rows.forget(connection, id_, trial=True)
        ledger = RowLedger(self.rows, run, keep, trial=trial)
        importer = self._importer(principal, run.entity)
        with (
            self.store.writing_errors(id_, trial=trial, anew=ledger.done is None) as errors,
            self.store.opened(run.id, alone=True) as file,
        ):
            options = ImportOptions(run.plan, dry_run=trial, name=run.name, errors=errors)
            report = importer.run(file, options, progress, ledger)
        if trial:
            self._end_trial(run, report)
        else:
            self.store.settle(id_, imported=True)
        return report

    def command_ledger(self, principal: Principal, entity: str, file: Path, options: ImportOptions) -> CommandLedger:
        """Return where an import of a file that lies elsewhere is noted, so that people see it among all others.

        Raises:
            GuanxiError: the options make no sense together.
        """
        now, size = clock.now(), file.stat().st_size if file.is_file() else 0
        called = clean_name(options.name or file.name)
        made = ImportRun(new_id(), entity, principal.id, called, size, "running", options.said(), None, None, None,
                         None, now, now, now)  # fmt: skip
        return CommandLedger(self.rows, made)

    def _end_trial(self, run: ImportRun, report: ImportReport) -> None:
        said = orjson.dumps(report_to_json(report), default=str).decode()
        with self._database.write() as connection:
            self.rows.change(connection, run.id, ("trying",), clock.now(), state="tried", trial=said, job_id=None)

    def _submit(self, connection: Connection, principal: Principal, run: ImportRun, *, trial: bool) -> str:
        title = Message("Trial of {file}", file=run.name) if trial else Message("Import of {file}", file=run.name)
        payload = {"import": run.id, "trial": trial}
        key = f"import:{run.id}:{'trial' if trial else 'run'}"
        return self._jobs.submit(connection, TASK, payload, actor=principal.id, title=title, key=key, entity=run.entity)

    def _back(self, run: ImportRun, state: str) -> None:
        """Let somebody say anew how a file is read that nothing was imported from."""
        with self._database.write() as connection:
            self.rows.change(connection, run.id, (state,), clock.now(), state="draft", job_id=None)

    def _job_of(self, run: ImportRun) -> str:
        if run.job_id is None or run.state not in {"running", "trying"}:
            raise GuanxiError(Message("This import is not running"))
        return run.job_id

    def _again(self, run: ImportRun) -> ImportRun:
        with self._database.read() as connection:
            return self.rows.get(connection, run.id) or run


def _too_late() -> Message:
    return Message("This import was begun already")
