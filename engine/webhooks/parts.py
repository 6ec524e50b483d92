"""What webhooks need of the site, given to each of their parts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from engine.audit import Trail
from engine.audit.statements import Statements
from engine.data.feed import Feed
from engine.data.principal import Principal
from engine.data.reader import Reader
from engine.data.records import Records
from engine.data.vault import Vault
from engine.errors import AccessDenied, NotFound, SiteBroken
from engine.i18n import Message
from engine.ids import is_id
from engine.mail import Post
from engine.outbound import Outbound
from engine.storage.database import Database

PERMISSION = "integrations"
"""Who holds it may set up what the site tells others and what others may tell it."""


@dataclass(frozen=True, slots=True)
class Parts:
    """One site, as far as webhooks go."""

    database: Database
    records: Records
    feed: Feed
    outbound: Outbound
    post: Post
    principal: Callable[[str], Principal]
    """Returns the person of an id, or refuses one who may not sign in."""
    reader_within: Callable[[Connection, Principal], Reader]
    """A reader that counts for nobody: what is read goes to a program."""
    base_url: str | None
    statements: Statements = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "statements", Statements(self.database))

    def row(self, connection: Connection, table: str, columns: str, id_: str, missing: Message) -> Any:
        """Return some columns of the row of an id; table and columns are constants of the product.

        Raises:
            NotFound: there is none, in the words of `missing`.
        """
        found = None
        if is_id(id_):
            found = self.statements.run(connection, f"SELECT {columns} FROM {table} WHERE id = ?", id_).fetchone()  # noqa: S608
        if found is None:
            raise NotFound(missing)
        return found

    @property
    def trail(self) -> Trail:
        """Return the audit log."""
        return self.records.trail

    @property
    def vault(self) -> Vault:
        """Return what seals the secrets.

        Raises:
            SiteBroken: the site has no key.
        """
        if self.records.vault is None:
            raise SiteBroken(Message("The site has no secret key, so secrets of webhooks cannot be kept"))
        return self.records.vault

    @contextmanager
    def reading(self, principal: Principal) -> Iterator[Reader]:
        """Open a transaction that reads, for a principal."""
        with self.database.read() as connection:
            yield self.reader_within(connection, principal)

    def require(self, principal: Principal) -> None:
        """Refuse whoever may not set up webhooks.

        Raises:
            AccessDenied: so it is.
        """
        principal.require_own_hands()
        with self.reading(principal) as reader:
            if not reader.access.has(PERMISSION):
                raise AccessDenied(Message("You may not set up what is exchanged with other programs"))

    def flag(self, *, value: bool) -> Any:
        """Return a truth value as a column takes it."""
        return int(value) if self.statements.sqlite else value
