"""One database of either kind: connections, transactions, the probe, and what its errors mean.

SQLite and PostgreSQL differ in when a transaction begins, how it locks and how it fails. All of that is
settled here, so nobody else asks which one it is for anything but SQL text.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Literal

from sqlalchemy import Connection, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from engine.errors import DatabaseUnavailable, SiteBroken, StaleModel
from engine.i18n import Message
from engine.storage import sqlite
from engine.storage.failures import BUSY, explain_failure, is_dropped
from engine.storage.guard import ACCESS, GUARD

Dialect = Literal["sqlite", "postgresql"]
Mode = Literal["plain", "bare", "read", "write", "exclusive", "beside"]

_READING = frozenset({"read", "bare"})
_TAKING_TURNS = frozenset({"write", "exclusive", "plain"})
MODE = "transaction_mode"
PROBE = "probe"
REVISION = "revision"
"""What a connection's prepared statements were prepared for."""
PINNED = "pinned"
"""What whoever opened a transaction wants those to know who work in it; gone when it ends."""

_COUNTING = "counting cursor"

_OF_OTHERS: list[Connection] = []
"""Connections of the process that this one was forked off from: never used here, and never closed by their end."""


class Database:
    """A pool of connections to one database, safe to share between threads.

    Args:
        url: `sqlite:///path` or `postgresql://user@host/name`.
        busy_timeout_ms: how long a writer waits for others before it gives up.
        pool_size: connections kept open, one for each thread of a server; four times as many may be open for a moment.

    Raises:
        SiteBroken: the address is none, or of another kind of database.
    """

    def __init__(self, url: str, *, busy_timeout_ms: int = 5000, pool_size: int = 8) -> None:
        self.url = url
        self.busy_timeout_ms = busy_timeout_ms
        self.dialect: Dialect
        try:
            address = make_url(url)
        except ArgumentError as error:
            raise SiteBroken(Message("{url} is no address of a database", url=url)) from error
        name = address.get_backend_name()
        if name == "sqlite":
            self.dialect = "sqlite"
            self.engine = sqlite.make_engine(address, busy_timeout_ms, pool_size)
            self._begin: Callable[[Any, str], tuple[int, int] | None] = sqlite.begin
        elif name in {"postgresql", "postgres"}:
            from engine.storage import postgres

            self.dialect = "postgresql"
            self.engine = postgres.make_engine(address, busy_timeout_ms, pool_size)
            self._begin = postgres.begin
        else:
            raise SiteBroken(Message("{name} is no database that can be used: SQLite and PostgreSQL can", name=name))
        event.listen(self.engine, "begin", self._on_begin)
        event.listen(self.engine, "before_cursor_execute", _on_statement)
        self._most_idle = pool_size
        self._begin_anew()

    def _begin_anew(self) -> None:
        self._idle: list[Connection] = []
        """Connections whose last transaction was committed; the next one takes the latest of them as it is."""
        self._turns = threading.Lock() if self.dialect == "sqlite" else None
        """Whose turn it is to write among the threads of this process. SQLite has one writer at a time and lets the
        others look again now and then, which with many of them takes more time than the writing."""
        self._pid = os.getpid()

    def read(self, *, limit_ms: int | None = None) -> AbstractContextManager[Connection]:
        """Begin a transaction that reads one snapshot, and end it.

        With `limit_ms`, a statement that takes longer is ended.

        Raises:
            DatabaseUnavailable: the database does not answer.
            QueryTooSlow: a statement took longer than `limit_ms`.
        """
        return self._transaction("read") if limit_ms is None else self._limited(limit_ms)

    @contextmanager
    def _limited(self, limit_ms: int) -> Iterator[Connection]:
        with self._transaction("read") as connection:
            if self.dialect == "sqlite":
                with sqlite.time_limit(connection, limit_ms):
                    yield connection
            else:
                run(connection, f"SET LOCAL statement_timeout = {limit_ms:d}")
                yield connection

    def write(self, revision: int | None = None) -> AbstractContextManager[Connection]:
        """Begin a transaction that writes; commit it at the end, or roll it back when something is raised.

        On SQLite one writer works at a time; on PostgreSQL writers work side by side, but never while a
        publication switches. `revision` is the one that the caller's Model was made from.

        Raises:
            StaleModel: the site was published since; nothing was written.
            DatabaseUnavailable: the database does not answer, or others wrote for too long.
        """
        return self._transaction("write", revision)

    def exclusive(self) -> AbstractContextManager[Connection]:
        """Begin a transaction that no writer runs beside: every other one has ended, or waits; reading goes on.

        Raises:
            DatabaseUnavailable: the database does not answer, or writers did not end in time.
        """
        return self._transaction("exclusive")

    def plain(self) -> AbstractContextManager[Connection]:
        """Begin a transaction that writes, in a database that may have no engine tables yet."""
        return self._transaction("plain")

    def bare(self) -> AbstractContextManager[Connection]:
        """Begin a transaction that reads, in a database that may have no engine tables yet."""
        return self._transaction("bare")

    def beside(self) -> AbstractContextManager[Connection]:
        """Give a connection without a transaction: each statement is one. For PostgreSQL's concurrent indexes."""
        return self._transaction("beside")

    def probe(self, connection: Connection) -> tuple[int, int]:
        """Return (revision, access_epoch) as the transaction sees them; no statement where `BEGIN` brought them."""
        info = connection.info
        known: tuple[int, int] | None = info.get(PROBE)
        if known is None:
            row = run(connection, "SELECT revision, access_epoch FROM meta_state WHERE id = 1").fetchone()
            known = info[PROBE] = (row[0], row[1])
        return known

    def raise_access_epoch(self, connection: Connection) -> None:
        """Say, in this write, that what people may do has changed: roles, teams, reporting lines."""
        run(connection, "UPDATE meta_state SET access_epoch = access_epoch + 1 WHERE id = 1")
        connection.info.pop(PROBE, None)

    def dispose(self) -> None:
        """Close every connection that is not in use."""
        self._leave_to_others()
        while (connection := self._taken()) is not None:
            # Nothing in it is to be rolled back, and the server may be gone.
            connection.invalidate()
            connection.close()
        self.engine.dispose()

    @contextmanager
    def _transaction(self, mode: Mode, revision: int | None = None) -> Iterator[Connection]:
        self._leave_to_others()
        turns = self._turns if mode in _TAKING_TURNS else None
        if turns is not None and not turns.acquire(timeout=self.busy_timeout_ms / 1000):
            raise DatabaseUnavailable(BUSY)
        try:
            connection = self._open(mode)
            ended = False
            try:
                try:
                    if revision is not None:
                        self._require(connection, revision)
                    yield connection
                except Exception as error:
                    # A reading one is ended well, whatever was found: PostgreSQL's driver forgets every prepared
                    # statement at a ROLLBACK.
                    if mode in _READING and not isinstance(error, DBAPIError):
                        connection.commit()
                        ended = True
                    raise
                connection.commit()
                ended = True
            except DBAPIError as error:
                failure = explain_failure(error)
                if failure is None:
                    raise
                raise failure from error
            finally:
                if ended and len(self._idle) < self._most_idle:
                    self._idle.append(connection)
                else:
                    connection.close()
        finally:
            if turns is not None:
                turns.release()

    def _require(self, connection: Connection, revision: int) -> None:
        current = self.probe(connection)[0]
        if current != revision:
            raise StaleModel(revision, current)

    def _leave_to_others(self) -> None:
        """Forget what was open when this process was forked off: it belongs to the one that opened it."""
        if self._pid != os.getpid():
            _OF_OTHERS.extend(self._idle)
            self._begin_anew()

    def _taken(self) -> Connection | None:
        """Return a connection that waits for its next transaction; None when there is none."""
        try:
            return self._idle.pop()
        except IndexError:
            return None

    def _open(self, mode: Mode) -> Connection:
        """Return a connection in a new transaction; one that was dropped meanwhile is replaced."""
        for attempt in (1, 2):
            connection = None
            try:
                connection = self._taken() or self.engine.connect()
                connection.info[MODE] = mode
                connection.begin()
            except PoolTimeout as error:
                raise DatabaseUnavailable(Message("All connections to the database are busy")) from error
            except DBAPIError as error:
                if connection is not None:
                    if is_dropped(error):
                        connection.invalidate()
                    connection.close()
                if attempt == 1 and is_dropped(error):
                    # Its neighbours were dropped by the same restart.
                    self.dispose()
                    continue
                failure = explain_failure(error)
                if failure is None:
                    raise
                raise failure from error
            else:
                return connection
        raise AssertionError  # pragma: no cover - the second attempt returns or raises

    def _on_begin(self, connection: Connection) -> None:
        info = connection.info
        mode: Mode = info.get(MODE, "plain")
        info.pop(PROBE, None)
        info.pop(PINNED, None)
        driver = connection.connection.driver_connection
        try:
            known = self._begin(driver, mode)
            if known is not None and info.get(REVISION, known[0]) != known[0]:
                # What was prepared before a publication may give columns of another kind now; this forgets it.
                driver.rollback()  # type: ignore[union-attr]
                known = self._begin(driver, mode)
        except connection.dialect.loaded_dbapi.Error as error:
            raise wrapped(connection, "BEGIN", error) from error
        if known is not None:
            info[PROBE] = known
            info[REVISION] = known[0]


