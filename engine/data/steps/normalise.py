"""Step 5: what callers gave becomes values; every value that is none is noted, of all fields and rows at once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from engine.data.batch import SEALED, Batch, Draft
from engine.data.marks import MARK, mark
from engine.data.shape import FieldShape, Shape
from engine.data.steps import links
from engine.data.unit import Unit
from engine.errors import BadValue, SiteBroken
from engine.fields.links import Reference
from engine.i18n import Message
from engine.ids import is_id

_GONE: Any = object()
_STAMPS = frozenset({"version", "updated_at", "updated_by"})


def normalise(unit: Unit, shape: Shape, batch: Batch, keys: Iterable[str] | None = None) -> None:
    """Parse the given values of a batch into its drafts; `keys` are those to look at, all unless said."""
    wanted = dict.fromkeys(key for draft in batch.drafts for key in draft.given) if keys is None else keys
    for key in wanted:
        field = shape.fields.get(key)
        if field is None:
            continue
        if key == "id":
            _take_ids(unit, batch)
        elif field.links == "children":
            _take_children(unit, batch, field)
        elif field.links == "many":
            _take_many(unit, batch, field)
        elif field.column is None:
            continue
        elif field.column.sealed:
            _take_secret(unit, batch, field)
        else:
            _take_value(unit, batch, field)


def _take_value(unit: Unit, batch: Batch, field: FieldShape) -> None:
    key, parse, fits = field.field.key, field.parse, field.fits
    references: list[tuple[Draft, Reference]] = []
    linked, exact = bool(field.links), unit.exact
    for draft in batch.drafts:
        raw = draft.given.get(key, _GONE)
        if raw is _GONE or (raw.__class__ is str and MARK in raw and _is_mark(draft, field, raw)):
            continue
        if exact and raw is not None and not fits(raw):
            _refuse(batch, draft, field, raw)
            continue
        try:
            value = parse(raw)
        except BadValue as error:
            batch.refuse(draft, key, error.message)
            continue
        if linked and isinstance(value, Reference):
            references.append((draft, value))
        else:
            draft.new[key] = value
    if references:
        resolved = links.resolve(unit, field.field, [each for _, each in references])
        for draft, found in zip((each for each, _ in references), resolved, strict=True):
            if isinstance(found, Message):
                batch.refuse(draft, key, found, "link")
            else:
                draft.new[key] = found


def _refused(unit: Unit, batch: Batch, draft: Draft, field: FieldShape) -> bool:
    """Refuse what a program may not send for a field, and say so."""
    raw = draft.given[field.field.key]
    if not unit.exact or raw is None or field.fits(raw):
        return False
    _refuse(batch, draft, field, raw)
    return True


def _refuse(batch: Batch, draft: Draft, field: FieldShape, raw: Any) -> None:
    """Refuse a JSON value that is none of the field's: in the words of its type where that takes it neither."""
    try:
        field.parse(raw)
    except BadValue as error:
        batch.refuse(draft, field.field.key, error.message)
    else:
        batch.refuse(draft, field.field.key, field.refusal(raw), "type")


def _is_mark(draft: Draft, field: FieldShape, raw: str) -> bool:
    """Say whether a value is what a form shows in place of one that its reader may not see: nobody changed it."""
    return draft.old is not None and raw == mark(field.field, draft.old[field.field.key])


def _take_many(unit: Unit, batch: Batch, field: FieldShape) -> None:
    key, parse = field.field.key, field.parse
    for draft in batch.drafts:
        if key not in draft.given or _refused(unit, batch, draft, field):
            continue
        try:
            targets = list(parse(draft.given[key]) or ())
        except BadValue as error:
            batch.refuse(draft, key, error.message)
            continue
        places = [place for place, each in enumerate(targets) if isinstance(each, Reference)]
        if places:
            for place, found in zip(
                places, links.resolve(unit, field.field, [targets[each] for each in places]), strict=True
            ):
                if isinstance(found, Message):
                    batch.refuse(draft, key, found, "link")
                else:
                    targets[place] = found
        if not draft.failed:
            draft.links[key] = tuple(dict.fromkeys(targets))


