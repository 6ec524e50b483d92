"""Views of lists that people save, for themselves or for others, and how each person arranged the views of an entity.

A saved view says what is shown and how; it gives nobody a right. Whoever opens one sees what they may see of it, and
what it names that is gone or hidden from them is left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection

from engine import clock
from engine.audit.statements import Statements, text_of, time_of
from engine.data.access import Access
from engine.data.principal import Principal
from engine.errors import AccessDenied, FieldProblem, NotFound, RecordInvalid
from engine.i18n import Message
from engine.ids import is_id, new_id
from engine.storage.database import Database

PUBLISH_VIEWS = "publish_views"
"""Permission to share views with everybody, with roles, and with teams and departments that are not one's own."""
LONGEST_NAME = 80
LONGEST_BODY = 40_000
MOST_OWN = 200
"""Views of one entity that a person may keep."""
_ARRANGEMENT = ""
_COLUMNS = "id, owner_id, name, audience, body, made_at, changed_at"


@dataclass(frozen=True, slots=True)
class Audience:
    """With whom a view is shared, beside its owner."""

    everyone: bool = False
    teams: tuple[str, ...] = ()
    """Ids."""
    departments: tuple[str, ...] = ()
    """Ids; those below a department are in it."""
    roles: tuple[str, ...] = ()
    """Keys."""

    @property
    def anybody(self) -> bool:
        """Say whether it is shared at all."""
        return bool(self.everyone or self.teams or self.departments or self.roles)

    def has(self, principal: Principal) -> bool:
        """Say whether somebody is among them."""
        return (
            self.everyone
            or not principal.roles.isdisjoint(self.roles)
            or not frozenset(principal.teams).isdisjoint(self.teams)
            or not {principal.department, *principal.departments}.isdisjoint(self.departments)
        )

    def beyond(self, principal: Principal) -> bool:
        """Say whether it reaches further than the teams and the department of a person."""
        own_teams, own_departments = set(principal.teams), {principal.department}
        return self.everyone or bool(self.roles) or not (
            own_teams.issuperset(self.teams) and own_departments.issuperset(self.departments)
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Shown:
    """What a view shows, and how: all that the address of a list can say, and its columns."""

    base: str = ""
    """Name of the view document that it narrows; "" = of all records."""
    where: str = ""
    """What that document narrowed to when the view was saved, should the document go."""
    words: str = ""
    filter: str = ""
    """An expression."""
    chosen: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Values of quick filters by parameter."""
    order: str = ""
    """Dotted paths with commas between, - in front for descending; "" = as the base has it."""
    group: str = ""
    display: str = ""
    """As in the address; "" = a table."""
    extra: Mapping[str, str] = field(default_factory=dict)
    """Parameters of that display."""
    totals: bool = False
    columns: tuple[tuple[str, int | None], ...] = ()
    """Dotted paths with their widths in pixels, in order; none = those of the base."""


@dataclass(frozen=True, slots=True)
class SavedView:
    """A view under a name; times are aware UTC."""

    id: str
    entity: str
    owner_id: str | None
    name: str
    audience: Audience
    shown: Shown
    made_at: datetime
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Arrangement:
    """What one person arranged of the views of an entity, by name or id of the view."""

    columns: Mapping[str, tuple[tuple[str, int | None], ...]] = field(default_factory=dict)
    """Columns with widths that they chose for a view without saving them in it."""
    pinned: tuple[str, ...] = ()
    """Views that stand in sight, in their order."""
    hidden: tuple[str, ...] = ()
    """Views that do not."""
    first: str = ""
    """The view that the list opens with."""


@dataclass(frozen=True, slots=True)
class Views:
    """The saved views of an entity that somebody may open, by id, and what is arranged for them."""

    saved: Mapping[str, SavedView] = field(default_factory=dict)
    arranged: Arrangement = field(default_factory=Arrangement)
    first_by_role: Mapping[str, str] = field(default_factory=dict)
    """The view that a role's list opens with; that of "" is everybody's."""

    def first_for(self, principal: Principal) -> Sequence[str]:
        """Return the views that the list of somebody opens with, the one that counts most first."""
        by_role = [self.first_by_role[role] for role in sorted(principal.roles) if role in self.first_by_role]
        found = (self.arranged.first, *by_role, self.first_by_role.get("", ""))
        return [each for each in found if each]


class SavedViews:
    """The saved views of one site."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._statements = Statements(database)

    # --- reading ----------------------------------------------------------------------------------------------------

    def of(self, connection: Connection, principal: Principal, entity: str) -> Views:
        """Return what an entity has of views for somebody, in one statement."""
        me, nobody = principal.id, "NULL"
        text = (
            f"SELECT 'view' AS kind, {_COLUMNS} FROM saved_view WHERE entity = ? AND (shared = ? OR owner_id = ?)"  # noqa: S608 - constants
            f" UNION ALL SELECT 'arranged', {nobody}, {nobody}, name, '', body, updated_at, updated_at"
            " FROM user_view WHERE user_id = ? AND entity = ? AND name = ?"
            f" UNION ALL SELECT 'first', {nobody}, {nobody}, role, '', view, {nobody}, {nobody}"
            " FROM view_default WHERE entity = ?"
        )
        values = (entity, self._flag(value=True), me, me, entity, _ARRANGEMENT, entity)
        saved: dict[str, SavedView] = {}
        arranged, first = Arrangement(), {}
        for kind, *row in self._statements.run(connection, text, *values).fetchall():
            if kind == "arranged":
                arranged = _arrangement(orjson.loads(row[4]))
            elif kind == "first":
                first[row[2]] = row[4]
            else:
                view = _view(entity, row)
                if view.owner_id == me or view.audience.has(principal):
                    saved[view.id] = view
        return Views(dict(sorted(saved.items(), key=lambda each: each[1].name.casefold())), arranged, first)

    def get(self, connection: Connection, principal: Principal, id_: str) -> SavedView:
        """Return a view that somebody may open.

        Raises:
            NotFound: there is none, or it is not shared with them.
        """
        row = None
        if is_id(id_):
            text = f"SELECT entity, {_COLUMNS} FROM saved_view WHERE id = ?"  # noqa: S608 - constants
            row = self._statements.run(connection, text, id_).fetchone()
        view = _view(row[0], row[1:]) if row is not None else None
        if view is None or not (view.owner_id == principal.id or view.audience.has(principal)):
            raise NotFound(Message("There is no such view"))
        return view

    @staticmethod
    def may_publish(access: Access) -> bool:
        """Say whether somebody may share views with whom they like, and look after those of others."""
        return access.has(PUBLISH_VIEWS)

    def may_change(self, access: Access, view: SavedView) -> bool:
        """Say whether somebody may change or delete a view: their own, and shared ones of others with a permission."""
        mine = view.owner_id is not None and view.owner_id == access.principal.id
        return mine or (view.audience.anybody and self.may_publish(access))

    # --- writing ----------------------------------------------------------------------------------------------------

    def save(
        self,
        access: Access,
        entity: str,
        name: str,
        shown: Shown,
        audience: Audience | None = None,
        *,
        id_: str = "",
    ) -> str:
        """Save a view under a name, or another time when `id_` names it; return its id.

        Raises:
            AccessDenied: they may not change it, or not share it so far.
            RecordInvalid: it has no name, or is too much for one view.
            NotFound: there is no such view for them.
        """
        principal, now = _person(access.principal), clock.now()
        said, body = _checked(name, shown)
        with self._database.write() as connection:
            known = self.get(connection, principal, id_) if id_ else None
            if known is not None and not self.may_change(access, known):
                raise AccessDenied(Message("This view belongs to somebody else; save it under another name"))
            wanted = audience if audience is not None else known.audience if known is not None else Audience()
            require_sharing(access, wanted, known.audience if known is not None else None)
            values = (said, self._flag(value=wanted.anybody), audience_json(wanted), body, now)
            if known is not None:
                text = "UPDATE saved_view SET name = ?, shared = ?, audience = ?, body = ?, changed_at = ? WHERE id = ?"
                self._statements.run(connection, text, *values, known.id)
                return known.id
            self._refuse_more(connection, principal, entity)
            made = new_id()
            text = (
                "INSERT INTO saved_view (id, entity, owner_id, name, shared, audience, body, changed_at, made_at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
            )
            self._statements.run(connection, text, made, entity, principal.id, *values, now)
            return made

    def delete(self, access: Access, id_: str) -> SavedView:
        """Delete a view and return what it was.

        Raises:
            AccessDenied: it is somebody else's.
            NotFound: there is no such view for them.
        """
        principal = _person(access.principal)
        with self._database.write() as connection:
            known = self.get(connection, principal, id_)
            if not self.may_change(access, known):
                raise AccessDenied(Message("This view belongs to somebody else"))
            self._statements.run(connection, "DELETE FROM saved_view WHERE id = ?", id_)
            self._statements.run(connection, "DELETE FROM view_default WHERE view = ?", id_)
        return known

    def arrange(self, principal: Principal, entity: str, **changes: Any) -> None:
        """Change what somebody arranged: fields of `Arrangement`; of columns those of the views that are given."""
        who = _person(principal)
        with self._database.write() as connection:
            now = self.of(connection, who, entity).arranged
            columns = {**now.columns, **changes.pop("columns", {})}
            made = replace(now, columns={key: each for key, each in columns.items() if each}, **changes)
            text = (
                "INSERT INTO user_view (id, user_id, entity, name, body, updated_at) VALUES (?, ?, ?, ?, ?, ?)"
                " ON CONFLICT (user_id, entity, name)"
                " DO UPDATE SET body = excluded.body, updated_at = excluded.updated_at"
            )
            values = (new_id(), who.id, entity, _ARRANGEMENT, _json(asdict(made)), clock.now())
            self._statements.run(connection, text, *values)

    def open_with(self, access: Access, entity: str, role: str, view: str) -> None:
        """Say with which view the list opens for people of a role, "" for everybody; "" takes it back.

        Raises:
            AccessDenied: they may not publish views.
        """
        _person(access.principal)
        if not self.may_publish(access):
            raise AccessDenied(Message("You may not arrange the lists of others"))
        with self._database.write() as connection:
            self._statements.run(connection, "DELETE FROM view_default WHERE entity = ? AND role = ?", entity, role)
            if view:
                text = "INSERT INTO view_default (entity, role, view) VALUES (?, ?, ?)"
                self._statements.run(connection, text, entity, role, view)

    def _refuse_more(self, connection: Connection, principal: Principal, entity: str) -> None:
        text = "SELECT count(*) FROM saved_view WHERE owner_id = ? AND entity = ?"
        [(number,)] = self._statements.run(connection, text, principal.id, entity).fetchall()
        if number >= MOST_OWN:
            message = Message("You have {most} views of this list; delete one first", most=MOST_OWN)
            raise RecordInvalid([FieldProblem("name", message, "many")])

    def _flag(self, *, value: bool) -> Any:
        return int(value) if self._statements.sqlite else value


def require_sharing(access: Access, wanted: Audience, before: Audience | None) -> None:
    """Refuse to share further than somebody may: with their own teams and department, or as far as it was shared.

    Raises:
        AccessDenied: so it is.
    """
    if wanted.beyond(access.principal) and wanted != before and not access.has(PUBLISH_VIEWS):
        raise AccessDenied(
            Message("You may share a view with your own teams and your department; more takes the right to publish")
        )


def audience_json(audience: Audience) -> str:
    """Return with whom something is shared as it is kept."""
    return _json(asdict(audience))


def read_audience(text: str) -> Audience:
    """Return what `audience_json` wrote; "" is nobody."""
    if not text:
        return Audience()
    body = orjson.loads(text)
    return Audience(bool(body["everyone"]), *(tuple(body[key]) for key in ("teams", "departments", "roles")))


def _person(principal: Principal) -> Principal:
    """Return a person who acts in their own name.

    Raises:
        AccessDenied: somebody only looks as them, or it is the system.
    """
    principal.require_own_hands()
    if principal.id is None:
        raise AccessDenied(Message("Only a person has views of their own"))
    return principal


def _checked(name: str, shown: Shown) -> tuple[str, str]:
    said, body = " ".join(name.split()), _json(asdict(shown))
    problem = None
    if not said:
        problem = Message("Give the view a name")
    elif len(said) > LONGEST_NAME:
        problem = Message("A name has at most {most} characters", most=LONGEST_NAME)
    elif len(body) > LONGEST_BODY:
        problem = Message("This is too much for one view")
    if problem is not None:
        raise RecordInvalid([FieldProblem("name", problem, "name")])
    return said, body


def _json(body: Mapping[str, Any]) -> str:
    return orjson.dumps(body).decode()


def _pairs(given: Any) -> tuple[tuple[str, int | None], ...]:
    return tuple((str(path), int(width) if width else None) for path, width in given or ())


def _arrangement(body: Mapping[str, Any]) -> Arrangement:
    columns = {key: _pairs(each) for key, each in (body.get("columns") or {}).items()}
    pinned, hidden = tuple(body.get("pinned") or ()), tuple(body.get("hidden") or ())
    return Arrangement(columns, pinned, hidden, str(body.get("first") or ""))


def _view(entity: str, row: Sequence[Any]) -> SavedView:
    body = orjson.loads(row[4])
    return SavedView(
        str(row[0]),
        entity,
        text_of(row[1]),
        row[2],
        read_audience(row[3]),
        Shown(**{**body, "columns": _pairs(body.get("columns"))}),
        time_of(row[5]),
        time_of(row[6]),
    )
