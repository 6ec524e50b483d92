"""Random people, shares, absences, territories and links: every way to read and to write agrees with the oracle."""

import random
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from engine import SYSTEM, AccessDenied, NotFound, Query, RecordInvalid, clock
from engine.data.reading import snapshot as readers
from engine.metadata.model import Order
from tests.conftest import read_tier
from tests.functional.reach.oracle import Facts, Person, Row
from tests.functional.reach.world import World

NOW = datetime(2026, 3, 10, 15, 30, tzinfo=UTC)
ENTITIES = ("account", "contact", "deal", "task")
GRANTS: dict[str, dict[str, dict[str, tuple[str, ...]]]] = {
    "rep": {
        "account": {"read": ("own", "shared"), "update": ("own", "shared"), "delete": ("own",), "transfer": ("own",)},
        "contact": {"read": ("own", "shared"), "update": ("own", "shared"), "delete": ("own",)},
        "deal": {"read": ("own", "shared"), "update": ("own", "shared"), "delete": ("own",)},
        "task": {"read": ("own", "shared"), "update": ("own", "shared")},
    },
    "lead": {
        "account": {
            "read": ("own", "subordinates", "shared"), "update": ("own", "subordinates"), "delete": ("own",),
        },
        "contact": {"read": ("own", "subordinates", "shared"), "update": ("own", "subordinates")},
    },
    "regional": {"account": {"read": ("territory in user.territories",)}},
}  # fmt: skip
"""What `world.DOCUMENTS` grants, said again."""


def populated(world: World, generator: random.Random, tag: str) -> Facts:
    """Fill the site with random people and records, and return what it holds."""
    facts = Facts()
    for number in range(4):
        parent = generator.choice([None, *facts.departments])
        facts.departments[world.add("department", name=f"{tag} d{number}", parent=parent)] = parent
    for number in range(9):
        row: Row = {
            "roles": sorted(generator.sample(list(GRANTS), generator.randrange(1, 3))),
            "manager": generator.choice([None, *facts.users]),
            "department": generator.choice([None, *facts.departments]),
            "deputy": generator.choice([None, *facts.users]),
            "absent_from": generator.choice([None, date(2026, 3, 9), date(2026, 3, 10), date(2026, 3, 11)]),
            "timezone": generator.choice(["Asia/Shanghai", "America/New_York", "Pacific/Auckland"]),
        }
        row["absent_until"] = row["absent_from"] and generator.choice([None, row["absent_from"], date(2026, 3, 12)])
        given = {key: value for key, value in row.items() if key != "roles"}
        facts.users[world.person(f"{tag}-p{number}", *row["roles"], **given)] = row
    users = list(facts.users)
    for number in range(3):
        members = generator.sample(users, 3)
        facts.teams[world.add("team", name=f"{tag} t{number}", members=members)] = {"members": members}
        region: Row = {
            "members": generator.sample(users, 2),
            "manager": generator.choice([None, *users]),
            "parent": generator.choice([None, *facts.territories]),
        }
        facts.territories[world.add("territory", name=f"{tag} r{number}", **region)] = region
    for entity in ENTITIES:
        for _ in range(14):
            row = record(generator, facts, entity)
            facts.rows.setdefault(entity, {})[world.put(entity, row)] = row
    circles(world, generator, facts)
    principals = {"user": users, "team": list(facts.teams), "department": list(facts.departments)}
    for _ in range(45):
        entity = generator.choice(ENTITIES)
        kind = generator.choice(list(principals))
        shared: Row = {
            "entity": entity,
            "record": generator.choice(list(facts.rows[entity])),
            "principal": generator.choice(principals[kind]),
            "level": generator.choice(["read", "edit"]),
            "until": generator.choice([None, None, NOW + timedelta(hours=1), NOW + timedelta(days=1)]),
            "cascade": generator.random() < 0.7,
        }
        same = [each for each in facts.shares if all(each[key] == shared[key] for key in ("record", "principal"))]
        for each in same:
            facts.shares.remove(each)
        facts.shares.append(shared)
        world.records.share(
            SYSTEM, entity, shared["record"], kind, shared["principal"], shared["level"], until=shared["until"],
            cascade=shared["cascade"],
        )  # fmt: skip
    return facts


def record(generator: random.Random, facts: Facts, entity: str) -> Row:
    """Return the random values of a record; links lead to what is there already."""
    row: Row = {"owner": generator.choice([None, *facts.users])}
    accounts = [None, *facts.rows.get("account", {})]
    if entity == "account":
        helpers = generator.sample(list(facts.users), generator.choice([0, 0, 1]))
        return row | {
            "parent": generator.choice(accounts),
            "helpers": helpers,
            "territory": generator.choice([None, *facts.territories]),
        }
    if entity == "task":
        deal = generator.choice([None, *facts.rows["deal"]])
        return row | {"deal": deal, "next": generator.choice([None, *facts.rows.get("task", {})])}
    return row | {"account": generator.choice(accounts)}


