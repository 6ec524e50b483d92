"""What the public contract says of rows, rights, states and numbers, tried on a garage from the outside."""

from typing import Any

import pytest

from tests.functional.acceptance.conftest import Place, refused

LINE = {"what": "oil", "price": "100"}


def test_the_garage_passes_its_own_tests(garage: Place) -> None:
    done = garage.command("test")

    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines()[0] == "3 passed, 0 failed"
    assert garage.command("plan").code == 0
    assert garage.command("doctor").code == 0


def done(garage: Place, job: dict[str, Any]) -> dict[str, Any]:
    """Finish a job."""
    garage.update("job", job, "bob", stage="working")
    return garage.update("job", job, "bob", stage="done")


# --- filters ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["1", "plate", "spent", "today", "jobs + 1"])
def test_a_filter_that_is_no_condition_is_refused(garage: Place, text: str) -> None:
    garage.create("car", plate="A1")

    assert list(refused(garage.send("GET", "/car", query_string={"filter": text}), 400).values()) == ["type"]
    assert garage.send("POST", "/car/query", json={"where": text}).status_code == 400
    assert garage.command("export", "car", "--where", text).code == 1


def test_a_having_that_is_no_condition_is_refused(garage: Place) -> None:
    body = {"group_by": ["colour"], "aggregates": {"n": "count"}, "having": "n"}

    assert garage.send("POST", "/car/query", json=body).status_code == 400


def test_a_misspelt_parameter_is_refused_and_not_passed_over(garage: Place) -> None:
    garage.create("car", plate="A1")

    answer = garage.send("GET", "/car", query_string={"filtr": "plate == 'B1'"})

    assert (answer.status_code, answer.mimetype) == (400, "application/problem+json")
    assert "filtr" in answer.get_json()["detail"]
    assert garage.send("GET", "/car", query_string={"count": "exactly"}).status_code == 400


def test_a_bulk_call_says_which_operation_was_wrong(garage: Place) -> None:
    operations = [{"create": {"plate": "A1"}}, {"create": {"plate": "a2"}}, {"create": {"plate": "A1"}}]

    answer = garage.send("POST", "/car/bulk", json={"atomic": True, "operations": operations})

    assert refused(answer) == {"operations/1/plate": "invalid", "operations/2/plate": "unique"}
    answer = garage.send("POST", "/car/bulk", json={"operations": [*operations, {"frob": 1}]})
    assert refused(answer) == {"operations/3": "operation"}
    assert garage.list("car") == []


# --- numbers along links ----------------------------------------------------------------------------------------------


def test_a_rollup_may_have_the_name_of_what_it_counts_and_follows_along_two_links(garage: Place) -> None:
    maker = garage.create("maker", name="Geely")
    car = garage.create("car", plate="A1", maker=maker["id"])
    job = garage.create("job", "bob", car=car["id"], lines=[LINE, {**LINE, "pieces": "10.5"}])

    done(garage, job)

    assert (job["total"], job["lines"][1]["amount"], job["lines"][1]["plate"]) == ("1150.00", "1050.00", "A1")
    [car] = garage.list("car", fields="name,jobs,spent,dear,last_job,group")
    assert (car["name"], car["jobs"], car["spent"], car["dear"]) == ("Geely A1", 1, "1150.00", True)
    [maker] = garage.list("maker")
    assert (maker["cars"], maker["earned"]) == (1, "1150.00")


def test_a_deleted_line_a_deleted_job_and_a_restored_one_move_the_sums(garage: Place) -> None:
    maker = garage.create("maker", name="Geely")
    car = garage.create("car", plate="A1", maker=maker["id"])
    job = done(garage, garage.create("job", "bob", car=car["id"], lines=[LINE, LINE]))

    def earned() -> str:
        return str(garage.list("maker")[0]["earned"])

    assert earned() == "200.00"
    garage.update("job", job, lines=[{"id": job["lines"][0]["id"]}])
    assert earned() == "100.00"
    assert garage.send("DELETE", f"/job/{job['id']}").status_code == 204
    assert earned() == "0.00"
    assert garage.send("POST", f"/job/{job['id']}/restore").status_code == 200
    assert earned() == "100.00"


