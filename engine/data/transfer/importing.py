"""Import: rows of a file become records, chunk by chunk, all of them in one change set.

A chunk is one transaction: after a crash each is there whole or not at all, and the change set knows up to which row
the file was worked through. Rows that cannot be taken go into a file of their own; the others stay.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import Connection

from engine import clock
from engine.audit import Event
from engine.data.access import Access
from engine.data.phrases import phrases
from engine.data.principal import SYSTEM, Principal
from engine.data.query import Query
from engine.data.reader import Reader
from engine.data.records import Records
from engine.data.sets import ChangeSet, add_counts, new_set, write_set
from engine.data.transfer.mapping import REASON, ColumnMap, Columns, Matcher, read_map
from engine.data.transfer.report import MOST_PROBLEMS, ErrorsFile, ImportReport, RowProblem
from engine.data.transfer.sheet import Line, Sheet, fingerprint, open_sheet
from engine.errors import DatabaseUnavailable, FieldProblem, GuanxiError, RecordInvalid, StaleModel
from engine.expression import Call, Literal
from engine.expression import Path as FieldPath
from engine.fields import Locale
from engine.i18n import Message
from engine.metadata.model import Entity
from engine.publish import Models, Published
from engine.storage.database import Database, run

CHUNK = 500
_ATTEMPTS = 5
_WAIT_S = 0.5
_KIND = "import"


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """How a file is imported."""

    mapping: Path | ColumnMap | None = None
    dry_run: bool = False
    on: str | None = None
    """What tells that a record is there already: external_id, id, a unique rule or a unique field."""
    resume: str | None = None
    """A change set that was broken off."""
    again: bool = False
    """Whether to begin from the start although an import of the file was broken off."""
    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None
    language: str | None = None
    """Of the reasons in the file with bad rows; the principal's unless given."""


@dataclass(slots=True)
class _Row:
    """One row on its way."""

    line: Line
    values: dict[str, Any] = field(default_factory=dict)
    problems: list[Message] = field(default_factory=list)
    outcome: str = ""
    warnings: int = 0


class _RollBack(Exception):
    """A trial keeps nothing."""


class Importer:
    """Imports files into one entity for one principal."""

    def __init__(self, database: Database, models: Models, records: Records, principal: Principal, entity: str) -> None:
        self._database, self._models, self._records = database, models, records
        self._principal, self._entity = principal, entity
        self._emails: dict[str, str | None] = {}

    def run(self, file: Path, options: ImportOptions, progress: Callable[[int], None]) -> ImportReport:
        """Import a file and return what came of it; `progress` is told of bytes that were worked through.

        Raises:
            AccessDenied: the principal may not import.
            NotFound: there is no such entity.
            SheetUnreadable: the file cannot be read.
            GuanxiError: columns or options do not fit, or the import was broken off before.
            DatabaseUnavailable: the database did not answer for a while; the message says how to go on.
        """
        published = self._published()
        kind = published.model.entity(self._entity)
        Access(published, self._principal).require(kind.key, "import")
        said = options.mapping if isinstance(options.mapping, ColumnMap) else ColumnMap()
        if isinstance(options.mapping, Path):
            said = read_map(options.mapping)
        with open_sheet(file, encoding=options.encoding, delimiter=options.delimiter, sheet=options.sheet) as sheet:
            columns = self._columns(published, kind, sheet, said, options)
            mark = _mark(file, kind.key, said, options.on)
            done = None if options.dry_run else self._done_before(mark, options)
            work = _Work(self, sheet, columns, options, mark, done, progress)
            return work.trial() if options.dry_run else work.carry_out()

    # --- before the first row -------------------------------------------------------------------------------------

    def _published(self) -> Published:
        with self._database.read() as connection:
            return self._models.get(self._database.probe(connection)[0])

    def _columns(
        self, published: Published, kind: Entity, sheet: Sheet, said: ColumnMap, options: ImportOptions
    ) -> Columns:
        principal, model = self._principal, published.model
        zone = model.timezone if principal.system else principal.timezone
        locale = Locale(principal.language, zone, model.currency)
        matcher = Matcher(model, kind, locale, updates=options.on is not None, emails=self._id_of_email)
        headers = [header if header != REASON or REASON in kind.fields else "" for header in sheet.headers]
        columns = matcher.match(headers, said)
        if options.on is not None:
            missing = sorted(_identifying(kind, options.on) - columns.keys)
            if missing:
                raise GuanxiError(
                    Message(
                        "To import on {on}, the file needs a column for {fields}",
                        on=options.on,
                        fields=", ".join(missing),
                    )
                )
        return columns

    def _id_of_email(self, email: str) -> str | None:
        key = email.lower()
        if key not in self._emails:
            with self._database.read() as connection:
                published = self._models.get(self._database.probe(connection)[0])
                same = Call("==", (FieldPath(("email",)), Literal(key)))
                found = Reader(connection, published, SYSTEM, secret=b"").query(
                    Query("user", select=("id",), where=same)
                )
                self._emails[key] = next((str(row["id"]) for row in found.dicts()), None)
        return self._emails[key]

    def _done_before(self, mark: str, options: ImportOptions) -> _Done | None:
        with self._database.read() as connection:
            if options.resume is not None:
                return _resumed(connection, options.resume, mark)
            if options.on is None and not options.again:
                broken = _broken_off(connection, mark)
                if broken is not None:
                    raise GuanxiError(
                        Message(
                            "An import of this file was broken off after row {row}: go on with --resume {id}, or begin"
                            " again with --again",
                            row=broken.row,
                            id=broken.change_set,
                        )
                    )
        return None


