"""A database with the engine's tables, and a way to publish a few lines of YAML into it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from engine.ids import new_id
from engine.metadata.document import Document, read_text
from engine.metadata.layers import Layer
from engine.publish import Plan, Publisher, Revision
from engine.storage.database import Database, run, run_many
from engine.storage.guard import ENTITY_ACCESS
from engine.storage.migrations import migrate

CORE = """
entity: user
title: name
fields:
  name: {type: text, search: high}
  email: {type: email}
"""

NOW = {"sqlite": "2026-01-01T00:00:00.000Z", "postgresql": "2026-01-01 00:00:00+00"}


def documents(text: str) -> list[Document]:
    found, problems = read_text(text, "site.yaml", "site")
    assert problems == []
    return found


@dataclass
class Bench:
    """What the tests of publication work with."""

    database: Database
    publisher: Publisher
    layers: list[Layer] = field(default_factory=list)

    def publish(self, text: str, **options: Any) -> Revision:
        return self.publisher.publish(documents(text), **options)

    def plan(self, text: str, **options: Any) -> Plan:
        return self.publisher.plan(documents(text), **options)

    def kinds(self, text: str, **options: Any) -> list[tuple[str, str]]:
        """The changes of a plan that are not indexes."""
        changes = self.plan(text, **options).changes
        return [(each.kind, each.target) for each in changes if "index" not in each.kind and each.kind != "add_unique"]

    def table(self, entity: str) -> str:
        return self.publisher.current().storage.entities[entity].table

    def column(self, entity: str, key: str) -> str:
        return self.publisher.current().storage.entities[entity].columns[key].name

    def insert(self, entity: str, rows: list[Mapping[str, Any]]) -> list[str]:
        """Store rows of driver values by field key, past everything that Records does."""
        stored = self.publisher.current().storage.entities[entity]
        mark = "?" if self.database.dialect == "sqlite" else "%s"
        ids = []
        with self.database.write() as connection:
            for row in rows:
                now = NOW[self.database.dialect]
                values = {"id": new_id(), "version": 1, "created_at": now, "updated_at": now, **row}
                names = ", ".join(f'"{stored.columns[key].name}"' for key in values)
                marks = ", ".join([mark] * len(values))
                sql = f'INSERT INTO "{stored.table}" ({names}) VALUES ({marks})'
                run_many(connection, sql, [tuple(values.values())], access=ENTITY_ACCESS)
                ids.append(str(values["id"]))
        return ids

    def values(self, entity: str, key: str) -> list[Any]:
        """The driver values of a field, in the order of the ids."""
        stored = self.publisher.current().storage.entities[entity]
        sql = f'SELECT "{stored.columns[key].name}" FROM "{stored.table}" ORDER BY "id"'
        with self.database.read() as connection:
            return [row[0] for row in run(connection, sql, access=ENTITY_ACCESS).fetchall()]

    def run(self, sql: str) -> list[Any]:
        with self.database.write() as connection:
            cursor = run(connection, sql, access=ENTITY_ACCESS)
            return list(cursor.fetchall()) if cursor.description else []


@pytest.fixture
def bench(database_url: str) -> Iterator[Bench]:
    database = Database(database_url)
    migrate(database)
    core, problems = read_text(CORE, "core.yaml", "core")
    assert problems == []
    layers = [Layer("core", "core", tuple(core), "core_")]
    yield Bench(database, Publisher(database, lambda: layers), layers)
    database.dispose()


@pytest.fixture
def publish(bench: Bench) -> Callable[..., Revision]:
    return bench.publish
