"""How far an import came, and where that is noted, so that whoever goes on after a crash knows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import Connection

from engine.data.transfer.report import ImportReport, RowProblem


@dataclass(frozen=True, slots=True)
class Done:
    """How far an earlier attempt came."""

    change_set: str
    row: int
    errors_at: int | None = None
    """Bytes of the file with bad rows that are sure; None = all that are there."""
    report: ImportReport | None = None
    """What came of the rows up to there."""


class Ledger(Protocol):
    """Where an import is noted that is to go on by itself after a crash."""

    id: str
    done: Done | None
    beside: bool
    """Whether it only looks on: the import itself goes on by its change set, when somebody says so."""

    def chunk(self, connection: Connection, done: Done, problems: Sequence[RowProblem]) -> None:
        """Note how far the import came, in the transaction of the chunk, with what was wrong in it."""

    def tried(self, report: ImportReport, problems: Sequence[RowProblem]) -> None:
        """Note how far a trial came; nothing else of it is kept."""

    def finished(self, connection: Connection, report: ImportReport, row: int) -> None:
        """Note that the file was worked through, in the transaction that says so everywhere else."""
