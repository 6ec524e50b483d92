"""Random rows under random grants: every way to read agrees with an oracle that goes row by row."""

import datetime as dt
import random
from collections import defaultdict
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from engine.data.principal import Principal
from engine.data.query import Aggregate, Bucket, Query, orders
from engine.data.reader import Reader
from engine.errors import AccessDenied, NotFound, QueryInvalid
from engine.expression import Expr, parse
from tests.conftest import read_tier
from tests.functional.reading.oracle import Oracle
from tests.functional.reading.world import NOW, SITE, World, model_of

ROWS = ("all", "own", "subordinates", "team", "department", "shared")
DEAL_CONDITIONS = (
    "stage == 'new'",
    "amount > 400 or amount is None",
    "owner == user.id and hot",
    "company.industry == 'it'",
    "owner.department == user.department",
    "owner.manager == user.id",
    "any(items, price > 300)",
    "count(helpers) > 0",
    "due < today",
    "'boss' in user.roles",
    "watcher is None and not hot",
    "in_subtree(company, company)",
)
COMPANY_CONDITIONS = ("industry != 'realty'", "any(deals, stage == 'won')", "parent is None", "owner.name != 'p1'")
ITEM_CONDITIONS = ("price < 500", "deal.stage == 'new'")
FILTERS = (
    "amount > 250.5",
    "amount <= 250.50",
    "stage in ['new', 'won']",
    "company.name == 'c1'",
    "company.industry == 'it'",
    "company.parent.industry is not None",
    "any(items, price > 100)",
    "all(items, price > 100)",
    "sum_of(items, price) > 300",
    "count(items) == 0 and not hot",
    "any(company.deals, stage == 'lost')",
    "owner.manager.name == 'p0'",
    "late or margin > 100",
    "industry == 'it' or industry is None",
    "any(helpers, name == 'p2')",
    "watcher == user.id or owner == user.id",
    "not (amount > 100 and hot)",
    "name in ['deal 1', 'deal 2', 'deal 3']",
    "credit > 10",
)
WORDS = ("alpha", "beta", "张三", "gamma")


def some(generator: random.Random, choices: tuple[str, ...], most: int) -> str:
    picked = generator.sample(choices, generator.randrange(0, most + 1))
    return "[" + ", ".join(each if each in ROWS else f'"{each}"' for each in picked) + "]"


def roles_of(generator: random.Random) -> str:
    parts = [SITE]
    for number in range(8):
        grants = []
        for entity, conditions in (("deal", DEAL_CONDITIONS[:-1]), ("company", COMPANY_CONDITIONS), ("user", ())):
            if generator.random() < 0.85:
                rows = (*ROWS, *conditions)
                fields = ""
                if entity == "deal" and generator.random() < 0.3:
                    fields = ", fields: {cost: hidden, note: masked, phone: masked}"
                actions = ", ".join(
                    f"{action}: {some(generator, rows, most)}"
                    for action, most in (("read", 3), ("update", 2), ("delete", 1))
                )
                grants.append(f"  {entity}: {{{actions}{fields}}}")
        if generator.random() < 0.4:
            grants.append(f"  deal_item: {{read: {some(generator, ('all', *ITEM_CONDITIONS), 2)}, update: all}}")
        if generator.random() < 0.2:
            grants.append('  "*": {read: [own]}')
        restrict = ""
        if generator.random() < 0.25:
            restrict = f'restrict:\n  deal: {{limit: "{generator.choice(DEAL_CONDITIONS[:-1])}"}}\n'
        body = "grants:\n" + "\n".join(grants) if grants else "grants: {}"
        parts.append(f"role: r{number}\n{body}\n{restrict}")
    return "\n---\n".join(parts)


def populated(generator: random.Random, url: str) -> tuple[World, list[Principal]]:
    world = World(url, model_of(roles_of(generator)))
    departments: list[str] = []
    for number in range(4):
        parent = generator.choice([None, *departments])
        departments += world.add("department", [{"name": f"d{number}", "parent": parent}])
    people = []
    for number in range(8):
        roles = [f"r{each}" for each in generator.sample(range(8), generator.randrange(1, 4))]
        manager = generator.choice([None, *world.people]) if number else None
        people.append(
            world.person(f"p{number}", *roles, manager=manager, department=generator.choice([None, *departments]))
        )
    ids = [person.id for person in people]
    teams = world.add(
        "team", [{"name": f"t{number}", "members": tuple(generator.sample(ids, 3))} for number in range(3)]
    )
    people = [
        replace(person, teams=tuple(team for team in teams if person.id in world.rows["team"][team]["members"]))
        for person in people
    ]
    companies: list[Any] = []
    for number in range(8):
        companies += world.add(
            "company",
            [
                {
                    "name": f"c{number}",
                    "industry": generator.choice([None, "it", "realty", "retail"]),
                    "owner": generator.choice([None, *ids]),
                    "parent": generator.choice([None, *companies]),
                    "credit": generator.choice([None, Decimal(generator.randrange(100))]),
                }
            ],
        )
    deals = world.add("deal", [deal(generator, number, ids, companies) for number in range(60)])
    world.add(
        "deal_item",
        [
            {
                "what": "x",
                "deal": generator.choice(deals),
                "price": generator.choice([None, Decimal(generator.randrange(600))]),
            }
            for _ in range(60)
        ],
    )
    for _ in range(40):
        principal = str(generator.choice([*ids, *teams, *departments]))
        entity, record = generator.choice([("deal", generator.choice(deals)), ("company", generator.choice(companies))])
        try:
            world.share(entity, record, principal, generator.choice(["read", "edit"]))
        except Exception:  # noqa: BLE001 - the same share twice
            continue
    return world, people


