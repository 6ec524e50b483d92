"""REST over an entity that the product has never heard of."""

from typing import Any

import pytest

from tests.functional.api.conftest import Api

UNKNOWN = "01999999-9999-7999-8999-999999999999"


def problem(answer: Any, status: int) -> dict[str, Any]:
    """Return the problem of a refusal, after a look at its form."""
    assert answer.status_code == status, answer.get_data(as_text=True)
    assert answer.mimetype == "application/problem+json"
    body: dict[str, Any] = answer.get_json()
    assert body["status"] == status
    assert body["title"]
    assert body.pop("instance") == f"urn:guanxi:request:{answer.headers['X-Request-Id']}"
    return body


# --- one record -------------------------------------------------------------------------------------------------------


def test_a_record_is_created_and_read_back_as_stored(api: Api) -> None:
    answer = api.send("POST", "/visit", json={"subject": "Check", "fee": "12.5", "on_date": "2026-03-01"})

    assert answer.status_code == 201
    made = answer.get_json()
    assert answer.headers["Location"] == f"/api/v1/visit/{made['id']}"
    assert (made["version"], made["subject"], made["fee"], made["on_date"]) == (1, "Check", "12.50", "2026-03-01")
    assert (made["stage"], made["doubled"], made["owner"]) == ("booked", "25.00", api.ids["doctor"])
    read = api.send("GET", f"/visit/{made['id']}")
    assert read.get_json() == made
    assert read.headers["ETag"] == '"1"'


def test_a_known_version_is_not_sent_again(api: Api) -> None:
    made = api.create("visit", subject="Check")

    answer = api.send("GET", f"/visit/{made['id']}", headers={"If-None-Match": '"1"'})

    assert answer.status_code == 304
    assert answer.get_data() == b""


def test_every_wrong_value_is_told_at_its_path(api: Api) -> None:
    answer = api.send("POST", "/visit", json={"fee": "-1", "on_date": "soon", "colour": "red", "stage": "asleep"})

    errors = {each["path"]: each["message"] for each in problem(answer, 422)["errors"]}
    assert set(errors) == {"subject", "fee", "on_date", "colour", "stage"}


def test_messages_are_in_the_language_of_the_caller(api: Api) -> None:
    answer = api.send("POST", "/visit", json={}, headers={"Accept-Language": "zh"})

    assert "必填" in answer.get_data(as_text=True)


def test_a_patch_changes_what_it_names_and_nothing_else(api: Api) -> None:
    made = api.create("visit", subject="Check", fee="5")

    answer = api.send("PATCH", f"/visit/{made['id']}", json={"fee": "7"}, headers={"If-Match": '"1"'})

    assert answer.status_code == 200
    assert (answer.get_json()["fee"], answer.get_json()["subject"], answer.get_json()["version"]) == (
        "7.00",
        "Check",
        2,
    )


def test_a_stale_etag_is_412_and_changes_nothing(api: Api) -> None:
    made = api.create("visit", subject="Check", fee="5")
    api.send("PATCH", f"/visit/{made['id']}", json={"fee": "6"})

    answer = api.send("PATCH", f"/visit/{made['id']}", json={"subject": "Late"}, headers={"If-Match": '"1"'})

    problem(answer, 412)
    assert api.send("GET", f"/visit/{made['id']}").get_json()["subject"] == "Check"


def test_a_version_in_the_body_merges_other_fields_and_refuses_the_same(api: Api) -> None:
    made = api.create("visit", subject="Check", fee="5")
    api.send("PATCH", f"/visit/{made['id']}", json={"fee": "6"})

    merged = api.send("PATCH", f"/visit/{made['id']}", json={"subject": "Late", "version": 1})
    refused = api.send("PATCH", f"/visit/{made['id']}", json={"fee": "9", "version": 1})

    assert (merged.get_json()["subject"], merged.get_json()["fee"]) == ("Late", "6.00")
    [conflict] = problem(refused, 409)["errors"]
    assert (conflict["path"], conflict["theirs"], conflict["mine"]) == ("fee", "6.00", "9.00")


