"""What the parts of identity share: the database, what this process remembers of people, and how strict it is."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection

from engine.audit import Event
from engine.data.principal import Principal
from engine.data.records import Records
from engine.errors import NotFound
from engine.i18n import Message
from engine.identity.attempts import Attempts
from engine.identity.factors import Factors
from engine.identity.links import Links
from engine.identity.people import People, Person
from engine.identity.rates import Rates
from engine.identity.sessions import KnownSession, Sessions
from engine.identity.steps import Steps
from engine.identity.store import Store
from engine.identity.tokens import KnownToken, Tokens
from engine.identity.viewing import Looks
from engine.mail import Letter, Post
from engine.publish import Published, Publisher
from engine.storage.database import Database

_REMEMBERED = 10_000
ADDRESS_VARIABLE = "GUANXI_ADDRESS"
"""Where the running server listens: what links lead to while guanxi.yaml says no `base_url`."""


@dataclass(frozen=True, slots=True)
class Rules:
    """How strict identity is."""

    sign_in_attempts: int = 10
    lock_minutes: int = 15
    session_hours: int = 12
    session_most_hours: int = 168
    set_up_hours: int = 72
    reset_minutes: int = 60
    password_length: int = 10
    password_history: int = 0
    base_url: str | None = None
    """Where people reach the site; None where that was not said."""

    @classmethod
    def of(cls, limits: Any, base_url: str | None) -> Rules:
        """Return the rules that guanxi.yaml says: `limits` has an attribute of the name of each."""
        names = (each.name for each in fields(cls) if each.name != "base_url")
        return cls(**{name: getattr(limits, name) for name in names}, base_url=base_url)


class Memory:
    """What this process has found out since the access epoch changed last."""

    def __init__(self, epoch: tuple[int, int]) -> None:
        self.epoch = epoch
        self.principals: dict[str, Principal] = {}
        self.sessions: dict[str, KnownSession] = {}
        self.tokens: dict[str, KnownToken] = {}
        self.shown: dict[str, Principal] = {}
        """Whom the tokens stand for, with their scopes."""

    def full(self) -> bool:
        """Say whether it has grown so large that it should begin anew."""
        return len(self.principals) + len(self.sessions) + len(self.tokens) > _REMEMBERED


class Base:
    """One site's people, as every part of identity works on them."""

    def __init__(self, database: Database, publisher: Publisher, records: Records, rules: Rules, post: Post) -> None:
        self._rules, self._post = rules, post
        self._database, self._publisher, self._records = database, publisher, records
        self._trail = records.trail
        self._store = store = Store(database)
        self._people = People(store)
        hours = timedelta(hours=rules.session_hours)
        self._sessions = Sessions(store, hours, max(hours, timedelta(hours=rules.session_most_hours)))
        self._steps = Steps(store)
        self._factors = Factors(store)
        self._links = Links(store, timedelta(hours=rules.set_up_hours), timedelta(minutes=rules.reset_minutes))
        self._tokens = Tokens(store)
        self._attempts = Attempts(store, rules.sign_in_attempts, timedelta(minutes=rules.lock_minutes))
        self._rates = Rates(store)
        self._looks = Looks(store, self._trail)
        self._memory = Memory((-1, -1))

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        """Open a transaction that writes; mails that it put into the outbox are sent once it has committed."""
        with self._database.write() as connection:
            yield connection
        self._post.nudge()

    @contextmanager
    def _reading(self, given: Connection | None = None) -> Iterator[tuple[Connection, Published, Memory]]:
        with nullcontext(given) if given is not None else self._database.read() as connection:
            epoch = self._database.probe(connection)
            memory = self._memory
            if memory.epoch != epoch or memory.full():
                memory = self._memory = Memory(epoch)
            yield connection, self._publisher.models.get(epoch[0]), memory

    def _published(self, connection: Connection) -> Published:
        return self._publisher.models.get(self._database.probe(connection)[0])

    def _person(self, user_id: str, connection: Connection | None = None) -> Person:
        """Return a person by id.

        Raises:
            NotFound: there is none.
        """
        with self._reading(connection) as (reading, published, _memory):
            person = self._people.by_id(reading, published, user_id)
        if person is None:
            raise NotFound(Message("There is no user {name}", name=user_id))
        return person

    def address(self, path: str) -> str:
        """Return the whole address of one of our pages, as mails and the command line give it."""
        base = self._rules.base_url or os.environ.get(ADDRESS_VARIABLE) or "http://127.0.0.1:8000"
        return base.rstrip("/") + path

    def _tell(self, connection: Connection, person: Person, letter: Letter, *, to: str | None = None) -> None:
        """Put a letter to a person into the outbox, in their language; a person without an address gets none."""
        address = to or person.email
        if address:
            language = person.language or self._published(connection).model.languages[0]
            self._post.put(connection, letter.mail(address, person.name, language, user_id=person.id))

    def _note(
        self,
        connection: Connection,
        kind: str,
        user_id: str | None,
        *,
        by: str | None = None,
        number: int = 1,
        **details: Any,
    ) -> None:
        """Write into the audit log what was done to a person; by themselves, unless `by` says who else did it."""
        self._trail.note(connection, Event(kind, by or user_id, "user", user_id, number, details))
