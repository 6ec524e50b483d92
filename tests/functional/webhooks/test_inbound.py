"""What other programs may tell the site: who they are, what becomes of it, and that it happens once."""

import base64
import hashlib
import hmac
import json
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from engine import AccessDenied, BodyMapping, HookWish, Incoming, MappedField, Query, RecordInvalid
from engine.identity.rates import Rate
from engine.storage.database import run
from engine.webhooks.inbound import receiving
from tests.functional.webhooks.conftest import World

ON_ONE = pytest.mark.parametrize("api", ["sqlite"], indirect=True)
"""For what no database decides."""
PATIENT = (MappedField("name", "customer.name", ("trim",)), MappedField("mobile", "customer.phone"))


def hook(world: World, **wish: Any) -> tuple[str, str, str]:
    """Make a hook; return its id, its token and its secret."""
    given = {"name": "Shop", "entity": "patient", "mapping": BodyMapping(PATIENT), **wish}
    return world.site.webhooks.hooks.create(world.boss, HookWish(**given))


def post(world: World, token: str, body: Any, headers: dict[str, str] | None = None, kind: str = "") -> Any:
    """Send a body to a hook as its sender would, and return the answer."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    client = world.api.app.test_client()
    return client.post(f"/hooks/{token}", data=data, headers=headers, content_type=kind or "application/json")


def patients(world: World) -> dict[str, dict[str, Any]]:
    with world.site.reading(world.boss) as reader:
        rows = reader.query(Query("patient", ("id", "name", "mobile", "external_id", "created_by"))).json()
    return {row["name"]: row for row in rows if row["name"] != "Anna"}


def calls(world: World, hook_id: str) -> list[tuple[Any, int]]:
    with world.site.database.read() as connection:
        return [(each.outcome, each.status) for each in world.site.webhooks.hooks.calls(connection, hook_id)][::-1]


def standard(secret: str, body: bytes, message: str = "msg_1", at: datetime | None = None) -> dict[str, str]:
    """Sign a body as the standard says, by nothing of ours."""
    stamp = str(int((at or datetime.now(UTC)).timestamp()))
    key = base64.b64decode(secret[len("whsec_") :])
    signature = base64.b64encode(hmac.new(key, f"{message}.{stamp}.".encode() + body, hashlib.sha256).digest())
    return {"webhook-id": message, "webhook-timestamp": stamp, "webhook-signature": f"v1,{signature.decode()}"}


def test_what_is_sent_becomes_a_record_of_the_hooks_person(world: World) -> None:
    nurse = world.api.ids["nurse"]
    id_, token, secret = hook(world, actor_id=nurse)
    assert secret == ""

    answer = post(world, token, {"customer": {"name": "  Ben ", "phone": "13812345678"}, "ignored": [1, 2]})

    assert answer.status_code == 200, answer.get_data(as_text=True)
    assert "Set-Cookie" not in answer.headers
    [record] = answer.get_json()["records"]
    assert (answer.get_json()["outcome"], record["action"], record["version"]) == ("done", "created", 1)
    made = patients(world)["Ben"]
    assert (made["id"], made["mobile"], made["created_by"]) == (record["id"], "+8613812345678", nurse)
    assert calls(world, id_) == [("done", 200)]
    with world.site.reading(world.boss) as reader:
        assert reader.history("patient", record["id"])[0].via == "hook"


@ON_ONE
def test_an_unknown_address_is_none_and_a_known_one_takes_posts_alone(world: World) -> None:
    _, token, _ = hook(world)
    assert post(world, "nothing", {}).status_code == 404
    assert post(world, token[:-1], {}).status_code == 404
    assert world.api.app.test_client().get(f"/hooks/{token}").status_code == 405


@ON_ONE
def test_fields_come_from_anywhere_in_the_body_and_are_changed_on_their_way(world: World) -> None:
    mapping = BodyMapping(
        (
            MappedField("subject", "title", ("upper",)),
            MappedField("fee", "cents", ("cents",)),
            MappedField("on_date", "$.made", ("moment", "date")),
            MappedField("stage", "status", ("open=booked", "gone=missed")),
            MappedField("external_id", "header:X-Order", value="none"),
            MappedField("cost", "nothing", value="3"),
        ),
        items="lines",
        when=(("kind", ("order", "offer")), ("paid", ("true",))),
    )
    id_, token, _ = hook(world, entity="visit", mapping=mapping)
    body = {
        "kind": "order", "paid": True, "made": 1_772_500_000,
        "lines": [{"title": "check", "cents": "1,250", "status": "open"}],
    }  # fmt: skip

    answer = post(world, token, body, {"X-Order": "A-1"})
    ignored = post(world, token, {**body, "paid": False})

    assert answer.status_code == 200, answer.get_data(as_text=True)
    with world.site.reading(world.boss) as reader:
        found = reader.record("visit", answer.get_json()["records"][0]["id"]).json()
    assert (found["subject"], found["fee"], found["on_date"], found["stage"]) == (
        "CHECK",
        "12.50",
        "2026-03-03",
        "booked",
    )
    assert (found["external_id"], found["cost"]) == ("A-1", "3.00")
    assert (ignored.status_code, ignored.get_json()["outcome"]) == (202, "ignored")
    assert calls(world, id_) == [("done", 200), ("ignored", 202)]


def test_a_record_that_is_there_is_changed(world: World) -> None:
    mapping = BodyMapping((MappedField("external_id", "id"), MappedField("name", "name")))
    _, token, _ = hook(world, mapping=mapping, mode="upsert", match_by="external_id")

    first = post(world, token, {"id": 7, "name": "Ben"}).get_json()["records"][0]
    second = post(world, token, {"id": 7, "name": "Benjamin"}).get_json()["records"][0]

    assert (first["action"], second["action"], first["id"]) == ("created", "updated", second["id"])
    assert set(patients(world)) == {"Benjamin"}


@ON_ONE
def test_forms_are_read_too_and_what_is_neither_is_refused(world: World) -> None:
    mapping = BodyMapping((MappedField("name", "who"),))
    id_, token, _ = hook(world, mapping=mapping)

    form = post(world, token, b"who=Ben+B.&more=1", kind="application/x-www-form-urlencoded")
    broken = post(world, token, b"{not json")
    deep = post(world, token, b"[" * 100 + b"]" * 100)

    assert (form.status_code, broken.status_code, deep.status_code) == (200, 400, 400)
    assert set(patients(world)) == {"Ben B."}
    assert [status for _, status in calls(world, id_)] == [200, 400, 400]


def test_what_is_wrong_is_told_at_its_place_and_nothing_is_written(world: World) -> None:
    mapping = BodyMapping((MappedField("subject", "title"), MappedField("fee", "price", ("number",))), items="lines")
    id_, token, _ = hook(world, entity="visit", mapping=mapping)

    bad = post(world, token, {"lines": [{"title": "a", "price": "5"}, {"title": "b", "price": "dear"}]})
    low = post(world, token, {"lines": [{"title": "a", "price": "5"}, {"price": "-1"}]}, {"Accept-Language": "zh"})

    assert (bad.status_code, low.status_code) == (422, 422)
    assert bad.get_json()["errors"] == [{"path": "1/fee", "message": "dear holds no number"}]
    assert {each["path"] for each in low.get_json()["errors"]} == {"1/subject", "1/fee"}
    assert "必填" in low.get_data(as_text=True)
    with world.site.reading(world.boss) as reader:
        assert len(reader.query(Query("visit", ("id",)))) == 0
    assert calls(world, id_) == [("invalid", 422)] * 2


def test_the_rights_of_the_person_hold(world: World) -> None:
    mapping = BodyMapping((MappedField("external_id", "id"), MappedField("name", "name")))
    world.create("patient", name="The doctor's", external_id="X")
    nurse = world.api.ids["nurse"]
    _, token, _ = hook(world, mapping=mapping, mode="upsert", match_by="external_id", actor_id=nurse)

    assert post(world, token, {"id": "X", "name": "Hers now"}).status_code in {403, 422}
    assert "The doctor's" in patients(world)

    world.site.identity.disable(nurse)
    late = post(world, token, {"id": "Y", "name": "Nobody's"})
    assert (late.status_code, late.headers["Retry-After"]) == (503, "300")


# --- proofs -----------------------------------------------------------------------------------------------------------


def test_a_standard_signature_is_asked_for_and_a_message_counts_once(world: World) -> None:
    id_, token, secret = hook(world, scheme="standard")
    body = json.dumps({"customer": {"name": "Ben"}}).encode()
    now = datetime.now(UTC)

    wrong = [
        post(world, token, body),
        post(world, token, body + b" ", standard(secret, body)),
        post(world, token, body, standard("whsec_" + base64.b64encode(b"x" * 32).decode(), body)),
        post(world, token, body, {**standard(secret, body), "webhook-id": "msg_2"}),
        post(world, token, body, standard(secret, body, at=now - timedelta(minutes=6))),
        post(world, token, body, standard(secret, body, at=now + timedelta(minutes=6))),
        post(world, token, body, {**standard(secret, body), "webhook-timestamp": "9" * 40}),
    ]
    assert [each.status_code for each in wrong] == [401] * 7
    assert patients(world) == {}

    first = post(world, token, body, standard(secret, body))
    again = post(world, token, body, standard(secret, body, at=now + timedelta(seconds=20)))
    other = post(world, token, body, standard(secret, body, "msg_3"))

    assert [each.get_json()["outcome"] for each in (first, again, other)] == ["done", "repeated", "done"]
    assert again.get_json()["records"][0]["id"] == first.get_json()["records"][0]["id"]
    assert calls(world, id_)[-2:] == [("done", 200), ("done", 200)]


def test_a_message_that_comes_many_times_at_once_counts_once(world: World) -> None:
    _, token, secret = hook(world, scheme="standard")
    body = json.dumps({"customer": {"name": "Ben"}}).encode()
    outcomes: list[str] = []

    def send() -> None:
        outcomes.append(post(world, token, body, standard(secret, body)).get_json()["outcome"])

    threads = [threading.Thread(target=send) for _ in range(5)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    assert sorted(outcomes) == ["done", "repeated", "repeated", "repeated", "repeated"]


@ON_ONE
def test_signatures_as_github_has_them_and_shared_secrets(world: World) -> None:
    _, github, secret = hook(world, scheme="hmac", id_header="X-GitHub-Delivery")
    body = json.dumps({"customer": {"name": "Ben"}}).encode()
    digest = hmac.new(secret.encode(), body, hashlib.sha256)
    in_hex, in_base64 = "sha256=" + digest.hexdigest(), base64.b64encode(digest.digest()).decode()

    answers = [
        post(world, github, body, {"X-Hub-Signature-256": in_hex, "X-GitHub-Delivery": "1"}),
        post(world, github, body, {"X-Hub-Signature-256": in_hex, "X-GitHub-Delivery": "1"}),
        post(world, github, body, {"X-Hub-Signature-256": in_base64, "X-GitHub-Delivery": "2"}),
        post(world, github, body + b" ", {"X-Hub-Signature-256": in_hex}),
        post(world, github, body),
    ]
    assert [each.status_code for each in answers] == [200, 200, 200, 401, 401]
    assert answers[1].get_json()["outcome"] == "repeated"

    own = "a secret of my own choosing"
    _, shared, made = hook(world, scheme="header", header="X-Shop-Key", secret=own)
    assert made == own
    statuses = [post(world, shared, body, {"X-Shop-Key": key}).status_code for key in (own, "wrong", "")]
    assert statuses == [200, 401, 401]


@ON_ONE
def test_a_new_address_or_secret_puts_an_end_to_the_old_one(world: World) -> None:
    id_, token, secret = hook(world, scheme="header")
    fresh, other = world.site.webhooks.hooks.move(world.boss, id_), world.site.webhooks.hooks.rotate(world.boss, id_)
    body = {"customer": {"name": "Ben"}}

    assert post(world, token, body, {"X-Webhook-Secret": other}).status_code == 404
    assert post(world, fresh, body, {"X-Webhook-Secret": secret}).status_code == 401
    assert post(world, fresh, body, {"X-Webhook-Secret": other}).status_code == 200


# --- limits and log ---------------------------------------------------------------------------------------------------


def test_too_much_and_too_often_is_refused(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiving, "_CALLS", Rate(8, 10))
    id_, token, _ = hook(world, most_bytes=200)
    assert post(world, token, {"customer": {"name": "x" * 300}}).status_code == 413
    assert post(world, token, b" " * 5_000_000).status_code == 413
    now = datetime.now(UTC)
    with time_machine.travel(now, tick=False):
        statuses = {post(world, token, {"customer": {"name": f"Ben {number}"}}).status_code for number in range(8)}
        last = post(world, token, {"customer": {"name": "One too many"}})
    assert statuses == {200, 429}
    assert (last.status_code, int(last.headers["Retry-After"]) > 0) == (429, True)
    world.site.webhooks.hooks.set_state(world.boss, id_, "paused")
    with time_machine.travel(now + timedelta(minutes=5), tick=False):
        assert post(world, token, {}).status_code == 503


def test_no_secret_is_kept_of_what_was_sent(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    mapping = BodyMapping((MappedField("name", "person.name"), MappedField("id_card", "person.number")))
    id_, token, secret = hook(world, mapping=mapping, scheme="header")
    body = {
        "person": {"name": "Ben", "number": "11010119900307731X"}, "password": "hunter2-hunter2",
        "auth": {"access_token": "tok-123456"}, "note": "kept",
    }  # fmt: skip
    answer = post(world, token, body, {"X-Webhook-Secret": secret})
    post(world, token, b"11010119900307731X {", {"X-Webhook-Secret": secret})
    assert answer.status_code == 200

    with world.site.database.read() as connection:
        rows = [
            repr(tuple(row))
            for table in ("inbound_hook", "inbound_call", "audit_event", "record_change")
            for row in run(connection, f"SELECT * FROM {table}").fetchall()
        ]
        [_, first] = world.site.webhooks.hooks.calls(connection, id_)
    everything = "\n".join([*rows, caplog.text])
    assert "/hooks/…" in caplog.text
    assert "kept" in (first.body or "")
    for planted in (secret, token, "11010119900307731X", "hunter2-hunter2", "tok-123456"):
        assert planted not in everything
    [record] = answer.get_json()["records"]
    world.site.records.delete(world.boss, "patient", [record["id"]])
    world.site.records.purge(world.boss, "patient", [record["id"]])
    with world.site.database.read() as connection:
        assert [each.body for each in world.site.webhooks.hooks.calls(connection, id_)] == [None, None]


def test_a_trial_writes_nothing(world: World) -> None:

    id_, _, _ = hook(world, scheme="standard")
    good = Incoming(json.dumps({"customer": {"name": " Ben "}}).encode(), {})
    bad = Incoming(json.dumps({"customer": {"phone": "1"}}).encode(), {})

    taken = world.site.webhooks.inbound.try_out(world.boss, id_, good)
    wrong = world.site.webhooks.inbound.try_out(world.boss, id_, bad)

    assert (taken.outcome, taken.records[0]["action"], taken.values) == ("done", "created", [{"name": "Ben"}])
    assert (wrong.outcome, wrong.status) == ("invalid", 422)
    assert {path for path, _ in wrong.problems} == {"name", "mobile"}
    assert (patients(world), calls(world, id_)) == ({}, [])


@ON_ONE
def test_a_wrong_wish_is_told_at_each_field(world: World) -> None:
    mapping = BodyMapping(
        (
            MappedField("nothing", "a"), MappedField("name"), MappedField("mobile", "a..b"),
            MappedField("mobile", "x", ("explode",)),
        ),
        items="a..b",
    )  # fmt: skip
    with pytest.raises(RecordInvalid) as error:
        hook(world, name="", mapping=mapping, mode="upsert", match_by="external_id", scheme="standard", secret="short",
             header="no header", most_bytes=0)  # fmt: skip
    assert {each.path for each in error.value.problems} == {
        "name", "most_bytes", "header", "secret", "mapping/0/field", "mapping/1/path", "mapping/2/path",
        "mapping/3/field", "mapping/3/transforms", "items", "match_by",
    }  # fmt: skip
    with pytest.raises(RecordInvalid) as error:
        hook(world, entity="nothing", scheme="magic", mode="guess")
    assert {each.path for each in error.value.problems} == {"entity", "scheme", "mode"}
    with pytest.raises(AccessDenied):
        world.site.webhooks.hooks.create(
            world.site.identity.principal(world.api.ids["nurse"]), HookWish("x", "patient", BodyMapping(PATIENT))
        )