def test_a_deleted_record_is_gone_and_comes_back(api: Api) -> None:
    made = api.create("visit", subject="Check")

    assert api.send("DELETE", f"/visit/{made['id']}").status_code == 204
    problem(api.send("GET", f"/visit/{made['id']}"), 404)
    assert [each["id"] for each in api.send("GET", "/visit?trashed=true").get_json()["data"]] == [made["id"]]
    restored = api.send("POST", f"/visit/{made['id']}/restore")

    assert restored.status_code == 200
    assert api.send("GET", f"/visit/{made['id']}").status_code == 200


def test_child_rows_are_written_with_their_parent(api: Api) -> None:
    made = api.create(
        "visit", subject="Check", items=[{"what": "Blood", "amount": "10"}, {"what": "X-ray", "amount": "5"}]
    )

    assert (made["total"], sorted(each["what"] for each in made["items"])) == ("15.00", ["Blood", "X-ray"])


def test_a_transition_needs_what_it_requires(api: Api) -> None:
    made = api.create("visit", subject="Check")

    refused = api.send("POST", f"/visit/{made['id']}/transition/see")
    done = api.send("POST", f"/visit/{made['id']}/transition/see", json={"fee": "3"})

    assert [each["path"] for each in problem(refused, 422)["errors"]] == ["fee"]
    assert (done.get_json()["stage"], done.get_json()["fee"]) == ("seen", "3.00")


def test_history_tells_each_version_but_no_secret(api: Api) -> None:
    made = api.create("patient", name="Ben", id_card="310101199001011234")
    api.send("PATCH", f"/patient/{made['id']}", json={"name": "Benjamin"})

    answer = api.send("GET", f"/patient/{made['id']}/history")

    entries = answer.get_json()["data"]
    assert [each["action"] for each in entries] == ["update", "create"]
    assert entries[0]["changes"] == {"name": ["Ben", "Benjamin"]}
    assert entries[0]["actor"]["name"] == "Doctor"
    assert b"310101199001011234" not in answer.get_data()


# --- safe to repeat ---------------------------------------------------------------------------------------------------


def test_a_repeated_create_makes_one_record(api: Api) -> None:
    headers = {"Idempotency-Key": "once"}
    first = api.send("POST", "/visit", json={"subject": "Check"}, headers=headers)
    second = api.send("POST", "/visit", json={"subject": "Check"}, headers=headers)
    other = api.send("POST", "/visit", json={"subject": "Another"}, headers=headers)

    assert first.get_json() == second.get_json()
    problem(other, 422)
    assert len(api.send("GET", "/visit").get_json()["data"]) == 1


# --- lists ------------------------------------------------------------------------------------------------------------


def test_a_list_filters_sorts_pages_and_counts(api: Api) -> None:
    for number in range(7):
        api.create("visit", subject=f"V{number}", fee=str(number))

    first = api.send("GET", "/visit?filter=fee >= 2&order=-fee&limit=3&fields=subject,fee&count=capped").get_json()
    second = api.send(
        "GET",
        "/visit",
        query_string={
            "filter": "fee >= 2",
            "order": "-fee",
            "limit": 3,
            "fields": "subject,fee",
            "cursor": first["next"],
        },
    ).get_json()

    assert [each["subject"] for each in first["data"]] == ["V6", "V5", "V4"]
    assert first["count"] == "5"
    assert [each["subject"] for each in second["data"]] == ["V3", "V2"]
    assert second["next"] is None
    assert set(first["data"][0]) == {"id", "subject", "fee"}


def test_a_list_holds_what_one_needs_to_go_on(api: Api) -> None:
    made = api.create("visit", subject="Check", fee="1")

    [row] = api.send("GET", "/visit").get_json()["data"]

    assert (row["id"], row["version"], row["subject"], row["fee"]) == (made["id"], 1, "Check", "1.00")


def test_words_are_found_in_both_scripts(api: Api) -> None:
    api.create("visit", subject="年度体检")
    api.create("visit", subject="Annual check")

    assert [each["subject"] for each in api.send("GET", "/visit?q=体检").get_json()["data"]] == ["年度体检"]
    assert [each["subject"] for each in api.send("GET", "/visit?q=annu").get_json()["data"]] == ["Annual check"]


