"""`update_where`: one value for many records, in two statements where nothing has to look at the rows one by one.

The fast path writes history from the rows that are there and changes them, in as many steps as it takes to say so in
SQL. It is taken only when no rule, formula, rollup, search word or plugin could want to see a row. `why_rows` says what
is in the way, and tests hold both paths to the same result.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Select, or_, select

from engine.data import pipeline
from engine.data.answers import answers
from engine.data.batch import BulkResult, Change, Draft
from engine.data.dependencies import dependencies
from engine.data.drafts import new_batch
from engine.data.fields import refuse_masked
from engine.data.history import insert_text
from engine.data.place import Frame, Place
from engine.data.probes import IDS, can_reach, prepared, rows
from engine.data.shape import Column, Shape, is_audited
from engine.data.statement import Statement
from engine.data.steps import authorise
from engine.data.steps.authorise import check_fields
from engine.data.steps.circles import tree_links
from engine.data.steps.evaluate import Evaluation
from engine.data.steps.links import check_links
from engine.data.steps.load import locked
from engine.data.steps.normalise import normalise
from engine.data.steps.reach import fields_of_rule
from engine.data.steps.validate import check_required
from engine.data.unit import CHUNK, Unit
from engine.errors import GuanxiError, RecordInvalid
from engine.expression import Expr, compile_sql
from engine.fields import FieldType
from engine.i18n import Message

_PLAIN_KINDS = frozenset({"text", "integer", "boolean", "uuid", "decimal", "date", "datetime", "time"})


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to become of which records: those that fit a condition, or those of a list."""

    values: Mapping[str, Any]
    where: Expr | None = None
    ids: tuple[str, ...] | None = None


def update_where(unit: Unit, shape: Shape, wish: Wish, *, explain: bool = False) -> BulkResult:
    """Give some fields of many records the same values; records that the principal may not change stay as they are."""
    authorise.require_action(unit, shape.entity, "update")
    # How many records were changed would tell the value of a field that is shown as a mark.
    refuse_masked(unit.access.roles, shape.entity, wish.where)
    draft = _parsed(unit, shape, wish.values)
    if not draft.given:
        return BulkResult("set", 0, change_set=unit.change_set.id)
    why = tuple(why_rows(unit, shape, draft))
    if explain:
        return BulkResult("rows" if why else "set", 0, why)
    if not why:
        count = _by_set(unit, shape, wish, draft) if can_reach(unit, shape.entity.key, "update") else 0
        unit.change_set.note("updated", count)
        return BulkResult("set", count, change_set=unit.change_set.id)
    return BulkResult("rows", _by_rows(unit, shape, wish), why, unit.change_set.id)


def _parsed(unit: Unit, shape: Shape, values: Mapping[str, Any]) -> Draft:
    """Return the values as a draft that stands for every row.

    Raises:
        RecordInvalid: a value is wrong for every row.
    """
    draft = Draft("", 0, values, dict(shape.blank), old=dict(shape.blank))
    batch = new_batch(unit, shape, "update", [draft])
    check_fields(unit, shape, batch)
    normalise(unit, shape, batch)
    draft.changed = set(values)
    check_required(shape, batch, Evaluation(unit, shape, batch))
    if not batch.problems:
        check_links(unit, shape, batch)
    if batch.problems:
        raise RecordInvalid(batch.problems)
    return draft


def why_rows(unit: Unit, shape: Shape, draft: Draft) -> Iterator[Message]:
    """Yield what needs to see the rows one by one when these fields change."""
    entity, keys = shape.entity, frozenset(draft.given)
    yield from _because_of_fields(shape, keys)
    yield from _because_of_rules(shape, keys)
    known = dependencies(unit.published.model)
    if not keys.isdisjoint(known.rollup_fields.get(entity.key, frozenset())):
        yield Message("Other records add it up")
    if any((entity.key, key) in known.followers for key in keys):
        yield Message("Formulas of other records read it")
    if entity.parent is not None:
        yield Message("A change of a row is a change of its parent")
    rule = unit.access.rule(entity.key, "update")
    if not rule.everybody and not keys.isdisjoint(fields_of_rule(unit, entity.key, "update")):
        yield Message("Who may change a record depends on it")
    if "owner" in keys and not unit.access.rule(entity.key, "transfer").everybody:
        yield Message("Records are handed over one by one")
    if any(unit.hooks.listens(hook, entity.key, keys) for hook in ("before_save", "changed", "after_save")):
        yield Message("A plugin or an automation follows the changes of {plural}", plural=entity.plural)


