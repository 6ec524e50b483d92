"""Lists over REST: what can be asked for, in which words, and what is refused."""

import json
from typing import Any
from urllib.parse import quote

import pytest

from tests.functional.api.conftest import Api
from tests.functional.api.test_rest import problem


@pytest.fixture(scope="module")
def visits(shared: Api) -> Api:
    """The API of a site with four visits of two patients, which the tests of this module only read."""
    anna = shared.send("GET", "/patient").get_json()["data"][0]["id"]
    ben = shared.create("patient", name="Ben")["id"]
    shared.ids |= {"anna": anna, "ben": ben}
    for number, (subject, patient, day, fee) in enumerate(
        (("Check, 100%", anna, "2026-01-05", "10"), ("Blood", anna, "2026-02-09", "20.5"),
         ("检查", ben, "2026-03-01", None), ("X-ray", None, None, "0"))
    ):  # fmt: skip
        shared.create("visit", subject=subject, patient=patient, on_date=day, fee=fee, external_id=f"V{number}")
    return shared


def found(api: Api, query: str, who: str = "doctor") -> list[str]:
    """Return which visits a list has, by the number in their external id."""
    answer = api.send("GET", f"/visit?order=external_id&fields=external_id&{query}", who)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return [each["external_id"][1:] for each in answer.get_json()["data"]]


@pytest.mark.parametrize(
    ("sugar", "rows"),
    [
        ("fee[gt]=10", "1"), ("fee[ge]=10", "01"), ("fee[lt]=10.00", "3"), ("fee[eq]=20.5", "1"), ("fee[is]=null", "2"),
        ("fee[is]=set", "013"), ("subject[eq]=Blood", "1"), ("subject[contains]=check", "0"),
        ("subject[contains]=%E6%A3%80", "2"),
        ("subject[starts_with]=X-", "3"), ("subject[ends_with]=100%25", "0"), ("stage[eq]=booked", "0123"),
        ("stage[in]=seen,missed", ""), ("stage[not_in]=seen", "0123"), ("on_date[ge]=2026-02-01", "12"),
        ("on_date[lt]=2026-02-01&fee[ge]=1", "0"), ("patient.name[eq]=Anna", "01"), ("patient[is]=null", "3"),
        ("created_at[ge]=2020-01-01", "0123"), ("created_at[lt]=2020-01-01T00:00:00Z", ""),
        ("created_at[le]=2020-01-01", ""), ("created_at[ne]=2020-01-01", "0123"),
        ("fee[gt]=1&filter=" + quote("subject == 'Blood'"), "1"), ("doubled[gt]=30", "1"), ("total[eq]=0", "0123"),
    ],
)  # fmt: skip
def test_machines_write_conditions_without_quotes(visits: Api, sugar: str, rows: str) -> None:
    assert "".join(found(visits, sugar)) == rows


@pytest.mark.parametrize(
    "sugar",
    [
        "fee[gt]=much", "fee[about]=1", "on_date[ge]=tomorrow", "nope[eq]=1", "stage[gt", "fee[contains]=1",
        "fee[is]=1",
        "patient.nope[eq]=1", "items[eq]=1", "subject=Blood", "created_at[ge]=2020-01-32",
        "created_at[gt]=9999-12-31", "created_at[eq]=0001-01-01", "fee[gt]=1&fee[gt]=2&fee=1",
    ],
)  # fmt: skip
def test_a_condition_that_means_nothing_is_refused_with_a_reason(visits: Api, sugar: str) -> None:
    body = problem(visits.send("GET", f"/visit?{sugar}"), 400)

    assert body["detail"]


def test_what_is_hidden_is_unknown_to_sugar_too(visits: Api) -> None:
    hidden, unknown = (visits.send("GET", f"/visit?{name}[eq]=1", "nurse") for name in ("cost", "c0st"))

    assert str(problem(hidden, 400)).replace("cost", "c0st") == str(problem(unknown, 400))


def test_a_filter_may_be_json(visits: Api) -> None:
    tree = {"call": ">", "args": [{"path": ["fee"]}, {"number": "10"}]}

    assert found(visits, f"filter={quote(json.dumps(tree))}") == ["1"]
    body = {"where": tree, "select": ["external_id"]}
    assert [each["external_id"] for each in visits.send("POST", "/visit/query", json=body).get_json()["data"]] == ["V1"]
    problem(visits.send("GET", f"/visit?filter={quote(json.dumps(tree)[:-1])}"), 400)
    problem(visits.send("POST", "/visit/query", json={"where": {"call": "drop", "args": []}}), 400)