def deal(generator: random.Random, number: int, ids: list[Any], companies: list[Any]) -> dict[str, Any]:
    return {
        "name": f"deal {number} {generator.choice(WORDS)}",
        "note": generator.choice([None, *WORDS]),
        "company": generator.choice([None, *companies]),
        "stage": generator.choice(["new", "won", "lost"]),
        "amount": generator.choice([None, Decimal(generator.randrange(0, 60_000)) / 100]),
        "cost": generator.choice([None, Decimal(generator.randrange(0, 60_000)) / 100]),
        "due": generator.choice([None, dt.date(2026, 3, generator.randrange(1, 31))]),
        "hot": generator.choice([None, True, False]),
        "owner": generator.choice([None, *ids]),
        "helpers": tuple(generator.sample(ids, generator.randrange(0, 3))),
        "watcher": generator.choice([None, None, *ids]),
        "deleted_at": generator.choice([None, None, None, None, NOW]),
    }


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "seed" in metafunc.fixturenames:
        metafunc.parametrize("seed", range(30 if read_tier() == "full" else 1))


@pytest.mark.slow
def test_every_way_to_read_agrees_with_the_oracle(seed: int, database_url: str) -> None:
    generator = random.Random(seed)
    world, people = populated(generator, database_url)
    for person in people[: 8 if read_tier() == "full" else 4]:
        with world.reading(person) as reader:
            oracle = Oracle(world, reader)
            agree_on_rows(reader, oracle)
            agree_on_filters(reader, oracle, generator)
            agree_on_words(reader, oracle)
            agree_on_choices(reader, oracle)
    world.database.dispose()


def everything(reader: Reader, query: Query) -> list[str]:
    try:
        return reader.query(replace(query, limit=200)).ids
    except AccessDenied:
        return []


def agree_on_rows(reader: Reader, oracle: Oracle) -> None:
    for entity in ("deal", "company", "deal_item", "user"):
        expected = oracle.readable(entity)
        listed = everything(reader, Query(entity, select=("id",)))
        assert sorted(listed) == sorted(expected), (entity, oracle.person.roles)
        for record in oracle.world.rows[entity]:
            assert is_found(reader, entity, record) == (record in expected), (entity, record)
        if expected:
            rows = reader.query(Query(entity, select=("id",), limit=200), abilities=("update", "delete"))
            for action in ("update", "delete"):
                able = {record for record, may in zip(rows.ids, rows.abilities(action), strict=True) if may}
                records = oracle.world.rows[entity]
                assert able == {id_ for id_ in expected if oracle.may(entity, records[id_], action)}, (entity, action)


def is_found(reader: Reader, entity: str, record: str) -> bool:
    try:
        return reader.record(entity, record, ("id",)).id == record
    except NotFound:
        return False


def agree_on_filters(reader: Reader, oracle: Oracle, generator: random.Random) -> None:
    if not oracle.readable("deal"):
        return
    for text in generator.sample(FILTERS, 9 if read_tier() == "full" else 5):
        condition: Expr = parse(text)
        try:
            listed = everything(reader, Query("deal", select=("id",), where=condition))
        except QueryInvalid:
            # The person may not know of a field in it; that it is refused is tested elsewhere.
            assert not set(oracle.person.roles) & {"boss"}
            continue
        expected = oracle.answer("deal", condition)
        assert sorted(listed) == sorted(expected), (text, oracle.person.roles)
        query = Query(
            "deal",
            where=condition,
            group_by=(Bucket("stage"),),
            aggregates=(Aggregate("count"), Aggregate("sum", "amount")),
        )
        assert reader.count(query).number == len(expected)
        totals: dict[str, tuple[int, Any]] = defaultdict(lambda: (0, None))
        for record in expected:
            row = oracle.world.rows["deal"][record]
            count, total = totals[row["stage"]]
            amount = row["amount"]
            totals[row["stage"]] = (count + 1, total if amount is None else (total or 0) + amount)
        assert {row[0]: (row[1], row[2]) for row in reader.aggregate(query).values()} == dict(totals), text


def agree_on_words(reader: Reader, oracle: Oracle) -> None:
    readable = oracle.readable("deal")
    masks = reader.access.mask("deal")
    for word in WORDS:
        shown = [key for key in ("name", "note") if masks[key] in {"read", "write"}]
        rows = oracle.world.rows["deal"]
        expected = {id_ for id_ in readable if any(word in (rows[id_][key] or "") for key in shown)}
        assert set(everything(reader, Query("deal", select=("id",), search=word))) == expected, (
            word,
            oracle.person.roles,
        )
        assert {each.id for each in reader.search(word, ["deal"], limit=100)} == expected, word


def agree_on_choices(reader: Reader, oracle: Oracle) -> None:
    if reader.access.mask("deal")["company"] != "hidden":
        choices = {id_ for id_, _ in reader.options("deal", "company", limit=100)}
        assert choices == oracle.readable("company")
        named = oracle.world.rows["company"]
        found = {id_ for id_, _ in reader.options("deal", "company", "c1", limit=100)}
        assert found == {id_ for id_ in oracle.readable("company") if named[id_]["name"] == "c1"}


@pytest.mark.slow
def test_people_who_share_statements_never_share_rows(database_url: str) -> None:
    world, people = populated(random.Random(99), database_url)
    query = Query("deal", select=("name",), order_by=orders(["name"]), limit=200)
    with world.database.read() as connection:
        for person in [*people, *reversed(people)]:
            reader = Reader(connection, world.site, person, secret=b"x", now=NOW)  # type: ignore[arg-type]
            assert set(everything(reader, query)) == Oracle(world, reader).readable("deal")
    world.database.dispose()
