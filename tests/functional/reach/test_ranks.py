"""Who looks after people gives no more than they have themselves, by no way in."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine import SYSTEM, AccessDenied, GuanxiError, Principal, RecordInvalid
from engine.data.batch import Change
from engine.identity.ranks import beyond
from tests.functional.reach.world import World

Give = Callable[[World, Principal, str, Sequence[str]], object]


def _update(world: World, who: Principal, user: str, roles: Sequence[str]) -> object:
    return world.records.update(who, "user", [Change(user, {"roles": list(roles)})])


def _upsert(world: World, who: Principal, user: str, roles: Sequence[str]) -> object:
    return world.records.upsert(who, "user", [{"id": user, "roles": list(roles)}], on="id")


def _bulk(world: World, who: Principal, user: str, roles: Sequence[str]) -> object:
    [found] = world.records.bulk(who, "user", [{"update": {"id": user, "roles": list(roles)}}])
    if found.error is not None:
        raise found.error
    return found


def _where(world: World, who: Principal, user: str, roles: Sequence[str]) -> object:
    return world.records.update_where(who, "user", None, {"roles": list(roles)}, ids=[user])


WAYS: dict[str, Give] = {"update": _update, "upsert": _upsert, "bulk": _bulk, "where": _where}


@pytest.mark.parametrize("way", list(WAYS))
def test_who_looks_after_people_gives_only_what_they_hold(world: World, way: str) -> None:
    hr = world.person(f"hr-{way}", "user_admin")
    user = world.person(f"given-{way}")
    give = WAYS[way]

    for role in ("boss", "admin", "auditor", "rep", "junior", "closer", "named", "bound"):
        for target in (user, hr):
            with pytest.raises(RecordInvalid) as refused:
                give(world, world.who(hr), target, ["user_admin", role])
            assert [problem.path for problem in refused.value.problems] == ["roles"]
    give(world, world.who(hr), user, ["user_admin"])
    assert world.who(user).roles == {"user_admin", "everyone"}
    assert world.who(hr).roles == {"user_admin", "everyone"}


def test_nor_does_an_import_a_new_person_or_a_made_up_role(world: World, tmp_path: Path) -> None:
    hr = world.person("im-hr", "user_admin")
    for roles in (["admin"], ["user_admin", "boss"], ["nothing"]):
        with pytest.raises(RecordInvalid):
            world.records.create(world.who(hr), "user", [{"name": "N", "email": "im-n@example.com", "roles": roles}])
    path = tmp_path / "people.csv"
    path.write_text("name,email,roles\nGood,im-g@example.com,\nBad,im-b@example.com,admin\n", encoding="utf-8")

    report = world.site.import_file(world.who(hr), "user", path)

    assert (report.created, report.failed) == (1, 1)


def test_a_role_lies_within_ones_own_when_its_rows_fields_transitions_and_limits_do(world: World) -> None:
    def refused(*held: str) -> set[str]:
        who = world.who(world.person(f"co-{'-'.join(held)}", "user_admin", *held))
        known = ("junior", "wider", "seer", "closer", "named", "bound", "reader")
        return set(beyond(world.site.publisher.models.get(world.site.revision).model, who, known))

    assert refused("wider") == {"closer", "named", "bound", "reader"}
    assert refused("junior") == {"wider", "closer", "named", "bound", "reader"}
    assert refused("seer") == {"junior", "wider", "closer", "named", "bound", "reader"}
    assert refused("closer") == {"junior", "wider", "seer", "named", "bound", "reader"}
    assert refused("bound") == {"junior", "wider", "seer", "closer", "named", "reader"}
    assert refused("reader", "closer") == {"named"}
    assert refused("admin") == set()


def test_whoever_may_do_more_is_out_of_reach(world: World) -> None:
    hr, boss, plain = world.person("ab-hr", "user_admin"), world.person("ab-boss", "boss"), world.person("ab-plain")
    who = world.who(hr)

    tries: tuple[dict[str, Any], ...] = (
        {"email": "mine@example.com"},
        {"status": "disabled"},
        {"roles": []},
        {"deputy": hr},
        {"deputy": hr, "absent_from": "2026-01-01"},
    )
    for values in tries:
        with pytest.raises(RecordInvalid):
            world.records.update(who, "user", [{"id": boss, **values}])
        with pytest.raises(RecordInvalid):
            world.records.update_where(who, "user", f"id == '{boss}'", values)
    for act in (world.records.delete, world.records.purge):
        with pytest.raises(GuanxiError):
            act(who, "user", [boss])
    world.records.update(who, "user", [{"id": boss, "position": "Boss"}])
    world.records.update(who, "user", [{"id": plain, "email": "ab-new@example.com", "status": "disabled"}])
    world.records.delete(who, "user", [plain])
    world.records.delete(SYSTEM, "user", [boss])
    with pytest.raises(RecordInvalid):
        world.records.restore(who, "user", [boss])
    world.records.restore(who, "user", [plain])


def test_who_looks_after_people_shuts_out_and_replaces_those_without_permissions_but_becomes_nobody(
    world: World,
) -> None:
    hr, rep = world.person("so-hr", "user_admin"), world.person("so-rep", "rep")
    who = world.who(hr)

    with pytest.raises(RecordInvalid) as refused:
        world.records.update(who, "user", [{"id": rep, "email": "so-mine@example.com"}])
    assert [problem.path for problem in refused.value.problems] == ["email"]
    world.records.update(who, "user", [{"id": rep, "status": "disabled", "deputy": hr, "position": "Left"}])
    world.records.delete(who, "user", [rep])
    world.records.restore(who, "user", [rep])


def test_undo_gives_nothing_back_that_its_maker_may_not_give(world: World) -> None:
    boss, user = world.person("ud-boss", "boss"), world.person("ud-user", "rep", "junior")
    change_set = world.records.begin_set(world.who(boss), "call")
    world.records.update(world.who(boss), "user", [{"id": user, "roles": []}], change_set=change_set)
    world.records.update(SYSTEM, "user", [{"id": boss, "roles": ["user_admin"]}])

    report = world.records.undo(world.who(boss), change_set)

    assert report.reverted == 0
    assert len(report.kept) == 1
    assert world.who(user).roles == {"everyone"}


def test_a_token_gives_only_what_its_scopes_hold(world: World) -> None:
    boss, user = world.person("to-boss", "boss"), world.person("to-user")
    for scopes in ({"user:*"}, {"users", "user:*", "read"}):
        who = replace(world.who(boss), scopes=frozenset(scopes))
        with pytest.raises(RecordInvalid):
            world.records.update(who, "user", [{"id": user, "roles": ["boss"]}])
    world.records.update(replace(world.who(boss), scopes=frozenset({"*"})), "user", [{"id": user, "roles": ["boss"]}])
    assert "boss" in world.who(user).roles


def test_an_auditor_reads_everything_and_changes_nothing(world: World) -> None:
    auditor, owner = world.person("au-auditor", "auditor"), world.person("au-owner2", "rep")
    account = world.add("account", owner)

    assert account in world.seen(auditor, "account")
    with world.reading(world.who(auditor)) as reader:
        assert reader.access.has("audit")
        assert not reader.access.has("users")
    with pytest.raises(AccessDenied):
        world.update(auditor, "account", account, {"name": "x"})
    with pytest.raises(AccessDenied):
        world.records.delete(world.who(auditor), "account", [account])


def test_administrators_hold_every_permission(world: World) -> None:
    with world.reading(world.who(world.person("al-boss", "boss"))) as reader:
        assert all(reader.access.has(each) for each in ("admin", "developer", "users", "audit", "of_a_plugin"))
    narrow = replace(world.who(world.person("al-boss2", "boss")), scopes=frozenset({"users", "lead:*"}))
    with world.reading(narrow) as reader:
        assert [reader.access.has(each) for each in ("admin", "users", "audit")] == [False, True, False]
