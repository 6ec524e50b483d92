"""Passwords and addresses: chosen, changed, forgotten, confirmed. Whoever shows a link of ours is whom it was for."""

from __future__ import annotations

from sqlalchemy import Connection

from engine import clock
from engine.audit import Event
from engine.data.batch import Change
from engine.data.principal import SYSTEM
from engine.errors import GuanxiError, PasswordRefused, SignInRefused
from engine.i18n import Message
from engine.identity import letters, passwords
from engine.identity.links import Link, over
from engine.identity.people import Person
from engine.identity.rates import LINK, RESET, RESET_FROM
from engine.identity.sessions import SignIn
from engine.identity.signing import Signing, entered
from engine.identity.store import fingerprint
from engine.ids import new_id
from engine.mail.letter import checked_address

_PAST = "password_past"
_PATHS = {"email": "/login/email/{}"}


class Mending(Signing):
    """What people do about their password and their address."""

    # --- passwords ------------------------------------------------------------------------------------------------

    def set_password(self, user_id: str, password: str) -> None:
        """Give a person a password; every sign-in of theirs ends.

        Raises:
            PasswordRefused: it is easy to guess.
        """
        hashed = self._hashed(user_id, password)
        with self._writing() as connection:
            self._keep_password(connection, user_id, hashed)

    def change_password(self, user_id: str, old: str, new: str, *, keep: str | None = None) -> str | None:
        """Change a person's password for one who knows it; other sign-ins than the one with the secret `keep` end.

        That one gets another secret, which is returned.

        Raises:
            SignInRefused: the old one is wrong.
            SignInLocked: it was wrong too often.
            PasswordRefused: the new one is easy to guess.
        """
        with self._database.read() as connection:
            self._attempts.require_free(connection, user_id, None)
            stored = self._password(connection, user_id)
        person = self._person(user_id)
        if not passwords.fits(stored, old):
            self._failed(user_id, person, None, "change")
            raise SignInRefused(Message("The old password is wrong"))
        hashed = self._hashed(user_id, new)
        with self._writing() as connection:
            self._attempts.succeeded(connection, user_id)
            self._keep_password(connection, user_id, hashed, keep=keep)
            self._note(connection, "password_changed", user_id)
            self._tell(connection, person, letters.password_changed())
            return self._sessions.renew(connection, keep, proven=True) if keep else None

    def require_strong(self, password: str, *known: str | None) -> None:
        """Refuse a password that is easy to guess; `known` are words that others know, such as the person's name.

        Raises:
            PasswordRefused: the message says what would be better.
        """
        hooks = self._records.hooks
        leaked = None
        if hooks.listens("password_breached"):

            def leaked(prefix: str) -> list[str]:
                return [each for found in hooks.call("password_breached", prefix=prefix) for each in found]

        passwords.require_strong(password, *known, shortest=self._rules.password_length, leaked=leaked)

    @property
    def shortest_password(self) -> int:
        """Return how many characters a password has at least."""
        return self._rules.password_length

    def has_passwords(self) -> bool:
        """Say whether anybody can sign in by password yet."""
        with self._database.read() as connection:
            found = self._store.run(connection, "SELECT 1 FROM auth_credential WHERE kind = 'password' LIMIT 1")
            return found.fetchone() is not None

    def has_password(self, user_id: str) -> bool:
        """Say whether a person can sign in by password."""
        with self._database.read() as connection:
            return self._password(connection, user_id) is not None

    def _hashed(self, user_id: str, password: str) -> str:
        """Return what is stored of a new password; made outside of any transaction, for it takes its time.

        Raises:
            NotFound: there is no such person.
            PasswordRefused: it is easy to guess, or was theirs before.
        """
        person = self._person(user_id)
        self.require_strong(password, person.name, person.email)
        if self._rules.password_history:
            with self._database.read() as connection:
                past = [self._password(connection, user_id), *self._past(connection, user_id)]
            if any(passwords.fits(each, password) for each in past if each is not None):
                raise PasswordRefused(Message("You had this password before; choose another one"))
        return passwords.hash_password(password)

    def _past(self, connection: Connection, user_id: str) -> list[str]:
        """Return what is stored of the passwords that a person had, the newest first."""
        rows = self._store.run(
            connection,
            "SELECT secret FROM auth_credential WHERE user_id = ? AND kind = ? ORDER BY key DESC LIMIT ?",
            user_id, _PAST, self._rules.password_history,
        ).fetchall()  # fmt: skip
        return [str(row[0]) for row in rows]

    def _keep_password(self, connection: Connection, user_id: str, hashed: str, *, keep: str | None = None) -> None:
        """Store a new password; sign-ins, steps and links from before it end."""
        before = self._password(connection, user_id)
        if before is not None and self._rules.password_history:
            # Ids sort by time.
            self._store.run(
                connection,
                "INSERT INTO auth_credential (user_id, kind, key, secret, created_at) VALUES (?, ?, ?, ?, ?)",
                user_id, _PAST, new_id(), before, clock.now(),
            )  # fmt: skip
        self._store_password(connection, user_id, hashed)
        self._sessions.end_all(connection, user_id, but=keep)
        self._steps.end_all(connection, user_id)
        self._links.end_all(connection, user_id, "reset", "email")
        self._database.raise_access_epoch(connection)

    # --- links ----------------------------------------------------------------------------------------------------

    def make_link(self, user_id: str) -> str:
        """Return the secret of a link with which a person chooses a password, once; see `link_path`."""
        with self._writing() as connection:
            return self._links.make(connection, user_id)

    @staticmethod
    def link_path(secret: str, purpose: str = "set_up") -> str:
        """Return the page of a link, below the site's address."""
        return _PATHS.get(purpose, "/login/link/{}").format(secret)

    def link(self, secret: str, *, address: str | None = None) -> Link:
        """Return whom a link is for.

        Raises:
            NotFound: there is no such link, it was used, or its time is over; which, is not told.
            TooManyRequests: so many were tried from the address that it has to wait.
        """
        with self._reading() as (connection, published, _memory):
            try:
                found = self._links.find(connection, secret, "set_up", "reset", "email")
                person = self._people.by_id(connection, published, found.user_id)
            except GuanxiError:
                person = None
        if person is None or not person.may_sign_in:
            if address:
                with self._writing() as writing:
                    self._rates.take(writing, f"link:{address}", LINK)
            raise over()
        return Link(person.id, person.name, person.email, found.purpose, found.details)

    def follow_link(
        self, secret: str, password: str, *, address: str | None = None, agent: str | None = None
    ) -> SignIn:
        """Set the password that a person chose behind a link, and sign them in; the link is used up.

        Raises:
            NotFound: as `link`.
            PasswordRefused: the password is easy to guess; the link still works.
            SecondFactorNeeded: the password is set, and a second factor is due.
        """
        shown = self.link(secret)
        person, hashed = self._person(shown.user_id), self._hashed(shown.user_id, password)
        with self._writing() as connection:
            found = self._links.use(connection, secret, "set_up", "reset")
            self._keep_password(connection, person.id, hashed)
            # Whoever reads the person's mail is the person: wrong passwords of others no longer keep them out.
            self._attempts.succeeded(connection, person.email or "")
            if found.purpose == "reset":
                self._note(connection, "password_reset", person.id)
                self._tell(connection, person, letters.password_changed())
            begun = self._begin(connection, person.id, "link", address, agent)
        return entered(begun)

    # --- forgotten passwords and invitations ----------------------------------------------------------------------

    def request_reset(self, name: str, *, address: str | None = None) -> None:
        """Send whoever has an email address a link with which they choose a new password.

        Nothing tells whether anybody has it, nor how long it takes: for nobody the same is written, and thrown away.

        Raises:
            TooManyRequests: it was asked for too often, for that address or from where it was asked.
        """
        with self._writing() as connection:
            self._rates.take(connection, f"reset:{fingerprint(name.strip().casefold())}", RESET)
        with self._writing() as connection:
            if address:
                self._rates.take(connection, f"reset_from:{address}", RESET_FROM)
            published = self._published(connection)
            person = self._people.by_email(connection, published, name)
            known = person is not None and person.may_sign_in
            user_id = person.id if person is not None and known else new_id()
            link = self.address(self.link_path(self._links.make(connection, user_id, "reset")))
            letter = letters.reset(link, self._rules.reset_minutes)
            language = (person.language if person is not None else None) or published.model.languages[0]
            to = person.email if person is not None and known and person.email else "nobody@localhost"
            called = person.name if person is not None else ""
            self._post.put(connection, letter.mail(to, called, language, user_id=user_id), void=not known)

    def invite(self, user_id: str, *, by: str | None = None) -> None:
        """Send a person a mail with a link with which they choose a password; `by` is the id of who asks them in.

        Raises:
            GuanxiError: they have no address, or may not sign in.
        """
        with self._writing() as connection:
            self._invite(connection, self._person(user_id, connection), by)

    def _invite(self, connection: Connection, person: Person, by: str | None) -> None:
        if not person.may_sign_in:
            raise GuanxiError(Message("{name} may not sign in", name=person.name))
        if not person.email:
            raise GuanxiError(Message("{name} has no email address", name=person.name))
        inviter = self._people.by_id(connection, self._published(connection), by) if by else None
        link = self.address(self.link_path(self._links.make(connection, person.id)))
        hours = self._rules.set_up_hours
        self._tell(connection, person, letters.invitation(link, hours, inviter.name if inviter else None))
        self._note(connection, "invited", person.id, by=by)

    # --- another address ------------------------------------------------------------------------------------------

    def request_address(self, user_id: str, address: str) -> None:
        """Send a link to the address that a person wants to sign in with; the old one is told of it.

        Whether somebody has that address already is told to nobody but who reads its mail.

        Raises:
            GuanxiError: it is no address, or the person's already.
            TooManyRequests: it was asked for too often.
        """
        new = checked_address(address).lower()
        with self._writing() as connection:
            self._rates.take(connection, f"address:{user_id}", RESET)
        with self._writing() as connection:
            person = self._person(user_id, connection)
            if new == (person.email or "").lower():
                raise GuanxiError(Message("This is your address already"))
            secret = self._links.make(connection, user_id, "email", new)
            link = self.address(self.link_path(secret, "email"))
            self._tell(connection, person, letters.confirm_address(link, self._rules.reset_minutes), to=new)
            self._tell(connection, person, letters.address_changes(new))

    def confirm_address(self, secret: str, *, address: str | None = None) -> str:
        """Take the new address behind a link for the person's own, and return it.

        Raises:
            NotFound: as `link`.
            RecordInvalid: somebody else has that address.
            TooManyRequests: so many were tried from where it comes.
        """
        shown = self.link(secret, address=address)
        if shown.purpose != "email" or not shown.details:
            raise over()
        with self._records.begin() as connection:
            self._links.use(connection, secret, "email")
            person = self._person(shown.user_id, connection)
            self._records.update(
                SYSTEM, "user", [Change(person.id, {"email": shown.details})], via="web", connection=connection
            )
            details = {"from": person.email, "to": shown.details}
            self._trail.note(connection, Event("email_changed", person.id, "user", person.id, details=details))
            self._links.end_all(connection, person.id, "reset", "set_up")
            self._tell(connection, person, letters.address_changed(shown.details))
        self._post.nudge()
        return shown.details
