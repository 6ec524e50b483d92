"""What surrounds every request of the API: forms of bodies and answers, refusals, origins, compression, limits."""

import gzip
import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from engine import Site, TooManyRequests
from engine.clock import set_to
from engine.identity.throttle import Throttle
from engine.storage.database import run
from tests.functional.api.conftest import Api
from tests.functional.api.test_rest import UNKNOWN, problem
from ui.api.wire import takes_gzip
from ui.app import create_app

# --- bodies


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"subject": "a", "subject": "b"}', "subject"), (b'{"subject": NaN}', "JSON"),
        (b'{"subject": 1e999}', "JSON"),
        (b'{"fee": ' + b"9" * 500 + b"}", "JSON"), (b'{"fee": 0.' + b"1" * 500 + b"}", "digits"),
        (b'{"subject": "\xff"}', "JSON"), (b"\xef\xbb\xbf{}", "JSON"), (b"", "JSON"), (b"[]", "object"),
        (b'{"items": ' + b'[{"items":' * 70 + b"1" + b"}]" * 70 + b"}", "levels"), (b'{"subject": "\\ud800"}', "JSON"),
    ],
)  # fmt: skip
def test_a_body_that_cannot_be_kept_as_it_was_sent_is_refused(shared: Api, body: bytes, words: str) -> None:
    for method, path in (("POST", "/visit"), ("POST", "/visit/query"), ("POST", "/visit/bulk"),
                         ("PATCH", f"/visit/{UNKNOWN}")):  # fmt: skip
        answer = shared.send(method, path, data=body, content_type="application/json")
        assert words in problem(answer, 400)["detail"], path


@pytest.mark.parametrize(
    "values",
    [
        {"subject": ["a"]}, {"subject": {"a": 1}}, {"subject": True, "fee": True}, {"fee": "NaN"},
        {"fee": 10**30}, {"fee": 1e300}, {"fee": 0.001}, {"on_date": 5}, {"stage": ["booked"]}, {"patient": 1},
        {"patient": {"title": "Nobody"}}, {"items": {"what": "x"}}, {"items": [1]}, {"items": [{"amount": "x"}]},
        {"subject": "a\u0000b"}, {"owner": "me"}, {"version": "1"}, {"doubled": "1"}, {"total": "1"},
        {"x" * 5_000: 1}, {"subject": "x" * 1_000_000},
    ],
)  # fmt: skip
def test_a_value_of_a_wrong_kind_is_told_at_its_path(shared: Api, values: dict[str, Any]) -> None:
    body = problem(shared.send("POST", "/visit", json={"subject": "Check", **values}), 422)

    assert all(each["path"] and each["code"] and each["message"] for each in body["errors"])
    assert body["errors"][0]["path"].split("/")[0] in values


def test_a_body_of_another_kind_is_415_and_too_large_a_one_413(shared: Api) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/csv"):
        answer = shared.send("POST", "/visit", data=b"{}", content_type=kind)
        assert problem(answer, 415)["detail"].startswith("Send application/json")
        assert answer.headers["Accept-Post"] == "application/json"
    merged = shared.send("POST", "/visit", data=b'{"subject": "a"}', content_type="application/merge-patch+json")
    assert merged.status_code == 201
    large = b'{"subject": "' + b"x" * 10_000_000 + b'"}'
    problem(shared.send("POST", "/visit", data=large, content_type="application/json"), 413)
    problem(shared.send("POST", "/files", json={}), 415)


def test_an_answer_that_the_caller_does_not_take_is_406(shared: Api) -> None:
    for accept, status in (
        ("text/html", 406), ("application/xml", 406), ("application/json;q=0.5", 200), ("text/html, */*;q=0.1", 200),
        ("application/*", 200), ("application/problem+json, application/json", 200), ("", 200),
    ):  # fmt: skip
        assert shared.send("GET", "/visit?limit=1", headers={"Accept": accept}).status_code == status, accept


# --- addresses and methods


def test_addresses_and_methods_that_are_none_are_told_so(shared: Api) -> None:
    made = shared.create("visit", subject="Check")
    refused = shared.send("PUT", f"/visit/{made['id']}")
    problem(refused, 405)
    assert {"GET", "PATCH", "DELETE"} <= set(refused.headers["Allow"].split(", "))
    for path in ("/visit/not-an-id", "/nothing", "/nothing/why", f"/visit/{UNKNOWN}/sing", f"/Visit/{made['id']}"):
        problem(shared.send("GET", path), 404)
    for path in ("/visit%00", "/visit?q=%ff", "/visit?q=%00", f"/visit/{made['id']}?fields=%c0%80"):
        assert problem(shared.send("GET", path), 400)["detail"].startswith("The address holds")
    problem(shared.send("GET", "/", environ_overrides={"PATH_INFO": "/api/v1/\xff"}), 400)