def run(connection: Connection, statement: str, values: Any = (), *, access: object = None) -> Any:
    """Run a text on the driver itself and return its cursor: a tenth of the time of `exec_driver_sql`.

    Placeholders are the driver's (`?` on SQLite, `%s` on PostgreSQL). The guard holds here too: `access`
    is the token for statements on entity tables.

    Raises:
        AccessTokenMissing: the statement names an entity table and `access` is not the token.
        sqlalchemy.exc.DBAPIError: as SQLAlchemy raises it, IntegrityError among them.
    """
    GUARD.check(statement, access)
    driver = connection.connection.driver_connection
    try:
        return driver.execute(statement, values) if values else driver.execute(statement)  # type: ignore[union-attr]
    except connection.dialect.loaded_dbapi.Error as error:
        raise wrapped(connection, statement, error) from error


def run_counting(connection: Connection, statement: str, values: Any = (), *, access: object = None) -> int:
    """Run a text as `run` does, and return how many rows it has written.

    One cursor of the connection does it each time: PostgreSQL's looks up how to send each kind of value only once.
    """
    GUARD.check(statement, access)
    info = connection.info
    cursor = info.get(_COUNTING)
    if cursor is None:
        cursor = info[_COUNTING] = connection.connection.driver_connection.cursor()  # type: ignore[union-attr]
    try:
        cursor.execute(statement, values)
    except connection.dialect.loaded_dbapi.Error as error:
        raise wrapped(connection, statement, error) from error
    count: int = cursor.rowcount
    return count


