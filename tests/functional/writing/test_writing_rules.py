"""What a record must keep: links, choices, conditions, states, checks, unique rules; and what follows from it."""

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from engine.data.batch import Change
from engine.data.principal import SYSTEM, Principal
from engine.errors import NotFound, RecordInvalid, SiteBroken
from engine.ids import new_id
from engine.storage.database import run
from engine.storage.guard import ENTITY_ACCESS
from tests.functional.writing.world import World


@pytest.fixture(scope="module")
def boss(world: World) -> Principal:
    return world.person("bea", "boss")


@pytest.fixture(scope="module")
def ann(world: World) -> Principal:
    return world.person("ann", "seller")


def make(world: World, entity: str, who: Principal = SYSTEM, **values: Any) -> Any:
    [written] = world.records.create(who, entity, [{"name": f"{entity} {new_id()[-12:]}", **values}])
    return written


def change(world: World, entity: str, id_: str, who: Principal = SYSTEM, **values: Any) -> Any:
    [written] = world.records.update(who, entity, [Change(id_, values)])
    return written


def refused(
    world: World, entity: str, who: Principal = SYSTEM, id_: str | None = None, **values: Any
) -> dict[str, str]:
    """Return path -> code of what is wrong with values."""
    try:
        make(world, entity, who, **values) if id_ is None else change(world, entity, id_, who, **values)
    except RecordInvalid as error:
        return {problem.path: problem.code for problem in error.problems}
    pytest.fail("nothing was refused")


# --- links


def test_a_link_may_be_given_by_external_id_or_title(world: World, boss: Principal) -> None:
    acme = make(world, "company", external_id="ACME-1", name="Acme of the title")

    for raw in (acme.id, {"id": acme.id}, {"external_id": "ACME-1"}, {"title": "Acme of the title"}):
        assert make(world, "person", boss, company=raw).values["company"] == acme.id


def test_a_title_that_fits_twice_is_refused_and_so_is_one_that_fits_nothing(world: World, boss: Principal) -> None:
    make(world, "company", name="Twin", city="A")
    make(world, "company", name="Twin", city="B")

    assert refused(world, "person", boss, company={"title": "Twin"}) == {"company": "link"}
    assert refused(world, "person", boss, company={"title": "Nobody knows it"}) == {"company": "link"}
    assert refused(world, "person", boss, company=new_id()) == {"company": "link"}


def test_a_link_to_what_may_not_be_read_leads_nowhere(world: World, ann: Principal, boss: Principal) -> None:
    hidden = make(world, "person", boss, name="Hidden from Ann")

    assert refused(world, "person", ann, boss=hidden.id) == {"boss": "link"}
    assert refused(world, "person", ann, boss={"title": "Hidden from Ann"}) == {"boss": "link"}
    assert refused(world, "person", ann, friends=[hidden.id]) == {"friends": "link"}


def test_a_link_that_somebody_else_made_may_stay(world: World, ann: Principal, boss: Principal) -> None:
    hidden = make(world, "person", boss)
    hers = make(world, "person", ann)
    change(world, "person", hers.id, boss, friends=[hidden.id])

    assert change(world, "person", hers.id, ann, name="Renamed").version == 3


def test_a_link_to_a_deleted_record_is_refused(world: World, boss: Principal) -> None:
    gone = make(world, "company")
    world.records.delete(SYSTEM, "company", [gone.id])

    assert refused(world, "person", boss, company=gone.id) == {"company": "link"}


def test_a_link_fits_the_condition_of_its_field_for_this_record(world: World, boss: Principal) -> None:
    one, other = make(world, "company"), make(world, "company")
    chief = make(world, "person", company=one.id)

    assert make(world, "person", boss, company=one.id, boss=chief.id).values["boss"] == chief.id
    assert refused(world, "person", boss, company=other.id, boss=chief.id) == {"boss": "link"}


