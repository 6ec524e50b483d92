"""Questions of the write path to the database, compiled once per Model and set of roles.

Reading for people goes through `Reader`. Here the engine asks for itself: which of these records may be changed, which
may be linked to, what an expression over related rows gives.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sqlalchemy import Select, select

from engine.data.place import Frame, Place
from engine.data.shape import Shape
from engine.data.statement import Binds, Statement
from engine.data.unit import Unit
from engine.expression import Expr, FieldInfo, compile_sql
from engine.metadata.model import Field
from engine.storage.codec import decoder

IDS = "ids"
"""Name of the parameter with the ids that a question is about."""

Build = Callable[[Frame, Place], Select[Any]]


def prepared(
    unit: Unit,
    entity: str,
    key: tuple[Any, ...] | None,
    build: Build,
    params: Mapping[str, FieldInfo] | None = None,
) -> Statement:
    """Return a statement over the rows of an entity, made once per Model, roles and `key`; with None every time."""
    roles = unit.access.roles

    def make() -> Statement:
        binds = Binds(unit.phrases.kind)
        frame = Frame(unit.phrases.kind, unit.published.tables, roles, binds, params or {})
        return binds.finish(build(frame, frame.root(entity)))

    if key is None:
        return make()
    return unit.published.model.derive(("probe", unit.phrases.kind, entity, roles, *key), make)


def rows(
    unit: Unit, statement: Statement, values: Mapping[str, Any] | None = None, /, **more: Any
) -> list[tuple[Any, ...]]:
    """Run a statement with the variables of the unit and some values besides."""
    return statement.rows(unit.connection, {**unit.env, **(values or {}), **more})


def evaluated(
    unit: Unit,
    shape: Shape,
    expr: Expr,
    ids: Iterable[str],
    *,
    env: Mapping[str, Any] | None = None,
    params: Mapping[str, FieldInfo] | None = None,
    field: Field | None = None,
) -> dict[str, Any]:
    """Return by id what an expression gives for stored records; as `field` holds it, else as a condition."""
    scale = field.scale if field is not None else None

    def build(frame: Frame, place: Place) -> Select[Any]:
        value = compile_sql(expr, place.scope(asking=False), value=True, scale=scale)
        return (
            select(place.alias.c.id, value)
            .select_from(place.source)
            .where(place.alias.c.id.in_(frame.binds.listed(IDS)))
        )

    key = ("value", expr, field.key if field is not None else "")
    statement = prepared(unit, shape.entity.key, key, build, params)
    found = rows(unit, statement, env, ids=list(ids))
    decode = decoder(field, unit.phrases.kind) if field is not None else bool
    return {row[0]: row[1] if decode is None or row[1] is None else decode(row[1]) for row in found}


def can_reach(unit: Unit, entity: str, action: str) -> bool:
    """Say whether an action could reach any row at all."""
    return not unit.access.rule(entity, action).nobody


def reaches_all(unit: Unit, entity: str, action: str) -> bool:
    """Say whether an action reaches every row."""
    return unit.access.rule(entity, action).everybody


def reached(unit: Unit, entity: str, action: str, ids: Iterable[str]) -> set[str]:
    """Return those of the records, live or not, that an action reaches as they are stored now."""
    wanted = list(ids)
    if not wanted or not can_reach(unit, entity, action):
        return set()
    if reaches_all(unit, entity, action):
        return set(wanted)

    def build(frame: Frame, place: Place) -> Select[Any]:
        return (
            select(place.alias.c.id)
            .select_from(place.source)
            .where(place.alias.c.id.in_(frame.binds.listed(IDS)), *place.reach(action))
        )

    statement = prepared(unit, entity, ("reached", action), build)
    return {row[0] for row in rows(unit, statement, ids=wanted)}
