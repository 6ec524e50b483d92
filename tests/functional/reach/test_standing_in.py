"""Deputies reach what those who are away own or lead, while they are away; a territory holds those below it."""

from datetime import UTC, date, datetime, timedelta

import pytest

from engine import SYSTEM, AccessDenied, NotFound, Query, RecordInvalid, clock
from engine.data.statement import Statement
from tests.functional.reach.world import World

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)


def at(monkeypatch: pytest.MonkeyPatch, moment: datetime) -> None:
    monkeypatch.setattr(clock, "now", lambda: moment)


def test_a_deputy_reaches_the_own_records_of_who_is_away_and_no_roles(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    at(monkeypatch, NOON)
    deputy = world.person("de-deputy", "rep")
    away = world.person("de-away", "lead", deputy=deputy)
    below = world.person("de-below", "rep", manager=away)
    mine, theirs, lower = world.add("account", deputy), world.add("account", away), world.add("account", below)
    assert world.seen(deputy, "account") == {mine}

    world.records.update(SYSTEM, "user", [{"id": away, "absent_from": "2026-03-10", "absent_until": "2026-03-12"}])

    assert world.seen(deputy, "account") == {mine, theirs}
    assert world.seen(away, "account") == {theirs, lower}
    world.update(deputy, "account", theirs, {"name": "looked after"})
    with pytest.raises(NotFound):
        world.update(deputy, "account", lower, {"name": "not with the role of a rep"})
    world.records.update(SYSTEM, "user", [{"id": deputy, "roles": ["lead"]}])
    assert world.seen(deputy, "account") == {mine, theirs, lower}
    world.records.update(SYSTEM, "user", [{"id": away, "deputy": None}])
    assert world.seen(deputy, "account") == {mine}


def test_an_absence_begins_and_ends_by_the_clock_of_who_is_away(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    at(monkeypatch, NOON)
    deputy = world.person("cl-deputy", "rep", timezone="Asia/Shanghai")
    away = world.person(
        "cl-away", "rep", deputy=deputy, timezone="America/New_York", absent_from=date(2026, 3, 11),
        absent_until=date(2026, 3, 11),
    )  # fmt: skip
    account = world.add("account", away)
    contact = world.add("contact", SYSTEM.id, account=account)
    begins, ends = datetime(2026, 3, 11, 4, tzinfo=UTC), datetime(2026, 3, 12, 4, tzinfo=UTC)

    for moment, seen in (
        (begins - timedelta(milliseconds=1), set()),
        (begins, {account}),
        (ends - timedelta(milliseconds=1), {account}),
        (ends, set()),
    ):
        at(monkeypatch, moment)
        assert world.seen(deputy, "account") == seen
        assert world.seen(deputy, "contact") == ({contact} if seen else set())
    at(monkeypatch, ends - timedelta(seconds=1))
    with world.reading(world.who(deputy)) as reader:
        at(monkeypatch, ends)
        # One snapshot, one moment: a page is not half of one day and half of the next.
        assert reader.count(Query("account")).number in {0, 1}


def test_the_statements_of_those_who_stand_in_for_nobody_stay_as_they_are(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    at(monkeypatch, NOON)
    plain, deputy = world.person("pl-plain", "rep"), world.person("pl-deputy", "rep")
    world.person("pl-away", "rep", deputy=deputy, absent_from=date(2026, 3, 10))
    texts: list[str] = []
    run = Statement.rows

    def note(self: Statement, *given: object) -> list[tuple[object, ...]]:
        texts.append(self.text)
        return run(self, *given)  # type: ignore[arg-type]

    monkeypatch.setattr(Statement, "rows", note)
    found = {}
    for who in (plain, deputy):
        texts.clear()
        with world.reading(world.who(who)) as reader:
            reader.query(Query("account", select=("id",)))
        found[who] = texts[-1]

    mark = "?" if world.site.database.dialect == "sqlite" else "%s"
    assert f"owner = {mark}" in found[plain]
    assert found[plain] != found[deputy]
    assert f"owner = {mark}" not in found[deputy]


def test_absences_that_make_no_sense_are_refused(world: World) -> None:
    user = world.person("ab-user", "rep")

    for values, field in (
        ({"deputy": user}, "deputy"),
        ({"absent_from": "2026-03-10", "absent_until": "2026-03-09"}, "absent_until"),
        ({"absent_until": "2026-03-09"}, "absent_until"),
    ):
        with pytest.raises(RecordInvalid) as refused:
            world.records.update(SYSTEM, "user", [{"id": user, **values}])
        assert [problem.path for problem in refused.value.problems] == [field]


def test_a_territory_holds_those_below_it_for_whoever_works_in_it_or_manages_it(world: World) -> None:
    member, manager, other = (world.person(f"tr-{each}", "regional") for each in ("member", "manager", "other"))
    world_wide = world.add("territory", name="tr-World", manager=manager)
    east = world.add("territory", name="tr-East", parent=world_wide, members=[member])
    coast = world.add("territory", name="tr-Coast", parent=east)
    west = world.add("territory", name="tr-West", parent=world_wide, members=[other])
    accounts = [world.add("account", territory=each) for each in (world_wide, east, coast, west)]
    world.add("account")

    assert world.seen(manager, "account") == set(accounts)
    assert world.seen(member, "account") == {accounts[1], accounts[2]}
    assert world.seen(other, "account") == {accounts[3]}
    world.records.update(SYSTEM, "territory", [{"id": coast, "parent": west}])
    assert world.seen(member, "account") == {accounts[1]}
    assert world.seen(other, "account") == {accounts[2], accounts[3]}
    with pytest.raises(RecordInvalid):
        world.records.update(SYSTEM, "territory", [{"id": world_wide, "parent": coast}])
    with pytest.raises(AccessDenied):
        world.records.update(world.who(member), "territory", [{"id": coast, "members": [member]}])
