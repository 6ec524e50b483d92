"""`Identity`: who may sign in, who does, and who it was that showed a cookie or a token.

What is remembered in memory holds as long as `access_epoch` stays the same; every change to people, roles, teams,
sign-ins and tokens raises it. So a request costs one probe, and a person who is shut out is out with the next one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from engine import clock
from engine.data.batch import Change
from engine.data.principal import SYSTEM, Principal
from engine.data.records import Records
from engine.errors import DatabaseUnavailable, GuanxiError, NotFound, SignInNeeded, SignInRefused
from engine.i18n import Message
from engine.identity import passwords
from engine.identity.attempts import Attempts
from engine.identity.links import Link, Links
from engine.identity.people import People, Person
from engine.identity.sessions import KnownSession, Session, Sessions, SignIn
from engine.identity.store import Store, fingerprint
from engine.identity.tokens import PREFIX, KnownToken, Token, Tokens
from engine.publish import Published, Publisher
from engine.storage.database import Database

_PASSWORD = "password"  # noqa: S105 - the name of a kind
_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Rules:
    """How strict identity is."""

    sign_in_attempts: int = 10
    lock_minutes: int = 15
    session_hours: int = 12
    set_up_hours: int = 72


class _Memory:
    """What this process has found out since the access epoch changed last."""

    def __init__(self, epoch: tuple[int, int]) -> None:
        self.epoch = epoch
        self.principals: dict[str, Principal] = {}
        self.sessions: dict[str, KnownSession] = {}
        self.tokens: dict[str, KnownToken] = {}

    def full(self) -> bool:
        """Say whether it has grown so large that it should begin anew."""
        return len(self.principals) + len(self.sessions) + len(self.tokens) > _REMEMBERED


class Identity:
    """The people of one site."""

    def __init__(self, database: Database, publisher: Publisher, records: Records, rules: Rules | None = None) -> None:
        rules = rules or Rules()
        self._database, self._publisher, self._records = database, publisher, records
        self._trail = records.trail
        self._store = Store(database)
        self._people = People(self._store)
        self._sessions = Sessions(self._store, timedelta(hours=rules.session_hours))
        self._links = Links(self._store, timedelta(hours=rules.set_up_hours))
        self._tokens = Tokens(self._store)
        self._attempts = Attempts(self._store, rules.sign_in_attempts, timedelta(minutes=rules.lock_minutes))
        self._memory = _Memory((-1, -1))

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
        return self._principal(connection, self._published(connection), _Memory((0, 0)), user_id)

    def principal_of_session(self, secret: str, connection: Connection | None = None) -> Principal:
        """Return who signed in with the browser whose cookie holds a secret; read in `connection` when one is open.

        Raises:
            SignInNeeded: nobody did, or it is over.
        """
        if not secret:
            raise SignInNeeded(Message("Please sign in"))
        now, key = clock.now(), fingerprint(secret)
        with self._reading(connection) as (reading, published, memory):
            known = memory.sessions.get(key) or self._sessions.find(reading, secret)
            if known is None or known.expires_at <= now:
                memory.sessions.pop(key, None)
                raise SignInNeeded(Message("Please sign in again"))
            memory.sessions[key] = known
            principal = self._principal(reading, published, memory, known.user_id)
        if known.needs_refresh(now):
            # Not worth failing a request for: the next one tries again.
            with suppress(DatabaseUnavailable), self._database.write() as writing:
                known.expires_at, known.seen_at = self._sessions.refresh(writing, secret), now
        return principal

    def principal_of_token(self, text: str, connection: Connection | None = None) -> Principal:
        """Return whom a token stands for, with the scopes that it has; read in `connection` when one is open.

        Raises:
            SignInNeeded: there is no such token, or it is no longer good.
        """
        refused = SignInNeeded(Message("The token is not valid"))
        if not text.startswith(PREFIX):
            raise refused
        key = fingerprint(text)
        with self._reading(connection) as (reading, published, memory):
            first = key not in memory.tokens
            known = memory.tokens.get(key) or self._tokens.find(reading, text)
            if known is None or (known.expires_at is not None and known.expires_at <= clock.now()):
                raise refused
            memory.tokens[key] = known
            principal = self._principal(reading, published, memory, known.user_id)
        if first:
            with suppress(DatabaseUnavailable), self._database.write() as writing:
                self._tokens.used(writing, text)
        return replace(principal, scopes=known.scopes)

    def _principal(self, connection: Connection, published: Published, memory: _Memory, user_id: str) -> Principal:
        found = memory.principals.get(user_id)
        if found is None:
            person = self._people.by_id(connection, published, user_id)
            if person is None or not person.active:
                raise SignInNeeded(Message("Please sign in"))
            found = memory.principals[user_id] = self._people.principal(connection, published, person)
        return found

    @contextmanager
    def _reading(self, given: Connection | None = None) -> Iterator[tuple[Connection, Published, _Memory]]:
        with nullcontext(given) if given is not None else self._database.read() as connection:
            epoch = self._database.probe(connection)
            memory = self._memory
            if memory.epoch != epoch or memory.full():
                memory = self._memory = _Memory(epoch)
            yield connection, self._publisher.models.get(epoch[0]), memory

    # --- signing in -----------------------------------------------------------------------------------------------

    def sign_in(self, name: str, password: str, *, address: str | None = None, agent: str | None = None) -> SignIn:
        """Sign a person in by email and password.

        Raises:
            SignInRefused: they do not fit, or there were too many attempts; nothing tells whether the name exists.
        """
        with self._reading() as (connection, published, _memory):
            self._attempts.require_free(connection, name, address)
            person = self._people.by_email(connection, published, name)
            stored = None if person is None else self._password(connection, person.id)
        # Outside of any transaction, and as slow for a name that nobody has: hashing takes its time on purpose.
        if not passwords.fits(stored, password) or person is None or not person.active:
            with self._database.write() as connection:
                self._attempts.failed(connection, name, address)
            raise SignInRefused(Message("Email and password do not fit"))
        renewed = passwords.hash_password(password) if stored is not None and passwords.is_outdated(stored) else None
        with self._database.write() as connection:
            self._attempts.succeeded(connection, name)
            if renewed is not None:
                self._store_password(connection, person.id, renewed)
            return self._begin(connection, person.id, address, agent)

    def sign_out(self, secret: str) -> None:
        """End the sign-in of a browser."""
        with self._database.write() as connection:
            self._sessions.end(connection, secret)
            self._database.raise_access_epoch(connection)

    def sessions(self, user_id: str) -> list[Session]:
        """Return where a person is signed in, the latest use first."""
        with self._database.read() as connection:
            return self._sessions.of(connection, user_id)

    def sign_out_everywhere(self, user_id: str, *, but: str | None = None) -> None:
        """End every sign-in of a person, apart from the one with a secret."""
        with self._database.write() as connection:
            self._sessions.end_all(connection, user_id, but=but)
            self._database.raise_access_epoch(connection)

    def _begin(self, connection: Connection, user_id: str, address: str | None, agent: str | None) -> SignIn:
        secret, end = self._sessions.begin(connection, user_id, address, agent)
        published = self._published(connection)
        person = self._people.by_id(connection, published, user_id)
        if person is None or not person.active:
            raise SignInRefused(Message("This account may not sign in"))
        return SignIn(secret, self._people.principal(connection, published, person), end)

    # --- passwords ------------------------------------------------------------------------------------------------

    def set_password(self, user_id: str, password: str) -> None:
        """Give a person a password; every sign-in of theirs ends.

        Raises:
            PasswordRefused: it is easy to guess.
        """
        self._set_password(user_id, self._hashed(user_id, password))

    def change_password(self, user_id: str, old: str, new: str, *, keep: str | None = None) -> None:
        """Change a person's password for one who knows it; other sign-ins than the one with the secret `keep` end.

        Raises:
            SignInRefused: the old one is wrong, or was wrong too often.
            PasswordRefused: the new one is easy to guess.
        """
        with self._database.read() as connection:
            self._attempts.require_free(connection, user_id, None)
            stored = self._password(connection, user_id)
        if not passwords.fits(stored, old):
            with self._database.write() as connection:
                self._attempts.failed(connection, user_id, None)
            raise SignInRefused(Message("The old password is wrong"))
        self._set_password(user_id, self._hashed(user_id, new), keep=keep)

    @staticmethod
    def require_strong(password: str, *known: str | None) -> None:
        """Refuse a password that is easy to guess; `known` are words that others know, such as the person's name.

        Raises:
            PasswordRefused: the message says what would be better.
        """
        passwords.require_strong(password, *known)

    def has_passwords(self) -> bool:
        """Say whether anybody can sign in by password yet."""
        with self._database.read() as connection:
            found = self._store.run(connection, "SELECT 1 FROM auth_credential WHERE kind = ? LIMIT 1", _PASSWORD)
            return found.fetchone() is not None

    def _password(self, connection: Connection, user_id: str) -> str | None:
        row = self._store.run(
            connection,
            "SELECT secret FROM auth_credential WHERE user_id = ? AND kind = ? AND key = ''",
            user_id,
            _PASSWORD,
        ).fetchone()
        return None if row is None else str(row[0])

    def _hashed(self, user_id: str, password: str) -> str:
        """Return what is stored of a new password; made outside of any transaction, for it takes its time."""
        with self._reading() as (connection, published, _memory):
            person = self._people.by_id(connection, published, user_id)
        if person is None:
            raise NotFound(Message("There is no user {name}", name=user_id))
        passwords.require_strong(password, person.name, person.email)
        return passwords.hash_password(password)

    def _set_password(self, user_id: str, hashed: str, *, keep: str | None = None) -> None:
        with self._database.write() as connection:
            self._store_password(connection, user_id, hashed)
            self._sessions.end_all(connection, user_id, but=keep)
            self._database.raise_access_epoch(connection)

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

    # --- links ----------------------------------------------------------------------------------------------------

    def make_link(self, user_id: str) -> str:
        """Return the secret of a link with which a person chooses a password, once; see `link_path`."""
        with self._database.write() as connection:
            return self._links.make(connection, user_id)

    @staticmethod
    def link_path(secret: str) -> str:
        """Return the page of a link, below the site's address."""
        return f"/login/link/{secret}"

    def link(self, secret: str) -> Link:
        """Return whom a link is for.

        Raises:
            NotFound: there is no such link, it was used, or its time is over; which, is not told.
        """
        with self._reading() as (connection, published, _memory):
            user_id = self._links.find(connection, secret)
            person = self._people.by_id(connection, published, user_id)
        if person is None or not person.active:
            raise NotFound(Message("This link was used already, or its time is over; ask for a new one"))
        return Link(person.id, person.name, person.email)

    def follow_link(
        self, secret: str, password: str, *, address: str | None = None, agent: str | None = None
    ) -> SignIn:
        """Set the password that a person chose behind a link, and sign them in; the link is used up.

        Raises:
            NotFound: as `link`.
            PasswordRefused: the password is easy to guess; the link still works.
        """
        hashed = self._hashed(self.link(secret).user_id, password)
        with self._database.write() as connection:
            user_id = self._links.use(connection, secret)
            self._store_password(connection, user_id, hashed)
            self._sessions.end_all(connection, user_id)
            self._database.raise_access_epoch(connection)
            return self._begin(connection, user_id, address, agent)

    # --- tokens ---------------------------------------------------------------------------------------------------

    def add_token(
        self, user_id: str, name: str, scopes: Sequence[str] = (), expires_at: datetime | None = None
    ) -> tuple[str, str]:
        """Make a token for a person and return its id and its text, which is never seen again.

        Without scopes it may whatever the person may.

        Raises:
            GuanxiError: a scope is none.
        """
        with self._database.write() as connection:
            return self._tokens.add(connection, user_id, name, tuple(scopes), expires_at)

    def tokens(self, user_id: str) -> list[Token]:
        """Return a person's tokens, the newest first."""
        with self._database.read() as connection:
            return self._tokens.of(connection, user_id)

    def revoke_token(self, token_id: str) -> None:
        """End a token.

        Raises:
            NotFound: there is none of that id.
        """
        with self._database.write() as connection:
            self._tokens.revoke(connection, token_id)
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
        self._records.update(SYSTEM, "user", [Change(user_id, {"status": "disabled"})], via="command")
        self.sign_out_everywhere(user_id)

    def _published(self, connection: Connection) -> Published:
        return self._publisher.models.get(self._database.probe(connection)[0])


__all__ = ["GuanxiError", "Identity", "Link", "Rules", "SignIn", "Token"]
