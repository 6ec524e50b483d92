"""What the scopes of a token let through: words of the roles' own actions, and switches for agents.

A token with `mcp` is for an agent. It works at `/mcp` alone, and what it may is narrower than its other scopes say:
it only reads, and personal data stays masked, unless a switch says otherwise. Switches never give anything that the
person, or the other scopes, would not let through.
"""

from __future__ import annotations

from collections.abc import Mapping

AGENT = "mcp"
AGENT_WRITE = "mcp:write"
AGENT_DIRECT = "mcp:direct"
AGENT_PERSONAL = "mcp:personal"
AGENT_DELETE = "mcp:delete"
AGENT_SWITCHES = (AGENT_WRITE, AGENT_DIRECT, AGENT_PERSONAL, AGENT_DELETE)
"""Propose changes; make them at once; see personal data; delete, too."""
AGENT_SCOPES = frozenset({AGENT, *AGENT_SWITCHES})

_NEEDS: Mapping[str, frozenset[frozenset[str]]] = {
    "read": frozenset(),
    "create": frozenset({frozenset({AGENT_WRITE, AGENT_DIRECT})}),
    "update": frozenset({frozenset({AGENT_WRITE, AGENT_DIRECT})}),
    "transfer": frozenset({frozenset({AGENT_WRITE, AGENT_DIRECT})}),
    "delete": frozenset({frozenset({AGENT_WRITE, AGENT_DIRECT}), frozenset({AGENT_DELETE})}),
}
"""What an agent may do at all, and of which switches it needs one each."""


def is_agent(scopes: frozenset[str] | None) -> bool:
    """Say whether scopes are those of an agent."""
    return scopes is not None and AGENT in scopes


def sees_personal_data(scopes: frozenset[str] | None) -> bool:
    """Say whether fields with `pii` are shown as the roles say, and not masked."""
    return not is_agent(scopes) or AGENT_PERSONAL in (scopes or ())


def allows(scopes: frozenset[str] | None, entity: str, action: str) -> bool:
    """Say whether the scopes of a token reach as far as an action; None = there is no token to narrow anything."""
    if scopes is None:
        return True
    reach = scopes
    if is_agent(scopes):
        needs = _NEEDS.get(action)
        if needs is None or any(not each & scopes for each in needs):
            return False
        reach = scopes - AGENT_SCOPES
    return bool(reach & {"*", action, f"{entity}:*", f"{entity}:{action}"})
