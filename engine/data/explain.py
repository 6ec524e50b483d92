"""Why somebody may do something, or may not: every grant and restriction with its answer, and who could grant it.

The answers come from the same conditions that lists and changes carry, each as a column of one SELECT, so an
explanation cannot disagree with what happens. It tells of records that the person may not see: faces show it to
those who hold the permission `admin` only.
"""

# ruff: noqa: A002 - `id` is what the id of a record is called

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, case, literal_column, select

from engine.data.access import ACTION_WORDS
from engine.data.conditions import granted, parent_in_reach
from engine.data.place import Frame, Place, reading
from engine.data.reader import Reader
from engine.data.rules import Branch, RoleRules, Rule, allows, first_mask
from engine.data.statement import Binds
from engine.errors import NotFound
from engine.expression import compile_sql, to_text
from engine.i18n import Message
from engine.ids import is_id
from engine.metadata.model import ACTIONS, Entity, Role

_YES, _NO = Message("yes"), Message("no")
_ALONE = frozenset({"read", "create"})

_MASKS = {
    "hidden": Message("hidden"),
    "masked": Message("masked"),
    "read": Message("readable"),
    "write": Message("writable"),
}

ROW_WORDS: dict[str, Message] = {
    "all": Message("all records"),
    "own": Message("one's own records"),
    "subordinates": Message("records of subordinates"),
    "team": Message("records of the team"),
    "department": Message("records of the department"),
    "shared": Message("records that are shared"),
}
"""How named rows are called in a sentence."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """Whether it is granted, each reason in order, and the roles that would grant it if the person had them."""

    granted: bool
    lines: tuple[Message, ...]
    who_could_grant: tuple[str, ...]
    """Keys of roles."""


def explain(reader: Reader, action: str, entity: str, id: str | None = None, field: str | None = None) -> Explanation:
    """Explain what the reader's principal may do: with an entity, one record of it, one field.

    Raises:
        NotFound: there is no such entity, action, record or field at all.
    """
    known = reader.model.entity(entity)
    if field is not None and field not in known.fields:
        raise NotFound(Message("There is no {key}", key=f"{entity}.{field}"))
    if id is not None and not is_id(id):
        raise NotFound(Message("There is no such record"))
    if action not in ACTIONS:
        raise NotFound(Message("There is no action {key}; there are {known}", key=action, known=", ".join(ACTIONS)))
    rules = reader.access.roles
    lines: list[Message] = [_holder(reader)]
    answer = _scope(rules, entity, action, lines)
    for each in (action,) if action in _ALONE else ("read", action):
        # What may not be read may not be changed either.
        answer &= _action(reader, known, each, id, lines)
    if field is not None:
        answer &= _field(rules, known, action, field, lines)
    could = () if answer else tuple(_who_could(reader, known, action, id, field))
    return Explanation(answer, tuple(lines), could)


def _holder(reader: Reader) -> Message:
    principal = reader.principal
    if principal.system:
        return Message("The system may do everything with every record; secrets stay closed")
    return Message("{name} has the roles {roles}", name=principal.name, roles=", ".join(sorted(principal.roles)) or "-")


def _scope(rules: RoleRules, entity: str, action: str, lines: list[Message]) -> bool:
    if allows(rules.scopes, entity, action):
        return True
    lines.append(Message("The token's scopes do not reach {action} of {entity}", action=action, entity=entity))
    return False


def _action(reader: Reader, entity: Entity, action: str, id: str | None, lines: list[Message]) -> bool:
    rule = reader.access.rule(entity.key, action)
    word = ACTION_WORDS[action]
    if rule.nobody:
        lines.append(Message("No role grants to {action} {plural}", action=word, plural=entity.plural))
        return False
    answers = _answers(reader, entity, rule, id)
    for each in rule.restricts:
        kept = _verdict(answers, f"restrict {each.role} {each.name}")
        text = to_text(each.condition)
        lines.append(
            Message(
                "The role {role} restricts to {condition} ({name}): {kept}",
                role=each.role,
                condition=text,
                name=each.name,
                kept=kept,
            )
        )
    for number, way in enumerate(rule.ways):
        if way.parent is not None:
            inside = _verdict(answers, f"parent {number}")
            parent = reader.model.entity(way.parent.entity).label
            lines.append(Message("Its {parent} is in reach: {inside}", parent=parent, inside=inside))
        for place, branch in enumerate(way.branches):
            through = _verdict(answers, f"branch {number} {place}")
            rows = _rows(branch)
            lines.append(
                Message(
                    "The role {role} grants to {action} {rows}: {through}",
                    role=branch.role,
                    action=word,
                    rows=rows,
                    through=through,
                )
            )
    if answers is None:
        return True
    return bool(answers["granted"])


def _rows(branch: Branch) -> Any:
    return ROW_WORDS[branch.rows] if isinstance(branch.rows, str) else to_text(branch.rows)


def _verdict(answers: dict[str, bool] | None, key: str) -> Message:
    if answers is None:
        return Message("it depends on the record")
    return _YES if answers[key] else _NO


def _answers(reader: Reader, entity: Entity, rule: Rule, id: str | None) -> dict[str, bool] | None:
    """Return what each part of a rule says of a record; None when it is about no record in particular.

    Raises:
        NotFound: there is no such record.
    """
    if id is None:
        return None
    frame = _frame(reader, reader.access.roles)
    place = frame.root(entity.key).inline
    parts: dict[str, ColumnElement[Any]] = {}
    for each in rule.restricts:
        parts[f"restrict {each.role} {each.name}"] = compile_sql(each.condition, place.scope(asking=False))
    for number, way in enumerate(rule.ways):
        if way.parent is not None:
            parts[f"parent {number}"] = parent_in_reach(way.parent, place)
        for at, branch in enumerate(way.branches):
            parts[f"branch {number} {at}"] = granted(branch, rule.action, place)
    reach = place.reach(rule.action)
    parts["granted"] = reach[0] if reach else literal_column("1 = 1")
    row = _one(reader, frame, place, list(parts.values()), id)
    if row is None:
        raise NotFound(Message("There is no such record"))
    return {key: bool(value) for key, value in zip(parts, row, strict=True)}


def _frame(reader: Reader, rules: RoleRules) -> Frame:
    kind = reader.kind
    return Frame(kind, reader.published.tables, rules, Binds(kind))


def _one(
    reader: Reader, frame: Frame, place: Place, parts: list[ColumnElement[Any]], id: str
) -> tuple[Any, ...] | None:
    flags = [case((part, 1), else_=0).label(f"c{number}") for number, part in enumerate(parts)]
    asked = place.alias.c.id == frame.binds.value("id", place.alias.c.id.type)
    statement = frame.binds.finish(select(place.alias.c.id, *flags).select_from(place.alias).where(asked))
    rows = statement.rows(reader.connection, {**reader.access.env(), "id": id})
    return rows[0][1:] if rows else None


def _field(rules: RoleRules, entity: Entity, action: str, key: str, lines: list[Message]) -> bool:
    label = entity.fields[key].label
    for role in rules.roles:
        mask = first_mask(rules, role, entity, key)
        if mask is not None:
            lines.append(
                Message("The role {role} gives {field} as {mask}", role=role.key, field=label, mask=_MASKS[mask])
            )
    seen = reading(rules, entity, key)
    lines.append(Message("{field} is seen as {mask}", field=label, mask=_MASKS[seen]))
    if action in {"read", "export"}:
        return seen == "read"
    may = key in rules.writable(entity.key)
    lines.append(Message("{field} may be written: {may}", field=label, may=_YES if may else _NO))
    return may


def _who_could(reader: Reader, entity: Entity, action: str, id: str | None, field: str | None) -> Iterable[str]:
    """Yield the roles with which the person could do it."""
    held = reader.principal.roles
    for role in reader.model.roles.values():
        if role.key not in held and _would(reader, entity, action, id, field, role):
            yield role.key


def _would(reader: Reader, entity: Entity, action: str, id: str | None, field: str | None, role: Role) -> bool:
    rules = RoleRules(reader.model, reader.principal.roles | {role.key}, scopes=reader.principal.scopes)
    asked = (action,) if action in _ALONE else ("read", action)
    if any(rules.rule(entity.key, each).nobody for each in asked):
        return False
    if field is not None:
        may = (
            reading(rules, entity, field) == "read"
            if action in {"read", "export"}
            else field in rules.writable(entity.key)
        )
        if not may:
            return False
    if id is None:
        return True
    frame = _frame(reader, rules)
    place = frame.root(entity.key).inline
    row = _one(reader, frame, place, [part for each in asked for part in place.reach(each)], id)
    return row is not None and all(row)
