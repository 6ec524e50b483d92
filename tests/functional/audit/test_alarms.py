"""Alarms: what rings, when, for whom, and what does not."""

import re
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from engine import Change, Event, Origin, Raised, SignInRefused, Site, acting_from, clock
from engine.storage.database import run

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOON = datetime(2026, 3, 4, 12, 0, tzinfo=SHANGHAI)
"""A Wednesday, within working hours."""
NIGHT = NOON.replace(hour=23)
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; rv:140.0) Gecko/20100101 Firefox/140.0"
NEWER_FIREFOX = FIREFOX.replace("140", "141")
CHROME = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36"


def names(raised: Sequence[Raised]) -> list[str]:
    return [each.alert.removeprefix("core.") for each in raised]


def mails(site: Site) -> list[tuple[str, str]]:
    """Return (address, subject) of the mails about alarms."""
    return sorted((each.to, each.subject) for each in site.post.entries(50) if each.purpose == "alert")


def letters(site: Site, address: str) -> list[str]:
    """Return the words of the mails to an address."""
    with site.database.read() as connection:
        rows = run(connection, "SELECT recipient, body FROM mail_message").fetchall()
    return [body for recipient, body in rows if recipient == address]


def export(site: Site, person: str) -> None:
    site.export(site.principal(person), "deal", BytesIO())


def fail(site: Site, email: str, address: str, *, times: int = 1) -> None:
    for _ in range(times):
        with acting_from(Origin("web", address, FIREFOX)), suppress(SignInRefused):
            site.identity.sign_in(email, "wrong password", address=address, agent=FIREFOX)


def sign_in(site: Site, person: str, address: str, agent: str) -> None:
    with acting_from(Origin("web", address, agent)):
        site.trail.tell(Event("sign_in", person, "user", person, details={"method": "password"}))


def test_an_export_at_night_rings_once_while_it_goes_on_and_one_at_noon_does_not(
    site: Site, people: dict[str, str]
) -> None:
    with clock.set_to(NOON), acting_from(Origin("web", "203.0.113.7", FIREFOX)):
        export(site, people["ben"])
        assert site.alarms.evaluate() == []
    with clock.set_to(NIGHT), acting_from(Origin("web", "203.0.113.7", FIREFOX)):
        export(site, people["ben"])
        [raised] = site.alarms.evaluate()
        export(site, people["ben"])
        assert site.alarms.evaluate() == []
    with clock.set_to(NIGHT + timedelta(hours=2)), acting_from(Origin("web", "203.0.113.7", FIREFOX)):
        export(site, people["ben"])
        assert names(site.alarms.evaluate()) == ["off_hours"]

    assert (raised.alert, raised.person_id, raised.address) == ("core.off_hours", people["ben"], "203.0.113.7")
    with site.database.read() as connection:
        known = site.alarms.inbox.one(connection, raised.id)
        [event, other] = site.trail.by_numbers(connection, known.events)
    assert (known.state, known.times, event.kind, other.kind) == ("new", 2, "export", "export")
    told = {address for address, _ in mails(site)}
    assert told == {"ada@example.com", "aud@example.com"}


def test_what_the_product_does_by_itself_at_night_does_not_ring(site: Site, people: dict[str, str]) -> None:
    with clock.set_to(NIGHT):
        site.trail.tell(Event("export", None, "deal", number=9))

        assert site.alarms.evaluate() == []


def test_five_wrong_passwords_for_one_account_ring_and_four_do_not(site: Site, people: dict[str, str]) -> None:
    with clock.set_to(NOON):
        fail(site, "ben@example.com", "203.0.113.7", times=4)
        assert site.alarms.evaluate() == []
        fail(site, "ben@example.com", "203.0.113.7")

        [raised] = site.alarms.evaluate()

    assert (raised.alert, raised.person_id, raised.details["value"]) == ("core.failed_sign_ins", people["ben"], 5)
    assert len(raised.events) == 5
    [own], [other] = letters(site, "ben@example.com"), letters(site, "ada@example.com")
    assert "如果不是您本人操作" in own
    assert "If this was not you" not in other
    subjects = dict(mails(site))
    assert subjects["ben@example.com"] == "提醒：多次登录失败"
    assert subjects["ada@example.com"] == "Alert: Repeated failures to sign in"


def test_failures_that_lie_apart_do_not_ring(site: Site, people: dict[str, str]) -> None:
    for number in range(6):
        with clock.set_to(NOON + timedelta(minutes=10 * number)):
            fail(site, "ben@example.com", "203.0.113.7")
            assert site.alarms.evaluate() == []


def test_one_address_that_tries_many_accounts_rings_also_where_they_do_not_exist(
    site: Site, people: dict[str, str]
) -> None:
    with clock.set_to(NOON):
        for name in ("ada", "ben", "aud", "eve", "mallory"):
            fail(site, f"{name}@example.com", "198.51.100.9")
        [raised] = site.alarms.evaluate()

    assert (raised.alert, raised.subject, raised.person_id) == ("core.many_accounts", "198.51.100.9", None)
    assert raised.severity == "high"


