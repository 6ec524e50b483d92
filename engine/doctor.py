"""`guanxi doctor`: whether everything is as it should be, asked of the database itself and changed by nothing."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from engine.errors import GuanxiError, SiteBroken
from engine.i18n import Message
from engine.jobs import Job
from engine.metadata.model import Field
from engine.publish import Published
from engine.site.config import SECRET_FILE
from engine.site.protection import protections
from engine.site.site import Site
from engine.storage.catalog import inspect
from engine.storage.columns import quoted
from engine.storage.database import run
from engine.storage.guard import ENTITY_ACCESS

State = Literal["good", "warning", "bad"]
_SHOWN = 20
_LATE = timedelta(minutes=5)
"""So long after its time a job should have begun."""
_DIRECT = "SELECT manager_id, user_id FROM user_closure WHERE depth = 1"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check came to."""

    key: str
    state: State
    about: Message
    said: Message
    details: tuple[Message, ...] = ()


def examine(site: Site) -> list[Finding]:
    """Return what every check came to; one that fails is a finding too."""
    findings: list[Finding] = []
    for key, about, check in (
        ("settings", Message("Settings"), _settings),
        ("database", Message("Database"), _database),
        ("publication", Message("Publication"), _publication),
        ("tables", Message("Tables and indexes"), _tables),
        ("links", Message("Links"), _links),
        ("search", Message("Search"), _search),
        ("people", Message("People"), _people),
        ("encryption", Message("Encryption"), _encryption),
        ("files", Message("Files"), _files),
        ("jobs", Message("Jobs"), _jobs),
        ("plugins", Message("Plugins"), _plugins),
    ):
        try:
            state, said, *details = check(site)
        except GuanxiError as error:
            state, said, details = "bad", error.message, []
        findings.append(Finding(key, state, about, said, tuple(details[0]) if details else ()))
    return findings


def _settings(site: Site) -> Any:
    _ = site.config.secret_key
    secret = site.config.folder / SECRET_FILE
    if secret.exists() and stat.S_IMODE(secret.stat().st_mode) & 0o077:
        return "warning", Message("{file} can be read by others; chmod 600 keeps it to its owner", file=str(secret))
    return "good", Message("guanxi.yaml is complete")


def _database(site: Site) -> Any:
    with site.database.read() as connection:
        if site.database.dialect == "sqlite":
            broken = [row[0] for row in run(connection, "PRAGMA quick_check(20)").fetchall() if row[0] != "ok"]
            version = run(connection, "SELECT sqlite_version()").fetchone()[0]
            if broken:
                return "bad", Message("The file is damaged"), [Message("{why}", why=line) for line in broken]
            return "good", Message("SQLite {version}, undamaged", version=version)
        version = run(connection, "SHOW server_version").fetchone()[0]
        encoding = run(connection, "SHOW server_encoding").fetchone()[0]
    if encoding != "UTF8":
        return "bad", Message("PostgreSQL keeps text as {encoding}, and must keep it as UTF8", encoding=encoding)
    return "good", Message("PostgreSQL {version}", version=version)


def _publication(site: Site) -> Any:
    if site.revision == 0:
        return "warning", Message("The site was never published; run `guanxi publish` first")
    _ = site.published
    planned = site.plan()
    if planned.empty:
        return "good", Message("Revision {number} is what the folder says", number=site.revision)
    count = len(planned.changes) + len(planned.documents)
    return "warning", Message(
        "The folder differs from revision {number} in {count} things; `guanxi plan` shows them",
        number=site.revision,
        count=count,
    )


def _tables(site: Site) -> Any:
    if site.revision == 0:
        return "good", Message("There are none yet")
    running = site.publisher.current()
    planned = site.publisher.plan(running.site_documents())
    details = [problem.message for problem in planned.problems]
    details += [Message("{kind} {target}", kind=change.kind, target=change.target) for change in planned.changes]
    with site.database.read() as connection:
        found = inspect(connection, (stored.table for stored in running.storage.entities.values()))
    for stored in running.storage.entities.values():
        usable = found[stored.table].indexes if stored.table in found else {}
        details += [
            Message("the index {name} is missing", name=name) for name in stored.indexes if not usable.get(name)
        ]
    if details:
        return "bad", Message("The database is not as revision {number} says", number=running.number), details
    return "good", Message(
        "{count} tables are as revision {number} says", count=len(running.storage.entities), number=running.number
    )


