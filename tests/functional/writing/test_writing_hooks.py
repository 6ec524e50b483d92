"""Plugins and automation in the middle of a write: what they may change, refuse and cause, and what their errors do."""

from collections.abc import Iterator
from typing import Any

import pytest

from engine.data.batch import Change
from engine.data.principal import SYSTEM, Principal
from engine.errors import GuanxiError, NotFound, RecordInvalid
from engine.hooks import hookimpl
from engine.ids import new_id
from engine.storage.database import run
from tests.functional.writing.world import World


@pytest.fixture(scope="module")
def boss(world: World) -> Principal:
    return world.person("bea", "boss")


@pytest.fixture
def plugged(world: World) -> Iterator[Any]:
    """Register plugins for one test."""
    added: list[object] = []

    def add(plugin: object) -> None:
        world.hooks.register(plugin, f"plugin {len(added)} {new_id()}")
        added.append(plugin)

    yield add
    for plugin in added:
        world.hooks.unregister(plugin)


def make(world: World, entity: str, who: Principal = SYSTEM, **values: Any) -> Any:
    [written] = world.records.create(who, entity, [{"name": f"{entity} {new_id()[-12:]}", **values}])
    return written


def exists(world: World, name: str) -> bool:
    return bool(world.rows("SELECT 1 FROM s_company WHERE name = ?", (name,)))


def test_a_plugin_changes_values_before_they_are_checked(world: World, boss: Principal, plugged: Any) -> None:
    class Upper:
        watches = frozenset({"company"})

        @hookimpl
        def before_save(self, batch: Any) -> None:
            assert batch.entity == "company"
            for row in batch.rows:
                batch.set(row["id"], "city", (row["city"] or "nowhere").upper())

    plugged(Upper())

    made = make(world, "company", boss, city="Rome")
    assert made.values["city"] == "ROME"
    assert world.history(made.id)[0][2]["city"] == [None, "ROME"]
    [changed] = world.records.update(boss, "company", [Change(made.id, {"credit": 1})])
    assert changed.changed == {"credit"}
    make(world, "person", boss)


def test_what_a_plugin_sets_is_parsed_and_must_exist(world: World, boss: Principal, plugged: Any) -> None:
    class Bad:
        field, value = "credit", "lots"

        @hookimpl
        def before_save(self, batch: Any) -> None:
            batch.set(batch.rows[0]["id"], self.field, self.value)

    bad = Bad()
    plugged(bad)
    with pytest.raises(RecordInvalid) as refused:
        make(world, "company", boss)
    assert [problem.code for problem in refused.value.problems] == ["plugin"]
    for field in ("colour", "people", "created_at"):
        bad.field = field
        with pytest.raises(RecordInvalid):
            make(world, "company", boss)
    bad.field, bad.value = "credit", "7"
    assert make(world, "company", boss).values["credit"] == 7
    bad.field, bad.value = "pin", "sesame"
    assert world.records.reveal(boss, "company", make(world, "company", boss).id, "pin") == "sesame"


def test_values_cannot_be_set_once_they_are_stored(world: World, boss: Principal, plugged: Any) -> None:
    errors = []

    class Late:
        @hookimpl
        def after_save(self, batch: Any) -> None:
            with pytest.raises(RuntimeError) as late:
                batch.set(batch.rows[0]["id"], "city", "x")
            errors.append(late.value)

    plugged(Late())
    make(world, "company", boss)

    assert len(errors) == 1


def test_a_plugin_refuses_rows_and_the_others_go_on_where_they_may(world: World, boss: Principal, plugged: Any) -> None:
    class NoRed:
        @hookimpl
        def before_save(self, batch: Any) -> None:
            for row in batch.rows:
                if row["city"] == "red":
                    batch.reject(row["id"], "city", "Not red")

    plugged(NoRed())
    with pytest.raises(RecordInvalid) as refused:
        world.records.create(boss, "company", [{"name": "h1"}, {"name": "h2", "city": "red"}])
    assert [(each.row, each.path, str(each.message)) for each in refused.value.problems] == [(1, "city", "Not red")]
    results = world.records.bulk(
        boss, "company", [{"create": {"name": "h3"}}, {"create": {"name": "h4", "city": "red"}}], atomic=False
    )
    assert [each.ok for each in results] == [True, False]
    assert exists(world, "h3")
    assert not exists(world, "h1")


