"""Records that are about another one, of whatever kind: who reads that one reads them, whatever else roles grant."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, and_, case, cast, false, literal_column, or_, select

from engine.data.place import Place
from engine.data.rules import ABOUT
from engine.storage.columns import Stored

KIND, RECORD = "record_entity", "record_id"
"""Fields that say which record: the key of its entity, and its id as text."""
_UUID: ColumnElement[Any] = literal_column("'^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'")


def about_in_reach(place: Place) -> ColumnElement[Any]:
    """Return the condition that the record which rows are about is there, and in reach of reading."""
    frame, kind = place.frame, place.alias.c[KIND]
    record: ColumnElement[Any] = place.alias.c[RECORD]
    if frame.kind == "postgresql":
        # What is no id must not be cast; the index of ids serves only ids.
        record = cast(case((record.op("~")(_UUID), record)), Stored("uuid"))
    found: list[ColumnElement[Any]] = []
    for key, entity in frame.roles.model.entities.items():
        if key in ABOUT or frame.roles.rule(key, "read").nobody:
            continue
        there = Place(frame, entity, frame.alias(key))
        rows = select(there.alias.c.id).where(there.alias.c.id == record, *there.reach("read"))
        found.append(and_(kind == literal_column(f"'{key}'"), rows.correlate(place.alias).exists()))
    return or_(false(), *found)
