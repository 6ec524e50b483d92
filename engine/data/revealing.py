"""The plain value of a masked field: for those whom a role lets ask, one value at a time, and never without a trace."""

from __future__ import annotations

from typing import Any

from engine.data.history import insert_text
from engine.data.principal import SYSTEM
from engine.data.rules import is_sealed
from engine.data.shape import Shape
from engine.data.steps.authorise import missing, out_of_reach
from engine.data.steps.load import load
from engine.data.unit import Unit
from engine.errors import AccessDenied, NotFound, SiteBroken
from engine.i18n import Message

MOST_REASON = 500
"""Characters of a reason that are kept."""


def reveal(unit: Unit, shape: Shape, id_: str, key: str, *, reason: str = "") -> Any:
    """Return the plain value of a masked field; the look at it is a row of the record's history and of the audit log.

    Raises:
        NotFound: there is no such record, or no field that the principal sees masked.
        AccessDenied: no role lets the principal reveal it.
    """
    entity = shape.entity
    found = load(unit, shape, [id_], action="read").get(id_)
    error = out_of_reach(entity, id_, found, "read")
    if error is not None or found is None:
        raise error or missing(entity, id_)
    if unit.access.mask(entity.key).get(key) != "masked":
        raise NotFound(Message("There is no masked field {key}", key=key))
    field = entity.fields[key]
    if key not in unit.access.revealable(entity.key):
        raise AccessDenied(
            Message("You may not reveal {label}", label=field.label), entity=entity.key, action="reveal", field=key
        )
    plain = _opened(unit, shape, id_, key, found.sealed.get(key)) if is_sealed(field) else _read(unit, shape, id_, key)
    if plain is not None:
        # Of nothing there is nothing to account for.
        _note(unit, shape, id_, found.values["version"], key, reason[:MOST_REASON])
    return plain


def _opened(unit: Unit, shape: Shape, id_: str, key: str, sealed: str | None) -> str | None:
    if sealed is None:
        return None
    if unit.vault is None:
        raise SiteBroken(Message("The site has no secret key, so secret fields cannot be kept"))
    return unit.unseal(shape, id_, key, sealed)


def _read(unit: Unit, shape: Shape, id_: str, key: str) -> Any:
    """Return the value as the product itself reads it; formulas and references are worked out by the database."""
    from engine.data.reader import Reader

    reader = Reader(unit.connection, unit.published, SYSTEM, secret=b"", now=unit.now)
    return reader.record(shape.entity.key, id_, (key,)).values()[key]


def _note(unit: Unit, shape: Shape, id_: str, version: int, key: str, reason: str) -> None:
    """Write that somebody looked: a version of its own, for the feed and for whoever reads the history."""
    version_column, mark = shape.by_key["version"].name, unit.phrases.mark
    unit.run(
        f"UPDATE {shape.table} SET {version_column} = {mark} WHERE {shape.by_key['id'].name} = {mark}",  # noqa: S608
        (version + 1, id_),
    )
    at = unit.at
    via = f"reveal:{key}"
    unit.run(
        insert_text(mark),
        (shape.entity.key, id_, version + 1, "reveal", "{}", unit.principal.id, via, at, unit.change_set.id),
    )
    unit.change_set.note("revealed")
    details = {"field": key, **({"reason": reason} if reason else {})}
    unit.note("reveal", entity=shape.entity.key, record_id=id_, details=details)
