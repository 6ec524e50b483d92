"""A company of 500 people for the bench: five levels, departments, teams, territories of customers, and what is shared.

Rows are written straight into the tables: what is measured is reading, and history and search would take most of the
time that it takes to fill a site.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from engine import SYSTEM, Site, create_folder
from engine.ids import new_id
from engine.storage.codec import encoder
from engine.storage.database import copy_rows, run, run_many
from engine.storage.guard import ENTITY_ACCESS

PEOPLE = 500
TEAMS = 50
BELOW = (1, 3, 7, 42)
"""How many people stand on each level but the lowest: a head of the third has 73 people below."""
PASSWORD = "correct horse battery staple"
STAGES = ("new", "contacted", "qualified", "proposal", "won", "lost")
COUNTRIES = ("CN", "US", "DE", "GB", "JP", "FR", "SG", "BR")

CONFIG = "packs: []\nlanguages: [en, zh]\n"
DOCUMENTS = """
entity: account
label: {en: Account, zh: 客户}
plural: {en: Accounts, zh: 客户}
title: name
features: [owned, history, search]
fields:
  name: {type: text, required: true, max_length: 200, search: high}
  phone: {type: phone}
---
entity: deal
label: {en: Deal, zh: 商机}
plural: {en: Deals, zh: 商机}
title: name
features: [owned, history, search]
fields:
  name: {type: text, required: true, max_length: 200, search: high}
  account: {type: lookup, to: account, on_delete: restrict, share: edit}
  stage: {type: select, options: {new: {}, contacted: {}, qualified: {}, proposal: {}, won: {}, lost: {}}}
  country: {type: text, max_length: 2}
  city: {type: text, max_length: 60}
  source: {type: text, max_length: 60}
  amount: {type: money, currency: CNY}
  score: {type: integer, min: 0, max: 100}
  next_on: {type: date}
  note: {type: longtext}
---
view: deal.default
entity: deal
title: {en: Deals, zh: 商机}
columns:
  {name: {}, account: {}, stage: {widget: badge}, source: {}, country: {}, city: {}, amount: {}, score: {}, owner: {},
   updated_at: {}}
order: [-updated_at]
filters: [stage, owner]
---
view: deal.by_amount
entity: deal
title: {en: By amount, zh: 按金额}
columns: {name: {}, amount: {}, stage: {}, country: {}}
order: [-amount]
filters: [stage, country]
---
role: rep
grants:
  account: {read: [own, shared], create: all, update: [own, shared]}
  deal: {read: [own, shared], create: all, update: [own, shared]}
---
role: manager
grants:
  account: {read: [own, subordinates, shared], create: all, update: [own, subordinates, shared]}
  deal: {read: [own, subordinates, shared], create: all, update: [own, subordinates, shared]}