def _take_children(unit: Unit, batch: Batch, field: FieldShape) -> None:
    key, parse = field.field.key, field.parse
    for draft in batch.drafts:
        if key in draft.given and not _refused(unit, batch, draft, field):
            try:
                draft.children[key] = list(parse(draft.given[key]) or ())
            except BadValue as error:
                batch.refuse(draft, key, error.message)


def _take_secret(unit: Unit, batch: Batch, field: FieldShape) -> None:
    key, parse = field.field.key, field.parse
    for draft in batch.drafts:
        if key not in draft.given or draft.given[key] == SEALED:
            # What a form shows in place of a secret comes back as it was shown: nobody changed it.
            continue
        if _refused(unit, batch, draft, field):
            continue
        try:
            plain = parse(draft.given[key])
        except BadValue as error:
            batch.refuse(draft, key, error.message)
            continue
        if plain is None and draft.old is not None and draft.old[key] is None:
            continue
        if plain is not None and _opened(unit, batch, draft, key) == plain:
            continue
        _put_secret(unit, unit.shape(batch.entity), draft, key, plain)


def _put_secret(unit: Unit, shape: Shape, draft: Draft, key: str, plain: str | None) -> None:
    """Put the plain text of a secret aside, a mark in its place, and its blind index beside it."""
    draft.secrets[key] = plain
    draft.new[key] = SEALED if plain is not None else None
    blind = shape.blind.get(key)
    if blind is not None:
        draft.new[blind] = unit.blind(shape, key, plain)


def _opened(unit: Unit, batch: Batch, draft: Draft, key: str) -> str | None:
    """Return the plain text of a stored secret; None when there is none, or no key to open it."""
    sealed = draft.sealed.get(key)
    if sealed is None or unit.vault is None:
        return None
    try:
        return unit.unseal(unit.shape(batch.entity), draft.id, key, sealed)
    except SiteBroken:
        # Whoever lost the key can at least write the values anew.
        return None


def _take_ids(unit: Unit, batch: Batch) -> None:
    """Take the id that a client made for its own new record, so that it may try again safely."""
    for draft in batch.drafts:
        given = draft.given.get("id")
        if given is None or (given == "" and not unit.exact):
            continue
        if is_id(given):
            draft.id = given
            draft.new["id"] = given
        else:
            batch.refuse(draft, "id", Message("“{value}” is not the id of a record", value=str(given)[:60]))


def put_value(unit: Unit, shape: Shape, batch: Batch, draft: Draft, key: str, raw: Any) -> None:
    """Put a value that a hook gives into a draft.

    Raises:
        KeyError: the entity has no such field that can be given a value.
        BadValue: the field takes no such value.
    """
    field = shape.fields.get(key)
    if field is None or not field.field.writable or (field.column is None and field.links != "many"):
        raise KeyError(key)
    value = field.parse(raw)
    references = [
        each for each in (value if isinstance(value, (tuple, list)) else (value,)) if isinstance(each, Reference)
    ]
    if references:
        found = iter(links.resolve(unit, field.field, references))
        resolved = [
            next(found) if isinstance(each, Reference) else each
            for each in (value if field.links == "many" else (value,))
        ]
        for each in resolved:
            if isinstance(each, Message):
                raise BadValue(each)
        value = tuple(resolved) if field.links == "many" else resolved[0]
    if field.links == "many":
        draft.links[key] = tuple(dict.fromkeys(value or ()))
    elif field.column is not None and field.column.sealed:
        _put_secret(unit, shape, draft, key, value)
    else:
        draft.new[key] = value


def note_changes(shape: Shape, batch: Batch) -> None:
    """Work out which fields of each draft differ from what is stored."""
    for draft in batch.drafts:
        old = draft.old
        new = draft.new
        if old is None:
            draft.changed = {key for key in shape.told if new[key] is not None}
            draft.changed.update(key for key, targets in draft.links.items() if targets)
            continue
        draft.changed = {key for key, value in new.items() if value != old[key] and key not in _STAMPS}
        draft.changed.update(draft.secrets)
        draft.changed.update(key for key, targets in draft.links.items() if targets != draft.old_links.get(key, ()))
