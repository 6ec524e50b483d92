"""What each part of a rule says of one record: the conditions that lists carry, each as a column of one SELECT."""

# ruff: noqa: A002 - `id` is what the id of a record is called

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, case, literal_column, select

from engine.data.about import about_in_reach
from engine.data.access import ACTION_WORDS
from engine.data.asking import stored
from engine.data.conditions import condition, granted, parent_in_reach
from engine.data.place import Frame, Place
from engine.data.principal import zone
from engine.data.rules import Branch, RoleRules, Rule
from engine.data.shared import causes
from engine.data.statement import Binds
from engine.data.telling import SOMEBODY, Audience
from engine.errors import NotFound
from engine.expression import Call, Expr, Literal, Path, compile_sql
from engine.i18n import Message
from engine.metadata.model import Entity, Field

if TYPE_CHECKING:
    from engine.data.reader import Reader
    from engine.data.sharing import Share

_YES, _NO = Message("yes"), Message("no")
_ALONE = frozenset({"read", "create"})
_OF_OTHERS = frozenset({"any", "all", "count", "sum_of"})
"""Functions whose conditions are about other records."""

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
class Verdicts:
    """What the parts of a rule say of a record, by name; `granted` is the whole of it."""

    id: str
    answers: dict[str, bool]

    @property
    def granted(self) -> bool:
        """Say whether the rule lets the record through."""
        return self.answers["granted"]

    @property
    def trashed(self) -> bool:
        """Say whether the record lies in the recycle bin."""
        return self.answers["trashed"]

    @classmethod
    def of_condition(cls, reader: Reader, entity: Entity, expr: Expr, id: str) -> bool:
        """Say whether a condition of the model holds for a record."""
        frame = _frame(reader, reader.access.roles)
        place = frame.root(entity.key).inline
        row = _one(reader, frame, place, [compile_sql(expr, place.scope(asking=False))], id)
        return row is not None and bool(row[0])


def stays_in_reach(reader: Reader, entity: Entity, rule: Rule, id: str, key: str, value: str) -> bool:
    """Say whether a record would still be in reach of a rule with another value in a field, as a write is judged."""
    frame = _frame(reader, reader.access.roles)
    place = frame.root(entity.key).inline
    row = _one(reader, frame, place, [condition(_with(rule, key, value), place)], id)
    return row is not None and bool(row[0])


def _with(rule: Rule, key: str, value: str) -> Rule:
    """Return a rule as it speaks of rows that have a value in a field."""

    def put(expr: Expr) -> Expr:
        if expr == Path((key,)):
            return Literal(value)
        if isinstance(expr, Call) and expr.name not in _OF_OTHERS:
            return replace(expr, args=tuple(put(each) for each in expr.args))
        return expr

    ways = tuple(
        replace(way, branches=tuple(
            branch if isinstance(branch.rows, str) else replace(branch, rows=put(branch.rows))
            for branch in way.branches
        ))
        for way in rule.ways
    )  # fmt: skip
    restricts = tuple(replace(each, condition=put(each.condition)) for each in rule.restricts)
    return replace(rule, restricts=restricts, ways=ways)


def asked_actions(action: str) -> tuple[str, ...]:
    """Return the actions that must reach a record for one: what may not be read may not be changed either."""
    return (action,) if action in _ALONE else ("read", action)


def rule_verdicts(reader: Reader, entity: Entity, rule: Rule, id: str, rules: RoleRules | None = None) -> Verdicts:
    """Return what each part of a rule says of a record; the rule is one of `rules`, the reader's own unless given.

    Raises:
        NotFound: there is no such record.
    """
    frame = _frame(reader, rules or reader.access.roles)
    place = frame.root(entity.key).inline
    parts: dict[str, ColumnElement[Any]] = {}
    for each in rule.restricts:
        parts[f"restrict {each.role} {each.name}"] = compile_sql(each.condition, place.scope(asking=False))
    if rule.about:
        parts["about"] = about_in_reach(place)
    for number, way in enumerate(rule.ways):
        if way.parent is not None:
            parts[f"parent {number}"] = parent_in_reach(way.parent, place)
        for at, branch in enumerate(way.branches):
            parts[f"branch {number} {at}"] = granted(branch, rule.action, place)
            if branch.rows == "shared":
                for index, cause in enumerate(causes(place, rule.action)):
                    parts[f"cause {number} {at} {index}"] = cause.condition
    reach = place.reach(rule.action)
    parts["granted"] = reach[0] if reach else literal_column("1 = 1")
    parts["trashed"] = place.alias.c.deleted_at.is_not(None)
    row = _one(reader, frame, place, list(parts.values()), id)
    if row is None:
        raise NotFound(Message("There is no such record"))
    return Verdicts(id, {key: bool(value) for key, value in zip(parts, row, strict=True)})


def _frame(reader: Reader, rules: RoleRules) -> Frame:
    return Frame(reader.kind, reader.published.tables, rules, Binds(reader.kind))


