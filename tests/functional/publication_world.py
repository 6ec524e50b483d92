"""A site of one entity for the tests of publication, and the processes that write to it, read it and publish.

Every record says one number twice: in `amount`, whose type changes while they work, and in `truth`, whose does not.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from engine.errors import DatabaseUnavailable, StaleModel
from engine.ids import new_id
from engine.metadata.document import Document, read_text
from engine.metadata.layers import Layer
from engine.publish import Published, Publisher
from engine.storage.database import Database, run, run_many
from engine.storage.guard import ENTITY_ACCESS

CORE = """
entity: user
title: name
fields:
  name: {type: text}
"""

TEXT = """
entity: visit
title: subject
fields:
  subject: {type: text, search: high}
  truth: {type: integer}
  amount: {type: text}
  fax: {type: text}
"""
INTEGER = TEXT.replace("amount: {type: text}", "amount: {type: integer, index: true}")
"""The same, with a retype and an index."""
GROWN = TEXT.replace("  fax: {type: text}\n", "  room: {type: text}\n  floor: {type: integer}\n")
"""The same, with two columns more and one retired."""

MOMENT = "2026-01-01T00:00:00.000Z"


def documents(text: str) -> list[Document]:
    found, problems = read_text(text, "site.yaml", "site")
    assert problems == []
    return found


def open_site(url: str) -> tuple[Database, Publisher]:
    database = Database(url, busy_timeout_ms=20_000)
    core, _ = read_text(CORE, "core.yaml", "core")
    layers = [Layer("core", "core", tuple(core), "core_")]
    return database, Publisher(database, lambda: layers)


def pinned(database: Database, publisher: Publisher) -> Published:
    with database.read() as connection:
        number = database.probe(connection)[0]
    return publisher.models.get(number)


def said(number: int, published: Published) -> Any:
    """The number as `amount` holds it in a revision."""
    kind = published.storage.entities["visit"].columns["amount"].kind
    return f"{number:04d}" if kind == "text" else number


def mark(database: Database) -> str:
    return "?" if database.dialect == "sqlite" else "%s"


def fill(database: Database, publisher: Publisher, count: int) -> list[str]:
    """Store records; return their ids."""
    published = pinned(database, publisher)
    stored = published.storage.entities["visit"]
    amount = stored.columns["amount"].name
    ids = [new_id() for _ in range(count)]
    marks = ", ".join([mark(database)] * 7)
    columns = f'id, version, created_at, updated_at, subject, truth, "{amount}"'
    sql = f"INSERT INTO {stored.table} ({columns}) VALUES ({marks})"
    rows = [(id_, 1, MOMENT, MOMENT, f"visit {n}", n, said(n, published)) for n, id_ in enumerate(ids)]
    with database.write(published.revision) as connection:
        run_many(connection, sql, rows, access=ENTITY_ACCESS)
    return ids


def wrong(database: Database, publisher: Publisher) -> list[Any]:
    """Records whose two numbers differ, as one snapshot shows them."""
    with database.read() as connection:
        published = publisher.models.get(database.probe(connection)[0])
        stored = published.storage.entities["visit"]
        amount = stored.columns["amount"].name
        rows = run(connection, f'SELECT id, truth, "{amount}" FROM {stored.table}', access=ENTITY_ACCESS).fetchall()
    return [row for row in rows if row[2] is None or int(row[2]) != row[1]]


def write(url: str, seed: int, ids: Sequence[str], folder: Path) -> dict[str, int]:
    """Update and make records until told to stop; return what was done.

    For each revision that was written under there is a file `<seed>.<revision>`.
    """
    stop = folder / "stop"
    database, publisher = open_site(url)
    chance = random.Random(seed)
    done = {"written": 0, "stale": 0}
    published = pinned(database, publisher)
    here = mark(database)
    while not stop.exists():
        number = chance.randrange(10_000)
        stored = published.storage.entities["visit"]
        amount = stored.columns["amount"].name
        try:
            with database.write(published.revision) as connection:
                if chance.random() < 0.2:
                    sql = (
                        f'INSERT INTO {stored.table} (id, version, created_at, updated_at, truth, "{amount}")'
                        f" VALUES ({', '.join([here] * 6)})"
                    )
                    values: tuple[Any, ...] = (new_id(), 1, MOMENT, MOMENT, number, said(number, published))
                else:
                    sql = f'UPDATE {stored.table} SET truth = {here}, "{amount}" = {here} WHERE id = {here}'
                    values = (number, said(number, published), chance.choice(ids))
                run(connection, sql, values, access=ENTITY_ACCESS)
            done["written"] += 1
            (folder / f"{seed}.{published.revision}").touch()
        except StaleModel:
            done["stale"] += 1
            published = pinned(database, publisher)
        time.sleep(0.001)
    database.dispose()
    return done


def watch(url: str, folder: Path) -> dict[str, int]:
    """Read all records in snapshots until told to stop; return how many were read and how many were wrong."""
    database, publisher = open_site(url)
    done = {"read": 0, "wrong": 0}
    while not (folder / "stop").exists():
        done["wrong"] += len(wrong(database, publisher))
        done["read"] += 1
        time.sleep(0.01)
    database.dispose()
    return done


def publish(url: str, text: str, point: str, accept: dict[str, int]) -> None:
    """Publish, and die at a point."""
    database, publisher = open_site(url)

    def pause(reached: str) -> None:
        if reached == point:
            os.kill(os.getpid(), signal.SIGKILL)

    try:
        publisher.publish(documents(text), accept=accept, pause=pause)
    except DatabaseUnavailable as error:
        sys.stdout.write(json.dumps({"busy": str(error)}))
    database.dispose()


if __name__ == "__main__":
    task, url, *rest = sys.argv[1:]
    match task:
        case "write":
            ids = json.loads(Path(rest[1]).read_text())
            sys.stdout.write(json.dumps(write(url, int(rest[0]), ids, Path(rest[2]))))
        case "watch":
            sys.stdout.write(json.dumps(watch(url, Path(rest[0]))))
        case "publish":
            publish(url, {"text": TEXT, "integer": INTEGER, "grown": GROWN}[rest[0]], rest[1], {})
