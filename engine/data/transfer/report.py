"""What came of an import: numbers, and what was wrong, cell by cell."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from engine.i18n import Message

MOST_PROBLEMS = 100
"""Problems that the report itself holds; the file has all."""
MOST_KINDS = 200
"""Kinds of problem that are counted apart."""
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class RowProblem:
    """What is wrong with one cell, or with a row as a whole."""

    row: int
    """As a spreadsheet numbers it, from 1."""
    message: Message
    field: str = ""
    """The field, `items/0/price` of a child row, `account.name` of a linked record; "" of the row as a whole."""
    column: str = ""
    """The header of the column; "" where no column is meant."""
    value: str = ""
    """What stands in the cell; nothing of secret fields."""

    @property
    def why(self) -> Message:
        """Return the reason with the field in front."""
        return Message("{field}: {why}", field=self.field, why=self.message) if self.field else self.message

    @property
    def reason(self) -> str:
        """Return the reason in English."""
        return str(self.why)


@dataclass(slots=True)
class ProblemKind:
    """Problems of one kind in one column: how many, and the first of them."""

    column: str
    field: str
    first: RowProblem
    count: int = 0


_Mark = tuple[dict[str, int], int, dict[tuple[str, str], int]]


@dataclass(slots=True)
class ImportReport:
    """What came of an import."""

    change_set: str | None = None
    """What `undo` takes back; None when nothing was kept."""
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    skipped: int = 0
    """Rows whose record is there already, when only new ones were to be created."""
    failed: int = 0
    warnings: int = 0
    linked: int = 0
    """Records of other objects that were created because rows lead to them."""
    errors_file: str | None = None
    left_out: tuple[str, ...] = ()
    """Columns that lead to no field."""
    problems: list[RowProblem] = field(default_factory=list)
    """The first of them."""
    kinds: dict[tuple[str, str], ProblemKind] = field(default_factory=dict)
    """(field, template of the message) -> problems of that kind."""

    @property
    def rows(self) -> int:
        """Return how many rows were read."""
        return self.created + self.updated + self.unchanged + self.skipped + self.failed

    def note(self, problems: Iterable[RowProblem]) -> None:
        """Count what is wrong with a row."""
        for each in problems:
            if len(self.problems) < MOST_PROBLEMS:
                self.problems.append(each)
            key = (each.field, each.message.template)
            kind = self.kinds.get(key)
            if kind is None:
                if len(self.kinds) >= MOST_KINDS:
                    continue
                kind = self.kinds[key] = ProblemKind(each.column, each.field, each)
            kind.count += 1

    def mark(self) -> _Mark:
        """Return where the report stands, for `back`."""
        return self.counts(), len(self.problems), {key: kind.count for key, kind in self.kinds.items()}

    def back(self, mark: _Mark) -> None:
        """Forget what was noted since `mark`: the transaction that it was about is taken back."""
        counts, problems, kinds = mark
        for name, number in counts.items():
            setattr(self, name, number)
        del self.problems[problems:]
        self.kinds = {key: kind for key, kind in self.kinds.items() if key in kinds}
        for key, number in kinds.items():
            self.kinds[key].count = number

    def counts(self) -> dict[str, int]:
        """Return the numbers."""
        names = ("created", "updated", "unchanged", "skipped", "failed", "warnings", "linked")
        return {name: getattr(self, name) for name in names}


def shown_cell(cell: Any) -> str:
    """Return a cell as a file and a page show it."""
    if cell is None:
        return ""
    if isinstance(cell, str):
        return cell
    from engine.data.transfer.lines import ABSENT

    if cell is ABSENT:
        return ""
    import orjson

    return orjson.dumps(cell, default=str).decode()


def short_cell(cell: Any) -> str:
    """Return the beginning of a cell."""
    text = shown_cell(cell)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