def test_a_path_leads_to_a_linked_record(api: Api) -> None:
    anna = api.send("GET", "/patient").get_json()["data"][0]["id"]
    api.create("visit", subject="Check", patient=anna)

    [row] = api.send("GET", "/visit?filter=patient.name == 'Anna'&fields=subject,patient.name").get_json()["data"]

    assert row["patient.name"] == "Anna"


def test_numbers_are_summed_by_group(api: Api) -> None:
    for fee, day in (("1", "2026-01-05"), ("2", "2026-01-09"), ("4", "2026-02-01")):
        api.create("visit", subject="Check", fee=fee, on_date=day)

    answer = api.send(
        "POST",
        "/visit/query",
        json={"group_by": ["month(on_date)"], "aggregates": ["sum(fee)", "count()"], "order_by": ["month(on_date)"]},
    )

    rows = answer.get_json()["data"]
    assert [(row["sum(fee)"], row["count()"]) for row in rows] == [("3.00", 2), ("4.00", 1)]


# --- many at once -----------------------------------------------------------------------------------------------------


def test_a_bulk_call_has_one_result_for_each_operation(api: Api) -> None:
    made = api.create("visit", subject="Check")
    operations: list[dict[str, Any]] = [
        {"create": {"subject": "New"}},
        {"create": {"fee": "1"}},
        {"update": {"id": made["id"], "values": {"fee": "3"}}},
        {"upsert": {"on": "external_id", "values": {"external_id": "V1", "subject": "Mapped"}}},
        {"delete": {"id": UNKNOWN}},
    ]

    results = api.send("POST", "/visit/bulk", json={"atomic": False, "operations": operations}).get_json()["data"]

    assert [each["status"] for each in results] == [201, 422, 200, 201, 404]
    assert results[1]["errors"][0]["path"] == "subject"
    assert len(api.send("GET", "/visit").get_json()["data"]) == 3


def test_an_atomic_bulk_call_is_all_or_nothing(api: Api) -> None:
    operations = [{"create": {"subject": "New"}}, {"create": {"fee": "1"}}]

    problem(api.send("POST", "/visit/bulk", json={"atomic": True, "operations": operations}), 422)

    assert api.send("GET", "/visit").get_json()["data"] == []


def test_many_records_get_the_same_value_in_one_operation(api: Api) -> None:
    ids = [api.create("visit", subject=f"V{number}")["id"] for number in range(3)]

    answer = api.send(
        "POST", "/visit/bulk", json={"operations": [{"update": {"ids": ids, "values": {"subject": "Same"}}}]}
    )

    assert answer.get_json()["data"] == [{"status": 200, "count": 3}]
    assert {each["subject"] for each in api.send("GET", "/visit").get_json()["data"]} == {"Same"}


def test_many_records_that_get_no_value_stay_as_they_are(api: Api) -> None:
    made = api.create("visit", subject="Check")
    operations: list[dict[str, Any]] = [
        {"update": {"ids": [made["id"]], "values": {}}}, {"update": {"id": made["id"], "values": {}}}
    ]  # fmt: skip

    answer = api.send("POST", "/visit/bulk", json={"operations": operations})

    assert [each["status"] for each in answer.get_json()["data"]] == [200, 200]
    assert answer.get_json()["data"][0]["count"] == 0
    assert api.send("GET", f"/visit/{made['id']}").get_json()["version"] == made["version"]


@pytest.mark.parametrize("ids", [[""], ["V1"], "V1", [UNKNOWN, " "]])
def test_an_export_takes_no_ids_that_are_none(api: Api, ids: object) -> None:
    said = problem(api.send("POST", "/visit/export", json={"format": "csv", "ids": ids}), 422)

    assert said["errors"][0]["path"] == "ids"


