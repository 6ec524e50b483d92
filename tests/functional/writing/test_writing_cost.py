"""How many statements a write takes, without a clock: a guard against work per record or per field that creeps in."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from engine.data.batch import Change
from engine.data.principal import SYSTEM, Principal
from engine.ids import new_id
from tests.functional.writing.world import World
from tests.traces import traced

SITE = """
entity: lead
plural: leads
title: name
features: [owned, history, search]
fields:
  name: {type: text, required: true, search: high}
  code: {type: text, unique: true}
  city: {type: text, search: normal}
  stage: {type: select, default: new, options: {new: {}, won: {}}}
  amount: {type: money, currency: CNY}
  doubled: {type: formula, result: money, stored: true, expr: "amount * 2"}
  company: {type: lookup, to: firm, on_delete: restrict}
---
entity: firm
plural: firms
title: name
fields:
  name: {type: text}
---
role: seller
grants:
  lead: {read: [own, shared], create: all, update: [own], delete: [own]}
  firm: {read: all}
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder: Path = tmp_path_factory.mktemp("cost")
    world = World(f"sqlite:///{folder}/guanxi.sqlite", SITE)
    yield world
    world.database.dispose()


@pytest.fixture(scope="module")
def ann(world: World) -> Principal:
    return world.person("ann", "seller")


@contextmanager
def counted(world: World) -> Iterator[list[str]]:
    """Note every statement that SQLite is given."""
    found: list[str] = []
    with traced(world.database, found.append):
        yield found


def cost(world: World, write: Callable[[], Any]) -> list[str]:
    write()
    with counted(world) as found:
        write()
    return [" ".join(text.split()[:3]) for text in found]


def test_a_create_takes_what_it_writes_and_little_more(world: World, ann: Principal) -> None:
    firm = make_firm(world)

    plain = cost(world, lambda: world.records.create(ann, "lead", [{"name": "A lead", "amount": "5"}]))
    linked = cost(
        world, lambda: world.records.create(ann, "lead", [{"name": "A lead", "code": new_id(), "company": firm}])
    )

    assert plain == [
        "BEGIN IMMEDIATE",
        "SELECT revision, access_epoch",
        'INSERT INTO "s_lead"',
        "INSERT INTO record_change",
        "INSERT INTO search_row",
        "INSERT INTO search_index",
        "COMMIT",
    ]
    # One look for the linked record; that there is no twin is what the insert says.
    assert len(linked) == len(plain) + 1


def make_firm(world: World) -> str:
    [made] = world.records.create(SYSTEM, "firm", [{"name": "Firm"}])
    return made.id


def test_an_update_reads_once_and_writes_once(world: World, ann: Principal) -> None:
    [lead] = world.records.create(ann, "lead", [{"name": "B"}])
    amounts = iter(range(1, 10))

    found = cost(world, lambda: world.records.update(ann, "lead", [Change(lead.id, {"amount": next(amounts)}, None)]))
    same = cost(world, lambda: world.records.update(ann, "lead", [Change(lead.id, {"amount": 2})]))

    assert [words.partition(" ")[0] for words in found] == [
        "BEGIN", "SELECT", "SELECT", "UPDATE", "INSERT", "COMMIT",
    ]  # fmt: skip
    assert [words.partition(" ")[0] for words in same] == ["BEGIN", "SELECT", "SELECT", "COMMIT"]


def test_many_records_take_no_more_kinds_of_statements_than_one(world: World, ann: Principal) -> None:
    firm = make_firm(world)

    def rows(count: int) -> list[dict[str, Any]]:
        return [{"name": f"C {number}", "code": new_id(), "company": firm} for number in range(count)]

    one = cost(world, lambda: world.records.create(ann, "lead", rows(1)))
    many = cost(world, lambda: world.records.create(ann, "lead", rows(100)))

    # The change set, where the search words of many go, the audit log, and a look for twins.
    assert len(set(many)) <= len(set(one)) + 4
    reads = [words for words in many if words.startswith("SELECT")]
    assert len(reads) <= len([words for words in one if words.startswith("SELECT")]) + 2


def test_a_mass_update_is_two_statements_at_any_number_of_rows(world: World, ann: Principal) -> None:
    ids = [each.id for each in world.records.create(ann, "lead", [{"name": f"D {number}"} for number in range(50)])]
    stages = iter(["won", "new"] * 4)

    found = cost(world, lambda: world.records.update_where(ann, "lead", None, {"stage": next(stages)}, ids=ids))

    # Two for the rows, and a row each for the audit log and for the change set.
    assert [words.partition(" ")[0] for words in found] == [
        "BEGIN", "SELECT", "INSERT", "UPDATE", "INSERT", "INSERT", "COMMIT",
    ]  # fmt: skip
