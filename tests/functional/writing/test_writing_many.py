"""Many records at once: upsert, bulk calls, mass updates, undo, purge, idempotency keys."""

import datetime as dt
from collections.abc import Iterable
from typing import Any

import orjson
import pytest
import time_machine

from engine.data.batch import Change, Result
from engine.data.principal import SYSTEM, Principal
from engine.errors import AccessDenied, GuanxiError, IdempotencyMismatch, NotFound, RecordInvalid, VersionConflict
from engine.ids import new_id
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


def set_of(world: World, id_: str) -> str:
    """Return the change set that made a record."""
    [(found,)] = world.rows("SELECT change_set_id FROM record_change WHERE record_id = ? AND version = 1", (id_,))
    return str(found)


# --- upsert


def test_rows_are_matched_by_external_id_and_nothing_doubles(world: World, boss: Principal) -> None:
    rows = [{"external_id": f"U-{number}", "name": f"Upserted {number}", "city": "A"} for number in range(3)]

    first = world.records.upsert(boss, "company", rows, on="external_id")
    again = world.records.upsert(boss, "company", rows, on="external_id")
    changed = world.records.upsert(
        boss, "company", [{**rows[1], "city": "B"}, {"external_id": "U-9", "name": "New"}], on="external_id"
    )

    assert [each.action for each in first] == ["created"] * 3
    assert [(each.action, each.version, each.id) for each in again] == [("unchanged", 1, each.id) for each in first]
    assert [each.action for each in changed] == ["updated", "created"]
    assert changed[0].id == first[1].id


def test_rows_are_matched_by_any_unique_rule_field_or_id(world: World, boss: Principal) -> None:
    made = make(world, "company", name="Ruled", city="X", code="R-1")

    [by_rule] = world.records.upsert(boss, "company", [{"name": "Ruled", "city": "X", "level": "mid"}], on="one_place")
    [by_field] = world.records.upsert(boss, "company", [{"code": "R-1", "level": "high"}], on="code")
    [by_id] = world.records.upsert(boss, "company", [{"id": made.id, "level": "low"}], on="id")

    assert {by_rule.id, by_field.id, by_id.id} == {made.id}
    assert by_id.version == 4
    with pytest.raises(RecordInvalid):
        world.records.upsert(boss, "company", [{"city": "X"}], on="city")


def test_a_key_that_comes_twice_changes_what_it_made(world: World, boss: Principal) -> None:
    rows = [{"external_id": "TW", "name": "one"}, {"name": "no key"}, {"external_id": "TW", "name": "two"}]

    written = world.records.upsert(boss, "company", rows, on="external_id")

    assert [each.action for each in written] == ["created", "created", "updated"]
    assert written[0].id == written[2].id
    assert world.value("company", written[0].id, "name") == "two"


def test_an_upsert_tells_the_place_of_each_problem(world: World, boss: Principal) -> None:
    make(world, "company", external_id="PL-1")
    rows = [{"external_id": "PL-1", "credit": "x"}, {"external_id": "PL-2", "name": "ok"}, {"external_id": "PL-3"}]

    with pytest.raises(RecordInvalid) as refused:
        world.records.upsert(boss, "company", rows, on="external_id")

    assert sorted((each.row, each.path) for each in refused.value.problems) == [(0, "credit"), (2, "name")]


def test_an_upsert_does_not_touch_what_may_not_be_read(world: World, boss: Principal, ann: Principal) -> None:
    hidden = make(world, "person", boss, external_id="HID", name="Hidden")

    with pytest.raises(RecordInvalid) as refused:
        world.records.upsert(ann, "person", [{"external_id": "HID", "name": "Taken over"}], on="external_id")

    assert [each.code for each in refused.value.problems] == ["unique"]
    assert "Hidden" not in str(refused.value)
    assert world.value("person", hidden.id, "name") == "Hidden"


# --- bulk calls


def outcomes(results: Iterable[Result]) -> list[str]:
    return [each.written.action if each.written else type(each.error).__name__ for each in results]


