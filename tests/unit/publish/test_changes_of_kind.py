"""Fields that change their kind, entities and fields that change their name, computed fields."""

from collections.abc import Sequence

import pytest
from sqlalchemy import Connection

from engine.errors import PlanRefused
from engine.publish import Published
from engine.storage import search
from engine.storage.database import run
from engine.storage.guard import ENTITY_ACCESS
from engine.storage.search import Words
from tests.unit.publish.conftest import Bench

HEAD = """
entity: visit
title: subject
fields:
  subject: {type: text, search: high}
"""
ROOM = """
---
entity: room
title: name
fields:
  name: {type: text}
"""


@pytest.mark.parametrize(
    ("before", "after", "values", "expected"),
    [
        ("integer", "number", [12, None], ["12"]),
        ("integer", "text", [12, -3], ["12", "-3"]),
        ("boolean", "text", [True, False], ["yes", "no"]),
        ("date", "datetime", ["2026-01-31"], ["2026-01-31"]),
        ("text", "date", ["2026-01-31"], ["2026-01-31"]),
        ("select, options: {a: {}, b: {}}", "multiselect, options: {a: {}, b: {}}", ["a"], ["a"]),
    ],
)
def test_values_are_carried_from_one_type_to_another(
    bench: Bench, before: str, after: str, values: list[object], expected: list[str]
) -> None:
    bench.publish(f"{HEAD}  thing: {{type: {before}}}\n")
    bench.insert("visit", [{"thing": value} for value in values])

    bench.publish(f"{HEAD}  thing: {{type: {after}}}\n")

    found = [str(value).lower() for value in bench.values("visit", "thing") if value is not None]
    assert len(found) == len(expected)
    assert all(part in value for part, value in zip(expected, found, strict=True))


def test_numbers_keep_their_value_when_their_decimals_change(bench: Bench) -> None:
    bench.publish(f"{HEAD}  size: {{type: number, decimals: 1}}\n")
    raw = 125 if bench.database.dialect == "sqlite" else "12.5"
    bench.insert("visit", [{"size": raw}])

    bench.publish(f"{HEAD}  size: {{type: number, decimals: 3}}\n")

    assert str(bench.values("visit", "size")[0]) == ("12500" if bench.database.dialect == "sqlite" else "12.500")


def test_text_that_becomes_a_select_stays_and_strange_values_are_warned_of(bench: Bench) -> None:
    bench.publish(f"{HEAD}  stage: {{type: text}}\n")
    bench.insert("visit", [{"stage": "new"}, {"stage": "strange"}])
    typed = f"{HEAD}  stage: {{type: select, options: {{new: {{}}, old: {{}}}}}}\n"

    plan = bench.plan(typed)

    assert [(each.kind, each.risk) for each in plan.changes if "index" not in each.kind] == [("reread_column", "safe")]
    assert any("visit.stage that are none of its new type: 1" in str(each.message) for each in plan.warnings)
    bench.publish(typed)
    assert bench.values("visit", "stage") == ["new", "strange"]


def test_a_link_becomes_links_and_back(bench: Bench) -> None:
    bench.publish(f"{HEAD}  room: {{type: lookup, to: room}}\n{ROOM}")
    one, two = bench.insert("room", [{"name": "one"}, {"name": "two"}])
    (visit,) = bench.insert("visit", [{"room": one}])

    bench.publish(f"{HEAD}  room: {{type: lookups, to: room}}\n{ROOM}")
    links = bench.publisher.current().storage.entities["visit"].links["room"]
    assert bench.run(f"SELECT record_id, target_id FROM {links}") == [(visit, one)]

    bench.run(f"INSERT INTO {links} (record_id, target_id, position) VALUES ('{visit}', '{two}', 1)")
    back = f"{HEAD}  room: {{type: lookup, to: room}}\n{ROOM}"
    with pytest.raises(PlanRefused):
        bench.publish(back)
    bench.publish(back, accept={"visit.room": 1})
    assert bench.values("visit", "room") == [one]


def test_links_to_another_entity_are_other_links(bench: Bench) -> None:
    bench.publish(f"{HEAD}  room: {{type: lookup, to: room}}\n{ROOM}")
    (one,) = bench.insert("room", [{"name": "one"}])
    bench.insert("visit", [{"room": one}])
    other = f"{HEAD}  room: {{type: lookup, to: user}}\n{ROOM}"

    with pytest.raises(PlanRefused):
        bench.publish(other)
    bench.publish(other, accept={"visit.room": 1})

    assert bench.values("visit", "room") == [None]
    bench.publisher.rollback(1)
    assert bench.values("visit", "room") == [one]


