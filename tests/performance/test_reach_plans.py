"""How row rules are read: each thing that lets somebody reach a row by the index that serves it, nothing row by row."""

from collections.abc import Iterator

import pytest

from engine import Query, Reader
from engine.data.reading import snapshot as readers
from engine.metadata.model import Order
from engine.storage.database import run
from engine.storage.guard import ENTITY_ACCESS
from tests.bench import company
from tests.bench.company import Company
from tests.performance.conftest import Sent

ORDER = (Order(("updated_at",), descending=True),)
NEWEST = Query("deal", select=("name", "account.name", "amount", "owner.name"), order_by=ORDER)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def firm(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    """Thirty people on four levels with some deals, on each kind of database."""
    server = request.getfixturevalue("postgres_server") if request.param == "postgresql" else None
    url = server.create() if server is not None else None
    firm = company.make(tmp_path_factory.mktemp("firm") / "site", url, 3_000, shares=200, people=30, below=(1, 2, 4))
    yield firm
    firm.close()
    if server is not None:
        server.drop(url)


def plan(reader: Reader, sent: Sent) -> list[str]:
    """Return the steps of the plan of the last statement; PostgreSQL scans only where no index could do instead."""
    text, values = sent[-1]
    if reader.kind == "sqlite":
        rows = run(reader.connection, "EXPLAIN QUERY PLAN " + text, values, access=ENTITY_ACCESS).fetchall()
        return [str(row[3]) for row in rows]
    for setting in ("enable_seqscan", "enable_bitmapscan", "enable_hashjoin", "enable_mergejoin"):
        run(reader.connection, f"SET LOCAL {setting} = off")
    rows = run(reader.connection, "EXPLAIN (COSTS OFF) " + text, values, access=ENTITY_ACCESS).fetchall()
    return [str(row[0]).strip().removeprefix("->  ") for row in rows]


def scans(steps: list[str], names: tuple[str, ...] = ("s_deal", "s_account", "share")) -> list[str]:
    """Return steps that read a table from end to end."""
    aliases = tuple(f"SCAN t{number}" for number in range(100))
    return [
        step
        for step in steps
        if step in aliases or step == "SCAN share" or any(f"Seq Scan on {name}" in step for name in names)
    ]


def by_index(steps: list[str], *columns: str) -> bool:
    """Say whether a step uses the index that begins with some columns."""
    return any(f"ix_s_deal_{'_'.join(columns)}_" in step for step in steps)


@pytest.mark.parametrize("what", ["query", "count"])
@pytest.mark.parametrize("strategy", ["gather", "merge"])
def test_what_somebody_reaches_is_read_by_the_indexes_of_each_reason(
    firm: Company, sent: Sent, monkeypatch: pytest.MonkeyPatch, strategy: str, what: str
) -> None:
    monkeypatch.setattr(readers, "strategy_for", lambda *_: strategy)
    with firm.site.reading(firm.site.principal(firm.who["lowest"])) as reader:
        getattr(reader, what)(NEWEST)
        steps = plan(reader, sent)

    assert scans(steps) == []
    assert by_index(steps, "owner")
    if reader.kind == "sqlite" or what == "query":
        assert by_index(steps, "account")
    assert any("share_principal" in step for step in steps)


def test_the_page_of_a_manager_is_the_same_however_it_is_read(firm: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    for who in ("rep", "lowest", "head", "director"):
        found = []
        for strategy in ("plain", "walk", "gather", "merge"):
            monkeypatch.setattr(readers, "strategy_for", lambda *_, strategy=strategy: strategy)
            with firm.site.reading(firm.site.principal(firm.who[who])) as reader:
                page = reader.query(NEWEST)
                rows = [row.id for row in page]
                query = Query("deal", select=("id",), order_by=ORDER, cursor=page.next_cursor)
                rows += [row.id for row in reader.query(query)]
                found.append((rows, reader.count(NEWEST).number, len(rows)))
        assert all(each == found[0] for each in found)
        assert len(set(found[0][0])) == found[0][2] == 100


@pytest.mark.parametrize("descending", [True, False])
@pytest.mark.parametrize("limit", [1, 7, 200])
def test_a_page_is_the_same_whatever_fills_it(
    firm: Company, monkeypatch: pytest.MonkeyPatch, limit: int, *, descending: bool
) -> None:
    order = (Order(("updated_at",), descending=descending),)
    for who in ("rep", "lowest"):
        found = []
        for strategy in ("plain", "gather", "merge"):
            monkeypatch.setattr(readers, "strategy_for", lambda *_, strategy=strategy: strategy)
            with firm.site.reading(firm.site.principal(firm.who[who])) as reader:
                page = reader.query(Query("deal", select=("id",), order_by=order, limit=limit))
                rows = [row.id for row in page]
                if page.next_cursor is not None:
                    query = Query("deal", select=("id",), order_by=order, limit=limit, cursor=page.next_cursor)
                    rows += [row.id for row in reader.query(query)]
                found.append(rows)
        assert found[0] == found[1] == found[2]
        assert len(set(found[0])) == len(found[0]) > min(limit, 100)


def test_the_plan_of_one_person_serves_the_next(firm: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    if firm.site.database.dialect == "sqlite":
        # SQLite plans a statement once and never for somebody.
        return
    for strategy in ("gather", "merge"):
        monkeypatch.setattr(readers, "strategy_for", lambda *_, strategy=strategy: strategy)
        with firm.site.reading(firm.site.principal(firm.who["lowest"])) as reader:
            text = (
                "SELECT coalesce(sum(generic_plans), 0), coalesce(sum(custom_plans), 0)"
                " FROM pg_prepared_statements WHERE statement LIKE %s"
            )
            before = run(reader.connection, text, ("%best%",)).fetchone()
            for _ in range(12):
                reader.query(NEWEST)
            kept, anew = run(reader.connection, text, ("%best%",)).fetchone()
        assert kept - before[0] > (anew - before[1]) / 2


def test_a_walk_asks_the_index_alone_whose_a_record_is(firm: Company, sent: Sent) -> None:
    if firm.site.database.dialect != "sqlite":
        # PostgreSQL fetches the rows that it walks over, whatever its indexes hold.
        return
    with firm.site.reading(firm.site.principal(firm.who["boss"])) as reader:
        reader.query(NEWEST)
        steps = plan(reader, sent)

    assert any("ix_s_deal_updated_at_id_owner_account_" in step for step in steps)
