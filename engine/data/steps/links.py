"""Links: references turned into ids, and whether what they lead to exists, may be read, and may be chosen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Select, select

from engine.data.batch import Batch, Draft
from engine.data.place import Frame, Place
from engine.data.probes import IDS, can_reach, prepared, rows
from engine.data.shape import Shape
from engine.data.steps.load import locked
from engine.data.unit import Unit
from engine.expression import FieldInfo, Scope, Type, compile_sql, variables
from engine.fields.links import Reference
from engine.i18n import Message
from engine.metadata.model import Field

_ABOUT = "record."


def resolve(unit: Unit, field: Field, references: Sequence[Reference]) -> list[str | Message]:
    """Return for each reference what the field stores, or what is wrong with it; one statement per way and entity."""
    answers: list[str | Message] = [""] * len(references)
    groups: dict[tuple[str, str], list[int]] = {}
    for place, reference in enumerate(references):
        entity = reference.entity or field.target or ""
        groups.setdefault((entity, reference.by), []).append(place)
    for (entity, by), places in groups.items():
        if entity not in unit.published.model.entities:
            for place in places:
                answers[place] = Message("There is no {key}", key=entity)
            continue
        found = _look_up(unit, entity, by, {references[place].value for place in places})
        target = unit.published.model.entities[entity]
        for place in places:
            value = references[place].value
            ids = found.get(value, ())
            if len(ids) == 1:
                answers[place] = f"{entity}/{ids[0]}" if field.type.links == "any" else ids[0]
            elif ids:
                answers[place] = Message(
                    "There are {count} {plural} “{value}”", count=len(ids), plural=target.plural, value=value
                )
            else:
                answers[place] = Message("There is no {label} “{value}”", label=target.label, value=value)
    return answers


def _look_up(unit: Unit, entity: str, by: str, values: Iterable[str]) -> Mapping[str, Sequence[str]]:
    """Return the ids of readable records that have one of the values in their external id or title."""
    shape = unit.shape(entity)
    key = "external_id" if by == "external_id" else shape.entity.title
    column = shape.by_key.get(key)
    if column is None:
        return {}
    parse = shape.fields[key].parse
    encoded: dict[Any, str] = {}
    for value in values:
        parsed = parse(value)
        encoded[column.encode(parsed) if column.encode is not None else parsed] = value
    if not can_reach(unit, entity, "read"):
        return {}

    def build(frame: Frame, place: Place) -> Select[Any]:
        named = place.alias.c[key]
        wanted = frame.binds.listed("values", column.cast)
        chosen = select(place.alias.c.id, named).select_from(place.source)
        return chosen.where(named.in_(wanted), place.alias.c.deleted_at.is_(None), *place.reach("read"))

    statement = prepared(unit, entity, ("named", key), build)
    found: dict[str, list[str]] = {}
    for id_, value in rows(unit, statement, values=list(encoded)):
        found.setdefault(encoded[value], []).append(id_)
    return found


def check_links(unit: Unit, shape: Shape, batch: Batch, *, inner: bool = False) -> None:
    """Refuse links that were given or changed and lead to what does not exist, may not be read or not be chosen.

    `inner` batches hold child rows, whose parent is being written by the same call.
    """
    changed = frozenset[str]().union(*(draft.changed for draft in batch.drafts))
    for key, each in shape.link_shapes:
        if key not in changed:
            continue
        kind = each.links
        if inner and key == shape.entity.parent_field:
            continue
        if kind not in {"one", "many", "any"} or (each.column is None and kind != "many"):
            continue
        due = [(draft, ids) for draft in batch.drafts if (ids := _new_targets(draft, key, kind))]
        if not due:
            continue
        if kind == "any":
            _check_any(unit, batch, each.field, due)
        elif each.field.target is not None:
            allowed = _allowed(unit, shape, each.field, due)
            for draft, ids in due:
                if not ids <= allowed.get(draft.id, frozenset()):
                    _refuse(unit, batch, draft, each.field, each.field.target)


def _refuse(unit: Unit, batch: Batch, draft: Draft, field: Field, target: str) -> None:
    entity = unit.published.model.entities[target]
    if field.where is None:
        message = Message("{label}: there is no such {target}", label=field.label, target=entity.label)
    else:
        message = Message("{label}: there is no such {target} to choose here", label=field.label, target=entity.label)
    batch.refuse(draft, field.key, message, "link")


def _new_targets(draft: Draft, key: str, kind: str) -> set[str]:
    if key not in draft.changed:
        return set()
    if kind == "many":
        return set(draft.links.get(key, ())) - set(draft.old_links.get(key, ()))
    value = draft.new.get(key)
    return {value} if value is not None else set()


def _check_any(unit: Unit, batch: Batch, field: Field, due: Sequence[tuple[Draft, set[str]]]) -> None:
    by_entity: dict[str, set[str]] = {}
    for _, texts in due:
        for text in texts:
            entity, _, id_ = text.partition("/")
            by_entity.setdefault(entity, set()).add(id_)
    allowed: set[str] = set()
    for entity, ids in by_entity.items():
        if entity in field.targets:
            allowed.update(f"{entity}/{id_}" for id_ in readable(unit, unit.shape(entity), ids))
    for draft, texts in due:
        if not texts <= allowed:
            entity = next(iter(texts)).partition("/")[0]
            if entity in field.targets:
                _refuse(unit, batch, draft, field, entity)
            else:
                batch.refuse(draft, field.key, Message("{label} cannot lead there", label=field.label), "link")


def _allowed(
    unit: Unit, shape: Shape, field: Field, due: Sequence[tuple[Draft, set[str]]]
) -> Mapping[str, frozenset[str]]:
    """Return for each draft which of the chosen records may be chosen."""
    target = unit.shape(field.target or "")
    about = sorted(
        name.removeprefix(_ABOUT) for name in (variables(field.where) if field.where else ()) if name.startswith(_ABOUT)
    )
    groups: dict[tuple[Any, ...], list[tuple[Draft, set[str]]]] = {}
    for draft, ids in due:
        groups.setdefault(tuple(draft.new.get(key) for key in about), []).append((draft, ids))
    answer: dict[str, frozenset[str]] = {}
    for values, members in groups.items():
        env = {f"{_ABOUT}{key}": value for key, value in zip(about, values, strict=True)}
        wanted = set().union(*(ids for _, ids in members))
        found = frozenset(readable(unit, target, wanted, field, env, shape.scope))
        answer.update({draft.id: found for draft, _ in members})
    return answer


def readable(
    unit: Unit,
    shape: Shape,
    ids: Iterable[str],
    field: Field | None = None,
    env: Mapping[str, Any] | None = None,
    around: Scope | None = None,
) -> list[str]:
    """Return those of the records that are live, may be read by the principal and fit the field's `where`.

    They are locked as linked: others may change them, but not take them away before this transaction ends. `env` and
    `around` are values and types of `record.*` in the condition.
    """
    wanted = set(ids)
    found: list[str] = []
    entity = shape.entity.key
    where = field.where if field is not None else None
    if entity == "user" and unit.principal.id in wanted and where is None:
        # Everybody may name themselves.
        found.append(unit.principal.id)
        wanted.discard(unit.principal.id)
    if not wanted or not can_reach(unit, entity, "read"):
        return found

    def build(frame: Frame, place: Place) -> Select[Any]:
        chosen = select(place.alias.c.id).select_from(place.source)
        chosen = chosen.where(place.alias.c.id.in_(frame.binds.listed(IDS)), place.alias.c.deleted_at.is_(None))
        chosen = chosen.where(*place.reach("read"))
        if where is not None:
            chosen = chosen.where(compile_sql(where, place.scope(asking=False)))
        return locked(chosen.order_by(place.alias.c.id), place, "link")

    params = {name: _info(around, name) for name in (env or {})}
    key = ("readable", field.entity, field.key) if where is not None and field is not None else ("readable",)
    statement = prepared(unit, entity, key, build, params)
    return found + [row[0] for row in rows(unit, statement, env, ids=sorted(wanted))]


def _info(around: Scope | None, name: str) -> FieldInfo:
    info = around.field(name.removeprefix(_ABOUT)) if around is not None else None
    return info if info is not None else FieldInfo(Type.TEXT)
