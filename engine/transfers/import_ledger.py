"""Where the row of an import is told how far it came."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection

from engine import clock
from engine.data.transfer.ledger import Done
from engine.data.transfer.report import ImportReport, RowProblem
from engine.transfers.import_rows import ImportRows, ImportRun, done_to_json

MOST_STORED = 10_000
"""Problems of one import that are kept to be shown; the file with bad rows has all."""


class RowLedger:
    """The ledger of an import that has a row; see `engine.data.transfer.ledger.Ledger`."""

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