def _one(
    reader: Reader, frame: Frame, place: Place, parts: list[ColumnElement[Any]], id: str
) -> tuple[Any, ...] | None:
    flags = [case((part, 1), else_=0).label(f"c{number}") for number, part in enumerate(parts)]
    asked = place.alias.c.id == frame.binds.value("id", place.alias.c.id.type)
    statement = frame.binds.finish(select(place.alias.c.id, *flags).select_from(place.alias).where(asked))
    rows = statement.rows(reader.connection, {**reader.access.env(), "id": id})
    return rows[0][1:] if rows else None


# --- in words -------------------------------------------------------------------------------------------------------


def action_lines(
    audience: Audience, reader: Reader, entity: Entity, rule: Rule, verdicts: Verdicts | None
) -> Iterator[Message]:
    """Yield what each part of a rule says, of a record or, without verdicts, in general."""
    roles, word = reader.model.roles, ACTION_WORDS[rule.action]
    for each in rule.restricts:
        yield Message(
            "The role {role} restricts to {condition} ({name}): {kept}",
            role=roles[each.role].label,
            condition=audience.condition(entity, each.condition),
            name=each.name,
            kept=_verdict(verdicts, f"restrict {each.role} {each.name}"),
        )
    if rule.about:
        yield Message("The record that it is about may be read: {readable}", readable=_verdict(verdicts, "about"))
    for number, way in enumerate(rule.ways):
        if way.parent is not None:
            parent = reader.model.entity(way.parent.entity).label
            inside = _verdict(verdicts, f"parent {number}")
            yield Message("Its {parent} is in reach: {inside}", parent=parent, inside=inside)
        for at, branch in enumerate(way.branches):
            yield Message(
                "The role {role} grants to {action} {rows}: {through}",
                role=roles[branch.role].label if branch.role in roles else branch.role,
                action=word,
                rows=_rows(audience, entity, branch),
                through=_YES if branch.everything else _verdict(verdicts, f"branch {number} {at}"),
            )
            if branch.rows == "shared" and verdicts is not None:
                yield from _shared(audience, reader, entity, rule.action, verdicts, f"cause {number} {at}")


def _rows(audience: Audience, entity: Entity, branch: Branch) -> Any:
    return ROW_WORDS[branch.rows] if isinstance(branch.rows, str) else audience.condition(entity, branch.rows)


def _verdict(verdicts: Verdicts | None, key: str) -> Message:
    if verdicts is None:
        return Message("it depends on the record")
    return _YES if verdicts.answers[key] else _NO


def _shared(
    audience: Audience, reader: Reader, entity: Entity, action: str, verdicts: Verdicts, prefix: str
) -> Iterator[Message]:
    """Yield each share that lets the record through: who gave it, until when, or along which link it came."""
    place = _frame(reader, reader.access.roles).root(entity.key).inline
    for index, cause in enumerate(causes(place, action)):
        if not verdicts.answers[f"{prefix} {index}"]:
            continue
        if cause.how == "given":
            yield from _given(audience, reader, entity, action, verdicts.id)
        elif cause.field is not None and cause.how == "named":
            yield Message("{name} stands in {field}", name=reader.principal.name, field=cause.field.label)
        elif cause.field is not None:
            yield _linked(audience, reader, entity, cause.field, verdicts.id)


def _given(audience: Audience, reader: Reader, entity: Entity, action: str, id: str) -> Iterator[Message]:
    mine = set(reader.principal.sharing_ids)
    found = [
        each
        for each in reader.as_system().shares(entity.key, id)
        if each.principal_id in mine and (each.level == "edit" or action in {"read", "export"})
    ]
    makers = audience.names(each.made_by for each in found)
    for each in found:
        yield _given_words(audience, reader, each, makers.get(each.made_by or "", SOMEBODY))


def _given_words(audience: Audience, reader: Reader, share: Share, maker: Any) -> Message:
    whom: Any = reader.principal.name
    if share.kind != "user":
        # Whoever is in a team or a department may know what it is called.
        whom = reader.as_system().titles(share.kind, [share.principal_id]).get(share.principal_id, SOMEBODY)
    level = Message("to edit") if share.level == "edit" else Message("to read")
    words: dict[str, Any] = {"maker": maker, "whom": whom, "level": level}
    if share.cause != "manual":
        words["maker"] = share.cause
    if share.until is None:
        return Message("{maker} shared it with {whom} {level}", **words)
    until = share.until.astimezone(zone(audience.reader.principal.timezone)).strftime("%Y-%m-%d %H:%M")
    return Message("{maker} shared it with {whom} {level}, until {until}", **words, until=until)


def _linked(audience: Audience, reader: Reader, entity: Entity, field: Field, id: str) -> Message:
    """Say from which record a share came along a link; its name only to who may read it."""
    linked = stored(reader.as_system(), entity.key, id, field.key)
    ids = [linked] if isinstance(linked, str) else list(linked or ())
    names = audience.names(ids, field.target or "")
    if not names:
        return Message("It comes along with its {field}", field=field.label)
    titles = ", ".join(names.values())
    return Message("It comes along with its {field}: {titles}", field=field.label, titles=titles)
