"""`Access`: what one principal may do in one Model.

It is cheap to make, once per request: what the roles say is worked out once per Model and set of roles, and all
that belongs to the person (user id, teams, today) stays a variable, so that colleagues share compiled statements.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from engine import clock
from engine.data.principal import Principal, variables
from engine.data.rules import RoleRules, Rule
from engine.data.scopes import is_agent
from engine.errors import AccessDenied
from engine.i18n import Message
from engine.metadata.model import Mask, Model, Transition

if TYPE_CHECKING:
    from engine.publish import Published


ADMIN = "admin"
"""The permission that includes all others."""


class Access:
    """What a principal may do: row rules, field masks, permissions."""

    __slots__ = ("_env", "_now", "model", "principal", "published", "roles")

    def __init__(self, published: Published, principal: Principal, now: datetime | None = None) -> None:
        model = published.model
        self.published = published
        self.model = model
        self.principal = principal
        self.roles = role_rules(model, principal, now)
        self._now = now
        self._env: Mapping[str, Any] | None = None

    def may(self, entity: str, action: str) -> bool:
        """Say whether some row of an entity could be in reach of an action."""
        return not self.roles.rule(entity, action).nobody

    def rule(self, entity: str, action: str) -> Rule:
        """Return which rows an action reaches; `engine.data.reach` puts it to the database."""
        return self.roles.rule(entity, action)

    def mask(self, entity: str) -> Mapping[str, Mask]:
        """Return what may be seen of each field of an entity, by key; "write" = seen, and written where rows allow."""
        return self.roles.masks(entity)

    def writable(self, entity: str) -> frozenset[str]:
        """Return the fields that may be given a value, also those that may not be seen afterwards."""
        return self.roles.writable(entity)

    def revealable(self, entity: str) -> frozenset[str]:
        """Return the masked fields whose plain value may be revealed, one at a time, of rows that may be read."""
        if self.principal.viewer is not None:
            return frozenset()
        if self.principal.permissions and self.has("admin"):
            return frozenset(key for key, mask in self.mask(entity).items() if mask == "masked")
        return self.roles.revealable(entity)

    def has(self, permission: str) -> bool:
        """Say whether the principal holds a permission that is not about rows, such as `admin`."""
        return holds(self.model, self.principal, permission)

    def may_make(self, transition: Transition) -> bool:
        """Say whether the roles may make a transition; the record's own update rule holds besides."""
        return (
            self.principal.system or not transition.roles or bool(self.principal.roles.intersection(transition.roles))
        )

    def require(self, entity: str, action: str) -> None:
        """Refuse an action that reaches no row at all.

        Raises:
            AccessDenied: no role grants it.
        """
        if not self.may(entity, action):
            plural = self.model.entity(entity).plural
            raise AccessDenied(Message("You may not {action} {plural}", action=ACTION_WORDS[action], plural=plural),
                               entity=entity, action=action)  # fmt: skip

    def env(self) -> Mapping[str, Any]:
        """Return the values of `user.*`, `today` and `now`, the same ones for the whole request."""
        if self._env is None:
            self._env = variables(self.principal, self._now)
        return self._env


ACTION_WORDS: Mapping[str, Message] = {
    "read": Message("read"),
    "create": Message("create"),
    "update": Message("change"),
    "delete": Message("delete"),
    "export": Message("export"),
    "transfer": Message("hand over"),
    "import": Message("import"),
}
"""How an action is called in a sentence."""


def holds(model: Model, principal: Principal, permission: str) -> bool:
    """Say whether a principal holds a permission; `admin` includes all others, and a token narrows it to its scopes.

    An agent holds none: what is not about rows is for people.
    """
    if is_agent(principal.scopes):
        return False
    if principal.system:
        held = True
    else:
        roles = (model.roles[key] for key in principal.roles if key in model.roles)
        known = principal.permissions.union(*(role.permissions for role in roles))
        held = permission in known or ADMIN in known
    return held and (principal.scopes is None or bool(principal.scopes & {"*", ADMIN, permission}))


def role_rules(model: Model, principal: Principal, now: datetime | None = None) -> RoleRules:
    """Return what the roles of a principal say, made once per Model and set of roles.

    Whoever stands in for somebody just now has statements of their own kind; those of everybody else stay as they are.
    """
    if principal.system:
        return model.derive(("roles", "system"), lambda: RoleRules(model, frozenset(), system=True))
    roles, scopes = principal.roles, principal.scopes
    standing_in = bool(principal.absences and principal.standing_in(now or clock.now()))
    return model.derive(
        ("roles", roles, scopes, standing_in),
        lambda: RoleRules(model, roles, scopes=scopes, standing_in=standing_in),
    )
