"""What is going away is told to programs that name it, in the documents that they read, and before it is gone."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine import DocumentsInvalid, Site, create_folder
from tests.functional.api.conftest import Api
from ui.app import create_app
from ui.mcp import tools
from ui.mcp.caller import Caller

DOCUMENTS = """
entity: visit
title: subject
features: [owned, history]
fields:
  subject: {type: text, required: true}
  fax: {type: text, deprecated: {since: 2026-01-01, until: 2027-03-01, use: phone}}
  phone: {type: phone}
  code: {type: text, deprecated: {since: 2025-06-01}}
  items: {type: table, of: visit_item}
---
entity: visit_item
parent: visit
title: what
fields:
  what: {type: text, required: true}
  shelf: {type: text, deprecated: {since: 2026-02-01, use: external_id}}
---
entity: trip
title: name
deprecated: {since: 2026-01-01, until: 2026-12-31, use: visit}
features: [owned]
fields:
  name: {type: text, required: true}
---
role: doctor
permissions: [developer]
grants:
  visit: {read: all, create: all, update: all, delete: all}
  trip: {read: all, create: all, update: all, delete: all}
---
role: clerk
grants:
  visit: {read: all, create: all, update: all, delete: all, fields: {fax: hidden, code: hidden}}
"""


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    folder = tmp_path_factory.mktemp("fading") / "site"
    create_folder(folder)
    (folder / "guanxi.yaml").write_text((folder / "guanxi.yaml").read_text().replace("packs: [crm]", "packs: []"))
    (folder / "schemas" / "visit.yaml").write_text(DOCUMENTS)
    site = Site.open(folder)
    site.publish()
    ids = {role: site.identity.add(role, f"{role}@example.com", [role]) for role in ("doctor", "clerk")}
    tokens = {role: site.identity.add_token(ids[role], role)[1] for role in ids}
    yield Api(create_app(site), site, tokens, ids)
    site.close()
    shutil.rmtree(folder)


def told(answer: Any) -> tuple[str | None, str | None, str]:
    headers = answer.headers
    return headers.get("Deprecation"), headers.get("Sunset"), headers.get("Link", "")


def test_who_names_what_is_deprecated_is_told_in_the_headers(api: Api) -> None:
    begun, gone = "@1767225600", "Mon, 01 Mar 2027 00:00:00 GMT"  # 2026-01-01, 2027-03-01
    made = api.send("POST", "/visit", json={"subject": "Check", "fax": "1"})
    one = f"/visit/{made.json['id']}"
    row = {"items": [{"what": "Thermometer", "shelf": "B"}]}
    many = {"operations": [{"create": {"subject": "Two", "fax": "2"}}]}
    naming = [
        made,
        api.send("GET", "/visit?fields=subject,fax"),
        api.send("GET", "/visit?filter=fax == '1'"),
        api.send("GET", "/visit?fax[eq]=1"),
        api.send("GET", "/visit?order=-fax"),
        api.send("GET", f"{one}?fields=fax"),
        api.send("POST", "/visit/query", json={"group_by": ["fax"], "aggregates": ["count()"]}),
        api.send("PATCH", one, json={"fax": "3"}),
        api.send("POST", "/visit/bulk", json=many),
    ]
    for answer in naming:
        assert answer.status_code < 300, answer.json
        assert told(answer)[:2] == (begun, gone)
        assert told(answer)[2] == '</api/docs#/visit>; rel="deprecation sunset"; type="text/html"; title="visit.fax"'

    child = api.send("PATCH", one, json=row)
    assert (told(child)[0], 'title="visit_item.shelf"' in told(child)[2]) == ("@1769904000", True)
    # Of several things the earliest days count, and each has a link of its own.
    both = told(api.send("GET", "/visit?fields=fax,code"))
    assert both[:2] == ("@1748736000", gone)
    assert both[2].count('title="visit.') == 2
    for answer in (api.send("GET", "/visit"), api.send("GET", one), api.send("PATCH", one, json={"phone": None})):
        assert answer.status_code == 200
        assert told(answer) == (None, None, "")


def test_an_object_that_is_deprecated_says_so_in_every_answer_about_it(api: Api) -> None:
    made = api.send("POST", "/trip", json={"name": "Paris"})
    one = f"/trip/{made.json['id']}"
    for answer in (made, api.send("GET", "/trip"), api.send("GET", one), api.send("DELETE", one),
                   api.send("POST", f"{one}/restore")):  # fmt: skip
        assert answer.status_code < 300
        assert told(answer)[:2] == ("@1767225600", "Thu, 31 Dec 2026 00:00:00 GMT")
        assert '</api/v1/visit>; rel="successor-version"' in told(answer)[2]


def test_what_is_hidden_is_not_told_as_deprecated(api: Api) -> None:
    for answer in (
        api.send("GET", "/visit?fields=fax", "clerk"),
        api.send("GET", "/visit?fax[eq]=1", "clerk"),
        api.send("POST", "/visit", "clerk", json={"subject": "x", "fax": "1"}),
        api.send("POST", "/visit/bulk", "clerk", json={"operations": [{"create": {"subject": "x", "fax": "1"}}]}),
        api.send("GET", "/trip", "clerk"),
    ):
        assert told(answer) == (None, None, "")
    described = api.send("GET", "/meta/visit", "clerk").json
    assert not [each["key"] for each in described["fields"] if "deprecated" in each]


def test_descriptions_and_the_page_for_developers_name_what_is_deprecated(api: Api) -> None:
    fields = {each["key"]: each for each in api.send("GET", "/meta/visit").json["fields"]}
    assert fields["fax"]["deprecated"] == {"since": "2026-01-01", "until": "2027-03-01", "use": "phone"}
    assert "deprecated" not in fields["phone"]
    assert api.send("GET", "/meta/trip").json["deprecated"]["use"] == "visit"
    agent = api.site.identity.add_token(api.ids["doctor"], "agent", ["*", "mcp"])[1]
    person, token = api.site.identity.agent_of_token(agent)
    caller = Caller(person, token.id, token.name, "Tester 1.0", "203.0.113.7")
    said = tools.call(api.site, caller, "describe_entity", {"entity": "visit"}).plain()
    described = {each["key"]: each for each in said["fields"]}
    assert described["fax"]["deprecated"]["use"] == "phone"
    document = api.send("GET", "/openapi.json").json
    schemas, paths = document["components"]["schemas"], document["paths"]
    for name in ("visit", "visit.create", "visit.update", "visit.values"):
        assert schemas[name]["properties"]["fax"]["deprecated"] is True
        assert "deprecated" not in schemas[name]["properties"]["phone"]
    assert "Use `phone` instead." in schemas["visit"]["properties"]["fax"]["description"]
    assert {each["name"] for each in paths["/visit"]["get"]["parameters"] if each.get("deprecated")} == {"fax", "code"}
    assert all(each.get("deprecated") for each in paths["/trip"].values())
    assert "deprecated" not in paths["/visit"]["get"]


def test_a_plan_warns_of_what_goes_without_having_been_announced(api: Api) -> None:
    path: Path = api.site.config.folder / "schemas" / "visit.yaml"
    text = path.read_text()
    try:
        lines = [line for line in text.splitlines() if not line.startswith(("  fax:", "  code:", "  phone:"))]
        path.write_text("\n".join(lines).replace(", fields: {fax: hidden, code: hidden}", "") + "\n")
        found = {each.message.in_("en") for each in api.site.plan().warnings if each.code == "unannounced"}
        assert found == {
            "visit.phone goes without having been deprecated: programs that use it are not warned",
            "visit.fax goes before 2027-03-01, until when programs were promised it",
        }
        path.write_text(
            text.replace("2027-03-01, use: phone", "2025-03-01, use: fone").replace("2025-06-01", "2025-6-1")
        )
        with pytest.raises(DocumentsInvalid) as wrong:
            api.site.plan()
        assert [(each.path, each.code) for each in wrong.value.problems] == [
            ("fields/fax/deprecated/until", "order"),
            ("fields/fax/deprecated/use", "unknown"),
            ("fields/code/deprecated/since", "pattern"),
        ]
    finally:
        path.write_text(text)
