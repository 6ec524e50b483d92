"""What an import may cost, without a clock: statements of a chunk, memory, and plans that know of what came."""

import csv
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from engine import SYSTEM, Site
from engine.storage.database import run
from engine.storage.guard import Guard
from tests.bench import people
from tests.bench.ours import OurSite
from tests.conftest import PostgresServer, Tier

CHUNK = 500
_numbers = itertools.count(10**6, 10**6)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The site of the bench without a lead, on each kind of database."""
    server: PostgresServer | None = None
    url = None
    if request.param == "postgresql":
        server = request.getfixturevalue("postgres_server")
        url = server.create()
    made = OurSite(tmp_path_factory.mktemp("imports") / "site", url)
    made.make()
    yield made.site
    made.close()
    if server is not None and url is not None:
        server.drop(url)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The statements that the engine has sent, each once however many rows it was sent with."""
    found: list[str] = []
    check = Guard.check

    def noting(guard: Guard, statement: str, token: object) -> None:
        found.append(statement)
        check(guard, statement, token)

    monkeypatch.setattr(Guard, "check", noting)
    return found


@pytest.fixture
def file(tmp_path: Path) -> Callable[..., Path]:
    """Write a file of leads that were never there before; every `wrong`-th has a score that is none."""

    def write(count: int, wrong: int = 0) -> Path:
        start = next(_numbers)
        path = tmp_path / f"leads_{start}.csv"
        with path.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, people.FIELDS)
            writer.writeheader()
            for number, lead in enumerate(people.leads(count, start=start)):
                writer.writerow({**lead, "score": "much"} if wrong and number % wrong == 1 else lead)
        return path

    return write


def test_a_chunk_takes_as_many_statements_whatever_stands_in_it(
    site: Site, file: Callable[..., Path], sent: list[str]
) -> None:
    site.import_file(SYSTEM, "lead", file(10))  # what is worked out once is worked out
    counts = []
    for rows in (20, CHUNK, 4 * CHUNK):
        path = file(rows)
        sent.clear()
        assert site.import_file(SYSTEM, "lead", path).created == rows
        counts.append(len([text for text in sent if not text.startswith("ANALYZE")]))
    few, one, four = counts

    assert one <= few + 2  # 20 rows or 500
    assert four - one <= 3 * 16  # three chunks more


def test_rows_that_cannot_be_taken_cost_no_statements(site: Site, file: Callable[..., Path], sent: list[str]) -> None:
    counts = []
    for wrong in (0, 3):
        path = file(CHUNK, wrong)
        sent.clear()
        report = site.import_file(SYSTEM, "lead", path)
        assert (report.created + report.failed, bool(report.failed)) == (CHUNK, bool(wrong))
        counts.append(len(sent))

    assert counts[1] <= counts[0] + 2


def test_memory_does_not_follow_the_length_of_the_file(site: Site, file: Callable[..., Path], tier: Tier) -> None:
    if tier == "quick" and site.database.dialect != "sqlite":
        return
    rows = 10_000 if tier == "quick" else 100_000
    path, process, sizes = file(rows, wrong=7), psutil.Process(), []

    report = site.import_file(SYSTEM, "lead", path, progress=lambda _bytes: sizes.append(process.memory_info().rss))

    assert report.created + report.failed == rows
    assert len(report.problems) <= 1_000
    assert len(sizes) >= rows // CHUNK
    assert max(sizes) - sizes[1] <= 24 * 2**20


def test_lists_are_planned_for_what_came_and_not_for_what_was_there(site: Site, file: Callable[..., Path]) -> None:
    if site.database.dialect == "sqlite":
        # Its statistics are written when the site is published, for tables that are large.
        return
    site.import_file(SYSTEM, "lead", file(1_500))
    tables = (site.publisher.models.get(site.revision).tables.name("lead"), "search_row", "record_change")

    with site.database.read() as connection:
        text = "SELECT relname, reltuples FROM pg_class WHERE relname = ANY(%s::text[])"
        known = dict(run(connection, text, (list(tables),)).fetchall())
        [(there,)] = run(connection, "SELECT count(*) FROM search_row WHERE entity = 'lead'").fetchall()
    assert set(known) == set(tables)
    assert all(number >= there for number in known.values())
