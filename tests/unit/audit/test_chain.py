"""The log as its reader finds it, and its chain against somebody who may write to the database."""

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from engine import clock
from engine.audit import Event, Key, Origin, Trail, Wanted, acting_from, read_head
from engine.audit.chain import link
from engine.audit.events import COLUMNS
from engine.ids import new_id
from engine.storage.database import Database, run
from engine.storage.migrations import migrate
from tests.conftest import PostgresServer

MONDAY = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


@pytest.fixture
def trail(database_url: str) -> Iterator[Trail]:
    database = Database(database_url)
    migrate(database)
    trail = Trail(database)
    trail.key = Key(b"a secret of the tests")
    yield trail
    database.dispose()


def fill(trail: Trail, count: int = 9) -> None:
    """Write events, some in one transaction, and seal them in three rounds."""
    for number in range(count):
        with clock.set_to(MONDAY + timedelta(minutes=number)):
            trail.tell(Event("export", new_id(), "deal", None, number, {"format": "csv", "fields": ["b", "a"]}))
        if number % 3 == 2:
            trail.seal()


def by_hand(trail: Trail, *statements: str) -> None:
    """Change the database as its administrator could."""
    with trail.database.write() as connection:
        for statement in statements:
            run(connection, statement)


def seqs(trail: Trail) -> list[int]:
    with trail.database.read() as connection:
        return [row[0] for row in run(connection, "SELECT seq FROM audit_seal ORDER BY place").fetchall()]


def test_an_event_is_read_back_as_it_was_told_with_where_it_came_from(trail: Trail) -> None:
    who, record = new_id(), new_id()
    here = Origin("web", "203.0.113.7", "Firefox", "token-1")

    with clock.set_to(MONDAY), acting_from(here):
        trail.tell(Event("reveal", who, "deal", record, 1, {"field": "pin"}))

    with trail.database.read() as connection:
        [found] = trail.entries(connection, Wanted(kinds=("reveal",), actor_id=who, record_id=record))
    assert (found.kind, found.at, found.actor_id, found.entity, found.record_id) == (
        "reveal", MONDAY, who, "deal", record,
    )  # fmt: skip
    assert found.details == {"field": "pin"}
    assert (found.via, found.address, found.agent, found.token) == ("web", "203.0.113.7", "Firefox", "token-1")


def test_an_event_goes_with_the_transaction_that_it_tells_of(trail: Trail) -> None:
    def fail() -> None:
        with trail.database.write() as connection:
            trail.note(connection, Event("export"))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()

    with trail.database.read() as connection:
        assert trail.entries(connection, Wanted()) == []


def test_a_filter_finds_what_it_says_and_pages_follow_each_other(trail: Trail) -> None:
    fill(trail)
    with clock.set_to(MONDAY):
        trail.tell(Event("import", None, "lead"))

    with trail.database.read() as connection:
        first = trail.entries(connection, Wanted(kinds=("export",)), 5)
        rest = trail.entries(connection, Wanted(kinds=("export",)), 5, (first[-1].at, first[-1].seq))
        late = trail.entries(
            connection, Wanted(since=MONDAY + timedelta(minutes=6), until=MONDAY + timedelta(minutes=8))
        )
        leads = trail.entries(connection, Wanted(entity="lead"))

    assert [each.number for each in (*first, *rest)] == list(range(8, -1, -1))
    assert [each.number for each in late] == [7, 6]
    assert [each.kind for each in leads] == ["import"]


def test_a_log_that_nobody_touched_holds_also_against_a_head_that_was_kept(trail: Trail) -> None:
    fill(trail, 5)
    trail.seal()
    kept = read_head(str(trail.head()))
    fill(trail, 4)

    found = trail.check(kept)

    assert kept is not None
    assert kept.place == 5
    assert (found.broken, found.pending, found.unsigned) == (None, 1, 0)
    assert trail.seal() == 1
    assert trail.check(kept).events == 9
    assert trail.seal() == 0


