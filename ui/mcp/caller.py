"""Who calls: the agent of a person, through a token and a program, with what its switches let it do."""

from __future__ import annotations

from dataclasses import dataclass

from engine import AGENT_DELETE, AGENT_DIRECT, AGENT_PERSONAL, AGENT_WRITE, Author, Origin, Principal

_LONGEST_CLIENT = 120


@dataclass(frozen=True, slots=True)
class Caller:
    """One agent, for one call."""

    principal: Principal
    """The person, with the scopes of the agent."""
    token_id: str | None = None
    token_name: str = ""
    client: str = ""
    """The program and its version, as it names itself."""
    address: str | None = None

    @property
    def scopes(self) -> frozenset[str]:
        """Return the scopes of the agent."""
        return self.principal.scopes or frozenset()

    @property
    def may_write(self) -> bool:
        """Say whether it may change anything, by whatever way."""
        return bool(self.scopes & {AGENT_WRITE, AGENT_DIRECT})

    @property
    def writes_at_once(self) -> bool:
        """Say whether its changes are made without a person's approval."""
        return AGENT_DIRECT in self.scopes

    @property
    def may_delete(self) -> bool:
        """Say whether it may delete."""
        return self.may_write and AGENT_DELETE in self.scopes

    @property
    def sees_personal_data(self) -> bool:
        """Say whether it sees personal data as its person does."""
        return AGENT_PERSONAL in self.scopes

    @property
    def key(self) -> str:
        """Return what its calls are counted under."""
        return self.token_id or f"person:{self.principal.id}"

    @property
    def author(self) -> Author:
        """Return what is kept with its proposals."""
        return Author(self.token_id, self.token_name, self.client)

    @property
    def origin(self) -> Origin:
        """Return where what it does comes from."""
        return Origin("mcp", self.address, self.client or None, self.token_id)


def client_name(info: object) -> str:
    """Return how a program names itself, from the `clientInfo` that it sends; "" when it does not."""
    if not isinstance(info, dict):
        return ""
    parts = (str(info.get(key) or "") for key in ("name", "version"))
    words = " ".join(" ".join(parts).split())
    return "".join(each for each in words if each.isprintable())[:_LONGEST_CLIENT]