def circles(world: World, generator: random.Random, facts: Facts) -> None:
    """Let some links lead round, as they may in data from before that was refused."""
    for entity, key in (("account", "parent"), ("task", "next")):
        first, last = generator.sample(list(facts.rows[entity]), 2)
        for one, other in ((first, last), (last, first)):
            facts.rows[entity][one][key] = other
            world.force(entity, one, key, other)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "seed" in metafunc.fixturenames:
        metafunc.parametrize("seed", range(20 if read_tier() == "full" else 1))


def allowed(facts: Facts, user: str, entity: str, action: str, now: datetime) -> set[str]:
    """Return the records that an action of a person reaches."""
    person = Person(facts, user, now)
    rows = {rows for role in facts.users[user]["roles"] for rows in GRANTS[role].get(entity, {}).get(action, ())}
    edit = action not in {"read", "export"}
    return {id_ for id_ in facts.rows[entity] if any(person.reaches(each, entity, id_, edit=edit) for each in rows)}


@pytest.mark.slow
def test_everybody_reads_and_may_do_what_the_oracle_says(
    world: World, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    generator = random.Random(seed)
    now = NOW
    monkeypatch.setattr(clock, "now", lambda: now)
    facts = populated(world, generator, f"o{seed}")
    order = (Order(("updated_at",), descending=True),)
    moments = (NOW, NOW + timedelta(hours=2), NOW + timedelta(days=1, hours=12))
    full, strategies = read_tier() == "full", ("plain", "walk", "gather", "merge")
    for now in moments if full else moments[::2]:
        for user in facts.users if full else generator.sample(list(facts.users), 4):
            for entity in ENTITIES:
                expected = allowed(facts, user, entity, "read", now)
                mine = [id_ for id_ in facts.rows[entity] if id_ in expected]
                for strategy in strategies if full else generator.sample(strategies, 1):
                    monkeypatch.setattr(readers, "strategy_for", lambda *_, strategy=strategy: strategy)
                    with world.reading(world.who(user)) as reader:
                        if not reader.access.may(entity, "read"):
                            assert not expected
                            break
                        query = Query(entity, select=("id",), order_by=order, limit=200)
                        rows = reader.query(query, abilities=("update", "delete", "transfer"))
                        found = {each.id: each for each in rows if each.id in facts.rows[entity]}
                        assert sorted(found) == sorted(mine), (entity, strategy, facts.users[user])
                        assert reader.readable(entity, facts.rows[entity]) == expected
                        assert reader.count(query).number == len(rows)
                    for action in ("update", "delete", "transfer"):
                        able = {id_ for id_, each in found.items() if each.may(action)}
                        assert able == allowed(facts, user, entity, action, now) & expected, (entity, action)


@pytest.mark.slow
def test_everybody_changes_deletes_and_hands_over_what_the_oracle_says(
    world: World, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    generator = random.Random(seed + 1000)
    monkeypatch.setattr(clock, "now", lambda: NOW)
    facts = populated(world, generator, f"w{seed}")
    users = list(facts.users)
    for user in generator.sample(users, len(users) if read_tier() == "full" else 3):
        for entity in ("account", "contact", "deal"):
            for id_ in generator.sample(list(facts.rows[entity]), 4):
                others = [each for each in users if each != facts.rows[entity][id_]["owner"]]
                tries = {
                    "update": ("update", [{"id": id_, "name": "new"}]),
                    "delete": ("delete", [id_]),
                    "transfer": ("update", [{"id": id_, "owner": generator.choice(others)}]),
                }
                for action, (verb, given) in tries.items():
                    found = outcome(world, user, verb, entity, given)
                    assert found == verdict(facts, user, entity, action, id_), (entity, action, facts.users[user])


def verdict(facts: Facts, user: str, entity: str, action: str, id_: str) -> str:
    """Say what becomes of an action: done, denied (they may know of the record), missing, or refused at a field."""
    needed = "update" if action == "transfer" else action
    if not any(needed in GRANTS[role].get(entity, {}) for role in facts.users[user]["roles"]):
        return "denied"
    if id_ not in allowed(facts, user, entity, needed, NOW):
        return "denied" if id_ in allowed(facts, user, entity, "read", NOW) else "missing"
    return "done" if action != "transfer" or id_ in allowed(facts, user, entity, "transfer", NOW) else "refused"


class TakenBack(Exception):
    """Ends a transaction that shall leave nothing."""


def outcome(world: World, user: str, verb: str, entity: str, given: Any) -> str:
    """Do something, say what became of it, and take it back."""
    with suppress(TakenBack), world.records.begin() as connection:
        found = _tried(lambda: getattr(world.records, verb)(world.who(user), entity, given, connection=connection))
        raise TakenBack
    return found


def _tried(act: Callable[[], object]) -> str:
    try:
        act()
    except AccessDenied:
        return "denied"
    except NotFound:
        return "missing"
    except RecordInvalid as refused:
        return "refused" if [problem.path for problem in refused.problems] == ["owner"] else str(refused)
    return "done"
