"""The audit log, the inbox of alarms and the security dashboard, in a browser without a script."""

import csv
import io
import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from engine import SYSTEM, Change, Event, Origin, Wanted, acting_from, clock
from engine.storage.database import run
from tests.functional.screens.world import Web, World, words

NIGHT = datetime(2026, 3, 4, 23, 0, tzinfo=ZoneInfo("Asia/Shanghai"))
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; rv:140.0) Gecko/20100101 Firefox/140.0"
PAGES = ("/admin/audit", "/admin/alerts", "/admin/security")


def events(page: str) -> list[str]:
    """Return the sentences of a page of the log."""
    return [words(found) for found in re.findall(r'(?s)<summary>\s*<span class="fw-medium">(.*?)</span>', page)]


@pytest.fixture
def ada(world: World) -> Web:
    """The browser of an administrator; what happened while the site was made is no matter here."""
    with world.site.database.write() as connection:
        for table in ("audit_event", "audit_seal"):
            run(connection, f"DELETE FROM {table}")
        run(connection, "UPDATE audit_chain SET place = 0, hash = '', low = 0")
    return world.browser("ada")


def test_what_people_did_is_told_in_sentences_of_either_language(world: World, ada: Web) -> None:
    world.create("deal", *({"name": f"Deal {number}", "owner": world.ids["ben"]} for number in range(3)))
    world.browser("ben").get("/deal/export.csv")
    ada_ = world.site.principal(world.ids["ada"])
    world.site.records.update(ada_, "user", [Change(world.ids["dan"], {"roles": ["seller"]})])

    assert events(ada.text("/admin/audit")) == [
        "Ada changed the rights of user “Dan”",
        "Ben exported 3 deals as CSV",
        "The system created 3 deals at once",
    ]
    assert "Roles — → Seller" in words(ada.text("/admin/audit"))
    chinese = world.browser("ada", "zh")
    chinese.client.set_cookie("guanxi_language", "zh")
    assert events(chinese.text("/admin/audit"))[1] == "Ben导出了 3 条交易（CSV）"


def test_filters_leave_what_they_say_and_a_wrong_one_is_told_at_its_field(world: World, ada: Web) -> None:
    trail, ben, cao = world.site.trail, world.ids["ben"], world.ids["cao"]
    [deal] = world.create("deal", {"name": "Big deal"})
    with clock.set_to(NIGHT), acting_from(Origin("web", "203.0.113.7", FIREFOX)):
        trail.tell(Event("sign_in", ben, "user", ben, details={"method": "password"}))
    with clock.set_to(NIGHT + timedelta(days=2)):
        trail.tell(Event("share", cao, "deal", deal))
        trail.tell(Event("export", cao, "client", number=7, details={"format": "csv"}))

    def found(query: str) -> list[str]:
        return events(ada.text(f"/admin/audit?{query}"))

    assert found("kind=sign_in") == found("person=ben@example.com") == found("address=203.0.113.7") == ["Ben signed in"]
    assert found(f"entity=deal&record={deal}") == ["曹琳 shared deal “Big deal”"]
    assert found("since=2026-03-05&until=2026-03-06")[0] == "曹琳 exported 7 clients as CSV"
    assert found("until=2026-03-03") == []
    refused = ada.get("/admin/audit?since=soon&person=nobody&record=7")
    assert refused.status_code == 422
    assert "This is no day" in refused.text
    assert "There is no user nobody" in refused.text
    assert 'value="soon"' in refused.text


def test_a_long_log_comes_in_pages_without_gaps_or_repeats(world: World, ada: Web) -> None:
    for number in range(120):
        world.site.trail.tell(Event("export", world.ids["ben"], "deal", number=number, details={"format": "csv"}))

    seen: list[str] = []
    address = "/admin/audit?kind=export"
    while address:
        page = ada.text(address)
        seen += events(page)
        found = re.search(r'<a href="([^"]+)">Earlier</a>', page)
        address = found[1].replace("&amp;", "&") if found else ""

    assert len(seen) == 120
    assert len(set(seen)) == 120


def test_the_log_is_taken_away_as_a_table_which_is_an_event_too(world: World, ada: Web) -> None:
    world.site.trail.tell(Event("import", world.ids["ben"], "deal", number=2, details={"file": "=cmd()"}))

    response = ada.get("/admin/audit/export.csv?kind=import")

    [head, row] = list(csv.reader(io.StringIO(response.text.removeprefix("\ufeff"))))
    assert dict(zip(head, row, strict=True))["sentence"] == "Ben imported 2 deals from =cmd()"
    assert events(ada.text("/admin/audit"))[0] == "Ada exported 1 event as CSV"


def test_only_who_holds_the_permission_sees_any_of_it(world: World, ada: Web) -> None:
    world.site.records.update(SYSTEM, "user", [Change(world.ids["dan"], {"roles": ["auditor"]})])
    for page in (*PAGES, "/admin/audit/export.csv"):
        for who in ("ben", "cao"):
            assert world.browser(who).get(page).status_code == 403
        assert world.browser("dan").get(page).status_code == 200
        assert world.browser().get(page).status_code in {303, 401}
    assert world.browser("ben").submit("/admin/security/check").status_code == 403
    assert "/admin/alerts" not in world.browser("ben").text("/deal")
    assert "/admin/alerts" in world.browser("dan").text("/deal")


