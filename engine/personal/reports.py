"""Reports that people saved of their own: what a report document would hold, with a name, for one person alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Connection

from engine import clock
from engine.audit.statements import Statements
from engine.data.principal import Principal
from engine.errors import AccessDenied, FieldProblem, NotFound, RecordInvalid
from engine.i18n import Message
from engine.ids import is_id, new_id
from engine.storage.database import Database

MOST = 200
"""Reports of one person."""
MOST_BYTES = 50_000
LONGEST_REPORT_NAME = 120


@dataclass(frozen=True, slots=True)
class OwnReport:
    """One saved report."""

    id: str
    name: str
    entity: str
    body: Mapping[str, Any]
    """What its document would hold."""


class OwnReports:
    """The saved reports of everybody on one site. Safe to share between threads."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._run = Statements(database).run

    def of(self, connection: Connection, principal: Principal) -> list[OwnReport]:
        """Return the reports of a person, the oldest first. `connection` is a transaction that is open already."""
        text = "SELECT id, name, entity, body FROM person_report WHERE user_id = ? ORDER BY id"
        rows = [] if principal.id is None else self._run(connection, text, principal.id).fetchall()
        return [OwnReport(str(row[0]), row[1], row[2], orjson.loads(row[3])) for row in rows]

    def get(self, connection: Connection, principal: Principal, id_: str) -> OwnReport:
        """Return a report of a person.

        Raises:
            NotFound: they have none of that id.
        """
        row = None
        if principal.id is not None and is_id(id_):
            text = "SELECT id, name, entity, body FROM person_report WHERE id = ? AND user_id = ?"
            row = self._run(connection, text, id_, principal.id).fetchone()
        if row is None:
            raise NotFound(Message("There is no report {name}", name=id_))
        return OwnReport(str(row[0]), row[1], row[2], orjson.loads(row[3]))

    def keep(self, principal: Principal, name: str, entity: str, body: Mapping[str, Any], id_: str = "") -> str:
        """Keep a report under a name and return its id; with `id_`, in place of that one.

        Raises:
            AccessDenied: it is nobody's own, or who asks only looks as somebody else.
            RecordInvalid: it has no name, is too large, or the person has too many.
            NotFound: they have none of that id.
        """
        principal.require_own_hands()
        if principal.id is None:
            raise AccessDenied(Message("Only a person can save a report"))
        title, text = name.strip(), orjson.dumps(body).decode()
        if not title or len(title) > LONGEST_REPORT_NAME:
            message = Message("A report has a name of at most {most} characters", most=LONGEST_REPORT_NAME)
            raise RecordInvalid([FieldProblem("name", message, "required")])
        if len(text) > MOST_BYTES:
            raise RecordInvalid([FieldProblem("", Message("The report is too large to be saved"), "too_large")])
        now = clock.now()
        with self._database.write() as connection:
            if id_:
                self.get(connection, principal, id_)
                change = "UPDATE person_report SET name = ?, entity = ?, body = ?, changed_at = ? WHERE id = ?"
                self._run(connection, change, title, entity, text, now, id_)
                return id_
            [count] = self._run(
                connection, "SELECT count(*) FROM person_report WHERE user_id = ?", principal.id
            ).fetchone() or [0]
            if count >= MOST:
                message = Message("You have {most} reports already; delete one first", most=MOST)
                raise RecordInvalid([FieldProblem("name", message, "too_many")])
            made = new_id()
            insert = "INSERT INTO person_report (id, user_id, entity, name, body, changed_at) VALUES (?, ?, ?, ?, ?, ?)"
            self._run(connection, insert, made, principal.id, entity, title, text, now)
            return made

    def drop(self, principal: Principal, id_: str) -> None:
        """Throw a report away.

        Raises:
            NotFound: the person has none of that id.
            AccessDenied: who asks only looks as somebody else.
        """
        principal.require_own_hands()
        with self._database.write() as connection:
            self.get(connection, principal, id_)
            self._run(connection, "DELETE FROM person_report WHERE id = ? AND user_id = ?", id_, principal.id)
