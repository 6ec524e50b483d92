"""Create, update, delete and restore: what is stored, what is answered, what history says."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from engine.data.batch import Change
from engine.data.principal import SYSTEM, Principal
from engine.errors import AccessDenied, NotFound, RecordInvalid, VersionConflict
from engine.ids import new_id
from tests.functional.writing.world import World


@pytest.fixture(scope="module")
def boss(world: World) -> Principal:
    return world.person("bea", "boss")


@pytest.fixture(scope="module")
def ann(world: World) -> Principal:
    return world.person("ann", "seller")


@pytest.fixture(scope="module")
def bob(world: World) -> Principal:
    return world.person("bob", "seller")


@pytest.fixture(scope="module")
def clerk(world: World) -> Principal:
    return world.person("cai", "clerk")


def company(world: World, who: Principal = SYSTEM, **values: Any) -> Any:
    [written] = world.records.create(who, "company", [{"name": f"Company {new_id()[-12:]}", **values}])
    return written


def problems(error: RecordInvalid) -> dict[str, str]:
    return {problem.path: problem.code for problem in error.problems}


# --- create


def test_a_created_record_is_answered_as_it_is_stored(world: World, boss: Principal) -> None:
    [written] = world.records.create(boss, "company", [{"name": "Northwind", "credit": "1250.5", "tags": ["a", "b"]}])

    assert written.action == "created"
    assert written.version == 1
    assert written.values["credit"] == Decimal("1250.50")
    assert dict(written.values) == {**world.values("company", written.id)}
    assert written.values["owner"] == boss.id
    assert written.values["created_by"] == boss.id
    assert written.values["open"] is True
    assert written.values["level"] == "low"
    assert isinstance(written.values["since"], dt.date)
    assert {"name", "credit", "tags", "owner", "open", "level", "since"} <= written.changed


def test_history_has_the_values_of_a_new_record_as_the_api_gives_them(world: World, boss: Principal) -> None:
    [written] = world.records.create(boss, "company", [{"name": "Contoso", "credit": "3", "open": False}], via="web")

    [(version, action, changes)] = world.history(written.id)
    assert (version, action) == (1, "create")
    assert changes["name"] == [None, "Contoso"]
    assert changes["credit"] == [None, "3.00"]
    assert changes["open"] == [None, False]
    assert "created_at" not in changes
    [(actor, via)] = world.rows("SELECT actor_id, via FROM record_change WHERE record_id = ?", (written.id,))
    assert (str(actor), via) == (boss.id, "web")


def test_every_problem_of_every_row_is_told_at_once(world: World, boss: Principal) -> None:
    rows: list[dict[str, Any]] = [
        {"credit": "-1", "colour": "red", "level": "top"},
        {"name": "fine"},
        {"name": "x" * 41, "since": "yesterday-ish", "version": 3},
    ]

    with pytest.raises(RecordInvalid) as refused:
        world.records.create(boss, "company", rows)

    found = {(problem.row, problem.path): problem.code for problem in refused.value.problems}
    assert found == {
        (0, "name"): "required",
        (0, "credit"): "invalid",
        (0, "colour"): "unknown",
        (0, "level"): "invalid",
        (2, "name"): "invalid",
        (2, "since"): "invalid",
        (2, "version"): "read_only",
    }
    assert not world.rows("SELECT 1 FROM s_company WHERE name = 'fine'")


def test_a_misspelt_field_is_told_the_nearest_one(world: World, boss: Principal) -> None:
    with pytest.raises(RecordInvalid) as refused:
        world.records.create(boss, "company", [{"name": "x", "credits": 1}])

    assert str(refused.value.problems[0].message) == "There is no field credits; did you mean credit?"


def test_a_field_that_is_hidden_from_somebody_does_not_exist_for_them(world: World, ann: Principal) -> None:
    with pytest.raises(RecordInvalid) as refused:
        world.records.create(ann, "company", [{"name": "x", "pin": "1234", "credit": "5"}])

    assert problems(refused.value) == {"pin": "unknown", "credit": "denied"}
    assert str(refused.value.problems[0].message) == "There is no field pin"


def test_the_answer_leaves_out_what_the_caller_may_not_see(world: World, ann: Principal) -> None:
    written = company(world, ann)

    assert "pin" not in written.values
    assert "name" in written.values


def test_what_the_engine_keeps_cannot_be_given(world: World, boss: Principal) -> None:
    given = {"name": "x", "people": 7, "number": "C-1", "created_at": "2020-01-01T00:00:00Z", "rich": True}

    with pytest.raises(RecordInvalid) as refused:
        world.records.create(boss, "company", [given])

    assert problems(refused.value) == dict.fromkeys(["people", "number", "created_at", "rich"], "read_only")


def test_the_product_itself_may_say_when_a_record_was_made(world: World) -> None:
    written = company(world, created_at="2020-01-02T03:04:05Z")

    assert written.values["created_at"] == dt.datetime(2020, 1, 2, 3, 4, 5, tzinfo=dt.UTC)
    assert written.values["updated_at"] == written.values["created_at"]


def test_a_client_may_make_the_id_of_its_record(world: World, boss: Principal) -> None:
    made = new_id()

    assert company(world, boss, id=made).id == made
    with pytest.raises(RecordInvalid) as refused:
        company(world, boss, id=made)
    assert problems(refused.value) == {"id": "unique"}


def test_somebody_without_a_grant_may_not_create(world: World) -> None:
    with pytest.raises(AccessDenied):
        company(world, world.person("nan", "nobody"))


def test_an_entity_that_does_not_exist_is_not_found(world: World, boss: Principal) -> None:
    with pytest.raises(NotFound):
        world.records.create(boss, "planet", [{"name": "x"}])


def test_nothing_to_do_is_nothing_done(world: World, boss: Principal) -> None:
    assert world.records.create(boss, "company", []) == []
    assert world.records.update(boss, "company", []) == []
    assert world.records.delete(boss, "company", []) == []


def test_a_thousand_records_are_one_transaction_and_one_change_set(world: World, boss: Principal) -> None:
    rows = [{"name": f"Thousand {number}", "city": str(number)} for number in range(1_100)]

    written = world.records.create(boss, "company", rows)

    assert [each.values["name"] for each in written] == [row["name"] for row in rows]
    sets = world.rows(
        "SELECT DISTINCT change_set_id FROM record_change WHERE record_id IN (?, ?)", (written[0].id, written[-1].id)
    )
    assert len(sets) == 1
    rows[1_050]["credit"] = "lots"
    with pytest.raises(RecordInvalid) as refused:
        world.records.create(boss, "company", [{**row, "name": f"Again {row['name']}"} for row in rows])
    assert [problem.row for problem in refused.value.problems] == [1_050]
    assert not world.rows(
        "SELECT 1 FROM s_company WHERE name LIKE 'Again %'".replace("%", "%%")
        if world.mark == "%s"
        else "SELECT 1 FROM s_company WHERE name LIKE 'Again %'"
    )


# --- update


def test_only_what_changes_is_written(world: World, boss: Principal) -> None:
    made = company(world, boss, credit="10", city="Xi'an")

    [changed] = world.records.update(boss, "company", [Change(made.id, {"credit": "11", "city": "Xi'an"})])

    assert changed.version == 2
    assert changed.action == "updated"
    assert changed.changed == {"credit"}
    assert world.history(made.id)[1:] == [(2, "update", {"credit": ["10.00", "11.00"]})]


def test_equal_values_write_nothing(world: World, boss: Principal) -> None:
    made = company(world, boss, credit="10", tags=["x"])

    [same] = world.records.update(
        boss, "company", [{"id": made.id, "credit": 10, "tags": "x", "name": made.values["name"]}]
    )

    assert same.action == "unchanged"
    assert same.version == 1
    assert len(world.history(made.id)) == 1


def test_an_update_may_be_a_mapping_with_an_id_and_a_version(world: World, boss: Principal) -> None:
    made = company(world, boss)

    [changed] = world.records.update(boss, "company", [{"id": made.id, "version": 1, "city": "Lyon"}])

    assert world.value("company", made.id, "city") == "Lyon"
    assert changed.version == 2


def test_what_cannot_be_read_is_not_found_and_what_cannot_be_changed_is_denied(
    world: World, ann: Principal, bob: Principal
) -> None:
    [hers] = world.records.create(ann, "person", [{"name": "Hers"}])
    theirs = company(world, ann)

    with pytest.raises(NotFound):
        world.records.update(bob, "person", [Change(hers.id, {"name": "Mine"})])
    with pytest.raises(AccessDenied):
        world.records.update(bob, "company", [Change(theirs.id, {"name": "Mine"})])
    with pytest.raises(NotFound):
        world.records.update(bob, "person", [Change(new_id(), {"name": "Nobody's"})])
    with pytest.raises(NotFound):
        world.records.update(bob, "person", [Change("not an id", {"name": "Nobody's"})])


def test_a_record_cannot_be_moved_out_of_reach(world: World, clerk: Principal) -> None:
    made = company(world, level="mid")

    world.records.update(clerk, "company", [Change(made.id, {"level": "low"})])
    with pytest.raises(AccessDenied):
        world.records.update(clerk, "company", [Change(made.id, {"level": "high"})])

    assert world.value("company", made.id, "level") == "low"


def test_handing_over_takes_the_grant_and_its_rows(
    world: World, ann: Principal, bob: Principal, clerk: Principal
) -> None:
    made = company(world, ann, level="mid")

    with pytest.raises(RecordInvalid) as refused:
        world.records.update(ann, "company", [Change(made.id, {"owner": bob.id})])
    assert problems(refused.value) == {"owner": "denied"}
    with pytest.raises(RecordInvalid):
        world.records.update(clerk, "company", [Change(made.id, {"owner": bob.id})])
    world.records.update(SYSTEM, "company", [Change(made.id, {"level": "low"})])
    world.records.update(clerk, "company", [Change(made.id, {"owner": bob.id})])

    assert world.value("company", made.id, "owner") == bob.id


def test_a_create_keeps_the_rule_of_its_grant(world: World, ann: Principal, bob: Principal) -> None:
    for values in ({"limit": "50", "owner": bob.id}, {"limit": "500"}, {"owner": bob.id}):
        world.records.create(ann, "order", [{"name": "fine", **values}])

    with pytest.raises(AccessDenied):
        world.records.create(ann, "order", [{"name": "beyond", "limit": "500", "owner": bob.id}])

    assert not world.rows("SELECT 1 FROM s_order WHERE name = 'beyond'")


def test_a_record_stands_in_a_call_once(world: World, boss: Principal) -> None:
    made = company(world, boss)

    with pytest.raises(RecordInvalid) as refused:
        world.records.update(boss, "company", [Change(made.id, {"city": "A"}), Change(made.id, {"city": "B"})])

    assert [(problem.row, problem.code) for problem in refused.value.problems] == [(1, "twice")]


# --- versions


def test_edits_of_different_fields_are_merged(world: World, boss: Principal) -> None:
    made = company(world, boss, credit="1", city="A")
    world.records.update(boss, "company", [Change(made.id, {"city": "B"}, version=1)])

    [merged] = world.records.update(boss, "company", [Change(made.id, {"credit": "2"}, version=1)])

    assert merged.version == 3
    assert world.value("company", made.id, "city") == "B"
    assert world.value("company", made.id, "credit") == Decimal("2.00")


def test_two_values_for_one_field_are_a_conflict_with_both_shown(
    world: World, boss: Principal, clerk: Principal
) -> None:
    made = company(world, boss, credit="1", city="A")
    world.records.update(clerk, "company", [Change(made.id, {"credit": "2"}, version=1)])
    world.records.update(boss, "company", [Change(made.id, {"city": "B"})])

    with pytest.raises(VersionConflict) as conflict:
        world.records.update(boss, "company", [Change(made.id, {"credit": "3", "open": False}, version=1)])

    [(key, found)] = conflict.value.fields.items()
    assert key == "credit"
    assert (found.base, found.theirs, found.mine) == (Decimal("1.00"), Decimal("2.00"), Decimal("3.00"))
    assert conflict.value.version == 3
    assert conflict.value.changed_by == boss.id
    assert world.value("company", made.id, "open") is True


def test_the_same_new_value_is_no_conflict_and_an_old_one_is_left_to_the_others(world: World, boss: Principal) -> None:
    made = company(world, boss, credit="1", city="A")
    world.records.update(boss, "company", [Change(made.id, {"credit": "2", "city": "B"})])

    [same] = world.records.update(boss, "company", [Change(made.id, {"credit": "2", "city": "A"}, version=1)])

    assert same.action == "unchanged"
    assert world.value("company", made.id, "city") == "B"


def test_a_strict_update_takes_no_other_version(world: World, boss: Principal) -> None:
    made = company(world, boss, credit="1")
    world.records.update(boss, "company", [Change(made.id, {"city": "B"})])

    with pytest.raises(VersionConflict):
        world.records.update(boss, "company", [Change(made.id, {"credit": "2"}, version=1)], strict=True)
    world.records.update(boss, "company", [Change(made.id, {"credit": "2"}, version=2)], strict=True)


def test_a_version_that_never_was_is_a_conflict(world: World, boss: Principal) -> None:
    made = company(world, boss)

    with pytest.raises(VersionConflict):
        world.records.update(boss, "company", [Change(made.id, {"city": "B"}, version=9)])


def test_links_are_merged_like_values(world: World, boss: Principal) -> None:
    [a, b, c] = world.records.create(boss, "person", [{"name": name} for name in "abc"])
    world.records.update(boss, "person", [Change(a.id, {"friends": [b.id]})])

    with pytest.raises(VersionConflict) as conflict:
        world.records.update(boss, "person", [Change(a.id, {"friends": [c.id]}, version=1)])

    assert conflict.value.fields["friends"].theirs == (b.id,)


def test_a_conflict_does_not_show_what_may_be_written_but_not_read(world: World, boss: Principal) -> None:
    blind = world.person("blind", "looker", "penman")
    made = company(world, boss, credit="1")
    world.records.update(boss, "company", [Change(made.id, {"credit": "2"})])

    with pytest.raises(VersionConflict) as conflict:
        world.records.update(blind, "company", [Change(made.id, {"credit": "3"}, version=1)])

    found = conflict.value.fields["credit"]
    assert (found.base, found.theirs, found.mine) == ("••••", "••••", Decimal("3.00"))
    [written] = world.records.update(blind, "company", [Change(made.id, {"credit": "3"})])
    assert "credit" not in written.values


# --- delete and restore


def test_a_deleted_record_is_in_the_bin_and_comes_back(world: World, boss: Principal) -> None:
    made = company(world, boss, city="Here")

    [gone] = world.records.delete(boss, "company", [made.id])
    assert gone.action == "deleted"
    assert world.value("company", made.id, "deleted_at") is not None
    with pytest.raises(NotFound):
        world.records.update(boss, "company", [Change(made.id, {"city": "There"})])
    with pytest.raises(NotFound):
        world.records.delete(boss, "company", [made.id])
    [back] = world.records.restore(boss, "company", [made.id])

    assert back.action == "restored"
    assert world.value("company", made.id, "deleted_at") is None
    assert [action for _, action, _ in world.history(made.id)] == ["create", "delete", "restore"]


def test_who_may_not_delete_may_not_restore(world: World, boss: Principal, bob: Principal, clerk: Principal) -> None:
    made = company(world, boss)

    with pytest.raises(AccessDenied):
        world.records.delete(clerk, "company", [made.id])
    with pytest.raises(AccessDenied):
        world.records.delete(bob, "company", [made.id])
    world.records.delete(boss, "company", [made.id])
    with pytest.raises(AccessDenied):
        world.records.restore(bob, "company", [made.id])


def test_a_value_in_the_bin_may_be_used_again_but_then_not_be_restored(world: World, boss: Principal) -> None:
    first = company(world, boss, code="ONE")
    world.records.delete(boss, "company", [first.id])
    second = company(world, boss, code="ONE")

    with pytest.raises(RecordInvalid) as refused:
        world.records.restore(boss, "company", [first.id])

    assert problems(refused.value) == {"code": "unique"}
    assert second.values["name"] in str(refused.value.problems[0].message)


def test_a_deleted_record_is_not_found_by_its_words(world: World, boss: Principal) -> None:
    made = company(world, boss, city="Zanzibar")

    def found() -> bool:
        with world.reading(boss) as reader:
            return made.id in {each.id for each in reader.search("zanzibar")}

    assert found()
    world.records.delete(boss, "company", [made.id])
    assert not found()
    world.records.restore(boss, "company", [made.id])
    assert found()
    world.records.update(boss, "company", [Change(made.id, {"city": "Madagascar"})])
    assert not found()