def test_a_plugin_that_fails_before_refuses_the_write_and_is_named(world: World, boss: Principal, plugged: Any) -> None:
    class Broken:
        @hookimpl
        def before_save(self, batch: Any) -> None:
            raise ZeroDivisionError

        @hookimpl
        def before_delete(self, batch: Any) -> None:
            raise ZeroDivisionError

    made = make(world, "company", boss)
    plugged(Broken())

    with pytest.raises(RecordInvalid) as refused:
        make(world, "company", boss, name="Broken by a plugin")
    assert "plugin" in str(refused.value.problems[0].message)
    with pytest.raises(RecordInvalid):
        world.records.delete(boss, "company", [made.id])
    assert not exists(world, "Broken by a plugin")
    assert world.value("company", made.id, "deleted_at") is None


def test_a_plugin_keeps_records_out_of_the_bin(world: World, boss: Principal, plugged: Any) -> None:
    class Keep:
        @hookimpl
        def before_delete(self, batch: Any) -> None:
            for row in batch.rows:
                if row.get("level") == "high":
                    batch.reject(row["id"], "", "Too important")

    high, low = make(world, "company", boss, level="high"), make(world, "company", boss)
    plugged(Keep())

    with pytest.raises(RecordInvalid):
        world.records.delete(boss, "company", [high.id, low.id])
    assert world.value("company", low.id, "deleted_at") is None
    world.records.delete(boss, "company", [low.id])


def test_what_a_plugin_writes_afterwards_is_one_transaction_with_the_rest(
    world: World, boss: Principal, plugged: Any
) -> None:
    class Greeter:
        watches = frozenset({"company"})

        @hookimpl
        def after_save(self, batch: Any) -> None:
            if batch.action != "create":
                return
            for row in batch.rows:
                [person] = world.records.create(SYSTEM, "person", [{"name": f"of {row['name']}", "company": row["id"]}])
                world.records.update(batch.actor, "company", [Change(row["id"], {"city": "Greeted"})])
                assert person.values["level"] == row["level"]

    plugged(Greeter())
    made = make(world, "company", boss, name="Greeted one")

    assert world.value("company", made.id, "city") == "Greeted"
    assert world.value("company", made.id, "people") == 1
    [(change_set,)] = world.rows("SELECT DISTINCT change_set_id FROM record_change WHERE record_id = ?", (made.id,))
    people = "SELECT count(*) FROM record_change WHERE change_set_id = ? AND entity = 'person'"
    assert world.rows(people, (str(change_set),)) == [(1,)]
    report = world.records.undo(boss, str(change_set))
    assert (report.trashed, report.kept) == (2, ())


def test_a_plugin_that_fails_afterwards_loses_only_what_it_wrote(world: World, boss: Principal, plugged: Any) -> None:
    class Half:
        watches = frozenset({"company"})

        @hookimpl
        def after_save(self, batch: Any) -> None:
            world.records.create(SYSTEM, "person", [{"name": "half done"}])
            raise ZeroDivisionError

    plugged(Half())
    made = make(world, "company", boss)

    assert world.value("company", made.id, "version") == 1
    assert not world.rows("SELECT 1 FROM s_person WHERE name = 'half done'")


def test_a_plugin_that_is_refused_something_sees_the_error_and_may_go_on(
    world: World, boss: Principal, plugged: Any
) -> None:
    seen: list[Exception] = []

    class Tries:
        watches = frozenset({"company"})

        @hookimpl
        def after_save(self, batch: Any) -> None:
            try:
                world.records.create(batch.actor, "person", [{"name": "ok"}, {"salary": "nonsense"}])
            except RecordInvalid as error:
                seen.append(error)
            world.records.create(batch.actor, "person", [{"name": "the second try"}])

    plugged(Tries())
    make(world, "company", boss)

    assert len(seen) == 1
    assert len(world.rows("SELECT 1 FROM s_person WHERE name = 'the second try'")) == 1
    assert not world.rows("SELECT 1 FROM s_person WHERE name = 'ok'")


