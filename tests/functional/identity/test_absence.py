"""People say themselves that they are away: what that writes, what it lends, and what it refuses."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from engine import SYSTEM, AccessDenied, Change, RecordInvalid, Site, clock, create_folder
from engine.data.principal import Viewer
from engine.identity.identity import Identity
from engine.storage.database import run

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
FIRST, LAST = date(2026, 3, 12), date(2026, 3, 20)
FIELDS = ("deputy", "absent_from", "absent_until", "roles", "status", "manager")


@pytest.fixture
def site(tmp_path: Path, database_url: str) -> Iterator[Site]:
    """A published site of no trade, on each kind of database, at a noon in March."""
    create_folder(tmp_path / "site")
    settings = tmp_path / "site" / "guanxi.yaml"
    settings.write_text(settings.read_text(encoding="utf-8").replace("packs: [crm]", "packs: []"), encoding="utf-8")
    with clock.set_to(NOON), Site.open(tmp_path / "site", database_url=database_url) as site:
        site.publish()
        yield site


@pytest.fixture
def identity(site: Site) -> Identity:
    return site.identity


@pytest.fixture
def ben(identity: Identity) -> str:
    return identity.add("Ben", "ben@x.example", timezone="Asia/Shanghai")


@pytest.fixture
def eve(identity: Identity) -> str:
    return identity.add("Eve", "eve@x.example")


def kept(site: Site, user_id: str) -> dict[str, Any]:
    with site.reading(SYSTEM) as reader:
        return reader.record("user", user_id, FIELDS).values()


def noted(site: Site) -> list[tuple[str | None, str, dict[str, Any]]]:
    with site.database.write() as connection:
        rows = run(
            connection,
            "SELECT actor_id, record_id, details FROM audit_event WHERE kind = 'rights_changed' ORDER BY seq",
        ).fetchall()
    return [(str(row[0]), str(row[1]), json.loads(row[2]) if isinstance(row[2], str) else row[2]) for row in rows]


def test_somebody_goes_away_and_comes_back(site: Site, identity: Identity, ben: str, eve: str) -> None:
    before, start = kept(site, ben), len(noted(site))

    away = identity.go_away(identity.principal(ben), eve, FIRST, LAST)

    assert (away.deputy, away.first, away.last, away.state) == ("Eve", FIRST, LAST, "planned")
    assert identity.absence(ben) == away
    assert identity.stands_in(eve) == [away]
    assert kept(site, ben) == before | {"deputy": eve, "absent_from": FIRST, "absent_until": LAST}
    # Midnight in Shanghai is four in the afternoon of the day before.
    begins, ends = datetime(2026, 3, 11, 16, tzinfo=UTC), datetime(2026, 3, 20, 16, tzinfo=UTC)
    assert away.begins == begins
    for moment, there in ((begins - timedelta(seconds=1), ()), (begins, (ben,)), (ends, ())):
        assert identity.principal(eve).standing_in(moment) == there
    with clock.set_to(begins):
        assert [each.state for each in identity.stands_in(eve)] == ["now"]
    with clock.set_to(ends):
        over = identity.absence(ben)
        assert over is not None
        assert (over.state, over.deputy) == ("none", "Eve")
        assert identity.stands_in(eve) == []
    identity.come_back(identity.principal(ben))
    assert kept(site, ben) == before
    assert identity.absence(ben) is None
    assert identity.principal(eve).absences == ()
    gone, back = noted(site)[start:]
    assert gone[:2] == back[:2] == (ben, ben)
    assert gone[2]["deputy"] == {"from": None, "to": eve}
    assert gone[2]["absent_until"] == {"from": None, "to": "2026-03-20"}
    assert back[2]["deputy"] == {"from": eve, "to": None}
    with site.reading(SYSTEM) as reader:
        assert {each.actor_id for each in reader.history("user", ben).entries[:2]} == {ben}


def test_a_longer_absence_with_the_same_deputy_stands_in_the_log(
    site: Site, identity: Identity, ben: str, eve: str
) -> None:
    identity.go_away(identity.principal(ben), eve, FIRST, LAST)
    start = len(noted(site))

    identity.go_away(identity.principal(ben), eve, FIRST)

    [event] = noted(site)[start:]
    assert event[2] == {"name": "Ben", "absent_until": {"from": "2026-03-20", "to": None}}


def test_a_deputy_gains_no_role_and_nobody_else_is_changed(site: Site, identity: Identity, ben: str, eve: str) -> None:
    ada = identity.add("Ada", "ada@x.example", ["admin"])
    before = kept(site, eve)

    identity.go_away(identity.principal(ada), eve, NOON.date())

    found = identity.principal(eve)
    assert found.standing_in(NOON) == (ada,)
    assert found.roles == {"everyone"}
    assert kept(site, eve) == before
    with pytest.raises(AccessDenied):
        site.records.update(found, "user", [Change(ada, {"name": "Mine"})])
    with pytest.raises(AccessDenied):
        site.records.update(found, "user", [Change(eve, {"roles": ["admin"]})])


def test_what_makes_no_sense_is_refused_at_its_field(site: Site, identity: Identity, ben: str, eve: str) -> None:
    gone = identity.add("Gone", "gone@x.example", status="disabled")
    robot = identity.add("Robot", "robot@x.example", kind="service")
    me, before = identity.principal(ben), kept(site, ben)
    yesterday = NOON.date() - timedelta(days=1)

    for deputy, first, last, fields in (
        (None, None, None, ["deputy", "absent_from"]),
        (ben, FIRST, None, ["deputy"]),
        (gone, FIRST, None, ["deputy"]),
        (robot, FIRST, None, ["deputy"]),
        ("nobody", FIRST, None, ["deputy"]),
        (eve, FIRST, FIRST - timedelta(days=1), ["absent_until"]),
        (eve, yesterday, yesterday, ["absent_until"]),
        (gone, None, LAST, ["deputy", "absent_from"]),
    ):
        with pytest.raises(RecordInvalid) as refused:
            identity.go_away(me, deputy, first, last)
        assert [each.path for each in refused.value.problems] == fields

    assert kept(site, ben) == before
    assert identity.go_away(me, eve, yesterday, NOON.date()).state == "now"


def test_the_ends_of_the_calendar_break_nothing(identity: Identity, ben: str, eve: str) -> None:
    identity.go_away(identity.principal(ben), eve, date.min, date.max)

    assert identity.principal(eve).standing_in(NOON) == (ben,)
    assert [each.id for each in identity.principals()] == [ben, eve]


def test_nobody_but_the_person_says_it(site: Site, identity: Identity, ben: str, eve: str) -> None:
    robot = identity.add("Robot", "robot@x.example", kind="service")
    ada = identity.add("Ada", "ada@x.example", ["admin"])
    me = identity.principal(ben)
    viewed = replace(me, viewer=Viewer(ada, "Ada", NOON + timedelta(minutes=5)))
    before = kept(site, ben)

    for actor in (viewed, replace(me, scopes=frozenset({"*"})), identity.principal(robot), SYSTEM):
        with pytest.raises(AccessDenied):
            identity.go_away(actor, eve, FIRST)
        with pytest.raises(AccessDenied):
            identity.come_back(actor)

    assert kept(site, ben) == before
    with pytest.raises(AccessDenied):
        site.records.update(me, "user", [Change(ben, {"deputy": eve, "absent_from": FIRST})])
