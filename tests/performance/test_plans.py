"""How the databases read lists: off an index, in the order that is asked for, whatever view is open."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from engine import SYSTEM, Principal, Query, Reader, Site, create_folder
from engine.storage.database import run
from engine.storage.guard import ENTITY_ACCESS
from tests.conftest import PostgresServer
from tests.performance.conftest import Sent, Shop
from tests.plans import faults_of


def faults(reader: Reader, sent: Sent) -> list[str]:
    """Return what is wrong with the plan of the last statement."""
    return faults_of(reader, *sent[-1])


@contextmanager
def read_by(site: Site, principal: Principal, *, forced: bool = False) -> Iterator[Reader]:
    """Open a reader; with `forced`, PostgreSQL scans and sorts only where no index could do instead."""
    with site.reading(principal) as reader:
        if forced and reader.connection.dialect.name == "postgresql":
            for setting in ("enable_seqscan", "enable_sort", "enable_bitmapscan"):
                run(reader.connection, f"SET LOCAL {setting} = off")
        yield reader


@pytest.mark.parametrize("view", ["lead.default", "lead.by_amount"])
@pytest.mark.parametrize("who", ["boss", "rep1"])
def test_the_views_of_the_bench_are_read_off_an_index(shop: Shop, sent: Sent, who: str, view: str) -> None:
    principal = shop.site.principal(shop.people[who])
    with read_by(shop.site, principal) as reader:
        asked = reader.model.views[view]
        query = Query("lead", select=tuple(asked.columns), order_by=asked.order)
        rows = reader.query(query, abilities=("update",))

        assert len(rows) == 50
        assert faults(reader, sent) == []


def test_a_report_is_added_up_from_its_index(shop: Shop, sent: Sent) -> None:
    with read_by(shop.site, SYSTEM) as reader:
        query = Query.from_json("lead", {"group_by": ["stage", "month(next_on)"], "aggregates": ["sum(amount)"]})
        reader.aggregate(query)
        text, values = sent[-1]
        if reader.connection.dialect.name != "sqlite":
            return
        rows = run(reader.connection, "EXPLAIN QUERY PLAN " + text, values, access=ENTITY_ACCESS).fetchall()

    assert any("COVERING INDEX" in row[3] for row in rows)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shipped(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site with the packs that are shipped, without a row: the plans are those that the indexes allow."""
    server: PostgresServer | None = None
    url = None
    if request.param == "postgresql":
        server = request.getfixturevalue("postgres_server")
        url = server.create()
    folder = tmp_path_factory.mktemp("shipped") / "site"
    create_folder(folder, database=url)
    with Site.open(folder, database_url=url) as site:
        site.publish()
        site.identity.add("Ada", "ada@example.com", ("admin",))
        yield site
    if server is not None and url is not None:
        server.drop(url)


def test_every_view_that_is_shipped_is_read_off_an_index(shipped: Site, sent: Sent) -> None:
    found = {}
    ada = shipped.principal(shipped.identity.find("Ada").id)
    with read_by(shipped, ada, forced=True) as reader:
        # What one person opened is few, and in the order of their visits.
        kept = {key: view for key, view in reader.model.views.items() if not key.endswith(".seen")}
        for key, view in kept.items():
            reader.query(Query(view.entity, select=tuple(view.columns), where=view.where, order_by=view.order))
            wrong = faults(reader, sent)
            if wrong:
                found[key] = wrong

    assert found == {}
