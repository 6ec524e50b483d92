"""The page on which a record is shared: with whom, until when, taking it back, and who may not."""

import re
from datetime import timedelta

import pytest

from engine import SYSTEM, Change, clock
from tests.functional.screens.world import World, words


@pytest.fixture
def deal(office: World) -> str:
    """The address of a deal of Ben's."""
    [made] = office.create("deal", {"name": "Big", "owner": office.ids["ben"]})
    return f"/deal/{made}"


def table(page: str) -> list[str]:
    body = page.partition("<tbody>")[2].partition("</tbody>")[0]
    return [words(row) for row in body.split("<tr>")[1:]]


def test_a_record_is_shared_by_name_and_taken_back(office: World, deal: str) -> None:
    ben, eve = office.browser("ben"), office.browser("eve")
    assert f'href="{deal}/shares"' in ben.text(deal)
    assert eve.get(deal).status_code == 404

    page = ben.follow(ben.submit(f"{deal}/shares", {"with": "Eve", "kind-with": "user", "level": "read"}))

    assert "Shared with Eve" in words(page)
    assert table(page) == ["Eve User Read For good Ben Remove Eve"]
    assert eve.get(deal).status_code == 200
    [undo] = re.findall(r'action="(/deal/[^"]*/remove)"', page.partition('id="notices"')[2].partition("</form>")[0])
    page = ben.follow(ben.submit(undo))
    assert "No longer shared" in words(page)
    assert eve.get(deal).status_code == 404
    [again] = re.findall(rf'action="({deal}/shares/user/[^"]*level=read[^"]*)"', page.replace("&amp;", "&"))
    ben.submit(again)
    assert eve.get(deal).status_code == 200


def test_a_share_has_a_level_an_end_and_may_be_with_a_team(office: World, deal: str) -> None:
    [team] = office.create("team", {"name": "North", "members": [office.ids["eve"]]})
    ben = office.browser("ben")
    last = (clock.now() + timedelta(days=5)).date().isoformat()
    values = {"with": "North", "id-with": f"team/{team}", "title-with": "North", "level": "edit", "until": last}

    page = ben.follow(ben.submit(f"{deal}/shares", values))

    assert table(page) == [f"North Team Edit {last} Ben Remove North"]
    with office.site.reading(SYSTEM) as reader:
        [share] = reader.shares("deal", deal.rpartition("/")[2])
    assert share.until is not None
    assert share.until > clock.now() + timedelta(days=4)
    page = ben.follow(ben.submit(f"{deal}/shares", {"with": "north", "level": "read"}))
    assert table(page) == ["North Team Read For good Ben Remove North"]


def test_what_is_wrong_is_said_at_its_field(office: World, deal: str) -> None:
    office.site.identity.add("Eve", "eve2@example.com", ["seller"])
    ben = office.browser("ben")
    for values, told in [
        ({"with": ""}, "Say with whom"),
        ({"with": "Nobody Here"}, "There is nobody called Nobody Here"),
        ({"with": "Eve"}, "Several are called Eve"),
        ({"with": "cao@example.com", "until": "soon"}, "This is no date"),
        ({"with": "cao@example.com", "until": "2020-01-01"}, "This moment is over already"),
        ({"with": "cao@example.com", "level": "own"}, "Choose one of read, edit"),
        ({"with": "x", "title-with": "x", "id-with": "user/nonsense"}, "There is no"),
    ]:
        answer = ben.submit(f"{deal}/shares", {"level": "read", **values})
        assert answer.status_code == 422, values
        wrong = re.findall(r'(?s)<p class="field-wrong"[^>]*>(.*?)</p>', answer.text)
        assert any(told in words(each) for each in wrong), (told, wrong)
        assert f'value="{values["with"]}"' in answer.text or not values["with"]
    assert "It is shared with nobody." in words(ben.text(f"{deal}/shares"))


def test_a_share_that_changes_nothing_is_told(office: World, deal: str) -> None:
    ben = office.browser("ben")

    page = ben.follow(ben.submit(f"{deal}/shares", {"with": "cao@example.com", "level": "read"}))

    assert "The roles of 曹琳 do not let shared Deals through" in words(page)


def test_who_may_only_look_sees_the_shares_and_no_form(office: World, deal: str) -> None:
    record, ben = deal.rpartition("/")[2], office.site.principal(office.ids["ben"])
    office.site.records.share(ben, "deal", record, "user", office.ids["eve"])
    eve = office.browser("eve")

    page = eve.text(f"{deal}/shares")

    assert table(page) == ["Eve User Read For good Ben Remove Eve"]
    assert 'name="with"' not in page
    assert "Only who may change this deal may share it" in words(page)
    assert eve.submit(f"{deal}/shares", {"with": "Cao"}).status_code in {403, 422}
    done = eve.submit(f"{deal}/shares/user/{office.ids['eve']}/remove")
    assert done.headers["Location"].endswith("/deal")
    assert eve.get(f"{deal}/shares").status_code == 404
    office.site.records.update(SYSTEM, "user", [Change(office.ids["eve"], {"status": "disabled"})])
    assert "Eve" not in office.browser("ben").text("/lookup/people?q=ev")
    assert "North" not in office.browser("ben").text("/lookup/people?q=nor")


def test_child_rows_are_shared_with_what_they_are_part_of(office: World, deal: str) -> None:
    [client] = office.create("client", {"name": "C", "owner": office.ids["ben"], "papers": [{"what": "p"}]})
    with office.site.reading(SYSTEM) as reader:
        [paper] = [row["id"] for row in reader.record("client", client, ("papers",)).json()["papers"]]
    ben = office.browser("ben")

    assert "/shares" not in ben.text(f"/paper/{paper}")
    assert ben.get(f"/paper/{paper}/shares").status_code == 404
    assert f"/client/{client}/shares" in ben.text(f"/client/{client}")


def test_a_record_is_shared_over_rest(office: World, deal: str) -> None:
    token = office.site.identity.add_token(office.ids["ben"], "shares")[1]
    api, auth = office.app.test_client(), {"Authorization": f"Bearer {token}"}
    eve, address = office.ids["eve"], f"/api/v1{deal}/shares"
    body = {"kind": "user", "principal": eve, "level": "edit", "until": "2999-01-31T00:00:00+08:00"}

    made = api.post(address, json=body, headers=auth)

    assert made.status_code == 201
    assert made.get_json()["until"] == "2999-01-30T16:00:00.000Z"
    [known] = api.get(address, headers=auth).get_json()["data"]
    assert (known["principal"], known["level"], known["cause"], known["made_by"]) == (
        (eve, "edit", "manual", office.ids["ben"])
    )
    for wrong, status in [
        ({"kind": "robot", "principal": eve}, 422),
        ({"kind": "user", "principal": "x"}, 404),
        ({"kind": "user", "principal": eve, "until": "soon"}, 400),
        ({"kind": "user", "principal": eve, "until": "2999-01-31T00:00:00"}, 400),
        ({"kind": ["user"], "principal": eve}, 400),
        ({"kind": "user", "principal": eve, "owner": True}, 400),
    ]:
        assert api.post(address, json=wrong, headers=auth).status_code == status, wrong
    assert api.delete(f"{address}/{eve}", headers=auth).status_code == 204
    assert api.delete(f"{address}/{eve}", headers=auth).status_code == 404
    assert api.get(address, headers=auth).get_json() == {"data": []}