def test_operations_of_a_bulk_call_each_have_a_result(world: World, boss: Principal, ann: Principal) -> None:
    mine, other, gone = make(world, "company", ann), make(world, "company", boss), make(world, "company", ann)
    operations = [
        {"create": {"name": "bulk one"}},
        {"create": {"level": "top"}},
        {"update": {"id": mine.id, "values": {"city": "C"}}},
        {"update": {"id": other.id, "city": "C"}},
        {"update": {"id": new_id(), "city": "C"}},
        {"upsert": {"external_id": "BLK", "name": "bulk two"}},
        {"delete": {"id": gone.id}},
        {"restore": gone.id},
        {"transition": {"id": mine.id, "name": "fly"}},
        {"create": {"name": "bulk three"}},
    ]

    results = world.records.bulk(ann, "company", operations, atomic=False)

    assert outcomes(results) == [
        "created", "RecordInvalid", "updated", "AccessDenied", "NotFound", "created", "deleted", "restored", "NotFound",
        "created",
    ]  # fmt: skip
    error = results[1].error
    assert isinstance(error, RecordInvalid)
    assert {(each.row, each.path) for each in error.problems} == {(0, "name"), (0, "level")}
    assert world.rows("SELECT count(*) FROM s_company WHERE name IN ('bulk one', 'bulk two', 'bulk three')") == [(3,)]


def test_an_atomic_bulk_call_is_all_or_nothing_and_tells_the_places(world: World, boss: Principal) -> None:
    operations: list[dict[str, Any]] = [
        {"create": {"name": "atom one"}},
        {"create": {}},
        {"create": {"name": "atom two", "credit": "x"}},
    ]

    with pytest.raises(RecordInvalid) as refused:
        world.records.bulk(boss, "company", operations, atomic=True)

    assert sorted((each.row, each.path) for each in refused.value.problems) == [(1, "name"), (2, "credit")]
    assert world.rows("SELECT count(*) FROM s_company WHERE name IN ('atom one', 'atom two')") == [(0,)]
    assert outcomes(world.records.bulk(boss, "company", operations[:1], atomic=True)) == ["created"]


def test_a_row_that_fails_after_it_was_written_takes_only_itself_back(
    world: World, ann: Principal, boss: Principal
) -> None:
    operations: list[dict[str, Any]] = [
        {"create": {"name": "late one", "limit": "50"}},
        {"create": {"name": "late two", "limit": "500", "owner": boss.id}},
        {"create": {"name": "late three", "limit": 1, "items": [{"what": "a", "amount": 2}]}},
        {"create": {"name": "late four"}},
    ]

    results = world.records.bulk(ann, "order", operations, atomic=False)

    assert outcomes(results) == ["created", "AccessDenied", "RecordInvalid", "created"]
    found = world.rows("SELECT name FROM s_order WHERE name LIKE ? ORDER BY name", ("late %",))
    assert [name for (name,) in found] == ["late four", "late one"]


def test_one_operation_may_name_many_records(world: World, boss: Principal) -> None:
    ids = [make(world, "company", boss).id for _ in range(4)]

    [done] = world.records.bulk(boss, "company", [{"update": {"ids": ids, "values": {"open": False}}}], atomic=True)
    assert (done.ok, done.count) == (True, 4)
    [gone] = world.records.bulk(boss, "company", [{"delete": {"ids": ids[:2]}}])
    assert gone.count == 2
    [back] = world.records.bulk(boss, "company", [{"restore": {"ids": ids[:2]}}])
    assert back.count == 2


def test_conflicts_of_a_bulk_call_stay_with_their_operation(world: World, boss: Principal) -> None:
    one, other = make(world, "company", boss, city="A"), make(world, "company", boss, city="A")
    world.records.update(boss, "company", [Change(one.id, {"city": "B"})])

    results = world.records.bulk(
        boss, "company", [{"update": {"id": each.id, "version": 1, "city": "C"}} for each in (one, other)]
    )

    assert outcomes(results) == ["VersionConflict", "updated"]
    assert isinstance(results[0].error, VersionConflict)


