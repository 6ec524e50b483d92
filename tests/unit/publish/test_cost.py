"""What a publication costs follows what it changes, not the size of the site."""

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from engine.metadata.document import Document
from engine.metadata.layers import Layer
from engine.publish import Publisher
from engine.storage.database import Database
from engine.storage.migrations import migrate
from tests.conftest import Tier
from tests.traces import traced
from tests.unit.publish.conftest import CORE, documents

KINDS = ("text", "integer", "money, currency: CNY", "date", "select, options: {a: {}, b: {}}", "boolean")


def entity(number: int, fields: int, extra: str = "") -> list[Document]:
    lines = [f"  f{place}: {{type: {KINDS[place % len(KINDS)]}}}" for place in range(fields)]
    head = f"entity: e{number}\ntitle: name\nfields:\n  name: {{type: text, search: high}}\n"
    return documents(head + "\n".join(lines) + "\n" + extra)


def site(entities: int, fields: int, extra: str = "") -> list[Document]:
    return [each for number in range(entities) for each in entity(number, fields, extra if number == 1 else "")]


def opened(folder: Path) -> tuple[Database, Publisher, list[Layer]]:
    database = Database(f"sqlite:///{folder}/site.sqlite")
    migrate(database)
    layers = [Layer("core", "core", tuple(documents(CORE)), "core_")]
    return database, Publisher(database, lambda: layers), layers


def statements(database: Database, work: Callable[[], Any]) -> list[str]:
    """Every statement that SQLite runs meanwhile."""
    seen: list[str] = []
    with traced(database, seen.append):
        work()
    return seen


def test_the_statements_of_a_publication_do_not_grow_with_the_site(tmp_path: Path) -> None:
    counts = []
    for entities in (2, 20):
        folder = tmp_path / str(entities)
        folder.mkdir()
        database, publisher, _ = opened(folder)
        publisher.publish(site(entities, 6))
        more = site(entities, 6, "  x_new: {type: text}\n")

        seen = statements(database, partial(publisher.publish, more))

        counts.append(len(seen))
        assert sum("ALTER TABLE" in text for text in seen) >= 1

    assert counts[0] == counts[1]
    assert counts[0] < 40


@pytest.mark.slow
def test_a_field_is_added_to_a_large_site_in_a_moment(tmp_path: Path, tier: Tier) -> None:
    entities = 30 if tier == "quick" else 200
    database, publisher, layers = opened(tmp_path)
    publisher.publish(site(entities, 59))
    more = site(entities, 59, "  x_new: {type: text}\n")
    start = time.process_time()
    publisher.models.build([*layers, publisher.current().site_layer()], 1)
    build = time.process_time() - start

    start = time.process_time()
    publisher.publish(more)
    taken = time.process_time() - start

    # Building the Model is what it costs; the rest is small, however large the site is.
    assert taken < 2 * build + 0.1
    database.dispose()
