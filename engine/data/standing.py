"""A record as it stands after its own write, without asking the database again what was written a moment ago.

That holds only of what the write knows by itself: columns of the record's own table, none of them worked out, masked or
sealed, in the reach of who wrote them whatever other records say. Of everything else the database is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from engine.data.fields import all_columns, is_masked
from engine.data.rules import RoleRules, owner_path
from engine.data.shape import is_sealed, to_json
from engine.metadata.model import Entity

if TYPE_CHECKING:
    from engine.data.access import Access
    from engine.data.batch import Written

_Writers = tuple[tuple[str, Callable[[Any], Any] | None], ...]


def as_written(access: Access, entity: str, written: Written) -> dict[str, Any] | None:
    """Return the JSON values of a record by key, as `Reader.record` would; None where only the database knows them."""
    if not written.settled:
        return None
    roles = access.roles
    writers: _Writers | None = access.model.derive(
        ("as written", entity, roles), lambda: _writers(roles, access.model.entity(entity))
    )
    if writers is None or not _in_reach(access, entity, written.values):
        return None
    values = written.values
    return {
        key: value if write is None or value is None else write(value)
        for key, write in writers
        for value in (values[key],)
    }


def _in_reach(access: Access, entity: str, values: Mapping[str, Any]) -> bool:
    """Say whether who wrote a record may surely read it; False where that takes the database."""
    rule, who = access.rule(entity, "read"), access.principal.id
    if rule.everybody:
        return True
    if rule.restricts or rule.about or who is None:
        return False
    own = any(way.parent is None and any(each.rows == "own" for each in way.branches) for way in rule.ways)
    return own and values.get(owner_path(access.model.entity(entity)).keys[0]) == who


def _writers(roles: RoleRules, entity: Entity) -> _Writers | None:
    """Return what makes the JSON of each field that the roles see; None where the write does not know one of them."""
    if any(field.expr is not None or field.rollup is not None for field in entity.fields.values()):
        return None
    found = []
    for key in all_columns(roles, entity):
        field = entity.fields[key]
        own = field.stored and field.storage is not None and field.type.links not in {"many", "children"}
        if not own or is_sealed(field) or is_masked(roles, entity, key):
            return None
        found.append((key, to_json(field)))
    return tuple(found)