@pytest.mark.parametrize(
    "operation",
    [
        {},
        {"fly": {}},
        {"create": 1},
        {"update": {"city": "x"}},
        {"update": {"ids": 1}},
        {"create": {}, "delete": "x"},
        {"update": {"id": "x", "version": "1"}},
    ],
)
def test_an_operation_that_is_none_is_told(world: World, boss: Principal, operation: dict[str, Any]) -> None:
    with pytest.raises(RecordInvalid) as refused:
        world.records.bulk(boss, "company", [{"create": {"name": "never"}}, operation])

    assert [(each.row, each.code) for each in refused.value.problems] == [(1, "operation")]


# --- mass updates


def history_of(world: World, ids: list[str]) -> list[tuple[Any, ...]]:
    return [(version, action, changes) for id_ in ids for version, action, changes in world.history(id_)[1:]]


VALUES = {"open": False, "credit": "-0.05"}


@pytest.mark.parametrize(
    ("field", "before", "after"),
    [
        ("open", True, False),
        ("open", None, True),
        ("credit", "1234567.89", "0.05"),
        ("credit", "0.05", None),
        ("credit", None, "3"),
        ("since", "2026-01-31", "2027-12-01"),
        ("level", "low", None),
    ],
)
def test_both_ways_of_a_mass_update_leave_the_same_behind(
    world: World, boss: Principal, field: str, before: Any, after: Any
) -> None:
    quick = [make(world, "company", boss, **{field: before}).id for _ in range(2)]
    slow = [make(world, "company", boss, **{field: before}).id for _ in range(2)]
    assert world.records.update_where(boss, "company", None, {field: after}, explain=True).path == (
        "rows" if field == "level" else "set"
    )

    done = world.records.update_where(boss, "company", None, {field: after}, ids=quick)
    world.records.update(boss, "company", [Change(id_, {field: after}) for id_ in slow])

    assert done.count == 2
    assert history_of(world, quick) == history_of(world, slow)
    for one, other in zip(quick, slow, strict=True):
        stamps = {"id", "name", "number", "bill", "created_at", "updated_at"}
        left, right = world.values("company", one), world.values("company", other)
        assert {key: left[key] for key in left if key not in stamps} == {
            key: right[key] for key in left if key not in stamps
        }
        assert left["updated_by"] == boss.id


def test_a_mass_update_says_what_keeps_it_from_the_fast_way(world: World, boss: Principal, ann: Principal) -> None:
    def why(who: Principal, entity: str, **values: Any) -> str:
        result = world.records.update_where(who, entity, None, values, explain=True)
        assert result.count == 0
        return "; ".join(map(str, result.why))

    assert why(boss, "company", credit=1) == ""
    assert "words" in why(boss, "company", city="x")
    assert "unique rule" in why(boss, "company", code="x")
    assert "Formulas of other records" in why(boss, "company", level="mid")
    assert "encrypted" in why(boss, "company", pin="x")
    assert "transitions" in why(boss, "order", stage="sent")
    assert "handed over" in why(ann, "order", owner=ann.id)
    assert why(boss, "order", owner=boss.id) == ""
    assert "check" in why(boss, "order", limit=1)
    assert "add it up" in why(boss, "person", salary=1)
    assert "Rules of" in why(boss, "person", mood="glad")
    assert "table of its own" in why(boss, "person", friends=[])
    assert "parent" in why(boss, "item", amount=1)


def test_a_mass_update_changes_what_fits_and_may_be_changed(world: World, boss: Principal, ann: Principal) -> None:
    mine = [make(world, "company", ann, city="Mass").id for _ in range(3)]
    other = make(world, "company", boss, city="Mass")
    same = make(world, "company", ann, city="Mass", open=False)

    done = world.records.update_where(ann, "company", "city == 'Mass'", {"open": False})

    assert (done.path, done.count) == ("set", 3)
    assert all(world.value("company", id_, "open") is False for id_ in mine)
    assert world.value("company", other.id, "open") is True
    assert world.value("company", same.id, "version") == 1
    assert {set_of_version(world, id_, 2) for id_ in mine} == {done.change_set}


def set_of_version(world: World, id_: str, version: int) -> str:
    [(found,)] = world.rows(
        "SELECT change_set_id FROM record_change WHERE record_id = ? AND version = ?", (id_, version)
    )
    return str(found)


