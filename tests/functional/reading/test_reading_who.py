"""Random rows under random grants: who can see a record, and every explanation, agree with what happens."""

import random
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace

import pytest

from engine.data.explain import explain
from engine.data.principal import SYSTEM, Principal
from engine.data.seeing import who_can_see
from engine.errors import AccessDenied, NotFound
from tests.functional.reading.oracle import Oracle
from tests.functional.reading.test_reading_oracle import populated
from tests.functional.reading.world import World


@dataclass
class Case:
    world: World
    people: list[Principal]
    seed: int


@pytest.fixture(scope="module")
def case(reading_url: str) -> Iterator[Case]:
    seed = 3
    world, people = populated(random.Random(seed), reading_url)
    yield Case(world, people, seed)
    world.database.dispose()


def records(case: Case, most: int = 6) -> list[tuple[str, str]]:
    generator = random.Random(case.seed)
    known = [(entity, id_) for entity in ("deal", "company", "deal_item") for id_ in case.world.rows[entity]]
    return generator.sample(known, most)


def test_who_can_see_is_who_sees(case: Case) -> None:
    named = 0
    with case.world.reading(SYSTEM) as reader, ExitStack() as stack:
        readers = [stack.enter_context(case.world.reading(person)) for person in case.people]
        oracles = {str(each.principal.id): Oracle(case.world, each) for each in readers}
        for entity, record in records(case, 20):
            sight = who_can_see(reader, entity, record, case.people)
            row = case.world.rows[entity][record]
            expected = {id_ for id_, oracle in oracles.items() if oracle.may(entity, row, "read")}
            editors = {id_ for id_ in expected if oracles[id_].may(entity, row, "update")}

            assert {each.id for each in sight.seers} == expected, (case.seed, entity, row)
            if entity != "deal_item":
                assert {each.id for each in sight.seers if each.may_update} == editors, (case.seed, entity, row)
            assert (sight.readers, sight.editors) == (len(expected), sum(each.may_update for each in sight.seers))
            assert all(each.why for each in sight.seers)
            named += len(expected)
    assert named > 10


def test_an_explanation_says_what_happens(case: Case) -> None:
    granted = 0
    for person in case.people[:5]:
        with case.world.reading(person) as reader:
            oracle = Oracle(case.world, reader)
            asker = reader.as_system()
            for entity, record in records(case):
                row = case.world.rows[entity][record]
                for action in ("read", "update", "delete"):
                    expected = oracle.may(entity, row, "read") and row["deleted_at"] is None
                    if action != "read" and entity != "deal_item":
                        expected &= oracle.may(entity, row, action)
                    elif action != "read":
                        continue
                    whole = explain(reader, action, entity, record, asker=asker, helping=False)
                    mine = explain(reader, action, entity, record, helping=False)
                    assert whole.granted == mine.granted == expected, (case.seed, person.name, action, entity, row)
                    granted += expected
                for field in ("name", "cost", "note", "phone") if entity == "deal" else ():
                    try:
                        shown = field not in reader.record(entity, record, (field,)).columns.masked
                    except Exception:  # noqa: BLE001 - out of reach, or hidden
                        shown = False
                    assert explain(reader, "read", entity, record, field, asker=asker, helping=False).granted == shown
    assert granted > 5


def test_a_role_that_would_do_really_would(case: Case) -> None:
    tried = 0
    for person in case.people[:2]:
        for entity, record in records(case, 4):
            with case.world.reading(person) as reader:
                answer = explain(reader, "read", entity, record, asker=reader.as_system())
            for role in answer.who_could_grant:
                with case.world.reading(replace(person, roles=person.roles | {role})) as promoted:
                    assert record in promoted.readable(entity, [record]), (person.name, role)
                    tried += 1
    assert tried


def test_who_may_not_ask_is_told_so(case: Case) -> None:
    asked = 0
    for person in case.people:
        with case.world.reading(person) as reader:
            oracle = Oracle(case.world, reader)
            for entity, record in records(case):
                row = case.world.rows[entity][record]
                if not oracle.may(entity, row, "read"):
                    with pytest.raises(NotFound):
                        who_can_see(reader, entity, record, case.people)
                elif entity == "deal" and row["owner"] != person.id:
                    with pytest.raises(AccessDenied):
                        who_can_see(reader, entity, record, case.people)
                    asked += 1
    assert asked
