"""Connections and transactions, on both databases."""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from engine.errors import AccessTokenMissing, DatabaseUnavailable, QueryTooSlow, SiteBroken, StaleModel
from engine.storage.database import PINNED, Database, run
from engine.storage.guard import ALLOWED, ENTITY_ACCESS, GUARD
from engine.storage.migrations import migrate


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url, busy_timeout_ms=300)
    migrate(database)
    yield database
    database.dispose()


def mark(database: Database) -> str:
    return "?" if database.dialect == "sqlite" else "%s"


def test_the_probe_tells_revision_and_epoch(database: Database) -> None:
    with database.write() as connection:
        database.raise_access_epoch(connection)
        assert database.probe(connection) == (0, 1)

    with database.read() as connection:
        assert database.probe(connection) == (0, 1)


def test_a_read_sees_one_snapshot(database: Database) -> None:
    with database.read() as reading:
        before = database.probe(reading)
        with database.write() as writing:
            database.raise_access_epoch(writing)

        rows = run(reading, "SELECT revision, access_epoch FROM meta_state").fetchall()

    assert [tuple(row) for row in rows] == [before]


def test_a_write_is_committed_or_taken_back_whole(database: Database) -> None:
    with database.write() as connection:
        run(connection, "INSERT INTO sequence_block VALUES ('kept', 1)")
    with suppress(ZeroDivisionError), database.write() as connection:
        run(connection, "INSERT INTO sequence_block VALUES ('lost', 1)")
        raise ZeroDivisionError

    with database.read() as connection:
        assert run(connection, "SELECT name FROM sequence_block").fetchall() == [("kept",)]


def test_a_read_cannot_write_on_postgres(postgres_url: str) -> None:
    database = Database(postgres_url)
    migrate(database)

    with pytest.raises(Exception, match="read-only"), database.read() as connection:
        run(connection, "INSERT INTO sequence_block VALUES ('no', 1)")

    database.dispose()


def test_a_write_with_an_old_revision_is_refused(database: Database) -> None:
    with pytest.raises(StaleModel) as stale, database.write(revision=7) as connection:
        run(connection, "INSERT INTO sequence_block VALUES ('lost', 1)")

    assert (stale.value.pinned, stale.value.current) == (7, 0)


def test_a_savepoint_takes_back_a_part(database: Database) -> None:
    with database.write() as connection:
        run(connection, "INSERT INTO sequence_block VALUES ('kept', 1)")
        with pytest.raises(IntegrityError), connection.begin_nested():
            run(connection, "INSERT INTO sequence_block VALUES ('kept', 2)")
        run(connection, "INSERT INTO sequence_block VALUES ('also', 3)")

    with database.read() as connection:
        rows = run(connection, "SELECT name, next_value FROM sequence_block ORDER BY name").fetchall()
    assert rows == [("also", 3), ("kept", 1)]


def test_the_exclusive_transaction_waits_for_writers_and_keeps_them_out(database: Database) -> None:
    order: list[str] = []
    inside = threading.Event()

    def write() -> None:
        with database.write() as connection:
            inside.set()
            time.sleep(0.1)
            run(connection, "INSERT INTO sequence_block VALUES ('writer', 1)")
            order.append("writer")

    thread = threading.Thread(target=write)
    thread.start()
    inside.wait()
    with database.exclusive() as connection:
        order.append("publisher")
        seen = run(connection, "SELECT count(*) FROM sequence_block").fetchone()[0]
        with pytest.raises(DatabaseUnavailable), database.write():
            order.append("never")
    thread.join()

    assert (order, seen) == (["writer", "publisher"], 1)


def test_a_statement_that_takes_too_long_is_ended(database: Database) -> None:
    slow = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000000) SELECT max(i) FROM n"

    with pytest.raises(QueryTooSlow), database.read(limit_ms=50) as connection:
        connection.exec_driver_sql(slow)

    with database.read() as connection:
        assert connection.exec_driver_sql("SELECT 1").scalar() == 1


def test_ids_and_times_go_in_and_out_in_one_form(database: Database) -> None:
    record = "01890a5d-ac96-774b-bcce-b302099a8057"
    with database.write() as connection:
        sql = f"INSERT INTO search_row (entity, record_id{{0}}) VALUES ('lead', {mark(database)}{{1}})"
        extra = ("", "") if database.dialect == "sqlite" else (", words", ", ''")
        run(connection, sql.format(*extra), (record,))

    with database.read() as connection:
        assert run(connection, "SELECT record_id FROM search_row").fetchone()[0] == record


def driver(connection: Connection) -> object:
    return connection.connection.driver_connection


def test_a_transaction_that_ended_hands_its_connection_on(database: Database) -> None:
    with database.read() as connection:
        first = driver(connection)
    with database.write() as connection:
        connection.info[PINNED] = "what one transaction knows"
        assert driver(connection) is first
    with suppress(LookupError), database.read() as connection:
        raise LookupError
    with database.read() as connection:
        assert driver(connection) is first
        assert PINNED not in connection.info