---
role: boss
permissions: [admin]
grants: {"*": {read: all, create: all, update: all, delete: all, export: all, transfer: all, import: all}}
"""


@dataclass
class Company:
    """A site with the people, and who of them is asked about."""

    folder: Path
    site: Site
    ids: list[str] = field(default_factory=list)
    """Users, from the top down."""
    who: dict[str, str] = field(default_factory=dict)
    """boss, rep, lowest (a manager of reps alone), head (73 below), director -> id."""

    def close(self) -> None:
        """Let go of the database."""
        self.site.close()


def make(
    folder: Path,
    url: str | None,
    rows: int,
    shares: int = 20_000,
    people: int = PEOPLE,
    below: Sequence[int] = BELOW,
    seed: int = 7,
) -> Company:
    """Make the site with `rows` deals on a tenth as many accounts, and `below` managers on each level."""
    create_folder(folder, database=url)
    config = folder / "guanxi.yaml"
    kept = [
        line
        for line in config.read_text(encoding="utf-8").splitlines()
        if not line.startswith(("packs:", "languages:"))
    ]
    config.write_text(CONFIG + "\n".join(kept) + "\n", encoding="utf-8")
    (folder / "schemas" / "company.yaml").write_text(DOCUMENTS, encoding="utf-8")
    site = Site.open(folder, database_url=url)
    site.publish()
    company = Company(folder, site)
    rng = random.Random(seed)
    departments, teams = _people(company, rng, people, below)
    sellers = company.ids[sum(below[:-1]) :]
    _fill(company, rng, rows, shares, sellers, departments, teams)
    return company


def _people(company: Company, rng: random.Random, people: int, below: Sequence[int]) -> tuple[list[str], list[str]]:
    records = company.site.records
    levels: list[list[str]] = []
    departments: dict[str, str] = {}
    above: list[str | None] = [None]
    for level in (*below, people - sum(below)):
        given: list[dict[str, Any]] = []
        for number in range(level):
            boss = above[number % len(above)]
            name = f"P{len(company.ids) + number}"
            given.append(
                {
                    "name": name,
                    "email": f"{name.lower()}@example.com",
                    "manager": boss,
                    "department": departments.get(boss or ""),
                    "roles": ["manager" if len(levels) < len(below) else "rep"],
                }
            )
        made = [each.id for each in records.create(SYSTEM, "user", given)]
        if len(levels) < len(below):
            # Each manager heads a department, which is a part of that of whoever is above.
            told = [
                {"name": f"D{levels and len(levels)}-{number}", "head": id_, "parent": each["department"]}
                for number, (id_, each) in enumerate(zip(made, given, strict=True))
            ]
            for id_, each in zip(made, records.create(SYSTEM, "department", told), strict=True):
                departments[id_] = each.id
            records.update(SYSTEM, "user", [{"id": id_, "department": departments[id_]} for id_ in made])
        company.ids += made
        levels.append(made)
        above = list(made)
    members = list(company.ids)
    rng.shuffle(members)
    teams = [{"name": f"T{number}", "members": members[number::TEAMS]} for number in range(TEAMS)]
    boss = company.site.identity.add("Boss", "boss@example.com", ["boss"])
    company.who = {"boss": boss, "rep": levels[-1][1], "lowest": levels[-2][1], "head": levels[-3][1]}
    company.who["director"] = levels[0][0]
    return list(departments.values()), [each.id for each in records.create(SYSTEM, "team", teams)]


def _fill(
    company: Company,
    rng: random.Random,
    rows: int,
    shares: int,
    sellers: Sequence[str],
    departments: Sequence[str],
    teams: Sequence[str],
) -> None:
    begin = datetime(2025, 1, 1, tzinfo=UTC)
    accounts: list[dict[str, Any]] = [
        {"id": new_id(), "name": f"Account {number}", "owner": rng.choice(sellers)} for number in range(rows // 10)
    ]
    for number, account in enumerate(accounts):
        account["created_at"] = account["updated_at"] = begin + timedelta(minutes=number)
    deals: list[dict[str, Any]] = []
    for number in range(rows):
        account = rng.choice(accounts)
        deals.append(
            {
                "id": new_id(),
                "name": f"Deal {number}",
                "account": account["id"],
                "owner": account["owner"] if rng.random() < 0.9 else rng.choice(sellers),
                "stage": rng.choices(STAGES, (30, 25, 15, 10, 10, 10))[0],
                "country": rng.choices(COUNTRIES, (40, 20, 10, 10, 8, 6, 4, 2))[0],
                "city": "上海",
                "source": "web",
                "amount": Decimal(rng.randrange(50_000_000)).scaleb(-2),
                "score": rng.randrange(101),
                "created_at": begin + timedelta(minutes=number),
                "updated_at": begin + timedelta(minutes=rng.randrange(800_000)),
            }
        )
    _insert(company.site, "account", accounts)
    _insert(company.site, "deal", deals)
    given = list(_shares(rng, shares, company.ids, departments, teams, accounts, deals))
    unique = {(each[0], each[1], each[3]): each for each in given}
    columns = "entity, record_id, kind, principal_id, level, cause, cascades"
    with company.site.database.write() as connection:
        _write(connection, "share", columns, list(unique.values()))
    if company.site.database.dialect == "postgresql":
        # As autovacuum does a minute later. SQLite goes by what publication told it.
        with company.site.database.beside() as connection:
            run(connection, "ANALYZE")


def _shares(
    rng: random.Random,
    count: int,
    users: Sequence[str],
    departments: Sequence[str],
    teams: Sequence[str],
    accounts: Sequence[Mapping[str, Any]],
    deals: Sequence[Mapping[str, Any]],
) -> Iterator[tuple[Any, ...]]:
    """Yield shares: a quarter are accounts with what hangs on them, the others single deals."""
    for number in range(count):
        level = rng.choice(("read", "edit"))
        if number % 100 < 69:
            yield "deal", rng.choice(deals)["id"], "user", rng.choice(users), level, "manual", 1
        elif number % 100 < 94:
            yield "account", rng.choice(accounts)["id"], "user", rng.choice(users), level, "manual", 1
        elif number % 100 < 99:
            yield "account", rng.choice(accounts)["id"], "team", rng.choice(teams), level, "manual", 1
        else:
            yield "account", rng.choice(accounts)["id"], "department", rng.choice(departments), level, "manual", 1


def _insert(site: Site, entity: str, rows: Sequence[Mapping[str, Any]]) -> None:
    published = site.publisher.models.get(site.revision)
    known = published.model.entity(entity)
    keys = [*rows[0], "version"]
    encode = [encoder(known.fields[key], site.database.dialect) for key in keys]
    written = []
    for row in rows:
        values = [*row.values(), 1]
        written.append(
            tuple(value if each is None else each(value) for value, each in zip(values, encode, strict=True))
        )
    names = ", ".join(f'"{published.tables.column_name(entity, key)}"' for key in keys)
    with site.database.write() as connection:
        _write(connection, f'"{published.tables.name(entity)}"', names, written)


def _write(connection: Any, table: str, columns: str, rows: Sequence[tuple[Any, ...]]) -> None:
    if connection.dialect.name == "postgresql":
        copy_rows(connection, table, columns, rows, access=ENTITY_ACCESS)
        return
    marks = ", ".join("?" * len(rows[0]))
    run_many(connection, f"INSERT INTO {table} ({columns}) VALUES ({marks})", rows, access=ENTITY_ACCESS)