def test_a_mass_update_row_by_row_does_the_same(world: World, boss: Principal, ann: Principal) -> None:
    mine = [make(world, "company", ann, level="low", tags=["m"]).id for _ in range(3)]
    other = make(world, "company", boss, level="low", tags=["m"])

    done = world.records.update_where(ann, "company", "'m' in tags", {"level": "mid"})

    assert (done.path, done.count) == ("rows", 3)
    assert world.value("company", mine[0], "level") == "mid"
    assert world.value("company", other.id, "level") == "low"


def test_a_mass_update_checks_its_values_and_its_condition(world: World, boss: Principal, ann: Principal) -> None:
    with pytest.raises(RecordInvalid):
        world.records.update_where(boss, "company", None, {"credit": "much"})
    with pytest.raises(RecordInvalid):
        world.records.update_where(boss, "company", None, {"name": None})
    with pytest.raises(RecordInvalid):
        world.records.update_where(boss, "company", None, {"parent": new_id()})
    with pytest.raises(RecordInvalid):
        world.records.update_where(ann, "company", None, {"credit": 1})
    with pytest.raises(GuanxiError):
        world.records.update_where(ann, "company", "pin == 'x'", {"open": True})
    with pytest.raises(AccessDenied):
        world.records.update_where(world.person("nan", "nobody"), "company", None, {"open": True})


# --- undo


def test_an_undo_takes_back_what_was_made_changed_and_deleted(world: World, boss: Principal) -> None:
    old = make(world, "company", boss, city="Old", credit=1)
    gone = make(world, "company", boss)
    change_set = world.records.begin_set(boss, "bulk", "A bulk edit")
    [made] = world.records.create(boss, "company", [{"name": "Undone"}], change_set=change_set)
    world.records.update(boss, "company", [Change(old.id, {"city": "New", "credit": 2})], change_set=change_set)
    world.records.delete(boss, "company", [gone.id], change_set=change_set)

    report = world.records.undo(boss, change_set)

    assert (report.trashed, report.reverted, report.restored, report.kept) == (1, 1, 1, ())
    assert world.value("company", made.id, "deleted_at") is not None
    assert world.value("company", old.id, "city") == "Old"
    assert world.value("company", gone.id, "deleted_at") is None
    [(kind, undoes)] = world.rows("SELECT kind, undoes FROM change_set WHERE id = ?", (report.change_set,))
    assert (kind, str(undoes)) == ("undo", change_set)
    with pytest.raises(GuanxiError):
        world.records.undo(boss, change_set)

    again = world.records.undo(boss, report.change_set)
    assert again.undone == 3
    assert world.value("company", old.id, "city") == "New"
    assert world.value("company", made.id, "deleted_at") is None


def test_an_undo_keeps_what_was_edited_since(world: World, boss: Principal) -> None:
    old = make(world, "company", boss, city="Old", credit=1)
    change_set = world.records.begin_set(boss, "bulk")
    [made, other] = world.records.create(boss, "company", [{"name": "Edited"}, {"name": "Not"}], change_set=change_set)
    world.records.update(boss, "company", [Change(old.id, {"city": "New", "credit": 2})], change_set=change_set)
    world.records.update(boss, "company", [Change(made.id, {"city": "Mine"}), Change(old.id, {"city": "Newer"})])

    report = world.records.undo(boss, change_set)

    assert {(kept.id, kept.title, kept.fields) for kept in report.kept} == {
        (made.id, "Edited", ("city",)),
        (old.id, old.values["name"], ("city",)),
    }
    assert world.value("company", made.id, "deleted_at") is None
    assert world.value("company", other.id, "deleted_at") is not None
    assert world.value("company", old.id, "city") == "Newer"
    assert world.value("company", old.id, "credit") == 1


def test_what_the_engine_works_out_since_is_no_edit(world: World, boss: Principal) -> None:
    [acme] = world.records.create(boss, "company", [{"name": "Worked out"}])
    person = make(world, "person", boss, company=acme.id)
    world.records.delete(boss, "person", [person.id])

    report = world.records.undo(boss, set_of(world, acme.id))

    assert (report.trashed, report.kept) == (1, ())


