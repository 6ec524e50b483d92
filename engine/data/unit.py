"""One transaction of writing: its connection, the Model it is pinned to, who acts, when, and what is noted on the way.

A `Unit` is handed from step to step as an argument. Calls that a hook makes while a unit is at work join it, one level
deeper, so that everything commits together or not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from engine.audit import Event, Trail
from engine.data.access import Access
from engine.data.phrases import Phrases, phrases
from engine.errors import GuanxiError, SiteBroken
from engine.i18n import Message
from engine.storage.database import copy_rows, run, run_counting, run_many
from engine.storage.guard import ENTITY_ACCESS

if TYPE_CHECKING:
    from engine.data.autonumber import Numbers
    from engine.data.batch import Batch, Draft
    from engine.data.principal import Principal
    from engine.data.sets import ChangeSet
    from engine.data.shape import Shape
    from engine.data.vault import Blinder, Sealer, Vault
    from engine.hooks import Hooks
    from engine.publish import Published

CHUNK = 500
"""Records that go through the steps together."""
MOST_DEPTH = 5
"""How deep hooks may cause writes that call hooks again."""

_COPIED = 20
"""Rows from which on PostgreSQL takes them faster by COPY."""
_at_work: ContextVar[Unit | None] = ContextVar("unit", default=None)


@dataclass(slots=True)
class Tail:
    """What is left for the end of a call, shared by a unit and those that joined it."""

    committed: list[Callable[[], None]] = field(default_factory=list)
    """Notices that may be lost."""
    rolled_back: list[Callable[[], None]] = field(default_factory=list)
    blocks: dict[str, list[int]] = field(default_factory=dict)
    """Numbers that this transaction has reserved and not used."""
    settling: dict[str, set[str]] = field(default_factory=dict)
    """Entity -> records that are being written just now and work out for themselves what follows from their rows."""
    joined: bool = False
    """Whether a hook has called `Records` in the same transaction."""


class Unit:
    """A transaction at work."""

    __slots__ = (
        "access",
        "at",
        "blinding",
        "change_set",
        "connection",
        "depth",
        "exact",
        "hooks",
        "now",
        "numbers",
        "phrases",
        "principal",
        "published",
        "records",
        "sealing",
        "tail",
        "told",
        "trail",
        "vault",
        "via",
        "wave",
    )

    def __init__(
        self,
        records: Any,
        connection: Connection,
        published: Published,
        principal: Principal,
        *,
        now: datetime,
        via: str,
        change_set: ChangeSet,
    ) -> None:
        self.records = records
        """The `Records` at whose call it began."""
        self.connection = connection
        self.published = published
        self.principal = principal
        self.access = Access(published, principal, now)
        self.now = now
        self.phrases: Phrases = phrases(connection.dialect.name)
        self.at = self.phrases.moment(now)
        """`now` as a column of a system table takes it."""
        self.via = via
        self.change_set = change_set
        self.depth = 0
        self.exact = False
        """Whether the values that were given are a program's JSON, of which nothing is guessed."""
        self.told: list[tuple[Batch, list[Draft]]] | None = None
        """What the hooks will be told at the end of the call; None outside of one."""
        self.wave = 0
        """How many links the write that is at work is away from the one that was asked for."""
        self.hooks: Hooks = records.hooks
        self.vault: Vault | None = records.vault
        self.sealing: Sealer | None = None
        self.blinding: Blinder | None = None
        self.trail: Trail = records.trail
        self.numbers: Numbers = records.numbers
        self.tail = Tail()

    @property
    def env(self) -> Mapping[str, Any]:
        """Variables of expressions: user.*, today, now."""
        return self.access.env()

    def joined(self, principal: Principal, via: str | None, change_set: ChangeSet | None) -> Unit:
        """Return a unit of the same transaction, one level deeper, for a call that a hook makes.

        Raises:
            GuanxiError: hooks have called each other too often.
        """
        if self.depth >= MOST_DEPTH:
            raise GuanxiError(Message("Automatic changes set each other off more than {most} times", most=MOST_DEPTH))
        unit = Unit(
            self.records,
            self.connection,
            self.published,
            principal,
            now=self.now,
            via=via or self.via,
            change_set=change_set or self.change_set,
        )
        unit.depth = self.depth + 1
        unit.tail = self.tail
        self.tail.joined = True
        return unit

    def seal(self, shape: Shape, id_: str, key: str, plain: str) -> str:
        """Return the cipher text of a value of a secret field.

        Raises:
            SiteBroken: the site has no key.
        """
        if self.vault is None:
            raise SiteBroken(Message("The site has no secret key, so secret fields cannot be kept"))
        if self.sealing is None:
            self.sealing = self.vault.sealer(self.connection)
        safe = shape.safes[key]
        return self.sealing.seal(safe.table, id_, safe.column, plain)

    def unseal(self, shape: Shape, id_: str, key: str, sealed: str) -> str:
        """Return the plain text of a stored value of a secret field.

        Raises:
            SiteBroken: the site has no key, or another one than the value was sealed with.
        """
        if self.vault is None:
            raise SiteBroken(Message("The site has no secret key, so secret fields cannot be kept"))
        safe = shape.safes[key]
        return self.vault.open(safe.table, id_, safe.column, sealed, also=safe.also, connection=self.connection)

    def blind(self, shape: Shape, key: str, plain: str | None) -> str | None:
        """Return what the blind index of a secret field has for a value.

        Raises:
            SiteBroken: the site has no key.
        """
        if plain is None:
            return None
        if self.vault is None:
            raise SiteBroken(Message("The site has no secret key, so secret fields cannot be kept"))
        if self.blinding is None:
            self.blinding = self.vault.blinder(self.connection)
        safe = shape.safes[key]
        return self.blinding.blind(safe.table, safe.column, plain)

    def shape(self, entity: str) -> Shape:
        """Return what writing an entity needs, worked out once per Model."""
        found = self.published.model.memory.get(("shape", entity, self.phrases.kind))
        if found is None:
            from engine.data.shape import shape_of

            found = shape_of(self.published, entity, self.phrases)
        return found

    def note(
        self,
        kind: str,
        *,
        entity: str | None = None,
        record_id: str | None = None,
        number: int = 1,
        details: Mapping[str, Any] = MappingProxyType({}),
    ) -> None:
        """Write into the audit log what is being done, by whoever does it; it stands if the transaction does."""
        self.trail.note(self.connection, Event(kind, self.principal.id, entity, record_id, number, details))

    def run(self, text: str, values: Sequence[Any] = ()) -> Any:
        """Run one statement, which may name entity tables, and return the driver's cursor."""
        return run(self.connection, text, values, access=ENTITY_ACCESS)

    def run_counting(self, text: str, values: Sequence[Any]) -> int:
        """Run one statement, which may name entity tables, and return how many rows it has written."""
        return run_counting(self.connection, text, values, access=ENTITY_ACCESS)

    def run_many(self, text: str, rows: Sequence[Sequence[Any]]) -> None:
        """Run one statement for each row of values."""
        if len(rows) == 1:
            self.run_counting(text, rows[0])
        elif rows:
            run_many(self.connection, text, rows, access=ENTITY_ACCESS)

    def insert(self, table: str, columns: str, rows: Sequence[Sequence[Any]]) -> None:
        """Add rows to a table; its name and those of the columns are quoted already."""
        if self.phrases.kind == "postgresql" and len(rows) >= _COPIED:
            copy_rows(self.connection, table, columns, rows, access=ENTITY_ACCESS)
            return
        marks = ", ".join([self.phrases.mark] * (columns.count(",") + 1))
        self.run_many(f"INSERT INTO {table} ({columns}) VALUES ({marks})", rows)  # noqa: S608 - names of the Model

    def ids(self, values: Iterable[str]) -> Any:
        """Return ids as one parameter of `phrases.is_in`."""
        return self.phrases.values(values)

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Do something that is taken back as a whole when it raises, while the transaction goes on."""
        blocks, change_set = dict(self.tail.blocks), self.change_set
        counts, known = dict(change_set.counts), change_set.known
        try:
            with self.connection.begin_nested():
                yield
        except BaseException:
            # A block of numbers that was reserved inside is no longer ours.
            self.tail.blocks = {name: each for name, each in self.tail.blocks.items() if blocks.get(name) is each}
            change_set.counts, change_set.known = counts, known
            raise

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Let calls of `Records` that happen inside join this unit."""
        token = _at_work.set(self)
        try:
            yield
        finally:
            _at_work.reset(token)


def unit_at_work() -> Unit | None:
    """Return the unit whose hook is running in this thread, None outside of hooks."""
    return _at_work.get()
