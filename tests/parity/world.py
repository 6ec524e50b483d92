"""A small world for random expressions: three entities in both databases, as Python rows and as JSON rows."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Date,
    DateTime,
    FromClause,
    Integer,
    MetaData,
    Numeric,
    Select,
    Table,
    Text,
    Time,
    bindparam,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeEngine, Uuid

from engine.expression import FieldInfo, ManyScope, SqlValue, Type, ancestry_key, rows_below
from engine.expression.moments import datetime_text
from engine.expression.numbers import from_scaled, number_text, unscaled

Dialect = Literal["sqlite", "postgresql"]

STAGES = ("new", "open", "won", "谈判")
TAGS = ("a", "b", "中", "x y")


def text(**more: Any) -> FieldInfo:
    return FieldInfo(Type.TEXT, **more)


def number(scale: int) -> FieldInfo:
    return FieldInfo(Type.NUMBER, scale)


ENTITIES: dict[str, dict[str, FieldInfo]] = {
    "deal": {
        "id": FieldInfo(Type.LINK, target="deal", nullable=False),
        "name": text(nullable=False),
        "code": text(),
        "stage": text(options=frozenset(STAGES)),
        "amount": number(2),
        "rate": number(4),
        "tiny": number(10),
        "qty": number(0),
        "vast": number(2),
        "flag": FieldInfo(Type.BOOLEAN),
        "sure": FieldInfo(Type.BOOLEAN, nullable=False),
        "on_date": FieldInfo(Type.DATE),
        "due": FieldInfo(Type.DATE),
        "at": FieldInfo(Type.DATETIME),
        "clock": FieldInfo(Type.TIME),
        "owner": FieldInfo(Type.LINK, target="account"),
        "account": FieldInfo(Type.LINK, target="account", tree="parent"),
        "tags": FieldInfo(Type.LIST, options=frozenset(TAGS)),
        "items": FieldInfo(Type.MANY, target="item"),
    },
    "account": {
        "id": FieldInfo(Type.LINK, target="account", nullable=False, tree="parent"),
        "industry": text(),
        "limit": number(2),
        "since": FieldInfo(Type.DATE),
        "active": FieldInfo(Type.BOOLEAN),
        "parent": FieldInfo(Type.LINK, target="account", tree="parent"),
        "deals": FieldInfo(Type.MANY, target="deal"),
    },
    "item": {
        "id": FieldInfo(Type.LINK, target="item", nullable=False),
        "deal": FieldInfo(Type.LINK, target="deal", nullable=False),
        "what": text(),
        "price": number(2),
        "weight": number(4),
        "count": number(0),
        "done": FieldInfo(Type.BOOLEAN),
        "sold": FieldInfo(Type.DATE),
        "labels": FieldInfo(Type.LIST),
    },
}
RELATIONS = {("deal", "items"): ("item", "deal"), ("account", "deals"): ("deal", "account")}

VARIABLES: dict[str, FieldInfo] = {
    "user.id": FieldInfo(Type.LINK, nullable=False),
    "user.department": FieldInfo(Type.LINK),
    "user.roles": FieldInfo(Type.LIST),
    "user.teams": FieldInfo(Type.LIST, target="account"),
    "today": FieldInfo(Type.DATE, nullable=False),
    "now": FieldInfo(Type.DATETIME, nullable=False),
    "user.timezone": FieldInfo(Type.TEXT, nullable=False),
    "old.amount": number(2),
    "old.stage": text(options=frozenset(STAGES)),
    "old.flag": FieldInfo(Type.BOOLEAN),
    "input.count": number(0),
    "input.share": FieldInfo(Type.NUMBER),
    "input.reason": text(),
    "input.at": FieldInfo(Type.TIME),
}

TEXTS = (
    "", "a", "A", "ab", "Abc", "abcABC", "straße", "STRASSE", "STRAẞE", "İstanbul", "istanbul", "ΟΔΥΣΣΕΥΣ", "οδυσσευς",
    "Kelvin \u212a", "kelvin k", "張三", "张三", "张三丰", "客户😀", "😀", "\U00020000", "\ue000", "\ufffd", "100%",
    "a_b",
    "a\\b", "it's", '"quoted"', "  pad ", "\u3000全角\u3000", "\u00a0x\t", "12.5", "-3", "+0.10", "1e3", "00012", "١٢",
    "2026-02-28", "2026-02-30", "2024-02-29", "0000-01-01", "2026-1-1", "2026-01-01T10:00:00Z", "2026-03-08T02:30",
    "2026-11-01 01:30:15", "2026-06-30T23:59:59.5+08:00", "2026-06-30T23:59+16:00", "2026-01-01T10:00.5Z", "09:30",
    "23:59:59", "24:00", "line\nbreak", "ﬁn", "ŉ", "ᾳ", "ᾼ", "ǅ", "é", "e\u0301", "É", "new", "open", "谈判",
    "kiwi", "Kİwİ",
)  # fmt: skip
ZONES = ("UTC", "Asia/Shanghai", "America/New_York", "Pacific/Apia", "Asia/Kathmandu")
DATES = (
    date(1, 1, 1), date(1, 1, 31), date(9999, 12, 31), date(9999, 11, 30), date(2024, 2, 29), date(2025, 2, 28),
    date(2026, 1, 31),
    date(2026, 3, 8), date(2026, 11, 1), date(2026, 11, 22), date(2026, 12, 31), date(1969, 12, 31), date(1582, 10, 10),
)  # fmt: skip


def some_date(rng: random.Random) -> date:
    return rng.choice(DATES) if rng.random() < 0.5 else date(2025, 1, 1) + timedelta(days=rng.randrange(900))


def some_moment(rng: random.Random) -> datetime:
    day = rng.choice(DATES) if rng.random() < 0.5 else some_date(rng)
    clock = rng.choice((time(), time(23, 59, 59, 999_000), time(7, 30), time(16), time(1, 30, 0, 5_000)))
    return datetime.combine(day, clock, UTC)


def some_number(rng: random.Random, scale: int, digits: int = 9) -> Decimal:
    roll = rng.random()
    if roll < 0.15:
        return Decimal(rng.choice((0, 1, -1, 2, 3, 7, 10, 100)))
    size = rng.randrange(1, digits + 1)
    return Decimal(rng.randrange(-(10**size), 10**size)).scaleb(-scale)


def value_for(rng: random.Random, info: FieldInfo, ids: Mapping[str, list[str]], *, vast: bool = False) -> Any:
    if info.nullable and rng.random() < 0.22:
        return None
    match info.type:
        case Type.TEXT:
            return rng.choice(sorted(info.options)) if info.options else rng.choice(TEXTS)
        case Type.NUMBER:
            scale = 6 if info.scale is None else info.scale
            found = some_number(rng, scale, 18 if vast else 9)
            return int(found) if scale == 0 else found
        case Type.BOOLEAN:
            return rng.random() < 0.5
        case Type.DATE:
            return some_date(rng)
        case Type.DATETIME:
            return some_moment(rng)
        case Type.TIME:
            return rng.choice((time(), time(9, 30), time(23, 59, 59), time(12, 0, 1)))
        case Type.LINK:
            return rng.choice(ids[info.target or "account"])
        case Type.LIST:
            pool = sorted(info.options) if info.options else ids["account"][:3] if info.target else list(TEXTS[:12])
            return tuple(rng.sample(pool, rng.randrange(4)))
    raise AssertionError(info.type)


class World:
    """Rows of every entity, seeded."""

    def __init__(self, rng: random.Random, deals: int = 40) -> None:
        sizes = {"account": 6, "deal": deals, "item": deals}
        self.ids = {
            entity: [str(UUID(int=rng.getrandbits(128), version=4)) for _ in range(size)]
            for entity, size in sizes.items()
        }
        self.records: dict[str, dict[str, dict[str, Any]]] = {}
        for entity, fields in ENTITIES.items():
            self.records[entity] = {each: self._record(rng, fields, each) for each in self.ids[entity]}
        for place, key in enumerate(self.ids["account"]):  # a tree, not a ring
            parent = rng.choice([None, *self.ids["account"][:place]])
            self.records["account"][key]["parent"] = parent

    def _record(self, rng: random.Random, fields: Mapping[str, FieldInfo], key: str) -> dict[str, Any]:
        made = {
            name: value_for(rng, info, self.ids, vast=name == "vast")
            for name, info in fields.items()
            if info.type is not Type.MANY and name != "id"
        }
        return {"id": key, **made}

    def environments(self, rng: random.Random) -> list[dict[str, Any]]:
        return [
            {name: value_for(rng, info, self.ids) for name, info in VARIABLES.items()} | {"user.timezone": zone}
            for zone in ZONES
        ]

    def ancestry(self, key: str | None) -> tuple[str, ...]:
        found: list[str] = []
        while key is not None:
            found.append(key)
            key = self.records["account"][key]["parent"]
        return tuple(found)

    def row(self, entity: str, key: str, depth: int = 3, prefix: str = "") -> dict[str, Any]:
        """The record as a row with dotted paths, to-one links followed, related rows below."""
        record = self.records[entity][key]
        row: dict[str, Any] = {f"{prefix}{name}": value for name, value in record.items()}
        for name, info in ENTITIES[entity].items():
            if info.type is Type.LINK and info.tree:
                row[ancestry_key(prefix + name)] = self.ancestry(record[name])
            if not depth:
                continue
            if info.type is Type.LINK and name != "id" and info.target and record[name] is not None:
                row |= self.row(info.target, record[name], depth - 1, f"{prefix}{name}.")
            if info.type is Type.MANY:
                target, link = RELATIONS[entity, name]
                children = [each for each, other in self.records[target].items() if other[link] == key]
                row[prefix + name] = tuple(self.row(target, each, depth - 1) for each in children)
        return row

    @cached_property
    def rows(self) -> list[dict[str, Any]]:
        return [self.row("deal", key) for key in self.ids["deal"]]


def to_json(value: Any) -> Any:
    """A Python value as the REST API writes it."""
    if isinstance(value, Decimal):
        return number_text(value)
    if isinstance(value, datetime):
        return datetime_text(value)
    if isinstance(value, time):
        return value.isoformat("seconds")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, (tuple, list)):
        return [to_json(each) for each in value]
    if isinstance(value, Mapping):
        return {key: to_json(each) for key, each in value.items()}
    return value


def to_driver(value: Any, info: FieldInfo, dialect: Dialect) -> Any:
    """A Python value as the column of a database holds it."""
    if value is None:
        return None
    if info.type is Type.LIST:
        return json.dumps(list(value)) if dialect == "sqlite" else list(value)
    if dialect == "postgresql":
        return value
    if info.type is Type.NUMBER:
        return number_text(value) if info.scale is None else unscaled(value, info.scale)
    return to_json(value)


POSTGRESQL: dict[Type, TypeEngine[Any]] = {
    Type.TEXT: Text(collation="C"),
    Type.BOOLEAN: Boolean(),
    Type.DATE: Date(),
    Type.DATETIME: DateTime(timezone=True),
    Type.TIME: Time(),
    Type.LINK: Uuid(as_uuid=False),
    Type.LIST: JSONB(none_as_null=True),
}


def column_type(info: FieldInfo, dialect: Dialect) -> TypeEngine[Any]:
    if dialect == "sqlite":
        return (
            Integer() if info.type is Type.BOOLEAN or (info.type is Type.NUMBER and info.scale is not None) else Text()
        )
    if info.type is Type.NUMBER:
        return BigInteger() if info.scale == 0 else Numeric(18, info.scale)
    return POSTGRESQL[info.type]


@dataclass(frozen=True)
class Base:
    """The tables of the world in one kind of database."""

    dialect: Dialect
    tables: Mapping[str, Table]

    @classmethod
    def create(cls, connection: Connection, world: World) -> Base:
        dialect: Dialect = "sqlite" if connection.dialect.name == "sqlite" else "postgresql"
        metadata = MetaData()
        tables = {}
        for entity, fields in ENTITIES.items():
            stored = {name: info for name, info in fields.items() if info.type is not Type.MANY}
            columns = [Column(name, column_type(info, dialect)) for name, info in stored.items()]
            tables[entity] = Table(f"w_{entity}", metadata, *columns)
        metadata.create_all(connection)
        for entity, table in tables.items():
            rows = [
                {name: to_driver(value, ENTITIES[entity][name], dialect) for name, value in record.items()}
                for record in world.records[entity].values()
            ]
            connection.execute(table.insert(), rows)
        return cls(dialect, tables)

    def parameters(self, env: Mapping[str, Any]) -> dict[str, Any]:
        return {name.replace(".", "_"): to_driver(value, VARIABLES[name], self.dialect) for name, value in env.items()}


class WorldScope:
    """Scope over the world without a database."""

    def __init__(self, entity: str = "deal") -> None:
        self.entity = entity

    def field(self, key: str) -> FieldInfo | None:
        return ENTITIES[self.entity].get(key)

    def target(self, entity: str) -> WorldScope:
        return WorldScope(entity)

    def variable(self, name: str) -> FieldInfo | None:
        return VARIABLES.get(name)

    def names(self) -> Iterable[str]:
        return [*ENTITIES[self.entity], *VARIABLES]


class WorldSqlScope(WorldScope):
    """Scope over the tables; a to-one path is a scalar subquery."""

    def __init__(self, base: Base, entity: str, source: FromClause) -> None:
        super().__init__(entity)
        self.base = base
        self.source = source
        self.dialect: Dialect = base.dialect

    def target(self, entity: str) -> WorldSqlScope:
        return WorldSqlScope(self.base, entity, self.base.tables[entity])

    def column(self, path: tuple[str, ...]) -> SqlValue:
        info = ENTITIES[self.entity][path[0]]
        column = self.source.c[path[0]]
        if len(path) == 1:
            return SqlValue(column, info.type, info.scale)
        assert info.target
        inner = WorldSqlScope(self.base, info.target, self.base.tables[info.target].alias())
        found = inner.column(path[1:])
        query = select(found.element).where(inner.source.c.id == column)
        return SqlValue(query.correlate_except(inner.source).scalar_subquery(), found.type, found.scale)

    def bind(self, name: str, info: FieldInfo) -> SqlValue:
        return SqlValue(bindparam(name.replace(".", "_"), type_=column_type(info, self.dialect)), info.type, info.scale)

    def many(self, path: tuple[str, ...]) -> ManyScope:
        entity, anchor = self.entity, self.column((*path[:-1], "id"))
        for key in path[:-1]:
            entity = ENTITIES[entity][key].target or ""
        target, link = RELATIONS[entity, path[-1]]
        source = self.base.tables[target].alias()
        rows = select(source.c[link]).select_from(source)
        return ManyScope(rows, source.c[link], anchor.element, WorldSqlScope(self.base, target, source))

    def subtree(self, path: tuple[str, ...], root: ColumnElement[Any]) -> Select[Any]:
        accounts = self.base.tables["account"].alias()
        return rows_below(accounts.c.id, accounts.c.parent, root)


def result_of(value: Any, type_: Type, scale: int, dialect: Dialect) -> Any:
    """What a database answered, in the form of `to_json`."""
    if value is None:
        return None
    if type_ is Type.NUMBER:
        return number_text(from_scaled(value, scale) if dialect == "sqlite" else Decimal(value))
    if type_ is Type.BOOLEAN:
        assert value in {0, 1}
        return bool(value)
    if type_ is Type.LIST and dialect == "sqlite":
        return json.loads(value)
    return to_json(value)