def test_an_event_of_a_long_transaction_is_sealed_when_it_shows_up(postgres_server: PostgresServer) -> None:
    """What began last may have a larger number than the next transaction of a snapshot, and hold a low event."""
    database = Database(postgres_server.create())
    migrate(database)
    trail = Trail(database)
    with database.plain() as long:
        with database.plain() as quick:
            run(quick, "SELECT pg_current_xact_id()")
            trail.note(long, Event("export", new_id(), "deal"))
            for _ in range(200):
                trail.note(quick, Event("import", new_id(), "lead"))
        trail.seal()
        for _ in range(3):
            trail.tell(Event("login"))
            trail.seal()
    trail.tell(Event("login"))
    trail.seal()

    checked = trail.check()
    database.dispose()

    assert (checked.events, checked.pending, checked.broken) == (205, 0, None)


@pytest.mark.parametrize(
    ("fault", "statements"),
    [
        ("altered", ["UPDATE audit_event SET number = 1000 WHERE seq = {4}"]),
        ("altered", ["UPDATE audit_event SET details = '{{}}' WHERE seq = {4}"]),
        ("altered", ["UPDATE audit_event SET actor_id = NULL WHERE seq = {4}"]),
        ("altered", ["UPDATE audit_seal SET hash = 'a' WHERE place = 5"]),
        ("forged", ["UPDATE audit_seal SET mac = '' WHERE place = 5"]),
        ("deleted", ["DELETE FROM audit_event WHERE seq = {4}"]),
        ("deleted", ["DELETE FROM audit_event WHERE seq = {4}", "DELETE FROM audit_seal WHERE place = 5"]),
        (
            "reordered",
            [
                "UPDATE audit_seal SET seq = -1 WHERE place = 5",
                "UPDATE audit_seal SET seq = {4} WHERE place = 7",
                "UPDATE audit_seal SET seq = {6} WHERE place = 5",
            ],
        ),
    ],
)
def test_the_first_link_that_does_not_hold_is_named(trail: Trail, fault: str, statements: list[str]) -> None:
    fill(trail)
    by_hand(trail, *(statement.format(*seqs(trail)) for statement in statements))

    found = trail.check()

    assert found.broken is not None
    assert (found.broken.fault, found.broken.place, found.events) == (fault, 5, 4)


def test_an_event_that_is_put_in_later_is_found(trail: Trail) -> None:
    fill(trail, 300)
    trail.seal()
    first = seqs(trail)[0]
    by_hand(
        trail,
        "INSERT INTO audit_event (seq, kind, at, number, details, via)"
        f" SELECT {first - 1}, kind, at, number, details, via FROM audit_event WHERE seq = {first}",
    )

    found = trail.check()

    assert found.broken is not None
    assert (found.broken.fault, found.broken.seq) == ("inserted", first - 1)


def test_a_chain_that_was_computed_anew_without_the_key_is_found(trail: Trail) -> None:
    fill(trail)
    rows = seqs(trail)
    by_hand(trail, f"UPDATE audit_event SET number = 1 WHERE seq = {rows[4]}")
    _compute_anew(trail, 5, lambda place: f"{trail.key.name}.{place:032d}" if trail.key else "")

    found = trail.check()

    assert found.broken is not None
    assert (found.broken.fault, found.broken.place) == ("forged", 5)


def test_a_tail_that_was_cut_off_is_found_by_the_head_alone_when_the_chain_was_shortened_too(trail: Trail) -> None:
    fill(trail)
    kept, rows = trail.head(), seqs(trail)
    by_hand(
        trail,
        f"DELETE FROM audit_event WHERE seq >= {rows[7]}",
        "DELETE FROM audit_seal WHERE place >= 8",
    )
    unaided = trail.check()
    by_hand(trail, "UPDATE audit_chain SET place = 7, hash = (SELECT hash FROM audit_seal WHERE place = 7)")

    assert unaided.broken is not None
    assert (unaided.broken.fault, unaided.broken.place) == ("truncated", 8)
    assert trail.check().broken is None
    found = trail.check(kept)
    assert found.broken is not None
    assert (found.broken.fault, found.broken.place) == ("truncated", 8)


