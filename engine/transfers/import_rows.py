# ruff: noqa: S608
# Statements are put together from constants; values are bound.
"""The rows of imports: every statement on the tables `import_run` and `import_problem`."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import orjson
from sqlalchemy import Connection

from engine.audit.statements import Statements, text_of, time_of
from engine.data.transfer.ledger import Done
from engine.data.transfer.mapping import ColumnMap, map_of
from engine.data.transfer.report import ImportReport, ProblemKind, RowProblem
from engine.ids import is_id
from engine.jobs.job import message_from_json, message_to_json
from engine.storage.database import Database

ImportState = Literal["draft", "trying", "tried", "running", "done"]
_COLUMNS = (
    "id, entity, actor_id, name, size, state, plan, done, trial, job_id, change_set_id, made_at, changed_at, thrown_at"
)
_PROBLEM = "row_number, field, column_name, value, message"
_COUNTS = ("created", "updated", "unchanged", "skipped", "failed", "warnings", "linked")


@dataclass(frozen=True, slots=True)
class ImportRun:
    """A file that somebody imports, or imported; times are aware UTC."""

    id: str
    entity: str
    actor_id: str | None
    """Id of the `user` record of who began it; None for the system."""
    name: str
    """What the file is called."""
    size: int
    """Bytes of the file."""
    state: ImportState
    plan: ColumnMap
    """How it is read; without columns before somebody has said it."""
    done: Done | None
    """How far it came."""
    trial: ImportReport | None
    """What came of the last trial."""
    job_id: str | None
    change_set: str | None
    made_at: datetime
    changed_at: datetime
    thrown_at: datetime | None
    """Since when the file is gone."""

    @property
    def report(self) -> ImportReport | None:
        """Return what came of the rows so far; None before the first."""
        return self.done.report if self.done is not None else None

    @property
    def by_command(self) -> bool:
        """Say whether the command imported it: then the file never lay here."""
        return self.thrown_at == self.made_at

    @property
    def begun(self) -> bool:
        """Say whether rows were, or are about to be, written."""
        return self.state in {"running", "done"}


@dataclass(frozen=True, slots=True)
class ShownProblem:
    """What is wrong with a cell, and which kind of problem that is."""

    problem: RowProblem
    kind: str


class ImportRows:
    """The imports of one site."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.statements = Statements(database)
        self.run = self.statements.run

    # --- imports ----------------------------------------------------------------------------------------------------

    def insert(self, connection: Connection, made: ImportRun) -> None:
        """Write an import that was begun."""
        self.run(
            connection,
            f"INSERT INTO import_run ({_COLUMNS}) VALUES ({', '.join('?' * 14)})",
            made.id, made.entity, made.actor_id, made.name, made.size, made.state, _plan(made.plan), None, None, None,
            None, made.made_at, made.changed_at, made.thrown_at,
        )  # fmt: skip

    def get(self, connection: Connection, id_: str) -> ImportRun | None:
        """Return an import; None when there is none of that id."""
        if not is_id(id_):
            return None
        row = self.run(connection, f"SELECT {_COLUMNS} FROM import_run WHERE id = ?", id_).fetchone()
        return None if row is None else _made(row)

    def of_change_set(self, connection: Connection, change_set: str) -> ImportRun | None:
        """Return the import that wrote a change set; None when there is none."""
        text = f"SELECT {_COLUMNS} FROM import_run WHERE change_set_id = ?"
        row = self.run(connection, text, change_set).fetchone()
        return None if row is None else _made(row)

    def entries(
        self, connection: Connection, entity: str | None, actor: str | None, limit: int, before: str | None
    ) -> list[ImportRun]:
        """Return the newest imports: of one entity or all, of one person or all."""
        conditions, values = ["1 = 1"], []
        for column, value in (("entity", entity), ("actor_id", actor)):
            if value is not None:
                conditions.append(f"{column} = ?")
                values.append(value)
        if before is not None and is_id(before):
            conditions.append("id < ?")
            values.append(before)
        text = f"SELECT {_COLUMNS} FROM import_run WHERE {' AND '.join(conditions)} ORDER BY id DESC LIMIT {int(limit)}"
        return [_made(row) for row in self.run(connection, text, *values).fetchall()]

    def change(self, connection: Connection, id_: str, states: Sequence[str], now: datetime, **values: Any) -> bool:
        """Change an import that is in one of some states; False when it is not, or not there."""
        named = ", ".join(f"{name} = ?" for name in values)
        text = (
            f"UPDATE import_run SET {named}, changed_at = ? WHERE id = ? AND state IN ({', '.join('?' * len(states))})"
        )
        given = [_plan(value) if isinstance(value, ColumnMap) else value for value in values.values()]
        return bool(self.run(connection, text, *given, now, id_, *states).rowcount)

    def delete(self, connection: Connection, id_: str) -> None:
        """Forget an import and its problems."""
        self.run(connection, "DELETE FROM import_problem WHERE run_id = ?", id_)
        self.run(connection, "DELETE FROM import_run WHERE id = ?", id_)

    def kept(self, connection: Connection, actor: str | None = None) -> int:
        """Return how many bytes the files of imports have, those of one person or all."""
        text, values = "SELECT sum(size) FROM import_run WHERE thrown_at IS NULL AND state <> 'done'", []
        if actor is not None:
            text, values = f"{text} AND actor_id = ?", [actor]
        return int(self.run(connection, text, *values).fetchone()[0] or 0)

    def due(self, connection: Connection, limit: datetime) -> list[ImportRun]:
        """Return imports whose file is there and that nobody touched since a time."""
        text = f"SELECT {_COLUMNS} FROM import_run WHERE thrown_at IS NULL AND changed_at < ?"
        return [_made(row) for row in self.run(connection, text, limit).fetchall()]

    def known(self, connection: Connection) -> set[str]:
        """Return the ids of imports whose file is there."""
        found = self.run(connection, "SELECT id FROM import_run WHERE thrown_at IS NULL").fetchall()
        return {str(row[0]) for row in found}

    def finished(self, connection: Connection) -> list[str]:
        """Return the ids of imports that are done and whose files were not thrown away yet."""
        text = "SELECT id FROM import_run WHERE thrown_at IS NULL AND state = 'done'"
        return [str(row[0]) for row in self.run(connection, text).fetchall()]

    def undone(self, connection: Connection, change_set: str | None) -> bool:
        """Say whether a change set was taken back."""
        text = "SELECT undone_by FROM change_set WHERE id = ?"
        row = self.run(connection, text, change_set).fetchone() if change_set else None
        return row is not None and row[0] is not None

    # --- problems ---------------------------------------------------------------------------------------------------

    def note(self, connection: Connection, id_: str, problems: Sequence[RowProblem], *, trial: bool) -> None:
        """Write what is wrong with rows."""
        flag = self._flag(trial)
        rows = [
            (id_, flag, each.row, each.field, each.column, each.value, _message(each), problem_kind(each))
            for each in problems
        ]
        if rows:
            text = f"INSERT INTO import_problem (run_id, trial, {_PROBLEM}, kind) VALUES ({', '.join('?' * 8)})"
            self.statements.run_many(connection, text, rows)

    def forget(self, connection: Connection, id_: str, *, trial: bool) -> None:
        """Forget what was wrong with rows."""
        text = "DELETE FROM import_problem WHERE run_id = ? AND trial = ?"
        self.run(connection, text, id_, self._flag(trial))

    def problems(
        self, connection: Connection, id_: str, *, trial: bool, kind: str = "", after: int = 0, limit: int = 50
    ) -> tuple[list[ShownProblem], int | None]:
        """Return problems in the order of the file, and what to ask for those after them (None = these are all)."""
        conditions, values = ["run_id = ?", "trial = ?", "seq > ?"], [id_, self._flag(trial), after]
        if kind:
            conditions.append("kind = ?")
            values.append(kind)
        text = (
            f"SELECT {_PROBLEM}, kind, seq FROM import_problem WHERE {' AND '.join(conditions)} "
            f"ORDER BY seq LIMIT {int(limit) + 1}"
        )
        rows = self.run(connection, text, *values).fetchall()
        following = int(rows[limit - 1][6]) if len(rows) > limit else None
        return [
            ShownProblem(
                RowProblem(int(row[0]), message_from_json(orjson.loads(row[4])), row[1], row[2], row[3]), row[5]
            )
            for row in rows[:limit]
        ], following

    def _flag(self, value: bool) -> Any:  # noqa: FBT001 - as the driver takes it
        return int(value) if self.statements.sqlite else value