@pytest.mark.parametrize("until", ["0001-01-01T00:00:00+08:00", "9999-12-31T23:59:59-08:00", "tomorrow", 5])
def test_a_share_ends_at_a_moment_of_the_calendar(api: Api, until: object) -> None:
    made = api.create("visit", subject="Check")

    answer = api.send(
        "POST", f"/visit/{made['id']}/shares", json={"kind": "user", "principal": UNKNOWN, "until": until}
    )

    assert answer.status_code == 400, answer.get_data(as_text=True)


def test_too_many_operations_are_refused(api: Api) -> None:
    operations = [{"delete": {"id": UNKNOWN}}] * 1001

    problem(api.send("POST", "/visit/bulk", json={"operations": operations}), 400)


# --- rights -----------------------------------------------------------------------------------------------------------


def test_nobody_gets_anything_without_a_token(api: Api) -> None:
    client = api.app.test_client()

    for headers in ({}, {"Authorization": "Bearer gx_forged"}, {"Authorization": "Basic YTpi"}):
        answer = client.get("/api/v1/visit", headers=headers)
        problem(answer, 401)
        assert answer.headers["WWW-Authenticate"].startswith('Bearer realm="guanxi"')


def test_a_record_of_somebody_else_does_not_exist(api: Api) -> None:
    made = api.create("visit", "other", subject="Private")

    for method, path, body in (
        ("GET", f"/visit/{made['id']}", None),
        ("PATCH", f"/visit/{made['id']}", {"subject": "Mine"}),
        ("DELETE", f"/visit/{made['id']}", None),
        ("POST", f"/visit/{made['id']}/transition/miss", {}),
        ("GET", f"/visit/{made['id']}/history", None),
        ("GET", f"/visit/{UNKNOWN}", None),
    ):
        problem(
            api.send(method, path, "nurse", json=body) if body is not None else api.send(method, path, "nurse"), 404
        )


def test_a_hidden_field_is_unknown_wherever_it_is_named(api: Api) -> None:
    made = api.create("visit", "nurse", subject="Check")
    hidden = [
        api.send("GET", "/visit?filter=cost > 1", "nurse"),
        api.send("GET", "/visit?order=cost", "nurse"),
        api.send("GET", "/visit?fields=cost", "nurse"),
        api.send("POST", "/visit/query", "nurse", json={"group_by": ["cost"], "aggregates": ["count()"]}),
        api.send("POST", "/visit/query", "nurse", json={"aggregates": ["sum(cost)"]}),
    ]
    unknown = [
        api.send("GET", "/visit?filter=nope > 1", "nurse"),
        api.send("GET", "/visit?order=nope", "nurse"),
        api.send("GET", "/visit?fields=nope", "nurse"),
        api.send("POST", "/visit/query", "nurse", json={"group_by": ["nope"], "aggregates": ["count()"]}),
        api.send("POST", "/visit/query", "nurse", json={"aggregates": ["sum(nope)"]}),
    ]

    assert "cost" not in made
    for one, other in zip(hidden, unknown, strict=True):
        said = problem(one, 400)
        assert str(said).replace("cost", "nope") == str(problem(other, 400))
    problem(api.send("PATCH", f"/visit/{made['id']}", "nurse", json={"cost": "1"}), 422)


def test_a_read_only_field_and_a_system_field_are_refused(api: Api) -> None:
    made = api.create("visit", "nurse", subject="Check")

    for values in ({"fee": "1"}, {"created_at": "2020-01-01T00:00:00Z"}, {"id": UNKNOWN}, {"deleted_at": None}):
        answer = api.send("PATCH", f"/visit/{made['id']}", "nurse", json=values)
        assert answer.status_code in {403, 422}, (values, answer.get_data(as_text=True))


def test_a_token_never_does_more_than_its_scopes(api: Api) -> None:
    assert api.send("GET", "/visit", "reader").status_code == 200

    problem(api.send("POST", "/visit", "reader", json={"subject": "Check"}), 403)