def test_a_link_to_any_entity_keeps_which(world: World, boss: Principal) -> None:
    acme = make(world, "company", external_id="ANY-1")

    assert make(world, "person", boss, about=f"company/{acme.id}").values["about"] == f"company/{acme.id}"
    assert refused(world, "person", boss, about=f"company/{new_id()}") == {"about": "link"}
    assert refused(world, "person", boss, about=f"person/{acme.id}")["about"] in {"invalid", "link"}


def test_links_to_many_are_kept_in_order_and_once(world: World, boss: Principal) -> None:
    [a, b, c] = [make(world, "person", boss).id for _ in range(3)]
    made = make(world, "person", boss, friends=[c, a, c])

    assert made.values["friends"] == (c, a)
    [changed] = world.records.update(boss, "person", [Change(made.id, {"friends": [b, c]})])
    assert changed.changed == {"friends"}
    assert world.history(made.id)[-1][2] == {"friends": [[c, a], [b, c]]}
    change(world, "person", made.id, boss, friends=[])
    assert world.history(made.id)[-1][2] == {"friends": [[b, c], None]}


def test_a_record_may_link_to_itself(world: World, boss: Principal) -> None:
    made = make(world, "person", boss)

    assert change(world, "person", made.id, boss, friends=[made.id]).values["friends"] == (made.id,)


# --- deleting what is linked to


def test_what_is_linked_to_is_kept_cleared_or_taken_along(world: World, boss: Principal) -> None:
    acme = make(world, "company")
    worker = make(world, "person", company=acme.id)
    friend = make(world, "person", friends=[worker.id], boss=None)
    underling = make(world, "person", company=acme.id, boss=worker.id)
    order = make(world, "order", company=acme.id, items=[{"what": "x", "amount": 1}])

    with pytest.raises(RecordInvalid) as kept:
        world.records.delete(boss, "company", [acme.id])
    assert [problem.code for problem in kept.value.problems] == ["restrict"]
    assert "2 persons" in str(kept.value.problems[0].message)

    world.records.delete(boss, "person", [worker.id])
    assert world.value("person", underling.id, "boss") is None
    assert world.history(underling.id)[-1][2]["boss"] == [worker.id, None]
    assert world.history(friend.id)[-1][2]["friends"] == [[worker.id], None]

    world.records.delete(boss, "person", [underling.id])
    world.records.delete(boss, "company", [acme.id])
    assert world.value("order", order.id, "deleted_at") is not None
    item = order.values["items"][0]["id"]
    assert world.value("item", item, "deleted_at") is not None

    world.records.restore(boss, "company", [acme.id])
    assert world.value("order", order.id, "deleted_at") is None
    assert world.value("item", item, "deleted_at") is None
    assert [action for _, action, _ in world.history(order.id)] == ["create", "delete", "restore"]


def test_what_was_deleted_before_stays_deleted_when_its_parent_comes_back(world: World, boss: Principal) -> None:
    order = make(world, "order", items=[{"what": "early", "amount": 1}, {"what": "late", "amount": 2}])
    early, late = (item["id"] for item in order.values["items"])
    change(world, "order", order.id, boss, items=[{"id": late}])

    world.records.delete(boss, "order", [order.id])
    world.records.restore(boss, "order", [order.id])

    assert world.value("item", early, "deleted_at") is not None
    assert world.value("item", late, "deleted_at") is None
    assert world.value("order", order.id, "total") == Decimal("2.00")


def test_a_child_row_is_not_restored_without_its_parent(world: World, boss: Principal) -> None:
    order = make(world, "order", items=[{"what": "x", "amount": 1}])
    world.records.delete(boss, "order", [order.id])

    with pytest.raises(RecordInvalid) as error:
        world.records.restore(boss, "item", [order.values["items"][0]["id"]])
    assert error.value.problems[0].path == "order"


def test_two_records_that_keep_each_other_go_together(world: World, boss: Principal) -> None:
    acme = make(world, "company")
    people = [make(world, "person", company=acme.id).id for _ in range(2)]

    world.records.delete(boss, "person", people)
    world.records.delete(boss, "company", [acme.id])

    assert world.value("company", acme.id, "deleted_at") is not None


