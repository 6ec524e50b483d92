"""Jobs over a database of each kind, without a site. A database serves all tests of a run, emptied for each."""

from collections.abc import Iterator

import pytest

from engine import Jobs, Message, Principal, SignInNeeded, new_id
from engine.storage.database import Database, run
from engine.storage.migrations import migrate
from tests.conftest import PostgresServer

GONE = new_id()
"""Somebody who may no longer sign in."""


def principals(user_id: str) -> Principal:
    if user_id == GONE:
        raise SignInNeeded(Message("This account is closed"))
    return Principal(user_id, "Li Na")


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def migrated(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A database with the tables of the engine."""
    server: PostgresServer | None = None
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('jobs') / 'jobs.sqlite'}"
    else:
        server = request.getfixturevalue("postgres_server")
        url = server.create()
    database = Database(url)
    migrate(database)
    yield database
    database.dispose()
    if server is not None:
        server.drop(url)


@pytest.fixture
def jobs(migrated: Database) -> Jobs:
    with migrated.write() as connection:
        for table in ("job", "job_schedule", "worker_heartbeat"):
            run(connection, f"DELETE FROM {table}")
    return Jobs(migrated, principals, zone="Europe/Berlin")
