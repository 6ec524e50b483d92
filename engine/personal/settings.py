"""Keeps what people chose about how the site looks to them. It is read with who they are, so no page asks for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace

import orjson

from engine import clock
from engine.audit.statements import Statements
from engine.data.principal import Principal
from engine.data.tastes import Tastes, is_taste, read_tastes
from engine.errors import AccessDenied, FieldProblem, RecordInvalid
from engine.i18n import Message
from engine.storage.database import Database

_NAMES = frozenset(each.name for each in fields(Tastes))


class PersonalSettings:
    """The settings of everybody on one site."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._statements = Statements(database)

    def keep(self, principal: Principal, changes: Mapping[str, str]) -> Tastes:
        """Keep some settings of who asks and return all of them; what is not named stays as it is.

        Args:
            principal: whose settings they are.
            changes: by name, as `Tastes` has them.

        Raises:
            AccessDenied: it is not a person in their own name who asks.
            RecordInvalid: a setting cannot be so; `.problems` names each.
        """
        principal.require_own_hands()
        if principal.id is None or principal.scopes is not None:
            raise AccessDenied(Message("Only people themselves choose how the site looks to them"))
        problems = [
            FieldProblem(name, Message("This cannot be chosen"), "choice")
            for name, value in changes.items()
            if name not in _NAMES or not is_taste(name, value)
        ]
        if problems:
            raise RecordInvalid(problems)
        with self._database.write() as connection:
            run = self._statements.run
            row = run(connection, "SELECT body FROM person_setting WHERE user_id = ?", principal.id).fetchone()
            before = read_tastes(row[0]) if row is not None else Tastes()
            after = replace(before, **changes)
            if after != before:
                run(
                    connection,
                    "INSERT INTO person_setting (user_id, body, changed_at) VALUES (?, ?, ?)"
                    " ON CONFLICT (user_id) DO UPDATE SET body = excluded.body, changed_at = excluded.changed_at",
                    principal.id, orjson.dumps(after.body()).decode(), clock.now(),
                )  # fmt: skip
                # What every process remembers of the person ends here.
                self._database.raise_access_epoch(connection)
        return after