# --- child rows


def test_child_rows_are_made_changed_and_deleted_with_their_parent(world: World, boss: Principal) -> None:
    order = make(world, "order", boss, items=[{"what": "a", "amount": "1"}, {"what": "b", "amount": 2}])
    a, b = order.values["items"]
    assert (a["what"], a["amount"]) == ("a", Decimal("1.00"))

    changed = change(world, "order", order.id, boss, items=[{"id": b["id"], "amount": 20}, {"what": "c", "amount": 3}])

    assert [item["what"] for item in changed.values["items"]] == ["b", "c"]
    assert changed.version == 2
    assert changed.values["total"] == Decimal("23.00")
    assert world.value("item", a["id"], "deleted_at") is not None
    assert world.history(b["id"])[-1] == (2, "update", {"amount": ["2.00", "20.00"]})
    before, after = world.history(order.id)[-1][2]["items"]
    assert before == [a["id"], b["id"]]
    assert after == [item["id"] for item in changed.values["items"]]


def test_child_rows_that_are_not_given_stay(world: World, boss: Principal) -> None:
    order = make(world, "order", boss, items=[{"what": "a", "amount": 1}])

    change(world, "order", order.id, boss, name="Renamed")

    assert world.value("item", order.values["items"][0]["id"], "deleted_at") is None


def test_a_child_row_asks_to_be_deleted_by_a_mark(world: World, boss: Principal) -> None:
    order = make(world, "order", boss, items=[{"what": "a", "amount": 1}, {"what": "b", "amount": 2}])
    a, b = (item["id"] for item in order.values["items"])

    change(world, "order", order.id, boss, items=[{"id": a, "_delete": True}, {"id": b}])

    assert world.value("order", order.id, "lines") == 1


def test_problems_of_child_rows_have_the_path_of_the_row(world: World, boss: Principal) -> None:
    items = [{"what": "ok", "amount": 1}, {"amount": "-1"}, {"what": "x", "amount": "much", "colour": "red"}]

    assert refused(world, "order", boss, items=items) == {
        "items/1/what": "required",
        "items/1/amount": "invalid",
        "items/2/amount": "invalid",
        "items/2/colour": "unknown",
    }


def test_a_child_row_of_another_parent_is_not_taken(world: World, boss: Principal) -> None:
    mine = make(world, "order", boss, items=[{"what": "a", "amount": 1}])
    other = make(world, "order", boss)

    given = [{"id": mine.values["items"][0]["id"], "amount": 5}]
    assert refused(world, "order", boss, other.id, items=given) == {"items/0/id": "unknown"}


def test_equal_child_rows_write_nothing(world: World, boss: Principal) -> None:
    order = make(world, "order", boss, items=[{"what": "a", "amount": 1}])

    same = change(world, "order", order.id, boss, items=[{"id": order.values["items"][0]["id"], "amount": "1.00"}])

    assert same.action == "unchanged"
    assert len(world.history(order.id)) == 1


def test_a_child_row_written_by_itself_changes_its_parent(world: World, boss: Principal, ann: Principal) -> None:
    order = make(world, "order", ann, items=[{"what": "a", "amount": 1}])
    item = order.values["items"][0]["id"]

    change(world, "item", item, ann, amount=7)
    [more] = world.records.create(ann, "item", [{"order": order.id, "what": "b", "amount": 1}])

    assert world.value("order", order.id, "total") == Decimal("8.00")
    assert world.value("order", order.id, "version") == 3
    world.records.delete(ann, "item", [more.id])
    assert world.value("order", order.id, "total") == Decimal("7.00")


def test_child_rows_follow_the_right_to_their_parent(world: World, boss: Principal, ann: Principal) -> None:
    order = make(world, "order", boss, items=[{"what": "a", "amount": 1}])
    item = order.values["items"][0]["id"]

    with pytest.raises(NotFound):
        change(world, "item", item, ann, amount=7)
    assert refused(world, "item", ann, order=order.id, what="b", amount=1, name=None).keys() >= {"order"}


