"""Step 10, versions: what somebody else changed meanwhile is merged, unless it is the same field with another value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.data.batch import SEALED, Batch, Draft
from engine.data.history import changed_since, known_version, last_author, value_from_json
from engine.data.shape import Shape
from engine.data.unit import Unit
from engine.errors import BadValue, FieldConflict, VersionConflict


def merge(unit: Unit, shape: Shape, batch: Batch) -> None:
    """Compare drafts whose caller had read an older version with what has changed since.

    A field that only the caller changed is written; one that the caller gives as it was is left to the others. A
    field with two new values keeps the record out, with a `VersionConflict`.
    """
    for draft in batch.drafts:
        if (
            draft.base is not None
            and draft.old is not None
            and draft.base != draft.version
            and (draft.changed or batch.strict)
        ):
            _merge(unit, shape, batch, draft)


def _merge(unit: Unit, shape: Shape, batch: Batch, draft: Draft) -> None:
    entity = shape.entity.key
    assert draft.base is not None and draft.old is not None  # noqa: S101, PT018 - the caller has both
    whole = draft.base < draft.version and known_version(unit, entity, draft.id, draft.base + 1)
    since = changed_since(unit, entity, draft.id, draft.base) if whole else None
    if batch.strict:
        fields = {
            key: FieldConflict(None, _shown(unit, entity, key, _stored(draft, key)), _mine(draft, key))
            for key in sorted(draft.changed)
        }
        batch.fail(draft, _conflict(unit, entity, draft, fields))
        return
    conflicts: dict[str, FieldConflict] = {}
    for key in sorted(draft.changed):
        field = shape.entity.fields[key]
        if field.type.computed:
            continue
        theirs = _shown(unit, entity, key, _stored(draft, key))
        mine = _mine(draft, key)
        if since is None or not field.audit:
            conflicts[key] = FieldConflict(None, theirs, mine)
            continue
        if key not in since:
            continue
        base = _parsed(shape, key, since[key])
        if mine == base and key not in draft.secrets:
            _leave(draft, key)
        else:
            conflicts[key] = FieldConflict(_shown(unit, entity, key, base), theirs, mine)
    if conflicts:
        batch.fail(draft, _conflict(unit, entity, draft, conflicts))


def _conflict(unit: Unit, entity: str, draft: Draft, fields: Mapping[str, FieldConflict]) -> VersionConflict:
    author = last_author(unit, entity, draft.id)
    return VersionConflict(entity, draft.id, draft.version, fields, changed_by=author)


def _shown(unit: Unit, entity: str, key: str, value: Any) -> Any:
    """Return a stored value as the principal may see it: some fields may be written, but not read."""
    seen = unit.access.mask(entity).get(key) in {"read", "write"}
    return value if seen or value is None else SEALED


def _mine(draft: Draft, key: str) -> Any:
    return SEALED if key in draft.secrets else draft.links.get(key, draft.new.get(key))


def _stored(draft: Draft, key: str) -> Any:
    assert draft.old is not None  # noqa: S101 - the caller has it
    return draft.old[key] if key in draft.old else draft.old_links.get(key, ())


def _leave(draft: Draft, key: str) -> None:
    """Keep what the others wrote."""
    draft.changed.discard(key)
    assert draft.old is not None  # noqa: S101 - the caller has it
    if key in draft.new:
        draft.new[key] = draft.old[key]
    else:
        draft.links.pop(key, None)


def _parsed(shape: Shape, key: str, value: Any) -> Any:
    field = shape.entity.fields[key]
    if key in shape.sealed:
        return value
    try:
        parsed = value_from_json(shape, key, value)
    except BadValue:
        return value
    return tuple(parsed or ()) if field.type.links == "many" else parsed
