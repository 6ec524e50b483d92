"""Changes of what people may do, from what to what, by whichever way they come: forms, imports, the API, undo.

It listens to the hooks of writing, so nobody who changes a role, a team or a reporting line has to think of the log.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import Connection

from engine.audit.events import Event
from engine.audit.trail import Trail
from engine.hooks import Batch, hookimpl

FIELDS: Mapping[str, tuple[str, ...]] = {
    "user": ("roles", "department", "manager", "deputy", "absent_from", "absent_until", "status"),
    "team": ("leader", "members"),
    "department": ("parent", "head"),
    "territory": ("parent", "manager", "members"),
}
"""What decides over rights, by entity; a field that an entity does not have is left out."""
_GONE = frozenset({"delete", "purge"})
_DISABLED = "disabled"
_MOST_MEMBERS = 200
"""Ids of one list that an event names; of more it says how many there are."""


class Rights:
    """Notes in the log what a change of people, teams, departments and territories does to rights."""

    watches = frozenset(FIELDS)
    """Entities whose changes it is told about."""

    def __init__(self, trail: Trail) -> None:
        self._trail = trail

    @hookimpl
    def changed(self, batch: Batch, connection: Connection) -> None:
        """Note each record whose rights change, in the same transaction."""
        permissions = _permissions(batch)
        for row, old in zip(batch.rows, batch.old, strict=True):
            changes = dict(_changes(batch, row, old))
            if not changes:
                continue
            details: dict[str, Any] = {"name": row.get("name"), **changes}
            if batch.action != "update":
                details["action"] = batch.action
            if batch.entity == "user" and permissions:
                details |= _gained(permissions, changes.get("roles"))
            kind = "rights_changed"
            if set(changes) == {"status"} and batch.action == "update":
                kind = "user_disabled" if row.get("status") == _DISABLED else "user_enabled"
            self._trail.note(connection, Event(kind, batch.actor.id, batch.entity, row["id"], details=details))


def _changes(
    batch: Batch, row: Mapping[str, Any], old: Mapping[str, Any] | None
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (field, {"from", "to"}) of what differs; who is gone has nothing any more."""
    gone, back = batch.action in _GONE, batch.action == "restore"
    if batch.action == "purge":
        return  # It lay in the bin, where it gave no rights.
    for field in FIELDS[batch.entity]:
        if field not in row:
            continue
        before = None if old is None or back else _plain(old.get(field))
        after = None if gone else _plain(row.get(field))
        if gone:
            before = _plain(row.get(field))
        if (before or None) == (after or None) or (old is None and field == "status"):
            continue
        yield field, {"from": before, "to": after}


def _plain(value: Any) -> Any:
    """Return a value as JSON takes it, lists in order."""
    if isinstance(value, (list, tuple, set, frozenset)):
        listed = sorted(str(each) for each in value)
        return listed if len(listed) <= _MOST_MEMBERS else [*listed[:_MOST_MEMBERS], f"+{len(listed) - _MOST_MEMBERS}"]
    return value


def _permissions(batch: Batch) -> Mapping[str, frozenset[str]]:
    """Return the permissions of each role."""
    model = getattr(batch, "model", None)
    return {} if model is None else {key: frozenset(role.permissions) for key, role in model.roles.items()}


def _gained(permissions: Mapping[str, frozenset[str]], roles: Mapping[str, Any] | None) -> dict[str, list[str]]:
    """Return the permissions that come and go with a change of roles."""
    before, after = (
        {each for role in (roles or {}).get(side) or () for each in permissions.get(role, ())}
        for side in ("from", "to")
    )
    found = {"gained": sorted(after - before), "lost": sorted(before - after)}
    return {name: listed for name, listed in found.items() if listed}
