"""A site of accounts with contacts and deals, its people in teams, departments and territories, on a real database."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from engine import SYSTEM, Principal, Query, Reader, Site, create_folder
from engine.data.history import loaded
from engine.data.transfer import Exporter, ExportOptions
from engine.storage.database import run
from engine.storage.guard import ENTITY_ACCESS

DOCUMENTS = """
entity: account
plural: accounts
title: name
features: [owned, history, search]
fields:
  name: {type: text, required: true, search: high}
  parent: {type: lookup, to: account, on_delete: clear, share: edit}
  helpers: {type: lookups, to: user, share: edit}
  territory: {type: lookup, to: territory, on_delete: clear}
  amount: {type: money, currency: CNY}
  line: {type: lookup, to: department, on_delete: clear}
---
entity: contact
plural: contacts
title: name
features: [owned, history, search]
fields:
  name: {type: text, required: true, search: high}
  account: {type: lookup, to: account, on_delete: clear, share: edit}
---
entity: deal
plural: deals
title: name
features: [owned, history, search]
fields:
  name: {type: text, required: true, search: high}
  account: {type: lookup, to: account, on_delete: clear, share: read}
  contact: {type: lookup, to: contact, on_delete: clear}
  amount: {type: money, currency: CNY}
---
entity: task
plural: tasks
title: name
features: [owned]
states:
  field: state
  transitions: {close: {from: [open], to: closed, roles: [closer, boss]}}
fields:
  name: {type: text, required: true}
  state: {type: select, default: open, options: {open: {}, closed: {}}}
  deal: {type: lookup, to: deal, on_delete: clear, share: edit}
  next: {type: lookup, to: task, on_delete: clear, share: read}
---
role: rep
grants:
  account: {read: [own, shared], create: all, update: [own, shared], delete: [own], transfer: [own], export: [own]}
  contact: {read: [own, shared], create: all, update: [own, shared], delete: [own]}
  deal: {read: [own, shared], create: all, update: [own, shared], delete: [own]}
  task: {read: [own, shared], create: all, update: [own, shared]}
---
role: lead
grants:
  account: {read: [own, subordinates, shared], create: all, update: [own, subordinates], delete: [own]}
  contact: {read: [own, subordinates, shared], create: all, update: [own, subordinates]}
---
role: regional
grants:
  account: {read: "territory in user.territories"}
---
role: editor
grants:
  account: {read: all, update: all}
  contact: {read: [own, shared]}
---
role: junior
grants:
  account: {read: own}
---
role: wider
grants:
  account: {read: [own, team]}
---
role: seer
grants:
  account: {read: own, fields: {amount: hidden}}
---
role: closer
grants: {}
---
role: named
grants: {}
---
role: bound
grants:
  account: {read: all}
restrict:
  account: {cheap: "amount < 100 or 'named' in user.roles"}
---
role: liner
grants:
  account: {read: "line == user.department and line is not None"}
---
role: clerk
grants:
  account:
    read: all
    create: all
    update: all
    delete: [own]
    transfer: [own]
    export: "amount < 100 and owner == user.id"
    import: "amount < 100 or amount is None"
---
role: reader
grants:
  account: {read: all}
---
role: boss
permissions: [admin]
grants: {"*": {read: all, create: all, update: all, delete: all, export: all, transfer: all, import: all}}
"""


class World:
    """The site, and how its people act."""

    def __init__(self, folder: Path, url: str, text: str = DOCUMENTS) -> None:
        create_folder(folder)
        settings = folder / "guanxi.yaml"
        settings.write_text(settings.read_text(encoding="utf-8").replace("packs: [crm]", "packs: []"), encoding="utf-8")
        (folder / "schemas" / "all.yaml").write_text(text, encoding="utf-8")
        self.site = Site.open(folder, database_url=url)
        self.site.publish()
        self.records = self.site.records
        self.site_system = SYSTEM

    def person(self, name: str, *roles: str, **values: Any) -> str:
        """Make a user and return their id."""
        given = {"name": name, "email": f"{name}@example.com", "roles": list(roles), **values}
        [user] = self.records.create(SYSTEM, "user", [given])
        return user.id

    def who(self, user: str) -> Principal:
        """Return a person as they are known just now."""
        return self.site.identity.principal(user)

    def add(self, entity: str, owner: str | None = None, **values: Any) -> str:
        """Make a record that belongs to a person and return its id."""
        principal = self.who(owner) if owner is not None else SYSTEM
        [made] = self.records.create(principal, entity, [{"name": entity, **values}])
        return made.id

    def put(self, entity: str, values: Mapping[str, Any]) -> str:
        """Make a record as the system does, whoever owns it, and return its id."""
        [made] = self.records.create(SYSTEM, entity, [{"name": entity, **values}])
        return made.id

    @contextmanager
    def reading(self, principal: Principal) -> Iterator[Reader]:
        with self.site.reading(principal) as reader:
            yield reader

    def seen(self, user: str, entity: str) -> set[str]:
        """Return the ids of all records that a person reads, by the list, by the count and one by one."""
        with self.reading(self.who(user)) as reader:
            if not reader.access.may(entity, "read"):
                return set()
            query = Query(entity, select=("id",), limit=200)
            listed = {row.id for row in reader.query(query)}
            assert reader.count(query).number == len(listed)
            return listed

    def may(self, user: str, action: str, entity: str, id_: str) -> bool:
        """Say what the list says of a record's abilities."""
        with self.reading(self.who(user)) as reader:
            rows = list(reader.query(Query(entity, select=("id",), ids=(id_,)), abilities=(action,)))
            return bool(rows) and rows[0].may(action)

    def stored(self, entity: str, id_: str) -> dict[str, Any]:
        """Return a record as it stands."""
        with self.reading(SYSTEM) as reader:
            return reader.record(entity, id_).values()

    def exported(self, user: str, entity: str) -> str:
        """Return the CSV of an export."""
        stream = io.BytesIO()
        with self.reading(self.who(user)) as reader:
            Exporter(reader, entity, ExportOptions(fields=("id", "name"))).write(stream)
        return stream.getvalue().decode("utf-8-sig")

    def update(self, user: str, entity: str, id_: str, values: Mapping[str, Any]) -> None:
        self.records.update(self.who(user), entity, [{"id": id_, **values}])

    def force(self, entity: str, id_: str, key: str, value: str) -> None:
        """Give a field a value that no rule looks at, as in data from before the rule."""
        mark = "?" if self.site.database.dialect == "sqlite" else "%s"
        text = f'UPDATE "s_{entity}" SET "{key}" = {mark} WHERE id = {mark}'
        with self.site.database.write() as connection:
            run(connection, text, (value, id_), access=ENTITY_ACCESS)

    def audited(self, record: str) -> list[tuple[str, str | None, dict[str, Any]]]:
        """Return (kind, actor, details) of what the audit log says of a record, the oldest first."""
        mark = "?" if self.site.database.dialect == "sqlite" else "%s"
        text = f"SELECT kind, actor_id, details FROM audit_event WHERE record_id = {mark} ORDER BY seq"
        with self.site.database.read() as connection:
            found = run(connection, text, (record,)).fetchall()
        return [(kind, actor, loaded(details)) for kind, actor, details in found]
