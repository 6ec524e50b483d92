"""Finds what is a person's, inside one transaction that is open, in reach of whoever asks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, select

from engine.data.access import Access
from engine.data.place import Frame, Place
from engine.data.principal import Principal, variables
from engine.data.statement import Binds
from engine.expression import Expr, FieldInfo, Type, Var, compile_sql, transform
from engine.handover.belongings import Belonging
from engine.metadata.scope import EntityScope

_LEAVER = "leaver."
_ABOUT_USER = "user."
_PERSON, _AFTER = "person", "after"


class Finder:
    """Counts and lists the records that are one person's.

    Args:
        connection: a transaction that is open.
        access: who asks; only what they may read and give away is found.
        person: whose records they are. `user.id` and the like in conditions mean this person, for views such as
            "My open ones" are looked at with their eyes.
    """

    def __init__(self, connection: Connection, access: Access, person: Principal) -> None:
        self._connection, self._access, self._person = connection, access, person
        self._values: dict[str, Any] = {
            **access.env(),
            **{
                _LEAVER + name.removeprefix(_ABOUT_USER): value
                for name, value in variables(person).items()
                if name.startswith(_ABOUT_USER)
            },
            _PERSON: person.id,
        }

    def count(self, belonging: Belonging, condition: Expr | None = None, *, trashed: bool = False) -> int:
        """Return how many records are the person's.

        Raises:
            ExpressionInvalid: the condition cannot be used.
        """

        def build(frame: Frame, place: Place) -> Select[Any]:
            conditions = self._conditions(frame, place, belonging, condition, trashed=trashed)
            return select(func.count()).select_from(place.source).where(*conditions)

        return int(self._rows(belonging.entity, build)[0][0])

    def counts_by(self, belonging: Belonging, field: str) -> dict[Any, int]:
        """Return how many records there are by the stored value of one of their fields."""

        def build(frame: Frame, place: Place) -> Select[Any]:
            value = place.alias.c[field]
            chosen = select(value, func.count()).select_from(place.source)
            return chosen.where(*self._conditions(frame, place, belonging, None)).group_by(value)

        return {row[0]: int(row[1]) for row in self._rows(belonging.entity, build)}

    def ids(self, belonging: Belonging, condition: Expr | None, after: str, limit: int) -> list[str]:
        """Return the ids of the next records behind `after` ("" = from the start), in their order."""

        def build(frame: Frame, place: Place) -> Select[Any]:
            conditions = self._conditions(frame, place, belonging, condition)
            if after:
                conditions.append(place.alias.c.id > frame.binds.value(_AFTER, place.alias.c.id.type))
            chosen = select(place.alias.c.id).select_from(place.source).where(*conditions)
            return chosen.order_by(place.alias.c.id).limit(limit)

        return [str(row[0]) for row in self._rows(belonging.entity, build, after=after)]

    def _rows(self, entity: str, build: Any, **values: Any) -> Sequence[Sequence[Any]]:
        kind = self._connection.dialect.name
        binds = Binds(kind)
        params = self._params(entity)
        frame = Frame(
            "sqlite" if kind == "sqlite" else "postgresql",
            self._access.published.tables,
            self._access.roles,
            binds,
            params,
        )
        statement = binds.finish(build(frame, frame.root(entity)))
        return statement.rows(self._connection, {**self._values, **values})

    def _params(self, entity: str) -> dict[str, FieldInfo]:
        known = EntityScope(self._access.model, entity, old=False)
        found = {}
        for name in self._values:
            if name.startswith(_LEAVER):
                info = known.variable(_ABOUT_USER + name.removeprefix(_LEAVER))
                found[name] = info if info is not None else FieldInfo(Type.TEXT)
        return found

    def _conditions(
        self, frame: Frame, place: Place, belonging: Belonging, condition: Expr | None, *, trashed: bool = False
    ) -> list[ColumnElement[Any]]:
        deleted = place.alias.c.deleted_at
        found: list[ColumnElement[Any]] = [deleted.is_not(None) if trashed else deleted.is_(None)]
        if belonging.hold == "list":
            link = frame.link(belonging.entity, belonging.field)
            person = frame.binds.value(_PERSON, link.c.target_id.type)
            found.append(place.alias.c.id.in_(select(link.c.record_id).where(link.c.target_id == person)))
        else:
            column = place.alias.c[belonging.field]
            found.append(column == frame.binds.value(_PERSON, column.type))
        actions = ["read", "update", "transfer"] if belonging.hold == "owner" else ["read", "update"]
        for action in actions:
            found += place.reach(action)
        if condition is not None:
            found.append(compile_sql(transform(condition, _about_leaver), place.scope(asking=True)))
        return found


def _about_leaver(node: Expr) -> Expr:
    """Let `user.id` mean the person who leaves."""
    if isinstance(node, Var) and node.name.startswith(_ABOUT_USER):
        return Var(_LEAVER + node.name.removeprefix(_ABOUT_USER), node.place)
    return node
