"""The pages and commands with which people look after webhooks."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine import Site
from engine.outbound import Allowance
from tests.functional.commands.conftest import run_here
from tests.functional.screens.world import Web, World, build
from tests.functional.webhooks.conftest import Receiver
from ui.app import create_app

PEOPLE = {"ada": ("Ada", "ada@example.com", "admin"), "ben": ("Ben", "ben@example.com", "clerk"),
          "eve": ("Eve", "eve@example.com", "plumber")}  # fmt: skip
DOCUMENTS = """
entity: client
label: {en: Client, zh: 客户}
title: name
features: [owned, history]
fields:
  name: {type: text, required: true}
  email: {type: email}
  fee: {type: money, currency: CNY}
---
role: clerk
grants: {client: {read: own, create: all, update: own}}
---
role: plumber
permissions: [integrations]
grants: {client: {read: own, create: all, update: own, fields: {fee: hidden}}}
"""


@pytest.fixture(scope="module")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    folder = tmp_path_factory.mktemp("webhooks") / "site"
    return folder, build(folder, DOCUMENTS, people=PEOPLE)


@pytest.fixture
def office(pattern: tuple[Path, dict[str, str]], tmp_path: Path) -> Iterator[World]:
    """A site of this test's own."""
    folder, ids = pattern
    shutil.copytree(folder, tmp_path / "site")
    with Site.open(tmp_path / "site") as site:
        site.outbound.allowance = Allowance(["127.0.0.1"])
        yield World(site, create_app(site), ids)


def wish(receiver: Receiver, **changed: object) -> dict[str, object]:
    """Return what a form for an endpoint posts."""
    usual = {"name": "Warehouse", "url": receiver.url, "entity": "client", "fields": "", "condition": ""}
    return {**usual, "events": ["created", "updated"], **changed}


def made(web: Web, receiver: Receiver) -> tuple[str, str]:
    """Make an endpoint on the page; return its address and its secret."""
    answer = web.submit("/admin/webhooks/new", wish(receiver))
    text = answer.get_data(as_text=True)
    assert answer.status_code == 200, text
    [secret] = re.findall(r"whsec_[A-Za-z0-9+/=]{40,}", text)
    [address] = set(re.findall(r"/admin/webhooks/[0-9a-f-]{36}", text))
    return address, secret


def test_somebody_sets_up_a_webhook_looks_at_it_and_sends_again(office: World, receiver: Receiver) -> None:
    web = office.browser("ada")
    assert "Nobody is told of anything" in web.text("/admin/webhooks")
    address, secret = made(web, receiver)
    assert secret not in web.text(address) + web.text(f"{address}/edit") + web.text("/admin/webhooks")
    [client] = office.create("client", {"name": "Lin", "fee": "5"})
    receiver.answer = lambda _sent: (500, {}, b"no <room>")
    office.site.webhooks.dispatch()

    page = web.text(address)
    assert "The receiver answered 500" in page
    assert f"/client/{client}" in page
    [delivery] = set(re.findall(rf"{address}/deliveries/[0-9a-f-]{{36}}", page))
    assert "no &lt;room&gt;" in web.text(delivery)
    receiver.answer = lambda _sent: (200, {}, b"")
    receiver.take()
    answer = web.submit(f"{delivery}/replay")
    assert (answer.status_code, answer.headers["Location"]) == (303, delivery)
    office.site.webhooks.endpoints.pause(office.site.principal(office.ids["ada"]), address.rsplit("/", 1)[1])
    assert web.submit(f"{address}/resume").status_code == 303
    office.site.webhooks.dispatch()
    assert [sent.data["id"] for sent in receiver.take()] == [client]
    for state, shown in (("delivered", True), ("failed", False)):
        assert (f"/client/{client}" in web.text(f"{address}?state={state}")) is shown


def test_every_act_has_its_button(office: World, receiver: Receiver) -> None:
    web = office.browser("ada")
    address, secret = made(web, receiver)
    assert "took the trial" in web.follow(web.submit(f"{address}/test"))
    assert len(receiver.take()) == 1
    fresh = web.submit(f"{address}/rotate").get_data(as_text=True)
    assert re.findall(r"whsec_[A-Za-z0-9+/=]{40,}", fresh) != [secret]
    assert "is paused" in web.follow(web.submit(f"{address}/pause"))
    assert "paused already" in web.follow(web.submit(f"{address}/pause"))
    assert "sent again" in web.follow(web.submit(f"{address}/replay", {"since": "week", "which": "all"}))
    assert web.submit(f"{address}/drop").status_code == 303
    changed = web.submit(f"{address}/edit", wish(receiver, name="Renamed", events=["deleted"], fields="name, fee"))
    assert changed.status_code == 303
    assert "Renamed" in web.text(address)
    assert web.submit(f"{address}/remove").headers["Location"] == "/admin/webhooks"
    assert web.get(address).status_code == 404


def test_what_is_wrong_stands_at_its_field_and_nothing_typed_is_lost(office: World, receiver: Receiver) -> None:
    web = office.browser("ada")
    answer = web.submit(
        "/admin/webhooks/new",
        wish(
            receiver,
            url="https://10.0.0.1/x",
            fields="nothing",
            condition="name ==",
            events=[],
            owner="who@example.com",
        ),
    )

    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    for place in ("url", "fields", "condition", "events", "owner_id"):
        assert f'id="wrong-{place}"' in page, place
    assert 'value="https://10.0.0.1/x"' in page
    web.client.set_cookie("guanxi_language", "zh")
    assert "请修正下方标出的内容" in web.submit("/admin/webhooks/new", {}).get_data(as_text=True)


