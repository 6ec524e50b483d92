# ruff: noqa: S608
# Names in statements come from the database's own catalogue.
"""PostgreSQL: its tables by COPY through the driver, in one snapshot, and back in one transaction.

No program of the server is needed. Tables are described from the catalogue: what was made by migrations, publications
and plugins comes back as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from engine.jobs.holding import FORGET, HOLD
from engine.storage.columns import quoted
from engine.storage.database import Connection, run
from engine.storage.guard import ENTITY_ACCESS
from engine.webhooks.holding import HOLD as HOLD_WEBHOOKS

_OWN = "n.nspname = current_schema() AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')"
_TABLES = f"""
    SELECT c.oid::bigint, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND {_OWN} ORDER BY c.oid"""
_COLUMNS = """
    SELECT a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_get_expr(d.adbin, d.adrelid),
        a.attidentity::text, a.attgenerated::text,
        (SELECT l.collname FROM pg_collation l JOIN pg_type t ON t.oid = a.atttypid
         WHERE l.oid = a.attcollation AND l.oid <> t.typcollation)
    FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE a.attrelid = %s AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum"""
_CONSTRAINTS = """
    SELECT k.conname, k.contype::text, pg_get_constraintdef(k.oid, true) FROM pg_constraint k
    WHERE k.conrelid = %s AND k.contype IN ('p', 'u', 'c', 'x', 'f') ORDER BY k.contype, k.conname"""
_INDEXES = """
    SELECT pg_get_indexdef(x.indexrelid, 0, true) FROM pg_index x
    WHERE x.indrelid = %s AND x.indisvalid AND NOT EXISTS
        (SELECT FROM pg_constraint k WHERE k.conindid = x.indexrelid AND k.contype IN ('p', 'u', 'x'))
    ORDER BY x.indexrelid"""
_TRIGGERS = (
    "SELECT pg_get_triggerdef(oid, true) FROM pg_trigger WHERE tgrelid = %s AND NOT tgisinternal ORDER BY tgname"
)
_FUNCTIONS = """
    SELECT p.proname, n.nspname, pg_get_functiondef(p.oid) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
    WHERE n.nspname = current_schema() AND p.prokind = 'f'
        AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e') ORDER BY p.oid"""
_SEQUENCES = f"""
    SELECT c.relname, format_type(s.seqtypid, NULL), s.seqstart, s.seqincrement, t.relname, a.attname, p.deptype::text
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_sequence s ON s.seqrelid = c.oid
    LEFT JOIN pg_depend p ON p.objid = c.oid AND p.deptype IN ('a', 'i') AND p.refclassid = 'pg_class'::regclass
    LEFT JOIN pg_class t ON t.oid = p.refobjid
    LEFT JOIN pg_attribute a ON a.attrelid = p.refobjid AND a.attnum = p.refobjsubid
    WHERE {_OWN} ORDER BY c.oid"""
_EXTENSIONS = "SELECT extname FROM pg_extension WHERE extname <> 'plpgsql' ORDER BY 1"
_BLOCK = 256 * 1024
_OF_THE_SERVER = "xid8"
"""Type of columns that number transactions of one server: another one gives them its own numbers."""


def describe(connection: Connection) -> dict[str, Any]:
    """Return the schema, as statements that make it."""
    functions = [
        text.replace(f"FUNCTION {schema}.", "FUNCTION ", 1)
        for _name, schema, text in run(connection, _FUNCTIONS).fetchall()
    ]
    tables = [_table(connection, oid, name) for oid, name in run(connection, _TABLES).fetchall()]
    return {
        "dialect": "postgresql",
        "extensions": [row[0] for row in run(connection, _EXTENSIONS).fetchall()],
        "sequences": [_sequence(connection, row) for row in run(connection, _SEQUENCES).fetchall()],
        "functions": functions,
        "tables": tables,
    }


def _table(connection: Connection, oid: int, name: str) -> dict[str, Any]:
    columns, lines = [], []
    for key, kind, needed, default, identity, generated, collation in run(connection, _COLUMNS, (oid,)).fetchall():
        if not generated and not (kind == _OF_THE_SERVER and default):
            columns.append([key, kind])
        lines.append(_column(key, kind, needed, default, identity, generated, collation))
    after: list[str] = []
    links: list[str] = []
    for constraint, kind, text in run(connection, _CONSTRAINTS, (oid,)).fetchall():
        add = f"ALTER TABLE {quoted(name)} ADD CONSTRAINT {quoted(constraint)} {text}"
        (links if kind == "f" else after).append(add)
    after += [row[0] for row in run(connection, _INDEXES, (oid,)).fetchall()]
    links += [row[0] for row in run(connection, _TRIGGERS, (oid,)).fetchall()]
    return {
        "name": name,
        "columns": [key for key, _kind in columns],
        "kinds": [kind for _key, kind in columns],
        "create": f"CREATE TABLE {quoted(name)} ({', '.join(lines)})",
        "after": after,
        "links": links,
    }