def test_a_renamed_entity_keeps_records_history_and_search(bench: Bench) -> None:
    bench.publish(f"{HEAD}{ROOM}")
    (room,) = bench.insert("room", [{"name": "one"}])
    with bench.database.write() as connection:
        search.add(connection, "room", [(room, Words("one"))])
    renamed = ROOM.replace("entity: room", "entity: hall\nrenamed_from: room")

    assert ("rename_entity", "hall") in bench.kinds(f"{HEAD}{renamed}")
    bench.publish(f"{HEAD}{renamed}")

    assert bench.values("hall", "name") == ["one"]
    assert bench.run("SELECT entity FROM search_row") == [("hall",)]
    bench.publisher.rollback(1)
    assert "room" in bench.publisher.current().storage.entities


def test_fields_that_join_the_search_are_found_in_old_records(bench: Bench) -> None:
    bench.publish(f"{HEAD}  note: {{type: text}}\n")
    ids = bench.insert("visit", [{"subject": f"s{n}", "note": f"needle{n}"} for n in range(3)])

    assert [each.kind for each in bench.plan(f"{HEAD}  note: {{type: text, search: low}}\n").changes] == [
        "index_search"
    ]
    bench.publish(f"{HEAD}  note: {{type: text, search: low}}\n")

    with bench.database.read() as connection:
        found = [each.record_id for each in search.candidates(connection, "needle2", ["visit"])]
    assert found == [ids[2]]
    assert bench.run("SELECT id FROM meta_work") == []


TOTAL = "  total: {type: formula, result: integer, stored: true, expr: 'weight * 2'}\n"


def test_a_new_stored_formula_is_computed_for_old_records_and_again_when_it_changes(bench: Bench) -> None:
    calls: list[tuple[str, tuple[str, ...]]] = []

    def backfill(
        connection: Connection, published: Published, entity: str, fields: Sequence[str], ids: Sequence[str] | None
    ) -> None:
        calls.append((entity, tuple(fields)))
        table = published.tables.name(entity)
        column = published.tables.column_name(entity, "total")
        factor = published.model.entities[entity].fields["total"].expr
        times = 2 if "2" in str(factor) else 3
        run(connection, f'UPDATE {table} SET "{column}" = weight * {times}', access=ENTITY_ACCESS)

    bench.publisher.backfill = backfill
    bench.publish(f"{HEAD}  weight: {{type: integer}}\n")
    bench.insert("visit", [{"weight": 4}])

    bench.publish(f"{HEAD}  weight: {{type: integer}}\n{TOTAL}")
    assert (bench.values("visit", "total"), calls) == ([8], [("visit", ("total",))])

    changed = TOTAL.replace("* 2", "* 3")
    assert bench.kinds(f"{HEAD}  weight: {{type: integer}}\n{changed}") == [("fill_column", "visit.total")]
    bench.publish(f"{HEAD}  weight: {{type: integer}}\n{changed}")
    assert bench.values("visit", "total") == [12]
    bench.publish(f"{HEAD}  weight: {{type: integer}}\n{changed}  room: {{type: text}}\n")
    assert len(calls) == 2


def test_the_plan_says_how_many_records_lack_what_becomes_required(bench: Bench) -> None:
    bench.publish(f"{HEAD}  stage: {{type: text}}\n  friends: {{type: lookups, to: visit}}\n")
    bench.insert("visit", [{"subject": "a", "stage": "new"}, {"subject": "b", "stage": None}, {"subject": "c"}])
    stricter = f"""{HEAD}  stage: {{type: text, required: true}}
  why: {{type: text, required: true}}
  friends: {{type: lookups, to: visit, required: true}}
"""

    told = [str(each.message) for each in bench.plan(stricter).warnings if each.code == "lacking"]

    assert told == [
        f"visit.{field} becomes required, and records have nothing there: {count}"
        for field, count in (("stage", 2), ("why", 3), ("friends", 3))
    ]
    bench.publish(stricter)
    assert not [each for each in bench.plan(stricter + "  more: {type: text}\n").warnings if each.code == "lacking"]
