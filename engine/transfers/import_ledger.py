"""Where the row of an import is told how far it came."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection

from engine import clock
from engine.data.transfer.ledger import Done
from engine.data.transfer.report import ImportReport, RowProblem
from engine.transfers.import_rows import ImportRows, ImportRun, added, done_to_json

MOST_STORED = 10_000
"""Problems of one import that are kept to be shown; the file with bad rows has all."""


class RowLedger:
    """The ledger of an import that has a row; see `engine.data.transfer.ledger.Ledger`."""

    beside = False

    def __init__(
        self, rows: ImportRows, run: ImportRun, keep: Callable[[Connection, Mapping[str, Any]], None], *, trial: bool
    ) -> None:
        self.id = run.id
        self.done = None if trial else run.done
        self._rows, self._keep, self._trial = rows, keep, trial
        report = self.done.report if self.done is not None else None
        self._stored = sum(kind.count for kind in report.kinds.values()) if report is not None else 0

    def chunk(self, connection: Connection, done: Done, problems: Sequence[RowProblem]) -> None:
        """Note how far the import came, in the transaction of the chunk."""
        self._keep(connection, {"row": done.row})
        self._rows.change(
            connection, self.id, ("running",), clock.now(), done=done_to_json(done), change_set_id=done.change_set
        )
        self._note(connection, problems)

    def tried(self, report: ImportReport, problems: Sequence[RowProblem]) -> None:
        """Note what was wrong so far; of a trial, nothing else is kept."""
        with self._rows.database.write() as connection:
            self._keep(connection, {"rows": report.rows})
            self._note(connection, problems)

    def finished(self, connection: Connection, report: ImportReport, row: int) -> None:
        """Note that the file was worked through, in the transaction that says so everywhere else."""
        done = Done(report.change_set or "", row, None, replace(report))
        self._rows.change(
            connection, self.id, ("running",), clock.now(), state="done", done=done_to_json(done),
            change_set_id=report.change_set,
        )  # fmt: skip

    def _note(self, connection: Connection, problems: Sequence[RowProblem]) -> None:
        room = max(0, MOST_STORED - self._stored)
        self._rows.note(connection, self.id, problems[:room], trial=self._trial)
        self._stored += len(problems)


class CommandLedger:
    """The ledger of an import that no page began: its row lets people see it, and take it back.

    The row is made with the first chunk, and found again by the change set when an import that was broken off goes on.
    """

    beside = True

    def __init__(self, rows: ImportRows, made: ImportRun) -> None:
        self.id = made.id
        self.done: Done | None = None
        self._rows, self._made = rows, made
        self._before: ImportReport | None = None
        """What came of the rows of earlier attempts."""
        self._stored = 0

    def chunk(self, connection: Connection, done: Done, problems: Sequence[RowProblem]) -> None:
        """Note how far the import came, in the transaction of the chunk."""
        self._write(connection, done.report or ImportReport(), done.row, done.change_set, "running")
        room = max(0, MOST_STORED - self._stored)
        self._rows.note(connection, self.id, problems[:room], trial=False)
        self._stored += len(problems)

    def tried(self, report: ImportReport, problems: Sequence[RowProblem]) -> None:
        """Note nothing: of a trial the command tells everything itself."""

    def finished(self, connection: Connection, report: ImportReport, row: int) -> None:
        """Note that the file was worked through."""
        self._write(connection, report, row, report.change_set, "done")

    def _write(
        self, connection: Connection, report: ImportReport, row: int, change_set: str | None, state: str
    ) -> None:
        # Whether the row is there the statement itself says: what a chunk wrote may have been taken back.
        if not self._change(connection, report, row, change_set, state):
            known = None if change_set is None else self._rows.of_change_set(connection, change_set)
            if known is None:
                self._rows.insert(connection, self._made)
            else:
                self.id, self._before = known.id, known.report
            self._change(connection, report, row, change_set, state)

    def _change(
        self, connection: Connection, report: ImportReport, row: int, change_set: str | None, state: str
    ) -> bool:
        whole = report if self._before is None else added(self._before, report)
        done = done_to_json(Done(change_set or "", row, None, whole))
        return self._rows.change(
            connection, self.id, ("running",), clock.now(), state=state, change_set_id=change_set, done=done
        )
