"""Signing in and out: the checks that every way in passes, the rows of sign-ins, and showing a password again."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Connection

from engine import clock
from engine.audit import Event, origin
from engine.errors import NotFound, SignInNeeded, SignInRefused
from engine.i18n import Message
from engine.identity import letters, passwords
from engine.identity.base import Base
from engine.identity.gate import OWN_WAYS, Gate
from engine.identity.people import Person
from engine.identity.rates import SIGN_IN
from engine.identity.sessions import Session, SignIn
from engine.identity.steps import SecondFactorNeeded, Step
from engine.publish import Published

FRESH = timedelta(minutes=10)
"""For so long after a password, or the like, was shown a person may change what they sign in with."""
_PASSWORD = "password"  # noqa: S105 - the name of a kind


class Signing(Base):
    """Signs people in and out."""

    gate: Gate | None = None
    """Who else vouches for people, and whether the site's own ways are open to them; all are where it is None."""

    def sign_in(self, name: str, password: str, *, address: str | None = None, agent: str | None = None) -> SignIn:
        """Sign a person in by email and password.

        Raises:
            SignInRefused: they do not fit; nothing tells whether the name exists.
            SignInLocked: there were too many attempts, whether the name exists or not.
            SecondFactorNeeded: they fit, and a second factor is due; nobody is signed in yet.
            TooManyRequests: so many attempts come from the address that it has to wait.
        """
        if address:
            with self._writing() as connection:
                self._rates.take(connection, f"sign_in:{address}", SIGN_IN)
        with self._reading() as (connection, published, _memory):
            self._attempts.require_free(connection, name, address)
            person = self._people.by_email(connection, published, name)
            stored = None if person is None else self._password(connection, person.id)
        # Outside of any transaction, and as slow for a name that nobody has: hashing takes its time on purpose.
        fits = passwords.fits(stored, password)
        if not fits or person is None or not person.may_sign_in or not self._own_ways(person):
            elsewhere = self.gate.elsewhere(name, password) if self.gate is not None else None
            if elsewhere is not None:
                return self._vouched_for(name, *elsewhere, address, agent)
            self._failed(name, person, address, "password")
            raise SignInRefused(Message("Email and password do not fit"))
        renewed = passwords.hash_password(password) if stored is not None and passwords.is_outdated(stored) else None
        with self._writing() as connection:
            self._attempts.succeeded(connection, name)
            if renewed is not None:
                self._store_password(connection, person.id, renewed)
            begun = self._begin(connection, person.id, "password", address, agent)
        return entered(begun)

    def _own_ways(self, person: Person) -> bool:
        return self.gate is None or self.gate.lets_in(person)

    def _fits_elsewhere(self, person: Person, password: str) -> bool:
        found = self.gate.elsewhere(person.email or "", password) if self.gate is not None else None
        return found is not None and found[0] == person.id

    def _vouched_for(self, name: str, user_id: str, method: str, address: str | None, agent: str | None) -> SignIn:
        """Sign a person in whose name and password fit elsewhere."""
        with self._writing() as connection:
            self._attempts.succeeded(connection, name)
            begun = self._begin(connection, user_id, method, address, agent)
        return entered(begun)

    def begin_session(
        self,
        user_id: str,
        *,
        method: str,
        address: str | None = None,
        agent: str | None = None,
        vouched: bool = False,
    ) -> SignIn:
        """Sign a person in whom something else than a password has made out, such as a provider.

        Args:
            user_id: who it is.
            method: how they were made out: what lists of sign-ins and the audit log say.
            address: where they sign in from.
            agent: the browser, as it calls itself.
            vouched: whether a second factor was shown there, so that none is asked for here.

        Raises:
            SignInRefused: they may not sign in.
            SecondFactorNeeded: a second factor is due; nobody is signed in yet.
        """
        with self._writing() as connection:
            begun = self._begin(connection, user_id, method, address, agent, vouched=vouched)
        return entered(begun)

    def sign_out(self, secret: str) -> None:
        """End the sign-in of a browser."""
        with self._writing() as connection:
            user_id = self._sessions.end(connection, secret)
            if user_id is not None:
                self._note(connection, "sign_out", user_id)
            self._database.raise_access_epoch(connection)

    # --- where somebody is signed in ------------------------------------------------------------------------------

    def sessions(self, user_id: str, current: str = "") -> list[Session]:
        """Return where a person is signed in, the latest use first; `current` is the secret of who asks."""
        with self._database.read() as connection:
            return self._sessions.of(connection, user_id, current)

    def end_session(self, user_id: str, session_id: str, *, by: str | None = None) -> None:
        """End one sign-in of a person, by the id that `sessions` gives.

        Raises:
            NotFound: there is none, or it has ended.
        """
        with self._writing() as connection:
            if not self._sessions.end_one(connection, user_id, session_id):
                raise NotFound(Message("This sign-in has ended already"))
            self._note(connection, "session_ended", user_id, by=by)
            self._database.raise_access_epoch(connection)

    def sign_out_everywhere(self, user_id: str, *, but: str | None = None, by: str | None = None) -> None:
        """End every sign-in of a person, apart from the one with a secret."""
        with self._writing() as connection:
            ended = self._sessions.end_all(connection, user_id, but=but)
            self._steps.end_all(connection, user_id)
            if ended:
                self._note(connection, "session_ended", user_id, by=by, number=ended)
            self._database.raise_access_epoch(connection)

    # --- showing it again -----------------------------------------------------------------------------------------

    def is_fresh(self, secret: str) -> bool:
        """Say whether the person of a sign-in has shown a password, or the like, within the last minutes."""
        with self._database.read() as connection:
            known = self._sessions.find(connection, secret)
        return known is not None and clock.now() - known.proven_at <= FRESH

    def prove(self, secret: str, password: str, *, address: str | None = None) -> str:
        """Show the password again and return the new secret of the sign-in: the old one stops working.

        Raises:
            SignInRefused: it is wrong.
            SignInLocked: it was wrong too often.
            SignInNeeded: the sign-in has ended.
        """
        with self._reading() as (connection, published, _memory):
            known = self._sessions.find(connection, secret)
            person = known and self._people.by_id(connection, published, known.user_id)
            if not person:
                raise SignInNeeded(Message("Please sign in again"))
            self._attempts.require_free(connection, person.id, None)
            stored = self._password(connection, person.id)
        if not passwords.fits(stored, password) and not self._fits_elsewhere(person, password):
            self._failed(person.id, person, None, "prove")
            raise SignInRefused(Message("The password is wrong"))
        with self._writing() as connection:
            self._attempts.succeeded(connection, person.id)
            return self._renewed(connection, secret)

    def _renewed(self, connection: Connection, secret: str) -> str:
        """Give a sign-in whose person was just made out again another secret.

        Raises:
            SignInNeeded: it has ended.
        """
        fresh = self._sessions.renew(connection, secret, proven=True)
        if fresh is None:
            raise SignInNeeded(Message("Please sign in again"))
        self._database.raise_access_epoch(connection)
        return fresh

    # --- what every way in passes ---------------------------------------------------------------------------------

    def _begin(
        self,
        connection: Connection,
        user_id: str,
        method: str,
        address: str | None,
        agent: str | None,
        *,
        vouched: bool = False,
    ) -> SignIn | Step:
        """Begin a sign-in, or the step that comes before it."""
        published = self._published(connection)
        person = self._people.by_id(connection, published, user_id)
        if person is None or not person.may_sign_in:
            raise SignInRefused(Message("This account may not sign in"))
        if method in OWN_WAYS and not self._own_ways(person):
            raise SignInRefused(Message("This account signs in elsewhere: choose how on the sign-in page"))
        if not vouched:
            if self._factors.kinds(connection, user_id):
                return self._steps.begin(connection, user_id, "second", method=method)
            if self._must_have_second(connection, published, person):
                return self._steps.begin(connection, user_id, "set_up", method=method)
        secret, end = self._sessions.begin(connection, user_id, address, agent, method)
        self._note(connection, "sign_in", user_id, method=method)
        return SignIn(secret, self._people.principal(connection, published, person), end)

    def _must_have_second(self, connection: Connection, published: Published, person: Person) -> bool:
        """Say whether a role of a person demands a second factor."""
        held = self._people.principal(connection, published, person).roles
        roles = published.model.roles
        return any(roles[key].second_factor for key in held if key in roles)

    def _failed(self, name: str, person: Person | None, address: str | None, method: str) -> None:
        """Count a failure, note it, and tell the person when their name has to wait from now on."""
        with self._writing() as connection:
            locked = self._attempts.failed(connection, name, address)
            known = None if person is None else person.id
            # Whose doing it was is not known. Never what was typed: people type passwords into the wrong box.
            self._trail.note(connection, Event("sign_in_failed", None, "user", known, details={"method": method}))
            for what in locked:
                details = {"what": what, "minutes": self._rules.lock_minutes}
                self._trail.note(connection, Event("locked_out", None, "user", known, details=details))
            if "name" in locked and person is not None and person.may_sign_in:
                self._tell(
                    connection, person, letters.locked_out(self._rules.lock_minutes, address or origin().address)
                )

    def _password(self, connection: Connection, user_id: str) -> str | None:
        row = self._store.run(
            connection,
            "SELECT secret FROM auth_credential WHERE user_id = ? AND kind = ? AND key = ''",
            user_id,
            _PASSWORD,
        ).fetchone()
        return None if row is None else str(row[0])

    def _store_password(self, connection: Connection, user_id: str, hashed: str) -> None:
        self._store.run(
            connection,
            "INSERT INTO auth_credential (user_id, kind, key, secret, created_at) VALUES (?, ?, '', ?, ?)"
            " ON CONFLICT (user_id, kind, key)"
            " DO UPDATE SET secret = excluded.secret, created_at = excluded.created_at",
            user_id,
            _PASSWORD,
            hashed,
            clock.now(),
        )


def entered(begun: SignIn | Step) -> SignIn:
    """Return a sign-in that is done.

    Raises:
        SecondFactorNeeded: only its first step is.
    """
    if isinstance(begun, Step):
        raise SecondFactorNeeded(begun)
    return begun
