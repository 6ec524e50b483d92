"""Tokens: what a program shows instead of signing in. Never more than its person may, and less where scopes say so."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

import orjson
from sqlalchemy import Connection

from engine import clock
from engine.data.scopes import AGENT, AGENT_SCOPES
from engine.errors import GuanxiError, NotFound
from engine.i18n import Message
from engine.identity.store import Store, fingerprint, new_secret
from engine.ids import is_id, new_id
from engine.metadata.model import ACTIONS

PREFIX = "gx_"
_SCOPE = re.compile(r"\*|[a-z][a-z0-9_]*(:(\*|[a-z]+))?")
_REFRESH = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Token:
    """A token as lists show it; its text is known to nobody but its holder."""

    id: str
    user_id: str
    name: str
    scopes: tuple[str, ...]
    created_at: datetime | None
    expires_at: datetime | None
    used_at: datetime | None
    used_from: str | None = None
    """The address that it was used from last."""
    addresses: tuple[str, ...] = ()
    """Networks that it works from; from anywhere when there is none."""


@dataclass(frozen=True, slots=True)
class KnownToken:
    """What is remembered of a token in this process, as long as nothing about access changes."""

    user_id: str
    scopes: frozenset[str] | None
    expires_at: datetime | None
    networks: tuple[IPv4Network | IPv6Network, ...] = ()
    id: str = ""
    """What the audit log knows it by."""
    name: str = ""

    def allows(self, address: str | None) -> bool:
        """Say whether it works from an address."""
        if not self.networks:
            return True
        try:
            here = ip_address(address or "")
        except ValueError:
            return False
        # An IPv4 address that came in by an IPv6 socket is still that address.
        here = getattr(here, "ipv4_mapped", None) or here
        return any(here in network for network in self.networks)


def _is_scope(scope: str) -> bool:
    """Say whether a text is a scope: "*", an action, an entity with an action or "*" behind a colon, an agent's."""
    if scope in AGENT_SCOPES:
        return True
    action = scope.rpartition(":")[2]
    return _SCOPE.fullmatch(scope) is not None and (action == "*" or action in ACTIONS)


class Tokens:
    """Rows of tokens."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(
        self,
        connection: Connection,
        user_id: str,
        name: str,
        scopes: tuple[str, ...],
        expires_at: datetime | None,
        addresses: tuple[str, ...] = (),
    ) -> tuple[str, str]:
        """Make a token and return its id and its text, which is never seen again.

        Raises:
            GuanxiError: a scope is none, or an address.
        """
        check_token(scopes, addresses)
        networks = [str(network(each)) for each in addresses]
        id_, text = new_id(), new_secret(PREFIX)
        self._store.run(
            connection,
            "INSERT INTO auth_token (id, user_id, name, hash, scopes, created_at, expires_at, addresses)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            id_,
            user_id,
            name,
            fingerprint(text),
            orjson.dumps(scopes).decode(),
            clock.now(),
            expires_at,
            orjson.dumps(networks).decode() if networks else None,
        )
        return id_, text

    def find(self, connection: Connection, text: str) -> KnownToken | None:
        """Return what a token says; None when there is none, or it was revoked, or its time is over."""
        row = self._store.run(
            connection,
            "SELECT user_id, scopes, expires_at, addresses, id, name FROM auth_token"
            " WHERE hash = ? AND revoked_at IS NULL",
            fingerprint(text),
        ).fetchone()
        if row is None:
            return None
        scopes = frozenset(orjson.loads(row[1]))
        networks = tuple(ip_network(each) for each in orjson.loads(row[3] or "[]"))
        ends = self._store.read_moment(row[2])
        return KnownToken(str(row[0]), scopes or None, ends, networks, str(row[4]), row[5])

    def of(self, connection: Connection, user_id: str) -> list[Token]:
        """Return a person's tokens that were not revoked, the newest first."""
        rows = self._store.run(
            connection,
            "SELECT id, user_id, name, scopes, created_at, expires_at, used_at, used_from, addresses FROM auth_token"
            " WHERE user_id = ? AND revoked_at IS NULL ORDER BY created_at DESC, id DESC",
            user_id,
        ).fetchall()
        at = self._store.read_moment
        return [
            Token(
                str(row[0]), str(row[1]), row[2], tuple(orjson.loads(row[3])), at(row[4]), at(row[5]), at(row[6]),
                row[7], tuple(orjson.loads(row[8] or "[]")),
            )
            for row in rows
        ]  # fmt: skip

    def used(self, connection: Connection, text: str, address: str | None = None) -> None:
        """Note that a token is in use, once an hour at most."""
        now = clock.now()
        self._store.run(
            connection,
            "UPDATE auth_token SET used_at = ?, used_from = ? WHERE hash = ? AND (used_at IS NULL OR used_at < ?)",
            now,
            address,
            fingerprint(text),
            now - _REFRESH,
        )

    def revoke(self, connection: Connection, token_id: str, user_id: str | None = None) -> tuple[str, str]:
        """End a token, of one person when they are named, and return (id of its person, name).

        Raises:
            NotFound: there is none of that id.
        """
        row = None
        if is_id(token_id):
            row = self._store.run(
                connection,
                "UPDATE auth_token SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL"
                " AND user_id = coalesce(?, user_id) RETURNING user_id, name",
                clock.now(),
                token_id,
                user_id,
            ).fetchone()
        if row is None:
            raise NotFound(Message("There is no token {id}", id=token_id))
        return str(row[0]), row[1]


def check_token(scopes: Sequence[str], addresses: Sequence[str]) -> None:
    """Refuse what a token cannot have.

    Raises:
        GuanxiError: a scope is none, or an address.
    """
    wrong = next((scope for scope in scopes if not _is_scope(scope)), None)
    if wrong is not None:
        raise GuanxiError(
            Message("{scope} is no scope; scopes are *, read, lead:* or lead:update, for example", scope=repr(wrong))
        )
    switches = sorted(AGENT_SCOPES.intersection(scopes) - {AGENT})
    if switches and AGENT not in scopes:
        raise GuanxiError(
            Message("{scope} is a switch for agents, so it needs the scope mcp beside it", scope=switches[0])
        )
    if AGENT in scopes and AGENT_SCOPES.issuperset(scopes):
        raise GuanxiError(Message("Beside mcp, say what the agent may reach: *, read or lead:*, for example"))
    for each in addresses:
        network(each)


def network(text: str) -> IPv4Network | IPv6Network:
    """Return a network, or a single address as one.

    Raises:
        GuanxiError: it is neither.
    """
    try:
        return ip_network(text.strip(), strict=False)
    except ValueError:
        raise GuanxiError(
            Message("{text} is no address and no network, such as 10.0.0.0/8", text=repr(text.strip()[:60]))
        ) from None
