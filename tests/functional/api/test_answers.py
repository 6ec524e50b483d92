"""What a write answers is what a read answers right afterwards, whether or not the database was asked again."""

from __future__ import annotations

from typing import Any

import pytest

from engine import hookimpl
from tests.functional.api.conftest import Api

VALUES: dict[str, dict[str, Any]] = {
    "patient": {"name": "Bo", "mobile": "13800138000"},
    "visit": {"subject": "Check", "on_date": "2031-01-02", "items": [{"what": "Blood", "amount": "3.50"}]},
}


@pytest.mark.parametrize("who", ["doctor", "nurse"])
@pytest.mark.parametrize("entity", VALUES)
def test_a_write_answers_what_a_read_does(lone: Api, entity: str, who: str) -> None:
    made = lone.send("POST", f"/{entity}", who, json={**VALUES[entity], "external_id": f"{entity}1"})
    read = lone.send("GET", f"/{entity}/{made.get_json()['id']}", who)
    changed = lone.send("PATCH", f"/{entity}/{made.get_json()['id']}", who, json={"external_id": "x2"})
    again = lone.send("GET", f"/{entity}/{made.get_json()['id']}", who)

    assert (made.get_json(), made.headers["ETag"]) == (read.get_json(), read.headers["ETag"])
    assert (changed.get_json(), changed.headers["ETag"]) == (again.get_json(), again.headers["ETag"])
    assert again.get_json()["version"] == 2


class Nurse:
    """Writes into every new patient besides, as automation does."""

    def __init__(self, site: Any) -> None:
        self.site = site

    @hookimpl
    def changed(self, batch: Any) -> None:
        if batch.action == "create" and batch.entity == "patient":
            for id_ in batch.ids:
                self.site.records.update(batch.actor, "patient", [{"id": id_, "name": "Seen by the nurse"}])


def test_what_automation_changes_meanwhile_is_in_the_answer(lone: Api) -> None:
    lone.site.records.hooks.register(Nurse(lone.site), "nurse")

    made = lone.create("patient", name="Bo")

    assert (made["name"], made["version"]) == ("Seen by the nurse", 2)


@pytest.mark.parametrize("on", [None, "external_id"])
def test_a_taken_value_is_named_although_nobody_looked_for_it_before(api: Api, on: str | None) -> None:
    problem = api.send("POST", "/patient", json={"name": "Twin", "external_id": "P1"})
    other = api.send("POST", "/patient", json={"name": "Free", "external_id": "P2"})

    assert problem.status_code == 422
    [error] = problem.get_json()["errors"]
    assert (error["path"], error["code"]) == ("external_id", "unique")
    assert "Anna" in error["message"]
    assert other.status_code == 201
    if on:
        again = api.send("POST", f"/patient?on={on}", json={"name": "Anna 2", "external_id": "P1"})
        assert (again.status_code, again.get_json()["name"]) == (200, "Anna 2")
    assert api.send("GET", "/patient?count=capped").get_json()["count"] == "2"
