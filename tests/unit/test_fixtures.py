"""The fixtures of tests/conftest.py keep their promises."""

import contextlib
import subprocess
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import create_engine, make_url, text

from tests.conftest import PostgresServer


@pytest.mark.parametrize("run", [1, 2])
def test_each_test_gets_an_empty_database_of_its_own(database_url: str, run: int) -> None:
    engine = create_engine(database_url)

    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE seen (run INTEGER)"))
        connection.execute(text("INSERT INTO seen VALUES (:run)"), {"run": run})
        rows = connection.execute(text("SELECT run FROM seen")).all()

    engine.dispose()
    assert rows == [(run,)]


def test_the_sqlite_file_is_in_the_folder_of_the_test(sqlite_url: str, tmp_path: Path) -> None:
    database = make_url(sqlite_url).database

    assert database is not None
    assert Path(database).parent == tmp_path
    assert not Path(database).exists()


def test_postgres_is_in_unicode_and_orders_by_code_point(postgres_url: str) -> None:
    with psycopg.connect(postgres_url) as connection:
        row = connection.execute(
            "SELECT datcollate, datctype, pg_encoding_to_char(encoding) FROM pg_database"
            " WHERE datname = current_database()"
        ).fetchone()

    assert row == ("C.UTF-8", "C.UTF-8", "UTF8")


def test_postgres_gives_the_tests_no_more_rights_than_a_site_has(postgres_url: str) -> None:
    with psycopg.connect(postgres_url) as connection:
        row = connection.execute("SELECT rolsuper, rolcreatedb FROM pg_roles WHERE rolname = current_user").fetchone()

    assert row == (False, False)


def test_a_postgres_database_is_dropped_although_a_connection_is_open(postgres_server: PostgresServer) -> None:
    url = postgres_server.create()

    with contextlib.closing(psycopg.connect(url)) as connection:
        postgres_server.drop(url)

        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")


def test_node_runs_modules(node: Path, tmp_path: Path) -> None:
    module = tmp_path / "answer.mjs"
    module.write_text("export const answer = 6n * 7n; console.log(`${answer}`);\n")

    done = subprocess.run([node, module], capture_output=True, text=True, check=True)

    assert done.stdout == "42\n"
