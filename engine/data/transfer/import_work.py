"""One file on its way into records: read, matched, linked and written chunk by chunk."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from engine import clock
from engine.audit import Event
from engine.data.minding import minding_duplicates
from engine.data.phrases import phrases
from engine.data.sets import ChangeSet, add_counts, new_set, write_set
from engine.data.transfer.columns import Columns
from engine.data.transfer.errors_file import ErrorsFile
from engine.data.transfer.ledger import Done, Ledger
from engine.data.transfer.linking import Linker, Sought
from engine.data.transfer.mapping import ColumnMap
from engine.data.transfer.matching import STAMPS
from engine.data.transfer.report import ImportReport, RowProblem, short_cell
from engine.data.transfer.sheet import Line, Sheet
from engine.data.transfer.trying import PORTION, Seen
from engine.data.upserting import AlreadyThere, only
from engine.errors import DatabaseUnavailable, FieldProblem, GuanxiError, RecordInvalid, StaleModel
from engine.i18n import Message
from engine.storage import growing
from engine.storage.columns import quoted
from engine.storage.database import run
from engine.storage.guard import ENTITY_ACCESS

if TYPE_CHECKING:
    from engine.data.transfer.importing import Importer, ImportOptions

CHUNK = 500
_ATTEMPTS = 5
_WAIT_S = 0.5
_GAP_S = 0.05
"""Who waits for the write lock of SQLite looks ten times a second, and nobody queues."""
_KIND = "import"


@dataclass(slots=True)
class ImportRow:
    """One row on its way."""

    line: Line
    values: dict[str, Any] = field(default_factory=dict)
    problems: list[FieldProblem] = field(default_factory=list)
    outcome: str = ""
    warnings: int = 0
    stamps: dict[str, Any] = field(default_factory=dict)
    read: tuple[dict[str, Any], int] | None = None
    """Values and number of problems as they were before anything was asked of the database."""


class _RollBack(Exception):
    """A trial keeps nothing."""


class ImportWork:
    """One file on its way."""

    def __init__(  # noqa: PLR0913, PLR0917 - one file, in one go
        self,
        importer: Importer,
        sheet: Sheet,
        columns: Columns,
        options: ImportOptions,
        said: ColumnMap,
        via: str,
        done: Done | None,
        progress: Callable[[int], None],
        ledger: Ledger | None,
    ) -> None:
        self._importer, self._sheet, self._columns, self._said = importer, sheet, columns, said
        self._records, self._principal, self._entity = importer.records, importer.principal, importer.entity
        self._via, self._done, self._progress, self._ledger = via, done, progress, ledger
        self._goes_on = ledger is not None and not ledger.beside
        """Whether it goes on by itself after a crash, from what the ledger says."""
        self._position = 0
        self._last_row = done.row if done is not None else 0
        self._language = options.language or self._principal.language
        self._file = options.name or sheet.path.name
        self._published = importer.published()
        kind = self._published.model.entity(self._entity)
        self._secret = {key for key, each in kind.fields.items() if each.secret or each.type.name == "secret"}
        hidden = {column.index for column in columns.columns if column.key in self._secret}
        place = options.errors or sheet.path.with_name(f"{sheet.path.name}.errors.csv")
        self._errors = ErrorsFile(place, sheet.headers, hidden, at=0 if done is None else done.errors_at)
        self._set = new_set(_KIND, self._file)
        if done is not None:
            self._set = ChangeSet(done.change_set, _KIND, self._file, known=True)
        self._linker = Linker(self._records, self._principal, columns.links, via)
        self.report = (done.report if done is not None else None) or ImportReport()
        self.report.left_out = columns.left_out
        self._linked_before = self.report.linked

    def carry_out(self) -> ImportReport:
        """Import every chunk in a transaction of its own."""
        try:
            for rows in self._chunks():
                self._persist(rows)
                self._move()
                if self._goes_on and self._importer.database.dialect == "sqlite":
                    time.sleep(_GAP_S)
            self._finish()
            self._tell_planner()
        except Exception:
            self._errors.close()
            if self._set.known:
                with suppress(DatabaseUnavailable):
                    self._records.trail.tell(self._event(broken_off=True))
            raise
        except BaseException:
            self._errors.close()
            raise
        return self.report

    def trial(self) -> ImportReport:
        """Try every row in transactions that are taken back, and keep nothing."""
        chunks = self._chunks()
        seen = Seen(self._published.model.entity(self._entity), self._said.on)
        more = True
        while more:
            more, count = False, 0
            problems: list[RowProblem] = []
            try:
                with self._records.begin() as connection:
                    for rows in chunks:
                        seen.check(rows)
                        self._write(connection, rows)
                        problems += self._account(rows)
                        seen.note(rows)
                        count += len(rows)
                        if count >= PORTION:
                            more = True
                            break
                    raise _RollBack  # noqa: TRY301 - the transaction must see it
            except _RollBack:
                self._linker.settle(kept=False)
                seen.next_portion()
                if self._ledger is not None:
                    self._ledger.tried(self.report, problems)
            except BaseException:
                self._errors.close()
                raise
            self._move()
        self.report.errors_file = self._errors.close()
        return self.report

    # --- chunks ---------------------------------------------------------------------------------------------------

    def _chunks(self) -> Iterator[list[ImportRow]]:
        chunk: list[ImportRow] = []
        for line in self._sheet.lines:
            if self._done is not None and line.number <= self._done.row:
                continue
            chunk.append(self._row(line))
            if len(chunk) == CHUNK:
                yield chunk
                chunk = []
        if chunk:
            yield chunk

    def _row(self, line: Line) -> ImportRow:
        if line.broken is not None:
            return ImportRow(line, problems=[FieldProblem("", line.broken, "row")])
        values, problems = self._columns.read(line.cells)
        row = ImportRow(line, values, problems)
        for key in STAMPS:
            if key in values and (value := values.pop(key)) is not None:
                row.stamps[key] = value
        return row

    def _persist(self, rows: list[ImportRow]) -> None:
        """Write one chunk and how far the file was worked through, in one transaction."""
        errors_at = self._errors.flush()
        for row in rows:
            row.read = (dict(row.values), len(row.problems))
        for attempt in range(1, _ATTEMPTS + 1):
            known, last, mark = self._set.known, rows[-1].line.number, self.report.mark()
            try:
                with self._records.begin() as connection:
                    self._note_set(connection)
                    self._write(connection, rows)
                    self._note(connection, {"rows": last - self._last_row, "failed": _failed(rows)})
                    if self._ledger is not None:
                        self._enter(connection, rows, last)
            except (StaleModel, DatabaseUnavailable) as error:
                self._set.known = known
                self._take_back(rows, mark, errors_at)
                if attempt == _ATTEMPTS:
                    raise self._interrupted(error) from error
                time.sleep(_WAIT_S * attempt)
            except BaseException:
                self._linker.settle(kept=False)
                raise
            else:
                self._linker.settle(kept=True)
                self._last_row = last
                if self._ledger is None:
                    self._account(rows)
                return

    def _enter(self, connection: Connection, rows: Sequence[ImportRow], last: int) -> None:
        """Note in the ledger what came of a chunk, before its transaction ends."""
        assert self._ledger is not None  # noqa: S101 - so says who calls
        problems = self._account(rows)
        done = Done(self._set.id, last, self._errors.flush(), self.report)
        self._ledger.chunk(connection, done, problems)

    def _take_back(self, rows: Sequence[ImportRow], mark: Any, errors_at: int) -> None:
        """Put everything back to where it was before a chunk whose transaction failed."""
        self._linker.settle(kept=False)
        self._errors.go_back(errors_at)
        self.report.back(mark)
        for row in rows:
            row.outcome, row.warnings = "", 0
            if row.read is not None:
                row.values, number = dict(row.read[0]), row.read[1]
                del row.problems[number:]

    def _interrupted(self, error: GuanxiError) -> GuanxiError:
        if not self._set.known:
            return error
        if self._goes_on:
            return error
        return DatabaseUnavailable(
            Message("{why}. What was read so far is kept: go on with --resume {id}", why=error.message, id=self._set.id)
        )

    def _write(self, connection: Connection, rows: Sequence[ImportRow]) -> None:
        """Write the rows of a chunk that can be taken, and note the problems of the others."""
        change_set = self._set.id if self._set.known else None
        if self._columns.links:
            self._linker.resolve(connection, self._published, rows, change_set)
        due = [row for row in rows if not row.problems and not row.outcome]
        unread = [row for row in rows if row.problems and row.line.broken is None]
        on = self._said.on
        how = only(on, self._said.mode) if on is not None else ""
        wishes = [
            {"create": row.values} if on is None else {"upsert": {"on": how, "values": row.values}} for row in due
        ]
        with minding_duplicates("import"):
            results = self._records.bulk(
                self._principal, self._entity, wishes, via=self._via, change_set=change_set, connection=connection
            )
        stamped: list[tuple[str, dict[str, Any]]] = []
        for row, result in zip(due, results, strict=True):
            if result.written is not None:
                row.outcome, row.warnings = result.written.action, len(result.written.warnings)
                if row.stamps and row.outcome == "created":
                    stamped.append((result.written.id, row.stamps))
            elif isinstance(result.error, RecordInvalid):
                row.problems += [_told(problem, due) for problem in result.error.problems]
            elif isinstance(result.error, AlreadyThere):
                row.outcome = "skipped"
            elif result.error is not None:
                row.problems.append(FieldProblem("", result.error.message, "refused"))
        if stamped:
            self._stamp(connection, stamped)
        if unread:
            self._look_further(connection, unread)

    def _look_further(self, connection: Connection, bad: Sequence[ImportRow]) -> None:
        """Find out what else is wrong with rows whose cells could not be read, so that all of it is told at once."""
        known = [{problem.path.partition("/")[0].partition(".")[0] for problem in row.problems} for row in bad]
        given = [{key: value for key, value in row.values.items() if not isinstance(value, Sought)} for row in bad]
        nested = connection.begin_nested()
        try:
            results = self._records.bulk(
                self._principal,
                self._entity,
                [{"create": values} for values in given],
                via=self._via,
                connection=connection,
            )
        finally:
            nested.rollback()
        for row, fields, result in zip(bad, known, results, strict=True):
            if isinstance(result.error, RecordInvalid):
                row.problems += [
                    _told(problem, bad)
                    for problem in result.error.problems
                    if problem.path.partition("/")[0] not in fields and problem.code != "unique"
                ]

    def _stamp(self, connection: Connection, stamped: Sequence[tuple[str, dict[str, Any]]]) -> None:
        """Give records the maker and the moment that they had where they come from."""
        tables, words = self._published.tables, phrases(connection.dialect.name)
        for id_, stamps in stamped:
            names = [quoted(tables.column_name(self._entity, key)) for key in stamps]
            values = [words.moment(value) if key == "created_at" else value for key, value in stamps.items()]
            text = (
                f"UPDATE {quoted(tables.name(self._entity))} "  # noqa: S608 - names of the Model
                f"SET {', '.join(f'{name} = {words.mark}' for name in names)} WHERE id = {words.mark}"
            )
            run(connection, text, (*values, id_), access=ENTITY_ACCESS)

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
        """Note that the file was worked through; an import that changed nothing leaves no change set."""
        report = self.report
        changed = report.created or report.updated or report.linked or (self._done is not None and not self._goes_on)
        report.errors_file = self._errors.close()
        report.change_set = self._set.id if changed else None
        if not self._set.known and not self._goes_on:
            return
        with self._records.begin() as connection:
            if changed:
                self._note(connection, {"finished": 1})
                self._records.trail.note(connection, self._event())
            elif self._set.known:
                place = phrases(connection.dialect.name).mark
                run(connection, f"DELETE FROM change_set WHERE id = {place}", (self._set.id,))  # noqa: S608 - as below
            if self._ledger is not None:
                self._ledger.finished(connection, report, self._last_row)

    def _tell_planner(self) -> None:
        """Let PostgreSQL know that tables have grown; otherwise their lists are slow for a minute."""
        name = self._published.tables.name(self._entity)
        changed = self.report.created + self.report.updated
        growing.tell(self._records.database, (name, "record_change", "search_row"), changed)

    def _event(self, **more: object) -> Event:
        """Return what the audit log says of it."""
        report = self.report
        counts = {name: getattr(report, name) for name in ("created", "updated", "unchanged", "failed")}
        details = {"file": self._file, "change_set": self._set.id, **counts, **more}
        return Event("import", self._principal.id, self._entity, None, report.created + report.updated, details)

    def _account(self, rows: Iterable[ImportRow]) -> list[RowProblem]:
        """Count what became of rows, put the bad ones into their file, and return what is wrong with them."""
        report, found = self.report, []
        report.linked = self._linked_before + self._linker.made
        for row in rows:
            report.warnings += row.warnings
            if not row.problems:
                setattr(report, row.outcome, getattr(report, row.outcome) + 1)
                continue
            report.failed += 1
            problems = [self._problem(row.line, each) for each in row.problems]
            self._errors.add(row.line.cells, "; ".join(each.why.in_(self._language) for each in problems))
            report.note(problems)
            found += problems
        self._errors.flush()
        return found

    def _problem(self, line: Line, problem: FieldProblem) -> RowProblem:
        """Return what is wrong with a cell as people are told it."""
        key, _, part = problem.path.partition("/")[0].partition(".")
        index = self._columns.index_of(key, part) if key else None
        header, value, why = "", "", problem.message
        if index is not None and index < len(line.cells):
            header, cell = self._sheet.headers[index], short_cell(line.cells[index])
            if key not in self._secret:
                value = cell
            elif cell and cell in why.in_(self._language):
                why = Message("This value cannot be taken")
        return RowProblem(line.number, why, problem.path, header, value)

    def _move(self) -> None:
        position = self._sheet.position()
        moved, self._position = max(0, position - self._position), position
        self._progress(moved)


def _failed(rows: Iterable[ImportRow]) -> int:
    return sum(bool(row.problems) for row in rows)


def _told(problem: FieldProblem, rows: Sequence[ImportRow]) -> FieldProblem:
    why, place = problem.message, problem.message.values.get("row")
    if isinstance(place, int) and 0 < place <= len(rows):
        # Another row of the chunk is meant: people know it by its number in the file.
        why = Message(why.template, **{**why.values, "row": rows[place - 1].line.number})
    return FieldProblem(problem.path, why, problem.code)
