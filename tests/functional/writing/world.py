"""A small site for the tests of writing: companies, people in them, orders with items, projects with members."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from engine.data.principal import SYSTEM, Principal
from engine.data.reader import Reader
from engine.data.records import Records
from engine.data.vault import KeyRing, Vault, Wrapping, first_key
from engine.hooks import Hooks
from engine.metadata.document import read_text
from engine.metadata.shipped import shipped_layers
from engine.publish import Publisher
from engine.storage.database import Database, run
from engine.storage.guard import ENTITY_ACCESS
from engine.storage.migrations import migrate

SECRET = b"a secret of the tests"

SITE = """
entity: company
label: {en: Company, zh: 公司}
plural: {en: Companies, zh: 公司}
title: name
features: [owned, history, search]
fields:
  name: {type: text, label: {en: Name, zh: 名称}, required: true, max_length: 40, search: high}
  code: {type: text, unique: true}
  number: {type: autonumber, pattern: "C-{seq:4}"}
  bill: {type: autonumber, pattern: "B-{seq:4}", gapless: true}
  level: {type: select, options: {low: {}, mid: {}, high: {}}, default: low}
  city: {type: text, search: normal}
  credit: {type: money, currency: CNY, min: 0}
  parent: {type: lookup, to: company, on_delete: clear}
  since: {type: date, default_expr: "today"}
  open: {type: boolean, default: true}
  pin: {type: secret, label: {en: PIN, zh: 密码}}
  tags: {type: tags}
  people: {type: rollup, of: persons, count: id}
  pay: {type: rollup, of: persons, sum: salary, where: "active"}
  best: {type: rollup, of: persons, max: salary}
  mean: {type: rollup, of: persons, avg: salary}
  sized: {type: formula, result: text, stored: true, expr: "'big' if people > 2 else 'small'"}
  branches: {type: rollup, of: companies, sum: people}
  rich: {type: formula, result: boolean, expr: "credit > 1000"}
unique: {one_place: {fields: [name, city]}}
---
entity: person
plural: persons
title: name
features: [owned, history, search]
fields:
  name: {type: text, required: true, search: high}
  company: {type: lookup, to: company, on_delete: restrict}
  boss: {type: lookup, to: person, on_delete: clear, where: "company == record.company"}
  salary: {type: money, currency: CNY}
  active: {type: boolean, default: true}
  mood: {type: select, options: {glad: {}, sad: {}}}
  email: {type: email, unique: true}
  level: {type: formula, result: text, stored: true, expr: "company.level"}
  city: {type: reference, of: company, field: city}
  friends: {type: lookups, to: person, on_delete: clear}
  about: {type: any_lookup, to: [company, order], on_delete: clear}
  note: {type: text, required_when: "mood == 'sad'"}
  fixed: {type: text, read_only_when: "active == False"}
  grade: {type: select, options: {a: {}, b: {}, c: {}}, options_when: {a: "salary > 100"}}
  seen: {type: datetime}
---
entity: order
plural: orders
title: name
features: [owned, history, search]
fields:
  name: {type: text, required: true, search: high}
  company: {type: lookup, to: company, on_delete: cascade}
  stage:
    type: select
    default: draft
    options: {draft: {label: {en: Draft, zh: 草稿}}, sent: {label: {en: Sent, zh: 已发}}, paid: {}, void: {}}
  paid_on: {type: date}
  reason: {type: text}
  limit: {type: money, currency: CNY}
  items: {type: table, of: item}
  total: {type: rollup, of: items, sum: amount}
  lines: {type: rollup, of: items, count: id}
  first_what: {type: rollup, of: items, first: what}
  taxed: {type: formula, result: number, decimals: 2, stored: true, expr: "total * 1.1"}
states:
  field: stage
  transitions:
    send: {from: [draft], to: sent, label: {en: Send, zh: 发送}, when: "total > 0"}
    pay: {from: [sent], to: paid, requires: [paid_on], roles: [boss]}
    cancel: {to: void, requires: [reason]}
checks:
  within_limit:
    {fail_when: "limit is not None and total > limit", at: limit, message: {en: Over the limit, zh: 超出限额}}
  small: {fail_when: "total > 5000", severity: warning, message: {en: That is a lot, zh: 金额较大}}
  paid_later:
    {fail_when: "paid_on < date(created_at)", at: paid_on, message: {en: Paid before it was made, zh: 早于创建}}
---
entity: item
parent: order
title: what
fields:
  what: {type: text, required: true}
  amount: {type: money, currency: CNY, required: true, min: 0}
  stage_then: {type: formula, result: text, stored: true, expr: "order.stage"}
