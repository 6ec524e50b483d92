"""Reports that people saved: what a report document would hold, with a name, for them or for others too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from sqlalchemy import Connection

from engine import clock
from engine.audit.statements import Statements
from engine.data.access import Access
from engine.data.principal import Principal
from engine.errors import AccessDenied, FieldProblem, NotFound, RecordInvalid
from engine.i18n import Message
from engine.ids import is_id, new_id
from engine.personal.views import PUBLISH_VIEWS, Audience, audience_json, read_audience, require_sharing
from engine.storage.database import Database

MOST = 200
"""Reports of one person."""
MOST_BYTES = 50_000
LONGEST_REPORT_NAME = 120
_COLUMNS = "id, name, entity, body, user_id, audience"


@dataclass(frozen=True, slots=True)
class OwnReport:
    """One saved report."""

    id: str
    name: str
    entity: str
    body: Mapping[str, Any]
    """What its document would hold."""
    owner_id: str = ""
    audience: Audience = field(default_factory=Audience)
    """With whom its owner shares it; it gives them no right."""


class OwnReports:
    """The saved reports of everybody on one site. Safe to share between threads."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._run = Statements(database).run

    def of(self, connection: Connection, principal: Principal) -> list[OwnReport]:
        """Return the reports of a person and those shared with them, the oldest first."""
        if principal.id is None:
            return []
        text = f"SELECT {_COLUMNS} FROM person_report WHERE user_id = ? OR audience <> '' ORDER BY id"  # noqa: S608 - constants
        found = map(_read, self._run(connection, text, principal.id).fetchall())
        return [each for each in found if each.owner_id == principal.id or each.audience.has(principal)]

    def get(self, connection: Connection, principal: Principal, id_: str) -> OwnReport:
        """Return a report of a person, or one that is shared with them.

        Raises:
            NotFound: there is none of that id for them.
        """
        row = None
        if principal.id is not None and is_id(id_):
            row = self._run(connection, f"SELECT {_COLUMNS} FROM person_report WHERE id = ?", id_).fetchone()  # noqa: S608
        found = _read(row) if row is not None else None
        if found is None or not (found.owner_id == principal.id or found.audience.has(principal)):
            raise NotFound(Message("There is no report {name}", name=id_))
        return found

    def may_change(self, access: Access, report: OwnReport) -> bool:
        """Say whether somebody may share or delete a report: their own, and shared ones of others with a permission."""
        mine = report.owner_id == access.principal.id
        return mine or (report.audience.anybody and access.has(PUBLISH_VIEWS))

    def share(self, access: Access, id_: str, audience: Audience) -> None:
        """Share a report with others, or with nobody any more.

        Raises:
            NotFound: there is none of that id for who asks.
            AccessDenied: it is somebody else's, they may not share it so far, or they only look as somebody else.
        """
        access.principal.require_own_hands()
        with self._database.write() as connection:
            known = self._own(connection, access, id_)
            require_sharing(access, audience, known.audience)
            text = "UPDATE person_report SET audience = ?, changed_at = ? WHERE id = ?"
            self._run(connection, text, audience_json(audience) if audience.anybody else "", clock.now(), id_)

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
                if self.get(connection, principal, id_).owner_id != principal.id:
                    raise AccessDenied(Message("This report belongs to somebody else; save it as one of yours"))
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

    def drop(self, access: Access, id_: str) -> None:
        """Throw a report away.

        Raises:
            NotFound: there is none of that id for who asks.
            AccessDenied: it is somebody else's, or who asks only looks as somebody else.
        """
        access.principal.require_own_hands()
        with self._database.write() as connection:
            self._own(connection, access, id_)
            self._run(connection, "DELETE FROM person_report WHERE id = ?", id_)

    def _own(self, connection: Connection, access: Access, id_: str) -> OwnReport:
        known = self.get(connection, access.principal, id_)
        if not self.may_change(access, known):
            raise AccessDenied(Message("This report belongs to somebody else; save it as one of yours"))
        return known


def _read(row: Any) -> OwnReport:
    return OwnReport(str(row[0]), row[1], row[2], orjson.loads(row[3]), str(row[4]), read_audience(row[5]))