def _links(site: Site) -> Any:
    if site.revision == 0:
        return "good", Message("There are none yet")
    found: list[Message] = []
    with site.database.read() as connection:
        if site.database.dialect == "sqlite":
            rows = run(connection, "PRAGMA foreign_key_check", access=ENTITY_ACCESS).fetchmany(_SHOWN)
            found += [
                Message("{table} row {row} leads to nothing in {target}", table=row[0], row=row[1], target=row[2])
                for row in rows
            ]
        for holder, key, missing in _dangling(connection, site.published):
            found.append(Message("{entity}.{field}: {count} lead to nothing", entity=holder, field=key, count=missing))
    if found:
        return "bad", Message("Some links lead to nothing"), found
    return "good", Message("Every link leads somewhere")


def _dangling(connection: Any, published: Published) -> Iterator[tuple[str, str, int]]:
    """Yield (entity, field, count) of links to records that do not exist, the recycle bin counting as existing."""
    tables = published.tables
    for key, entity in published.model.entities.items():
        for field in entity.fields.values():
            if field.type.links == "one" and field.storage is not None and field.stored and field.target:
                column, table = quoted(tables.column_name(key, field.key)), quoted(tables.name(key))
                target = quoted(tables.name(field.target))
                text = (
                    f"SELECT count(*) FROM {table} AS t WHERE t.{column} IS NOT NULL"  # noqa: S608 - names of our own making
                    f" AND NOT EXISTS (SELECT 1 FROM {target} AS o WHERE o.id = t.{column})"
                )
            elif field.type.links == "many" and field.target:
                link, target = quoted(tables.link_name(key, field.key)), quoted(tables.name(field.target))
                text = (
                    f"SELECT count(*) FROM {link} AS t"  # noqa: S608 - names of our own making
                    f" WHERE NOT EXISTS (SELECT 1 FROM {target} AS o WHERE o.id = t.target_id)"
                )
            elif field.type.links == "any" and field.storage is not None:
                text = _any_dangling(published, key, field)
            else:
                continue
            missing = run(connection, text, access=ENTITY_ACCESS).fetchone()[0]
            if missing:
                yield key, field.key, missing


def _any_dangling(published: Published, entity: str, field: Field) -> str:
    """Return the statement that counts links to one of several entities which lead to nothing."""
    tables = published.tables
    column, table = quoted(tables.column_name(entity, field.key)), quoted(tables.name(entity))
    there = " OR ".join(
        f"EXISTS (SELECT 1 FROM {quoted(tables.name(target))} AS o"  # noqa: S608 - names of our own making
        f" WHERE t.{column} = '{target}/' || CAST(o.id AS TEXT))"
        for target in field.targets
        if target in published.model.entities
    )
    return f"SELECT count(*) FROM {table} AS t WHERE t.{column} IS NOT NULL AND NOT ({there or 'FALSE'})"  # noqa: S608 - as above


def _search(site: Site) -> Any:
    if site.revision == 0:
        return "good", Message("There is none yet")
    published, mark = site.published, "?" if site.database.dialect == "sqlite" else "%s"
    details: list[Message] = []
    count = 0
    with site.database.read() as connection:
        for key, entity in published.model.entities.items():
            if "search" not in entity.features or not any(True for _ in entity.search_fields):
                continue
            table = quoted(published.tables.name(key))
            unfound = (
                f"SELECT count(*) FROM {table} AS t WHERE t.deleted_at IS NULL AND NOT EXISTS"  # noqa: S608 - names of our own making
                f" (SELECT 1 FROM search_row AS s WHERE s.entity = {mark} AND s.record_id = t.id)"
            )
            gone = (
                f"SELECT count(*) FROM search_row AS s WHERE s.entity = {mark} AND NOT EXISTS"  # noqa: S608 - names of our own making
                f" (SELECT 1 FROM {table} AS t WHERE t.id = s.record_id)"
            )
            missing, stale = (
                run(connection, text, (key,), access=ENTITY_ACCESS).fetchone()[0] for text in (unfound, gone)
            )
            if missing or stale:
                details.append(
                    Message(
                        "{entity}: {missing} not found by search, {stale} found and gone",
                        entity=key,
                        missing=missing,
                        stale=stale,
                    )
                )
            count += 1
    if details:
        return "bad", Message("Search and records do not agree"), details
    return "good", Message("Every record of {count} kinds is found", count=count)


