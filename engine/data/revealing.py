"""The plain text of a secret value: for administrators, one value at a time, and never without a trace."""

from __future__ import annotations

from engine.data.history import insert_text
from engine.data.shape import Shape
from engine.data.steps.authorise import missing, out_of_reach
from engine.data.steps.load import load
from engine.data.unit import Unit
from engine.errors import AccessDenied, NotFound, SiteBroken
from engine.i18n import Message


def reveal(unit: Unit, shape: Shape, id_: str, key: str) -> str | None:
    """Return a secret value; the look at it is a row of the record's history.

    Raises:
        NotFound: there is no such record or secret field, or the principal may not know of it.
        AccessDenied: the principal lacks the permission `admin`.
    """
    entity = shape.entity
    found = load(unit, shape, [id_], action="read").get(id_)
    error = out_of_reach(entity, id_, found, "read")
    if error is not None or found is None:
        raise error or missing(entity, id_)
    if key not in shape.sealed or unit.access.mask(entity.key).get(key) == "hidden":
        raise NotFound(Message("There is no field {key}", key=key))
    if not unit.access.has("admin"):
        raise AccessDenied(
            Message("Only an administrator may look at secrets"), entity=entity.key, action="read", field=key
        )
    sealed = found.sealed.get(key)
    if sealed is None:
        return None
    if unit.vault is None:
        raise SiteBroken(Message("The site has no secret key, so secret fields cannot be kept"))
    plain = unit.vault.open(entity.key, id_, key, sealed)
    _note(unit, shape, id_, found.values["version"], key)
    return plain


def _note(unit: Unit, shape: Shape, id_: str, version: int, key: str) -> None:
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
