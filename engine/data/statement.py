"""A statement that was compiled once: its text, and where each of its parameters comes from.

SQLAlchemy builds and renders it; afterwards only the text is left, which goes straight to the driver. A run costs
one list of parameters and one call, whatever the query looked like.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import orjson
from sqlalchemy import BindParameter, ColumnElement, Connection, Dialect, Select, any_, cast, column, func, select
from sqlalchemy.dialects import sqlite
from sqlalchemy.types import TypeEngine

from engine.fields import StorageType
from engine.storage.codec import encode_kind
from engine.storage.columns import Stored
from engine.storage.database import run
from engine.storage.guard import ENTITY_ACCESS

Encode = Callable[[Any], Any]


@cache
def dialect_of(kind: str) -> Dialect:
    """Return the dialect that renders statements with the driver's placeholders, by position."""
    if kind == "sqlite":
        return sqlite.dialect(paramstyle="qmark")
    # SQLAlchemy's half for PostgreSQL takes time and memory that a site on SQLite does not have to spend.
    from sqlalchemy.dialects.postgresql import psycopg

    made: Dialect = psycopg.dialect(paramstyle="format")  # type: ignore[no-untyped-call]
    return made


class Binds:
    """The parameters of one statement while it is put together."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._names: dict[str, tuple[str, Encode | None]] = {}

    def value(self, name: str, type_: TypeEngine[Any], encode: Encode | None = None) -> BindParameter[Any]:
        """Return a parameter whose value stands under `name` when the statement runs."""
        key = f"b{len(self._names)}"
        self._names[key] = (name, encode)
        return BindParameter(key, required=True, type_=type_)

    def scalar(self, name: str, storage: StorageType) -> BindParameter[Any]:
        """Return a parameter for a Python value of a kind of column."""
        return self.value(name, Stored(storage.kind, storage.scale), encode_kind(storage, self.kind))

    def listed(self, name: str, cast_to: str = "uuid") -> ColumnElement[Any]:
        """Return what stands right of IN for a list of texts or ids: one parameter, however long the list is."""
        if self.kind == "sqlite":
            bound = self.value(name, Stored("text"), _as_json)
            return select(column("value")).select_from(func.json_each(bound)).scalar_subquery()
        from sqlalchemy.dialects import postgresql

        kind = postgresql.UUID(as_uuid=False) if cast_to == "uuid" else postgresql.TEXT()
        array = postgresql.ARRAY(kind)
        encode = _as_array if cast_to == "uuid" else list
        return select(func.unnest(cast(self.value(name, array, encode), array))).scalar_subquery()

    def hidden(self, name: str) -> ColumnElement[Any]:
        """Return a parameter for an id that PostgreSQL is not let see while it plans.

        It would plan anew for every person, which costs more than the page, and find the same plan.
        """
        bound = self.scalar(name, StorageType("uuid"))
        if self.kind == "sqlite":
            return bound
        from sqlalchemy.dialects import postgresql

        return select(cast(bound, postgresql.UUID(as_uuid=False))).scalar_subquery()

    def among(self, element: ColumnElement[Any], name: str) -> ColumnElement[Any]:
        """Return whether a column of ids holds one of a short list, such as what a person goes by.

        PostgreSQL is not let see how long the list is; see `hidden`.
        """
        if self.kind == "sqlite":
            return element.in_(self.listed(name))
        from sqlalchemy.dialects import postgresql

        array = postgresql.ARRAY(postgresql.UUID(as_uuid=False))
        hidden = select(cast(self.value(name, array, _as_array), array)).scalar_subquery()
        return element == any_(cast(hidden, array))

    def finish(self, chosen: Select[Any]) -> Statement:
        """Render a statement."""
        compiled = chosen.compile(dialect=dialect_of(self.kind), compile_kwargs={"render_postcompile": True})
        template: list[Any] = []
        fills: dict[tuple[str, Encode | None], list[int]] = {}
        for place, key in enumerate(compiled.positiontup or ()):
            if key in self._names:
                fills.setdefault(self._names[key], []).append(place)
                template.append(None)
            else:
                template.append(_constant(compiled, key))
        places = tuple((name, encode, tuple(places)) for (name, encode), places in fills.items())
        return Statement(str(compiled), tuple(template), places)


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL for one driver, ready to run any number of times."""

    text: str
    template: tuple[Any, ...]
    fills: tuple[tuple[str, Encode | None, tuple[int, ...]], ...]
    """(name of a value, how it is encoded, where it stands): what stands in ten places is encoded once."""

    def parameters(self, values: Mapping[str, Any]) -> list[Any]:
        """Return what the driver takes for the values of this run."""
        given = list(self.template)
        for name, encode, places in self.fills:
            value = values[name]
            if encode is not None:
                value = encode(value)
            for place in places:
                given[place] = value
        return given

    def rows(self, connection: Connection, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """Run it and return the rows as the driver has them."""
        found: list[tuple[Any, ...]] = run(
            connection, self.text, self.parameters(values), access=ENTITY_ACCESS
        ).fetchall()
        return found


def _constant(compiled: Any, key: str) -> Any:
    value = compiled.params[key]
    process = compiled._bind_processors.get(key)  # noqa: SLF001 - the only place that has them
    return value if process is None else process(value)


def _as_array(ids: Iterable[str]) -> str:
    """Return ids as PostgreSQL writes an array of them, in a fraction of the driver's time."""
    return f"{{{','.join(ids)}}}"


def _as_json(values: Iterable[Any]) -> str:
    return orjson.dumps(list(values)).decode()
