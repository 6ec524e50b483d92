"""Single records are given to people, teams and departments, for a while, and nobody gives more than they have."""

from datetime import timedelta

import pytest

from engine import SYSTEM, AccessDenied, NotFound, RecordInvalid, clock
from engine.ids import new_id
from tests.functional.reach.world import World


def test_a_record_that_is_shared_is_read_and_only_a_share_to_edit_lets_it_be_changed(world: World) -> None:
    owner, helper = world.person("sh-owner", "rep"), world.person("sh-helper", "rep")
    account = world.add("account", owner)
    assert world.seen(helper, "account") == set()

    given = world.records.share(world.who(owner), "account", account, "user", helper)

    assert (given.level, given.cause, given.made_by) == ("read", "manual", owner)
    assert world.seen(helper, "account") == {account}
    assert not world.may(helper, "update", "account", account)
    world.records.share(world.who(owner), "account", account, "user", helper, "edit")
    world.update(helper, "account", account, {"name": "helped"})
    with world.reading(world.who(helper)) as reader:
        [known] = reader.shares("account", account)
        assert (known.principal_id, known.level, known.cascade, known.until) == (helper, "edit", True, None)
        assert known.made_at is not None


def test_a_share_with_a_team_or_a_department_reaches_its_people_also_those_below(world: World) -> None:
    north = world.add("department", name="North")
    city = world.add("department", name="City", parent=north)
    owner = world.person("te-owner", "rep")
    mate = world.person("te-mate", "rep")
    below, above = world.person("te-below", "rep", department=city), world.person("te-above", "rep", department=north)
    team = world.add("team", name="te-team", members=[mate])
    first, second = world.add("account", owner), world.add("account", owner)

    world.records.share(world.who(owner), "account", first, "team", team)
    world.records.share(world.who(owner), "account", second, "department", north)

    assert [world.seen(each, "account") for each in (mate, below, above)] == [{first}, {second}, {second}]
    world.records.unshare(world.who(owner), "account", second, north)
    world.records.share(world.who(owner), "account", second, "department", city)
    assert [world.seen(each, "account") for each in (below, above)] == [{second}, set()]
    world.records.update(SYSTEM, "user", [{"id": below, "department": None}])
    world.records.update(SYSTEM, "team", [{"id": team, "members": []}])
    assert [world.seen(each, "account") for each in (mate, below)] == [set(), set()]


def test_a_share_counts_for_nothing_from_the_moment_at_which_it_ends(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner, helper = world.person("un-owner", "rep"), world.person("un-helper", "rep")
    account = world.add("account", owner)
    until = clock.now() + timedelta(minutes=5)
    world.records.share(world.who(owner), "account", account, "user", helper, "edit", until=until)
    assert world.seen(helper, "account") == {account}
    assert world.records.forget_shares() == 0

    monkeypatch.setattr(clock, "now", lambda: until)

    assert world.seen(helper, "account") == set()
    with pytest.raises(NotFound):
        world.update(helper, "account", account, {"name": "too late"})
    with world.reading(world.who(owner)) as reader:
        assert reader.shares("account", account) == ()
    world.site.upkeep.daily()
    assert world.records.forget_shares() == 0


def test_what_makes_no_sense_is_refused_at_its_place(world: World) -> None:
    owner, helper = world.person("no-owner", "rep"), world.person("no-helper", "rep")
    account = world.add("account", owner)
    who = world.who(owner)

    with pytest.raises(RecordInvalid) as refused:
        world.records.share(who, "account", account, "robot", helper, "own", until=clock.now())
    assert [problem.path for problem in refused.value.problems] == ["kind", "level", "until"]
    for kind, id_ in (("user", new_id()), ("user", "nonsense"), ("team", helper)):
        with pytest.raises(NotFound):
            world.records.share(who, "account", account, kind, id_)
    for record in (new_id(), "'; DROP TABLE share", ""):
        with pytest.raises(NotFound):
            world.records.share(who, "account", record, "user", helper)
    with pytest.raises(NotFound):
        world.records.share(who, "nothing", account, "user", helper)
    with pytest.raises(NotFound):
        world.records.unshare(who, "account", account, helper)


def test_nobody_shares_what_they_may_not_change_or_more_than_they_were_given(world: World) -> None:
    owner, helper, third = (world.person(f"mo-{each}", "rep") for each in ("owner", "helper", "third"))
    account = world.add("account", owner)
    soon, later = (clock.now() + timedelta(days=days) for days in (1, 2))
    share, me = world.records.share, world.who(helper)
    with pytest.raises(NotFound):
        share(me, "account", account, "user", third)
    share(world.who(owner), "account", account, "user", helper, "read")
    with pytest.raises(AccessDenied):
        share(me, "account", account, "user", third)
    share(world.who(owner), "account", account, "user", helper, "edit", until=soon, cascade=False)

    for more in ({"until": later, "cascade": False}, {"until": None, "cascade": False}, {"until": soon}):
        with pytest.raises(AccessDenied):
            share(me, "account", account, "user", third, **more)
        with pytest.raises(AccessDenied):
            share(me, "account", account, "user", helper, "edit", **more)
    share(me, "account", account, "user", third, "edit", until=soon, cascade=False)

    assert world.seen(third, "account") == {account}
    with pytest.raises(AccessDenied):
        world.records.unshare(world.who(third), "account", account, helper)
    world.records.unshare(world.who(third), "account", account, third)
    assert world.seen(third, "account") == set()
    world.records.unshare(world.who(owner), "account", account, helper)
    assert world.seen(helper, "account") == set()


def test_the_recycle_bin_keeps_shares_and_deleting_for_good_takes_them_back(world: World) -> None:
    owner, helper = world.person("bi-owner", "rep"), world.person("bi-helper", "rep")
    account, other = world.add("account", owner), world.add("account", owner)
    for each in (account, other):
        world.records.share(world.who(owner), "account", each, "user", helper)

    world.records.delete(SYSTEM, "account", [account])
    assert world.seen(helper, "account") == {other}
    world.records.restore(SYSTEM, "account", [account])
    assert world.seen(helper, "account") == {account, other}
    world.records.delete(SYSTEM, "account", [account])
    world.records.purge(SYSTEM, "account", [account])
    with world.reading(SYSTEM) as reader:
        from engine.data.sharing import shares_of

        assert shares_of(reader, "account", account, clock.now()) == ()
        assert len(reader.shares("account", other)) == 1
    world.records.delete(SYSTEM, "user", [helper])
    world.records.purge(SYSTEM, "user", [helper])
    with world.reading(SYSTEM) as reader:
        assert reader.shares("account", other) == ()


def test_who_shared_what_with_whom_stands_in_the_audit_log(world: World) -> None:
    owner, helper = world.person("au-owner", "rep"), world.person("au-helper", "rep")
    account = world.add("account", owner)
    world.records.share(world.who(owner), "account", account, "user", helper, "edit")
    world.records.unshare(world.who(owner), "account", account, helper)
    with pytest.raises(NotFound):
        world.records.unshare(world.who(owner), "account", account, helper)

    events = world.audited(account)

    assert [(kind, actor, details["principal"], details["level"]) for kind, actor, details in events] == [
        ("share", owner, helper, "edit"),
        ("unshare", owner, helper, "edit"),
    ]
