"""Records that a person starred or visited, with their titles: one statement over all entities.

What somebody may no longer read, and what lies in the recycle bin, is left out when it is read, not when it happens.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import orjson
from sqlalchemy import ColumnElement, Integer, Text, case, column, func, null, select, table
from sqlalchemy import literal_column as plain_sql

from engine.audit.statements import time_of
from engine.data.place import Frame, Place, reading
from engine.data.rules import RoleRules
from engine.data.statement import Binds, Statement
from engine.expression.sql import bound
from engine.metadata.model import Entity
from engine.storage.columns import Stored
from engine.storage.tables import Tables

Element = ColumnElement[Any]
Kind = Literal["sqlite", "postgresql"]
List = Literal["person_star", "person_visit"]

_DEEPEST = 4
"""Titles that are links themselves are followed so far."""


@dataclass(frozen=True, slots=True)
class Remembered:
    """A record that somebody starred or visited."""

    entity: str
    id: str
    title: str
    """"" when the title is hidden from who reads."""
    at: datetime
    """When it was starred, or visited last; aware UTC."""


class Remembering:
    """The records of one of a person's lists on their way to SQL, the last first."""

    def __init__(self, kind: Kind, tables: Tables, roles: RoleRules, which: List, entities: Iterable[str]) -> None:
        self._binds = Binds(kind)
        self._frame = Frame(kind, tables, roles, self._binds)
        self._which = which
        self._entities = [roles.model.entity(key) for key in entities]

    def compile(self) -> Statement:
        """Return the statement: entity, record id, moment, JSON array of the title."""
        kept = table(
            self._which, column("user_id"), column("entity"), column("record_id"), column("at", Stored("datetime"))
        ).alias("k")
        named = [(kept.c.entity == bound(each.key, Text()), each) for each in self._entities]
        reached = case(*((is_it, self._reached(each, kept)) for is_it, each in named))
        shown = case(*((is_it, self._title(each, kept)) for is_it, each in named))
        chosen = (
            select(kept.c.entity, kept.c.record_id, kept.c.at, shown)
            .where(kept.c.user_id == self._binds.value("user.id", Stored("uuid")), reached == plain_sql("1"))
            .order_by(kept.c.at.desc(), kept.c.record_id)
            .limit(self._binds.value("limit", Integer()))
        )
        return self._binds.finish(chosen)

    def _reached(self, entity: Entity, kept: Any) -> Element:
        place = Place(self._frame, entity, self._frame.alias(entity.key))
        here = [place.alias.c.id == kept.c.record_id, place.alias.c.deleted_at.is_(None), *place.reach("read")]
        return select(plain_sql("1")).select_from(place.alias).where(*here).correlate(kept).scalar_subquery()

    def _title(self, entity: Entity, kept: Any) -> Element:
        place = Place(self._frame, entity, self._frame.alias(entity.key))
        make = func.json_array if self._frame.kind == "sqlite" else func.jsonb_build_array
        shown = reading(self._frame.roles, entity, entity.title) == "read"
        value = place.value(self._path(entity), asking=True) if shown else null()
        found = select(make(value)).select_from(place.alias).where(place.alias.c.id == kept.c.record_id)
        return found.correlate_except(place.alias).scalar_subquery()

    def _path(self, entity: Entity) -> tuple[str, ...]:
        """Return the path to the value that names a record, along links where its title is a link."""
        path: list[str] = []
        at: Entity | None = entity
        while at is not None and len(path) < _DEEPEST:
            field = at.fields[at.title]
            path.append(field.key)
            at = self._frame.roles.model.entities.get(field.target or "") if field.type.links == "one" else None
        return tuple(path)


def remembered(rows: Iterable[tuple[Any, ...]]) -> list[Remembered]:
    """Return what a list holds."""
    found = []
    for entity, id_, at, texts in rows:
        values = orjson.loads(texts) if isinstance(texts, (str, bytes)) else texts
        found.append(Remembered(entity, str(id_), _text((values or [None])[0]), time_of(at)))
    return found


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return " ".join(map(_text, value.values()))
    if isinstance(value, list):
        return " ".join(map(_text, value))
    return "" if value is None else str(value)