def test_a_check_of_a_child_sees_its_parent_as_it_is_being_written(world: World, boss: Principal) -> None:
    assert make(world, "order", boss, items=[{"what": "gift", "amount": 0}]).version == 1
    order = make(world, "order", boss, items=[{"what": "gift", "amount": 1}])
    with pytest.raises(RecordInvalid) as error:
        change(world, "order", order.id, boss, stage="sent", items=[{"what": "gift", "amount": 0}])
    assert "items/0/amount" in {problem.path for problem in error.value.problems}


def test_a_formula_of_child_rows_follows_the_parent(world: World, boss: Principal) -> None:
    order = make(world, "order", boss, items=[{"what": "a", "amount": 1}])
    item = order.values["items"][0]
    assert item["stage_then"] == "draft"

    world.records.transition(boss, "order", [order.id], "send")

    assert world.value("item", item["id"], "stage_then") == "sent"


# --- rollups and formulas


def test_rollups_follow_rows_that_come_change_move_and_go(world: World, boss: Principal) -> None:
    one, other = make(world, "company"), make(world, "company")

    def kept(id_: str) -> tuple[Any, ...]:
        values = world.values("company", id_)
        return tuple(values[key] for key in ("people", "pay", "best", "mean", "sized"))

    assert kept(one.id) == (0, Decimal("0.00"), None, None, "small")
    [a, b, c] = world.records.create(
        boss,
        "person",
        [
            {"name": name, "company": one.id, "salary": pay, "active": on}
            for name, pay, on in [("a", 1, True), ("b", 2, False), ("c", None, True)]
        ],
    )
    assert kept(one.id) == (3, Decimal("1.00"), Decimal("2.00"), Decimal("1.50"), "big")
    change(world, "person", b.id, boss, active=True, salary="10")
    assert kept(one.id)[1:4] == (Decimal("11.00"), Decimal("10.00"), Decimal("5.50"))
    change(world, "person", b.id, boss, company=other.id)
    assert kept(one.id) == (2, Decimal("1.00"), Decimal("1.00"), Decimal("1.00"), "small")
    assert kept(other.id)[:2] == (1, Decimal("10.00"))
    world.records.delete(boss, "person", [a.id, c.id])
    assert kept(one.id) == (0, Decimal("0.00"), None, None, "small")
    world.records.restore(boss, "person", [a.id])
    assert kept(one.id)[:2] == (1, Decimal("1.00"))


def test_a_rollup_that_changes_is_a_version_with_history(world: World, boss: Principal) -> None:
    one = make(world, "company")
    make(world, "person", boss, company=one.id, salary=5)

    version, action, changes = world.history(one.id)[-1]
    assert (version, action) == (2, "update")
    assert changes == {"people": [0, 1], "pay": ["0.00", "5.00"], "best": [None, "5.00"], "mean": [None, "5.00"]}
    person = make(world, "person", boss, company=one.id)
    change(world, "person", person.id, boss, note="nothing to do with pay")
    assert len(world.history(one.id)) == 3


def test_rollups_of_rollups_reach_up_a_tree(world: World, boss: Principal) -> None:
    top = make(world, "company")
    branch = make(world, "company", parent=top.id)
    make(world, "person", boss, company=branch.id)

    assert world.value("company", top.id, "branches") == 1
    make(world, "person", boss, company=branch.id)
    assert world.value("company", top.id, "branches") == 2
    change(world, "company", branch.id, boss, parent=None)
    assert world.value("company", top.id, "branches") == 0


def test_rollups_over_many_to_many_links(world: World, boss: Principal) -> None:
    one, other = make(world, "project"), make(world, "project")
    task = make(world, "task", boss, hours="1.5", projects=[one.id, other.id])
    make(world, "task", boss, hours="2", projects=[one.id])

    assert world.value("project", one.id, "paid") == Decimal("3.50")
    assert world.value("project", other.id, "paid") == Decimal("1.50")
    change(world, "task", task.id, boss, hours="3")
    assert world.value("project", one.id, "paid") == Decimal("5.00")
    change(world, "task", task.id, boss, projects=[other.id])
    assert world.value("project", one.id, "paid") == Decimal("2.00")
    world.records.delete(boss, "task", [task.id])
    assert world.value("project", other.id, "paid") == Decimal("0.00")
    world.records.restore(boss, "task", [task.id])
    assert world.value("project", other.id, "paid") == Decimal("3.00")


