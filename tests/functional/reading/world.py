"""A small site for the tests of reading: companies, deals with items, people in teams and departments, many roles.

Rows are written with the access token straight into the tables, so that reading is tested by itself.
"""

import datetime as dt
import random
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import insert
from sqlalchemy.engine import Connection

from engine.data.principal import Principal
from engine.data.reader import Reader
from engine.ids import new_id
from engine.metadata.build import build_model
from engine.metadata.document import read_text
from engine.metadata.layers import layer_of
from engine.metadata.model import Model
from engine.storage.apply import expand
from engine.storage.codec import encoder
from engine.storage.database import Database, run
from engine.storage.guard import ALLOWED
from engine.storage.migrations import migrate
from engine.storage.plan import schema_plan
from engine.storage.search import SearchText, add
from engine.storage.statistics import tell
from engine.storage.storage_map import StorageMap
from engine.storage.tables import Tables

CORE = Path(__file__).parents[3] / "schemas" / "core"
NOW = dt.datetime(2026, 3, 15, 9, 30, tzinfo=dt.UTC)
SECRET = b"a secret of the tests"

SITE = """
entity: company
plural: companies
title: name
features: [owned, history, search]
fields:
  name: {type: text, required: true, search: high}
  industry: {type: select, options: {it: {}, realty: {}, retail: {}}}
  city: {type: text}
  rating: {type: integer}
  parent: {type: lookup, to: company, on_delete: clear}
  credit: {type: money, currency: CNY}
---
entity: deal
plural: deals
title: name
features: [owned, history, search]
fields:
  name: {type: text, required: true, search: high}
  company: {type: lookup, to: company, on_delete: clear}
  stage: {type: select, default: new, options: {new: {}, won: {}, lost: {}}}
  amount: {type: money, currency: CNY, search: null}
  cost: {type: money, currency: CNY}
  due: {type: date}
  seen: {type: datetime}
  hot: {type: boolean}
  note: {type: longtext, search: low}
  phone: {type: phone, search: normal}
  email: {type: email}
  pin: {type: secret}
  tags: {type: tags}
  helpers: {type: lookups, to: user, share: edit}
  watcher: {type: user, share: read, on_delete: clear}
  items: {type: table, of: deal_item}
  margin: {type: formula, result: number, decimals: 2, expr: "amount - cost"}
  late: {type: formula, result: boolean, expr: "due < today and stage == 'new'"}
  industry: {type: reference, of: company, field: industry}
  credit: {type: reference, of: company, field: credit}
order: [-amount]
---
entity: deal_item
parent: deal
title: what
fields:
  what: {type: text, required: true}
  price: {type: money, currency: CNY}
  secret_price: {type: money, currency: CNY}
---
entity: contact
title: name
fields:
  name: {type: text, required: true, search: high}
  company: {type: lookup, to: company, on_delete: clear}
  branch: {type: lookup, to: company, on_delete: clear, where: "parent == record.company"}
  about: {type: any_lookup, to: [company, deal]}
---
role: boss
grants: {"*": {read: all, create: all, update: all, delete: all, export: all, transfer: all, import: all}}
---
role: seller
grants:
  deal: {read: [own, shared], create: all, update: [own], delete: []}
  company: {read: [own], update: [own]}
---
role: lead
grants:
  deal: {read: [own, subordinates], update: [own], fields: {cost: hidden, phone: masked, email: masked}}
---
role: teammate
grants:
  deal: {read: [team], update: [own]}
  deal_item: {read: "price < 500"}
---
role: clerk
grants:
  deal: {read: [department], fields: {amount: read}}
  company: {read: all, fields: {credit: hidden}}
---
role: hunter
grants:
  deal: {read: "stage == 'new' and company.industry == 'it'"}
---
role: careful
grants:
  deal: {read: all, fields: {cost: hidden, margin: hidden, note: hidden}}
restrict:
  deal: {not_lost: "stage != 'lost'"}
---
role: nobody
grants: {}
"""


@dataclass(frozen=True)
class Site:
    """What engine.publish.Published is: a Model with its tables."""

    model: Model
    storage: StorageMap
    tables: Tables


def model_of(text: str, revision: int = 1) -> Model:
    core = [
        document
        for name in ("user", "team", "department")
        for document in read_text((CORE / f"{name}.yaml").read_text(), name, "core")[0]
    ]
    documents, problems = read_text(text, "test.yaml", "site")
    return build_model([layer_of("core", "core", core), layer_of("site", "site", documents, problems)], revision)


