"""Who may look after whom: nobody gives a role that allows more than they may do themselves.

Administrators may give every role. Whoever holds the permission `users` gives those that lie within their own rights:
each grant, mask, permission and transition of the role must be theirs too. The same rule says whose address they may
change, for a new password goes there: whoever could change that of somebody with more rights could become them. Whom
they may shut out, delete or give a deputy is said by permissions alone, so that they can do their work.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from engine.data.access import holds, role_rules
from engine.data.principal import Principal
from engine.data.rules import RoleRules, Rule, Way
from engine.expression import Expr, to_text, variables
from engine.metadata.model import ACTIONS, Entity, Model

USERS = "users"
"""The permission to look after people."""
_RANK = {"hidden": 0, "masked": 1, "read": 2, "write": 3}


def beyond(model: Model, actor: Principal, roles: Iterable[str]) -> tuple[str, ...]:
    """Return those of some roles that allow more than somebody may do; roles that nobody defines are left out."""
    if holds(model, actor, "admin"):
        return ()
    return tuple(role for role in dict.fromkeys(roles) if role in model.roles and not _within(model, actor, role))


def outranked(model: Model, actor: Principal, roles: Iterable[str]) -> bool:
    """Say whether the holder of some roles has a permission that somebody has not: who looks after whom."""
    return any(
        not holds(model, actor, permission)
        for role in roles
        if role in model.roles
        for permission in model.roles[role].permissions
    )


def may_give_roles(model: Model, actor: Principal) -> bool:
    """Say whether somebody gives and takes roles at all."""
    return holds(model, actor, USERS)


def _within(model: Model, actor: Principal, role: str) -> bool:
    """Say whether a role allows nothing that somebody may not do."""
    if actor.scopes is None and role in actor.roles:
        return True
    mine = role_rules(model, actor)
    its = model.derive(("roles", frozenset({role})), lambda: RoleRules(model, frozenset({role})))
    if not all(holds(model, actor, permission) for permission in its.permissions):
        return False
    return not _named(model, role) and all(_entity(each, mine, its, actor) for each in model.entities.values())


def _entity(entity: Entity, mine: RoleRules, its: RoleRules, actor: Principal) -> bool:
    key = entity.key
    if not all(_rows(mine.rule(key, action), its.rule(key, action)) for action in ACTIONS):
        return False
    if not its.rule(key, "read").nobody:
        seen = mine.masks(key)
        if any(_RANK[mask] > _RANK[seen[field]] for field, mask in its.masks(key).items()):
            return False
        if not its.revealable(key) <= mine.revealable(key) | _open(mine, key):
            return False
    if not its.writable(key) <= mine.writable(key):
        return False
    made = entity.states.transitions.values() if entity.states is not None else ()
    [role] = its.names
    return all(role not in each.roles or not actor.roles.isdisjoint(each.roles) for each in made)


def _open(rules: RoleRules, entity: str) -> frozenset[str]:
    return frozenset(field for field, mask in rules.masks(entity).items() if _RANK[mask] >= _RANK["read"])


def _rows(mine: Rule, its: Rule) -> bool:
    """Say whether one rule lets through every row that another does, as far as their words tell."""
    if its.nobody:
        return True
    if mine.about and not its.about:
        return False
    kept = {each.condition for each in its.restricts}
    if any(each.condition not in kept for each in mine.restricts):
        return False
    return all(any(_way(own, way) for own in mine.ways) for way in its.ways)


def _way(mine: Way, its: Way) -> bool:
    if mine.parent is not None and (its.parent is None or not _rows(mine.parent, its.parent)):
        return False
    if any(branch.everything for branch in mine.branches):
        return True
    return {branch.rows for branch in its.branches} <= {branch.rows for branch in mine.branches}


def _named(model: Model, role: str) -> bool:
    """Say whether some condition asks for a role by its name: what it then allows, no comparison of grants shows."""
    words = f"'{role}'"
    return any("user.roles" in variables(each) and words in to_text(each) for each in _conditions(model))


def _conditions(model: Model) -> Iterator[Expr]:
    for role in model.roles.values():
        for grant in role.grants.values():
            yield from (rows for each in grant.actions.values() for rows in each if not isinstance(rows, str))
        yield from (condition for each in role.restrict.values() for condition in each.values())
    for entity in model.entities.values():
        yield from (check.fail_when for check in entity.checks.values())
        for field in entity.fields.values():
            yield from (each for each in (field.read_only_when, field.required_when) if each is not None)
        for made in entity.states.transitions.values() if entity.states is not None else ():
            if made.when is not None:
                yield made.when