def test_a_stored_formula_follows_what_it_reads_along_a_link(world: World, boss: Principal) -> None:
    low, high = make(world, "company", level="low"), make(world, "company", level="high")
    person = make(world, "person", boss, company=low.id)
    assert person.values["level"] == "low"

    change(world, "company", low.id, boss, level="mid")
    assert world.value("person", person.id, "level") == "mid"
    assert world.history(person.id)[-1] == (2, "update", {"level": ["low", "mid"]})
    change(world, "person", person.id, boss, company=high.id)
    assert world.value("person", person.id, "level") == "high"


def test_the_first_row_is_the_first_in_the_order_of_its_entity(world: World, boss: Principal) -> None:
    order = make(world, "order", boss, items=[{"what": "z", "amount": 1}, {"what": "a", "amount": 1}])

    assert world.value("order", order.id, "first_what") == "z"
    change(world, "order", order.id, boss, items=[{"id": order.values["items"][1]["id"]}])
    assert world.value("order", order.id, "first_what") == "a"


# --- conditions and choices


def test_a_value_may_be_required_by_another(world: World, boss: Principal) -> None:
    assert refused(world, "person", boss, mood="sad") == {"note": "required"}
    person = make(world, "person", boss, mood="sad", note="why")
    assert refused(world, "person", boss, person.id, note="") == {"note": "required"}
    glad = make(world, "person", boss, mood="glad")
    assert refused(world, "person", boss, glad.id, mood="sad") == {"note": "required"}
    assert change(world, "person", glad.id, boss, salary=1).version == 2


def test_a_value_may_be_read_only_as_the_record_stands(world: World, boss: Principal) -> None:
    person = make(world, "person", boss, fixed="a")

    change(world, "person", person.id, boss, fixed="b", active=False)
    assert refused(world, "person", boss, person.id, fixed="c") == {"fixed": "read_only"}
    assert change(world, "person", person.id, boss, fixed="b").action == "unchanged"


def test_an_option_may_depend_on_the_record(world: World, boss: Principal) -> None:
    assert refused(world, "person", boss, grade="a", salary=50) == {"grade": "option"}
    rich = make(world, "person", boss, grade="a", salary=500)
    assert refused(world, "person", boss, rich.id, salary=50) == {"grade": "option"}
    assert change(world, "person", rich.id, boss, note="x").version == 2
    assert make(world, "person", boss, grade="b").values["grade"] == "b"


def test_a_required_value_that_is_missing_already_does_not_block_other_edits(world: World, boss: Principal) -> None:
    person = make(world, "person", boss)
    with world.database.write() as connection:
        run(connection, f"UPDATE s_person SET name = NULL WHERE id = {world.mark}", (person.id,), access=ENTITY_ACCESS)

    assert change(world, "person", person.id, boss, note="x").version == 2
    assert change(world, "person", person.id, boss, name="y").version == 3
    assert refused(world, "person", boss, person.id, name="") == {"name": "required"}


# --- states


def test_the_state_moves_along_transitions_only(world: World, boss: Principal, ann: Principal) -> None:
    order = make(world, "order", ann, items=[{"what": "a", "amount": 1}])

    assert refused(world, "order", ann, order.id, stage="paid") == {"stage": "transition"}
    assert change(world, "order", order.id, ann, stage="sent").values["stage"] == "sent"
    assert refused(world, "order", ann, order.id, stage="paid", paid_on="2099-01-01") == {"stage": "denied"}
    assert refused(world, "order", boss, order.id, stage="paid") == {"paid_on": "required"}
    assert change(world, "order", order.id, boss, stage="paid", paid_on="2099-01-01").values["stage"] == "paid"
    assert refused(world, "order", boss, order.id, stage="draft") == {"stage": "transition"}
    assert refused(world, "order", boss, order.id, stage="void") == {"reason": "required"}
    assert change(world, "order", order.id, boss, stage="void", reason="x").values["stage"] == "void"