def test_an_undo_takes_back_linked_records_in_the_right_order(world: World, boss: Principal) -> None:
    change_set = world.records.begin_set(boss, "import")
    [acme] = world.records.create(boss, "company", [{"name": "With people"}], change_set=change_set)
    world.records.create(boss, "person", [{"name": "x", "company": acme.id}] * 3, change_set=change_set)
    [order] = world.records.create(
        boss, "order", [{"name": "o", "company": acme.id, "items": [{"what": "a", "amount": 1}]}], change_set=change_set
    )

    report = world.records.undo(boss, change_set)

    assert report.kept == ()
    assert world.value("company", acme.id, "deleted_at") is not None
    assert world.value("item", order.values["items"][0]["id"], "deleted_at") is not None
    back = world.records.undo(boss, report.change_set)
    assert back.kept == ()
    assert world.value("company", acme.id, "people") == 3
    assert world.value("order", order.id, "total") == 1


def test_an_undo_of_child_rows_and_states_puts_back_the_old_ones(world: World, boss: Principal) -> None:
    [order] = world.records.create(boss, "order", [{"name": "o", "items": [{"what": "a", "amount": 1}]}])
    change_set = world.records.begin_set(boss, "bulk")
    world.records.update(
        boss, "order", [Change(order.id, {"items": [{"what": "b", "amount": 5}]})], change_set=change_set
    )
    world.records.transition(boss, "order", [order.id], "send", change_set=change_set)

    report = world.records.undo(boss, change_set)

    assert report.kept == ()
    assert world.value("order", order.id, "stage") == "draft"
    assert world.value("order", order.id, "total") == 1
    assert world.value("item", order.values["items"][0]["id"], "deleted_at") is None


def test_a_created_record_that_something_leads_to_is_kept_with_the_reason(world: World, boss: Principal) -> None:
    [acme] = world.records.create(boss, "company", [{"name": "Needed"}])
    make(world, "person", boss, company=acme.id)

    report = world.records.undo(boss, set_of(world, acme.id))

    assert [(kept.id, str(kept.why)) for kept in report.kept] == [
        (acme.id, "It cannot be deleted: a record leads to it (Person)")
    ]


def test_an_undo_is_for_its_author_and_for_administrators(world: World, boss: Principal, ann: Principal) -> None:
    theirs, hers = make(world, "company", boss), make(world, "company", ann)

    with pytest.raises(NotFound):
        world.records.undo(ann, set_of(world, theirs.id))
    with pytest.raises(NotFound):
        world.records.undo(boss, new_id())
    assert world.records.undo(ann, set_of(world, hers.id)).trashed == 1


def test_a_secret_cannot_be_put_back_and_is_told(world: World, boss: Principal) -> None:
    made = make(world, "company", boss, pin="one")
    change_set = world.records.begin_set(boss, "bulk")
    world.records.update(boss, "company", [Change(made.id, {"pin": "two", "city": "x"})], change_set=change_set)

    report = world.records.undo(boss, change_set)

    assert [kept.fields for kept in report.kept] == [("pin",)]
    assert world.records.reveal(boss, "company", made.id, "pin") == "two"
    assert world.value("company", made.id, "city") is None


def test_counts_of_a_set_grow_with_each_call(world: World, boss: Principal) -> None:
    from engine.data.history import loaded

    change_set = world.records.begin_set(boss, "import", "people.csv", entity="company")
    world.records.create(boss, "company", [{"name": "c1"}, {"name": "c2"}], change_set=change_set)
    world.records.create(boss, "company", [{"name": "c3"}], change_set=change_set)

    [(counts, title)] = world.rows("SELECT counts, title FROM change_set WHERE id = ?", (change_set,))
    assert orjson.loads(orjson.dumps(loaded(counts))) == {"created": 3}
    assert title == "people.csv"


def test_a_call_that_wrote_one_record_needs_no_row_to_be_taken_back(world: World, boss: Principal) -> None:
    made = make(world, "company", boss)
    change_set = set_of(world, made.id)
    assert not world.rows("SELECT 1 FROM change_set WHERE id = ?", (change_set,))

    assert world.records.undo(boss, change_set).trashed == 1

    with pytest.raises(GuanxiError):
        world.records.undo(boss, change_set)


