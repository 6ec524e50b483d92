"""Why somebody may do something, or may not: every grant and restriction with its answer, and who could help.

The answers come from the same conditions that lists and changes carry, each as a column of one SELECT, so an
explanation cannot disagree with what happens. Whoever asks learns no more than they may know: of a record out of
their reach they are told what the rules would allow, in the words for one that does not exist.
"""

# ruff: noqa: A002 - `id` is what the id of a record is called

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.data.access import ACTION_WORDS
from engine.data.asking import Helper, helpers, roles_that_would, stored
from engine.data.place import reading
from engine.data.rules import RoleRules, Rule, first_mask
from engine.data.scopes import allows
from engine.data.telling import Audience
from engine.data.verdicts import Verdicts, action_lines, asked_actions, rule_verdicts, stays_in_reach
from engine.errors import NotFound
from engine.i18n import Message
from engine.ids import is_id
from engine.metadata.model import ACTIONS, Entity, GivenMask, Role, Transition

if TYPE_CHECKING:
    from engine.data.reader import Reader

TRANSITION = "transition:"
"""Begins the name of an action that is a transition: `transition:win`."""
REVEAL = "reveal"
YES, NO = Message("yes"), Message("no")

_MASKS: dict[GivenMask, Message] = {
    "hidden": Message("hidden"),
    "masked": Message("masked"),
    "reveal": Message("masked until it is revealed"),
    "read": Message("readable"),
    "write": Message("writable"),
}


@dataclass(frozen=True, slots=True)
class Explanation:
    """Whether it is granted, the answer in one sentence, each reason in order, and who could help."""

    granted: bool
    lines: tuple[Message, ...]
    who_could_grant: tuple[str, ...]
    """Keys of roles with which the person could do it."""
    answer: Message = dataclasses.field(default_factory=lambda: Message(""))
    helpers: tuple[Helper, ...] = ()
    """People who could give one of the roles, or share the record; only some of them, and only known ones."""

    whom_to_ask: tuple[Message, ...] = ()
    """The same as sentences: the roles that would do, who gives roles, and who could share the record."""


@dataclass(slots=True)
class _Case:
    """One question, while it is answered."""

    reader: Reader
    audience: Audience
    entity: Entity
    action: str
    id: str | None
    """The record, where it is known to the one who asks."""
    field: str | None
    step: Transition | None
    unknown: bool = False
    """Whether it is about a record that the one who asks may not know of, or that is not there."""
    lines: list[Message] = dataclasses.field(default_factory=list)
    rules: list[Rule] = dataclasses.field(default_factory=list)

    @property
    def verb(self) -> str:
        """Return the action on rows that it comes down to."""
        if self.step is not None:
            return "update"
        return "read" if self.action == REVEAL else self.action


def explain(
    reader: Reader,
    action: str,
    entity: str,
    id: str | None = None,
    field: str | None = None,
    *,
    asker: Reader | None = None,
    helping: bool = True,
) -> Explanation:
    """Explain what the reader's principal may do: with an entity, one record of it, one field.

    `action` is one of those of grants, `reveal` of a field, or `transition:<key>`. `asker` reads the same snapshot
    for whoever wants to know, the person themselves unless given. Without `helping` nobody is looked for who could.

    Raises:
        NotFound: there is no such entity, action, transition or field that the asker may know of; for those who may
            know of everything, also when there is no such record.
    """
    case = _case(reader, Audience(asker or reader, reader), action, entity, id, field)
    case.lines += _holder(case)
    answer = _scope(case)
    if case.unknown:
        case.lines.append(
            Message(
                "There is no such record, or the rules do not let you know of it. This is what they say in general:"
            )
        )
    for each in asked_actions(case.verb):
        answer &= _rows(case, each)
    if case.field is not None:
        answer &= _field(case, case.field)
    if case.step is not None:
        answer &= _step(case, case.step)
    answer &= not case.unknown
    if answer or not helping:
        return Explanation(answer, tuple(case.lines), (), _sentence(case, granted=answer))
    roles = [role.key for role in roles_that_would(reader, lambda role: _would(case, role))]
    found = tuple(helpers(case.audience, reader, case.entity, case.id, roles, case.rules))
    told = tuple(_whom_to_ask(reader, roles, found))
    return Explanation(answer, tuple(case.lines), tuple(roles), _sentence(case, granted=answer), found, told)


