"""Moves what hangs on a record to another one: links, child rows, comments, files, shares, followers and stars."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from engine.data.batch import Draft
from engine.data.consequences import finish
from engine.data.drafts import new_batch, stored_draft
from engine.data.incoming import Incoming, incoming, linking_rows
from engine.data.steps import persist
from engine.data.steps.evaluate import Evaluation
from engine.data.steps.formulas import work_out
from engine.data.steps.load import load, load_links
from engine.data.steps.unique import check_unique
from engine.data.unit import CHUNK, Unit
from engine.errors import FieldProblem, RecordInvalid
from engine.i18n import Message, Text
from engine.metadata.model import Model

_OWN_ROWS: Mapping[str, tuple[str, ...]] = {
    "share": ("kind", "principal_id", "level", "cause", "until", "cascades", "made_by", "made_at"),
    "record_follow": ("user_id", "follows", "made_at"),
    "record_pin": ("comment_id", "made_by", "made_at"),
    "person_star": ("user_id", "at"),
}
"""Engine tables with rows about a record, and the columns that are copied besides `entity` and `record_id`."""
_KEYS: Mapping[str, tuple[str, ...]] = {
    "share": ("principal_id", "cause"),
    "record_follow": ("user_id",),
    "record_pin": ("comment_id",),
    "person_star": ("user_id",),
}


@dataclass(frozen=True, slots=True)
class Hanging:
    """A way in which records hang on those of an entity: by a link, or as its comments and files."""

    entity: str
    """What hangs."""
    link: Incoming | None
    """None for comments and files, which name their record."""
    label: Text


def hangings(model: Model, entity: str) -> tuple[Hanging, ...]:
    """Return what may hang on records of an entity, worked out once per Model."""
    return model.derive(("hanging", entity), lambda: tuple(_find(model, entity)))


def _find(model: Model, entity: str) -> Iterator[Hanging]:
    for link in incoming(model, entity):
        field = link.field
        if link.on_delete != "leave" and (field.writable or field.key == model.entity(field.entity).parent_field):
            yield Hanging(field.entity, link, model.entity(field.entity).plural)
    for key in ("comment", "file"):
        if key in model.entities and entity not in {"comment", "file"}:
            yield Hanging(key, None, model.entity(key).plural)


def hanging_on(unit: Unit, hanging: Hanging, entity: str, ids: Sequence[str]) -> list[tuple[str, str]]:
    """Return (record, what it hangs on) of live records that hang on some of `ids` in one way."""
    if hanging.link is not None:
        return linking_rows(unit, hanging.link, ids)
    shape = unit.shape(hanging.entity)
    name = {key: shape.by_key[key].name for key in ("id", "record_entity", "record_id", "deleted_at")}
    text = (
        f"SELECT {name['id']}, {name['record_id']} FROM {shape.table}"  # noqa: S608 - names of the Model
        f" WHERE {name['record_entity']} = {unit.phrases.mark}"
        f" AND {unit.phrases.is_in(name['record_id'], 'text')} AND {name['deleted_at']} IS NULL"
    )
    return [(row[0], row[1]) for row in unit.run(text, (entity, unit.ids(ids))).fetchall()]


def move(unit: Unit, entity: str, losers: Sequence[str], survivor: str) -> dict[str, int]:
    """Let everything hang on the survivor that hangs on the losers; return by entity how many records were moved.

    Nobody's rights over what moves are asked: who may delete a record decides about its links.

    Raises:
        RecordInvalid: two of them would be the same there.
    """
    moved: dict[str, int] = {}
    going = frozenset(losers)
    for hanging in hangings(unit.published.model, entity):
        held = hanging_on(unit, hanging, entity, losers)
        # Among themselves the records lead nowhere any more.
        ids = list(dict.fromkeys(holder for holder, _ in held if hanging.entity != entity or holder not in going))
        for start in range(0, len(ids), CHUNK):
            count = _move(unit, hanging, ids[start : start + CHUNK], going, survivor)
            moved[hanging.entity] = moved.get(hanging.entity, 0) + count
    return moved


def _move(unit: Unit, hanging: Hanging, ids: Sequence[str], going: frozenset[str], survivor: str) -> int:
    shape = unit.shape(hanging.entity)
    stored = load(unit, shape, ids)
    drafts = [stored_draft(found) for found in stored.values()]
    if hanging.link is None:
        for draft in drafts:
            draft.new["record_id"] = survivor
            draft.changed.add("record_id")
    else:
        _lead(unit, hanging.link, drafts, going, survivor)
    batch = new_batch(unit, shape, "update", drafts)
    batch.computed = True
    work_out(shape, drafts, Evaluation(unit, shape, batch))
    check_unique(unit, shape, batch)
    if batch.problems:
        problem = batch.problems[0].message
        message = Message("{plural} cannot be brought together: {why}", plural=shape.entity.plural, why=problem)
        raise RecordInvalid([FieldProblem("", message, "unique")])
    persist.update(unit, shape, drafts)
    finish(unit, shape, batch, drafts)
    unit.change_set.note("updated", len(drafts))
    return len(drafts)


def _lead(unit: Unit, link: Incoming, drafts: Sequence[Draft], going: frozenset[str], survivor: str) -> None:
    """Put the survivor in the place of the losers in a link field; a survivor that leads to itself leads nowhere."""
    key = link.field.key
    many = load_links(unit, link.field, [draft.id for draft in drafts]) if link.many else {}
    prefix = f"{link.entity}/" if link.field.type.links == "any" else ""
    for draft in drafts:
        draft.changed.add(key)
        if link.many:
            draft.old_links[key] = many.get(draft.id, ())
            led = (survivor if each in going else each for each in draft.old_links[key])
            draft.links[key] = tuple(dict.fromkeys(each for each in led if each != draft.id))
        else:
            draft.new[key] = prefix + survivor if draft.id != survivor else None


def copy_rows(unit: Unit, entity: str, losers: Sequence[str], survivor: str) -> dict[str, list[list[Any]]]:
    """Give the survivor the shares, followers and stars of the losers; return by table the keys of what was added."""
    added: dict[str, list[list[Any]]] = {}
    phrases = unit.phrases
    for table, keys in _KEYS.items():
        columns = ", ".join(_OWN_ROWS[table])
        names = ", ".join(keys)
        where = f"entity = {phrases.mark} AND {phrases.is_in('record_id')}"
        before = {
            tuple(row)
            for row in unit.run(
                f"SELECT {names} FROM {table} WHERE {where}",  # noqa: S608 - constants
                (entity, unit.ids([survivor])),
            ).fetchall()
        }
        unit.run(
            f"INSERT INTO {table} (entity, record_id, {columns}) SELECT entity, {phrases.mark}{_cast(unit)}, {columns}"  # noqa: S608
            f" FROM {table} WHERE {where} ON CONFLICT DO NOTHING",
            (survivor, entity, unit.ids(losers)),
        )
        after = unit.run(f"SELECT {names} FROM {table} WHERE {where}", (entity, unit.ids([survivor]))).fetchall()  # noqa: S608
        fresh = [[str(each) for each in row] for row in after if tuple(row) not in before]
        if fresh:
            added[table] = fresh
    return added


def take_rows(unit: Unit, entity: str, survivor: str, added: Mapping[str, Sequence[Sequence[Any]]]) -> None:
    """Take away what `copy_rows` has given the survivor."""
    mark = unit.phrases.mark
    for table, rows in added.items():
        keys = " AND ".join(f"{key} = {mark}" for key in _KEYS[table])
        unit.run_many(
            f"DELETE FROM {table} WHERE entity = {mark} AND record_id = {mark} AND {keys}",  # noqa: S608 - constants
            [(entity, survivor, *row) for row in rows],
        )


def _cast(unit: Unit) -> str:
    return "" if unit.phrases.kind == "sqlite" else "::uuid"


def added_from_json(raw: Any) -> dict[str, list[list[Any]]]:
    """Return what `copy_rows` added, as a row of `merged_record` has it."""
    found: dict[str, list[list[Any]]] = orjson.loads(raw) if isinstance(raw, (str, bytes)) else dict(raw)
    return found