def test_links_are_ids_and_their_titles_come_beside_them(visits: Api) -> None:
    answer = visits.send("GET", "/visit?titles=true&order=external_id&fields=patient,owner").get_json()

    assert [each["patient"] for each in answer["data"]] == [
        visits.ids["anna"], visits.ids["anna"], visits.ids["ben"], None,
    ]  # fmt: skip
    assert answer["titles"] == {
        "patient": {visits.ids["anna"]: "Anna", visits.ids["ben"]: "Ben"},
        "user": {visits.ids["doctor"]: "Doctor"},
    }
    first = answer["data"][0]["id"]
    assert visits.send("GET", f"/visit/{first}?titles=true").get_json()["_titles"]["patient"] == {
        visits.ids["anna"]: "Anna"
    }


def test_a_list_is_walked_by_its_cursor_without_loss(visits: Api) -> None:
    for order in ("external_id", "-fee", "patient.name,-fee", "on_date"):
        seen: list[str] = []
        cursor: str | None = ""
        while cursor is not None:
            page = visits.send("GET", f"/visit?order={order}&limit=1&fields=external_id&cursor={cursor}").get_json()
            seen += [each["external_id"] for each in page["data"]]
            cursor = page["next"]
        assert sorted(seen) == ["V0", "V1", "V2", "V3"], order


def test_groups_are_walked_by_their_cursor_without_loss(visits: Api) -> None:
    body: dict[str, Any] = {"group_by": ["external_id"], "aggregates": {"all": "sum(fee)"}, "limit": 3}
    first = visits.send("POST", "/visit/query", json=body).get_json()
    second = visits.send("POST", "/visit/query", json={**body, "cursor": first["next"]}).get_json()

    assert [each["external_id"] for each in first["data"] + second["data"]] == ["V0", "V1", "V2", "V3"]
    assert second["next"] is None
    other = visits.send("POST", "/visit/query", json={**body, "aggregates": ["count()"], "cursor": first["next"]})
    assert "load the list again" in problem(other, 400)["detail"]


def test_a_cursor_belongs_to_one_query_and_one_person(visits: Api) -> None:
    cursor = visits.send("GET", "/visit?order=external_id&limit=1").get_json()["next"]

    for query in ("order=-external_id", "order=external_id&filter=fee > 1", "order=external_id&q=blood",
                  "order=external_id&trashed=true"):  # fmt: skip
        problem(visits.send("GET", f"/visit?{query}&limit=1&cursor={cursor}"), 400)
    problem(visits.send("GET", f"/visit?order=external_id&limit=1&cursor={cursor}", "nurse"), 400)
    assert visits.send("GET", f"/visit?order=external_id&limit=3&cursor={cursor}").status_code == 200


def test_a_count_stops_where_nobody_reads_it(visits: Api) -> None:
    assert visits.send("GET", "/visit?count=capped&limit=1").get_json()["count"] == "4"
    assert visits.send("POST", "/visit/query", json={"count": "capped", "where": "fee > 1"}).get_json()["count"] == "2"
    problem(visits.send("GET", "/visit?count=all"), 400)
    grouped = {"count": "capped", "group_by": ["stage"], "aggregates": ["count"]}
    problem(visits.send("POST", "/visit/query", json=grouped), 400)


@pytest.mark.parametrize(
    "query",
    [
        "limit=0", "limit=201", "limit=1000000", "limit=-1", "limit=1.5", "limit=٣", "limit=50&limit=60",
        "trashed=maybe",
        "titles=2", "page=2", "filter=fee > 1&filter=fee > 2", "ids=1", "order=" + ",".join(["fee"] * 11),
        "fields=" + ",".join(["fee"] * 501), "group=stage", "fields=subject,,fee", "trashed=yes", "q=%00", "q=%ff",
        "cursor=x",
        "filter=" + " or ".join(["fee > 1"] * 2_000), "fields=" + ".".join(["patient"] * 80),
        "order=patient." + "x" * 600,
    ],
)  # fmt: skip
def test_a_list_that_cannot_be_meant_is_refused_with_a_reason(visits: Api, query: str) -> None:
    assert problem(visits.send("GET", f"/visit?{query}"), 400)["detail"]