def _case(reader: Reader, audience: Audience, action: str, entity: str, id: str | None, field: str | None) -> _Case:
    known = reader.model.entity(entity)
    hidden = not audience.whole and field is not None and reader.access.mask(entity).get(field, "hidden") == "hidden"
    if field is not None and (field not in known.fields or hidden):
        raise NotFound(Message("There is no {key}", key=f"{entity}.{field}"))
    step = None
    if action.startswith(TRANSITION):
        steps = known.states.transitions if known.states is not None else {}
        step = steps.get(action.removeprefix(TRANSITION))
    if step is None and action not in ACTIONS and (action != REVEAL or field is None):
        raise NotFound(Message("There is no action {key}; there are {known}", key=action, known=", ".join(ACTIONS)))
    if action == "create":
        # It is about no record that is there.
        return _Case(reader, audience, known, action, None, field, step)
    there = id is not None and is_id(id) and audience.knows(entity, id) and _exists(reader, entity, id)
    if id is not None and not there and audience.whole:
        raise NotFound(Message("There is no such record"))
    unknown = id is not None and not there
    return _Case(reader, audience, known, action, id if there else None, field, step, unknown)


def _exists(reader: Reader, entity: str, id: str) -> bool:
    return id in reader.as_system().readable(entity, (id,))


# --- who it is ------------------------------------------------------------------------------------------------------


def _holder(case: _Case) -> list[Message]:
    reader, principal = case.reader, case.reader.principal
    if principal.system:
        return [Message("The system may do everything with every record; secrets stay closed")]
    labels = [role.label for role in reader.access.roles.roles if role.grants or role.restrict or role.permissions]
    found = [_of_roles(principal.name, labels)]
    now = reader.access.env()["now"]
    away = [each for each in principal.absences if each.begins <= now < each.ends]
    names = case.audience.names(each.user_id for each in away)
    found += [
        Message("{name} stands in for {other}", name=principal.name, other=names[each.user_id])
        for each in away
        if each.user_id in names
    ]
    return found


def _of_roles(name: str, labels: list[Any]) -> Message:
    if not labels:
        return Message("{name} has no role that grants anything", name=name)
    return Message("{name} has the roles {roles}", name=name, roles=_listed(labels))


def _scope(case: _Case) -> bool:
    scopes, action = case.reader.access.roles.scopes, REVEAL if case.action == REVEAL else case.verb
    if allows(scopes, case.entity.key, action):
        return True
    case.lines.append(
        Message("The token's scopes do not reach {action} of {entity}", action=action, entity=case.entity.key)
    )
    return False


# --- rows -----------------------------------------------------------------------------------------------------------


def _rows(case: _Case, action: str) -> bool:
    """Add what the rule of an action says, and return whether it lets the record through, or some record."""
    reader, entity = case.reader, case.entity
    rule = reader.access.rule(entity.key, action)
    case.rules.append(rule)
    if rule.nobody:
        case.lines.append(
            Message("No role grants to {action} {plural}", action=ACTION_WORDS[action], plural=entity.plural)
        )
        return False
    verdicts = rule_verdicts(reader, entity, rule, case.id) if case.id is not None else None
    case.lines += action_lines(case.audience, reader, entity, rule, verdicts)
    if verdicts is None:
        return True
    if verdicts.trashed:
        case.lines.append(Message("It lies in the recycle bin, where nothing is done to it but to restore it"))
        return False
    return verdicts.granted


# --- fields ---------------------------------------------------------------------------------------------------------


def _field(case: _Case, key: str) -> bool:
    access, entity = case.reader.access, case.entity
    rules, label = access.roles, entity.fields[key].label
    for role in rules.roles:
        mask = first_mask(rules, role, entity, key)
        if mask is not None:
            case.lines.append(
                Message("The role {role} gives {field} as {mask}", role=role.label, field=label, mask=_MASKS[mask])
            )
    seen = reading(rules, entity, key)
    case.lines.append(Message("{field} is seen as {mask}", field=label, mask=_MASKS[seen]))
    if case.action == REVEAL:
        may = seen == "masked" and key in access.revealable(entity.key)
        case.lines.append(Message("{field} may be revealed: {may}", field=label, may=YES if may else NO))
        return may
    if case.action in {"read", "export"}:
        return seen == "read"
    return _writing(case, key)


def _writing(case: _Case, key: str) -> bool:
    """Say whether a field may be given a value; on a record also by its own locks and by the rule of the owner."""
    entity, known = case.entity, case.entity.fields[key]
    reason = None
    if known.system and not known.writable:
        reason = Message("{label} is kept by the system", label=known.label)
    elif not known.writable:
        reason = Message("{label} is worked out by the system", label=known.label)
    elif known.read_only and not case.reader.principal.system:
        reason = Message("{label} cannot be changed", label=known.label)
    if reason is not None:
        case.lines.append(reason)
        return False
    may = key in case.reader.access.writable(entity.key)
    case.lines.append(Message("{field} may be written: {may}", field=known.label, may=YES if may else NO))
    if case.action == "update" and key == "owner" and entity.owned:
        may &= _rows(case, "transfer")
    if entity.states is not None and entity.states.field == key:
        names = _listed([step.label for step in entity.states.transitions.values()])
        case.lines.append(Message("{field} changes by its steps: {steps}", field=known.label, steps=names))
    return may