def test_an_alarm_is_found_in_the_inbox_counted_in_the_bar_and_closed_with_a_note(world: World, ada: Web) -> None:
    with clock.set_to(NIGHT), acting_from(Origin("web", "203.0.113.7", FIREFOX)):
        world.site.trail.tell(Event("export", world.ids["ben"], "deal", number=9, details={"format": "csv"}))
        [raised] = world.site.alarms.evaluate()

    page = ada.text("/admin/alerts")
    assert "Sensitive operation outside working hours" in page
    assert re.search(r'class="bell-count"[^>]*><span class="badge[^>]*>1</span>', ada.text("/deal"))
    one = words(ada.text(f"/admin/alerts/{raised.id}"))
    assert "Ben exported 9 deals as CSV" in one
    assert "203.0.113.7" in one

    closed = ada.submit(f"/admin/alerts/{raised.id}", {"state": "closed", "note": "<b>He was asked to.</b>"})

    assert "Nothing rings" in ada.follow(closed)
    assert "&lt;b&gt;He was asked to.&lt;/b&gt;" in ada.text("/admin/alerts?state=closed")
    assert not re.search(r'class="bell-count"[^>]*><span class="badge', ada.text("/deal"))
    assert ada.get("/admin/alerts/0197a2b0-0000-7000-8000-000000000000").status_code == 404


def test_the_dashboard_counts_and_the_chain_is_checked_by_a_button(world: World, ada: Web) -> None:
    trail, ben = world.site.trail, world.ids["ben"]
    with acting_from(Origin("web", "203.0.113.7", FIREFOX)):
        for _ in range(3):
            trail.tell(Event("sign_in", ben, "user", ben, details={"method": "password"}))
        trail.tell(Event("sign_in_failed", None, "user"))
        trail.tell(Event("export", ben, "deal", number=1234, details={"format": "csv"}))

    shown = words(ada.text("/admin/security?days=7"))

    assert "3 Sign-ins 1 Failed sign-ins 1,234 Exported records" in shown
    assert "203.0.113.0/24" in shown
    assert "Password" in shown
    assert "5 events were checked: nobody has changed them" in ada.follow(ada.submit("/admin/security/check"))
    with world.site.database.write() as connection:
        run(connection, "UPDATE audit_event SET number = 1 WHERE kind = 'export'")
    assert "The log was tampered with: Event 5 at place 5" in words(ada.follow(ada.submit("/admin/security/check")))


def test_a_record_and_a_person_lead_to_their_events(world: World, ada: Web) -> None:
    [deal] = world.create("deal", {"name": "Big deal", "owner": world.ids["ada"]})

    assert f"/admin/audit?entity=deal&amp;record={deal}" in ada.text(f"/deal/{deal}")
    assert f"/admin/audit?person={world.ids['ben']}" in ada.text(f"/user/{world.ids['ben']}")
    assert "/admin/audit" not in world.browser("ben").text(f"/user/{world.ids['ben']}")


def test_what_people_read_is_counted_without_a_write_in_the_request(world: World) -> None:
    ids = world.create("deal", *({"name": f"Deal {number}", "owner": world.ids["ben"]} for number in range(5)))
    ben = world.browser("ben")
    ben.text("/deal")
    world.site.meters.flush()
    with world.site.database.write() as connection:
        run(connection, "DELETE FROM reading_meter")

    with world.statements() as seen:
        ben.text("/deal?view=deal.all")
        ben.text(f"/deal/{ids[0]}")
        ben.get("/deal/export.csv")
    assert not [each for each in seen if "reading_meter" in each]

    world.site.meters.flush()
    with world.site.database.read() as connection:
        rows = run(
            connection,
            "SELECT kind, number FROM reading_meter WHERE entity = 'deal' AND actor_id = ?",
            (world.ids["ben"],),
        ).fetchall()
    counted = dict(rows)
    assert (counted["list"], counted["open"], counted["export"]) == (5, 1, 5)


def test_what_a_program_does_carries_the_token_that_it_showed(world: World, ada: Web) -> None:
    token_id, token = world.site.identity.add_token(world.ids["ben"], "A program")
    [deal] = world.create("deal", {"name": "Big", "owner": world.ids["ben"]})
    program = world.browser()
    body = {"operations": [{"update": {"id": deal, "name": "A"}}, {"create": {"name": "B"}}]}

    answer = program.client.post(
        "/api/v1/deal/bulk", json=body, headers={"Authorization": f"Bearer {token}", "Idempotency-Key": "one"}
    )

    assert answer.status_code == 200, answer.text
    with world.site.database.read() as connection:
        [event] = world.site.trail.entries(connection, Wanted(kinds=("bulk",), actor_id=world.ids["ben"]))
    assert (event.via, event.token, event.number) == ("api", token_id, 2)
    world.site.trail.tell(Event("export", world.ids["ben"], "deal"))
    with world.site.database.read() as connection:
        [after] = world.site.trail.entries(connection, Wanted(kinds=("export",)))
    assert after.token is None


def test_who_only_looks_as_somebody_else_closes_no_alarm_and_is_counted_as_themselves(world: World, ada: Web) -> None:
    world.site.records.update(SYSTEM, "user", [Change(world.ids["dan"], {"roles": ["auditor"]})])
    with clock.set_to(NIGHT), acting_from(Origin("web", "203.0.113.7", FIREFOX)):
        world.site.trail.tell(Event("export", world.ids["ben"], "deal", number=9))
        [raised] = world.site.alarms.evaluate()
    world.create("deal", {"name": "Big"})
    world.site.meters.flush()
    assert ada.submit(f"/admin/view-as/{world.ids['dan']}").status_code == 303

    refused = ada.submit(f"/admin/alerts/{raised.id}", {"state": "closed"})
    ada.text("/deal")
    world.site.meters.flush()

    assert refused.status_code == 403
    with world.site.database.read() as connection:
        assert world.site.alarms.inbox.one(connection, raised.id).state == "new"
        counted = run(
            connection, "SELECT actor_id FROM reading_meter WHERE kind = 'list' AND entity = 'deal'"
        ).fetchall()
    assert {row[0] for row in counted} == {world.ids["ada"]}
