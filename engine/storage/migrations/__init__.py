# ruff: noqa: S608
# Names in statements come from the storage map; values are bound.
"""The engine's own tables, made and changed by numbered migrations.

Whichever process comes first runs what is missing, one transaction each, under a lock; the others wait and
find it done. A process that is killed leaves nothing half done. Plugins use the same runner for their tables.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from engine import clock
from engine.errors import SiteBroken
from engine.i18n import Message
from engine.storage.codec import moment
from engine.storage.database import Database, run
from engine.storage.migrations import (
    m0001_engine_tables,
    m0002_audit,
    m0003_sharing,
    m0004_identity,
    m0005_sso,
    m0006_secrets,
    m0007_viewing,
    m0008_jobs,
    m0009_webhooks,
    m0010_proposals,
    m0011_imports,
    m0012_exports,
    m0014_audit_objects,
    m0015_personal,
    m0016_notices,
    m0017_saved_views,
    m0018_drafts,
    m0019_duplicates,
    m0020_insight,
    m0021_calendar_feeds,
    m0022_shared_reports,
)

MIGRATION_LOCK = 41
"""Advisory lock of PostgreSQL; on SQLite a write transaction is one."""

_LEDGER = {
    "sqlite": """CREATE TABLE IF NOT EXISTS engine_migration (
        number INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL, applied_at TEXT NOT NULL)""",
    "postgresql": """CREATE TABLE IF NOT EXISTS engine_migration (
        number INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL, applied_at TIMESTAMPTZ(3) NOT NULL)""",
}


@dataclass(frozen=True, slots=True)
class Migration:
    """One step; `statements` by dialect never change once they were shipped."""

    number: int
    name: str
    statements: Mapping[str, Sequence[str]]

    def checksum(self, dialect: str) -> str:
        """Return a hash of the statements, whatever their line breaks."""
        text = ";\n".join(" ".join(statement.split()) for statement in self.statements[dialect])
        return hashlib.sha256(text.encode()).hexdigest()


MIGRATIONS: tuple[Migration, ...] = tuple(
    Migration(module.NUMBER, module.NAME, module.STATEMENTS)
    for module in (
        m0001_engine_tables,
        m0002_audit,
        m0003_sharing,
        m0004_identity,
        m0005_sso,
        m0006_secrets,
        m0007_viewing,
        m0008_jobs,
        m0009_webhooks,
        m0010_proposals,
        m0011_imports,
        m0012_exports,
        m0014_audit_objects,
        m0015_personal,
        m0016_notices,
        m0017_saved_views,
        m0018_drafts,
        m0019_duplicates,
        m0020_insight,
        m0021_calendar_feeds,
        m0022_shared_reports,
    )
)


def _nothing(point: str) -> None:
    """Pause nowhere."""


def migrate(
    database: Database,
    migrations: Sequence[Migration] = MIGRATIONS,
    *,
    plugin: str | None = None,
    pause: Callable[[str], None] = _nothing,
) -> list[int]:
    """Bring the tables of the engine, or of a plugin, up to date; return the numbers that were run.

    `pause` is called with "migration N" inside the transaction of each, before it commits.

    Raises:
        SiteBroken: the database was made by a newer version, or a migration was changed after it ran.
        DatabaseUnavailable: the database does not answer, or somebody else writes for too long.
    """
    if plugin is None and not _missing(database, migrations):
        return []
    done = []
    for migration in migrations:
        with database.plain() as connection:
            if database.dialect == "postgresql":
                run(connection, f"SELECT pg_advisory_xact_lock({MIGRATION_LOCK})")
            if plugin is None:
                run(connection, _LEDGER[database.dialect])
            applied = _applied(connection, plugin)
            _check(applied, migrations, database.dialect, plugin)
            if migration.number in applied:
                continue
            for statement in migration.statements[database.dialect]:
                run(connection, statement)
            _record(connection, database.dialect, migration, plugin)
            pause(f"migration {migration.number}")
            done.append(migration.number)
    return done


def _missing(database: Database, migrations: Sequence[Migration]) -> bool:
    """Say whether some migration was not run yet; the usual start of a process takes no lock for it."""
    with database.bare() as connection:
        if not has_table(connection, "engine_migration"):
            return True
        applied = _applied(connection, None)
    _check(applied, migrations, database.dialect, None)
    return len(applied) < len(migrations)


def has_table(connection: Connection, name: str) -> bool:
    """Say whether the database has a table of that name."""
    if connection.dialect.name == "sqlite":
        found = run(connection, "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (name,))
    else:
        found = run(connection, "SELECT 1 WHERE to_regclass(%s) IS NOT NULL", (name,))
    return found.fetchone() is not None


def _applied(connection: Connection, plugin: str | None) -> dict[int, str]:
    if plugin is None:
        rows = run(connection, "SELECT number, checksum FROM engine_migration").fetchall()
    else:
        mark = "?" if connection.dialect.name == "sqlite" else "%s"
        rows = run(
            connection, f"SELECT number, checksum FROM plugin_migration WHERE plugin = {mark}", (plugin,)
        ).fetchall()
    return dict(rows)


def _check(applied: Mapping[int, str], migrations: Sequence[Migration], dialect: str, plugin: str | None) -> None:
    known = {migration.number: migration.checksum(dialect) for migration in migrations}
    whose = plugin or "guanxi"
    newer = max((number for number in applied if number not in known), default=0)
    if newer:
        raise SiteBroken(
            Message(
                "The database was made by a newer version of {whose}: its tables are at {newer}, not {known};"
                " install that version, or restore a backup from before the upgrade",
                whose=whose,
                newer=newer,
                known=max(known, default=0),
            )
        )
    for number, checksum in applied.items():
        if known[number] != checksum:
            raise SiteBroken(
                Message("Migration {number} of {whose} was changed after it ran here", number=number, whose=whose)
            )


def _record(connection: Connection, dialect: str, migration: Migration, plugin: str | None) -> None:
    values: tuple[object, ...] = (
        migration.number,
        migration.name,
        migration.checksum(dialect),
        moment(dialect)(clock.now()),
    )
    columns = "number, name, checksum, applied_at"
    table = "engine_migration"
    if plugin is not None:
        values, columns, table = (plugin, *values), f"plugin, {columns}", "plugin_migration"
    marks = ", ".join(["?" if dialect == "sqlite" else "%s"] * len(values))
    run(connection, f"INSERT INTO {table} ({columns}) VALUES ({marks})", values)