def test_a_default_is_worked_out_in_order_of_dependency_and_on_create_only(garage: Place) -> None:
    car = garage.create("car", plate="A1", bought="2024-02-29")
    assert car["guarantee"] == "2027-02-28"
    assert garage.update("car", car, bought="2020-01-01")["guarantee"] == "2027-02-28"

    job = garage.create("job", car=car["id"], on_day="2026-03-30")
    assert job["due"] == "2026-04-02"
    assert garage.create("job", car=car["id"], on_day="2026-03-31", due=None)["due"] is None
    assert garage.create("job", car=car["id"], on_day="2026-04-01", days=10)["due"] == "2026-04-11"


def test_numbers_of_a_series_have_no_gap_even_after_a_refusal(garage: Place) -> None:
    car = garage.create("car", plate="A1")
    first = garage.create("job", car=car["id"], on_day="2026-01-01")["number"]
    refused(garage.send("POST", "/job", json={"car": car["id"], "on_day": "2026-01-01"}))
    second = garage.create("job", car=car["id"], on_day="2026-01-02")["number"]

    assert int(second[-4:]) == int(first[-4:]) + 1


# --- states -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def job(garage: Place) -> dict[str, Any]:
    car = garage.create("car", "bob", plate="A1")
    return garage.create("job", "bob", car=car["id"], lines=[LINE])


def test_writing_the_state_is_the_transition_with_its_roles_and_conditions(garage: Place, job: dict[str, Any]) -> None:
    at = f"/job/{job['id']}"
    assert refused(garage.send("PATCH", at, json={"stage": "done"})) == {"stage": "transition"}
    assert refused(garage.send("PATCH", at, "dan", json={"stage": "working"})) == {"stage": "denied"}
    assert garage.send("PATCH", at, "bob", json={"stage": "working"}).status_code == 200
    assert list(refused(garage.send("PATCH", at, json={"stage": "dropped"}))) == ["reason"]
    assert garage.send("PATCH", at, json={"stage": "dropped", "reason": "sold"}).status_code == 200
    assert refused(garage.send("PATCH", at, json={"stage": "open"})) == {"stage": "transition"}


def test_a_transition_by_name_is_the_same(garage: Place, job: dict[str, Any]) -> None:
    at = f"/job/{job['id']}/transition"
    assert garage.send("POST", f"{at}/finish", "bob", json={}).status_code == 422
    assert garage.send("POST", f"{at}/start", "bob").status_code == 200
    assert garage.send("POST", f"{at}/nothing", "bob").status_code == 404
    assert garage.send("POST", f"{at}/finish", "bob").get_json()["stage"] == "done"


# --- grants -----------------------------------------------------------------------------------------------------------


def test_an_expression_grants_rows_and_an_absent_action_is_nobody(garage: Place) -> None:
    hers = garage.create("car", plate="A1")
    red = garage.create("car", plate="A2", colour="red")
    his = garage.create("car", "bob", plate="A3")

    def patch(car: dict[str, Any]) -> int:
        return int(garage.send("PATCH", f"/car/{car['id']}", "bob", json={"plate": car["plate"] + "X"}).status_code)

    assert [patch(each) for each in (hers, red, his)] == [403, 200, 200]
    assert garage.send("DELETE", f"/car/{his['id']}", "bob").status_code == 403
    assert garage.send("POST", "/maker", "bob", json={"name": "X"}).status_code == 403


def test_own_is_own_and_others_do_not_exist(garage: Place, job: dict[str, Any]) -> None:
    assert [each["id"] for each in garage.list("job", "bob")] == [job["id"]]
    assert garage.list("job", "cyn") == []
    assert garage.send("GET", f"/job/{job['id']}", "cyn").status_code == 404
    assert garage.send("PATCH", f"/job/{job['id']}", "cyn", json={"days": 5}).status_code == 404
    assert garage.send("GET", f"/job/{job['id']}/history", "cyn").status_code == 404


