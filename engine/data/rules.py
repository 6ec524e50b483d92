"""What roles allow in one Model: row rules as expressions, field masks, permissions. No person, no database.

A rule of an entity and an action is AND(restricts) AND (OR(grants) or nobody). "No grant" is never "no condition":
a rule without a way in is FALSE. Everything here is worked out once per Model and set of roles, for user id, teams
and today are variables.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from engine.data.personal import is_personal
from engine.data.scopes import allows, sees_personal_data
from engine.expression import TRUE, Call, Expr, Path, Var
from engine.metadata.model import ACTIONS, Entity, Field, GivenMask, Grant, Mask, Model, Role

ROWS = ("all", "own", "subordinates", "team", "department", "shared")
"""Rows that grants may name."""

ABOUT = frozenset({"comment"})
"""Entities whose records are about another record each, and read by nobody who does not read that one."""

Reading = Literal["read", "masked", "hidden"]

_RANK: Mapping[str, int] = {"hidden": 0, "masked": 1, "reveal": 2, "read": 3, "write": 4}
_OPENS = frozenset({"reveal", "read", "write"})
"""Words of a grant that, given for a masked field by its name, let its plain value be revealed."""
_ALWAYS_READ = frozenset({"id", "version"})
_READS = frozenset({"read", "export"})
_WRITES = ("create", "update", "import")


@dataclass(frozen=True, slots=True)
class Branch:
    """One thing that is enough: named rows or a condition, as a role grants them."""

    role: str
    rows: str | Expr

    @property
    def everything(self) -> bool:
        """Say whether it lets every row through."""
        return self.rows in {"all", TRUE}


@dataclass(frozen=True, slots=True)
class Restrict:
    """A condition that every row must keep for the holders of a role."""

    role: str
    name: str
    condition: Expr


@dataclass(frozen=True, slots=True)
class Way:
    """One way in: any of the branches, and, for child rows, the parent by its own rule."""

    branches: tuple[Branch, ...]
    parent: Rule | None = None

    @property
    def everything(self) -> bool:
        """Say whether it lets every row through."""
        return any(branch.everything for branch in self.branches) and (self.parent is None or self.parent.everybody)


@dataclass(frozen=True, slots=True)
class Rule:
    """Which rows of an entity an action reaches: every restrict, and any of the ways. No way = nobody."""

    entity: str
    action: str
    restricts: tuple[Restrict, ...]
    ways: tuple[Way, ...]
    about: bool = False
    """Whether only records count that are about one in reach of reading; see `engine.data.about`."""

    @property
    def nobody(self) -> bool:
        """Say whether it lets no row through."""
        return not self.ways

    @property
    def everybody(self) -> bool:
        """Say whether it lets every row through."""
        return not self.restricts and not self.about and any(way.everything for way in self.ways)


class RoleRules:
    """What a set of roles may do in a Model; made once per Model and set."""

    def __init__(
        self,
        model: Model,
        roles: frozenset[str],
        *,
        scopes: frozenset[str] | None = None,
        system: bool = False,
        standing_in: bool = False,
    ) -> None:
        self.model = model
        self.names = roles
        self.scopes = scopes
        self.roles: tuple[Role, ...] = tuple(model.roles[key] for key in sorted(roles) if key in model.roles)
        self.system = system
        self.standing_in = standing_in
        """Whether it is for people who stand in for somebody just now: their own rows are those of several."""
        self.permissions = frozenset[str]().union(*(role.permissions for role in self.roles))
        self._masks_personal = not sees_personal_data(scopes)
        self._rules: dict[tuple[str, str], Rule] = {}
        self._masks: dict[str, Mapping[str, Mask]] = {}
        self._revealable: dict[str, frozenset[str]] = {}

    def with_role(self, role: str) -> RoleRules:
        """Return what the holder of these roles could do with one more."""
        return RoleRules(self.model, self.names | {role}, scopes=self.scopes, standing_in=self.standing_in)

    def rule(self, entity: str, action: str) -> Rule:
        """Return the rule of an action (read, create, update, delete, export, transfer, import)."""
        key = (entity, action)
        found = self._rules.get(key)
        if found is None:
            found = self._rules[key] = self._rule(self.model.entity(entity), action)
        return found

    def masks(self, entity: str) -> Mapping[str, Mask]:
        """Return what may be seen of each field, by key: hidden, masked, read, or write = read and written."""
        found = self._masks.get(entity)
        if found is None:
            found = self._masks[entity] = self._make_masks(self.model.entity(entity))
        return found

    def writable(self, entity: str) -> frozenset[str]:
        """Return the fields that may be given a value, also those that may not be seen afterwards."""
        key = self.model.entity(entity)
        return frozenset(
            field.key for field in key.fields.values() if field.writable and self._may_write(key, field.key)
        )

    def revealable(self, entity: str) -> frozenset[str]:
        """Return the masked fields whose plain value may be revealed, one at a time, where the row may be read."""
        found = self._revealable.get(entity)
        if found is None:
            known = self.model.entity(entity)
            found = self._revealable[entity] = frozenset(
                key for key, mask in self.masks(entity).items() if mask == "masked" and self._may_reveal(known, key)
            )
        return found

    # --- rules ----------------------------------------------------------------------------------------------------

    def _rule(self, entity: Entity, action: str) -> Rule:
        if action not in ACTIONS:
            raise ValueError(f"{action!r} is no action")
        if self.system:
            return Rule(entity.key, action, (), (Way((Branch("system", "all"),)),))
        if not allows(self.scopes, entity.key, action):
            return Rule(entity.key, action, (), ())
        restricts = tuple(
            Restrict(role.key, name, condition)
            for role in self.roles
            for name, condition in role.restrict.get(entity.key, {}).items()
        )
        ways = self._ways(entity, action, self.roles) if entity.parent is None else self._child_ways(entity, action)
        return Rule(entity.key, action, restricts, tuple(ways), entity.key in ABOUT and not self._reads_all())

    def _reads_all(self) -> bool:
        """Say whether no record of anything is hidden from the holders."""
        return all(self.rule(key, "read").everybody for key in self.model.entities if key not in ABOUT)

    def _ways(self, entity: Entity, action: str, roles: Iterable[Role]) -> list[Way]:
        branches = tuple(dict.fromkeys(branch for role in roles for branch in _branches(role, entity.key, action)))
        whole = next((branch for branch in branches if branch.everything), None)
        if whole is not None:
            return [Way((whole,))]
        return [Way(branches)] if branches else []

    def _child_ways(self, entity: Entity, action: str) -> Iterable[Way]:
        """Child rows follow the parent, and the child's own grant of each role that gives one."""
        assert entity.parent is not None  # noqa: S101 - the caller asks for children only
        above = action if action in _READS else "update"
        alone = [role for role in self.roles if entity.key not in role.grants]
        if alone:
            parent = self._of_some(entity.parent, above, alone)
            if not parent.nobody:
                yield Way((Branch(alone[0].key, "all"),), parent)
        for role in self.roles:
            branches = tuple(_branches(role, entity.key, action)) if entity.key in role.grants else ()
            parent = self._of_some(entity.parent, above, [role])
            if branches and not parent.nobody:
                yield Way(branches, parent)

    def _of_some(self, entity: str, action: str, roles: list[Role]) -> Rule:
        """Return the rule as some of the roles give it; what is restricted stays so for the holder of all."""
        if len(roles) == len(self.roles):
            return self.rule(entity, action)
        keys = frozenset(role.key for role in roles)
        some = RoleRules(self.model, keys, scopes=self.scopes, standing_in=self.standing_in)
        return Rule(entity, action, self.rule(entity, action).restricts, some.rule(entity, action).ways)

    # --- fields ---------------------------------------------------------------------------------------------------

    def _make_masks(self, entity: Entity) -> Mapping[str, Mask]:
        readable = not self.rule(entity.key, "read").nobody
        return {key: self._mask(entity, key, readable=readable) for key in entity.fields}

    def _mask(self, entity: Entity, key: str, *, readable: bool) -> Mask:
        field = entity.fields[key]
        if field.blind_of:
            return "hidden"
        seen = self._seen(entity, key, readable=readable)
        if key in _ALWAYS_READ and seen in {"masked", "reveal"}:
            seen = "read"
        if is_sealed(field):
            return "masked" if _RANK[seen] > 0 else "hidden"
        if self._masks_personal and _RANK[seen] > 0 and is_personal(self.model, entity.key, key):
            return "masked"
        if seen in {"read", "write"}:
            return "write" if field.writable and self._may_write(entity, key) else "read"
        # What may be revealed stays closed to lists, filters and exports, as what is masked.
        return "masked" if seen == "reveal" else seen

    def _seen(self, entity: Entity, key: str, *, readable: bool) -> GivenMask:
        """Return the most generous word that the roles have for a field of rows that they let read."""
        if self.system:
            return "read"
        if not readable:
            # Whoever has a link sees the title at its other end, and nothing else.
            return "read" if key in {"id", entity.title} else "hidden"
        given = (self._given(role, entity, key, ("read",)) for role in self.roles)
        return max(filter(None, given), key=lambda mask: _RANK[mask], default="hidden")

    def _may_reveal(self, entity: Entity, key: str) -> bool:
        """Say whether a masked field opens on request: a role names it so, or the holder may everything."""
        if not allows(self.scopes, entity.key, "reveal"):
            return False
        if self.system or "admin" in self.permissions:
            return True
        return any(self._named(role, entity, key) in _OPENS for role in self.roles)

    def _named(self, role: Role, entity: Entity, key: str) -> GivenMask | None:
        """Return what a role that lets some rows be read says of a field by its name; None when it says nothing."""
        grant = _grant(role, entity.key)
        if grant is None or key not in grant.fields or self._given(role, entity, key, ("read",)) is None:
            return None
        of_parent = entity.parent is not None and entity.key not in role.grants
        return None if of_parent else grant.fields[key]

    def _may_write(self, entity: Entity, key: str) -> bool:
        if self.system:
            return True
        actions = tuple(action for action in _WRITES if allows(self.scopes, entity.key, action))
        return any(self._given(role, entity, key, actions) == "write" for role in self.roles)

    def _given(self, role: Role, entity: Entity, key: str, actions: tuple[str, ...]) -> GivenMask | None:
        """Return the mask of a role for a field; None when the role grants none of the actions."""
        grant = _grant(role, entity.key)
        if entity.parent is not None and entity.key not in role.grants:
            # What is not said about child rows is said by the right to the parent.
            above = tuple(dict.fromkeys(each if each in _READS else "update" for each in actions))
            reaches = any(not self._of_some(entity.parent, each, [role]).nobody for each in above)
            return "write" if reaches else None
        if grant is None or not any(grant.actions.get(action) for action in actions):
            return None
        return grant.fields.get(key, "write")


