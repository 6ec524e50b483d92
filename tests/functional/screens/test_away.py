"""The section of one's account about being away, without a script, and what no form of it can do."""

from datetime import timedelta
from typing import Any

import pytest

from engine import SYSTEM, Change, clock
from tests.functional.screens.signing import ACCOUNT, signed_in
from tests.functional.screens.world import Web, World, words

AWAY = f"{ACCOUNT}/away"
FIELDS = ("name", "email", "roles", "status", "manager", "deputy", "absent_from", "absent_until", "kind")


@pytest.fixture
def days() -> tuple[str, str]:
    """Today, and the day in a week."""
    today = clock.now().date()
    return today.isoformat(), (today + timedelta(days=7)).isoformat()


def kept(office: World, who: str) -> dict[str, Any]:
    with office.site.reading(SYSTEM) as reader:
        return reader.record("user", office.ids[who], FIELDS).values()


def section(web: Web) -> str:
    page = web.text(ACCOUNT)
    return words(page.partition('id="away"')[2].partition('id="devices"')[0])


def test_somebody_goes_away_by_the_name_of_the_deputy_and_comes_back(office: World, days: tuple[str, str]) -> None:
    [deal] = office.create("deal", {"name": "Big", "owner": office.ids["ben"]})
    ben, eve = office.browser("ben"), office.browser("eve")
    assert eve.get(f"/deal/{deal}").status_code == 404

    page = ben.follow(ben.submit(AWAY, {"deputy": "eve", "absent_from": days[0], "absent_until": days[1]}))

    assert "Saved. Eve stands in for you." in words(page)
    assert "Eve stands in for you You are away" in section(ben)
    assert "You stand in for Ben Now" in section(eve)
    assert eve.get(f"/deal/{deal}").status_code == 200
    home = words(signed_in(office, "eve").text("/"))
    assert "You stand in for Ben until" in home
    assert "You stand in" not in words(signed_in(office, "ben").text("/"))
    ben.client.set_cookie("guanxi_language", "zh")
    assert "外出中" in section(ben)
    ben.client.set_cookie("guanxi_language", "en")
    page = ben.follow(ben.submit(f"{AWAY}/back"))
    assert "Nobody stands in for you any longer" in words(page)
    assert eve.get(f"/deal/{deal}").status_code == 404
    assert "stand in for Ben" not in section(eve)


def test_what_is_wrong_is_said_at_its_field_and_what_was_typed_stays(office: World, days: tuple[str, str]) -> None:
    gone = office.site.identity.add("Gone", "gone@example.com", status="disabled")
    robot = office.site.identity.add("Robot", "robot@example.com", kind="service")
    before, ben = kept(office, "ben"), office.browser("ben")
    left = {"deputy": "Gone", "id-deputy": f"user/{gone}", "title-deputy": "Gone"}
    chosen = {"deputy": "Robot", "id-deputy": f"user/{robot}", "title-deputy": "Robot"}
    for values, said in (
        ({}, ["Say who stands in for you", "Say from which day"]),
        ({"deputy": "Ben", "absent_from": days[0]}, ["You cannot stand in for yourself"]),
        ({"deputy": "Gone", "absent_from": days[0]}, ["There is nobody called Gone"]),
        ({"deputy": "Nobody", "absent_until": days[1]}, ["There is nobody called Nobody", "Say from which day"]),
        ({**left, "absent_from": days[0]}, ["This person may not sign in"]),
        ({**chosen, "absent_from": days[0]}, ["A program cannot stand in for a person"]),
        ({"deputy": "Eve", "absent_from": days[1], "absent_until": days[0]}, ["The last day comes before the first"]),
        ({"deputy": "Eve", "absent_from": "soon"}, ["This is no date"]),
        ({"deputy": "Eve", "absent_from": days[0], "absent_until": "later"}, ["This is no date"]),
    ):
        answer = ben.submit(AWAY, values)
        assert answer.status_code == 422
        for each in said:
            assert each in words(answer.text), values
        for typed in values.values():
            assert f'value="{typed}"' in answer.text
        assert answer.text.count('class="field-wrong"') == len(said)
    assert kept(office, "ben") == before
    ben.client.set_cookie("guanxi_language", "zh")
    assert "请填写代理人" in ben.submit(AWAY).text


