"""What the audit log says of a publication: what changed in short, and which losses were accepted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from engine.audit import Event
from engine.metadata.model import Model
from engine.publish.carry import Prepared

_MOST = 100
"""Documents and changes of the schema that an event names; of more it says how many there are."""


def publication(prepared: Prepared, previous: Model | None, accepted: Mapping[str, int], back_to: int | None) -> Event:
    """Return the event of a publication that is about to happen; `back_to`: the revision that a rollback leads to."""
    plan, revision = prepared.plan, prepared.revision
    documents = [f"{each.action} {each.name}" for each in plan.documents]
    details: dict[str, Any] = {"revision": revision.number, "from": prepared.running.number}
    if back_to is not None:
        details["back_to"] = back_to
    if revision.comment:
        details["comment"] = revision.comment
    details["documents"] = _listed(documents)
    changes = [f"{change.kind} {change.target}" for change in plan.changes]
    if changes:
        details["changes"] = _listed(changes)
    losses = {target: count for target, count in accepted.items() if count}
    if losses:
        details["losses_accepted"] = losses
    gained = dict(_gained(prepared.model, previous))
    if gained:
        details["gained"] = gained
    kind = "metadata_published" if back_to is None else "rolled_back"
    return Event(kind, revision.author_id, number=max(len(documents), 1), details=details)


def _gained(model: Model, previous: Model | None) -> Iterator[tuple[str, list[str]]]:
    """Yield (role, permissions) of roles that existed and get permissions which they did not have."""
    if previous is None:
        return
    for key, role in model.roles.items():
        before = previous.roles.get(key)
        fresh = sorted(set(role.permissions) - set(before.permissions)) if before is not None else []
        if fresh:
            yield key, fresh


def _listed(words: list[str]) -> list[str]:
    return words if len(words) <= _MOST else [*words[:_MOST], f"+{len(words) - _MOST}"]
