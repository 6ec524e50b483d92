"""What links lead to, for the write path: values of linked records, fetched for many records in one statement.

Nobody's rights are asked here: rules of the site read what they must. What is chosen by a person goes through
`steps.links`, which asks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from engine.data.shape import is_sealed
from engine.data.unit import Unit
from engine.storage.codec import decoder

_Decode = Callable[[Any], Any] | None


@dataclass(frozen=True, slots=True)
class _Statement:
    text: str
    decode: _Decode


def linked_values(unit: Unit, entity: str, path: tuple[str, ...], ids: Iterable[str]) -> Mapping[str, Any]:
    """Return by id what a path of to-one fields gives for records of an entity, live or not; stored fields only."""
    kind = unit.phrases.kind
    model = unit.published.model
    statement = model.derive(("linked", kind, entity, path), lambda: _statement(unit, entity, path))
    rows = unit.run(statement.text, [unit.ids(ids)]).fetchall()
    decode = statement.decode
    if decode is None:
        return {row[0]: row[1] for row in rows}
    return {row[0]: decode(row[1]) for row in rows}


def _statement(unit: Unit, entity: str, path: tuple[str, ...]) -> _Statement:
    model, tables, phrases = unit.published.model, unit.published.tables, unit.phrases
    at = model.entity(entity)
    joins = [f"{phrases.name(tables.name(entity))} t0"]
    for depth, key in enumerate(path[:-1], 1):
        field = at.fields[key]
        link = phrases.name(tables.column_name(at.key, key))
        at = model.entity(field.target or "")
        identity = phrases.name(tables.column_name(at.key, "id"))
        joins.append(
            f"LEFT JOIN {phrases.name(tables.name(at.key))} t{depth} ON t{depth}.{identity} = t{depth - 1}.{link}"
        )
    last = at.fields[path[-1]]
    column = phrases.name(tables.column_name(at.key, path[-1]))
    identity = phrases.name(tables.column_name(entity, "id"))
    where = phrases.is_in(f"t0.{identity}")
    text = f"SELECT t0.{identity}, t{len(path) - 1}.{column} FROM {' '.join(joins)} WHERE {where}"  # noqa: S608
    return _Statement(text, None if is_sealed(last) else decoder(last, phrases.kind))
