"""Writes over REST: versions, repeats, upserts, what comes back, and many at once."""

import threading
from typing import Any

import pytest

from tests.functional.api.conftest import Api
from tests.functional.api.test_rest import UNKNOWN, problem

# --- versions


def test_a_stale_etag_keeps_a_record_whatever_is_done_to_it(api: Api) -> None:
    made = api.create("visit", subject="Check", fee="5")
    path = f"/visit/{made['id']}"
    stale = {"If-Match": '"1"'}
    api.send("PATCH", path, json={"subject": "Changed"})

    problem(api.send("DELETE", path, headers=stale), 412)
    problem(api.send("POST", f"{path}/transition/miss", headers=stale), 412)
    problem(api.send("PATCH", path, json={"fee": "9"}, headers={"If-Match": "soon"}), 400)
    problem(api.send("PATCH", path, json={"fee": "9"}, headers={"If-Match": '"soon"'}), 412)
    assert api.send("GET", path).get_json()["stage"] == "booked"
    tag = api.send("GET", path).headers["ETag"]
    moved = api.send("POST", f"{path}/transition/see", json={"fee": "3"}, headers={"If-Match": tag})
    assert moved.get_json()["stage"] == "seen"
    assert api.send("DELETE", path, headers={"If-Match": moved.headers["ETag"]}).status_code == 204
    problem(api.send("POST", f"{path}/restore", headers={"If-Match": '"1"'}), 412)
    assert api.send("POST", f"{path}/restore", headers={"If-Match": "*"}).status_code == 200


def test_not_modified_is_never_said_of_an_answer_that_would_look_different(api: Api) -> None:
    patient = api.create("patient", name="Ben")["id"]
    made = api.create("visit", subject="Check", patient=patient)
    plain, path = f"/visit/{made['id']}", f"/visit/{made['id']}?fields=subject,patient.name"
    tags = {each: api.send("GET", each).headers["ETag"] for each in (plain, path)}
    assert [api.send("GET", each, headers={"If-None-Match": f'"x", W/{tags[each]}'}).status_code for each in tags] == [
        304,
        304,
    ]

    api.send("PATCH", f"/patient/{patient}", json={"name": "Benjamin"})

    assert api.send("GET", plain, headers={"If-None-Match": tags[plain]}).status_code == 304
    changed = api.send("GET", path, headers={"If-None-Match": tags[path]})
    assert changed.get_json()["patient.name"] == "Benjamin"
    # The version in it still says which version a change is meant for.
    assert (
        api.send("PATCH", plain, json={"subject": "New"}, headers={"If-Match": changed.headers["ETag"]}).status_code
        == 200
    )


def test_a_writer_may_do_without_the_record(api: Api) -> None:
    made = api.send("POST", "/visit", json={"subject": "Check"}, headers={"Prefer": "respond-async, return=minimal"})
    changed = api.send(
        "PATCH",
        made.headers["Location"].removeprefix("/api/v1"),
        json={"fee": "1"},
        headers={"Prefer": "return=minimal"},
    )

    assert (made.status_code, sorted(made.get_json()), made.headers["ETag"]) == (201, ["id", "version"], '"1"')
    assert (changed.status_code, changed.get_data(), changed.headers["ETag"]) == (204, b"", '"2"')
    assert changed.headers["Preference-Applied"] == "return=minimal"


# --- upserts


def test_an_upsert_creates_once_and_changes_after_that(api: Api) -> None:
    first = api.send("POST", "/visit?on=external_id", json={"external_id": "A1", "subject": "Check"})
    second = api.send("POST", "/visit?on=external_id", json={"external_id": "A1", "subject": "Changed"})

    assert (first.status_code, second.status_code) == (201, 200)
    assert second.get_json()["id"] == first.get_json()["id"]
    assert second.get_json()["subject"] == "Changed"
    patient = api.create("patient", name="Ben")["id"]
    for subject, status in (("Morning", 201), ("Evening", 200)):
        values = {"patient": patient, "on_date": "2026-01-01", "subject": subject}
        assert api.send("POST", "/visit?on=one_a_day", json=values).status_code == status
    assert "on" in {each["path"] for each in problem(api.send("POST", "/visit?on=subject", json={}), 422)["errors"]} | {
        "on"
    }
    problem(api.send("POST", "/visit?upsert=external_id", json={"subject": "x"}), 400)


# --- safe to repeat


