"""What somebody with the permission `users` does for others. Never for who may more than they may themselves."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from engine.data.access import Access
from engine.data.batch import Change
from engine.data.principal import Principal
from engine.errors import AccessDenied, GuanxiError
from engine.i18n import Message
from engine.identity import letters
from engine.identity.factors import Factor
from engine.identity.keys import Keys
from engine.identity.people import Person
from engine.identity.sessions import Session
from engine.identity.tokens import Token
from engine.publish import Published

PERMISSION = "users"
_EVERYTHING = "admin"


@dataclass(frozen=True, slots=True)
class Standing:
    """How somebody stands with their signing in, for who looks after people."""

    person: Person
    has_password: bool
    sessions: list[Session]
    factors: list[Factor]
    codes: int
    tokens: list[Token]
    locked_until: datetime | None
    must_have_second: bool
    invited_at: datetime | None
    """When a link to choose a password was made that is still good."""


class Caring(Keys, ABC):
    """What is done for others; each method is given who does it, and refuses what they may not."""

    @abstractmethod
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
        """Make a token for a person; as `Identity`."""

    def may_look_after(self, actor: Principal, user_id: str) -> bool:
        """Say whether somebody may do anything of this for a person."""
        try:
            with self._reading() as (connection, published, _memory):
                self._require(connection, published, actor, self._person(user_id, connection))
        except GuanxiError:
            return False
        return True

    def standing(self, actor: Principal, user_id: str) -> Standing:
        """Return how a person stands with their signing in.

        Raises:
            NotFound: there is no such person.
            AccessDenied: the actor does not look after people.
        """
        with self._reading() as (connection, published, _memory):
            person = self._person(user_id, connection)
            self._require_permission(published, actor)
            row = self._store.run(
                connection,
                "SELECT max(created_at) FROM auth_link WHERE user_id = ? AND purpose IN ('set_up', 'reset')"
                " AND used_at IS NULL",
                user_id,
            ).fetchone()
            return Standing(
                person,
                self._password(connection, user_id) is not None,
                self._sessions.of(connection, user_id),
                self._factors.of(connection, user_id),
                self._factors.codes_left(connection, user_id),
                self._tokens.of(connection, user_id),
                self._attempts.waits_until(connection, *_names(person)),
                self._must_have_second(connection, published, person),
                self._store.read_moment(row[0]),
            )

    def send_link(self, actor: Principal, user_id: str) -> None:
        """Send a person a link: an invitation to who has no password yet, else one to a new password.

        Raises:
            AccessDenied: the actor may not do this for them.
            GuanxiError: they have no address, or may not sign in.
        """
        with self._writing() as connection:
            person = self._looked_after(connection, actor, user_id)
            if self._password(connection, user_id) is None:
                self._invite(connection, person, actor.id)
                return
            if not person.may_sign_in or not person.email:
                raise GuanxiError(Message("{name} may not sign in", name=person.name))
            link = self.address(self.link_path(self._links.make(connection, user_id, "reset")))
            self._tell(connection, person, letters.reset(link, self._rules.reset_minutes))
            self._note(connection, "invited", user_id, by=actor.id, reset=True)

    def end_sessions(self, actor: Principal, user_id: str) -> None:
        """Sign a person out everywhere.

        Raises:
            AccessDenied: the actor may not do this for them.
        """
        with self._writing() as connection:
            self._looked_after(connection, actor, user_id)
            self._shut_out(connection, user_id, actor.id)

    def unlock(self, actor: Principal, user_id: str) -> None:
        """Let a person try again at once who typed wrong passwords too often.

        Raises:
            AccessDenied: the actor may not do this for them.
        """
        with self._writing() as connection:
            person = self._looked_after(connection, actor, user_id)
            for name in _names(person):
                self._attempts.succeeded(connection, name)

    def remove_factors(self, actor: Principal, user_id: str) -> None:
        """Remove every second factor of a person who lost theirs; they are signed out, and told.

        Raises:
            AccessDenied: the actor may not do this for them.
        """
        with self._writing() as connection:
            person = self._looked_after(connection, actor, user_id)
            self._factors.remove_all(connection, user_id)
            self._note(connection, "second_factor_removed", user_id, by=actor.id, factor="all")
            self._shut_out(connection, user_id, actor.id)
            self._tell(connection, person, letters.factors_removed())

    def add_token_for(
        self,
        actor: Principal,
        user_id: str,
        name: str,
        scopes: Sequence[str] = (),
        expires_at: datetime | None = None,
        *,
        addresses: Sequence[str] = (),
    ) -> str:
        """Make a token for a service account and return its text, which is never seen again.

        Whoever holds it may all that the account may, so only an administrator makes one.

        Raises:
            AccessDenied: the actor is none, or it is the account of a person.
            GuanxiError: a scope is none, or an address.
        """
        with self._writing() as connection:
            person = self._looked_after(connection, actor, user_id)
            if not Access(self._published(connection), actor).has(_EVERYTHING) or not person.service:
                raise AccessDenied(Message("Only an administrator makes tokens, and only for service accounts"))
        return self.add_token(user_id, name, scopes, expires_at, addresses=addresses, by=actor.id)[1]

    def revoke_token_of(self, actor: Principal, user_id: str, token_id: str) -> None:
        """End a token of a person.

        Raises:
            AccessDenied: the actor may not do this for them.
            NotFound: they have no such token.
        """
        with self._writing() as connection:
            self._looked_after(connection, actor, user_id)
            whose, name = self._tokens.revoke(connection, token_id, user_id)
            self._note(connection, "token_revoked", whose, by=actor.id, token=token_id, called=name)
            self._database.raise_access_epoch(connection)

    def set_active(self, actor: Principal, user_id: str, *, active: bool) -> None:
        """Shut a person out, or let them in again; their records stay as they are.

        Raises:
            AccessDenied: the actor may not do this for them.
            RecordInvalid: they are the last one who may look after the site.
        """
        with self._records.begin() as connection:
            self._looked_after(connection, actor, user_id)
            # The permission says enough: nobody needs a right to change users besides.
            change = Change(user_id, {"status": "active" if active else "disabled"})
            as_system = Principal(actor.id, actor.name, system=True, language=actor.language, timezone=actor.timezone)
            self._records.update(as_system, "user", [change], via="web", connection=connection)
            if not active:
                self._shut_out(connection, user_id, actor.id)

    def _shut_out(self, connection: Connection, user_id: str, by: str | None) -> None:
        ended = self._sessions.end_all(connection, user_id)
        self._steps.end_all(connection, user_id)
        if ended:
            self._note(connection, "session_ended", user_id, by=by, number=ended)
        self._database.raise_access_epoch(connection)

    def _looked_after(self, connection: Connection, actor: Principal, user_id: str) -> Person:
        """Return a person for whom somebody may act.

        Raises:
            NotFound: there is no such person.
            AccessDenied: the actor does not look after people, or the person may more than they.
        """
        person = self._person(user_id, connection)
        self._require(connection, self._published(connection), actor, person)
        return person

    def _require(self, connection: Connection, published: Published, actor: Principal, person: Person) -> None:
        access = self._require_permission(published, actor)
        theirs = Access(published, self._people.principal(connection, published, person)).roles.permissions
        if access.has(_EVERYTHING):
            return
        if any(not access.has(each) for each in theirs):
            raise AccessDenied(Message("{name} may do more than you: ask an administrator", name=person.name))

    @staticmethod
    def _require_permission(published: Published, actor: Principal) -> Access:
        access = Access(published, actor)
        if not (access.has(PERMISSION) or access.has(_EVERYTHING)):
            raise AccessDenied(Message("You may not look after the people of this site"))
        return access


def _names(person: Person) -> tuple[str, ...]:
    """Return the names under which failures of a person are counted."""
    return (*((person.email,) if person.email else ()), person.id, f"second {person.id}")
