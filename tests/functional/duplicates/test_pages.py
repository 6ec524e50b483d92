"""The screens of duplicates, without a script: told while typing and when saved, worked through, merged, taken back."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine import SYSTEM, Site
from tests.functional.screens.world import World, build, words
from ui.app import create_app

DOCUMENTS = """
entity: client
label: {en: Client, zh: 委托人}
plural: {en: Clients, zh: 委托人}
title: name
features: [owned, history, search]
fields:
  name: {type: text, label: {en: Name, zh: 名称}, required: true, search: high}
  phone: {type: phone, label: {en: Phone, zh: 电话}}
  tags: {type: tags, label: {en: Tags, zh: 标签}}
---
entity: deal
label: {en: Deal, zh: 交易}
plural: {en: Deals, zh: 交易}
title: name
features: [owned]
fields:
  name: {type: text, required: true}
  client: {type: lookup, to: client, on_delete: clear}
---
duplicate: client.same
entity: client
rules: {name: {fields: [name], method: company}, phone: {fields: [phone], method: phone}}
---
role: seller
label: {en: Seller, zh: 销售}
grants:
  client: {read: [own], create: all, update: [own], delete: [own]}
  deal: {read: [own], create: all, update: [own]}
---
role: chief
label: {en: Chief, zh: 主管}
grants:
  client: {read: all, create: all, update: all}
  deal: {read: all, create: all, update: all}