def test_head_and_options_tell_what_get_would(shared: Api) -> None:
    made = shared.create("visit", subject="Check")
    path = f"/visit/{made['id']}"

    read, head = shared.send("GET", path), shared.send("HEAD", path)
    options = shared.send("OPTIONS", path)

    assert (head.status_code, head.get_data(), head.headers["ETag"]) == (200, b"", read.headers["ETag"])
    assert head.headers["Content-Length"] == read.headers["Content-Length"]
    assert {"GET", "HEAD", "PATCH", "DELETE", "OPTIONS"} == set(options.headers["Allow"].split(", "))
    assert "Access-Control-Allow-Origin" not in options.headers


def test_a_request_keeps_a_sane_number_of_its_own(shared: Api) -> None:
    mine = shared.send("GET", "/visit/1", headers={"X-Request-Id": "order-4711.a_b"})
    for strange in ("short", "x" * 65, "line\tbreak-1", "id=<script>"):
        other = shared.send("GET", "/visit/1", headers={"X-Request-Id": strange})
        assert other.headers["X-Request-Id"] != strange
    assert mine.headers["X-Request-Id"] == "order-4711.a_b"
    assert mine.get_json()["instance"] == "urn:guanxi:request:order-4711.a_b"


# --- refusals


def test_a_refusal_says_where_to_ask_why(api: Api) -> None:
    made = api.create("visit", "other", subject="Private")
    refused = problem(api.send("GET", f"/visit/{made['id']}", "nurse"), 404)
    absent = problem(api.send("GET", f"/visit/{UNKNOWN}", "nurse"), 404)
    denied = problem(
        api.send("DELETE", f"/patient/{api.send('GET', '/patient').get_json()['data'][0]['id']}", "nurse"), 403
    )

    why = api.send("GET", denied["why"].removeprefix("/api/v1"), "nurse").get_json()
    unknown = api.send("GET", refused["why"].removeprefix("/api/v1"), "nurse").get_json()

    assert refused["why"].replace(made["id"], UNKNOWN) == absent["why"]
    assert not why["granted"]
    assert why["answer"] == "You may not delete this Patient"
    assert why["roles"] == ["admin", "doctor"]
    assert not unknown["granted"]
    assert "Private" not in json.dumps(unknown)
    assert unknown == api.send("GET", absent["why"].removeprefix("/api/v1"), "nurse").get_json()
    problem(api.send("GET", f"{absent['why'].removeprefix('/api/v1')}&person=Doctor", "nurse"), 403)
    granted = api.send(
        "GET", f"/visit/{made['id']}/why?action=update&field=fee", "doctor", headers={"Accept-Language": "zh"}
    )
    assert granted.get_json()["granted"]
    assert "可以" in granted.get_json()["answer"]


# --- files


def test_a_file_is_sniffed_and_sent_in_parts_to_who_may_read_it(api: Api) -> None:
    sent = {"file": (io.BytesIO(b"%PDF-1.4 0123456789"), "../../page.html")}
    made = api.send("POST", "/files", data=sent, content_type="multipart/form-data")
    path = f"/files/{made.get_json()['id']}"

    whole = api.send("GET", path, headers={"Accept": "application/pdf"})
    part = api.send("GET", path, headers={"Range": "bytes=9-12"})

    assert made.headers["Location"] == f"/api/v1{path}"
    assert (whole.mimetype, whole.headers["Content-Disposition"]) == (
        "application/pdf",
        "attachment; filename=page.html",
    )
    assert (part.status_code, part.get_data()) == (206, b"0123")
    assert api.send("GET", path, headers={"If-None-Match": whole.headers["ETag"]}).status_code == 304
    beyond = api.send("GET", path, headers={"Range": "bytes=900-"})
    problem(beyond, 416)
    assert beyond.headers["Content-Range"] == "bytes */19"
    problem(api.send("GET", path, "nurse"), 404)
    problem(api.send("POST", "/files", data={"other": "x"}, content_type="multipart/form-data"), 400)


# --- compression


def test_large_answers_are_packed_for_who_takes_it(lone: Api) -> None:
    for number in range(10):
        lone.create("visit", subject=f"{number} " + "long " * 20)
    plain = lone.send("GET", "/visit")

    packed = lone.send("GET", "/visit", headers={"Accept-Encoding": "br, gzip;q=0.8"})
    small = lone.send("GET", "/visit?limit=1&fields=id", headers={"Accept-Encoding": "gzip"})

    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.get_data()) == plain.get_data()
    assert int(packed.headers["Content-Length"]) == len(packed.get_data()) < len(plain.get_data()) / 3
    assert not {"Content-Encoding"} & {*plain.headers.keys(), *small.headers.keys()}
    assert "Accept-Encoding" in plain.headers["Vary"]


@pytest.mark.parametrize(
    ("accepted", "takes"),
    [
        ("gzip", True), ("br,gzip", True), ("*", True), ("gzip;q=0", False), ("gzip; q=0.0, br", False), ("br", False),
        ("gzip;q=1.0", True), ("gzipped", False), ("identity", False), ("deflate, GZIP ;q=0.3", True),
    ],
)  # fmt: skip
def test_accept_encoding_is_read_with_its_weights(accepted: str, takes: bool) -> None:
    assert takes_gzip(accepted) is takes


# --- pages of other origins