@pytest.mark.parametrize("verb", ["POST", "PATCH", "DELETE", "transition", "bulk"])
def test_every_write_is_safe_to_repeat_under_its_key(api: Api, verb: str) -> None:
    made = api.create("visit", subject="Check")
    path = f"/visit/{made['id']}"
    method, address, body = {
        "POST": ("POST", "/visit", {"subject": "Twice"}),
        "PATCH": ("PATCH", path, {"subject": "Twice"}),
        "DELETE": ("DELETE", path, None),
        "transition": ("POST", f"{path}/transition/miss", {}),
        "bulk": ("POST", "/visit/bulk", {"operations": [{"create": {"subject": "Twice"}}, {"create": {"fee": "1"}}]}),
    }[verb]
    headers = {"Idempotency-Key": "once"}
    options: dict[str, Any] = {} if body is None else {"json": body}

    first = api.send(method, address, headers=headers, **options)
    second = api.send(method, address, headers=headers, **options)

    assert (first.status_code, first.get_data()) == (second.status_code, second.get_data())
    assert len(api.send("GET", "/visit?filter=subject == 'Twice'&fields=id").get_json()["data"]) <= 1
    if verb != "DELETE":
        assert api.send("GET", f"{path}/history").get_json()["data"][0]["version"] <= 2
    other = api.send("POST", "/visit", json={"subject": "Other"}, headers=headers)
    assert problem(other, 422)["type"] == "urn:guanxi:idempotency-key-reused"
    problem(api.send("POST", "/visit", json={"subject": "x"}, headers={"Idempotency-Key": "k" * 300}), 422)


def test_a_key_that_is_used_at_the_same_time_makes_one_record(api: Api) -> None:
    answers: list[Any] = []

    def create() -> None:
        answers.append(api.send("POST", "/visit", json={"subject": "Race"}, headers={"Idempotency-Key": "race"}))

    threads = [threading.Thread(target=create) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    assert [each.status_code for each in answers] == [201] * 4
    assert len({each.get_json()["id"] for each in answers}) == 1


# --- many at once


def test_operations_have_their_results_in_order_and_their_faults_at_their_place(api: Api) -> None:
    made = api.create("visit", subject="Check")
    gone = api.create("visit", subject="Gone")
    operations: list[dict[str, Any]] = [
        {"upsert": {"on": "external_id", "values": {"external_id": "U1", "subject": "One"}}},
        {"upsert": {"on": "external_id", "values": {"external_id": "U1", "subject": "Two"}}},
        {"create": {"subject": "x" * 200}},
        {"update": {"id": made["id"], "version": 7, "values": {"subject": "Late"}}},
        {"delete": {"id": gone["id"], "version": 9}},
        {"delete": {"id": gone["id"], "version": 1}},
        {"restore": gone["id"]},
        {"transition": {"id": made["id"], "name": "see"}},
        {"transition": {"id": made["id"], "name": "see", "values": {"fee": "1"}}},
    ]

    results = api.send("POST", "/visit/bulk", json={"operations": operations}).get_json()["data"]
    atomic = api.send("POST", "/visit/bulk", json={"atomic": True, "operations": operations[:3]})
    missing = api.send(
        "POST", "/visit/bulk", json={"atomic": True, "operations": [{"delete": made["id"]}, {"delete": UNKNOWN}]}
    )

    assert [each["status"] for each in results] == [201, 200, 422, 409, 409, 200, 200, 422, 200]
    assert results[0]["id"] == results[1]["id"]
    assert results[7]["errors"][0]["path"] == "fee"
    assert [each["path"] for each in problem(atomic, 422)["errors"]] == ["operations/2/subject"]
    assert [each["path"] for each in problem(missing, 404)["errors"]] == ["operations/1"]
    assert api.send("GET", f"/visit/{made['id']}").status_code == 200


def test_bulk_bodies_of_wrong_shapes_are_refused(shared: Api) -> None:
    for body in (
        {"operations": [], "atomic": "yes"}, {"operations": [], "all": True}, {},
        {"operations": [{"create": {}, "x": 1}]},
        {"operations": [{"delete": {"ids": [UNKNOWN] * 600}}, {"delete": {"ids": [UNKNOWN] * 600}}]},
    ):  # fmt: skip
        problem(shared.send("POST", "/visit/bulk", json=body), 400)


# --- buttons


def test_a_button_that_nothing_runs_yet_says_so(shared: Api) -> None:
    made = shared.create("visit", subject="Check")

    problem(shared.send("POST", f"/visit/{made['id']}/action/call_back"), 404)
    problem(shared.send("POST", f"/visit/{UNKNOWN}/action/call_back"), 404)


# --- numbers


def test_numbers_keep_every_digit_that_was_sent(api: Api) -> None:
    body = b'{"subject": "Check", "cost": 1234567890123456.78, "fee": 0.1}'

    made = api.send("POST", "/visit", data=body, content_type="application/json")

    assert (made.get_json()["cost"], made.get_json()["fee"]) == ("1234567890123456.78", "0.10")
