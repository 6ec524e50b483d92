"""What must follow when people, teams and departments change: who reports to whom, and that memories are outdated.

It listens to the hooks of writing, so it holds for every way in: forms, imports, the API, undo.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson
from sqlalchemy import Connection

from engine.data.batch import Batch
from engine.errors import FieldProblem, RecordInvalid
from engine.hooks import hookimpl
from engine.i18n import Message
from engine.identity.people import EVERYONE
from engine.identity.ranks import beyond, may_give_roles, outranked
from engine.identity.store import Store
from engine.publish import Published
from engine.storage.columns import quoted
from engine.storage.database import Database

_ADMIN = "admin"
_TOUCHY = ("status", "kind", "deputy", "absent_from", "absent_until")
"""Fields by which whoever changes them shuts somebody out, or has somebody stand in for them."""
_ABOVE = Message("This person may do more than you; an administrator can change this")


class Keeper:
    """Keeps `user_closure` and the access epoch; refuses circles, unknown roles and the loss of the last admin."""

    watches = frozenset({"user", "team", "department", "territory"})
    """Entities whose changes it is told about."""

    def __init__(self, database: Database, publisher: Any) -> None:
        self._database, self._publisher = database, publisher
        self._store = Store(database)

    @hookimpl
    def before_save(self, batch: Batch) -> None:
        """Check roles, and write emails in lower case."""
        if batch.entity != "user":
            return
        for row, old in zip(batch.rows, batch.old, strict=True):
            email = row["email"]
            if email and email != email.lower():
                batch.set(row["id"], "email", email.lower())
            self._check_roles(batch, row, old)
            if old is not None:
                self._check_rank(batch, row, old)

    @hookimpl
    def before_delete(self, batch: Batch) -> None:
        """Keep people from those who may do less than they."""
        if batch.entity == "user":
            for row in batch.rows:
                if outranked(batch.model, batch.actor, row["roles"] or ()):
                    batch.reject(row["id"], "", _ABOVE)

    def _check_roles(self, batch: Batch, row: Any, old: Any) -> None:
        """Refuse roles that are unknown, and those that allow more than whoever gives or takes them may do."""
        before, after = set((old or {}).get("roles") or ()), set(row["roles"] or ())
        if before == after:
            return
        unknown = sorted(after - set(batch.model.roles))
        if unknown:
            known = ", ".join(key for key in batch.model.roles if key != EVERYONE)
            message = Message("There is no role {role}; there are {known}", role=unknown[0], known=known)
            batch.reject(row["id"], "roles", message)
        elif not may_give_roles(batch.model, batch.actor):
            batch.reject(row["id"], "roles", Message("Only an administrator gives and takes roles"))
        elif above := beyond(batch.model, batch.actor, sorted(before ^ after)):
            message = Message(
                "You may not give or take the role {role}: it allows more than you may do yourself", role=above[0]
            )
            batch.reject(row["id"], "roles", message)

    def _check_rank(self, batch: Batch, row: Any, old: Any) -> None:
        """Refuse what would let somebody become a person with more rights, or shut them out."""
        if row["id"] == batch.actor.id:
            return
        roles = old["roles"] or ()
        changed = [key for key in ("email", *_TOUCHY) if key in row and row[key] != old.get(key)]
        if "email" in changed and beyond(batch.model, batch.actor, roles):
            batch.reject(row["id"], "email", _ABOVE)
        elif changed and outranked(batch.model, batch.actor, roles):
            batch.reject(row["id"], changed[0], _ABOVE)

    @hookimpl
    def changed(self, batch: Batch, connection: Connection) -> None:
        """Bring what is derived from people up to date, in the same transaction."""
        published = self._publisher.models.get(self._database.probe(connection)[0])
        if batch.entity == "user":
            if batch.action in {"restore", "purge"}:
                _keep_rank(batch)
            self._keep_admin(batch, connection, published)
            if any(_manager(row) != _manager(old) for row, old in _pairs(batch)) or batch.action in {
                "delete",
                "restore",
                "purge",
            }:
                self.rebuild_closure(connection, published)
        elif batch.entity in {"department", "territory"}:
            self._refuse_circle(connection, published, batch.entity, "parent", batch.ids)
        self._database.raise_access_epoch(connection)

    def rebuild_closure(self, connection: Connection, published: Published) -> None:
        """Work out anew who reports to whom, at any depth.

        Raises:
            RecordInvalid: somebody would report to themselves.
        """
        self._refuse_circle(connection, published, "user", "manager", None)
        table, manager = _names(published, "user", "manager")
        self._store.run(connection, "DELETE FROM user_closure")
        self._store.run_on_users(
            connection,
            "INSERT INTO user_closure (manager_id, user_id, depth)"  # noqa: S608 - names of our own making
            f" WITH RECURSIVE line(manager_id, user_id, depth) AS (SELECT {manager}, id, 1 FROM {table}"
            f" WHERE {manager} IS NOT NULL AND deleted_at IS NULL"
            f" UNION ALL SELECT above.{manager}, line.user_id, line.depth + 1 FROM line"
            f" JOIN {table} AS above ON above.id = line.manager_id WHERE above.{manager} IS NOT NULL"
            " AND above.deleted_at IS NULL) SELECT manager_id, user_id, depth FROM line",
        )

    def _refuse_circle(
        self, connection: Connection, published: Published, entity: str, field: str, ids: Iterable[str] | None
    ) -> None:
        table, above = _names(published, entity, field)
        # UNION, not UNION ALL: a circle ends by itself.
        found = self._store.run_on_users(
            connection,
            f"WITH RECURSIVE line(top, id) AS (SELECT {above}, id FROM {table}"  # noqa: S608 - names of our own making
            f" WHERE {above} IS NOT NULL AND deleted_at IS NULL"
            f" UNION SELECT each.{above}, line.id FROM line JOIN {table} AS each ON each.id = line.top"
            f" WHERE each.{above} IS NOT NULL AND each.deleted_at IS NULL) SELECT id FROM line WHERE top = id",
        ).fetchall()
        if found:
            place = {id_: number for number, id_ in enumerate(ids or ())}
            row = next((place[str(each[0])] for each in found if str(each[0]) in place), 0)
            raise RecordInvalid([FieldProblem(field, Message("This would lead round in a circle"), "circle", row)])

    def _keep_admin(self, batch: Batch, connection: Connection, published: Published) -> None:
        roles = frozenset(key for key, role in published.model.roles.items() if _ADMIN in role.permissions)
        gone = [
            number
            for number, (row, old) in enumerate(_pairs(batch))
            if old is not None
            and _looks_after(old, roles)
            and (batch.action in {"delete", "purge"} or not _looks_after(row, roles))
        ]
        if not gone:
            return
        table, column = _names(published, "user", "roles")
        status = quoted(published.tables.column_name("user", "status"))
        # The account of a program looks after nothing: it cannot sign in.
        kind = "kind" in published.model.entities["user"].fields
        people = f" AND coalesce({_names(published, 'user', 'kind')[1]}, '') <> 'service'" if kind else ""
        rows = self._store.run_on_users(
            connection,
            f"SELECT {column} FROM {table}"  # noqa: S608 - names of our own making
            f" WHERE deleted_at IS NULL AND {status} = 'active' AND {column} IS NOT NULL{people}",
        ).fetchall()
        if not any(roles & set(orjson.loads(row[0]) if isinstance(row[0], str) else row[0]) for row in rows):
            message = Message("Somebody must remain who looks after the site: make another administrator first")
            raise RecordInvalid([FieldProblem("", message, "last_admin", number) for number in gone])


def _pairs(batch: Batch) -> list[tuple[Any, Any]]:
    return list(zip(batch.rows, batch.old, strict=True))


def _manager(row: Any) -> Any:
    return None if row is None else row.get("manager")


def _looks_after(row: Any, roles: frozenset[str]) -> bool:
    there = row.get("status") == "active" and row.get("deleted_at") is None and row.get("kind") != "service"
    return there and bool(roles & set(row.get("roles") or ()))


def _keep_rank(batch: Batch) -> None:
    above = [number for number, row in enumerate(batch.rows) if outranked(batch.model, batch.actor, row["roles"] or ())]
    if above:
        raise RecordInvalid([FieldProblem("", _ABOVE, "denied", number) for number in above])


def _names(published: Published, entity: str, field: str) -> tuple[str, str]:
    return quoted(published.tables.name(entity)), quoted(published.tables.column_name(entity, field))
