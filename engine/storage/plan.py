"""The plan: what must change in the database for a Model to run, as a list that a person can read and refuse.

Made of the target Model, the storage map of the running revision, and what the database really has; it changes
nothing. What cannot be done without losing values it says, with the values. What the database has that the map does
not know of it refuses to touch.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import replace

from sqlalchemy import Connection

from engine import clock
from engine.errors import Problem
from engine.i18n import Message
from engine.metadata.model import Model
from engine.storage.catalog import has_trigrams
from engine.storage.changes import Change, DocumentChange, Kind, Plan, Risk, Sample
from engine.storage.compare import Comparison
from engine.storage.guards import Looker, drift, strangers
from engine.storage.indexes import wants_parts
from engine.storage.lacking import lacking
from engine.storage.naming import fitted
from engine.storage.storage_map import Retired, StorageMap, StoredEntity

GRACE = dt.timedelta(days=30)
"""How long what is retired keeps its values."""

RULES = 2
"""Raised when other columns or indexes follow from the same documents than before."""

_ORDER: tuple[Kind, ...] = (
    "rename_entity",
    "revive_table",
    "create_table",
    "create_link",
    "rename_field",
    "revive_column",
    "revive_link",
    "add_column",
    "retype_column",
    "reread_column",
    "fill_column",
    "add_unique",
    "add_index",
    "retire_column",
    "retire_link",
    "retire_table",
    "drop_index",
    "index_search",
)


def schema_plan(
    model: Model,
    storage: StorageMap,
    connection: Connection,
    *,
    previous: Callable[[], Model | None] | None = None,
    until: dt.date | None = None,
    accept: Mapping[str, int] | None = None,
    changed: Container[str] | None = None,
    counted: bool = True,
) -> Plan:
    """Return what must change for `model` to run, and the storage map that results.

    Args:
        model: what shall run; its number goes into what it retires.
        storage: the map of the revision that runs now.
        connection: where to look; a read transaction is enough.
        previous: gives the Model that runs now, when it can be had: it knows how old values were meant.
        until: the day until which what is retired is kept; in thirty days unless given.
        accept: `lead.amount` -> values that somebody agreed to lose.
        changed: entities that documents say something else of than in the revision that runs; all unless given.
        counted: whether to count rows that are kept, copied or indexed. Losses are always counted.
    """
    kept = (until or clock.now().date() + GRACE).isoformat()
    rules = f"{RULES} {connection.dialect.name} {model.currency}"
    if storage.rules != rules:
        changed = None
    parts = any(wants_parts(entity) for entity in model.entities.values()) and has_trigrams(connection)
    placement = _Placement(model, storage, kept)
    dialect = connection.dialect.name
    comparisons = [
        Comparison(
            model, entity, placement.known(entity.key), placement.tables, storage.retired, kept, dialect, parts=parts
        )
        for entity in model.entities.values()
        if changed is None or entity.key in changed or entity.key in placement.moved
    ]
    changes = [*placement.changes, *_with_foreign_keys(comparisons)]
    retypes = any(change.kind in {"retype_column", "reread_column"} for change in changes)
    former = previous() if previous is not None and retypes else None
    looker = Looker(connection, model, former, counted=counted, accept=dict(accept or {}))
    touched = {placement.origin.get(change.entity, change.entity) for change in changes}
    problems = [*drift(connection, storage, touched), *strangers(connection, changes, storage)]
    if not problems:
        fresh = _fresh(changes)
        changes = [looker.look(change, fresh) for change in changes]
    result = _target(storage, placement, comparisons, rules)
    if counted and not problems:
        running = previous() if previous is not None else None
        looker.warnings += lacking(connection, [each.entity for each in comparisons], running, result, changes)
    return Plan(
        base_revision=max(model.revision - 1, 0),
        checksum=model.checksum,
        changes=tuple(sorted(changes, key=lambda change: _ORDER.index(change.kind))),
        storage=result,
        problems=(*problems, *looker.problems),
        warnings=(*model.warnings, *looker.warnings, *_no_parts(model, dialect, parts=parts)),
    )


def _no_parts(model: Model, dialect: str, *, parts: bool) -> list[Problem]:
    """Warn when fields want an index of parts of text and PostgreSQL cannot make one."""
    fields = [
        f"{entity.key}.{field.key}"
        for entity in model.entities.values()
        for field in entity.fields.values()
        if field.index == "contains"
    ]
    if not fields or parts or dialect == "sqlite":
        return []
    return [
        Problem(
            Message("no index for parts of text: {fields}", fields=", ".join(fields)),
            code="no_trigrams",
            advice=Message("an administrator of the database can make the extension pg_trgm, then publish again"),
            severity="warning",
        )
    ]


def _fresh(changes: Sequence[Change]) -> set[tuple[str, str]]:
    """Return what the changes make: (table, "") and (table, column)."""
    tables = {(change.table, "") for change in changes if change.kind == "create_table"}
    columns = {
        (change.table, change.column.name)
        for change in changes
        if change.kind in {"add_column", "retype_column"} and change.column is not None
    }
    return tables | columns


def _with_foreign_keys(comparisons: Sequence[Comparison]) -> list[Change]:
    """Return the changes; the last that makes a table makes the foreign keys of all of them: they may form a ring."""
    changes = [change for each in comparisons for change in each.changes]
    statements = [statement for each in comparisons for statement in each.foreign_keys()]
    if statements:
        kind = "create_link" if any(change.kind == "create_link" for change in changes) else "create_table"
        last = max(place for place, change in enumerate(changes) if change.kind == kind)
        changes[last] = replace(changes[last], sql=(*changes[last].sql, *statements))
    return changes


def _target(storage: StorageMap, placement: _Placement, comparisons: Sequence[Comparison], rules: str) -> StorageMap:
    """Return the storage map after the changes."""
    gone = [entry for each in comparisons for entry in each.retired]
    back = {id(entry) for each in comparisons for entry in each.revived} | placement.revived
    return StorageMap(
        storage.entities.updated(placement.removed | {each.entity.key: each.stored for each in comparisons}),
        (*(each for each in storage.retired if id(each) not in back), *gone, *placement.retired),
        rules,
    )


def _was(storage: StorageMap, entity: str, key: str) -> bool:
    """Say whether an entity had a key before."""
    return key in storage.entities[entity].former.get("", ())


class _Placement:
    """Which table each entity has: its own, one under a former key, a retired one, or a new one."""

    def __init__(self, model: Model, storage: StorageMap, until: str) -> None:
        self._storage = storage
        self._found: dict[str, StoredEntity] = {}
        self.tables: dict[str, str] = {}
        self.changes: list[Change] = []
        self.retired: list[Retired] = []
        self.revived: set[int] = set()
        self.origin: dict[str, str] = {}
        """Key of a renamed entity -> key before."""
        self.removed: dict[str, StoredEntity | None] = {}
        """Keys that are no entity any more."""
        self.moved: set[str] = set()
        """Entities that had no table under their key."""
        taken = storage.all_tables()
        for key, entity in model.entities.items():
            if key in storage.entities:
                self.tables[key] = storage.entities.table(key)
                continue
            self.moved.add(key)
            stored = self._former(model, key, storage) or self._back(key, storage)
            if stored is not None:
                self._found[key] = stored
                self.tables[key] = stored.table
            else:
                self.tables[key] = _free(entity.table, taken)
        for key in storage.entities:
            if key not in model.entities:
                self.removed[key] = None
                if key not in self.origin.values():
                    self._retire(key, storage.entities[key], model.revision, until)

    def known(self, key: str) -> StoredEntity | None:
        """Return what an entity has already."""
        return self._found.get(key) or self._storage.entities.get(key)

    def _former(self, model: Model, key: str, storage: StorageMap) -> StoredEntity | None:
        former = model.documents.get(f"entity/{key}", {}).get("renamed_from")
        if not isinstance(former, str) or former in model.entities or former not in storage.entities:
            # A rollback takes a name back: no document of the older revision tells of the newer one.
            former = next(
                (each for each in storage.entities if each not in model.entities and _was(storage, each, key)), None
            )
            if former is None:
                return None
        self.origin[key] = former
        what = Message("was {old}; its table and records stay", old=former)
        stored = storage.entities[former]
        keys = tuple(dict.fromkeys(each for each in (*stored.former.get("", ()), former) if each != key))
        stored = replace(stored, former={**stored.former, "": keys})
        self.changes.append(Change("rename_entity", key, what, entity=key, table=stored.table))
        return stored

    def _back(self, key: str, storage: StorageMap) -> StoredEntity | None:
        found = [
            each
            for each in storage.retired
            if each.kind == "table" and (each.entity == key or (each.stored and key in each.stored.former.get("", ())))
        ]
        if not found:
            return None
        entry = max(found, key=lambda each: each.since)
        self.revived.add(id(entry))
        what = Message("table {table} comes back with its records", table=entry.table)
        self.changes.append(Change("revive_table", key, what, entity=key, table=entry.table))
        return entry.stored

    def _retire(self, key: str, stored: StoredEntity, revision: int, until: str) -> None:
        self.retired.append(Retired("table", key, "", stored.table, None, revision, until, stored))
        what = Message("retired, kept until {day}", day=until)
        self.changes.append(Change("retire_table", key, what, entity=key, table=stored.table, until=until))


def _free(table: str, taken: set[str]) -> str:
    name, number = fitted(table), 2
    while name in taken:
        name, number = fitted(f"{table}__{number}"), number + 1
    taken.add(name)
    return name


__all__ = ["GRACE", "Change", "DocumentChange", "Kind", "Plan", "Risk", "Sample", "schema_plan"]