def test_a_restriction_holds_whatever_is_granted(garage: Place, job: dict[str, Any]) -> None:
    assert len(garage.list("job", "dan")) == 1
    garage.update("job", job, "bob", stage="dropped", reason="sold")
    assert garage.list("job", "dan") == []
    assert len(garage.list("job", "bob")) == 1


def test_child_rows_follow_their_parent_and_their_own_grant(garage: Place, job: dict[str, Any]) -> None:
    garage.update("job", job, "bob", lines=[LINE, {"what": "motor", "price": "5000"}])

    assert sorted(each["what"] for each in garage.list("job_line", "bob")) == ["motor", "oil"]
    assert [each["what"] for each in garage.list("job_line", "dan")] == ["oil"]
    assert garage.list("job_line", "cyn") == []
    seen = garage.send("GET", f"/job/{job['id']}", "dan").get_json()
    assert [each["what"] for each in seen["lines"]] == ["oil"]
    line = garage.list("job_line", "dan")[0]
    assert garage.send("PATCH", f"/job_line/{line['id']}", "dan", json={"price": "1"}).status_code in {403, 422}
    assert garage.send("PATCH", f"/job_line/{line['id']}", "cyn", json={"price": "1"}).status_code == 404


def test_masked_fields_are_unknown_read_only_or_hidden(garage: Place) -> None:
    car = garage.create("car", plate="A1", value="1000", colour="red", vin="SECRET1")

    seen = garage.send("GET", f"/car/{car['id']}", "bob").get_json()
    assert "value" not in seen
    assert seen["vin"] != "SECRET1"
    assert garage.send("GET", "/car?order=value", "bob").status_code == 400
    assert garage.send("GET", "/car?filter=value > 1", "bob").status_code == 400
    assert refused(garage.send("PATCH", f"/car/{car['id']}", "bob", json={"bought": "2020-01-01"})) == {
        "bought": "denied"
    }
    assert refused(garage.send("PATCH", f"/car/{car['id']}", "bob", json={"value": "1"})) == {"value": "unknown"}


# --- rules ------------------------------------------------------------------------------------------------------------


def test_each_rule_is_told_at_its_field(garage: Place) -> None:
    car = garage.create("car", plate="A1")

    def wrong(entity: str, **values: Any) -> dict[str, str]:
        return refused(garage.send("POST", f"/{entity}", json=values))

    assert wrong("car", plate="a1") == {"plate": "invalid"}
    assert wrong("car", plate="A") == {"plate": "invalid"}
    assert wrong("car", plate="A" * 11) == {"plate": "invalid"}
    assert wrong("car", plate="A1") == {"plate": "unique"}
    assert wrong("car") == {"plate": "required"}
    assert wrong("car", plate="A2", value="-0.01") == {"value": "invalid"}
    assert wrong("car", plate="A2", value="0.001") == {"value": "invalid"}
    assert wrong("car", plate="A2", colour="green", extras=["gps", "wings"]) == {
        "colour": "invalid",
        "extras": "invalid",
    }
    assert wrong("car", plate="A2", name="X", jobs=1, group=None) == dict.fromkeys(
        ("name", "jobs", "group"), "read_only"
    )
    assert wrong("job", car=car["id"], days=91) == {"days": "invalid"}
    assert wrong("job", car=car["id"], lines=[LINE, {"what": "x", "price": "0"}]) == {"lines/1/price": "no_free"}
    assert wrong("job", car=car["id"], lines=[LINE, {"price": "1"}]) == {"lines/1/what": "required"}
    assert wrong("job", car=car["id"], lines=[{"what": "x", "price": "100001"}]) == {"lines": "too_dear"}
    garage.create("job", car=car["id"], days=13)