def _people(site: Site) -> Any:
    if site.revision == 0:
        return "good", Message("There are none yet")
    model = site.published.model
    roles = {key for key, role in model.roles.items() if "admin" in role.permissions}
    people = site.identity.people()
    with site.database.read() as connection:
        kept = {(str(row[0]), str(row[1])) for row in run(connection, _DIRECT).fetchall()}
    if kept != {(person.manager, person.id) for person in people if person.manager is not None}:
        return "bad", Message("Who reports to whom is not what is worked out from it; save any user's manager anew")
    admins = [person for person in people if person.active and roles & set(person.roles)]
    unknown = sorted({role for person in people for role in person.roles if role not in model.roles})
    if unknown:
        return "warning", Message("People hold roles that do not exist: {roles}", roles=", ".join(unknown))
    if not admins:
        return "warning", Message("Nobody looks after the site: `guanxi user add NAME --email E --role admin`")
    return "good", Message("{count} users, {admins} of them administrators", count=len(people), admins=len(admins))


def _encryption(site: Site) -> Any:
    places = protections(site)
    weak = [each for each in places if each.state in {"bad", "warning"}]
    details = [Message("{about}: {why}", about=each.about, why=each.said) for each in weak]
    if any(each.state == "bad" for each in weak):
        return "bad", Message("Something is not encrypted that should be, or does not open"), details
    if weak:
        return "warning", Message("What could be protected better, /admin/encryption says, too"), details
    return "good", Message("What the site keeps and sends is encrypted, or its machine's to encrypt")


def _files(site: Site) -> Any:
    folder = site.config.files
    if site.revision == 0:
        return "good", Message("There are none yet")
    if folder.exists() and not folder.is_dir():
        raise SiteBroken(Message("{folder} is no folder", folder=str(folder)))
    with site.database.read() as connection:
        table = quoted(site.published.tables.name("file"))
        rows = run(connection, f"SELECT checksum, name FROM {table}", access=ENTITY_ACCESS).fetchall()  # noqa: S608 - as above
    missing = [name for checksum, name in rows if checksum and not site.files.store.path(checksum).is_file()]
    if missing:
        details = [Message("the bytes of {name} are missing", name=name) for name in missing]
        return "bad", Message("{count} files are not in {folder}", count=len(missing), folder=str(folder)), details
    return "good", Message("{count} lie in {folder}", count=len(rows), folder=str(folder))


def _jobs(site: Site) -> Any:
    jobs, counts = site.jobs, site.jobs.counts()
    waiting, failed = (sum(n for (_, state), n in counts.items() if state == each) for each in ("queued", "failed"))
    workers = [each for each in jobs.workers() if each.constant and not each.dead]
    late = jobs.overdue(_LATE)
    details = [Message("{title} has been due since {moment}", title=job.title, moment=_minute(job)) for job in late]
    if late and not workers:
        return (
            "bad",
            Message("{count} jobs are due, and no worker is running: `guanxi worker`", count=len(late)),
            details,
        )
    if late:
        return (
            "warning",
            Message("{count} jobs have been due for long; the workers may be too few", count=len(late)),
            details,
        )
    if failed:
        recent = [
            Message("{title}: {why}", title=job.title, why=job.error or "")
            for job in jobs.entries(state="failed", limit=_SHOWN)
        ]
        return "warning", Message("{count} jobs have failed; /admin/jobs lets you try them again", count=failed), recent
    if not workers:
        return "good", Message("{count} jobs wait; no worker is running now", count=waiting)
    return "good", Message("{count} jobs wait; {workers} workers are running", count=waiting, workers=len(workers))


def _minute(job: Job) -> str:
    return job.run_at.isoformat(sep=" ", timespec="minutes")


def _plugins(site: Site) -> Any:
    broken = [each for each in site.hooks.health() if each.broken]
    if broken:
        return (
            "bad",
            Message("Some plugins failed too often"),
            [Message("{plugin}: {why}", plugin=each.plugin, why=each.error) for each in broken],
        )
    return "good", Message("{count} are loaded", count=len(site.plugins))
