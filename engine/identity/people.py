"""Rows of the entity `user` as identity needs them: who it is, whether they may sign in, what they hold."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import orjson
from sqlalchemy import Connection

from engine import clock
from engine.data.principal import Absence, Principal, zone
from engine.data.tastes import NO_TASTES, Tastes, read_tastes
from engine.errors import NotFound, SiteBroken
from engine.i18n import Message
from engine.identity.store import Store
from engine.ids import is_id
from engine.publish import Published
from engine.storage.columns import quoted

EVERYONE = "everyone"
"""The role that everybody who signs in holds."""

_FIELDS = ("id", "name", "email", "status", "roles", "language", "timezone", "department", "manager", "deleted_at")
_OPTIONAL = ("kind",)
"""Fields that a revision from before an upgrade may lack."""
_FOR_GOOD = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Person:
    """One user."""

    id: str
    name: str
    email: str | None
    active: bool
    roles: tuple[str, ...]
    language: str | None
    timezone: str | None
    department: str | None
    manager: str | None
    service: bool = False
    """Whether it is an account of a program: it has tokens, and never signs in."""
    leads: bool = False
    """Whether somebody reports to them."""
    tastes: Tastes = NO_TASTES

    @property
    def may_sign_in(self) -> bool:
        """Say whether the person may sign in at all."""
        return self.active and not self.service


class People:
    """Finds people."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def by_id(self, connection: Connection, published: Published, user_id: str) -> Person | None:
        """Return a person; None when there is none, or in the recycle bin."""
        return self._one(connection, published, "id", user_id) if is_id(user_id) else None

    def by_email(self, connection: Connection, published: Published, email: str) -> Person | None:
        """Return the person with an address, whatever its case."""
        return self._one(connection, published, "email", email.strip(), lower=True)

    def find(self, connection: Connection, published: Published, name: str) -> Person:
        """Return the person whom an id, an address or a name means.

        Raises:
            NotFound: it means nobody, or several.
        """
        found = self.by_id(connection, published, name) or self.by_email(connection, published, name)
        if found is not None:
            return found
        rows = self._rows(connection, published, "name", name)
        if len(rows) == 1:
            return rows[0]
        if rows:
            raise NotFound(Message("{count} users are named {name}; use the email", count=len(rows), name=name))
        raise NotFound(Message("There is no user {name}", name=name))

    def every(self, connection: Connection, published: Published) -> list[Person]:
        """Return everybody who is not in the recycle bin, by name."""
        return self._rows(connection, published, None, None)

    def teams(self, connection: Connection, published: Published, user_id: str) -> tuple[str, ...]:
        """Return the ids of the teams that a person is in."""
        tables = published.tables
        statement = (
            f"SELECT link.record_id FROM {quoted(tables.link_name('team', 'members'))} AS link"  # noqa: S608 - names of our own making
            f" JOIN {quoted(tables.name('team'))} AS team ON team.id = link.record_id"
            " WHERE link.target_id = ? AND team.deleted_at IS NULL ORDER BY link.record_id"
        )
        return tuple(str(row[0]) for row in self._store.run_on_users(connection, statement, user_id).fetchall())

    def departments(self, connection: Connection, published: Published, nearest: str | None) -> tuple[str, ...]:
        """Return the ids of a department and of all that it is a part of, from the nearest to the top."""
        if nearest is None or "parent" not in published.model.entities["department"].fields:
            return ()
        table = quoted(published.tables.name("department"))
        parent = quoted(published.tables.column_name("department", "parent"))
        # The depth says the order; circles are refused when departments are written.
        statement = (
            f"WITH RECURSIVE line(id, above, depth) AS (SELECT id, {parent}, 0 FROM {table} WHERE id = ?"  # noqa: S608
            f" UNION ALL SELECT up.id, up.{parent}, line.depth + 1 FROM line JOIN {table} AS up ON up.id = line.above)"
            " SELECT id FROM line ORDER BY depth"
        )
        return tuple(str(row[0]) for row in self._store.run_on_users(connection, statement, nearest).fetchall())

    def territories(self, connection: Connection, published: Published, user_id: str) -> tuple[str, ...]:
        """Return the ids of the territories that a person works in or manages, and of all below them."""
        if "territory" not in published.model.entities:
            return ()
        tables = published.tables
        table, members = quoted(tables.name("territory")), quoted(tables.link_name("territory", "members"))
        manager, parent = (quoted(tables.column_name("territory", key)) for key in ("manager", "parent"))
        statement = (
            f"WITH RECURSIVE mine(id) AS (SELECT id FROM {table} WHERE deleted_at IS NULL AND ({manager} = ?"  # noqa: S608
            f" OR id IN (SELECT record_id FROM {members} WHERE target_id = ?))"
            f" UNION SELECT below.id FROM mine JOIN {table} AS below ON below.{parent} = mine.id"
            " WHERE below.deleted_at IS NULL) SELECT id FROM mine ORDER BY id"
        )
        found = self._store.run_on_users(connection, statement, user_id, user_id).fetchall()
        return tuple(str(row[0]) for row in found)

    def absences(self, connection: Connection, published: Published, user_id: str) -> tuple[Absence, ...]:
        """Return when a person stands in for whom, as far as it is not over yet; days are those of who is away."""
        fields = published.model.entity("user").fields
        if "deputy" not in fields:
            return ()
        names = {key: quoted(published.tables.column_name("user", key)) for key in ABSENCE}
        statement = (
            f"SELECT id, {', '.join(names[key] for key in ABSENCE[1:])}"  # noqa: S608 - names of our own making
            f" FROM {quoted(published.tables.name('user'))} WHERE {names['deputy']} = ?"
            f" AND {names['absent_from']} IS NOT NULL AND deleted_at IS NULL ORDER BY id"
        )
        rows = self._store.run_on_users(connection, statement, user_id).fetchall()
        return tuple(absences_of(rows, published.model.timezone))

    def principal(self, connection: Connection, published: Published, person: Person) -> Principal:
        """Return a person as those who ask are known to the engine."""
        model = published.model
        return Principal(
            id=person.id,
            name=person.name,
            roles=frozenset(person.roles) | {EVERYONE},
            language=person.language or model.languages[0],
            timezone=person.timezone or model.timezone,
            email=person.email,
            teams=self.teams(connection, published, person.id),
            department=person.department,
            departments=self.departments(connection, published, person.department),
            territories=self.territories(connection, published, person.id),
            manager=person.manager,
            leads=person.leads,
            absences=self.absences(connection, published, person.id),
            tastes=person.tastes,
        )

    def _one(
        self, connection: Connection, published: Published, field: str, value: str, *, lower: bool = False
    ) -> Person | None:
        rows = self._rows(connection, published, field, value, lower=lower)
        return rows[0] if rows else None

    def _rows(
        self, connection: Connection, published: Published, field: str | None, value: str | None, *, lower: bool = False
    ) -> list[Person]:
        names = _columns(published)
        user = quoted(published.tables.name("user"))
        columns = ", ".join(names[key] for key in (*_FIELDS, *_OPTIONAL))
        columns += f", (SELECT body FROM person_setting WHERE user_id = {user}.id)"  # noqa: S608 - names of our own making
        columns += f", EXISTS (SELECT 1 FROM user_closure WHERE manager_id = {user}.id AND depth > 0)"  # noqa: S608
        condition, values = "", []
        if field is not None:
            left = f"lower({names[field]})" if lower else names[field]
            condition, values = f" AND {left} = ?", [value.lower() if lower and value else value]
        statement = (
            f"SELECT {columns} FROM {user}"  # noqa: S608 - names of our own making
            f" WHERE deleted_at IS NULL{condition} ORDER BY {names['name']}, id"
        )
        return [_person(row) for row in self._store.run_on_users(connection, statement, *values).fetchall()]