# --- purge


def test_a_purged_record_is_gone_with_its_values(world: World, boss: Principal, ann: Principal) -> None:
    acme = make(world, "company", boss, city="Nowhere left")
    person = make(world, "person", boss, about=f"company/{acme.id}")
    order = make(world, "order", boss, company=acme.id, items=[{"what": "a", "amount": 1}])
    with pytest.raises(NotFound):
        world.records.purge(boss, "company", [acme.id])
    world.records.delete(boss, "company", [acme.id])
    with pytest.raises(AccessDenied):
        world.records.purge(ann, "company", [acme.id])

    [purged] = world.records.purge(boss, "company", [acme.id])

    assert purged.action == "purged"
    assert not world.rows("SELECT 1 FROM s_company WHERE id = ?", (acme.id,))
    assert [(action, changes) for _, action, changes in world.history(acme.id)] == [("purge", {})]
    assert world.value("person", person.id, "about") is None
    assert world.value("order", order.id, "company") is None
    world.records.purge(boss, "order", [order.id])
    assert not world.rows("SELECT 1 FROM s_item WHERE id = ?", (order.values["items"][0]["id"],))


# --- idempotency


def test_a_call_that_is_repeated_is_answered_the_same_and_done_once(world: World, boss: Principal) -> None:
    rows = [{"name": "Once", "credit": "1.5", "tags": ["a"]}]
    key = new_id()

    [first] = world.records.create(boss, "company", rows, key=key)
    [again] = world.records.create(boss, "company", rows, key=key)

    assert again == first
    assert world.rows("SELECT count(*) FROM s_company WHERE name = 'Once'") == [(1,)]
    with pytest.raises(IdempotencyMismatch):
        world.records.create(boss, "company", [{"name": "Twice"}], key=key)
    with pytest.raises(IdempotencyMismatch):
        world.records.create(boss, "person", rows, key=key)


def test_a_key_belongs_to_who_used_it_and_a_refused_call_may_be_corrected(
    world: World, boss: Principal, ann: Principal
) -> None:
    key = new_id()
    with pytest.raises(RecordInvalid):
        world.records.create(boss, "company", [{"credit": 1}], key=key)

    [hers] = world.records.create(ann, "company", [{"name": "Hers"}], key=key)
    [his] = world.records.create(boss, "company", [{"name": "His"}], key=key)

    assert hers.id != his.id


def test_a_key_is_forgotten_after_a_day(world: World, boss: Principal) -> None:
    key = new_id()
    [first] = world.records.create(boss, "company", [{"name": "Day one"}], key=key)

    with time_machine.travel(dt.datetime.now(dt.UTC) + dt.timedelta(hours=25), tick=True):
        [second] = world.records.create(boss, "company", [{"name": "Day two"}], key=key)
        assert first.id != second.id
    with time_machine.travel(dt.datetime.now(dt.UTC) + dt.timedelta(hours=60), tick=True):
        assert world.records.forget_keys() >= 1
    assert world.rows("SELECT count(*) FROM idempotency_key") == [(0,)]


def test_updates_deletes_children_and_bulk_calls_are_answered_from_their_key_too(world: World, boss: Principal) -> None:
    key = new_id()
    order = {"name": "Keyed", "items": [{"what": "a", "amount": "2.50"}]}
    [first] = world.records.create(boss, "order", [order], key=key)
    [again] = world.records.create(boss, "order", [order], key=key)
    assert again.values["items"] == first.values["items"]

    [changed] = world.records.update(boss, "order", [Change(first.id, {"name": "K2"})], key=f"u{key}")
    assert world.records.update(boss, "order", [Change(first.id, {"name": "K2"})], key=f"u{key}") == [changed]
    operations: list[dict[str, Any]] = [{"create": {"name": "B"}}, {"create": {}}, {"delete": first.id}]
    results = world.records.bulk(boss, "order", operations, key=f"b{key}")
    repeated = world.records.bulk(boss, "order", operations, key=f"b{key}")
    assert outcomes(repeated) == outcomes(results) == ["created", "RecordInvalid", "deleted"]
    assert repeated[0] == results[0]