def test_automatic_changes_that_set_each_other_off_end(world: World, boss: Principal, plugged: Any) -> None:
    class Forever:
        watches = frozenset({"project"})
        depths: list[int] = []  # noqa: RUF012 - of this test

        @hookimpl
        def changed(self, batch: Any, connection: Any) -> None:
            self.depths.append(batch.depth)
            world.records.create(SYSTEM, "project", [{"name": "again"}])

    forever = Forever()
    plugged(forever)

    with pytest.raises(GuanxiError) as refused:
        make(world, "project", boss)

    assert "more than 5 times" in str(refused.value)
    assert forever.depths == [0, 1, 2, 3, 4, 5]
    assert not world.rows("SELECT 1 FROM s_project WHERE name = 'again'")


def test_automation_gets_the_connection_and_every_change(world: World, boss: Principal, plugged: Any) -> None:
    seen: list[tuple[str, str, frozenset[str]]] = []

    class Automation:
        watches = frozenset({"company", "person", "order", "item"})

        @hookimpl
        def changed(self, batch: Any, connection: Any) -> None:
            for row, changed in zip(batch.rows, batch.changed, strict=True):
                found = run(
                    connection,
                    f"SELECT count(*) FROM record_change WHERE record_id = {world.mark} AND version = {world.mark}",
                    (row["id"], row["version"]),
                )
                assert found.fetchone()[0] == 1
                seen.append((batch.entity, batch.action, changed))

    plugged(Automation())
    acme = make(world, "company", boss)
    person = make(world, "person", boss, company=acme.id)
    world.records.update(boss, "company", [Change(acme.id, {"level": "high"})])
    world.records.delete(boss, "person", [person.id])

    assert [(entity, action) for entity, action, _ in seen] == [
        ("company", "create"),
        ("person", "create"),
        ("company", "update"),
        ("company", "update"),
        ("person", "update"),
        ("person", "delete"),
        ("company", "update"),
    ]
    assert seen[2][2] == {"people"}
    assert seen[4][2] == {"level"}


def test_an_error_of_automation_takes_the_whole_write_back(world: World, boss: Principal, plugged: Any) -> None:
    class Wrong:
        @hookimpl
        def changed(self, batch: Any, connection: Any) -> None:
            raise NotFound("there is no workflow")

    plugged(Wrong())
    with pytest.raises(NotFound):
        make(world, "company", boss, name="Never there")

    assert not exists(world, "Never there")


def test_secrets_reach_no_plugin(world: World, boss: Principal, plugged: Any) -> None:
    seen: list[Any] = []

    class Spy:
        @hookimpl
        def before_save(self, batch: Any) -> None:
            seen.extend(row.get("pin") for row in batch.rows)

        @hookimpl
        def after_save(self, batch: Any) -> None:
            seen.extend(row.get("pin") for row in (*batch.rows, *(old or {} for old in batch.old)))

    plugged(Spy())
    made = make(world, "company", boss, pin="open sesame")
    world.records.update(boss, "company", [Change(made.id, {"city": "x"})])

    assert set(seen) <= {"••••", None}


def test_a_transaction_that_a_plugin_begins_is_a_part_of_the_one_at_work(
    world: World, boss: Principal, plugged: Any
) -> None:
    class Begins:
        watches = frozenset({"company"})

        @hookimpl
        def changed(self, batch: Any, connection: Any) -> None:
            with world.records.begin() as own:
                world.records.create(SYSTEM, "person", [{"name": "begun inside"}], connection=own)
            if batch.rows[0]["city"] == "refused":
                raise NotFound("no")

    plugged(Begins())
    with pytest.raises(NotFound):
        make(world, "company", boss, city="refused")
    assert not world.rows("SELECT 1 FROM s_person WHERE name = 'begun inside'")
    make(world, "company", boss)
    assert len(world.rows("SELECT 1 FROM s_person WHERE name = 'begun inside'")) == 1