def test_what_the_person_may_is_never_taken_for_what_the_token_may(api: Api) -> None:
    anna = api.send("GET", "/patient").get_json()["data"][0]["id"]
    made = api.create("visit", subject="Check")
    linked = {"patient": anna}
    api.tokens["narrow"] = api.site.identity.add_token(
        api.ids["doctor"], "visits", ("visit:read", "visit:update"), None
    )[1]

    # The person goes first, so that whatever is kept of their rights is there when the token comes.
    assert api.send("PATCH", f"/visit/{api.create('visit', subject='Other')['id']}", json=linked).status_code == 200
    refused = api.send("PATCH", f"/visit/{made['id']}", "narrow", json=linked)
    renamed = api.send("PATCH", f"/visit/{made['id']}", "narrow", json={"subject": "Renamed"})

    assert [each["path"] for each in problem(refused, 422)["errors"]] == ["patient"]
    assert renamed.status_code == 200


def test_a_cookie_writes_only_from_our_own_pages(api: Api) -> None:
    secret = api.site.identity
    secret.set_password(api.ids["doctor"], "correct horse battery")
    session = secret.sign_in("doctor@example.com", "correct horse battery")
    client = api.app.test_client()
    client.set_cookie("guanxi", session.secret)

    foreign = client.post("/api/v1/visit", json={"subject": "Check"}, headers={"Origin": "https://evil.example"})
    absent = client.post("/api/v1/visit", json={"subject": "Check"})
    own = client.post("/api/v1/visit", json={"subject": "Check"}, headers={"Origin": "http://localhost"})

    problem(foreign, 403)
    problem(absent, 403)
    assert own.status_code == 201


# --- bad requests -----------------------------------------------------------------------------------------------------


def test_whatever_cannot_be_read_is_a_4xx_with_a_reason(api: Api) -> None:
    deep = "[" * 5000 + "]" * 5000
    for method, path, options in (
        ("POST", "/visit", {"data": "{not json"}),
        ("POST", "/visit", {"data": "[1]"}),
        ("POST", "/visit", {"data": deep}),
        ("POST", "/visit", {"data": b"\xff\xfe\x00"}),
        ("POST", "/visit/bulk", {"json": {"operations": "all"}}),
        ("POST", "/visit/bulk", {"json": {"operations": [{"create": {}, "delete": {}}]}}),
        ("POST", "/visit/bulk", {"json": {"operations": [{"explode": {}}]}}),
        ("POST", "/visit/query", {"json": {"select": "name"}}),
        ("POST", "/visit/query", {"json": {"drop": "table"}}),
        ("GET", "/visit?limit=1000000", {}),
        ("GET", "/visit?limit=x", {}),
        ("GET", "/visit?cursor=forged", {}),
        ("GET", "/visit?filter=subject ==", {}),
        ("GET", "/visit?filter=__import__('os')", {}),
        ("GET", "/visit?filter=" + "(" * 500, {}),
        ("GET", "/visit?order=subject;drop", {}),
        ("GET", "/nothing", {}),
        ("GET", "/visit/not-an-id", {}),
        ("PUT", "/visit", {}),
    ):
        answer = api.send(method, path, **options)
        assert 400 <= answer.status_code < 500, (method, path, answer.status_code)
        assert answer.mimetype == "application/problem+json", (method, path)


def test_a_cursor_of_somebody_else_is_refused(api: Api) -> None:
    for number in range(4):
        api.create("visit", subject=f"V{number}")
    cursor = api.send("GET", "/visit?order=subject&limit=2").get_json()["next"]

    answer = api.send("GET", "/visit", "nurse", query_string={"order": "subject", "limit": 2, "cursor": cursor})

    problem(answer, 400)


# --- metadata ---------------------------------------------------------------------------------------------------------


def test_the_metadata_is_what_this_caller_may_know(api: Api) -> None:
    doctor = {each["key"]: each for each in api.send("GET", "/meta/visit").get_json()["fields"]}
    nurse = {each["key"]: each for each in api.send("GET", "/meta/visit", "nurse").get_json()["fields"]}

    assert "cost" in doctor
    assert "cost" not in nurse
    assert (doctor["fee"]["access"], nurse["fee"]["access"]) == ("write", "read")
    assert {each["entity"] for each in api.send("GET", "/meta").get_json()["data"]} >= {"patient", "visit"}
    problem(api.send("GET", "/meta/nothing"), 404)