"""
PEOPLE = {
    "sam": ("Sam", "sam@x.example", "seller"),
    "tom": ("Tom", "tom@x.example", "seller"),
    "ada": ("Ada", "ada@x.example", "chief"),
}


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder: Path = tmp_path_factory.mktemp("pages") / "site"
    ids = build(folder, DOCUMENTS, people=PEOPLE)
    site = Site.open(folder)
    yield World(site, create_app(site), ids)
    site.close()


def add(books: World, who: str, name: str, **values: object) -> str:
    [made] = books.site.records.create(SYSTEM, "client", [{"name": name, "owner": books.ids[who], **values}])
    return made.id


def test_a_form_says_what_is_there_and_saves_all_the_same(books: World) -> None:
    acme = add(books, "sam", "Acme Widgets Inc.")
    web = books.browser("sam")
    assert 'data-duplicates="/client/duplicates"' in web.text("/client/new")
    told = web.submit("/client/duplicates", {"name": "ACME widgets ltd", "was-name": ""})
    assert told.status_code == 200
    assert f'href="/client/{acme}"' in told.text
    assert "same name" in words(told.text)

    asked = web.submit("/client/new", {"name": "ACME widgets ltd", "was-name": ""})
    assert asked.status_code == 409
    assert "Not saved yet: this may be there already" in words(asked.text)
    assert 'value="ACME widgets ltd"' in asked.text
    saved = web.submit("/client/new", {"name": "ACME widgets ltd", "was-name": "", "anyway": "1"})
    assert saved.status_code == 303
    # Somebody else learns whose it is, and nothing else.
    hidden = books.browser("tom").submit("/client/duplicates", {"name": "Acme Widgets", "was-name": ""}).text
    assert "It belongs to Sam. Ask Sam to share it with you." in words(hidden)
    assert acme not in hidden
    assert "Inc." not in hidden


def test_duplicates_are_worked_through_merged_and_taken_back(books: World) -> None:
    one = add(books, "sam", "Larch Consulting", phone="13800138000")
    other = add(books, "sam", "Larch Consulting Co.", tags=["big"])
    stranger = add(books, "sam", "Birch Stores"), add(books, "sam", "Birch Stores Ltd")
    [deal] = books.site.records.create(SYSTEM, "deal", [{"name": "D", "client": other, "owner": books.ids["sam"]}])
    web = books.browser("sam")
    assert f"/client/{one}/duplicates" in web.text(f"/client/{one}")
    assert f'value="{other}"' in web.text(f"/client/{one}/duplicates")

    assert web.submit("/client/duplicates/search", {}).status_code == 303
    assert "Searching" in words(web.text("/client/duplicates"))
    books.site.duplicates.prepare()
    books.site.jobs.run_due()
    page = web.text("/client/duplicates")
    assert {"Larch Consulting", "Birch Stores"} <= {each.strip() for each in re.findall(r">([^<>]+)</a>", page)}
    section = next(each for each in page.split("<section")[1:] if stranger[0] in each)
    pair = re.findall(r'name="pair" value="([^"]+)"', section)
    web.submit("/client/duplicates/different", {"pair": pair[0]})
    assert stranger[0] not in web.text("/client/duplicates")
    assert one not in books.browser("tom").text("/client/duplicates")

    page = web.text(f"/client/merge?id={one}&id={other}")
    assert page.count('class="btn btn-primary"') == 1
    assert "Deals" in words(page)
    versions = dict(re.findall(r'name="(version-[^"]+)" value="(\d+)"', page))
    form = {"id": [one, other], "survivor": one, "take-name": other, **versions}
    stale = web.submit("/client/merge", {**form, f"version-{one}": "99"})
    assert stale.status_code == 409
    done = web.submit("/client/merge", form)
    assert done.headers["Location"] == f"/client/{one}"
    after = web.follow(done)
    assert "2 Clients became one" in words(after)
    assert "Larch Consulting Co." in words(after)
    gone = web.get(f"/client/{other}")
    assert (gone.status_code, gone.headers["Location"]) == (302, f"/client/{one}")
    undo = re.search(r'action="(/client/undo/[^"]+)"', after)
    assert undo is not None
    web.submit(undo[1], {})
    assert web.get(f"/client/{other}").status_code == 200
    with books.site.reading(SYSTEM) as reader:
        assert reader.record("deal", deal.id, ("client",)).values()["client"] == other


def test_what_cannot_be_merged_says_why(books: World) -> None:
    ids = [add(books, "sam", f"Alone {n} Works") for n in range(6)]
    web = books.browser("sam")
    assert web.get("/client/merge").status_code == 422
    assert web.get("/client/merge?" + "&".join(f"id={each}" for each in ids)).status_code == 422
    assert web.get(f"/client/merge?id={ids[0]}&id=not-an-id").status_code == 422
    assert web.submit("/client/merge", {"id": ids[:1], "survivor": ids[0]}).status_code == 422
    wrong = web.submit("/client/merge", {"id": ids[:2], "survivor": ids[0], "take-name": "nobody"})
    assert wrong.status_code == 422
    assert "Choose one of the records that are merged" in words(wrong.text)
    assert books.browser("tom").get(f"/client/merge?id={ids[0]}&id={ids[1]}").status_code == 404
    # A chief changes all clients and deletes none.
    assert books.browser("ada").get(f"/client/merge?id={ids[0]}&id={ids[1]}").status_code == 403
    assert web.get("/deal/duplicates").status_code == 404


def test_programs_are_asked_too_and_merge(books: World) -> None:
    client = books.browser("sam").client
    here = {"Origin": "http://localhost"}

    def send(address: str, body: object) -> tuple[int, Any]:
        answer = client.post(f"/api/v1{address}", json=body, headers=here)
        return answer.status_code, answer.get_json()

    first = send("/client", {"name": "Rowan Learning", "phone": "13800001234"})[1]["id"]
    status, problem = send("/client", {"name": "Other", "phone": "138 0000 1234"})
    assert (status, problem["type"], problem["blocked"]) == (409, "urn:guanxi:duplicates-found", False)
    [twin] = problem["duplicates"]
    assert (twin["id"], twin["title"], twin["reasons"]) == (first, "Rowan Learning", ["same Phone"])
    assert send("/client?force=perhaps", {"name": "Other"})[0] == 400
    rows = {"operations": [{"create": {"name": "Other", "phone": "13800001234"}}]}
    assert send("/client/bulk", rows)[1]["data"][0]["status"] == 409
    status, made = send("/client?force=true", {"name": "Other", "phone": "13800001234"})
    assert status == 201
    found = client.get(f"/api/v1/client/{first}/duplicates").get_json()["data"]
    assert [each["id"] for each in found] == [made["id"]]

    assert send(f"/client/{first}/merge", {"records": "x"})[0] == 400
    assert send(f"/client/{first}/merge", {"records": [first]})[0] == 422
    body = {"records": [made["id"]], "values": {"name": made["id"]}, "versions": {first: 1}}
    status, done = send(f"/client/{first}/merge", body)
    assert (status, done["id"], done["merged"]) == (200, first, [made["id"]])
    assert client.get(f"/api/v1/client/{first}").get_json()["name"] == "Other"
    gone = client.get(f"/api/v1/client/{made['id']}")
    assert (gone.status_code, gone.get_json()["merged_into"]) == (410, first)
    tom = books.browser("tom").client
    assert tom.get(f"/api/v1/client/{made['id']}").status_code == 404
