"""The visits of a small clinic, as scopes that expressions are checked and compiled against."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Literal

from sqlalchemy import Column, ColumnElement, Integer, MetaData, Select, Table, Text, bindparam, create_engine, select

from engine.expression import FieldInfo, ManyScope, SqlValue, Type, compile_sql, parse, rows_below

Dialect = Literal["sqlite", "postgresql"]

FIELDS: dict[str, dict[str, FieldInfo]] = {
    "visit": {
        "id": FieldInfo(Type.LINK, target="visit", nullable=False),
        "subject": FieldInfo(Type.TEXT),
        "stage": FieldInfo(Type.TEXT, options=frozenset({"booked", "seen", "missed"})),
        "fee": FieldInfo(Type.NUMBER, 2),
        "rate": FieldInfo(Type.NUMBER, 4),
        "age": FieldInfo(Type.NUMBER, 0),
        "urgent": FieldInfo(Type.BOOLEAN),
        "on_date": FieldInfo(Type.DATE),
        "created_at": FieldInfo(Type.DATETIME, nullable=False),
        "starts": FieldInfo(Type.TIME),
        "owner": FieldInfo(Type.LINK, target="user"),
        "patient": FieldInfo(Type.LINK, target="patient"),
        "ward": FieldInfo(Type.LINK, target="ward", tree="parent"),
        "tags": FieldInfo(Type.LIST, options=frozenset({"new", "insured"})),
        "items": FieldInfo(Type.MANY, target="item"),
        "about": FieldInfo(Type.LINK),
        "extra": FieldInfo(Type.JSON),
    },
    "patient": {
        "id": FieldInfo(Type.LINK, target="patient", nullable=False),
        "name": FieldInfo(Type.TEXT),
        "born": FieldInfo(Type.DATE),
        "visits": FieldInfo(Type.MANY, target="visit"),
    },
    "item": {
        "what": FieldInfo(Type.TEXT),
        "amount": FieldInfo(Type.NUMBER, 2),
        "visit": FieldInfo(Type.LINK, target="visit"),
    },
    "ward": {"id": FieldInfo(Type.LINK, target="ward", nullable=False), "parent": FieldInfo(Type.LINK, target="ward")},
    "user": {"id": FieldInfo(Type.LINK, target="user", nullable=False)},
}  # fmt: skip
VARIABLES: dict[str, FieldInfo] = {
    "user.id": FieldInfo(Type.LINK, target="user", nullable=False),
    "user.department": FieldInfo(Type.LINK),
    "user.roles": FieldInfo(Type.LIST, nullable=False),
    "today": FieldInfo(Type.DATE, nullable=False),
    "now": FieldInfo(Type.DATETIME, nullable=False),
    "old.stage": FieldInfo(Type.TEXT, options=frozenset({"booked", "seen", "missed"})),
    "old.fee": FieldInfo(Type.NUMBER, 2),
    "input.share": FieldInfo(Type.NUMBER),
}
DIALECTS = {
    "sqlite": create_engine("sqlite://").dialect,
    "postgresql": create_engine("postgresql+psycopg://").dialect,
}
METADATA = MetaData()
TABLES = {
    entity: Table(
        entity,
        METADATA,
        *(
            Column(key, Integer if info.type in {Type.NUMBER, Type.BOOLEAN} else Text)
            for key, info in fields.items()
            if info.type is not Type.MANY
        ),
    )
    for entity, fields in FIELDS.items()
}


class Clinic:
    """Scope of one entity, without a database."""

    def __init__(self, entity: str = "visit") -> None:
        self.entity = entity

    def field(self, key: str) -> FieldInfo | None:
        return FIELDS[self.entity].get(key)

    def target(self, entity: str) -> Clinic:
        return Clinic(entity)

    def variable(self, name: str) -> FieldInfo | None:
        return VARIABLES.get(name)

    def names(self) -> Iterable[str]:
        return [*FIELDS[self.entity], *VARIABLES]


class ClinicTables(Clinic):
    """Scope of one entity's table."""

    def __init__(self, dialect: Dialect, entity: str = "visit") -> None:
        super().__init__(entity)
        self.dialect: Dialect = dialect

    def target(self, entity: str) -> ClinicTables:
        return ClinicTables(self.dialect, entity)

    def column(self, path: tuple[str, ...]) -> SqlValue:
        info = FIELDS[self.entity][path[0]]
        column = TABLES[self.entity].c[path[0]]
        if len(path) == 1:
            return SqlValue(column, info.type, info.scale)
        found = ClinicTables(self.dialect, str(info.target)).column(path[1:])
        there = TABLES[str(info.target)]
        chosen = select(found.element).where(there.c.id == column).correlate_except(there)
        return SqlValue(chosen.scalar_subquery(), found.type, found.scale)

    def bind(self, name: str, info: FieldInfo) -> SqlValue:
        return SqlValue(bindparam(name.replace(".", "_")), info.type, info.scale)

    def many(self, path: tuple[str, ...]) -> ManyScope:
        assert path == ("items",)
        item = TABLES["item"]
        return ManyScope(select(item.c.visit), item.c.visit, TABLES["visit"].c.id, ClinicTables(self.dialect, "item"))

    def subtree(self, path: tuple[str, ...], root: ColumnElement[Any]) -> Select[Any]:
        below = TABLES["ward"].alias("below_it")
        return rows_below(below.c.id, below.c.parent, root)


def sql(text: str, dialect: Dialect = "sqlite", *, value: bool = False, scale: int | None = None) -> str:
    """The SQL of an expression, on one line and without the table's name."""
    element = compile_sql(parse(text), ClinicTables(dialect), value=value, scale=scale)
    whole = select(element).select_from(TABLES["visit"])
    compiled = whole.compile(dialect=DIALECTS[dialect])
    words = " ".join(str(compiled).split()).replace("visit.", "")
    return re.sub(r"^SELECT (.*?)(?: AS \w+)? FROM visit$", r"\1", words)
