"""`Exports`: files of records that people export, made at once or by a job, kept sealed for their owner, and ended.

Whoever asked for a file is asked again for their rights when it is made and when it is fetched. A file takes its place
whole: what a job had written when it was killed is written anew, and never sent.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Any

from engine import clock
from engine.audit import Trail
from engine.data.fields import resolve
from engine.data.files import FileStore
from engine.data.principal import Principal, zone
from engine.data.query import Query
from engine.data.reader import Count, Reader
from engine.data.transfer import Exporter, ExportOptions, read_export_options
from engine.data.transfer.bundle import FilesTooLarge
from engine.data.transfer.exporting import too_large
from engine.errors import AccessDenied, FieldProblem, GuanxiError, NotFound, QueryInvalid, RecordInvalid
from engine.i18n import Message
from engine.ids import new_id
from engine.jobs import Job, Jobs, Run, Task
from engine.mail import Letter, Post
from engine.metadata.model import Entity
from engine.storage.database import Database
from engine.transfers.export_rows import ExportFile, ExportRows
from engine.transfers.export_rules import EXPORT_TYPES, Allowance, ExportRules, Fetched, file_name
from engine.transfers.sealed import SealedWriter, lost, opened

TASK = "export"
FOLDER = "exports"
_ADMIN = "admin"
_FORGOTTEN = timedelta(hours=24)
"""After which bytes without a row are thrown away."""
_LIGHT = 20 * 2**20
"""Bytes of files up to which an export is made while the person waits."""
COUNTED = 1_000_000
"""Records that are counted before somebody is told "more"."""


class Exports:
    """The exported files of one site.

    Args:
        database: where their rows are.
        folder: where their bytes are.
        readers: returns a reader in a transaction for a principal.
        keys: returns the keys that files open with, the first of which seals new ones.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - the parts of a site that it stands on
        self,
        database: Database,
        folder: Path,
        readers: Callable[[Any, Principal], Reader],
        keys: Callable[[], Sequence[bytes]],
        jobs: Jobs,
        trail: Trail,
        post: Post,
        rules: ExportRules,
        store: FileStore,
        base_url: str | None = None,
    ) -> None:
        self.rows = ExportRows(database)
        self.rules = rules
        self._database, self._folder, self._readers, self._keys = database, folder, readers, keys
        self._jobs, self._trail, self._post, self._base_url = jobs, trail, post, base_url
        self._store = store
        jobs.register(Task(TASK, self._work, Message("Export"), address="/files/exports/{id}"))

    # --- what may be ------------------------------------------------------------------------------------------------

    def allowance(self, reader: Reader) -> Allowance:
        """Return what a principal may export at a time: the most generous of their roles counts, else the site."""
        access = reader.access
        if access.principal.system:
            return Allowance(None, reason=False)
        roles = access.roles.roles
        said = [role.export_rows for role in roles if role.export_rows is not None]
        most = None if access.has(_ADMIN) else max(said, default=self.rules.rows or None)
        return Allowance(most, self.rules.reason or any(role.export_reason for role in roles))

    def estimate(self, reader: Reader, entity: str, options: ExportOptions) -> Count:
        """Return how many records there are at most; where exporting reaches as far as reading, exactly so many.

        Raises:
            AccessDenied, QueryInvalid, QueryTooSlow: as `Reader.query`.
        """
        most = self.allowance(reader).rows
        query = Query(entity, ("id",), options.where, search=options.search, ids=options.ids)
        return reader.count(query, COUNTED if most is None else max(most, self.rules.at_once))

    def refusal(self, reader: Reader, entity: str, most: int) -> Message:
        """Return what is said to whom so many records are too many."""
        return too_large(reader, reader.model.entity(entity), most).message

    # --- asking for one ---------------------------------------------------------------------------------------------

    def ask(
        self, principal: Principal, entity: str, options: ExportOptions, *, at_once: bool = False, mails: bool = False
    ) -> ExportFile:
        """Make a file, or have it made by a job, and return it.

        Args:
            principal: who asks; a file belongs to a person.
            entity: of which records.
            options: which, and how they are written.
            at_once: whether a small one is made now.
            mails: whether its owner gets a mail when a job has made it.

        Raises:
            NotFound: there is no such entity.
            AccessDenied: they may not export, or not so many records.
            QueryInvalid, RecordInvalid: the options cannot be used, or lack a reason.
        """
        if principal.id is None:
            raise AccessDenied(Message("Only a person can have a file made"), entity=entity, action="export")
        principal.require_own_hands()
        with self._database.read() as connection:
            reader = self._readers(connection, principal)
            kind = reader.model.entity(entity)
            allowance = self.allowance(reader)
            allowance.require_reason(options)
            exporter = self.exporter(reader, entity, options, allowance)
            exporter.check()
            made = self._asked(principal, kind, options, mails=mails)
            if at_once and not self._more_than(reader, entity, options, self.rules.at_once) and _is_light(exporter):
                return self._now(made, exporter)
        with self._database.write() as connection:
            job = self._jobs.submit(
                connection,
                TASK,
                {"export": made.id},
                actor=principal.id,
                title=Message("Export: {plural}", plural=kind.plural),
                entity=entity,
            )
            made = replace(made, job_id=job)
            self.rows.insert(connection, made)
        return made

    def exporter(self, reader: Reader, entity: str, options: ExportOptions, allowance: Allowance) -> Exporter:
        """Return what writes an export, within what somebody may take out."""
        bytes_ = None if reader.principal.system else self.rules.bytes or None
        return Exporter(reader, entity, options, most=allowance.rows, store=self._store, most_bytes=bytes_)

    def _more_than(self, reader: Reader, entity: str, options: ExportOptions, most: int) -> bool:
        query = Query(entity, ("id",), options.where, search=options.search, ids=options.ids)
        return reader.count(query, most).capped

    def _asked(self, principal: Principal, kind: Entity, options: ExportOptions, *, mails: bool) -> ExportFile:
        now = clock.now()
        return ExportFile(
            id=new_id(),
            job_id=None,
            entity=kind.key,
            actor_id=principal.id or "",
            scopes=principal.scopes,
            options=options.to_json(),
            name=file_name(kind, options, now.astimezone(zone(principal.timezone))),
            mails=mails and bool(principal.email),
            paths={},
            number=0,
            size=0,
            cut=0,
            made_at=now,
            ready_at=None,
            ends_at=now + timedelta(days=self.rules.days),
            fetched=0,
            fetched_at=None,
        )

    def _now(self, made: ExportFile, exporter: Exporter) -> ExportFile:
        """Make a small file while somebody waits."""
        try:
            done = self._written(made, exporter, lambda _count: None)
            with self._database.write() as connection:
                self.rows.insert(connection, done)
                self._trail.note(connection, exporter.act())
        except BaseException:
            self._path(made.id).unlink(missing_ok=True)
            raise
        return done

    # --- making one -------------------------------------------------------------------------------------------------

    def _work(self, run: Run) -> None:
        """Make the file of a job."""
        with self._database.read() as connection:
            made = self.rows.get(connection, str(run.payload.get("export", "")))
            if made is None:
                raise NotFound(Message("Somebody deleted the export"))
            if not made.ready:
                reader = self._readers(connection, replace(run.principal, scopes=made.scopes))
                made, exporter = self._made(run, made, reader)
                self._ready(run, made, exporter)
        run.finish({"export": made.id, "records": made.number, "file": made.name, "bytes": made.size})

    def _made(self, run: Run, made: ExportFile, reader: Reader) -> tuple[ExportFile, Exporter]:
        options = read_export_options(made.options)
        exporter = self.exporter(reader, made.entity, options, self.allowance(reader))
        total = self.estimate(reader, made.entity, options)
        run.progress(0, None if total.capped else total.number)
        return self._written(made, exporter, run.progress), exporter

    def _ready(self, run: Run, made: ExportFile, exporter: Exporter) -> None:
        # All of it or nothing: that the file is there, that it is in the log, and the mail.
        with self._database.write() as connection:
            if not self.rows.ready(connection, made):
                self._path(made.id).unlink(missing_ok=True)
                raise NotFound(Message("Somebody deleted the export"))
            run.keep(connection, {"ready": True})
            self._trail.note(connection, exporter.act())
            if made.mails and run.principal.email:
                self._post.put(connection, self._letter(made, run.principal))
        if made.mails:
            self._post.nudge()

    def _written(self, made: ExportFile, exporter: Exporter, progress: Callable[[int], None]) -> ExportFile:
        """Write the bytes of a file, whole, and return it with what is known of them."""
        path = self._path(made.id)
        partial = path.with_name(f"{path.name}.part")
        self._folder.mkdir(parents=True, exist_ok=True)
        try:
            with partial.open("wb") as stream:
                partial.chmod(0o600)
                sealed = SealedWriter(stream, self._keys()[0], made.id)
                number = exporter.write(sealed, progress, scratch=self._folder)
                sealed.finish()
            partial.replace(path)
        except OSError as error:
            raise GuanxiError(Message("The file cannot be stored: {why}", why=error.strerror or "")) from error
        finally:
            partial.unlink(missing_ok=True)
        now = clock.now()
        return replace(
            made, number=number, size=sealed.size, cut=exporter.cut, paths=exporter.paths, ready_at=now,
            ends_at=now + timedelta(days=self.rules.days),
        )  # fmt: skip

    def _letter(self, made: ExportFile, who: Principal) -> Any:
        lines = [
            Message("{file} with {count} records is ready.", file=made.name, count=f"{made.number:,}"),
            Message("It is kept for {days} days.", days=self.rules.days),
        ]
        button = (Message("Fetch it"), f"{self._base_url}/files/exports/{made.id}") if self._base_url else None
        letter = Letter("export", Message("Your export is ready"), lines, button)
        return letter.mail(who.email or "", who.name, who.language, user_id=who.id)

    # --- what there is ----------------------------------------------------------------------------------------------

    def get(self, principal: Principal, id_: str) -> ExportFile:
        """Return a file of a person's own.

        Raises:
            NotFound: there is none, it is somebody else's, or its time is over.
        """
        with self._database.read() as connection:
            made = self.rows.get(connection, id_)
        if made is None or principal.id is None or made.actor_id != principal.id or made.ends_at <= clock.now():
            raise lost()
        return made

    def job(self, made: ExportFile) -> Job | None:
        """Return the job that makes a file; None for one that was made at once, or whose job is forgotten."""
        if made.job_id is None:
            return None
        try:
            return self._jobs.get(made.job_id)
        except NotFound:
            return None

    def entries(self, principal: Principal, limit: int = 50) -> list[ExportFile]:
        """Return the newest files of a person's own that are kept still."""
        with self._database.read() as connection:
            found = self.rows.entries(connection, principal.id, limit) if principal.id is not None else []
        return [each for each in found if each.ends_at > clock.now()]

    def fetch(self, reader: Reader, id_: str) -> Fetched:
        """Return the bytes of a file of the reader's own, as long as they may still export what is in it.

        Raises:
            NotFound: there is none, it is somebody else's, its time is over, or it is not ready.
            AccessDenied: their rights changed since.
        """
        reader.principal.require_own_hands()
        made = self.get(reader.principal, id_)
        if not made.ready:
            raise NotFound(Message("The file is not ready yet"))
        self._still_may(reader, made)
        blocks = opened(self._path(made.id), self._keys(), made.id)
        first = next(blocks)
        with self._database.write() as connection:
            self.rows.fetched(connection, made.id, clock.now())
        suffix = read_export_options(made.options).suffix
        return Fetched(made.name, EXPORT_TYPES[suffix], made.size, chain((first,), blocks))

    def _still_may(self, reader: Reader, made: ExportFile) -> None:
        refusal = AccessDenied(
            Message("Your rights changed since the file was made; export it again"), entity=made.entity, action="export"
        )
        entity = reader.model.entities.get(made.entity)
        if entity is None or not reader.access.may(made.entity, "export") or not reader.access.may(made.entity, "read"):
            raise refusal
        for path, masked in made.paths.items():
            try:
                found = resolve(reader.access.roles, entity, path)
            except QueryInvalid:
                raise refusal from None
            if found.masked and not masked:
                raise refusal

    def delete(self, principal: Principal, id_: str) -> None:
        """Throw a file of a person's own away; a job that makes it ends.

        Raises:
            NotFound: there is none, or it is somebody else's.
        """
        made = self.get(principal, id_)
        with self._database.write() as connection:
            self.rows.delete(connection, made.id)
        job = self.job(made)
        if job is not None and not job.ended:
            self._jobs.cancel(job.id, principal.id)
        self._path(made.id).unlink(missing_ok=True)

    def clean_up(self, now: datetime | None = None, *, dry_run: bool = False) -> int:
        """Throw away files whose time is over and bytes that nobody knows of; return how many files."""
        moment = now or clock.now()
        with self._database.read() as connection:
            over, known = self.rows.over(connection, moment), self.rows.known(connection)
        if dry_run:
            return len(over)
        for id_ in over:
            with self._database.write() as connection:
                self.rows.delete(connection, id_)
            self._path(id_).unlink(missing_ok=True)
        limit = (moment - _FORGOTTEN).timestamp()
        for entry in self._folder.iterdir() if self._folder.is_dir() else ():
            if entry.name not in known and entry.is_file() and entry.stat().st_mtime < limit:
                entry.unlink(missing_ok=True)
        return len(over)

    def _path(self, id_: str) -> Path:
        return self._folder / id_


def _is_light(exporter: Exporter) -> bool:
    """Say whether the files of an export, if there are to be any, are written in a moment.

    Raises:
        RecordInvalid: they are more than they may be.
    """
    try:
        return exporter.weight().bytes <= _LIGHT
    except FilesTooLarge as error:
        raise RecordInvalid([FieldProblem("files", error.message, "size")]) from error
