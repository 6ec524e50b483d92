"""`Identity`: who may sign in, who does, and who it was that showed a cookie or a token.

What is remembered in memory holds as long as `access_epoch` stays the same; every change to people, roles, teams,
sign-ins and tokens raises it. So a request costs one probe, and a person who is shut out is out with the next one.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from engine import clock
from engine.audit import by_token
from engine.data.batch import Change
from engine.data.principal import SYSTEM, Principal
from engine.data.scopes import is_agent
from engine.errors import AccessDenied, DatabaseUnavailable, GuanxiError, NotFound, SignInNeeded
from engine.i18n import Message
from engine.identity import everyone
from engine.identity.absence import Absences
from engine.identity.base import Memory, Rules
from engine.identity.caring import Caring
from engine.identity.links import Link
from engine.identity.people import Person
from engine.identity.rates import AGENT
from engine.identity.sessions import SignIn
from engine.identity.store import fingerprint
from engine.identity.tokens import PREFIX, KnownToken, Token
from engine.identity.viewing import Ending, Look, require_may_view, seen_as
from engine.publish import Published


class Identity(Caring, Absences):
    """The people of one site."""

    # --- who asks -------------------------------------------------------------------------------------------------

    def principal(self, user_id: str) -> Principal:
        """Return a person as the engine knows those who ask.

        Raises:
            SignInNeeded: there is no such person, or they may not sign in.
        """
        with self._reading() as (connection, published, memory):
            return self._principal(connection, published, memory, user_id)

    def principal_within(self, connection: Connection, user_id: str) -> Principal:
        """Return a person as a transaction that is open sees them, also before it commits.

        Raises:
            SignInNeeded: there is no such person, or they may not sign in.
        """
        return self._principal(connection, self._published(connection), Memory((0, 0)), user_id)

    def principal_of_session(self, secret: str, connection: Connection | None = None) -> Principal:
        """Return who signed in with the browser whose cookie holds a secret; read in `connection` when one is open.

        Raises:
            SignInNeeded: nobody did, or it is over.
        """
        if not secret:
            raise SignInNeeded(Message("Please sign in"))
        now, key = clock.now(), fingerprint(secret)
        with self._reading(connection) as (reading, published, memory):
            known = memory.sessions.get(key)
            if known is None or known.expires_at <= now:
                # Another process may know of later use.
                known = self._sessions.find(reading, secret)
            if known is None:
                memory.sessions.pop(key, None)
                raise SignInNeeded(Message("Please sign in again"))
            memory.sessions[key] = known
            principal = self._principal(reading, published, memory, known.user_id)
        if known.needs_refresh(now):
            # Not worth failing a request for: the next one tries again.
            with suppress(DatabaseUnavailable), self._database.write() as writing:
                known.expires_at, known.seen_at = self._sessions.refresh(writing, secret), now
        return principal

    def principal_of_token(
        self, text: str, connection: Connection | None = None, *, address: str | None = None
    ) -> Principal:
        """Return whom a token stands for, with the scopes that it has; read in `connection` when one is open.

        `address` is where it is shown from: some work from certain networks only.

        Raises:
            SignInNeeded: there is no such token, or it is no longer good.
            AccessDenied: it is for an agent, which does not get past its switches by another door.
        """
        principal, known = self._of_token(text, connection, address)
        if is_agent(known.scopes):
            raise AccessDenied(Message("This token is for an agent, and works at /mcp alone"))
        return principal

    def remembered(self, text: str, *, address: str | None = None) -> tuple[Principal, tuple[int, int]] | None:
        """Return whom a token stood for when it was shown last, and the access epoch of that moment; no database.

        It is good for a transaction that sees the same epoch. None = ask `principal_of_token`.
        """
        memory, key = self._memory, fingerprint(text)
        known = memory.tokens.get(key)
        if known is None or is_agent(known.scopes) or not known.allows(address):
            return None
        if known.expires_at is not None and known.expires_at <= clock.now():
            return None
        principal = memory.shown.get(key)
        if principal is None:
            bare = memory.principals.get(known.user_id)
            if bare is None:
                return None
            principal = memory.shown[key] = replace(bare, scopes=known.scopes)
        by_token(known.id)
        return principal, memory.epoch

    def agent_of_token(
        self, text: str, connection: Connection | None = None, *, address: str | None = None
    ) -> tuple[Principal, KnownToken]:
        """Return whom an agent's token stands for, and what is known of the token; as `principal_of_token`.

        Raises:
            SignInNeeded: there is no such token, or it is no longer good.
            AccessDenied: it is not for an agent.
        """
        principal, known = self._of_token(text, connection, address)
        if not is_agent(known.scopes):
            raise AccessDenied(Message("This token is not for agents: make one with the scope mcp"))
        return principal, known

    def _of_token(self, text: str, connection: Connection | None, address: str | None) -> tuple[Principal, KnownToken]:
        refused = SignInNeeded(Message("The token is not valid"))
        if not text.startswith(PREFIX):
            raise refused
        key = fingerprint(text)
        with self._reading(connection) as (reading, published, memory):
            first = key not in memory.tokens
            known = memory.tokens.get(key) or self._tokens.find(reading, text)
            if known is None or (known.expires_at is not None and known.expires_at <= clock.now()):
                raise refused
            if not known.allows(address):
                raise SignInNeeded(Message("The token is not valid from this address"))
            memory.tokens[key] = known
            principal = self._principal(reading, published, memory, known.user_id)
        if first:
            with suppress(DatabaseUnavailable), self._database.write() as writing:
                self._tokens.used(writing, text, address)
        by_token(known.id)
        return replace(principal, scopes=known.scopes), known

    def admit_agent(self, token_id: str) -> None:
        """Count a call of an agent; every process counts together.

        Raises:
            TooManyRequests: it calls too often; the error says when to come again.
        """
        with self._database.write() as connection:
            self._rates.take(connection, f"agent:{token_id}", AGENT)

    # --- looking as somebody else ---------------------------------------------------------------------------------

    def view_as(self, actor: Principal, user_id: str, session: str) -> str:
        """Let an administrator look at the site as somebody else sees it; return the secret for the cookie.

        `session` is the secret of the actor's sign-in: the look belongs to that browser, and ends after half an hour.

        Raises:
            SignInNeeded: there is no such person, or they may not sign in.
            AccessDenied: the actor is no administrator, acts by a token, or looks as somebody already.
            NotFound: the person is the actor.
        """
        with self._database.write() as connection:
            person = self.principal_within(connection, user_id)
            return self._looks.begin(connection, self._published(connection), actor, person, session)

    def viewed(self, actor: Principal, secret: str, session: str, connection: Connection) -> Principal | None:
        """Return as whom somebody looks just now; None when the look is over, which is noted then."""
        with self._reading(connection) as (reading, published, memory):
            look = self._looks.find(reading, secret, session)
            if look is not None and not look.over and look.actor_id == actor.id:
                with suppress(AccessDenied, NotFound, SignInNeeded):
                    person = self._principal(reading, published, memory, look.user_id)
                    require_may_view(published, actor, person)
                    return seen_as(person, actor, look)
        if look is not None and not look.noted:
            self.stop_viewing(secret, session, "time" if look.over else "stopped")
        return None

    def stop_viewing(self, secret: str, session: str, how: Ending = "stopped") -> Look | None:
        """End a look as somebody else and return it; None when there is none."""
        with self._database.write() as connection:
            return self._looks.end(connection, secret, session, how)

    def _principal(self, connection: Connection, published: Published, memory: Memory, user_id: str) -> Principal:
        found = memory.principals.get(user_id)
        if found is None:
            person = self._people.by_id(connection, published, user_id)
            if person is None or not person.active:
                raise SignInNeeded(Message("Please sign in"))
            found = memory.principals[user_id] = self._people.principal(connection, published, person)
        return found

    # --- tokens ---------------------------------------------------------------------------------------------------

    def add_token(
        self,
        user_id: str,
        name: str,
        scopes: Sequence[str] = (),
        expires_at: datetime | None = None,
        *,
        addresses: Sequence[str] = (),
        by: str | None = None,
    ) -> tuple[str, str]:
        """Make a token for a person and return its id and its text, which is never seen again.

        Without scopes it may whatever the person may, and without addresses it works from anywhere. `by` is the id of
        who makes it for somebody else.

        Raises:
            GuanxiError: a scope is none, or an address.
        """
        with self._writing() as connection:
            made = self._tokens.add(connection, user_id, name, tuple(scopes), expires_at, tuple(addresses))
            self._note(
                connection, "token_made", user_id, by=by, token=made[0], called=name, scopes=list(scopes),
                expires_at=expires_at, addresses=list(addresses),
            )  # fmt: skip
            return made

    def tokens(self, user_id: str) -> list[Token]:
        """Return a person's tokens, the newest first."""
        with self._database.read() as connection:
            return self._tokens.of(connection, user_id)

    def revoke_token(self, token_id: str, *, user_id: str | None = None, by: str | None = None) -> None:
        """End a token, of one person when they are named; `by` is the id of who does it for somebody else.

        Raises:
            NotFound: there is none of that id.
        """
        with self._writing() as connection:
            whose, name = self._tokens.revoke(connection, token_id, user_id)
            self._note(connection, "token_revoked", whose, by=by, token=token_id, called=name)
            self._database.raise_access_epoch(connection)

    # --- people ---------------------------------------------------------------------------------------------------

    def find(self, name: str) -> Person:
        """Return the person whom an id, an email or a name means.

        Raises:
            NotFound: it means nobody, or several.
        """
        with self._reading() as (connection, published, _memory):
            return self._people.find(connection, published, name)

    def people(self) -> list[Person]:
        """Return everybody who is not in the recycle bin, by name."""
        with self._reading() as (connection, published, _memory):
            return self._people.every(connection, published)

    def principals(self, connection: Connection | None = None) -> list[Principal]:
        """Return everybody who is active, by name, as the engine knows those who ask."""
        with self._reading(connection) as (reading, published, _memory):
            return everyone.principals(self._store, self._people, reading, published)

    def add(self, name: str, email: str, roles: Sequence[str] = (), **values: Any) -> str:
        """Make a person, as the product itself, and return the id.

        Raises:
            GuanxiError: a role does not exist.
            RecordInvalid: a value is wrong, or the email is taken.
        """
        [written] = self._records.create(
            SYSTEM, "user", [{"name": name, "email": email, "roles": list(roles), **values}], via="command"
        )
        return written.id

    def disable(self, user_id: str) -> None:
        """Shut a person out: sign-ins and tokens stop working with the next request; nothing else changes.

        Raises:
            GuanxiError: they are the last one who may look after the site.
        """
        with self._records.begin() as connection:
            self._records.update(
                SYSTEM, "user", [Change(user_id, {"status": "disabled"})], via="command", connection=connection
            )
            self._shut_out(connection, user_id, None)


__all__ = ["GuanxiError", "Identity", "Link", "Rules", "SignIn", "Token"]