def _because_of_rules(shape: Shape, keys: frozenset[str]) -> Iterator[Message]:
    entity = shape.entity
    if entity.states is not None and entity.states.field in keys:
        yield Message("{label} moves along transitions", label=entity.fields[entity.states.field].label)
    for rule in shape.unique:
        if not keys.isdisjoint(column.key for column in rule.columns):
            yield Message("The unique rule {key} looks at it", key=rule.key)
    for field, condition in shape.formulas:
        if condition.listens(keys):
            yield Message("The formula {label} is worked out from it", label=field.label)
    for each in shape.checks:
        if each.condition.listens(keys):
            yield Message("The check {key} looks at it", key=each.check.key)
    for other in shape.fields.values():
        conditions = [
            each for each in (other.required_when, other.read_only_when, *other.options_when.values()) if each
        ]
        if conditions and (other.field.key in keys or any(each.listens(keys) for each in conditions)):
            yield Message("Rules of {label} look at it", label=other.field.label)


def _because_of_fields(shape: Shape, keys: frozenset[str]) -> Iterator[Message]:
    for key in keys:
        field, column = shape.entity.fields[key], shape.by_key.get(key)
        if column is None:
            yield Message("{label} is kept in a table of its own", label=field.label)
        elif column.sealed:
            yield Message("{label} is encrypted for each record", label=field.label)
        elif key in shape.searched:
            yield Message("{label} is found by its words", label=field.label)
        elif shape.compared is not None and key in shape.compared.fields:
            yield Message("Duplicates are told by {label}", label=field.label)
        elif key in tree_links(shape.model, shape.entity):
            yield Message("{label} must not lead round in a circle", label=field.label)
        elif field.where is not None:
            yield Message("What may be chosen for {label} depends on the record", label=field.label)
        elif not _said_in_sql(column):
            yield Message("The history of {label} is not written in SQL", label=field.label)


def _said_in_sql(column: Column) -> bool:
    """Say whether SQL can write a value of the column as history has it."""
    storage = column.field.storage
    if storage is None or storage.kind not in _PLAIN_KINDS:
        return False
    return (
        storage.kind in {"decimal", "date", "datetime", "time"} or type(column.field.type).to_json is FieldType.to_json
    )


# --- two statements ---------------------------------------------------------------------------------------------


def _by_set(unit: Unit, shape: Shape, wish: Wish, draft: Draft) -> int:
    columns = [shape.by_key[key] for key in draft.given]
    statement = _chosen(unit, shape, wish, columns)
    encoded = [
        value if value is None or column.encode is None else column.encode(value)
        for column in columns
        for value in (draft.new[column.key],)
    ]
    given = {
        **unit.env,
        IDS: list(wish.ids or ()),
        **{f"new.{c.key}": v for c, v in zip(columns, encoded, strict=True)},
    }
    chosen = statement.parameters(given)
    phrases = unit.phrases
    stamps: list[Any] = [shape.by_key[key] for key in ("updated_at", "updated_by")]
    sets = ", ".join(f"{column.name} = {phrases.mark}" for column in (*columns, *stamps))
    version, identity = shape.by_key["version"].name, shape.by_key["id"].name
    change = [*encoded, unit.at, unit.principal.id]
    history, told = _history(unit, shape, columns, draft)
    update = f"UPDATE {shape.table} SET {sets}, {version} = {shape.table}.{version} + 1"  # noqa: S608 - names of the Model
    if phrases.kind == "sqlite":
        # One writer at a time: both statements see the same rows.
        cursor = unit.run(f"{history} FROM ({statement.text}) AS o", [*told, *chosen])
        chosen_ids = f"SELECT o.id FROM ({statement.text}) AS o"  # noqa: S608 - names of the Model
        unit.run(f"{update} WHERE {identity} IN ({chosen_ids})", [*change, *chosen])
        return int(cursor.rowcount)
    changed = f"{update} FROM o WHERE {shape.table}.{identity} = o.id"
    text = f"WITH o AS ({statement.text}), changed AS ({changed}) {history} FROM o"
    return int(unit.run(text, [*chosen, *change, *told]).rowcount)


def _chosen(unit: Unit, shape: Shape, wish: Wish, columns: Sequence[Column]) -> Statement:
    """Return the SELECT of the rows that change: their id, version and old values."""

    def build(frame: Frame, place: Place) -> Select[Any]:
        found: list[ColumnElement[Any]] = [place.alias.c.id.label("id"), place.alias.c.version.label("version")]
        differs = []
        for number, column in enumerate(columns):
            old = place.alias.c[column.key]
            found.append(old.label(f"old_{number}"))
            assert column.field.storage is not None  # noqa: S101 - it has a column
            new = frame.binds.value(f"new.{column.key}", old.type)
            differs.append(old.is_distinct_from(new))
        chosen = select(*found).select_from(place.source).where(or_(*differs), *_restrict(frame, place, wish))
        if frame.kind == "postgresql":
            # Writers that lock the same rows do so in the same order.
            chosen = chosen.order_by(place.alias.c.id)
        return locked(chosen, place, "change")

    keys = tuple(column.key for column in columns)
    # Conditions and sets of fields come from outside and may be any; what is kept must be few.
    kept = wish.where is None and len(keys) == 1
    return prepared(unit, shape.entity.key, ("mass", keys) if kept else None, build)