def test_a_write_that_failed_leaves_nothing_to_the_next(database: Database) -> None:
    with suppress(LookupError), database.write() as connection:
        connection.info[PINNED] = "what one transaction knows"
        raise LookupError
    with database.read() as connection:
        assert PINNED not in connection.info


def test_connections_beyond_the_pool_are_closed(database_url: str) -> None:
    database = Database(database_url, pool_size=1)
    migrate(database)
    with database.read() as one, database.read() as two:
        assert driver(one) is not driver(two)
    with database.read() as one, database.read() as two:
        assert database.probe(one) == database.probe(two)
    database.dispose()
    with database.read() as connection:
        assert database.probe(connection) == (0, 0)
    database.dispose()


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_process_that_was_forked_off_opens_connections_of_its_own(postgres_url: str) -> None:
    database = Database(postgres_url)
    migrate(database)

    def backend() -> int:
        with database.read() as connection:
            found: int = run(connection, "SELECT pg_backend_pid()").fetchone()[0]
        return found

    mine = backend()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:  # pragma: no cover - another process
        try:
            os.write(writing, str(backend()).encode())
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)

    assert status == 0
    assert int(os.read(reading, 20)) != mine
    assert backend() == mine
    os.close(reading)
    os.close(writing)
    database.dispose()


def test_what_was_prepared_is_prepared_again_when_it_is_gone(postgres_url: str) -> None:
    database = Database(postgres_url)
    migrate(database)
    for mode in (database.read, database.write, database.exclusive):
        with database.plain() as connection:
            first = driver(connection)
            run(connection, "DEALLOCATE ALL")
        with mode() as connection:
            assert driver(connection) is first
            assert database.probe(connection) == (0, 0)

    database.dispose()


@pytest.mark.parametrize("kept", ["", "guanxi_lock", "guanxi_probe"])
def test_a_session_that_a_pooler_hands_out_may_have_anything_prepared(postgres_url: str, kept: str) -> None:
    database = Database(postgres_url)
    migrate(database)
    for mode in (database.read, database.write, database.exclusive):
        with database.plain() as connection:
            run(connection, "DEALLOCATE ALL")
            if kept:
                run(connection, f"PREPARE {kept} AS SELECT 0, 0")
        with mode() as connection:
            assert database.probe(connection) == (0, 0)
            run(connection, "SELECT count(*) FROM meta_state")

    database.dispose()


def test_a_dropped_connection_is_replaced(postgres_url: str) -> None:
    database = Database(postgres_url)
    migrate(database)
    other = Database(postgres_url)
    with other.write() as connection:
        run(
            connection,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )

    with database.read() as connection:
        assert database.probe(connection) == (0, 0)

    other.dispose()
    database.dispose()


def test_a_database_that_is_not_there_says_so(tmp_path: object) -> None:
    with pytest.raises(DatabaseUnavailable), Database("postgresql://nobody@127.0.0.1:1/none").read():
        pass
    with pytest.raises(SiteBroken, match="folder"):
        Database(f"sqlite:///{tmp_path}/missing/file.sqlite")
    with pytest.raises(SiteBroken, match="mysql"):
        Database("mysql://host/name")
    with pytest.raises(SiteBroken):
        Database("nonsense")


def test_statements_on_entity_tables_need_the_token(database: Database) -> None:
    GUARD.protect(["t_guarded"])
    with database.write() as connection:
        connection.exec_driver_sql("CREATE TABLE t_guarded (id INTEGER)", execution_options=ALLOWED)

        with pytest.raises(AccessTokenMissing):
            connection.exec_driver_sql('SELECT * FROM "T_Guarded"')
        with pytest.raises(AccessTokenMissing):
            run(connection, "DELETE FROM t_guarded")

        assert connection.exec_driver_sql("SELECT * FROM t_guarded", execution_options=ALLOWED).all() == []
        assert run(connection, "SELECT * FROM t_guarded", access=ENTITY_ACCESS).fetchall() == []
        # The token of one statement is not the connection's.
        with pytest.raises(AccessTokenMissing):
            connection.exec_driver_sql("SELECT * FROM t_guarded")


def test_threads_share_a_database(database: Database) -> None:
    def count_up() -> None:
        for _ in range(20):
            with database.write() as connection:
                run(connection, "UPDATE sequence_block SET next_value = next_value + 1")

    with database.write() as connection:
        run(connection, "INSERT INTO sequence_block VALUES ('n', 0)")
    threads = [threading.Thread(target=count_up) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with database.read() as connection:
        assert run(connection, "SELECT next_value FROM sequence_block").fetchone()[0] == 80


def test_what_was_prepared_lasts_until_the_site_is_published(postgres_url: str) -> None:
    database = Database(postgres_url, pool_size=1)
    migrate(database)

    def prepared() -> int:
        with database.read() as connection:
            found = run(connection, "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE 'SELECT 42%'")
            return int(found.fetchone()[0])

    for _ in range(8):
        with database.read() as connection:
            run(connection, "SELECT 42")
    assert prepared() == 1
    with database.write() as connection:
        run(connection, "UPDATE meta_state SET revision = revision + 1 WHERE id = 1")
    assert prepared() == 0
    database.dispose()