def test_a_sign_in_from_a_new_network_or_browser_tells_the_person_and_a_newer_browser_does_not(
    site: Site, people: dict[str, str]
) -> None:
    ben = people["ben"]
    with clock.set_to(NOON):
        sign_in(site, ben, "203.0.113.7", FIREFOX)
        sign_in(site, ben, "203.0.113.200", NEWER_FIREFOX)
        assert site.alarms.evaluate() == []
    with clock.set_to(NOON + timedelta(days=1)):
        sign_in(site, ben, "198.51.100.9", FIREFOX)
        [network] = site.alarms.evaluate()
    with clock.set_to(NOON + timedelta(days=3)):
        sign_in(site, ben, "203.0.113.7", CHROME)
        [browser] = site.alarms.evaluate()
    with clock.set_to(NOON + timedelta(days=5)):
        sign_in(site, ben, "198.51.100.10", CHROME)
        assert site.alarms.evaluate() == []

    assert (network.alert, network.details["place"]) == ("core.new_place", "198.51.100.0/24")
    assert browser.details["agent"] == "Chrome, Windows"
    assert {address for address, _ in mails(site)} == {"ben@example.com"}


def test_reading_far_more_than_usual_rings_and_much_reading_as_always_does_not(
    site: Site, people: dict[str, str]
) -> None:
    ada, ben = people["ada"], people["ben"]
    for day in range(10, 0, -1):
        with clock.set_to(NOON - timedelta(days=day)):
            site.meters.count(ada, "list", "deal", 6_000)
            site.meters.count(ben, "list", "deal", 1_900)
            site.meters.flush()
    with clock.set_to(NOON):
        site.meters.count(ada, "list", "deal", 9_000)
        site.meters.count(ben, "list", "deal", 4_000)
        assert site.alarms.evaluate() == []
    with clock.set_to(NOON + timedelta(minutes=10)):
        site.meters.count(ben, "open", "deal", 3_000)
        [raised] = site.alarms.evaluate()
    with clock.set_to(NOON + timedelta(minutes=20)):
        assert site.alarms.evaluate() == []

    assert (raised.alert, raised.person_id) == ("core.unusual_reading", ben)
    assert (raised.details["value"], raised.details["usual"]) == (7_000, 1_900)


def test_who_has_no_past_is_compared_with_people_of_the_same_role(site: Site, people: dict[str, str]) -> None:
    others = [site.identity.add(f"Seller {number}", f"s{number}@example.com", ["seller"]) for number in range(3)]
    for day in range(10, 0, -1):
        with clock.set_to(NOON - timedelta(days=day)):
            for each in others:
                site.meters.count(each, "export", "deal", 1_000)
            site.meters.flush()
    with clock.set_to(NOON):
        site.alarms.evaluate()
        site.meters.count(people["ben"], "export", "deal", 2_900)
        site.meters.count(people["ada"], "export", "deal", 501)
    with clock.set_to(NOON + timedelta(minutes=10)):
        raised = site.alarms.evaluate()

    # Ada holds another role, whose people never exported: the floor alone decides.
    assert [(each.alert, each.person_id) for each in raised] == [("core.unusual_export", people["ada"])]


def test_a_new_administrator_rings_and_another_role_does_not(site: Site, people: dict[str, str]) -> None:
    ada = site.principal(people["ada"])
    with clock.set_to(NOON):
        site.records.update(ada, "user", [Change(people["ben"], {"roles": ["seller", "auditor"]})])
        assert site.alarms.evaluate() == []
        site.records.update(ada, "user", [Change(people["ben"], {"roles": ["seller", "admin"]})])
        [raised] = site.alarms.evaluate()

    assert (raised.alert, raised.person_id) == ("core.new_administrator", people["ben"])


def test_many_deleted_records_ring_and_many_changed_ones_do_not(site: Site, people: dict[str, str]) -> None:
    ada = site.principal(people["ada"])
    with clock.set_to(NOON):
        rows = site.records.create(ada, "deal", [{"name": f"Deal {number}"} for number in range(100)])
        ids = [each.id for each in rows]
        site.records.delete(ada, "deal", ids[:10])
        assert site.alarms.evaluate() == []
        site.records.restore(ada, "deal", ids[:10])
        site.records.delete(ada, "deal", ids)
        assert names(site.alarms.evaluate()) == ["mass_delete"]
        site.records.purge(ada, "deal", ids[:1])
        assert names(site.alarms.evaluate()) == ["purge"]


