"""Step 4: may this be done at all, to these records, with these fields."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping

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
    if stored is None or not (stored.readable or stored.reached):
        return missing(entity, id_)
    if not stored.reached:
        return denied(entity, action)
    return None


def check_fields(unit: Unit, shape: Shape, batch: Batch) -> None:
    """Refuse given keys that are unknown, hidden or may not be written; all of them, of all rows."""
    entity = batch.kind
    if batch.computed:
        return
    writable = unit.access.writable(entity.key)
    mask = unit.access.mask(entity.key)
    verdicts: dict[str, tuple[Message, str] | None] = {}
    for draft in batch.drafts:
        for key in draft.given:
            if key in verdicts:
                verdict = verdicts[key]
            else:
                verdict = verdicts[key] = _verdict(unit, entity, key, mask, writable, creating=draft.old is None)
                if batch.transition is not None and entity.states is not None and key == entity.states.field:
                    # Who may make a transition is said by the transition.
                    verdict = verdicts[key] = None
            if verdict is not None:
                batch.refuse(draft, key, *verdict)


def _verdict(
    unit: Unit, entity: Entity, key: str, mask: Mapping[str, str], writable: Iterable[str], *, creating: bool
) -> tuple[Message, str] | None:
    """Return what is wrong with giving a field a value, and its code."""
    field = entity.fields.get(key)
    if field is None or (mask.get(key) == "hidden" and key not in writable):
        # What may not be known of answers as what does not exist.
        known = [each for each in entity.fields if mask.get(each) != "hidden"]
        nearest = difflib.get_close_matches(key, known, 1)
        if nearest:
            return Message("There is no field {key}; did you mean {near}?", key=key, near=nearest[0]), "unknown"
        return Message("There is no field {key}", key=key), "unknown"
    if key == "id" and creating:
        return None
    if field.system and not field.writable:
        if unit.principal.system and creating and key in _ENGINE_ONLY:
            return None
        return Message("{label} is kept by the system", label=field.label), "read_only"
    if not field.writable:
        return Message("{label} is worked out by the system", label=field.label), "read_only"
    if field.read_only and not unit.principal.system:
        return Message("{label} cannot be changed", label=field.label), "read_only"
    if key not in writable:
        return Message("You may not change {label}", label=field.label), "denied"
    return None


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


def transferred(batch: Batch, draft: Draft) -> bool:
    """Say whether the draft gives an existing record to somebody else."""
    return batch.kind.owned and draft.old is not None and "owner" in draft.changed