def _column(
    key: str,
    kind: str,
    needed: bool,  # noqa: FBT001 - as above
    default: str | None,
    identity: str,
    generated: str,
    collation: str | None,
) -> str:
    text = f"{quoted(key)} {kind}"
    if collation:
        text += f" COLLATE {quoted(collation)}"
    if generated:
        return f"{text} GENERATED ALWAYS AS ({default}) STORED"
    if identity:
        text += f" GENERATED {'ALWAYS' if identity == 'a' else 'BY DEFAULT'} AS IDENTITY"
    elif default is not None:
        text += f" DEFAULT {default}"
    return f"{text} NOT NULL" if needed else text


def _sequence(connection: Connection, row: Any) -> dict[str, Any]:
    name, kind, start, step, table, column, owned = row
    last, called = run(connection, f"SELECT last_value, is_called FROM {quoted(name)}").fetchone()
    return {
        "name": name,
        "kind": kind,
        "start": start,
        "step": step,
        "table": table,
        "column": column,
        "identity": owned == "i",
        "last": last,
        "called": called,
    }


def size(connection: Connection) -> int:
    """Return about how many bytes there are to read."""
    found: int = run(
        connection,
        f"SELECT coalesce(sum(pg_table_size(c.oid)), 0)::bigint FROM pg_class c"
        f" JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'r' AND {_OWN}",
    ).fetchone()[0]
    return found


def rows(connection: Connection, table: dict[str, Any], write: Callable[[bytes], None]) -> int:
    """Write the rows of a table as COPY writes them, a line each, and return how many."""
    driver: Any = connection.connection.driver_connection
    columns = ", ".join(map(quoted, table["columns"]))
    number, waiting = 0, bytearray()
    with driver.cursor() as cursor, cursor.copy(f"COPY {quoted(table['name'])} ({columns}) TO STDOUT") as copy:
        for block in copy:
            number += 1  # a message a row
            waiting += block
            if len(waiting) > _BLOCK:
                write(bytes(waiting))
                waiting.clear()
    write(bytes(waiting))
    return number


class Loader:
    """Fills an empty database in the transaction of a connection: killed in the middle, it is empty again."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._driver: Any = connection.connection.driver_connection
        self.held = 0
        """Jobs that were waiting or running, and are paused now."""

    def make(self, schema: dict[str, Any]) -> None:
        """Make the tables, without keys and indexes."""
        # A body of a function names tables that come later.
        self._run("SET LOCAL check_function_bodies = off")
        self._run("SET LOCAL lock_timeout = 0")
        for name in schema["extensions"]:
            self._run(f"CREATE EXTENSION IF NOT EXISTS {quoted(name)}")
        for each in schema["sequences"]:
            if not each["identity"]:
                self._run(
                    f"CREATE SEQUENCE {quoted(each['name'])} AS {each['kind']} INCREMENT {int(each['step'])}"
                    f" START {int(each['start'])}"
                )
        for text in schema["functions"]:
            self._run(text)
        for table in schema["tables"]:
            self._run(table["create"])

    def load(self, table: dict[str, Any], blocks: Iterable[bytes], moved: Callable[[int], None]) -> None:
        """Put rows into a table."""
        columns = ", ".join(map(quoted, table["columns"]))
        with (
            self._driver.cursor() as cursor,
            cursor.copy(f"COPY {quoted(table['name'])} ({columns}) FROM STDIN") as copy,
        ):
            for block in blocks:
                copy.write(block)
                moved(len(block))

    def finish(self, schema: dict[str, Any]) -> None:
        """Make keys and indexes, then links and triggers, and let sequences go on where they were."""
        if any(table["name"] == "job" for table in schema["tables"]):
            self.held = run(self._connection, HOLD).rowcount
            for text in FORGET:
                self._run(text)
        if any(table["name"] == "webhook_endpoint" for table in schema["tables"]):
            self._run(HOLD_WEBHOOKS)
        for part in ("after", "links"):
            for table in schema["tables"]:
                for text in table[part]:
                    self._run(text)
        for each in schema["sequences"]:
            name = quoted(each["name"])
            if each["identity"]:
                name = run(
                    self._connection,
                    "SELECT pg_get_serial_sequence(%s, %s)",
                    (quoted(each["table"]), each["column"]),
                    access=ENTITY_ACCESS,
                ).fetchone()[0]
            elif each["table"]:
                self._run(f"ALTER SEQUENCE {name} OWNED BY {quoted(each['table'])}.{quoted(each['column'])}")
            run(self._connection, "SELECT setval(%s::regclass, %s, %s)", (name, each["last"], each["called"]))
        self._run("ANALYZE")

    def _run(self, statement: str) -> None:
        run(self._connection, statement, access=ENTITY_ACCESS)


def is_empty(connection: Connection) -> bool:
    """Say whether a database has no table of its own."""
    return run(connection, _TABLES + " LIMIT 1").fetchone() is None