checks:
  not_free: {fail_when: "amount == 0 and order.stage != 'draft'", at: amount, message: {en: Not free, zh: 不可为零}}
---
entity: project
plural: projects
title: name
features: [history]
fields:
  name: {type: text, required: true}
  members: {type: lookups, to: person, on_delete: clear}
  paid: {type: rollup, of: tasks, sum: hours}
---
entity: task
plural: tasks
title: name
fields:
  name: {type: text, required: true}
  hours: {type: number, decimals: 2}
  projects: {type: lookups, to: project, on_delete: clear}
---
role: boss
label: Boss
permissions: [admin]
grants: {"*": {read: all, create: all, update: all, delete: all, export: all, transfer: all, import: all}}
---
role: seller
label: Seller
grants:
  company: {read: all, create: all, update: [own], delete: [own], fields: {credit: read, pin: hidden}}
  person: {read: [own], create: all, update: [own], delete: [own]}
  order: {read: [own], create: "limit is None or limit < 100 or owner == user.id", update: [own], delete: [own]}
---
role: clerk
label: Clerk
grants:
  company: {read: all, update: "level != 'high'", transfer: "level == 'low'", fields: {city: read}}
  person: {read: all}
---
role: looker
label: Looker
grants:
  company: {read: all, fields: {credit: hidden}}
---
role: penman
label: Penman
grants:
  company: {update: all}
---
role: nobody
label: Nobody
grants: {}
"""


def vault(database: Database) -> Vault:
    """Return what seals the secrets of a database of the tests."""
    ring = KeyRing(database, [Wrapping.of(SECRET)], first_key(SECRET))
    ring.ensure()
    return Vault(SECRET, ring)


class World:
    """A database with the site published, and `Records` over it."""

    def __init__(
        self, url: str, text: str = SITE, *, hooks: Hooks | None = None, first: bool = True, busy_timeout_ms: int = 5000
    ) -> None:
        self.database = Database(url, busy_timeout_ms=busy_timeout_ms)
        if first:
            migrate(self.database)
        self.publisher = Publisher(self.database, lambda: shipped_layers([]))
        if first:
            self.publish(text)
        self.hooks = hooks or Hooks()
        self.records = Records(self.database, self.publisher.models, self.hooks, vault=vault(self.database))
        self.mark = "?" if self.database.dialect == "sqlite" else "%s"

    def publish(self, text: str) -> None:
        documents, problems = read_text(text, "site.yaml", "site")
        assert not problems
        self.publisher.publish(documents)

    def person(self, name: str, *roles: str) -> Principal:
        """Make a user and return who they are."""
        [user] = self.records.create(
            SYSTEM, "user", [{"name": name, "email": f"{name}@example.com", "roles": list(roles)}]
        )
        return Principal(id=user.id, name=name, roles=frozenset({*roles, "everyone"}), timezone="Asia/Shanghai")

    @contextmanager
    def reading(self, principal: Principal = SYSTEM) -> Iterator[Reader]:
        with self.database.read() as connection:
            published = self.publisher.models.get(self.database.probe(connection)[0])
            yield Reader(connection, published, principal, secret=SECRET)

    def rows(self, text: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """Run a statement of the test's own; ? stands for a placeholder."""
        with self.database.read() as connection:
            found: list[tuple[Any, ...]] = run(
                connection, text.replace("?", self.mark), values, access=ENTITY_ACCESS
            ).fetchall()
            return found

    def value(self, entity: str, id_: str, field: str) -> Any:
        """Return what is stored in one field, as Python has it."""
        return self.values(entity, id_)[field]

    def values(self, entity: str, id_: str) -> Mapping[str, Any]:
        """Return what is stored of a record, deleted or not."""
        from engine.data.phrases import phrases
        from engine.data.shape import shape_of

        published = self.publisher.models.get(self.publisher.current().number)
        shape = shape_of(published, entity, phrases(self.database.dialect))
        [row] = self.rows(f"SELECT {shape.select_columns} FROM {shape.table} WHERE id = ?", (id_,))
        return shape.decoded(row)

    def history(self, id_: str) -> list[tuple[int, str, dict[str, Any]]]:
        """Return (version, action, changes) of a record, oldest first."""
        from engine.data.history import loaded

        found = self.rows(
            "SELECT version, action, changes FROM record_change WHERE record_id = ? ORDER BY version", (id_,)
        )
        return [(row[0], row[1], loaded(row[2])) for row in found]