@dataclass(frozen=True, slots=True)
class _Done:
    """How far an earlier attempt came."""

    change_set: str
    row: int


class _Work:
    """One file on its way."""

    def __init__(
        self,
        importer: Importer,
        sheet: Sheet,
        columns: Columns,
        options: ImportOptions,
        mark: str,
        done: _Done | None,
        progress: Callable[[int], None],
    ) -> None:
        self._importer, self._sheet, self._columns, self._options = importer, sheet, columns, options
        self._records, self._principal, self._entity = importer._records, importer._principal, importer._entity  # noqa: SLF001 - one class in two
        self._via = f"{_KIND}:{mark}"
        self._done, self._progress, self._position = done, progress, 0
        self._last_row = done.row if done is not None else 0
        self._language = options.language or self._principal.language
        self._errors = ErrorsFile(sheet.path, sheet.headers, go_on=done is not None)
        self._set = new_set(_KIND, sheet.path.name)
        if done is not None:
            self._set = ChangeSet(done.change_set, _KIND, sheet.path.name, known=True)
        self.report = ImportReport(left_out=columns.left_out)

    def carry_out(self) -> ImportReport:
        """Import every chunk in a transaction of its own."""
        try:
            for rows in self._chunks():
                self._persist(rows)
                self._account(rows)
            self._finish()
        except BaseException:
            self._errors.close()
            if self._set.known:
                with suppress(DatabaseUnavailable):
                    self._records.trail.tell(self._event(broken_off=True))
            raise
        self.report.errors_file = self._errors.close()
        if self._done is not None or self.report.created or self.report.updated:
            self.report.change_set = self._set.id
        return self.report

    def trial(self) -> ImportReport:
        """Try every row in one transaction, and keep nothing."""
        try:
            with self._records.begin() as connection:
                for rows in self._chunks():
                    self._write(connection, rows)
                    self._account(rows)
                raise _RollBack  # noqa: TRY301 - the transaction must see it
        except _RollBack:
            pass
        self.report.errors_file = self._errors.close()
        return self.report

    # --- chunks ---------------------------------------------------------------------------------------------------

    def _chunks(self) -> Iterator[list[_Row]]:
        chunk: list[_Row] = []
        for line in self._sheet.lines:
            if self._done is not None and line.number <= self._done.row:
                continue
            chunk.append(self._row(line))
            if len(chunk) == CHUNK:
                yield chunk
                chunk = []
        if chunk:
            yield chunk

    def _row(self, line: Line) -> _Row:
        if line.broken is not None:
            return _Row(line, problems=[line.broken])
        values, problems = self._columns.read(line.cells)
        return _Row(line, values, [_reason(problem) for problem in problems])

    def _persist(self, rows: list[_Row]) -> None:
        """Write one chunk and how far the file was worked through, in one transaction."""
        for attempt in range(1, _ATTEMPTS + 1):
            known = self._set.known
            try:
                with self._records.begin() as connection:
                    self._note_set(connection)
                    self._write(connection, rows)
                    self._note(connection, {"rows": rows[-1].line.number - self._last_row, "failed": _failed(rows)})
            except (StaleModel, DatabaseUnavailable) as error:
                self._set.known = known
                for row in rows:
                    row.outcome, row.warnings = "", 0
                if attempt == _ATTEMPTS:
                    raise self._interrupted(error) from error
                time.sleep(_WAIT_S * attempt)
            else:
                self._last_row = rows[-1].line.number
                return

    def _interrupted(self, error: GuanxiError) -> GuanxiError:
        if not self._set.known:
            return error
        return DatabaseUnavailable(
            Message("{why}. What was read so far is kept: go on with --resume {id}", why=error.message, id=self._set.id)
        )

    def _write(self, connection: Connection, rows: Sequence[_Row]) -> None:
        """Write the rows of a chunk that can be taken, and note the problems of the others."""
        due = [row for row in rows if not row.problems]
        on = self._options.on
        results = self._records.bulk(
            self._principal,
            self._entity,
            [{"create": row.values} if on is None else {"upsert": {"on": on, "values": row.values}} for row in due],
            via=self._via,
            change_set=self._set.id if self._set.known else None,
            connection=connection,
        )
        for row, result in zip(due, results, strict=True):
            if result.written is not None:
                row.outcome, row.warnings = result.written.action, len(result.written.warnings)
            elif isinstance(result.error, RecordInvalid):
                row.problems += [_reason(problem, due) for problem in result.error.problems]
            elif result.error is not None:
                row.problems.append(result.error.message)

    # --- what is noted --------------------------------------------------------------------------------------------

    def _note_set(self, connection: Connection) -> None:
        if self._set.known:
            return
        write_set(
            lambda text, values: run(connection, text, values),
            phrases(connection.dialect.name),
            self._set,
            entity=self._entity,
            actor=self._principal.id,
            via=self._via,
            at=clock.now(),
        )

    def _note(self, connection: Connection, counts: dict[str, int]) -> None:
        add_counts(
            lambda text, values: run(connection, text, values), phrases(connection.dialect.name), self._set.id, counts
        )

    def _finish(self) -> None:
        """Note that the file was worked through; an import that changed nothing leaves no trace."""
        if not self._set.known:
            return
        changed = self._done is not None or self.report.created or self.report.updated
        with self._records.begin() as connection:
            if changed:
                self._note(connection, {"finished": 1})
                self._records.trail.note(connection, self._event())
            else:
                place = phrases(connection.dialect.name).mark
                run(connection, f"DELETE FROM change_set WHERE id = {place}", (self._set.id,))  # noqa: S608 - as below

    def _event(self, **more: object) -> Event:
        """Return what the audit log says of it."""
        report = self.report
        counts = {name: getattr(report, name) for name in ("created", "updated", "unchanged", "failed")}
        details = {"file": self._sheet.path.name, "change_set": self._set.id, **counts, **more}
        return Event("import", self._principal.id, self._entity, None, report.created + report.updated, details)

    def _account(self, rows: Iterable[_Row]) -> None:
        report = self.report
        for row in rows:
            report.warnings += row.warnings
            if not row.problems:
                setattr(report, row.outcome, getattr(report, row.outcome) + 1)
                continue
            report.failed += 1
            reason = "; ".join(message.in_(self._language) for message in row.problems)
            self._errors.add(row.line.cells, reason)
            if len(report.problems) < MOST_PROBLEMS:
                report.problems.append(RowProblem(row.line.number, reason))
        self._errors.flush()
        position = self._sheet.position()
        self._progress(max(0, position - self._position))
        self._position = position