ABSENCE = ("deputy", "absent_from", "absent_until", "timezone")


def absences_of(rows: Iterable[Any], timezone: str) -> Iterator[Absence]:
    """Yield those absences that are not over yet, of rows (id, first day, last day, zone of who is away)."""
    now = clock.now()
    for id_, first, last, own_zone in rows:
        where = own_zone or timezone
        ends = _FOR_GOOD if last is None else _midnight(day_of(last), where, timedelta(days=1))
        if ends > now:
            yield Absence(str(id_), _midnight(day_of(first), where), ends)


def day_of(value: Any) -> date:
    """Return a day as either database gives it."""
    return value if isinstance(value, date) else date.fromisoformat(value)


def _midnight(day: date, where: str, after: timedelta = timedelta()) -> datetime:
    """Return the moment at which a day begins, or so much later; the ends of the calendar stand for what is beyond."""
    try:
        return (datetime.combine(day, time(), zone(where)) + after).astimezone(UTC)
    except OverflowError:
        return _FOR_GOOD if day > clock.now().date() else datetime.min.replace(tzinfo=UTC)


def _columns(published: Published) -> dict[str, str]:
    if "user" not in published.model.entities:
        raise SiteBroken(Message("The site was never published; run `guanxi publish` first"))
    names = {key: quoted(published.tables.column_name("user", key)) for key in _FIELDS}
    fields = published.model.entities["user"].fields
    for key in _OPTIONAL:
        names[key] = quoted(published.tables.column_name("user", key)) if key in fields else "NULL"
    return names


def _person(row: Any) -> Person:
    id_, name, email, status, roles, language, timezone, department, manager, deleted_at, kind, tastes, leads = row
    return Person(
        id=str(id_),
        name=name,
        email=email,
        active=status == "active" and deleted_at is None,
        roles=tuple((orjson.loads(roles) if isinstance(roles, str) else roles) or ()),
        language=language,
        timezone=timezone,
        department=None if department is None else str(department),
        manager=None if manager is None else str(manager),
        service=kind == "service",
        tastes=read_tastes(tastes),
        leads=bool(leads),
    )