def test_what_is_taken_away_after_its_time_leaves_a_chain_that_holds(trail: Trail) -> None:
    fill(trail)

    assert trail.trim(MONDAY + timedelta(minutes=4)) == 4
    assert trail.trim(MONDAY + timedelta(minutes=6)) == 2

    found = trail.check()
    assert (found.broken, found.events) == (None, 5)
    with trail.database.read() as connection:
        told = trail.entries(connection, Wanted(kinds=("log_trimmed",)))
    assert [each.number for each in told] == [2, 4]
    by_hand(
        trail,
        f"DELETE FROM audit_event WHERE seq = {seqs(trail)[0]}",
        "DELETE FROM audit_seal WHERE place = 7",
        "UPDATE audit_chain SET start_place = 7, start_hash = (SELECT hash FROM audit_seal WHERE place = 8)",
    )
    broken = trail.check().broken
    assert broken is not None
    assert broken.fault == "start"


def test_another_key_is_counted_and_not_believed(trail: Trail) -> None:
    fill(trail, 3)
    trail.key = Key(b"another secret")
    fill(trail, 3)

    found = trail.check()

    assert (found.broken, found.unsigned, found.events) == (None, 3, 6)


def test_a_former_key_is_believed_and_held_to(trail: Trail) -> None:
    fill(trail, 3)
    assert trail.key is not None
    trail.key, trail.former_keys = Key(b"another secret"), (trail.key,)
    fill(trail, 3)
    found = trail.check()
    assert (found.broken, found.unsigned, found.events) == (None, 0, 6)

    name = trail.former_keys[0].name
    by_hand(trail, f"UPDATE audit_seal SET mac = '{name}.00' WHERE place = 2")

    broken = trail.check().broken
    assert broken is not None
    assert (broken.fault, broken.place) == ("forged", 2)


def test_a_transaction_that_runs_long_is_sealed_when_it_ends_and_keeps_nobody_waiting(postgres_url: str) -> None:
    database = Database(postgres_url)
    migrate(database)
    trail = Trail(database)
    with database.write() as slow:
        trail.note(slow, Event("import"))
        for _ in range(400):
            trail.tell(Event("export"))
        assert trail.seal() == 400
        trail.tell(Event("export"))
        assert trail.seal() == 1
    for _ in range(3):
        trail.tell(Event("export"))
        trail.seal()

    assert trail.check().broken is None
    assert trail.check().events == 405
    database.dispose()


def test_many_writers_and_sealers_at_once_make_one_chain(trail: Trail) -> None:
    def work() -> None:
        for _ in range(10):
            trail.tell(Event("export"))
            trail.seal()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    trail.seal()

    found = trail.check()
    assert (found.broken, found.events, found.pending) == (None, 40, 0)


def _compute_anew(trail: Trail, place: int, mac: Callable[[int], str]) -> None:
    """Give the chain from a place on the hashes that it would have."""
    with trail.database.write() as connection:
        statements = trail.statements
        before = statements.run(connection, "SELECT hash FROM audit_seal WHERE place = ?", place - 1).fetchone()[0]
        rows = statements.run(connection, "SELECT place, seq FROM audit_seal WHERE place >= ? ORDER BY 1", place)
        for number, seq in rows.fetchall():
            row = statements.run(connection, f"SELECT {COLUMNS} FROM audit_event WHERE seq = ?", seq).fetchone()
            before = link(before, number, row)
            statements.run(
                connection, "UPDATE audit_seal SET hash = ?, mac = ? WHERE place = ?", before, mac(number), number
            )
        statements.run(connection, "UPDATE audit_chain SET hash = ?", before)