def test_a_transition_waits_for_its_condition(world: World, ann: Principal) -> None:
    empty = make(world, "order", ann)

    assert refused(world, "order", ann, empty.id, stage="sent") == {"stage": "transition"}


def test_a_transition_by_name_takes_what_it_needs(world: World, boss: Principal, ann: Principal) -> None:
    order = make(world, "order", ann, items=[{"what": "a", "amount": 1}])

    [sent] = world.records.transition(ann, "order", [order.id], "send")
    assert sent.values["stage"] == "sent"
    assert world.history(order.id)[-1][1:] == ("transition", {"stage": ["draft", "sent"]})
    with pytest.raises(RecordInvalid) as error:
        world.records.transition(boss, "order", [order.id], "pay")
    assert [(problem.path, problem.code) for problem in error.value.problems] == [("paid_on", "required")]
    [paid] = world.records.transition(boss, "order", [order.id], "pay", {"paid_on": "2099-01-01"})
    assert paid.values["paid_on"] == dt.date(2099, 1, 1)
    with pytest.raises(RecordInvalid):
        world.records.transition(boss, "order", [order.id], "pay", {"paid_on": "2099-01-02"})
    with pytest.raises(NotFound):
        world.records.transition(boss, "order", [order.id], "fly")


def test_a_new_record_starts_where_records_start(world: World, boss: Principal) -> None:
    assert refused(world, "order", boss, stage="paid") == {"stage": "transition"}
    assert make(world, "order", SYSTEM, stage="paid").values["stage"] == "paid"
    [imported] = world.records.create(boss, "order", [{"name": "old", "stage": "paid"}], via="import:1")
    assert imported.values["stage"] == "paid"


# --- checks


def test_a_check_refuses_with_its_key_and_its_words_in_every_language(world: World, boss: Principal) -> None:
    with pytest.raises(RecordInvalid) as error:
        make(world, "order", boss, limit=10, items=[{"what": "a", "amount": 11}])

    [problem] = error.value.problems
    assert (problem.path, problem.code) == ("limit", "within_limit")
    assert problem.message.in_("en") == "Over the limit"
    assert problem.message.in_("zh") == "超出限额"


def test_a_check_over_child_rows_holds_when_they_change_by_themselves(world: World, boss: Principal) -> None:
    order = make(world, "order", boss, limit=10, items=[{"what": "a", "amount": 9}])

    with pytest.raises(RecordInvalid) as error:
        world.records.create(boss, "item", [{"order": order.id, "what": "b", "amount": 2}])

    assert [problem.code for problem in error.value.problems] == ["within_limit"]
    assert world.value("order", order.id, "total") == Decimal("9.00")


def test_a_warning_refuses_nothing(world: World, boss: Principal) -> None:
    order = make(world, "order", boss, items=[{"what": "a", "amount": 6000}])

    assert [(each.code, str(each.message)) for each in order.warnings] == [("small", "That is a lot")]
    assert change(world, "order", order.id, boss, name="x").warnings == ()


# --- unique rules


def test_a_value_that_is_taken_is_told_with_its_owner_where_that_may_be_known(
    world: World, boss: Principal, ann: Principal
) -> None:
    twin = make(world, "person", boss, name="Original", email="twin@example.com")

    with pytest.raises(RecordInvalid) as told:
        make(world, "person", boss, email="twin@example.com")
    with pytest.raises(RecordInvalid) as untold:
        make(world, "person", ann, email="twin@example.com")

    assert [(each.path, each.code) for each in told.value.problems] == [("email", "unique")]
    assert "Original" in str(told.value.problems[0].message)
    assert "Original" not in str(untold.value.problems[0].message)
    assert twin.id not in str(untold.value.problems[0].message)


