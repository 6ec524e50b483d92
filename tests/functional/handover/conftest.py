"""A small office on each kind of database; a file of tests shares it, and each test makes its own people."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from engine import SYSTEM, Handovers, Message, Principal, Query, Site, hookimpl, parse
from tests.sites import make_folder

DOCUMENTS = """
entity: client
label: {en: Client, zh: 委托人}
plural: {en: Clients, zh: 委托人}
title: name
features: [owned, history, search]
fields:
  name: {type: text, required: true, search: high}
  opened_by: {type: user, read_only: true}
---
entity: deal
label: {en: Deal, zh: 交易}
plural: {en: Deals, zh: 交易}
title: name
features: [owned, history]
fields:
  name: {type: text, required: true}
  client: {type: lookup, to: client}
  stage: {type: select, default: fresh, options: {fresh: {}, won: {}, lost: {}}}
  helper: {type: user, required: true}
  watchers: {type: lookups, to: user}
states:
  field: stage
  transitions: {win: {from: [fresh], to: won}, lose: {from: [fresh], to: lost}}
checks:
  not_lost_again: {fail_when: "stage == 'lost' and name == 'Lost'", at: name, message: {en: No, zh: 否}}
---
entity: note
label: {en: Note, zh: 笔记}
plural: {en: Notes, zh: 笔记}
title: text
features: [owned]
fields:
  text: {type: text, required: true}
---
view: deal.mine
entity: deal
title: {en: My open deals, zh: 我的交易}
where: "owner == user.id and stage == 'fresh'"
columns: {name: {}}
---
role: seller
label: {en: Seller, zh: 销售}
grants:
  client: {read: [own, shared], create: all, update: [own], transfer: [own]}
  deal: {read: [own], create: all, update: [own], transfer: [own]}
  note: {read: [own], create: all, update: [own]}
---
role: chief
label: {en: Chief, zh: 主管}
grants:
  client: {read: [own, subordinates], create: all, update: [own, subordinates], transfer: [own, subordinates]}
  deal: {read: [own, subordinates], create: all, update: [own, subordinates], transfer: [own]}
---
role: people
label: {en: People, zh: 人事}
permissions: [users]
grants:
  user: {read: all, create: all, update: all}
---
role: blind
label: {en: Blind, zh: 无权}
grants: {}
"""

_numbers = count(1)


class Refusing:
    """Refuses to change clients of one name, as a plugin may."""

    watches = frozenset({"client"})

    @hookimpl
    def before_save(self, batch: Any) -> None:
        for row in batch.rows if batch.action == "update" else ():
            if row["name"] == "Stubborn":
                batch.reject(row["id"], "owner", Message("{name} stays", name="Stubborn"))


class Office:
    """A site with people and what is theirs."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.records = site.records
        self.handovers = Handovers(site.records, site.identity)

    def person(self, *roles: str, name: str = "", **values: Any) -> Principal:
        number = next(_numbers)
        user_id = self.site.identity.add(name or f"Person {number}", f"p{number}@x.example", list(roles), **values)
        return self.site.principal(user_id)

    def make(self, entity: str, number: int, owner: Principal, **values: Any) -> list[str]:
        title = "text" if entity == "note" else "name"
        rows = [{title: f"{entity} {place}", "owner": owner.id, **values} for place in range(number)]
        return [each.id for each in self.records.create(SYSTEM, entity, rows)]

    def owners(self, entity: str, ids: list[str]) -> list[str]:
        """The owners of records, in the order of the ids."""
        return [self.value(entity, id_, "owner") for id_ in ids]

    def value(self, entity: str, id_: str, path: str) -> Any:
        with self.site.reading(SYSTEM) as reader:
            return reader.record(entity, id_, (path,)).values()[path]

    def count(self, entity: str, where: str) -> int:
        with self.site.reading(SYSTEM) as reader:
            return reader.count(Query(entity, where=parse(where)), 1_000_000).number


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def office(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    folder: Path = tmp_path_factory.mktemp("office") / "site"
    make_folder(folder, DOCUMENTS)
    if request.param == "sqlite":
        with Site.open(folder, database_url="sqlite:///data/site.sqlite") as site:
            site.publish()
            yield Office(site)
        return
    server = request.getfixturevalue("postgres_server")
    url = server.create()
    with Site.open(folder, database_url=url) as site:
        site.publish()
        yield Office(site)
    server.drop(url)


@pytest.fixture
def admin(office: Office) -> Principal:
    return office.person("admin")


@pytest.fixture
def refusing(office: Office) -> Iterator[None]:
    """Clients called Stubborn cannot be changed."""
    plugin = Refusing()
    office.site.hooks.register(plugin, "refusing")
    yield
    office.site.hooks.unregister(plugin)