def _step(case: _Case, step: Transition) -> bool:
    """Add what a transition asks for: a role, a state to come from, a condition."""
    may = case.reader.access.may_make(step)
    model = case.reader.model
    if step.roles:
        known = [model.roles[key].label for key in step.roles if key in model.roles]
        answer = YES if may else NO
        case.lines.append(
            Message("{step} is for the roles {roles}: {may}", step=step.label, roles=_listed(known), may=answer)
        )
    states = case.entity.states
    if case.id is None or states is None:
        return may
    state = case.entity.fields[states.field]
    now = stored(case.reader.as_system(), case.entity.key, case.id, states.field)
    if step.sources:
        fits = now in step.sources
        names = _listed([state.choices[key].label for key in step.sources if key in state.choices])
        answer = YES if fits else NO
        case.lines.append(Message("{step} goes from {states}: {may}", step=step.label, states=names, may=answer))
        may &= fits
    rule = case.reader.access.rule(case.entity.key, "update")
    if may and not stays_in_reach(case.reader, case.entity, rule, case.id, states.field, step.to):
        option = state.choices[step.to].label if step.to in state.choices else step.to
        case.lines.append(
            Message(
                "As “{state}” it would be out of reach, and nobody puts a record out of their own reach", state=option
            )
        )
        may = False
    if step.when is not None:
        holds = Verdicts.of_condition(case.reader, case.entity, step.when, case.id)
        told = case.audience.condition(case.entity, step.when)
        answer = YES if holds else NO
        case.lines.append(Message("{step} needs {condition}: {may}", step=step.label, condition=told, may=answer))
        may &= holds
    return may


def _listed(labels: list[Any]) -> Any:
    whole: Any = labels[0] if labels else "-"
    for each in labels[1:]:
        whole = Message("{first}, {second}", first=whole, second=each)
    return whole


# --- the answer -----------------------------------------------------------------------------------------------------


def _sentence(case: _Case, *, granted: bool) -> Message:
    entity = case.entity
    what: Any = Message("this {label}", label=entity.label) if case.id or case.unknown else entity.plural
    limited = any(not rule.everybody for rule in case.rules)
    if case.id is None and granted and limited and case.verb != "create":
        what = Message("some {plural}", plural=entity.plural)
    if case.field is not None:
        what = Message("{field} of {record}", field=entity.fields[case.field].label, record=what)
    action: Any = ACTION_WORDS.get(case.action, Message("reveal"))
    if case.step is not None:
        action = Message("make the step “{step}” of", step=case.step.label)
    if case.audience.themselves and granted:
        return Message("You may {action} {what}", action=action, what=what)
    if case.audience.themselves:
        return Message("You may not {action} {what}", action=action, what=what)
    name = case.reader.principal.name
    if granted:
        return Message("{name} may {action} {what}", name=name, action=action, what=what)
    return Message("{name} may not {action} {what}", name=name, action=action, what=what)


def _whom_to_ask(reader: Reader, roles: list[str], found: tuple[Helper, ...]) -> Iterator[Message]:
    if roles:
        labels = _listed([reader.model.roles[key].label for key in roles])
        yield Message("One of these roles would do: {roles}", roles=labels)
    givers = [each.name for each in found if each.by == "role"]
    if roles and givers:
        yield Message("Roles are given by {people}", people=_listed(givers))
    for each in found:
        if each.by == "share":
            yield Message("{person}, whose record it is, could share it", person=each.name)


def _would(case: _Case, role: Role) -> bool:
    """Say whether the person could do it with one more role."""
    reader, entity = case.reader, case.entity
    rules = reader.access.roles.with_role(role.key)
    asked = asked_actions(case.verb)
    if any(rules.rule(entity.key, each).nobody for each in asked):
        return False
    if case.step is not None and case.step.roles and rules.names.isdisjoint(case.step.roles):
        return False
    if case.field is not None and not _opens(rules, entity, case.action, case.field):
        return False
    if case.id is None:
        return True
    return all(rule_verdicts(reader, entity, rules.rule(entity.key, each), case.id, rules).granted for each in asked)


def _opens(rules: RoleRules, entity: Entity, action: str, key: str) -> bool:
    if action in {"read", "export"}:
        return reading(rules, entity, key) == "read"
    if action == REVEAL:
        return key in rules.revealable(entity.key) or reading(rules, entity, key) == "read"
    return key in rules.writable(entity.key) and not entity.fields[key].read_only