# --- as JSON


def problem_kind(problem: RowProblem) -> str:
    """Return what equal problems of one field have in common."""
    return hashlib.sha256(f"{problem.field}\n{problem.message.template}".encode()).hexdigest()[:16]


def _message(problem: RowProblem) -> str:
    return orjson.dumps(message_to_json(problem.message), default=str).decode()


def _plan(plan: ColumnMap) -> str:
    return orjson.dumps(plan.body(), default=str).decode()


def report_to_json(report: ImportReport) -> dict[str, Any]:
    """Return a report as a row keeps it, without the single problems."""
    kinds = [
        {
            "column": each.column, "field": each.field, "count": each.count, "row": each.first.row,
            "value": each.first.value, "message": message_to_json(each.first.message),
        }
        for each in report.kinds.values()
    ]  # fmt: skip
    return {
        **report.counts(),
        "kinds": kinds,
        "left_out": list(report.left_out),
        "change_set": report.change_set,
        "errors": report.errors_file is not None,
    }


def added(one: ImportReport, other: ImportReport) -> ImportReport:
    """Return what came of the rows of two attempts together."""
    both = ImportReport(**{name: getattr(one, name) + getattr(other, name) for name in _COUNTS})
    both.left_out, both.change_set = other.left_out, other.change_set or one.change_set
    both.errors_file = other.errors_file or one.errors_file
    for report in (one, other):
        for key, kind in report.kinds.items():
            known = both.kinds.get(key)
            count = kind.count + (known.count if known is not None else 0)
            both.kinds[key] = ProblemKind(kind.column, kind.field, (known or kind).first, count)
    return both


