"""Reading meters: counted in memory, added up by several processes, and written by no request."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from engine import clock
from engine.audit.meters import Meters
from engine.ids import new_id
from engine.storage.database import Database, run
from engine.storage.migrations import migrate

NOON = datetime(2026, 3, 2, 12, 10, tzinfo=UTC)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    migrate(database)
    yield database
    database.dispose()


def test_what_several_processes_counted_comes_to_one_sum(database: Database) -> None:
    one, other, ann, ben = Meters(database), Meters(database), new_id(), new_id()
    with clock.set_to(NOON):
        for meters in (one, other):
            meters.count(ann, "list", "deal", 50)
            meters.count(ann, "open", "deal", 1)
            meters.count(ben, "export", "deal", 7)
            meters.count(None, "list", "deal", 1000)
    one.flush()
    with clock.set_to(NOON + timedelta(hours=1)):
        other.count(ann, "list", "client", 5)
    other.flush()
    other.flush()

    with database.read() as connection:
        assert one.since(connection, ["list", "open"], NOON) == [(ann, 107)]
        assert one.since(connection, ["list"], NOON, "client") == [(ann, 5)]
        hours = one.hours(connection, [ann, ben], ["list", "export"], NOON - timedelta(days=1))
    assert [(each.actor_id, each.hour.hour, each.number) for each in hours if each.actor_id == ann] == [
        (ann, 12, 100), (ann, 13, 5),
    ]  # fmt: skip
    one.forget(NOON + timedelta(minutes=50))
    with database.read() as connection:
        assert one.since(connection, ["list", "export"], NOON) == [(ann, 5)]


def test_what_cannot_be_written_now_is_kept(database: Database) -> None:
    meters, ann = Meters(database), new_id()
    meters.count(ann, "list", "deal", 3)
    with database.write() as connection:
        run(connection, "ALTER TABLE reading_meter RENAME TO away")
    meters.close()
    assert meters.due
    with database.write() as connection:
        run(connection, "ALTER TABLE away RENAME TO reading_meter")

    meters.flush()

    with database.read() as connection:
        assert meters.since(connection, ["list"], NOON - timedelta(days=10_000)) == [(ann, 3)]