def test_rows_of_one_call_are_compared_with_each_other(world: World, boss: Principal) -> None:
    with pytest.raises(RecordInvalid) as error:
        world.records.create(boss, "person", [{"name": "x", "email": "same@example.com"}] * 2)

    assert [(each.row, each.path, each.code) for each in error.value.problems] == [(1, "email", "unique")]


def test_fields_may_be_unique_together_and_nothing_is_not_compared(world: World, boss: Principal) -> None:
    make(world, "company", name="Pair", city="A")
    make(world, "company", name="Pair", city="B")
    make(world, "company", name="Pair")
    other = make(world, "company", name="Pair")

    assert refused(world, "company", boss, name="Pair", city="A") == {"": "unique"}
    assert refused(world, "company", boss, other.id, city="B") == {"": "unique"}


def test_an_external_id_stands_once_per_entity(world: World, boss: Principal) -> None:
    make(world, "company", external_id="E-1")

    assert refused(world, "company", boss, external_id="E-1") == {"external_id": "unique"}
    assert make(world, "person", boss, external_id="E-1").values["external_id"] == "E-1"


def test_a_value_may_change_hands_within_one_call(world: World, boss: Principal) -> None:
    one = make(world, "person", boss, email="hand@example.com")
    other = make(world, "person", boss)

    world.records.update(
        boss, "person", [Change(one.id, {"email": None}), Change(other.id, {"email": "hand@example.com"})]
    )

    assert world.value("person", other.id, "email") == "hand@example.com"


# --- secrets


def test_a_secret_is_encrypted_and_shows_nowhere(world: World, boss: Principal) -> None:
    made = make(world, "company", boss, pin="tulip-4711")

    [(stored,)] = world.rows("SELECT pin FROM s_company WHERE id = ?", (made.id,))
    assert "tulip" not in stored
    assert made.values["pin"] == "••••"
    change(world, "company", made.id, boss, pin="rose-0815")
    assert world.history(made.id)[-1][2] == {"pin": ["••••", "••••"]}
    everything = str(world.rows("SELECT changes FROM record_change WHERE record_id = ?", (made.id,)))
    assert "tulip" not in everything
    assert "rose" not in everything
    assert change(world, "company", made.id, boss, pin="rose-0815").action == "unchanged"
    assert change(world, "company", made.id, boss, pin="••••").action == "unchanged"
    assert change(world, "company", made.id, boss, pin=None).values["pin"] is None


def test_a_secret_does_not_open_in_another_row(world: World, boss: Principal) -> None:
    one, other = make(world, "company", boss, pin="mine"), make(world, "company", boss, pin="yours")
    assert world.records.reveal(boss, "company", one.id, "pin") == "mine"
    with world.database.write() as connection:
        text = f"UPDATE s_company SET pin = (SELECT pin FROM s_company WHERE id = {world.mark}) WHERE id = {world.mark}"
        run(connection, text, (one.id, other.id), access=ENTITY_ACCESS)

    with pytest.raises(SiteBroken):
        world.records.reveal(boss, "company", other.id, "pin")


def test_looking_at_a_secret_is_noted_and_not_for_everybody(world: World, boss: Principal, ann: Principal) -> None:
    made = make(world, "company", ann)
    change(world, "company", made.id, boss, pin="mine")

    assert world.records.reveal(boss, "company", made.id, "pin") == "mine"
    assert world.history(made.id)[-1][1] == "reveal"
    with pytest.raises(NotFound):
        world.records.reveal(ann, "company", made.id, "pin")
    with pytest.raises(NotFound):
        world.records.reveal(boss, "company", made.id, "name")


# --- numbers


def test_numbers_count_on_and_gapless_ones_without_a_gap(world: World, boss: Principal) -> None:
    first = make(world, "company", boss).values
    with pytest.raises(RecordInvalid):
        make(world, "company", boss, credit="-1")
    with pytest.raises(RecordInvalid):
        world.records.create(boss, "company", [{"name": "ok"}, {"name": "ok", "level": "nonsense"}])
    second = make(world, "company", boss).values

    assert int(second["bill"][2:]) == int(first["bill"][2:]) + 1
    assert int(second["number"][2:]) > int(first["number"][2:])
    many = world.records.create(boss, "company", [{"name": f"n {number}"} for number in range(50)])
    assert len({each.values["number"] for each in many}) == 50
    bills = [int(each.values["bill"][2:]) for each in many]
    assert bills == list(range(bills[0], bills[0] + 50))


