"""Why? - on refusals, masked fields, empty lists and by itself; nobody learns of what they may not know of."""

import re
from datetime import timedelta

import pytest

from engine import clock, new_id
from tests.functional.screens.filling import form_at
from tests.functional.screens.world import Web, World, words


@pytest.fixture
def deals(office: World) -> dict[str, str]:
    """Addresses of Ben's deals, of which Eve knows none and Cao only those that are not lost."""
    clients = office.create("client", {"name": "Acme", "owner": office.ids["ben"], "card": "6222021234567890123"})
    made = office.create(
        "deal",
        {"name": "Open deal", "owner": office.ids["ben"], "client": clients[0]},
        {"name": "Other deal", "owner": office.ids["ben"]},
    )
    return {"open": f"/deal/{made[0]}", "other": f"/deal/{made[1]}", "client": f"/client/{clients[0]}"}


def lines(page: str) -> list[str]:
    """Return the sentences of an answer."""
    return [words(each) for each in re.findall(r"<li>(.*?)</li>", page.partition("answer-lines")[2])]


def headline(page: str) -> str:
    return words(page.partition("<h1")[2].partition(">")[2].partition("</h1>")[0])


def why(web: Web, address: str, **asked: str) -> str:
    return web.text(f"{address}/why?" + "&".join(f"{key}={value}" for key, value in asked.items()))


def test_the_answer_comes_first_then_the_rules(office: World, deals: dict[str, str]) -> None:
    page = why(office.browser("ben"), deals["open"], action="delete")

    assert headline(page) == "You may not delete this Deal"
    assert "No role grants to delete Deals" in lines(page)
    assert "One of these roles would do: Administrator" in lines(page)
    assert "Roles are given by Ada" in lines(page)
    page = why(office.browser("ben"), deals["open"], action="update")
    assert headline(page) == "You may change this Deal"
    assert "The role Seller grants to change one's own records: yes" in lines(page)
    assert "Who can help" not in page


def test_a_record_out_of_reach_and_one_that_is_not_there_give_the_same_words(
    office: World, deals: dict[str, str]
) -> None:
    eve = office.browser("eve")

    hidden = why(eve, deals["open"], action="read")
    nowhere = why(eve, f"/deal/{new_id()}", action="read")

    def without_ids(page: str) -> str:
        return re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}|_token\" value=\"\w+|X-Form-Token\": \"\w+", "", page)

    assert without_ids(hidden) == without_ids(nowhere)
    assert "Ben" not in words(hidden)
    assert headline(hidden) == "You may not read this Deal"
    assert any("rules do not let you know of it" in each for each in lines(hidden))
    assert without_ids(eve.get(deals["open"]).text) == without_ids(eve.get(f"/deal/{new_id()}").text)


def test_every_refusal_leads_to_its_reason(office: World, deals: dict[str, str]) -> None:
    eve, ben = office.browser("eve"), office.browser("ben")

    refused = eve.get(deals["open"])
    assert refused.status_code == 404
    assert f'href="{deals["open"]}/why?action=read"' in refused.text
    assert "Roles are given by Ada" in words(refused.text)
    denied = ben.submit(f"{deals['open']}/delete")
    assert denied.status_code == 403
    assert f'href="{deals["open"]}/why?action=delete"' in denied.text
    denied = ben.submit(f"{deals['client']}/reveal/card")
    assert f'href="{deals["client"]}/why?action=reveal&amp;field=card"' in denied.text
    assert headline(why(ben, deals["client"], action="reveal", field="card")) == (
        "You may not reveal Bank card of this Client"
    )


def test_what_may_i_do_here_lists_actions_and_fields_that_may_be_known(office: World, deals: dict[str, str]) -> None:
    ben = office.browser("ben")
    assert f'href="{deals["client"]}/why"' in ben.text(deals["client"])

    page = ben.text(f"{deals['client']}/why")
    told = words(page)
    assert "Phone masked; you may have it shown" in told
    assert "Bank card masked" in told
    assert "Credit" not in told
    assert "Mail seen and changed" in told
    assert "Credit hidden" in words(office.browser("ada").text(f"{deals['client']}/why?person=ben@example.com"))
    assert "Ask about somebody else" not in page
    steps = ben.text(f"{deals['open']}/why")
    assert re.search(r'aria-label="Not allowed"[^/]*/use></svg><span>Win<|Not allowed', steps)
    assert office.browser("ben").get("/deal/why?action=nothing").status_code == 404
    assert office.browser("ben").get(f"{deals['client']}/why?action=read&field=credit").status_code == 404
    assert office.browser("ben").get(f"{deals['client']}/why?action=read&field=nothing").status_code == 404


def test_a_transition_names_the_roles_that_make_it(office: World, deals: dict[str, str]) -> None:
    page = why(office.browser("ben"), deals["open"], action="transition:win")

    assert headline(page) == "You may not make the step “Win” of this Deal"
    assert "Win is for the roles Boss: no" in lines(page)
    assert headline(why(office.browser("ben"), deals["open"], action="transition:lose")).startswith("You may make")


def test_an_auditor_asks_about_anybody_and_others_only_about_themselves(office: World, deals: dict[str, str]) -> None:
    ira, eve = office.browser("ira"), office.browser("eve")

    page = why(office.browser("ada"), deals["open"], action="read", person="eve@example.com")
    assert headline(page) == "Eve may not read this Deal"
    assert "Ben, whose record it is, could share it" in lines(page)
    assert "Eve" not in headline(why(eve, deals["open"], action="read", person="ben@example.com"))
    assert ira.get("/deal/why?action=read&person=eve@example.com").status_code in {200, 404}


def test_a_share_is_told_with_who_gave_it_and_until_when(office: World, deals: dict[str, str]) -> None:
    ben = office.site.principal(office.ids["ben"])
    record = deals["open"].rpartition("/")[2]
    until = clock.now() + timedelta(days=3)
    office.site.records.share(ben, "deal", record, "user", office.ids["eve"], "read", until=until)

    told = lines(why(office.browser("eve"), deals["open"], action="read"))

    assert any(each.startswith("Ben shared it with Eve to read, until 20") for each in told)
    page = why(office.browser("eve"), deals["open"], action="update")
    assert headline(page) == "You may not change this Deal"


def test_an_empty_list_and_a_refused_value_lead_to_the_reason(office: World, deals: dict[str, str]) -> None:
    eve = office.browser("eve")
    page = eve.text("/deal")
    assert "There may be others" in words(page)
    assert 'href="/deal/why?action=read"' in page
    assert headline(eve.text("/deal/why?action=read")) == "You may read some Deals"
    assert "There may be others" not in words(office.browser("ada").text("/user?q=nobodyhere"))

    form = form_at(office.browser("ben"), f"{deals['open']}/edit").fill(owner="Eve")
    again = form.refused()
    assert any("Owner" in each for each in again.problems["owner"])
    assert f'href="{deals["open"]}/why?action=update&amp;field=owner"' in again.page
    told = why(office.browser("ben"), deals["open"], action="update", field="owner")
    assert headline(told) == "You may not change Owner of this Deal"
    assert "No role grants to hand over Deals" in lines(told)


def test_the_answer_speaks_chinese(office: World, deals: dict[str, str]) -> None:
    web = office.browser("ben", "zh")
    web.client.set_cookie("guanxi_language", "zh")

    page = why(web, deals["open"], action="delete")

    main = words(page.partition("<main")[2].partition(">")[2])
    assert headline(page) == "您不能删除这条交易"
    assert set(re.findall(r"[A-Za-z]{2,}", main)) == {"Open", "deal", "Ben", "Ada"}
