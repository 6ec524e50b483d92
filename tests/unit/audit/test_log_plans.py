"""How the database finds events: each filter of the page by an index, in the order of the page."""

from collections.abc import Iterator

import pytest

from engine.audit import Trail, Wanted
from engine.audit.events import COLUMNS
from engine.storage.database import Database, run
from engine.storage.migrations import migrate

SOMEBODY = "019c0000-0000-7000-8000-000000000001"
INDEXES = {
    "audit_event_at": Wanted(),
    "audit_event_kind": Wanted(kinds=("export",)),
    "audit_event_actor": Wanted(actor_id=SOMEBODY),
    "audit_event_entity": Wanted(entity="lead"),
    "audit_event_record": Wanted(record_id=SOMEBODY),
    "audit_event_address": Wanted(address="203.0.113.7"),
}


@pytest.fixture
def trail(database_url: str) -> Iterator[Trail]:
    database = Database(database_url)
    migrate(database)
    yield Trail(database)
    database.dispose()


def test_every_filter_of_the_log_is_answered_by_its_index(trail: Trail) -> None:
    for index, wanted in INDEXES.items():
        plan = planned(trail, wanted)

        assert f" {index} " in plan, plan
        assert "Sort" not in plan
        assert "TEMP B-TREE" not in plan


def planned(trail: Trail, wanted: Wanted) -> str:
    """Return the plan of a page of the log."""
    said = trail.statements
    condition, values = wanted.conditions()
    text = f"SELECT {COLUMNS} FROM audit_event WHERE {condition} ORDER BY at DESC, seq DESC LIMIT 50"
    with trail.database.read() as connection:
        if not said.sqlite:
            # The table is empty: PostgreSQL scans and sorts only where no index could do instead.
            for setting in ("enable_seqscan", "enable_sort", "enable_bitmapscan"):
                run(connection, f"SET LOCAL {setting} = off")
        explain = "EXPLAIN QUERY PLAN " if said.sqlite else "EXPLAIN "
        rows = said.run(connection, explain + text, *values).fetchall()
    return " ".join(str(row[-1]) for row in rows) + " "