def test_a_transition_sees_the_child_rows_that_are_given_along(world: World, ann: Principal) -> None:
    order = make(world, "order", ann)

    sent = change(world, "order", order.id, ann, stage="sent", items=[{"what": "a", "amount": 1}])
    assert sent.values["stage"] == "sent"
    other = make(world, "order", ann, items=[{"what": "a", "amount": 1}])
    assert refused(world, "order", ann, other.id, stage="sent", items=[]) == {"stage": "transition"}
    assert world.value("order", other.id, "lines") == 1


def test_child_rows_have_child_rows(tmp_path: Path) -> None:
    site = """
entity: book
plural: books
title: name
fields:
  name: {type: text, required: true}
  chapters: {type: table, of: chapter}
  pages: {type: rollup, of: chapters, sum: pages}
---
entity: chapter
parent: book
title: name
fields:
  name: {type: text, required: true}
  sections: {type: table, of: section}
  pages: {type: rollup, of: sections, sum: pages}
---
entity: section
parent: chapter
title: name
fields:
  name: {type: text, required: true}
  pages: {type: integer, min: 0}
"""
    world = World(f"sqlite:///{tmp_path}/guanxi.sqlite", site)
    book = make(
        world, "book", chapters=[{"name": "1", "sections": [{"name": "a", "pages": 3}, {"name": "b", "pages": 4}]}]
    )
    [chapter] = book.values["chapters"]
    assert book.values["pages"] == 7
    assert world.value("chapter", chapter["id"], "pages") == 7
    assert refused(world, "book", chapters=[{"name": "2", "sections": [{"name": "x", "pages": -1}]}]) == {
        "chapters/0/sections/0/pages": "invalid"
    }

    section = chapter["sections"][0]["id"]
    change(world, "section", section, pages=10)
    assert world.value("book", book.id, "pages") == 14
    world.records.delete(SYSTEM, "book", [book.id])
    assert world.value("section", section, "deleted_at") is not None
    world.records.restore(SYSTEM, "book", [book.id])
    assert world.value("section", section, "deleted_at") is None
    assert world.value("book", book.id, "pages") == 14
    world.database.dispose()


def test_child_rows_see_the_formulas_and_the_sum_of_their_parent(tmp_path: Path) -> None:
    site = """
entity: bill
plural: bills
title: name
fields:
  name: {type: text}
  rate: {type: number, decimals: 2}
  doubled: {type: formula, result: number, decimals: 2, stored: true, expr: "rate * 2"}
  lines: {type: table, of: bill_line}
  total: {type: rollup, of: lines, sum: amount}
---
entity: bill_line
parent: bill
title: what
fields:
  what: {type: text}
  amount: {type: number, decimals: 2}
  taxed: {type: formula, result: number, decimals: 2, stored: true, expr: "amount * bill.doubled"}
  part: {type: formula, result: number, decimals: 2, stored: true, expr: "amount / bill.total"}
"""
    world = World(f"sqlite:///{tmp_path}/guanxi.sqlite", site)
    bill = make(world, "bill", rate="1.5", lines=[{"what": "a", "amount": 3}, {"what": "b", "amount": 1}])
    a, b = (line["id"] for line in bill.values["lines"])

    assert (world.value("bill_line", a, "taxed"), world.value("bill_line", b, "part")) == (9, Decimal("0.25"))
    change(world, "bill", bill.id, rate=2, lines=[{"id": a}, {"id": b, "amount": 2}])
    assert (world.value("bill_line", a, "taxed"), world.value("bill_line", b, "part")) == (12, Decimal("0.40"))
    world.database.dispose()