def run_many(connection: Connection, statement: str, rows: Any, *, access: object = None) -> None:
    """Run a text once for each row of values; as `run`."""
    GUARD.check(statement, access)
    cursor = connection.connection.driver_connection.cursor()  # type: ignore[union-attr]
    try:
        cursor.executemany(statement, rows)
    except connection.dialect.loaded_dbapi.Error as error:
        raise wrapped(connection, statement, error) from error
    finally:
        cursor.close()


def copy_rows(connection: Connection, table: str, columns: str, rows: Any, *, access: object = None) -> None:
    """Add many rows to a table of PostgreSQL by COPY, in half the time of an INSERT for each; as `run`.

    `table` and `columns` are quoted already; a row has a value as the driver takes it for each column.
    """
    statement = f"COPY {table} ({columns}) FROM STDIN"
    GUARD.check(statement, access)
    driver: Any = connection.connection.driver_connection
    try:
        with driver.cursor() as cursor, cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row(row)
    except connection.dialect.loaded_dbapi.Error as error:
        raise wrapped(connection, statement, error) from error


def wrapped(connection: Connection, statement: str, error: Exception) -> BaseException:
    """Return a driver's error as the SQLAlchemy error of the same name."""
    base: type[Exception] = connection.dialect.loaded_dbapi.Error
    return DBAPIError.instance(statement, None, error, base, dialect=connection.dialect)


def _on_statement(connection: Connection, cursor: Any, statement: str, values: Any, context: Any, many: Any) -> None:
    GUARD.check(statement, context.execution_options.get(ACCESS))


__all__ = ["Connection", "Database", "Dialect", "copy_rows", "run", "run_counting", "run_many", "wrapped"]
