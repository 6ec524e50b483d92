"""What SQLite's planner is told, so that it reads lists off their indexes before the first record is there."""

import sqlite3
from pathlib import Path

from tests.functional.reading.world import make, model_of

SITE = """
entity: lead
title: name
features: [owned]
fields:
  name: {type: text}
  stage: {type: select, options: {a: {}, b: {}, c: {}, d: {}}}
  tags: {type: lookups, to: user}
order: [-updated_at]
---
view: lead.open
entity: lead
where: "stage in ['a', 'b', 'c']"
columns: {name: {}}
filters: [stage]
"""


def test_a_list_with_few_options_is_walked_in_its_order_though_the_table_is_empty(sqlite_url: str) -> None:
    database, site = make(sqlite_url, model_of(SITE))
    database.dispose()

    with sqlite3.connect(Path(sqlite_url.removeprefix("sqlite:///"))) as connection:
        table = site.tables.name("lead")
        rows = f"SELECT * FROM {table} WHERE deleted_at IS NULL AND stage IN ('a', 'b', 'c')"
        statement = f"{rows} ORDER BY updated_at DESC, id DESC LIMIT 50"
        plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}")]
    connection.close()

    assert len(plan) == 1
    assert plan[0].startswith(f"SCAN {table} USING INDEX")


def test_every_index_of_records_and_links_is_told_of(sqlite_url: str) -> None:
    database, site = make(sqlite_url, model_of(SITE))
    database.dispose()

    with sqlite3.connect(Path(sqlite_url.removeprefix("sqlite:///"))) as connection:
        told = dict(connection.execute("SELECT idx, stat FROM sqlite_stat1"))
        tables = (site.tables.name("lead"), site.tables.link_name("lead", "tags"))
        listed = "SELECT name FROM pragma_index_list(?)"
        names = [row[0] for table in tables for row in connection.execute(listed, (table,))]
    connection.close()

    assert set(names) <= told.keys()
    by_stage = next(told[name] for name in names if "_stage_" in name)
    assert by_stage.split()[:2] == ["200000", "50000"]
