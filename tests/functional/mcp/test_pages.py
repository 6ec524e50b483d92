"""The pages: an inbox, a proposal that is read in full and approved in parts, and tokens for agents."""

import html
import re
from typing import Any

import pytest

from engine import SYSTEM
from tests.functional.mcp.conftest import Clinic
from tests.functional.screens.world import Web, words
from ui.asking import COOKIE


def browser(clinic: Clinic, who: str = "doctor") -> Web:
    web = Web(clinic.app.test_client())
    web.client.set_cookie(COOKIE, (clinic.site.config.folder / f"{who}.cookie").read_text("utf-8"))
    return web


def asked(clinic: Clinic, *changes: dict[str, Any], reason: str = "") -> str:
    told = clinic.call("update_records", entity="patient", changes=list(changes), reason=reason)
    return str(told["proposal"])


def ticked(page: str) -> list[str]:
    return re.findall(r'name="part" value="(\d+)" checked', page)


def form_of(page: str) -> dict[str, str]:
    return dict(re.findall(r'name="(version-\d+)" value="(\d*)"', page))


@pytest.fixture
def ids(clinic: Clinic) -> list[str]:
    return clinic.make("patient", {"name": "Anna", "mobile": "13800138000", "level": "b"}, {"name": "Bo", "level": "b"})


def test_the_inbox_shows_what_waits_and_what_was_decided(clinic: Clinic, ids: list[str]) -> None:
    web = browser(clinic)
    assert "Nothing waits for you" in words(web.text("/admin/proposals"))
    first = asked(clinic, {"id": ids[0], "values": {"level": "a"}}, reason="<b>Urgent</b>")
    second = asked(clinic, {"id": ids[1], "values": {"level": "c"}})
    clinic.site.proposals.reject(clinic.person("doctor"), second, "No")

    page = web.text("/admin/proposals")

    said = words(page)
    assert "&lt;b&gt;Urgent" in page
    assert "Patients (1)" in said
    assert "proposes token" in said
    assert "Tester 1.0" in said
    assert said.index("Decided lately") < said.index("Turned down")
    assert page.count(f"/admin/proposals/{first}") == 2
    assert "wait for you: 1" in words(web.text("/"))
    assert "Nothing waits for you" in words(browser(clinic, "visitor").text("/admin/proposals"))


def test_values_are_shown_as_people_read_them(clinic: Clinic, ids: list[str]) -> None:
    [visit] = clinic.make("visit", {"subject": "Check", "patient": ids[0]})
    told = clinic.call(
        "update_records",
        entity="visit",
        changes=[
            {
                "id": visit,
                "values": {
                    "patient": ids[1], "fee": "1200.5", "subject": "复查",
                    "items": [{"what": "X-ray", "amount": "5"}, {"what": "Rest", "amount": "6"}],
                },
            }
        ],
    )  # fmt: skip

    said = words(browser(clinic).text(f"/admin/proposals/{told['proposal']}"))

    assert "Change Visit: Check" in said
    assert "Patient Anna Bo" in said
    assert "Fee — ¥1,200.50" in said
    assert "Subject Check 复查" in said
    assert "what: X-ray; amount: 5" in said
    assert "what: Rest; amount: 6" in said


def test_what_is_ticked_is_written_and_can_be_taken_back(clinic: Clinic, ids: list[str]) -> None:
    web = browser(clinic)
    address = f"/admin/proposals/{asked(clinic, *({'id': each, 'values': {'level': 'a'}} for each in ids))}"
    page = web.text(address)
    assert ticked(page) == ["0", "1"]

    done = web.submit(address, {"part": "1", **form_of(page)})

    assert (done.status_code, done.headers["Location"]) == (303, address)
    assert [clinic.stored("patient", each)["level"] for each in ids] == ["b", "a"]
    page = web.text(address)
    assert ticked(page) == ["0"]
    assert "Written" in words(page)
    [undo] = set(re.findall(r'action="(/patient/undo/[^"]+)"', page))
    assert web.submit(undo).status_code == 303
    assert clinic.stored("patient", ids[1])["level"] == "b"


