"""Questions that would take minutes: each ends within the time that guanxi.yaml allows, with a reason."""

import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from engine.storage.columns import quoted
from engine.storage.database import run
from engine.storage.guard import ENTITY_ACCESS
from tests.functional.api.conftest import Api, opened
from tests.functional.api.test_rest import problem

ROWS = 6_000
MILLISECONDS = 300
_SERIES = {
    "sqlite": "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < ?) SELECT {} FROM s, {} t",
    "postgresql": "SELECT {} FROM generate_series(1, %s) AS s(n), {} t",
}
_ID = {
    "sqlite": "printf('0199%04x-%04x-7000-8000-000000000000', n / 65536, n % 65536)",
    "postgresql": "('0199' || lpad(to_hex(n / 65536), 4, '0') || '-' || lpad(to_hex(n %% 65536), 4, '0') ||"
    " '-7000-8000-000000000000')::uuid",
}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def full(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """A site with one patient who came some thousand times, and little patience."""
    with opened(request, request.param, tmp_path_factory.mktemp("slow")) as api:
        patient = api.send("GET", "/patient").get_json()["data"][0]["id"]
        api.create("visit", subject="aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", patient=patient)
        tables = api.site.published.tables
        columns = [tables.column_name("visit", key) for key in ("id", "version", "created_at", "updated_at", "subject",
                                                                 "patient", "stage")]  # fmt: skip
        table = quoted(tables.name("visit"))
        chosen = ", ".join([_ID[request.param], *(quoted(each) for each in columns[1:])])
        series = _SERIES[request.param].format(chosen, table)
        names = ", ".join(map(quoted, columns))
        with api.site.database.write() as connection:
            run(connection, f"INSERT INTO {table} ({names}) {series}", (ROWS,), access=ENTITY_ACCESS)
        api.site._query_ms = MILLISECONDS  # noqa: SLF001 - guanxi.yaml counts in seconds
        yield api


HEAVY = "count(patient.visits, contains(lower(subject) + stage, 'zz')) > 0"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", f"/visit?filter={quote(HEAVY)}", None),
        ("GET", f"/visit?filter={quote(HEAVY)}&order=patient.name,subject&limit=1", None),
        ("GET", f"/visit?filter={quote(HEAVY)}&count=capped&limit=1", None),
        ("POST", "/visit/query", {"where": HEAVY, "group_by": ["stage"], "aggregates": ["count"]}),
        ("POST", "/visit/query", {"where": HEAVY, "aggregates": ["count()", "max(subject)"]}),
        ("POST", "/visit/query", {"where": HEAVY, "order_by": ["-subject"], "select": ["patient.name"]}),
    ],
)
def test_a_question_without_an_end_is_given_up_in_time(full: Api, method: str, path: str, body: Any) -> None:
    began = time.perf_counter()
    answer = full.send(method, path, **({"json": body} if body is not None else {}))
    took = time.perf_counter() - began

    assert problem(answer, 400)["type"] == "urn:guanxi:query-too-slow", answer.get_data()
    assert took < MILLISECONDS / 1000 * 4