def apart_from_shares(rule: Rule) -> Rule:
    """Return a rule without the ways in that somebody else gave: what the holder has without `shared`."""
    kept = (replace(way, branches=tuple(each for each in way.branches if each.rows != "shared")) for way in rule.ways)
    return replace(rule, ways=tuple(way for way in kept if way.branches))


def first_mask(rules: RoleRules, role: Role, entity: Entity, key: str) -> GivenMask | None:
    """Return what one role says of a field, for explanations; None when it grants nothing of the entity."""
    return rules._given(role, entity, key, ("read", *_WRITES))  # noqa: SLF001 - the same module


def is_sealed(field: Field) -> bool:
    """Say whether the values of a field are kept encrypted and shown to nobody unless they are revealed."""
    return field.secret or field.type.name == "secret"


def _grant(role: Role, entity: str) -> Grant | None:
    return role.grants.get(entity) or role.grants.get("*")


def _branches(role: Role, entity: str, action: str) -> Iterable[Branch]:
    grant = _grant(role, entity)
    if grant is not None:
        yield from (Branch(role.key, rows) for rows in grant.actions.get(action, ()))


def owner_path(entity: Entity) -> Path:
    """Return the field that says whose a record is: `owner`, of a user the user, else who made it."""
    if entity.key == "user":
        return Path(("id",))
    return Path(("owner",) if entity.owned else ("created_by",))


def own(entity: Entity) -> Expr:
    """Return the named rows `own` as an expression."""
    return Call("==", (owner_path(entity), Var("user.id")))
