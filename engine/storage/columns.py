"""Column types: one neutral kind of value on each database."""

from __future__ import annotations

from typing import Any

from sqlalchemy.ext.compiler import compiles
from sqlalchemy.types import UserDefinedType

from engine.fields import StorageKind, StorageType

_SQLITE: dict[str, str] = {
    "text": "TEXT",
    "integer": "INTEGER",
    "decimal": "INTEGER",
    "boolean": "INTEGER",
    "date": "TEXT",
    "datetime": "TEXT",
    "time": "TEXT",
    "uuid": "TEXT",
    "json": "TEXT",
}
_POSTGRESQL: dict[str, str] = {
    "text": 'TEXT COLLATE "C"',
    "integer": "BIGINT",
    "decimal": "NUMERIC(18,{scale})",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "datetime": "TIMESTAMPTZ(3)",
    "time": "TIME(0)",
    "uuid": "UUID",
    "json": "JSONB",
}


def declared(kind: StorageKind, scale: int, dialect: str) -> str:
    """Return the type of a column as CREATE TABLE and ALTER TABLE write it."""
    types = _SQLITE if dialect == "sqlite" else _POSTGRESQL
    return types[kind].format(scale=scale)


class Stored(UserDefinedType[Any]):
    """The type of a column in SQLAlchemy's eyes. Values pass as the driver has them; `codec` converts."""

    cache_ok = True

    def __init__(self, kind: StorageKind, scale: int = 0) -> None:
        self.kind = kind
        self.scale = scale

    @property
    def storage(self) -> StorageType:
        """The neutral type."""
        return StorageType(self.kind, self.scale)


@compiles(Stored)
def _compile(type_: Stored, compiler: Any, **_: Any) -> str:
    # A cast has no place for a collation.
    return declared(type_.kind, type_.scale, compiler.dialect.name).removesuffix(' COLLATE "C"')


def quoted(name: str) -> str:
    """Return a name of a table or column as both databases take it, whatever word it is."""
    return f'"{name}"'
