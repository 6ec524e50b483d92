"""What goes is kept for thirty days, comes back with its values, and is dropped only then and only when asked."""

import datetime as dt

import pytest

from engine.storage.database import run
from engine.storage.guard import ENTITY_ACCESS
from engine.storage.storage_map import retired_link_rows, retired_links
from tests.unit.publish.conftest import Bench

VISIT = """
entity: visit
title: subject
fields:
  subject: {type: text, search: high}
  fax: {type: text, index: true}
  room: {type: lookup, to: room}
  rooms: {type: lookups, to: room}
---
entity: room
title: name
fields:
  name: {type: text}
"""
BARE = """
entity: visit
title: subject
fields:
  subject: {type: text, search: high}
"""
LATER = dt.datetime.now(dt.UTC) + dt.timedelta(days=31)


def link(bench: Bench, visit: str, room: str) -> None:
    table = bench.publisher.current().storage.entities["visit"].links["rooms"]
    bench.run(f"INSERT INTO {table} (record_id, target_id, position) VALUES ('{visit}', '{room}', 0)")


@pytest.fixture
def filled(bench: Bench) -> Bench:
    bench.publish(VISIT)
    (room,) = bench.insert("room", [{"name": "one"}])
    (visit,) = bench.insert("visit", [{"subject": "a", "fax": "123", "room": room}])
    link(bench, visit, room)
    return bench


def test_fields_links_and_entities_are_retired_together(filled: Bench) -> None:
    assert filled.kinds(BARE) == [
        ("retire_column", "visit.fax"),
        ("retire_column", "visit.room"),
        ("retire_link", "visit.rooms"),
        ("retire_table", "room"),
    ]
    plan = filled.plan(BARE, today=dt.date(2026, 3, 1))
    assert {change.until for change in plan.changes if change.until} == {"2026-03-31"}
    assert [change.rows for change in plan.changes if change.until] == [1, 1, 1, 1]


def test_a_rollback_brings_all_of_it_back(filled: Bench) -> None:
    filled.publish(BARE)

    filled.publisher.rollback(1)

    assert filled.values("visit", "fax") == ["123"]
    assert filled.values("visit", "room")[0] is not None
    assert filled.values("room", "name") == ["one"]
    table = filled.publisher.current().storage.entities["visit"].links["rooms"]
    assert len(filled.run(f"SELECT record_id FROM {table}")) == 1
    assert filled.publisher.current().storage.retired == ()


def test_nothing_is_purged_before_its_day(filled: Bench) -> None:
    filled.publish(BARE)

    assert filled.publisher.purge() == []
    assert filled.publisher.current().number == 2


def test_a_dry_run_says_what_would_go_and_leaves_it(filled: Bench) -> None:
    filled.publish(BARE)

    found = filled.publisher.purge(LATER, dry_run=True)

    assert [(each.target, each.values) for each in found] == [
        ("visit.fax", 1),
        ("visit.room", 1),
        ("visit.rooms", 1),
        ("room", 1),
    ]
    assert filled.run("SELECT fax FROM s_visit") == [("123",)]


def test_a_purge_drops_columns_links_and_tables_and_is_a_revision(filled: Bench) -> None:
    filled.publish(BARE)

    filled.publisher.purge(LATER)

    current = filled.publisher.current()
    assert (current.number, current.storage.retired) == (3, ())
    assert "purge" in str(current.comment)
    assert filled.publisher.purge(LATER) == []
    with filled.database.read() as connection, pytest.raises(Exception, match="fax"):
        run(connection, "SELECT fax FROM s_visit", access=ENTITY_ACCESS)
    assert filled.publisher.drift() == []
    filled.publish(VISIT)
    assert filled.values("visit", "fax") == [None]


def test_a_name_that_a_retired_column_of_another_kind_holds_is_not_used_again(filled: Bench) -> None:
    filled.publish(BARE)

    filled.publish(VISIT.replace("fax: {type: text, index: true}", "fax: {type: integer}"))

    assert filled.column("visit", "fax") == "fax__2"
    assert filled.values("visit", "fax") == [None]


def test_retired_links_that_hold_a_table_are_known(filled: Bench) -> None:
    filled.publish(BARE + VISIT[VISIT.index("---") :])

    storage = filled.publisher.current().storage

    assert retired_links(storage.retired, "s_room") == [("s_visit", "room")]
    assert retired_link_rows(storage.retired, "s_room") == [("s_visit__rooms", "target_id")]
    assert retired_link_rows(storage.retired, "s_visit") == [("s_visit__rooms", "record_id")]


def test_an_entity_comes_back_with_what_it_had_and_what_is_new(filled: Bench) -> None:
    filled.publish(BARE)
    more = VISIT.replace("name: {type: text}", "name: {type: text}\n  floor: {type: integer}")

    assert ("revive_table", "room") in filled.kinds(more)
    assert ("add_column", "room.floor") in filled.kinds(more)
    filled.publish(more)

    assert filled.values("room", "name") == ["one"]
    assert filled.values("room", "floor") == [None]
