# ruff: noqa: S608
# Names in statements come from the database's own catalogue.
"""SQLite: its tables as text, read in one snapshot, and written into a file that nobody uses yet.

A snapshot keeps no writer waiting. The backup API of SQLite would begin anew whenever another process writes.
A row is a JSON list on a line; what JSON cannot say stands as {"hex": ...} or {"float": ...}.
"""

from __future__ import annotations

import math
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson

from engine.backup.problems import damaged
from engine.expression import register_functions
from engine.i18n import Message
from engine.jobs.holding import FORGET, HOLD
from engine.storage.columns import quoted
from engine.storage.database import Connection, run
from engine.storage.guard import ENTITY_ACCESS
from engine.webhooks.holding import HOLD as HOLD_WEBHOOKS

BATCH = 2_000
_KINDS = ("table", "index", "trigger", "view")


def describe(connection: Connection) -> dict[str, Any]:
    """Return the schema: its tables in the order in which they were made, and every statement that makes them."""
    shadows = {
        row[0]
        for row in run(connection, "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'shadow'")
    }
    objects = [
        {"type": row[0], "name": row[1], "table": row[2], "sql": row[3]}
        for row in run(
            connection,
            "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY rowid",
        ).fetchall()
        if not row[1].startswith("sqlite_") and row[2] not in shadows
    ]
    tables = [_table(connection, each) for each in objects if each["type"] == "table"]
    if run(connection, "SELECT 1 FROM sqlite_master WHERE name = 'sqlite_sequence'").fetchone():
        tables.append({"name": "sqlite_sequence", "columns": ["name", "seq"], "rowid": False})
    return {"dialect": "sqlite", "objects": objects, "tables": tables}


def _table(connection: Connection, made: dict[str, Any]) -> dict[str, Any]:
    info = run(
        connection, "SELECT name FROM pragma_table_xinfo(?) WHERE hidden = 0 ORDER BY cid", (made["name"],)
    ).fetchall()
    virtual = made["sql"].lstrip().upper().startswith("CREATE VIRTUAL")
    # A row of full text is known by its number alone.
    return {"name": made["name"], "columns": [row[0] for row in info], "rowid": virtual}


def size(connection: Connection) -> int:
    """Return about how many bytes there are to read."""
    found: int = run(
        connection, "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
    ).fetchone()[0]
    return found


def rows(connection: Connection, table: dict[str, Any], write: Callable[[bytes], None]) -> int:
    """Write the rows of a table, a line each, and return how many."""
    cursor = run(connection, _select(table), access=ENTITY_ACCESS)
    number = 0
    while batch := cursor.fetchmany(BATCH):
        write(b"".join(_line(row) for row in batch))
        number += len(batch)
    return number


def _select(table: dict[str, Any]) -> str:
    columns = ", ".join((["rowid"] if table["rowid"] else []) + [quoted(name) for name in table["columns"]])
    return f"SELECT {columns} FROM {quoted(table['name'])}"


def _line(row: Sequence[Any]) -> bytes:
    try:
        if not any(value.__class__ is float and not math.isfinite(value) for value in row):
            return orjson.dumps(row) + b"\n"
    except TypeError:
        pass
    return orjson.dumps([_said(value) for value in row]) + b"\n"


def _said(value: Any) -> Any:
    if isinstance(value, bytes):
        return {"hex": value.hex()}
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": repr(value)}
    return value


def read_line(line: bytes) -> list[Any]:
    """Return the values of a line.

    Raises:
        BackupUnusable: it is none.
    """
    try:
        values: list[Any] = orjson.loads(line)
    except ValueError:
        raise damaged(Message("a row cannot be read")) from None
    for place, value in enumerate(values):
        if value.__class__ is dict:
            values[place] = bytes.fromhex(value["hex"]) if "hex" in value else float(value["float"])
    return values


class Loader:
    """Fills a new file. It takes its name when it is whole; until then nothing opens it.

    Args:
        file: where the database shall be.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self.held = 0
        """Jobs that were waiting or running, and are paused now."""
        self.partial = file.with_name(f".{file.name}.restoring")
        for each in (self.partial, self.partial.with_name(self.partial.name + "-journal")):
            each.unlink(missing_ok=True)
        self._driver = sqlite3.connect(self.partial, isolation_level=None)
        for pragma in ("journal_mode = OFF", "synchronous = OFF", "foreign_keys = OFF", "cache_size = -65536"):
            self._driver.execute(f"PRAGMA {pragma}")
        register_functions(self._driver)

    def make(self, schema: dict[str, Any]) -> None:
        """Make the tables, without their indexes."""
        self._driver.execute("BEGIN")
        for each in schema["objects"]:
            if each["type"] == "table":
                self._driver.execute(each["sql"])

    def load(self, table: dict[str, Any], lines: Iterable[bytes], moved: Callable[[int], None]) -> None:
        """Put rows into a table."""
        name = quoted(table["name"])
        if table["name"] == "sqlite_sequence":
            self._driver.execute("DELETE FROM sqlite_sequence")
        columns = (["rowid"] if table["rowid"] else []) + [quoted(each) for each in table["columns"]]
        marks = ", ".join("?" * len(columns))
        self._driver.executemany(f"INSERT INTO {name} ({', '.join(columns)}) VALUES ({marks})", _counted(lines, moved))

    def finish(self, schema: dict[str, Any]) -> None:
        """Make indexes and triggers, look whether all is well, and give the file its name.

        Raises:
            BackupUnusable: a link leads to nothing, or the file is not sound.
        """
        driver = self._driver
        if any(table["name"] == "job" for table in schema["tables"]):
            self.held = driver.execute(HOLD).rowcount
            for text in FORGET:
                driver.execute(text)
        if any(table["name"] == "webhook_endpoint" for table in schema["tables"]):
            driver.execute(HOLD_WEBHOOKS)
        for kind in _KINDS[1:]:
            for each in schema["objects"]:
                if each["type"] == kind:
                    driver.execute(each["sql"])
        driver.execute("COMMIT")
        for table in schema["tables"]:
            if table["rowid"]:
                driver.execute(f"INSERT INTO {quoted(table['name'])}({quoted(table['name'])}) VALUES ('optimize')")
        driver.execute("ANALYZE")
        if driver.execute("PRAGMA foreign_key_check").fetchone() is not None:
            raise damaged(Message("a link in it leads to nothing"))
        if driver.execute("PRAGMA integrity_check(1)").fetchone()[0] != "ok":
            raise damaged(Message("the database that was made of it is not sound"))
        driver.execute("PRAGMA journal_mode = WAL")
        driver.close()
        descriptor = os.open(self.partial, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def keep(self) -> None:
        """Give the file its name."""
        self.partial.replace(self.file)

    def drop(self) -> None:
        """Leave nothing behind."""
        self._driver.close()
        for end in ("", "-journal", "-wal", "-shm"):
            self.partial.with_name(self.partial.name + end).unlink(missing_ok=True)


def _counted(lines: Iterable[bytes], moved: Callable[[int], None]) -> Iterator[list[Any]]:
    waiting = 0
    for line in lines:
        waiting += len(line) + 1
        if waiting > 1 << 20:
            moved(waiting)
            waiting = 0
        yield read_line(line)
    moved(waiting)
