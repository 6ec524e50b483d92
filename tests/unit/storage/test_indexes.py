"""The indexes that follow from what a site does with an entity, and that lists really read by them."""

import re
from collections.abc import Iterator

import pytest

from engine.metadata.build import build_model
from engine.metadata.document import read_text
from engine.metadata.layers import Layer
from engine.metadata.model import Model
from engine.storage.database import Database, run
from engine.storage.guard import ENTITY_ACCESS
from engine.storage.indexes import MOST_DERIVED, Index, wanted
from engine.storage.migrations import migrate
from engine.storage.order import order_sql
from engine.storage.plan import schema_plan
from engine.storage.storage_map import StorageMap

CORE = "entity: user\ntitle: name\nfields: {name: {type: text}}\n"
LEAD = """
entity: lead
title: name
features: [owned]
fields:
  name: {type: text}
  stage: {type: select, options: {new: {}, won: {}}}
  country: {type: select, options: {cn: {}, de: {}}}
  amount: {type: money, currency: CNY}
  closed_on: {type: date}
  email: {type: email, unique: true}
  parent: {type: lookup, to: lead}
  code: {type: text, index: true}
"""
VIEW = """
---
view: lead.open
entity: lead
title: Open
where: "stage == 'new'"
columns: {name: {}}
order: [-amount]
filters: [country]
"""


def model(*texts: str) -> Model:
    core, _ = read_text(CORE, "core.yaml", "core")
    site, problems = read_text("".join(texts), "site.yaml", "site")
    assert problems == []
    layers = [Layer("core", "core", tuple(core), "core_"), Layer("site", "site", tuple(site), "s_")]
    return build_model(layers, 1, languages=("en",), currency="CNY", timezone="UTC")


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    migrate(database)
    yield database
    database.dispose()


def indexes(database: Database, *texts: str) -> list[Index]:
    built = model(*texts)
    with database.bare() as connection:
        storage = schema_plan(built, StorageMap(), connection).storage
    return list(wanted(built, built.entities["lead"], storage.entities["lead"], database.dialect))


def fields(found: list[Index], *, unique: bool = False) -> list[tuple[str, ...]]:
    """What the indexes are for; whose a record is stands behind that, see `_Maker.with_owner`."""
    several = [index.fields for index in found if index.unique is unique]
    return [each[:-1] if len(each) > 1 and each[-1] == "owner" else each for each in several]


def test_unique_rules_links_and_declared_fields_have_indexes(database: Database) -> None:
    found = indexes(database, LEAD)

    assert set(fields(found, unique=True)) == {("external_id",), ("email",)}
    assert {("parent",), ("code",)} <= set(fields(found))


def test_row_rules_and_lists_have_indexes(database: Database) -> None:
    found = fields(indexes(database, LEAD))

    assert any(each[0] == "owner" and len(each) > 1 for each in found)
    assert ("created_at",) in found


def test_a_view_has_an_index_of_what_it_compares_and_sorts_by_and_its_filters_too(database: Database) -> None:
    found = fields(indexes(database, LEAD, VIEW))

    assert ("stage", "amount") in found
    assert ("stage", "country", "amount") in found


def test_the_index_goes_with_the_view(database: Database) -> None:
    before, after = fields(indexes(database, LEAD, VIEW)), fields(indexes(database, LEAD))

    assert ("stage", "amount") in set(before) - set(after)


def test_a_report_has_an_index_that_holds_all_it_reads(database: Database) -> None:
    report = """
---
report: lead.by_month
entity: lead
title: By month
group_by: [stage, month(closed_on)]
measures: {total: {sum: amount, label: Total}, number: {count: true}}
"""

    assert ("stage", "closed_on", "amount") in {each[:3] for each in fields(indexes(database, LEAD, report))}


def test_reports_and_cards_share_one_index_and_take_none_from_lists(database: Database) -> None:
    asked = """
---
dashboard: home
cards:
  won: {entity: lead, where: "stage == 'won'", measures: {total: {sum: amount}}, date: closed_on}
  far: {entity: lead, group_by: country.name, measures: {count: {count: true}}}
---
report: lead.by_stage
entity: lead
group_by: stage
measures: {total: {sum: amount, where: "closed_on is not None"}}
"""
    views = "".join(VIEW.replace("lead.open", f"lead.v{n}").replace("-amount", key) for n, key in enumerate(ORDERS))
    lists = fields(indexes(database, LEAD, views))
    both = fields(indexes(database, LEAD, views, asked))

    assert set(lists) <= set(both)
    [more] = set(both) - set(lists)
    assert {"stage", "amount", "closed_on"} <= set(more)


def test_each_view_has_an_index_of_a_filter_before_any_has_a_second(database: Database) -> None:
    view = VIEW.replace("where: \"stage == 'new'\"\n", "")
    both = view.replace("[country]", "[stage, country]")
    one = view.replace("lead.open", "lead.named").replace("-amount", "name")

    found = {each[:3] for each in fields(indexes(database, LEAD, both, one))}

    assert {("stage", "country", "amount"), ("country", "name")} <= found


def test_there_is_a_limit(database: Database) -> None:
    views = "".join(VIEW.replace("lead.open", f"lead.v{n}").replace("-amount", key) for n, key in enumerate(ORDERS))

    found = indexes(database, LEAD, views)

    assert len([each for each in found if not each.unique and len(each.fields) > 1]) <= MOST_DERIVED


ORDERS = ("amount", "-closed_on", "closed_on", "name", "-name", "code", "-code", "updated_at", "-updated_at", "email")


@pytest.mark.parametrize("descending", [True, False])
def test_a_list_reads_by_its_index_without_sorting(database: Database, descending: bool) -> None:
    view = VIEW if descending else VIEW.replace("-amount", "amount")
    built = model(LEAD, view)
    with database.plain() as connection:
        plan = schema_plan(built, StorageMap(), connection)
        for change in plan.changes:
            for statement in change.sql:
                run(connection, statement, access=ENTITY_ACCESS)
        if database.dialect == "postgresql":
            run(connection, "SET LOCAL enable_seqscan = off")
        order = order_sql('"amount"', descending=descending, nullable=True, dialect=database.dialect)
        tie = order_sql('"id"', descending=descending, nullable=False, dialect=database.dialect)
        sql = f'SELECT * FROM s_lead WHERE "deleted_at" IS NULL AND "stage" = \'new\' ORDER BY {order}, {tie} LIMIT 50'
        explain = "EXPLAIN QUERY PLAN " if database.dialect == "sqlite" else "EXPLAIN "
        steps = "\n".join(str(row) for row in run(connection, explain + sql, access=ENTITY_ACCESS).fetchall())

    assert "ix_s_lead_stage_amount_id" in steps
    assert not re.search(r"(?i)sort|temp b-tree", steps)


def test_equal_definitions_have_equal_names_and_others_others(database: Database) -> None:
    names = [index.name(database.dialect) for index in indexes(database, LEAD, VIEW)]

    assert names == [index.name(database.dialect) for index in indexes(database, LEAD, VIEW)]
    assert len(set(names)) == len(names)
    assert all(len(name) <= 60 for name in names)


def test_only_postgres_has_an_index_for_parts_of_words(database: Database) -> None:
    found = indexes(database, LEAD.replace("code: {type: text, index: true}", "code: {type: text, index: contains}"))

    assert any(index.contains for index in found) is (database.dialect == "postgresql")
