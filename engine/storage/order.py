"""Sort orders as indexes have them and as queries must write them: a missing value stands last, either way round.

An index serves an ORDER BY only when both are written alike, so both are written here. SQLite puts missing values
first in an ascending index and reads one index in both directions; PostgreSQL needs NULLS LAST in both places when a
descending column may be empty.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement

from engine.metadata.model import Entity, Order


def order_sql(column: str, *, descending: bool, nullable: bool, dialect: str) -> str:
    """Return one part of an ORDER BY; `column` is SQL."""
    text = f"{column} DESC" if descending else column
    if nullable and descending == (dialect == "postgresql"):
        # The other two have missing values last by nature.
        text += " NULLS LAST"
    return text


def ordered(column: ColumnElement[Any], *, descending: bool, nullable: bool, dialect: str) -> ColumnElement[Any]:
    """Return one part of an ORDER BY in SQLAlchemy; as `order_sql`."""
    part: ColumnElement[Any] = column.desc() if descending else column.asc()
    if nullable and descending == (dialect == "postgresql"):
        part = part.nulls_last()
    return part


def default_order(entity: Entity) -> tuple[Order, ...]:
    """Return the order of a list that asks for none: the entity's own, else the newest records first."""
    return entity.order or (Order(("created_at",), descending=True),)