def report_from_json(said: Mapping[str, Any]) -> ImportReport:
    """Return a report that `report_to_json` wrote."""
    report = ImportReport(**{name: said[name] for name in _COUNTS})
    report.left_out, report.change_set = tuple(said["left_out"]), said["change_set"]
    report.errors_file = "errors" if said["errors"] else None
    for each in said["kinds"]:
        message = message_from_json(each["message"])
        first = RowProblem(each["row"], message, each["field"], each["column"], each["value"])
        kind = ProblemKind(each["column"], each["field"], first, each["count"])
        report.kinds[each["field"], message.template] = kind
    return report


def done_to_json(done: Done) -> str:
    """Return how far an import came as its row keeps it."""
    said = {"change_set": done.change_set, "row": done.row, "errors_at": done.errors_at}
    report = report_to_json(done.report) if done.report is not None else None
    return orjson.dumps({**said, "report": report}, default=str).decode()


def _done(text: str | None) -> Done | None:
    if text is None:
        return None
    said = orjson.loads(text)
    report = report_from_json(said["report"]) if said["report"] is not None else None
    return Done(said["change_set"], said["row"], said["errors_at"], report)


def _made(row: Sequence[Any]) -> ImportRun:
    trial = report_from_json(orjson.loads(row[8])) if row[8] is not None else None
    return ImportRun(
        str(row[0]), row[1], text_of(row[2]), row[3], int(row[4]), row[5], map_of(orjson.loads(row[6])), _done(row[7]),
        trial, text_of(row[9]), text_of(row[10]), time_of(row[11]), time_of(row[12]),
        time_of(row[13]) if row[13] is not None else None,
    )  # fmt: skip