def test_a_number_of_records_rings_at_its_time_and_only_then(site: Site, people: dict[str, str]) -> None:
    ben = site.principal(people["ben"])
    morning = NOON.replace(hour=8)
    with clock.set_to(morning):
        site.alarms.evaluate()
        site.records.create(ben, "deal", [{"name": "Big", "amount": "900"}])
        [won] = site.records.create(ben, "deal", [{"name": "Won", "amount": "900", "stage": "won"}])
    with clock.set_to(morning + timedelta(minutes=90)):
        assert site.alarms.evaluate() == []
        site.records.update(ben, "deal", [Change(won.id, {"stage": "open"})])
    with clock.set_to(morning + timedelta(hours=23)):
        assert site.alarms.evaluate() == []
    with clock.set_to(morning + timedelta(hours=25, minutes=1)):
        [raised] = site.alarms.evaluate()

    assert (raised.alert, raised.entity, raised.details["value"]) == ("too_much_open", "deal", 1800)
    assert dict(mails(site)) == {
        "ben@example.com": "提醒：未结交易过多",
        "boss@example.com": "Alert: Too much is open",
    }


def test_a_site_changes_and_switches_off_alarms_that_are_shipped(site: Site, people: dict[str, str]) -> None:
    (site.config.folder / "schemas" / "alarms.yaml").write_text(
        "alert: core.off_hours\nactive: false\n---\n"
        "alert: core.failed_sign_ins\non: {audit: {count: {above: 1}}}\nto: [aud@example.com]\n",
        "utf-8",
    )
    site.publish()
    with clock.set_to(NIGHT):
        export(site, people["ben"])
        fail(site, "ben@example.com", "203.0.113.7", times=2)

        assert names(site.alarms.evaluate()) == ["failed_sign_ins"]
    assert [address for address, _ in mails(site)] == ["aud@example.com"]


def test_the_inbox_counts_what_nobody_has_seen_and_keeps_who_closed_it_and_why(
    site: Site, people: dict[str, str]
) -> None:
    with clock.set_to(NIGHT):
        export(site, people["ben"])
        [raised] = site.alarms.evaluate()
    assert site.alarms.unread == 1

    site.alarms.handle(raised.id, "closed", "  It was the month's report. ", people["aud"])

    with site.database.read() as connection:
        known = site.alarms.inbox.one(connection, raised.id)
        assert site.alarms.inbox.page(connection, states=["new"]) == []
        assert [each.id for each in site.alarms.inbox.page(connection, states=["closed"])] == [raised.id]
    assert (known.state, known.note, known.handled_by) == ("closed", "It was the month's report.", people["aud"])
    assert site.alarms.unread == 0


def test_two_processes_raise_an_alarm_once(site: Site, people: dict[str, str]) -> None:
    with clock.set_to(NIGHT):
        export(site, people["ben"])
        with Site.open(site.config.folder, database_url=site.config.database) as other:
            assert len(site.alarms.evaluate()) + len(other.alarms.evaluate()) == 1
    with site.database.read() as connection:
        assert run(connection, "SELECT count(*) FROM alert_raised").fetchone()[0] == 1


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        (
            "alert: a\non: {audit: {kinds: [exprt]}}\nto: role:admin\n",
            "2:22: there is no kind of event 'exprt' (did you mean 'export'?)",
        ),
        (
            "alert: a\nto: role:admin\n",
            "1:1: an alert watches one thing: records of an entity, on: audit, or on: reading",
        ),
        (
            "alert: a\non: {audit: {kinds: [export], outside: {from: '08:00'}}}\nto: role:admin\n",
            "2:31: working hours are from and to, or a calendar",
        ),
        (
            "alert: a\non: {audit: {kinds: [export], outside: {from: '18:00', to: '08:00'}}}\nto: permission:audti\n",
            "2:60: 18:00-08:00 does not end after it begins, or begins before the last one ends",
        ),
    ],
)
def test_what_is_wrong_with_an_alert_is_said_at_its_place(text: str, wrong: str, tmp_path: Path) -> None:
    from engine.metadata.build import check_documents
    from engine.metadata.document import read_text
    from engine.metadata.layers import layer_of
    from engine.metadata.shipped import shipped_layers

    documents, _ = read_text(text, "site.yaml", "site")
    found = check_documents([*shipped_layers([]), layer_of("site", "site", documents, ())])

    assert wrong in [str(each).removeprefix("site.yaml:") for each in found if each.severity == "error"]


@pytest.mark.parametrize("page", ["audit.md", "zh/audit.md"])
def test_the_alerts_of_the_docs_are_sound(page: str) -> None:
    from engine.metadata.build import check_documents
    from engine.metadata.document import read_text
    from engine.metadata.layers import layer_of
    from engine.metadata.shipped import shipped_layers

    text = (Path(__file__).parents[3] / "docs" / page).read_text("utf-8")
    documents = [
        document
        for number, block in enumerate(re.findall(r"```yaml\n(.*?)```", text, re.DOTALL))
        for document in read_text(block, f"{number}.yaml", "site")[0]
    ]

    assert len(documents) > 4
    assert check_documents([*shipped_layers(["crm"]), layer_of("site", "site", documents, ())]) == ()
