"""View as: an administrator sees what somebody sees, changes nothing, and leaves a trace."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from engine import SYSTEM, AccessDenied, clock
from tests.functional.screens.test_why_parity import office as made_office
from tests.functional.screens.world import Web, World, words


@pytest.fixture
def deals(office: World) -> dict[str, str]:
    made = office.create(
        "deal", {"name": "Of Ben", "owner": office.ids["ben"]}, {"name": "Of Eve", "owner": office.ids["eve"]}
    )
    [client] = office.create("client", {"name": "Acme", "phone": "13812345678", "owner": office.ids["ben"]})
    return {"ben": f"/deal/{made[0]}", "eve": f"/deal/{made[1]}", "client": f"/client/{client}"}


def look(office: World, who: str = "ada", at: str = "ben") -> Web:
    """Let somebody look as somebody else."""
    web = office.browser(who)
    done = web.submit(f"/admin/view-as/{office.ids[at]}")
    assert done.status_code == 303, done.text
    return web


def events(office: World) -> list[tuple[str, str, str, dict[str, object]]]:
    with office.site.database.plain() as connection:
        rows = connection.exec_driver_sql(
            "SELECT actor_id, record_id, via, details FROM audit_event WHERE kind = 'view_as' ORDER BY seq"
        )
        return [(row[0], row[1], row[2], json.loads(row[3])) for row in rows]


def test_everything_is_seen_as_the_other_person_sees_it(office: World, deals: dict[str, str]) -> None:
    web = office.browser("ada")
    assert f'action="/admin/view-as/{office.ids["ben"]}"' in web.text(f"/user/{office.ids['ben']}")
    web = look(office)

    page = web.text("/deal")

    assert "Of Ben" in page
    assert "Of Eve" not in page
    assert "Ada, you see the site as Ben. Nothing can be changed." in words(page)
    assert web.get(deals["eve"]).status_code == 404
    assert "138••••5678" in web.text(deals["client"])
    assert 'class="viewing"' in web.get(deals["eve"]).text
    done = web.submit("/admin/view-as/stop")
    assert done.headers["Location"].endswith(f"/user/{office.ids['ben']}")
    assert "Of Eve" in web.text("/deal")
    assert 'class="viewing"' not in web.text("/deal")


def test_nothing_is_changed_revealed_exported_or_opened_meanwhile(office: World, deals: dict[str, str]) -> None:
    web = look(office)
    posts = [
        "/deal/new",
        f"{deals['ben']}/edit",
        f"{deals['ben']}/delete",
        f"{deals['ben']}/transition/lose",
        f"{deals['client']}/reveal/phone",
        "/login/account/password",
        "/login/account/tokens",
        "/settings",
        f"/admin/view-as/{office.ids['eve']}",
    ]
    for address in posts:
        answer = web.submit(address, {"name": "Changed"})
        assert answer.status_code == 403, address
        assert "nothing can be changed" in words(answer.text)
    assert "/reveal/" not in web.text(deals["client"])
    assert web.get("/deal/export.csv").status_code == 403
    assert web.get("/login/account").status_code == 403
    answer = web.client.patch(f"/api/v1{deals['ben']}", json={"name": "X"}, headers={"Origin": "http://localhost"})
    assert answer.status_code == 403
    query = web.client.post("/api/v1/deal/query", json={}, headers={"Origin": "http://localhost"})
    assert [row["name"] for row in query.get_json()["data"]] == ["Of Ben"]
    with office.site.reading(SYSTEM) as reader:
        assert reader.record("deal", deals["ben"].rpartition("/")[2]).values()["name"] == "Of Ben"


def test_the_write_path_refuses_by_itself(office: World, deals: dict[str, str]) -> None:
    from dataclasses import replace

    from engine import Principal
    from engine.data.principal import Viewer

    ben: Principal = office.site.principal(office.ids["ben"])
    seen = replace(ben, viewer=Viewer(office.ids["ada"], "Ada", clock.now() + timedelta(minutes=1)))
    records, record = office.site.records, deals["ben"].rpartition("/")[2]
    client = deals["client"].rpartition("/")[2]
    for act in (
        lambda: records.create(seen, "deal", [{"name": "New"}]),
        lambda: records.update(seen, "deal", [{"id": record, "name": "New"}]),
        lambda: records.delete(seen, "deal", [record]),
        lambda: records.update_where(seen, "deal", None, {"name": "New"}),
        lambda: records.share(seen, "deal", record, "user", office.ids["eve"]),
        lambda: records.reveal(seen, "client", client, "phone"),
        lambda: records.begin_set(seen, "update"),
    ):
        with pytest.raises(AccessDenied):
            act()


def test_beginning_and_end_stand_in_the_log_under_the_real_name(office: World, deals: dict[str, str]) -> None:
    web = look(office)
    web.text("/deal")
    web.submit("/admin/view-as/stop")
    web.submit("/admin/view-as/stop")

    first, last = events(office)

    ada, ben = office.ids["ada"], office.ids["ben"]
    assert (first[:3], last[:3]) == ((ada, ben, "web"), (ada, ben, "web"))
    assert first[3]["begins"] is True
    assert last[3] == {"begins": False, "ended": "stopped"}
    web = look(office)
    web.submit("/logout")
    assert events(office)[-1][3]["ended"] == "signed_out"


def test_it_ends_by_itself(office: World, deals: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    web = look(office)
    later = clock.now() + timedelta(minutes=31)
    monkeypatch.setattr(clock, "now", lambda: later)

    page = web.text("/deal")

    assert "Of Eve" in page
    assert "The time to look as somebody else is over" in words(page)
    assert web.client.get_cookie("guanxi_view") is None
    assert events(office)[-1][3] == {"begins": False, "ended": "time"}


def test_only_administrators_look_and_a_look_belongs_to_one_sign_in(office: World, deals: dict[str, str]) -> None:
    for who in ("ben", "cao", "ira"):
        web = office.browser(who)
        assert web.get("/admin/view-as").status_code == 403
        assert web.submit(f"/admin/view-as/{office.ids['eve']}").status_code == 403
        assert "/admin/view-as/" not in web.text(f"/user/{office.ids['eve']}")
    web = look(office)
    stolen = web.client.get_cookie("guanxi_view")
    assert stolen is not None
    other = office.browser("eve")
    other.client.set_cookie("guanxi_view", stolen.value)
    assert "Of Ben" not in other.text("/deal")
    assert "Of Eve" in other.text("/deal")


def test_a_name_that_is_nobody_is_refused_at_its_field(office: World) -> None:
    web = office.browser("ada")
    office.site.identity.disable(office.ids["dan"])

    assert "Name or email" in web.text("/admin/view-as")
    answer = web.submit("/admin/view-as", {"person": "nobody@example.com"})
    assert answer.status_code == 422
    assert "There is no user" in words(answer.text)
    assert web.submit("/admin/view-as", {"person": "dan@example.com"}).status_code == 422
    assert web.submit("/admin/view-as", {"person": "Ada"}).status_code == 422
    assert web.submit("/admin/view-as", {"person": "Ben"}).status_code == 303


def test_a_look_is_kept_by_both_databases(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with made_office(tmp_path / "site", database_url) as site:
        ada, ben = (
            site.identity.add(name, f"{name}@x.example", [role]) for name, role in (("a", "admin"), ("b", "boss"))
        )
        actor = site.principal(ada)

        secret = site.identity.view_as(actor, ben, "session")

        def seen(session: str = "session") -> str | None:
            with site.database.read() as connection:
                found = site.identity.viewed(actor, secret, session, connection)
            return None if found is None or found.viewer is None else f"{found.name} by {found.viewer.name}"

        assert seen() == "b by a"
        assert seen("another") is None
        look = site.identity.stop_viewing(secret, "session")
        assert look is not None
        assert (look.user_id, look.over) == (ben, False)
        assert seen() is None
        secret = site.identity.view_as(actor, ben, "session")
        later = clock.now() + timedelta(minutes=31)
        monkeypatch.setattr(clock, "now", lambda: later)
        assert seen() is None
        with site.database.plain() as connection:
            ends = connection.exec_driver_sql("SELECT details FROM audit_event WHERE kind = 'view_as' ORDER BY seq")
            told = [row[0] if isinstance(row[0], dict) else json.loads(row[0]) for row in ends]
        assert [each.get("ended") for each in told] == [None, "stopped", None, "time"]