def test_posting_more_than_the_three_fields_changes_nothing_else(office: World, days: tuple[str, str]) -> None:
    ben, others = office.browser("ben"), ("ada", "eve", "cao")
    before = {who: kept(office, who) for who in ("ben", *others)}
    eve, cao = office.ids["eve"], office.ids["cao"]
    values = {
        "deputy": "Eve", "absent_from": days[0], "roles": "admin", "status": "disabled", "manager": eve,
        "kind": "service", "id": cao, "user_id": cao, "user": cao, "actor": cao,
        "email": "new@example.com", "name": "Boss",
    }  # fmt: skip

    assert ben.submit(f"{AWAY}?id={cao}", values).status_code == 303

    after = kept(office, "ben")
    assert (after["deputy"], after["absent_from"].isoformat()) == (eve, days[0])
    assert {key for key in FIELDS if after[key] != before["ben"][key]} == {"deputy", "absent_from"}
    assert {who: kept(office, who) for who in others} == {who: before[who] for who in others}
    assert office.browser("eve").submit(f"{AWAY}/back", {"id": office.ids["ben"]}).status_code == 303
    assert kept(office, "ben") == after
    assert ben.submit(f"{AWAY}/{cao}", values).status_code == 404


def test_only_who_may_be_seen_is_found_and_nobody_who_cannot_stand_in(office: World, days: tuple[str, str]) -> None:
    office.site.identity.add("Eva the robot", "robot@example.com", kind="service")
    office.site.identity.add("Evan", "evan@example.com", status="disabled")
    [team] = office.create("team", {"name": "Everybody"})
    ben = office.browser("ben")

    assert words(ben.text(f"{AWAY}/people?q=ev")) == "Eve"
    assert "Ben" not in words(ben.text(f"{AWAY}/people"))
    for chosen in (f"team/{team}", "user/nonsense", "team/", f"user/{team}"):
        values = {"deputy": "Eve", "id-deputy": chosen, "title-deputy": "Eve", "absent_from": days[0]}
        answer = ben.submit(AWAY, values)
        assert answer.status_code == 422
        assert "There is nobody called Eve" in words(answer.text)


def test_neither_a_look_nor_a_token_nor_a_foreign_page_says_it(office: World, days: tuple[str, str]) -> None:
    before, values = kept(office, "ben"), {"deputy": "Eve", "absent_from": days[0]}
    ada = office.browser("ada")
    assert ada.submit(f"/admin/view-as/{office.ids['ben']}").status_code == 303
    robot = office.browser()
    robot.headers["Authorization"] = f"Bearer {office.site.identity.add_token(office.ids['ben'], 'robot')[1]}"
    for web in (ada, robot):
        assert web.submit(AWAY, values).status_code == 403
        assert web.submit(f"{AWAY}/back").status_code == 403
    stranger = office.browser()
    assert stranger.submit(AWAY, values).headers["Location"].startswith("/login")
    assert office.browser("ben").submit(AWAY, {**values, "_token": "wrong"}).status_code in {400, 403, 422}
    assert kept(office, "ben") == before


def test_who_said_nothing_sees_an_absence_that_an_administrator_wrote_down(
    office: World, days: tuple[str, str]
) -> None:
    change = Change(office.ids["ben"], {"absent_from": days[1]})
    office.site.records.update(SYSTEM, "user", [change])
    ben = office.browser("ben")

    assert "Nobody stands in for you Planned" in section(ben)
    assert "Cancel the absence" in section(ben)


def test_it_is_said_when_the_deputy_is_away_meanwhile(office: World) -> None:
    today = clock.now().date()
    first, last, later = ((today + timedelta(days=each)).isoformat() for each in (3, 5, 6))
    office.browser("eve").submit(AWAY, {"deputy": "曹琳", "absent_from": first, "absent_until": last})
    ben = office.browser("ben")

    for values, warned in (
        ({"absent_from": first, "absent_until": first}, True),
        ({"absent_from": last}, True),
        ({"absent_from": later}, False),
        ({"absent_from": today.isoformat(), "absent_until": (today + timedelta(days=2)).isoformat()}, False),
    ):
        page = words(ben.follow(ben.submit(AWAY, {"deputy": "Eve", **values})))
        assert "Saved. Eve stands in for you." in page
        assert ("Eve is away then too" in page) == warned