def test_only_those_who_may_are_let_in_and_see_no_answers(office: World, receiver: Receiver) -> None:
    clerk, plumber = office.browser("ben"), office.browser("eve")
    for address in ("/admin/webhooks", "/admin/webhooks/new", "/admin/webhooks/hooks/new"):
        assert clerk.get(address).status_code == 403
        assert plumber.get(address).status_code == 200
    assert clerk.submit("/admin/webhooks/new", wish(receiver)).status_code == 403
    refused = plumber.submit("/admin/webhooks/new", wish(receiver, owner="ada@example.com"))
    assert refused.status_code == 422
    hidden = plumber.submit("/admin/webhooks/new", wish(receiver, condition="fee > 1"))
    assert 'id="wrong-condition"' in hidden.get_data(as_text=True)
    address, _ = made(plumber, receiver)
    receiver.answer = lambda _sent: (200, {}, b"an answer with secrets in it")
    eve = office.site.principal(office.ids["eve"])
    office.site.records.create(eve, "client", [{"name": "Hers"}])
    office.create("client", {"name": "Not hers"})
    office.site.webhooks.dispatch()
    assert [sent.data["record"]["name"] for sent in receiver.take()] == ["Hers"]
    [delivery] = set(re.findall(rf"{address}/deliveries/[0-9a-f-]{{36}}", plumber.text(address)))
    assert "an answer with secrets" not in plumber.text(delivery)
    assert "an answer with secrets" in office.browser("ada").text(delivery)


def test_somebody_sets_up_a_hook_tries_it_and_reads_what_was_sent(office: World) -> None:
    web = office.browser("ada")
    form = {
        "name": "Shop", "entity": "client", "mode": "upsert", "match_by": "external_id", "scheme": "header",
        "most_bytes": "64", "map-field": ["external_id", "name", "email", ""],
        "map-path": ["id", "who.name", "who.mail", ""],
        "map-transforms": ["", "trim", "lower", ""], "map-value": ["", "", "", ""], "when": "kind = order, offer",
    }  # fmt: skip
    again = web.submit("/admin/webhooks/hooks/new", {**form, "again": "1"})
    assert (again.status_code, 'value="who.name"' in again.get_data(as_text=True)) == (200, True)
    wrong = web.submit("/admin/webhooks/hooks/new", {**form, "map-path": ["id", "a..b", "", ""], "match_by": "fee"})
    page = wrong.get_data(as_text=True)
    assert wrong.status_code == 422
    for place in ("mapping-1-path", "mapping-2-path", "match_by"):
        assert f'id="wrong-{place}"' in page, place

    answer = web.submit("/admin/webhooks/hooks/new", form)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 200, page
    [token] = re.findall(r"/hooks/([A-Za-z0-9_-]{40,})<", page)
    [secret] = re.findall(r"<code class=\"token-text\">([A-Za-z0-9_-]{40,})</code>", page)
    [address] = set(re.findall(r"/admin/webhooks/hooks/[0-9a-f-]{36}", page))
    assert token not in web.text(address)

    body = {"kind": "order", "id": 7, "who": {"name": " Lin ", "mail": "LIN@EXAMPLE.COM"}}
    tried = web.submit(f"{address}/try", {"body": json.dumps(body)}).get_data(as_text=True)
    assert "lin@example.com" in tried
    assert "who.mail" in tried
    sent = office.app.test_client().post(f"/hooks/{token}", json=body, headers={"X-Webhook-Secret": secret})
    assert sent.status_code == 200
    shown = web.text(address)
    assert f"/client/{sent.get_json()['records'][0]['id']}" in shown
    assert "LIN@EXAMPLE.COM" in shown
    assert web.submit(f"{address}/edit", {**form, "name": "Web shop"}).status_code == 303
    assert "Web shop" in web.text("/admin/webhooks")
    assert web.follow(web.submit(f"{address}/pause"))
    assert token not in web.submit(f"{address}/move").get_data(as_text=True)
    assert web.submit(f"{address}/remove").status_code == 303


def test_the_commands_do_the_same(office: World, receiver: Receiver, tmp_path: Path) -> None:
    address, _ = made(office.browser("ada"), receiver)
    id_, site = address.rsplit("/", 1)[1], ("--site", tmp_path / "site")
    config = tmp_path / "site" / "guanxi.yaml"
    config.write_text(config.read_text(encoding="utf-8") + "\noutbound: {allow: [127.0.0.1]}\n", encoding="utf-8")
    office.create("client", {"name": "Lin"})

    assert run_here("webhooks", "send", *site, "--json").json == {"matched": 1, "sent": 1}
    [listed] = run_here("webhooks", "list", *site, "--json").json
    assert (listed["id"], listed["state"], listed["waiting"]) == (id_, "active", 0)
    [delivery] = run_here("webhooks", "deliveries", id_, *site, "--json").json
    assert (delivery["event"], delivery["state"], delivery["status"]) == ("client.created", "delivered", 200)
    assert run_here("webhooks", "replay", id_, "--all", *site, "--json").json == {"count": 1}
    assert run_here("webhooks", "pause", id_, *site).code == 0
    assert run_here("webhooks", "resume", id_, *site).code == 0
    receiver.answer = lambda _sent: (500, {}, b"")
    tried = run_here("webhooks", "try", id_, *site)
    assert (tried.code != 0, "500" in tried.out) == (True, True)
    assert run_here("webhooks", "hooks", *site, "--json").json == []
