"""The gate: what decides beside passwords who gets in. Single sign-on stands in it, when a site has any."""

from __future__ import annotations

from typing import Protocol

from engine.identity.people import Person

OWN_WAYS = frozenset({"password", "link", "passkey"})
"""Methods of the site itself, as the list of sign-ins calls them."""


class Gate(Protocol):
    """Asked at every sign-in."""

    def lets_in(self, person: Person) -> bool:
        """Say whether somebody may use the site's own ways: password, link and passkey."""
        ...

    def elsewhere(self, name: str, password: str) -> tuple[str, str] | None:
        """Return whose name and password fit elsewhere, as (id, method); None where they fit nobody.

        It takes part in the ordinary form, so it says no reasons and is asked outside of any transaction.
        """
        ...
