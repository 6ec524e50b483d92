"""Statistics of tables that have just grown a lot; of PostgreSQL alone, for SQLite's are written by `statistics`.

Autovacuum looks once a minute, and until then PostgreSQL plans lists of a new hundred thousand for a table that it
takes for empty: the first who look wait for full scans and sorts.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from engine.errors import DatabaseUnavailable
from engine.storage.columns import quoted
from engine.storage.database import Database, run
from engine.storage.guard import ENTITY_ACCESS

LEAST = 1_000
"""Rows below which any plan is a good plan."""
_SHARE = 0.1


def tell(database: Database, tables: Iterable[str], rows: int) -> list[str]:
    """Gather the statistics of those of some tables that `rows` more, or changed, are much for; return their names.

    Call it after the transaction that wrote them. Whoever is gathering them already is left alone.
    """
    if database.dialect != "postgresql" or rows < LEAST:
        return []
    done: list[str] = []
    with suppress(DatabaseUnavailable), database.beside() as connection:
        found = run(
            connection,
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relname = ANY(%s::text[])"
            " AND relnamespace = current_schema()::regnamespace AND %s >= reltuples * %s ORDER BY relname",
            (sorted(set(tables)), rows, _SHARE),
            access=ENTITY_ACCESS,
        ).fetchall()
        for (name,) in found:
            run(connection, f"ANALYZE (SKIP_LOCKED) {quoted(name)}", access=ENTITY_ACCESS)
            done.append(name)
    return done