def with_settings(lone: Api, **settings: Any) -> Api:
    """Return the API of the same site with other settings."""
    config = lone.site.config.folder / "guanxi.yaml"
    config.write_text(config.read_text("utf-8") + json.dumps(settings)[1:-1] + "\n", "utf-8")
    site = Site.open(lone.site.config.folder)
    return Api(create_app(site), site, lone.tokens, lone.ids)


def test_pages_of_named_origins_may_use_a_token_and_no_other_page(lone: Api) -> None:
    shop = {"Origin": "https://shop.example.com"}
    asked = {
        **shop,
        "Access-Control-Request-Method": "PATCH",
        "Access-Control-Request-Headers": "authorization,if-match",
    }
    assert "Access-Control-Allow-Origin" not in lone.send("GET", "/visit", headers=shop).headers
    open_ = with_settings(lone, api={"cors": ["https://shop.example.com"]})
    with open_.site:
        read = open_.send("GET", "/visit", headers=shop)
        refused = open_.send("GET", "/nothing", headers=shop)
        client = open_.app.test_client()
        ahead = client.options(f"/api/v1/visit/{UNKNOWN}", headers=asked)
        other = client.options("/api/v1/visit", headers={**asked, "Origin": "https://shop.example.com.evil.example"})
        page = client.get("/login", headers=shop)

    for answer in (read, refused, ahead):
        assert answer.headers["Access-Control-Allow-Origin"] == "https://shop.example.com"
        assert "Access-Control-Allow-Credentials" not in answer.headers
        assert "Origin" in answer.headers["Vary"]
    assert (ahead.status_code, "PATCH" in ahead.headers["Access-Control-Allow-Methods"]) == (200, True)
    assert "If-Match" in ahead.headers["Access-Control-Allow-Headers"]
    assert "ETag" in read.headers["Access-Control-Expose-Headers"]
    assert "Access-Control-Allow-Origin" not in {*other.headers.keys(), *page.headers.keys()}


# --- how often


def test_who_asks_too_often_is_told_when_to_come_again(lone: Api) -> None:
    few = with_settings(lone, limits={"api_requests_per_minute": 3})
    with few.site, set_to(datetime(2031, 1, 1, tzinfo=UTC)):
        answers = [few.send("GET", "/visit?limit=1") for _ in range(4)]
        other = few.send("GET", "/visit?limit=1", "nurse")

    assert [each.status_code for each in answers] == [200, 200, 200, 429]
    assert answers[0].headers["RateLimit-Policy"] == '"person";q=3;w=60'
    assert [each.headers["RateLimit"] for each in answers] == [f'"person";r={left};t={full}' for left, full in
                                                              ((2, 20), (1, 40), (0, 60), (0, 20))]  # fmt: skip
    assert (problem(answers[3], 429)["type"], answers[3].headers["Retry-After"]) == (
        "urn:guanxi:too-many-requests",
        "20",
    )
    assert other.status_code == 200


def test_processes_count_together_and_seldom_write(api: Api) -> None:
    moment = datetime(2031, 1, 1, tzinfo=UTC)
    first, second = (Throttle(api.site.database, 1_000) for _ in range(2))
    taken = 0
    with set_to(moment):
        for _ in range(1_000):
            for each in (first, second):
                try:
                    each.take("ada")
                except TooManyRequests:
                    continue
                taken += 1
    # One part of the bucket, a fiftieth, may be out in each process when the others fill it up.
    assert 1_000 <= taken <= 1_000 + 2 * 20
    with set_to(moment + timedelta(seconds=6)):
        again = sum(_taken(first) for _ in range(200))
    assert 60 <= again <= 100 + 20
    quiet = Throttle(api.site.database, 60)
    for second_ in range(500):
        with set_to(moment + timedelta(seconds=second_)):
            assert quiet.take("ben") is not None
    with api.site.database.read() as connection:
        written = {row[0] for row in run(connection, "SELECT key FROM rate_bucket").fetchall()}
    # Each request of Ben's had filled up again before the next, so nobody had to know of it.
    assert "api:ada" in written
    assert "api:ben" not in written


def _taken(throttle: Throttle) -> bool:
    try:
        throttle.take("ada")
    except TooManyRequests:
        return False
    return True


@pytest.mark.parametrize(
    "body",
    [
        rb'{"name": "Bo", "name": "Di"}', rb'{"name": "a:b", "name": "Di"}', rb'{"name": "\u003a", "name": "Di"}',
        rb'{"name": "Di", "name": "\u003A"}', rb'{"n\u0061me": "Bo", "name": "Di"}',
    ],
)  # fmt: skip
def test_a_key_that_comes_twice_is_refused_however_it_is_written(lone: Api, body: bytes) -> None:
    answer = lone.send("POST", "/patient", data=body, content_type="application/json")

    assert answer.status_code == 400
    assert "name" in answer.get_json()["detail"]


def test_a_text_with_colons_and_escapes_is_kept_as_it_is(lone: Api) -> None:
    sent = rb'{"name": "\u5f20: \u003aa\\b", "external_id": "a:b:c"}'
    answer = lone.send("POST", "/patient", data=sent, content_type="application/json")

    assert (answer.status_code, answer.get_json()["name"]) == (201, "张: :a\\b")
