"""Several who write at once: threads, processes, a publication in between, and a process that is killed."""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from engine.data.batch import Change
from engine.data.principal import SYSTEM
from engine.errors import DatabaseUnavailable, GuanxiError, NotFound, RecordInvalid, VersionConflict
from engine.ids import new_id
from tests.functional.writing.world import SITE, World

ROOT = Path(__file__).parents[3]


def make(world: World, entity: str, **values: Any) -> Any:
    [written] = world.records.create(SYSTEM, entity, [{"name": f"{entity} {new_id()[-12:]}", **values}])
    return written


def together(*jobs: Callable[[], Any]) -> list[Any]:
    """Run jobs at the same moment in threads; return what each gave or raised."""
    results: list[Any] = [None] * len(jobs)
    start = threading.Barrier(len(jobs))

    def run(place: int) -> None:
        start.wait()
        try:
            results[place] = jobs[place]()
        except Exception as error:  # noqa: BLE001 - the test looks at it
            results[place] = error

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(jobs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return results


def child(world: World, *arguments: str) -> subprocess.Popen[str]:
    """Start a process that writes, and wait until it is ready."""
    url = world.database.url
    command = [sys.executable, "-m", "tests.functional.writing.child", url, *arguments]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def output(process: subprocess.Popen[str]) -> list[str]:
    words, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    return words.split("\n")[:-1]


def test_two_writers_never_lose_an_update(world: World) -> None:
    person = make(world, "person", salary=0)

    def count_up() -> None:
        done = 0
        while done < 15:
            values = world.values("person", person.id)
            try:
                change = Change(person.id, {"salary": values["salary"] + 1}, values["version"])
                world.records.update(SYSTEM, "person", [change], strict=True)
            except VersionConflict:
                continue
            done += 1

    assert together(count_up, count_up, count_up) == [None] * 3
    assert world.value("person", person.id, "salary") == 45
    assert world.value("person", person.id, "version") == 46
    assert [version for version, _, _ in world.history(person.id)] == list(range(1, 47))


def test_two_processes_never_lose_an_update(world: World) -> None:
    person = make(world, "person", salary=0)

    processes = [child(world, "count_up", person.id, "6") for _ in range(2)]

    assert [output(process) for process in processes] == [["done"], ["done"]]
    assert world.value("person", person.id, "salary") == 12


def test_edits_of_different_fields_at_once_all_stay(world: World) -> None:
    person = make(world, "person")
    values = {"salary": 5, "note": "n", "mood": "glad", "fixed": "f"}

    results = together(
        *(
            lambda key=key, value=value: world.records.update(SYSTEM, "person", [Change(person.id, {key: value}, 1)])
            for key, value in values.items()
        )
    )

    assert not [each for each in results if isinstance(each, Exception)]
    stored = world.values("person", person.id)
    assert {key: stored[key] for key in values} == values


def test_rows_that_are_added_at_once_are_all_counted(world: World) -> None:
    acme = make(world, "company")

    def add() -> None:
        for _ in range(8):
            make(world, "person", company=acme.id, salary=1)

    assert together(add, add, add) == [None] * 3
    values = world.values("company", acme.id)
    assert (values["people"], values["pay"]) == (24, 24)
    order = make(world, "order")
    assert together(
        *[lambda: world.records.create(SYSTEM, "item", [{"order": order.id, "what": "x", "amount": 1}])] * 3
    )
    assert world.value("order", order.id, "total") == 3


def test_only_one_of_several_gets_a_unique_value_and_the_others_are_told_as_ever(world: World) -> None:
    for _ in range(5):
        code = new_id()
        results = together(*[lambda code=code: make(world, "company", name="Winner", city=new_id(), code=code)] * 4)

        refused = [each for each in results if isinstance(each, Exception)]
        assert len(refused) == 3
        for each in refused:
            assert isinstance(each, RecordInvalid)
            assert [(problem.path, problem.code) for problem in each.problems] == [("code", "unique")]
            assert "“Winner”" in str(each.problems[0].message)


def test_a_race_for_a_unique_value_in_the_callers_transaction_is_told_too(world: World) -> None:
    code, first = new_id(), threading.Event()

    def one() -> None:
        with world.records.begin() as connection:
            world.records.create(SYSTEM, "company", [{"name": "Race 1", "code": code}], connection=connection)
            first.set()
            # Long enough for the other to find no twin and to wait for the index.
            time.sleep(0.4)

    def other() -> Any:
        first.wait(10)
        with world.records.begin() as connection:
            return world.records.create(SYSTEM, "company", [{"name": "Race 2", "code": code}], connection=connection)

    results = together(one, other)

    assert results[0] is None
    assert isinstance(results[1], RecordInvalid)
    assert [(problem.path, problem.code) for problem in results[1].problems] == [("code", "unique")]
    assert "“Race 1”" in str(results[1].problems[0].message)


def test_numbers_are_given_once_by_threads_and_processes(world: World) -> None:
    processes = [child(world, "number", "10") for _ in range(2)]
    made = together(*[lambda: [make(world, "company").values for _ in range(10)]] * 2)
    pairs = [line.split() for process in processes for line in output(process)]
    pairs += [[values["number"], values["bill"]] for each in made for values in each]

    numbers, bills = zip(*pairs, strict=True)
    assert len(set(numbers)) == len(pairs) == 40
    counted = sorted(int(bill[2:]) for bill in bills)
    assert counted == list(range(counted[0], counted[0] + 40))


def test_nothing_live_leads_to_what_is_deleted_at_the_same_moment(world: World) -> None:
    for _ in range(6):
        acme = make(world, "company")
        together(
            partial(make, world, "person", company=acme.id),
            partial(world.records.delete, SYSTEM, "company", [acme.id]),
        )
        live = world.rows("SELECT count(*) FROM s_person WHERE company = ? AND deleted_at IS NULL", (acme.id,))[0][0]
        assert (live == 1) == (world.value("company", acme.id, "deleted_at") is None)


def test_writers_that_meet_in_opposite_order_do_not_stop_each_other(world: World) -> None:
    [a, b] = [make(world, "company").id for _ in range(2)]

    def write(*order: str) -> None:
        for number in range(10):
            changes = [Change(id_, {"credit": number, "city": f"{order[0]}{number}"}) for id_ in order]
            world.records.update(SYSTEM, "company", changes)

    assert together(lambda: write(a, b), lambda: write(b, a)) == [None, None]


def test_writers_go_on_while_the_site_is_published(world: World) -> None:
    stop = threading.Event()
    made: list[int] = []

    def write() -> None:
        count = 0
        while not stop.is_set():
            make(world, "person")
            count += 1
        made.append(count)

    def publish() -> None:
        for number in range(3):
            extra = "".join(f"  later_{each}: {{type: text}}\n" for each in range(number + 1))
            world.publish(SITE.replace("  fixed: {type: text", extra + "  fixed: {type: text"))
        stop.set()

    results = together(write, write, publish)

    assert results == [None, None, None]
    assert min(made) > 0
    assert make(world, "person", later_2="here").values["later_2"] == "here"
    world.publish(SITE)
    with pytest.raises(RecordInvalid):
        make(world, "person", later_2="gone")


def test_another_process_follows_a_publication(world: World) -> None:
    other = World(world.database.url, first=False)
    make(other, "person")
    world.publish(SITE.replace("  fixed: {type: text", "  fresh: {type: text}\n  fixed: {type: text"))

    assert make(other, "person", fresh="yes").values["fresh"] == "yes"
    world.publish(SITE)
    assert "fresh" not in make(other, "person").values
    other.database.dispose()


@pytest.mark.kill
def test_a_process_that_is_killed_in_the_middle_leaves_nothing(world: World) -> None:
    process = child(world, "batch", "2000")
    assert process.stdout is not None
    assert process.stdout.readline() == "written\n"
    process.send_signal(signal.SIGKILL)
    process.wait(10)
    process.stdout.close()

    assert make(world, "company").version == 1
    assert world.rows("SELECT count(*) FROM s_company WHERE name LIKE ?", ("killed %",)) == [(0,)]
    assert world.rows(
        "SELECT count(*) FROM record_change c WHERE entity = 'company' AND NOT EXISTS "
        "(SELECT 1 FROM s_company r WHERE r.id = c.record_id)"
    ) == [(0,)]
    assert world.rows(
        "SELECT count(*) FROM search_row c WHERE entity = 'company' AND NOT EXISTS "
        "(SELECT 1 FROM s_company r WHERE r.id = c.record_id)"
    ) == [(0,)]


def test_several_calls_share_a_transaction_and_fail_together(world: World) -> None:
    def fail() -> None:
        with world.records.begin() as connection:
            [acme] = world.records.create(SYSTEM, "company", [{"name": "Shared"}], connection=connection)
            world.records.create(SYSTEM, "person", [{"name": "In shared", "company": acme.id}], connection=connection)
            world.records.delete(SYSTEM, "company", [new_id()], connection=connection)

    with pytest.raises(NotFound):
        fail()

    assert not world.rows("SELECT 1 FROM s_company WHERE name = 'Shared'")


def test_a_caller_goes_on_in_its_transaction_after_a_call_that_failed(world: World) -> None:
    with world.records.begin() as connection:
        [acme] = world.records.create(SYSTEM, "company", [{"name": "Goes on"}], connection=connection)
        with pytest.raises(RecordInvalid):
            world.records.create(SYSTEM, "person", [{"name": "not kept"}, {"company": acme.id}], connection=connection)
        world.records.create(SYSTEM, "person", [{"name": "Still", "company": acme.id}], connection=connection)

    assert world.value("company", acme.id, "people") == 1
    assert not world.rows("SELECT 1 FROM s_person WHERE name = 'not kept'")


def test_a_writer_that_waits_too_long_is_told_that_the_database_is_busy(world: World) -> None:
    impatient = World(world.database.url, first=False, busy_timeout_ms=200)
    acme = make(world, "company")
    held, told = threading.Event(), threading.Event()

    def hold() -> None:
        with world.records.begin() as connection:
            world.records.update(SYSTEM, "company", [Change(acme.id, {"city": "held"})], connection=connection)
            held.set()
            told.wait(10)

    def wait() -> Any:
        held.wait(10)
        try:
            return impatient.records.update(SYSTEM, "company", [Change(acme.id, {"city": "waited"})])
        finally:
            told.set()

    results = together(hold, wait)
    impatient.database.dispose()

    assert isinstance(results[1], DatabaseUnavailable)
    assert isinstance(results[1], GuanxiError)
    assert world.value("company", acme.id, "city") == "held"