def test_what_was_changed_since_is_marked_and_not_ticked(clinic: Clinic, ids: list[str]) -> None:
    web = browser(clinic)
    address = f"/admin/proposals/{asked(clinic, *({'id': each, 'values': {'level': 'a'}} for each in ids))}"
    before = web.text(address)
    clinic.site.records.update(SYSTEM, "patient", [{"id": ids[0], "level": "c"}])

    late = web.submit(address, {"part": ["0", "1"], **form_of(before)})
    assert late.status_code == 409
    said = words(late.text)
    assert "1 of them could not be written" in said
    assert "changed by somebody else" in said
    assert [clinic.stored("patient", each)["level"] for each in ids] == ["c", "a"]

    page = web.text(address)
    assert ticked(page) == []
    assert "Changed since it was proposed: Level" in words(page)
    assert "was B when it was proposed" in words(page)
    assert web.submit(address, {"part": "0", **form_of(page)}).status_code == 303
    assert clinic.stored("patient", ids[0])["level"] == "a"


def test_nothing_ticked_is_a_wrong_form_and_nothing_is_lost(clinic: Clinic, ids: list[str]) -> None:
    web = browser(clinic)
    address = f"/admin/proposals/{asked(clinic, {'id': ids[0], 'values': {'level': 'a'}})}"

    refused = web.submit(address, {})

    assert refused.status_code == 422
    assert "Tick what is to be written" in words(refused.text)
    assert ticked(web.text(address)) == ["0"]


def test_a_record_that_is_gone_cannot_be_ticked(clinic: Clinic, ids: list[str]) -> None:
    address = f"/admin/proposals/{asked(clinic, {'id': ids[0], 'values': {'level': 'a'}})}"
    clinic.site.records.delete(SYSTEM, "patient", [ids[0]])

    page = browser(clinic).text(address)

    assert "not there any more" in words(page)
    assert 'name="part"' not in page


def test_a_rejection_is_kept_with_its_reason(clinic: Clinic, ids: list[str]) -> None:
    web = browser(clinic)
    address = f"/admin/proposals/{asked(clinic, {'id': ids[0], 'values': {'level': 'a'}})}"

    done = web.submit(f"{address}/reject", {"note": "Not <now>"})

    assert done.status_code == 303
    assert "Not &lt;now&gt;" in web.text(address)
    assert web.submit(f"{address}/reject", {}).status_code == 409
    assert web.submit(address, {"part": "0"}).status_code == 409


def test_somebody_without_the_right_finds_nothing(clinic: Clinic, ids: list[str]) -> None:
    address = f"/admin/proposals/{asked(clinic, {'id': ids[0], 'values': {'level': 'a'}})}"

    for who in ("nurse", "visitor"):
        web = browser(clinic, who)
        assert web.get(address).status_code == 404
        assert web.submit(address, {"part": "0"}).status_code == 404
        assert web.submit(f"{address}/reject").status_code == 404
    assert browser(clinic, "other").get(address).status_code == 200


def test_the_pages_speak_chinese(clinic: Clinic, ids: list[str]) -> None:
    web = browser(clinic)
    web.client.set_cookie("guanxi_language", "zh")
    address = f"/admin/proposals/{asked(clinic, {'id': ids[0], 'values': {'level': 'a'}}, reason='客户要求')}"

    said = words(web.text(address))
    assert "智能体的提议" in said
    assert "修改患者：Anna" in said
    assert "客户要求" in said
    assert "智能体" in words(web.text("/admin/proposals"))


def test_a_token_for_an_agent_is_made_with_its_switches(clinic: Clinic) -> None:
    web = browser(clinic)
    given = {"name": "My assistant", "days": "90", "reach": "all", "agent": "1", "switches": ["mcp:write"]}

    made = web.submit("/login/account/tokens", given)

    assert made.status_code == 200
    assert "/mcp" in words(made.text)
    [token] = re.findall(r"gx_[A-Za-z0-9_-]{43}", html.unescape(made.text))
    principal, known = clinic.site.identity.agent_of_token(token)
    assert (principal.scopes, known.name) == (frozenset({"*", "mcp", "mcp:write"}), "My assistant")
    assert "an agent of everything that the person may: Propose changes" in words(web.text("/login/account/tokens"))


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"reach": "read", "switches": ["mcp:write"]}, "Reading alone"),
        ({"reach": "all", "switches": ["mcp:delete"]}, "What deletes"),
        ({"reach": "all", "switches": ["mcp:write"], "agent": ""}, "Only an agent"),
    ],
)
def test_switches_that_make_no_sense_are_refused_at_their_place(
    clinic: Clinic, wrong: dict[str, Any], told: str
) -> None:
    web = browser(clinic)

    refused = web.submit("/login/account/tokens", {"name": "X", "days": "90", "agent": "1", **wrong})

    assert refused.status_code == 422
    assert told in refused.text[refused.text.index('name="agent"') :]
    assert ('name="agent" value="1" checked' in refused.text) is (wrong.get("agent") is None)