def _restrict(frame: Frame, place: Place, wish: Wish) -> Iterator[ColumnElement[Any]]:
    yield place.alias.c.deleted_at.is_(None)
    yield from place.reach("read")
    yield from place.reach("update")
    if wish.ids is not None:
        yield place.alias.c.id.in_(frame.binds.listed(IDS))
    if wish.where is not None:
        yield compile_sql(wish.where, place.scope(asking=True))


def _history(unit: Unit, shape: Shape, columns: Sequence[Column], draft: Draft) -> tuple[str, list[Any]]:
    """Return the beginning of INSERT ... SELECT into the history, up to its FROM, and its parameters."""
    sqlite, mark = unit.phrases.kind == "sqlite", unit.phrases.mark
    parts, values = [], []
    for number, column in enumerate(columns):
        if not is_audited(column.field):
            continue
        old = _json_of(column, f"o.old_{number}", sqlite=sqlite)
        new = draft.new[column.key]
        shown = new if new is None or column.to_json is None else column.to_json(new)
        if sqlite:
            parts.append(f"{mark}, json_array({old}, json({mark}))")
        else:
            parts.append(f"{mark}::text, jsonb_build_array({old}, {mark}::jsonb)")
        values += [column.key, orjson.dumps(shown).decode()]
    changes = f"json_object({', '.join(parts)})" if sqlite else f"jsonb_build_object({', '.join(parts)})"
    head = insert_text(mark).partition(" VALUES ")[0]
    select_list = f"{mark}, o.id, o.version + 1, 'update', {changes}, {mark}, {mark}, {mark}, {mark}"
    if not sqlite:
        select_list = (
            f"{mark}::text, o.id, o.version + 1, 'update', {changes}, {mark}::uuid, {mark}::text, "
            f"{mark}::timestamptz, {mark}::uuid"
        )
    at = unit.at
    told = [shape.entity.key, *values, unit.principal.id, unit.via, at, unit.change_set.id]
    return f"{head} SELECT {select_list}", told


def _json_of(column: Column, name: str, *, sqlite: bool) -> str:
    """Return SQL for the JSON value that history has of a stored value."""
    storage = column.field.storage
    assert storage is not None  # noqa: S101 - it has a column
    if storage.kind == "decimal":
        if not sqlite:
            return f"to_jsonb({name}::text)"
        if storage.scale == 0:
            return f"CAST({name} AS TEXT)"
        unit = 10**storage.scale
        digits = f"printf('%0{storage.scale}d', abs({name}) % {unit})"
        return f"CASE WHEN {name} < 0 THEN '-' ELSE '' END || CAST(abs({name}) / {unit} AS TEXT) || '.' || {digits}"
    if storage.kind == "boolean" and sqlite:
        return f"json(CASE {name} WHEN 1 THEN 'true' WHEN 0 THEN 'false' END)"
    if sqlite:
        return name
    if storage.kind == "datetime":
        text = f"to_char({name} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')"
        return f"to_jsonb({text})"
    if storage.kind == "time":
        return f"to_jsonb(to_char({name}, 'HH24:MI:SS'))"
    return f"to_jsonb({name})"


# --- row by row -------------------------------------------------------------------------------------------------------


def _by_rows(unit: Unit, shape: Shape, wish: Wish) -> int:
    """Take the records that the wish is about through all steps."""

    def build(frame: Frame, place: Place) -> Select[Any]:
        chosen = select(place.alias.c.id).select_from(place.source).where(*_restrict(frame, place, wish))
        return chosen.order_by(place.alias.c.id)

    statement = prepared(unit, shape.entity.key, None, build)
    ids = [row[0] for row in rows(unit, statement, {IDS: list(wish.ids or ())})]
    count = 0
    errors: list[GuanxiError] = []
    for start in range(0, len(ids), CHUNK):
        changes = [Change(id_, wish.values) for id_ in ids[start : start + CHUNK]]
        batch = pipeline.update(unit, shape, changes, start)
        for each in answers(unit, shape, batch).values():
            if isinstance(each, GuanxiError):
                errors.append(each)
            else:
                count += each.action == "updated"
    problems = [problem for error in errors if isinstance(error, RecordInvalid) for problem in error.problems]
    if problems:
        raise RecordInvalid(problems)
    if errors:
        raise errors[0]
    return count
