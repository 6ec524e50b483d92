"""Create or change: each row is matched by its id, its external id or any unique rule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from engine.data import pipeline
from engine.data.batch import Batch, Change
from engine.data.probes import reached
from engine.data.shape import Column, Shape
from engine.data.steps import links
from engine.data.unit import Unit
from engine.errors import BadValue, GuanxiError, NotFound, RecordInvalid
from engine.fields.links import Reference
from engine.i18n import Message

ONLY = ("create", "update")


class AlreadyThere(GuanxiError):
    """A record is there that was to be made, and nothing was changed."""


def only(on: str, mode: str) -> str:
    """Return a way of matching by which rows are created, or updated, alone; `mode` is of ONLY or anything else."""
    return f"{on} {mode}" if mode in ONLY else on


def key_columns(shape: Shape, on: str) -> tuple[Column, ...]:
    """Return the columns that tell records apart by a way of matching.

    Raises:
        RecordInvalid: there is no unique rule or unique field of that name.
    """
    if on == "id":
        return (shape.by_key["id"],)
    for rule in shape.unique:
        keys = tuple(column.key for column in rule.columns)
        if on in {rule.key, *(column.field.blind_of for column in rule.columns if len(keys) == 1)} or keys == (on,):
            return rule.columns
    from engine.errors import FieldProblem

    label = shape.entity.plural
    raise RecordInvalid(
        [FieldProblem("", Message("{plural} cannot be told apart by {key}", plural=label, key=on), "on")]
    )


def upsert(unit: Unit, shape: Shape, rows: Sequence[Mapping[str, Any]], first_row: int, on: str) -> list[Batch]:
    """Change the records that rows match and create the others; a key that comes twice changes what it created.

    `on` may be what `only` returned: then rows of the other kind get an error each.
    """
    on, _, mode = on.partition(" ")
    columns = key_columns(shape, on)
    keys = [_key(unit, shape, columns, row) for row in rows]
    batches: list[Batch] = []
    waiting = list(range(len(rows)))
    while waiting:
        now: list[int] = []
        later: list[int] = []
        seen: set[tuple[Any, ...]] = set()
        for place in waiting:
            key = keys[place]
            (later if key is not None and key in seen else now).append(place)
            if key is not None:
                seen.add(key)
        batches += _write(unit, shape, columns, rows, keys, now, first_row, mode)
        waiting = later
    return batches


def _write(
    unit: Unit,
    shape: Shape,
    columns: Sequence[Column],
    rows: Sequence[Mapping[str, Any]],
    keys: Sequence[tuple[Any, ...] | None],
    places: Sequence[int],
    first_row: int,
    mode: str,
) -> list[Batch]:
    known = _match(unit, shape, columns, {key for place in places if (key := keys[place]) is not None})
    made = [place for place in places if keys[place] is None or keys[place] not in known]
    changed = [place for place in places if place not in set(made)]
    batches = []
    if mode:
        left, error = (made, _nobody(shape)) if mode == "update" else (changed, _already(shape))
        refused = Batch(unit.published.model, shape.entity, "update", unit.principal, [])
        refused.errors = dict.fromkeys((first_row + place for place in left), error)
        batches.append(refused)
        made, changed = ([], changed) if mode == "update" else (made, [])
    if made:
        batch = pipeline.create(unit, shape, [rows[place] for place in made], 0)
        batches.append(_placed(batch, [first_row + place for place in made]))
    if changed:
        changes = []
        for place in changed:
            values = dict(rows[place])
            values.pop("id", None)
            changes.append(Change(known[keys[place] or ()], values, values.pop("version", None)))
        batches.append(_placed(pipeline.update(unit, shape, changes, 0), [first_row + place for place in changed]))
    return batches


def _nobody(shape: Shape) -> GuanxiError:
    return NotFound(Message("There is no such {label} to update", label=shape.entity.label))


def _already(shape: Shape) -> GuanxiError:
    return AlreadyThere(Message("There is such a {label} already", label=shape.entity.label))


def _placed(batch: Batch, rows: Sequence[int]) -> Batch:
    """Return a batch whose rows carry their places in the caller's list."""
    from dataclasses import replace

    for draft in batch.drafts:
        draft.row = rows[draft.row]
    batch.problems = [replace(each, row=rows[each.row]) for each in batch.problems]
    batch.warnings = [replace(each, row=rows[each.row]) for each in batch.warnings]
    batch.errors = {rows[row]: error for row, error in batch.errors.items()}
    return batch


def _key(unit: Unit, shape: Shape, columns: Sequence[Column], row: Mapping[str, Any]) -> tuple[Any, ...] | None:
    """Return the values by which a row is matched, as the driver has them; None when one is missing or wrong."""
    key = []
    for column in columns:
        secret = column.field.blind_of
        given = secret or column.key
        try:
            value = shape.fields[given].parse(row.get(given))
        except BadValue:
            # The steps of the create say what is wrong with it.
            return None
        if isinstance(value, Reference):
            value = links.resolve(unit, column.field, [value])[0]
        if value is None or isinstance(value, Message):
            return None
        if secret:
            value = unit.blind(shape, secret, value)
        key.append(value if column.encode is None else column.encode(value))
    return tuple(key)


def _match(
    unit: Unit, shape: Shape, columns: Sequence[Column], keys: set[tuple[Any, ...]]
) -> dict[tuple[Any, ...], str]:
    """Return the live records that have one of the keys, by key; those that the principal may at least read."""
    if not keys:
        return {}
    phrases = unit.phrases
    names = [column.name for column in columns]
    if len(columns) == 1:
        condition = phrases.is_in(names[0], columns[0].cast)
        values = [phrases.values(key[0] for key in keys)]
    else:
        condition = phrases.tuples_in(names, [column.cast for column in columns])
        values = phrases.tuples(list(keys))
    text = (
        f"SELECT {shape.by_key['id'].name}, {', '.join(names)} FROM {shape.table} "  # noqa: S608 - names of the Model
        f"WHERE {shape.by_key['deleted_at'].name} IS NULL AND {condition}"
    )
    found = {tuple(row[1:]): row[0] for row in unit.run(text, values).fetchall()}
    visible = reached(unit, shape.entity.key, "read", found.values())
    # What may not be read is not changed; the create then says that the value is taken, and nothing more.
    return {key: id_ for key, id_ in found.items() if id_ in visible}
