"""Step 4: may this be done at all, to these records, with these fields."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from engine.data.access import ACTION_WORDS
from engine.data.batch import Batch, Draft
from engine.data.probes import reached
from engine.data.shape import Shape
from engine.data.steps.load import Stored
from engine.data.unit import Unit
from engine.errors import AccessDenied, GuanxiError, NotFound
from engine.i18n import Message
from engine.metadata.model import Entity

_ENGINE_ONLY = frozenset({"created_at", "created_by", "updated_at", "updated_by", "origin"})
"""System fields that the product itself may give when it makes a record: a demo has a past."""


def require_action(unit: Unit, entity: Entity, action: str) -> None:
    """Refuse an action that none of the principal's roles grants for any row.

    Raises:
        AccessDenied: so it is.
    """
    unit.access.require(entity.key, action)


def missing(entity: Entity, id_: str) -> NotFound:
    """Return the error for a record that does not exist, or that the asker may not know of."""
    return NotFound(Message("There is no {label} {id}", label=entity.label, id=id_))


def denied(entity: Entity, action: str) -> AccessDenied:
    """Return the error for a record that may be read, but that the action does not reach."""
    return AccessDenied(
        Message("You may not {action} this {label}", action=ACTION_WORDS[action], label=entity.label),
        entity=entity.key,
        action=action,
    )


def out_of_reach(entity: Entity, id_: str, stored: Stored | None, action: str) -> GuanxiError | None:
    """Return what is wrong with doing an action to a record; None when it may be done."""
    # Whatever may not be read may not be changed either: the answer alone would tell what it holds.
    if stored is None or not stored.readable:
        return missing(entity, id_)
    if not stored.reached:
        return denied(entity, action)
    return None


def check_fields(unit: Unit, shape: Shape, batch: Batch) -> None:
    """Refuse given keys that are unknown, hidden or may not be written; all of them, of all rows."""
    entity = batch.kind
    creating = batch.action == "create"
    allowed = _allowed(unit, entity, creating=creating, trusted=batch.trusted)
    if batch.transition is not None and entity.states is not None:
        # Who may make a transition is said by the transition.
        allowed |= {entity.states.field}
    for draft in batch.drafts:
        if draft.given.keys() <= allowed:
            continue
        for key in draft.given:
            if key not in allowed:
                batch.refuse(draft, key, *_refusal(unit, entity, key, creating=creating))


def _allowed(unit: Unit, entity: Entity, *, creating: bool, trusted: bool) -> frozenset[str]:
    """Return the fields that may be given, worked out once per Model and set of roles."""
    roles = unit.access.roles
    key = ("may give", entity.key, creating, trusted, roles)
    return unit.published.model.derive(
        key, lambda: frozenset(_may_give(unit, entity, creating=creating, trusted=trusted))
    )


def _may_give(unit: Unit, entity: Entity, *, creating: bool, trusted: bool) -> Iterator[str]:
    writable = unit.access.writable(entity.key)
    system = unit.principal.system
    for key, field in entity.fields.items():
        if (
            (key == "id" and creating)
            or (system and creating and key in _ENGINE_ONLY)
            or (field.writable and key in writable and (system or trusted or not field.read_only))
        ):
            yield key


def _refusal(unit: Unit, entity: Entity, key: str, *, creating: bool) -> tuple[Message, str]:
    """Return what is wrong with giving a field a value, and its code."""
    mask = unit.access.mask(entity.key)
    field = entity.fields.get(key)
    if field is None or (mask.get(key) == "hidden" and key not in unit.access.writable(entity.key)):
        # What may not be known of answers as what does not exist.
        known = [each for each in entity.fields if mask.get(each) != "hidden"]
        nearest = difflib.get_close_matches(key, known, 1)
        if nearest:
            return Message("There is no field {key}; did you mean {near}?", key=key, near=nearest[0]), "unknown"
        return Message("There is no field {key}", key=key), "unknown"
    if field.system and not field.writable:
        return Message("{label} is kept by the system", label=field.label), "read_only"
    if not field.writable:
        return Message("{label} is worked out by the system", label=field.label), "read_only"
    if field.read_only:
        return Message("{label} cannot be changed", label=field.label), "read_only"
    return Message("You may not change {label}", label=field.label), "denied"


def twice(entity: Entity) -> Message:
    """Return the message for a record that stands in a batch more than once."""
    return Message("This {label} is changed twice in one call", label=entity.label)


def check_transfer(unit: Unit, shape: Shape, batch: Batch) -> None:
    """Refuse a change of the owner by those whose grant of `transfer` does not reach the record as it stands."""
    entity = shape.entity
    if not entity.owned:
        return
    due = [draft for draft in batch.drafts if transferred(batch, draft)]
    if not due:
        return
    allowed = reached(unit, entity.key, "transfer", [draft.id for draft in due])
    for draft in due:
        if draft.id not in allowed:
            message = Message("You may not change {label}", label=entity.fields["owner"].label)
            batch.refuse(draft, "owner", message, "denied")


def check_import(unit: Unit, batch: Batch) -> None:
    """Refuse to change by an import what the grant of `import` does not reach as it stands."""
    if not imports(unit):
        return
    due = [draft for draft in batch.drafts if draft.old is not None and draft.changed]
    allowed = reached(unit, batch.entity, "import", [draft.id for draft in due])
    for draft in due:
        if draft.id not in allowed:
            batch.refuse(draft, "", denied(batch.kind, "import").message, "denied")


def imports(unit: Unit) -> bool:
    """Say whether an import is at work, whose rows its own grant has to reach besides."""
    return unit.via.startswith("import:") and not unit.principal.system


def transferred(batch: Batch, draft: Draft) -> bool:
    """Say whether the draft gives an existing record to somebody else."""
    return batch.kind.owned and draft.old is not None and "owner" in draft.changed