def test_labels_of_options_are_for_files_and_keys_for_programs(garage: Place) -> None:
    garage.create("maker", name="吉利")
    path = garage.file("cars.csv", "车牌,制造商,Colour,选装\n京A1,吉利,红,导航; Hook\n京A2,,blue,gps\n京A3,,绿,\n")

    done = garage.command("import", "car", path, "--json")

    assert (done.code, done.json["created"], done.json["failed"]) == (3, 2, 1)
    assert "绿" in path.with_name("cars.csv.errors.csv").read_text(encoding="utf-8-sig").splitlines()[1]
    cars = garage.list("car", order="plate", fields="plate,colour,extras,maker.name")
    assert [(each["plate"], each["colour"], each["extras"], each["maker.name"]) for each in cars] == [
        ("京A1", "red", ["gps", "hook"], "吉利"),
        ("京A2", "blue", ["gps"], None),
    ]
    assert garage.command("undo", done.json["change_set"]).code == 0
    assert garage.list("car") == []
    assert len(garage.list("car", trashed="true")) == 2


# --- the recycle bin --------------------------------------------------------------------------------------------------


def test_what_links_here_restricts_cascades_or_lets_go(garage: Place) -> None:
    group = garage.create("maker", name="Group")
    maker = garage.create("maker", name="Maker", group=group["id"])
    car = garage.create("car", plate="A1", maker=maker["id"])
    garage.create("job", car=car["id"], lines=[LINE])

    assert garage.send("DELETE", f"/maker/{maker['id']}").status_code == 422
    assert garage.send("DELETE", f"/maker/{group['id']}").status_code == 204
    assert garage.list("maker", fields="name,group") == [{"id": maker["id"], "name": "Maker", "group": None}]
    assert garage.send("DELETE", f"/car/{car['id']}").status_code == 204
    assert garage.list("job") == garage.list("job_line") == []
    assert garage.send("POST", f"/car/{car['id']}/restore").status_code == 200
    assert len(garage.list("job")) == len(garage.list("job_line")) == 1


def test_a_unique_value_is_free_again_while_its_holder_is_in_the_bin(garage: Place) -> None:
    old = garage.create("car", plate="A1")
    garage.send("DELETE", f"/car/{old['id']}")
    garage.create("car", plate="A1")

    assert refused(garage.send("POST", f"/car/{old['id']}/restore")) == {"plate": "unique"}


def test_links_to_many_come_by_id_external_id_and_title(garage: Place) -> None:
    ann = garage.create("contact", name="Ann", external_id="C1")
    ben = garage.create("contact", name="Ben")
    car = garage.create("car", plate="A1", drivers=[ann["id"], {"title": "Ben"}])

    assert car["drivers"] == [ann["id"], ben["id"]]
    assert garage.update("car", car, drivers=[{"external_id": "C1"}])["drivers"] == [ann["id"]]
    found = garage.list("car", filter="any(drivers, name == 'Ann')", fields="plate")
    assert [each["plate"] for each in found] == ["A1"]
    assert garage.list("car", filter="count(drivers) > 1") == []


def test_who_may_not_see_where_a_link_leads_still_sees_the_rest(garage: Place) -> None:
    maker = garage.create("maker", name="Geely")
    garage.create("car", plate="A1", maker=maker["id"])
    narrow = garage.command(
        "token", "add", "ada@garage.example", "--scope", "car:read", "--scope", "car:export", "--json"
    )
    garage.tokens["narrow"] = narrow.json["token"]

    [car] = garage.list("car", "narrow")

    assert (car["plate"], "group" in car) == ("A1", False)
    assert "group" not in garage.send("GET", f"/car/{car['id']}", "narrow").get_json()
    assert "group" not in {each["key"] for each in garage.send("GET", "/meta/car", "narrow").get_json()["fields"]}
    assert garage.send("GET", "/maker", "narrow").status_code == 403
    assert garage.send("POST", "/car", "narrow", json={"plate": "A2"}).status_code == 403