def _failed(rows: Iterable[_Row]) -> int:
    return sum(bool(row.problems) for row in rows)


def _reason(problem: FieldProblem, rows: Sequence[_Row] = ()) -> Message:
    why, place = problem.message, problem.message.values.get("row")
    if isinstance(place, int) and 0 < place <= len(rows):
        # Another row of the chunk is meant: people know it by its number in the file.
        why = Message(why.template, **{**why.values, "row": rows[place - 1].line.number})
    return Message("{field}: {why}", field=problem.path, why=why) if problem.path else why


def _identifying(kind: Entity, on: str) -> frozenset[str]:
    """Return the fields by which a record is found again."""
    if on in {"id", "external_id"}:
        return frozenset((on,))
    if on in kind.unique:
        return frozenset(kind.fields[key].blind_of or key for key in kind.unique[on].fields)
    single = {each.blind_of or key for key, each in kind.fields.items() if each.unique}
    if on in single:
        return frozenset((on,))
    ways = ["external_id", "id", *kind.unique, *sorted(single - {"id", "external_id"})]
    raise GuanxiError(
        Message(
            "Records of {entity} are not found by {on}; they are by {ways}",
            entity=kind.key,
            on=repr(on),
            ways=", ".join(ways),
        )
    )


# --- imports that were broken off -------------------------------------------------------------------------------------


def _mark(file: Path, entity: str, said: ColumnMap, on: str | None) -> str:
    """Return what tells that two imports are of the same file in the same way."""
    way = orjson.dumps([entity, dict(said.columns), dict(said.values), on], default=str)
    return hashlib.sha256(fingerprint(file).encode() + way).hexdigest()[:16]


def _counts(value: Any) -> dict[str, int]:
    return orjson.loads(value) if isinstance(value, (str, bytes)) else dict(value)


def _broken_off(connection: Connection, mark: str) -> _Done | None:
    place = phrases(connection.dialect.name).mark
    row = run(
        connection,
        f"SELECT id, counts FROM change_set WHERE kind = '{_KIND}' AND via = {place}"  # noqa: S608 - names of our own making
        " AND undone_by IS NULL ORDER BY at DESC, id DESC LIMIT 1",
        (f"{_KIND}:{mark}",),
    ).fetchone()
    known = _counts(row[1]) if row is not None else {"finished": 1}
    return None if known.get("finished") else _Done(str(row[0]), known.get("rows", 0))


def _resumed(connection: Connection, change_set: str, mark: str) -> _Done:
    place = phrases(connection.dialect.name).mark
    row = run(
        connection,
        f"SELECT via, counts FROM change_set WHERE id = {place} AND kind = '{_KIND}'",  # noqa: S608 - names of our own making
        (change_set,),
    ).fetchone()
    if row is None or row[0] != f"{_KIND}:{mark}":
        raise GuanxiError(Message("{id} is no import of this file with these columns", id=change_set))
    counts = _counts(row[1])
    if counts.get("finished"):
        raise GuanxiError(Message("The import {id} was finished", id=change_set))
    return _Done(change_set, counts.get("rows", 0))
