"""What every read costs and keeps to: statements, plans, the token. No clock is needed to see it grow."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from engine.data import statement as statements
from engine.data.principal import Principal
from engine.data.query import Query, orders
from engine.data.reader import Reader
from engine.errors import AccessTokenMissing, QueryTooSlow
from engine.expression import parse
from engine.ids import new_id
from engine.metadata.build import build_model
from engine.metadata.shipped import shipped_layers
from engine.storage.database import run
from tests.functional.reading.world import NOW, World
from tests.plans import faults_of

Counted = tuple[Reader, list[str]]


@pytest.fixture(scope="module")
def world(empty_world: World) -> World:
    world = empty_world
    ann = world.person("ann", "seller")
    [company] = world.add("company", [{"name": "Acme", "owner": ann.id}])
    deals = world.add("deal", [{"name": f"deal {each}", "company": company, "owner": ann.id} for each in range(12)])
    world.add("deal_item", [{"what": "x", "deal": deals[0]}])
    return world


@pytest.fixture
def counted(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Counted]:
    """A reader, and the statements that it has sent so far."""
    sent: list[str] = []

    def noting(connection: Any, text: str, *args: Any, **options: Any) -> Any:
        sent.append(text)
        return run(connection, text, *args, **options)

    monkeypatch.setattr(statements, "run", noting)
    ann = Principal(id=world.people["ann"], name="ann", roles=frozenset({"seller"}))
    with world.reading(ann) as reader:
        reader.query(Query("deal", select=("name",)))
        sent.clear()
        yield reader, sent


def test_a_page_with_links_formulas_abilities_and_filters_is_one_statement(counted: Counted) -> None:
    reader, sent = counted
    select = ("name", "company.name", "company.industry", "owner.name", "helpers", "helpers.name", "margin", "industry")

    reader.query(
        Query("deal", select=select, where=parse("company.name == 'Acme'"), search="deal"),
        abilities=("update", "delete"),
    )

    assert len(sent) == 1


def test_a_record_a_count_and_a_search_are_one_statement_each(counted: Counted) -> None:
    reader, sent = counted
    [first, *_] = reader.query(Query("deal", select=("name",), order_by=orders(["name"]))).ids
    sent.clear()

    reader.record("deal", first, ("name", "company.name"), ("update",))
    reader.count(Query("deal"))
    reader.search("deal")

    assert len(sent) == 3


def test_child_rows_of_a_page_cost_one_statement_more(counted: Counted) -> None:
    reader, sent = counted

    reader.query(Query("deal", select=("name", "items")))

    assert len(sent) == 2


def test_values_make_no_new_statements(counted: Counted) -> None:
    reader, sent = counted
    for amount in ("1", "2.5", "1000"):
        reader.query(
            Query("deal", select=("name",), where=parse(f"amount > {amount} and name != 'x{amount}' and due is None"))
        )
    for names in ("['a']", "['a', 'b', 'c']"):
        reader.query(Query("deal", select=("name",), where=parse(f"name in {names}")))

    assert len(set(sent)) == 2


def test_colleagues_share_statements(world: World, counted: Counted) -> None:
    reader, sent = counted
    other = Principal(id=None, name="bob", roles=frozenset({"seller"}))
    for principal in (reader.principal, other):
        colleague = Reader(reader.connection, world.site, principal, secret=b"x", now=NOW)  # type: ignore[arg-type]
        colleague.query(Query("deal", select=("name", "amount")))

    assert len(set(sent)) == 1


def test_every_statement_on_records_needs_the_token(world: World, counted: Counted) -> None:
    reader, sent = counted
    select = ("name", "company.industry", "items", "helpers")
    reader.query(Query("deal", select=select, where=parse("count(items) >= 0"), search="deal"))
    reader.count(Query("deal"))
    reader.search("deal")
    reader.titles("company", world.rows["company"])

    assert len(sent) == 5
    for text in sent:
        with pytest.raises(AccessTokenMissing):
            run(reader.connection, text)


def test_a_query_that_takes_too_long_is_ended(world: World) -> None:
    ann = Principal(id=world.people["ann"], name="ann", roles=frozenset({"boss"}))
    endless = parse(
        " and ".join(f"all(company.deals, any(company.deals, count(helpers) < {each + 9}))" for each in range(9))
    )
    with pytest.raises(QueryTooSlow), world.database.read(limit_ms=1) as connection:  # noqa: PT012 - one of many is
        reader = Reader(connection, world.site, ann, secret=b"x", now=NOW)  # type: ignore[arg-type]
        for _ in range(200):
            reader.count(Query("deal", where=endless))


def plan(reader: Reader, query: Query) -> list[str]:
    """Return what stands in the way of reading a page off an index."""
    where = reader._normal(query.entity, query.where)  # noqa: SLF001 - the statement that `query` would send
    listing = reader._listing(query, where, reader._key(query, where, ()), "all")  # noqa: SLF001
    values = listing.statement.parameters({**reader.access.env(), **where.values, "limit": 51})
    return faults_of(reader, listing.statement.text, values)


def test_the_default_list_of_every_shipped_entity_is_read_off_an_index(database_url: str) -> None:
    world = World(database_url, build_model(shipped_layers(["crm"]), 1))
    admin = Principal(id=new_id(), name="admin", roles=frozenset({"admin"}))
    slow = {}
    with world.database.read() as connection:
        if world.database.dialect == "postgresql":
            # The tables are empty, for which PostgreSQL would take no index.
            for setting in ("enable_seqscan", "enable_sort", "enable_bitmapscan"):
                run(connection, f"SET LOCAL {setting} = off")
        reader = Reader(connection, world.site, admin, secret=b"x", now=NOW)  # type: ignore[arg-type]
        for entity in world.model.entities.values():
            view = world.model.default_view(entity.key)
            query = Query(entity.key, select=tuple(view.columns), where=view.where, order_by=view.order)
            for asked in (query, replace(query, order_by=())):
                if found := plan(reader, asked):
                    slow[view.key] = found
    world.database.dispose()

    assert slow == {}