def make(url: str, model: Model) -> tuple[Database, Site]:
    """Make the tables of a Model in an empty database."""
    database = Database(url)
    migrate(database)
    with database.plain() as connection:
        plan = schema_plan(model, StorageMap(), connection, counted=False)
        assert not plan.problems, plan.problems
        expand(connection, plan.changes)
        tell(connection, model, plan.storage)
    return database, Site(model, plan.storage, Tables(model, plan.storage))


class World:
    """A database with a site, people and rows."""

    def __init__(self, url: str, model: Model) -> None:
        self.database, self.site = make(url, model)
        self.model = model
        self.people: dict[str, str] = {}
        self.teams: dict[str, list[str]] = {}
        self.rows: dict[str, dict[str, dict[str, Any]]] = {}

    @contextmanager
    def reading(self, principal: Principal) -> Iterator[Reader]:
        with self.database.read(limit_ms=10_000) as connection:
            yield Reader(connection, self.site, principal, secret=SECRET, now=NOW)  # type: ignore[arg-type]

    def add(self, entity: str, rows: Iterable[Mapping[str, Any]]) -> list[str]:
        with self.database.write() as connection:
            ids = [self._insert(connection, entity, row) for row in rows]
            text = SearchText(self.model.entity(entity))
            if text:
                add(connection, entity, [(id_, text.words(self.rows[entity][id_])) for id_ in ids])
            return ids

    def _insert(self, connection: Connection, entity: str, row: Mapping[str, Any]) -> str:
        known = self.model.entity(entity)
        values = {"id": new_id(), "version": 1, "created_at": NOW, "updated_at": NOW, **row}
        table = self.site.tables.table(entity)
        stored: dict[str, Any] = {}
        for key, value in values.items():
            field = known.fields[key]
            if field.storage is not None:
                encode = encoder(field, self.database.dialect)
                stored[table.columns[key].name] = value if encode is None else encode(value)
        connection.execute(insert(table).values(_by_key(table, stored)), execution_options=ALLOWED)
        for key, value in values.items():
            if known.fields[key].type.links == "many":
                link = self.site.tables.link(entity, key)
                for position, target in enumerate(value or ()):
                    connection.execute(
                        insert(link).values(record_id=values["id"], target_id=target, position=position),
                        execution_options=ALLOWED,
                    )
        self.rows.setdefault(entity, {})[values["id"]] = {**dict.fromkeys(known.fields), **values}
        return str(values["id"])

    def share(self, entity: str, record: str, principal: str, level: str = "read") -> None:
        mark = "?" if self.database.dialect == "sqlite" else "%s"
        with self.database.write() as connection:
            run(
                connection,
                f"INSERT INTO share (entity, record_id, principal_id, level, cause) VALUES ({', '.join([mark] * 5)})",
                (entity, record, principal, level, "manual"),
            )
        self.rows.setdefault("share", {})[new_id()] = {
            "entity": entity,
            "record": record,
            "principal": principal,
            "level": level,
        }

    def person(self, name: str, *roles: str, manager: str | None = None, department: str | None = None) -> Principal:
        """Make a user, and say to the closure whose subordinate it is."""
        boss = self.people.get(manager or "")
        row = {
            "name": name,
            "email": f"{name}@example.com",
            "manager": boss,
            "department": department,
            "roles": tuple(roles),
        }
        [person] = self.add("user", [row])
        self.people[name] = person
        mark = "?" if self.database.dialect == "sqlite" else "%s"
        depth = 0
        above: str | None = person
        with self.database.write() as connection:
            while above is not None:
                run(connection, f"INSERT INTO user_closure VALUES ({mark}, {mark}, {mark})", (above, person, depth))
                above, depth = self.rows["user"][above]["manager"], depth + 1
        return Principal(
            id=person, name=name, roles=frozenset(roles), timezone="Asia/Shanghai", department=department, manager=boss
        )


def _by_key(table: Any, stored: Mapping[str, Any]) -> dict[str, Any]:
    return {column.key: stored[column.name] for column in table.columns if column.name in stored}


def money(generator: random.Random) -> Decimal | None:
    return generator.choice([None, Decimal(generator.randrange(0, 100_000)) / 100])
