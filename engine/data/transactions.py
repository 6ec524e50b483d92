"""Transactions of the write path: pinned to one Model, repeated when a publication or another writer was quicker."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, IntegrityError

from engine import clock
from engine.audit import Trail
from engine.data.autonumber import Numbers
from engine.data.principal import Principal
from engine.data.sets import ChangeSet, new_set, write_set
from engine.data.steps.persist import explained
from engine.data.unit import Tail, Unit, unit_at_work
from engine.data.vault import Vault
from engine.errors import AccessChanged, DatabaseUnavailable, StaleModel
from engine.hooks import Hooks
from engine.publish import Models, Published
from engine.storage.database import PINNED, Database

_T = TypeVar("_T")

ATTEMPTS = 3
"""Times that a call is tried: again after a publication, after a deadlock, and after a race for a unique value."""


class Transactions:
    """Opens transactions that write, each pinned to the Model that runs. Safe to share between threads."""

    def __init__(
        self, database: Database, models: Models, hooks: Hooks | None = None, *, vault: Vault | None = None
    ) -> None:
        self.database = database
        self.models = models
        self.hooks = hooks or Hooks()
        self.vault = vault
        self.trail = Trail(database)
        self.numbers = Numbers()
        self.guard: Callable[[Unit, Any, Any], None] | None = None
        """Looks at records of entities that have duplicates before they are written: (unit, shape, batch)."""
        self._published: Published | None = None

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """Open a transaction for several calls; it commits at the end, or rolls back when something is raised.

        Nothing is tried again inside. In a hook it is a part of the transaction that is at work.

        Raises:
            StaleModel: the site was published again and again while the transaction was to begin.
        """
        outer = self._outer()
        if outer is not None:
            with outer.savepoint():
                yield outer.connection
            return
        with ExitStack() as stack:
            connection, published = self._enter(stack)
            tail = Tail()
            connection.info[PINNED] = (published, tail, False)
            yield connection
        self._after(tail)

    def at_once(
        self, principal: Principal, work: Callable[[Connection], _T], *, epoch: tuple[int, int] | None = None
    ) -> _T:
        """Do several calls and reads in one transaction, which is tried again as that of a single call.

        `work` hands the connection on to the calls, and lets their errors through. `epoch` is when it was found out
        who asks, as `Database.probe` has it.

        Raises:
            AccessDenied: the principal is somebody who only looks as another person.
            AccessChanged: what people may do has changed since `epoch`; nothing was written.
        """
        principal.require_own_hands()
        if self._outer() is not None:
            with self.begin() as connection:
                return work(connection)

        def whole(connection: Connection, published: Published, tail: Tail) -> _T:
            if epoch is not None and self.database.probe(connection) != epoch:
                raise AccessChanged
            connection.info[PINNED] = (published, tail, True)
            return work(connection)

        return self._tried(whole)

    def _tried(self, work: Callable[[Connection, Published, Tail], _T]) -> _T:
        """Do some work in a transaction of its own, again when another was quicker."""
        attempt = 1
        while True:
            published, tail = self._pinned(), Tail()
            try:
                with self.database.write(published.revision) as own:
                    found = work(own, published, tail)
                self._after(tail)
            except (StaleModel, IntegrityError, DatabaseUnavailable) as error:
                if isinstance(error, StaleModel):
                    self._published = None
                if attempt >= ATTEMPTS or not _passing(error):
                    raise explained(error) from error
                attempt += 1
            else:
                return found

    def _enter(self, stack: ExitStack) -> tuple[Connection, Published]:
        """Open a transaction pinned to the Model that runs; nothing is lost when the known one turns out to be old."""
        for attempt in range(1, ATTEMPTS + 1):
            published = self._pinned()
            try:
                return stack.enter_context(self.database.write(published.revision)), published
            except StaleModel:
                self._published = None
                if attempt == ATTEMPTS:
                    raise
        raise AssertionError  # pragma: no cover - the last attempt returns or raises

    def _pinned(self) -> Published:
        """Return the Model to try first: the one of the last call, for a publication shows as `StaleModel`."""
        if self._published is None:
            with self.database.read() as connection:
                revision = self.database.probe(connection)[0]
            self._published = self.models.get(revision)
        return self._published

    def carry_out(  # noqa: PLR0913 - one transaction and all that is noted with it
        self,
        principal: Principal,
        work: Callable[[Unit], _T],
        *,
        kind: str,
        entity: str | None = None,
        via: str = "api",
        title: str = "",
        change_set: str | None = None,
        connection: Connection | None = None,
        undoes: str | None = None,
    ) -> _T:
        """Do some work in one transaction, in the caller's when there is one, and note its change set.

        Raises:
            AccessDenied: the principal is somebody who only looks as another person.
        """
        principal.require_own_hands()
        outer = self._outer()
        if connection is None and outer is not None:
            unit = outer.joined(principal, via, _known_set(change_set, kind))
            return _kept_apart(unit, lambda: _noted(unit, work, entity, undoes))
        if connection is not None:
            # Whose own transaction it is may still catch an error and go on; who works `at_once` lets it end there.
            published, tail, whole = connection.info.get(PINNED) or (
                self.models.get(self.database.probe(connection)[0]), Tail(), False
            )  # fmt: skip
            unit = self._unit(connection, published, principal, via, change_set, kind, title)
            unit.tail = tail
            if whole:
                return _noted(unit, work, entity, undoes)
            return _kept_apart(unit, lambda: _noted(unit, work, entity, undoes))

        def alone(own: Connection, published: Published, tail: Tail) -> _T:
            unit = self._unit(own, published, principal, via, change_set, kind, title)
            unit.tail = tail
            return _noted(unit, work, entity, undoes)

        return self._tried(alone)

    def _outer(self) -> Unit | None:
        """Return the unit whose hook is calling."""
        outer = unit_at_work()
        return outer if outer is not None and outer.records is self else None

    def _unit(
        self,
        connection: Connection,
        published: Published,
        principal: Principal,
        via: str,
        change_set: str | None,
        kind: str,
        title: str,
    ) -> Unit:
        known = _known_set(change_set, kind) or new_set(kind, title)
        return Unit(self, connection, published, principal, now=clock.now(), via=via, change_set=known)

    def _after(self, tail: Tail) -> None:
        self.numbers.keep(tail.blocks)
        for notice in tail.committed:
            notice()


def _kept_apart(unit: Unit, work: Callable[[], _T]) -> _T:
    """Do some work in a savepoint: a caller who goes on after an error keeps nothing of the call that failed.

    A race for a unique value is tried again, for now the winner can be named.
    """
    try:
        with unit.savepoint():
            return work()
    except IntegrityError:
        pass
    try:
        with unit.savepoint():
            return work()
    except IntegrityError as error:
        raise explained(error) from error


def _known_set(change_set: str | None, kind: str) -> ChangeSet | None:
    return ChangeSet(change_set, kind, known=True) if change_set is not None else None


def _noted(unit: Unit, work: Callable[[Unit], _T], entity: str | None, undoes: str | None) -> _T:
    """Do the work and write what it came to into its change set."""
    found = work(unit)
    change_set = unit.change_set
    due = change_set.known or unit.depth == 0
    if due and change_set.counts and (change_set.known or undoes is not None or change_set.size > 1):
        write_set(
            unit.run,
            unit.phrases,
            change_set,
            entity=entity,
            actor=unit.principal.id,
            via=unit.via,
            at=unit.now,
            undoes=undoes,
        )
    return found


def _passing(error: Exception) -> bool:
    """Say whether another attempt may go better."""
    if isinstance(error, (StaleModel, IntegrityError)):
        return True
    cause = error.__cause__
    return isinstance(cause, DBAPIError) and getattr(cause.orig, "sqlstate", "") in {"40P01", "40001"}
