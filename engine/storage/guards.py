# ruff: noqa: S608
# Names in statements come from the storage map; values are bound.
"""What a plan asks the database: is it as the storage map says, what would be lost, how many rows are there."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection

from engine.errors import BadValue, Problem
from engine.i18n import Message
from engine.metadata.model import Model
from engine.storage import catalog
from engine.storage.catalog import catalogued, inspect
from engine.storage.changes import Change, Sample
from engine.storage.columns import quoted
from engine.storage.convert import Converter
from engine.storage.database import run
from engine.storage.guard import ENTITY_ACCESS
from engine.storage.indexes import Index, wanted
from engine.storage.later import LOWEST
from engine.storage.storage_map import StorageMap, StoredEntity

SAMPLES = 20
"""Rows that are named in a plan; the count is of all."""

_BATCH = 5_000

SLOW_ROWS = 10_000
"""From so many rows a change is called slow, and PostgreSQL makes indexes beside running writers."""

_COUNTED = frozenset(
    {"retire_column", "retire_link", "retire_table", "retype_column", "fill_column", "add_index", "index_search"}
)


def drift(connection: Connection, storage: StorageMap, entities: Iterable[str]) -> Iterator[Problem]:
    """Yield where the tables of some entities are not as the storage map says."""
    stored = {key: storage.entities[key] for key in entities if key in storage.entities}
    names = [name for each in stored.values() for name in (each.table, *each.links.values())]
    found = inspect(connection, names)
    for key, each in stored.items():
        yield from _table_drift(key, each, found.get(each.table), connection.dialect.name)
        for field, link in each.links.items():
            if link not in found:
                yield _drift(
                    Message("table {table} of {field} is gone", table=link, field=f"{key}.{field}"),
                    Message("restore a backup, or the table from one"),
                )


def _table_drift(key: str, stored: StoredEntity, found: catalog.FoundTable | None, dialect: str) -> Iterator[Problem]:
    if found is None:
        yield _drift(
            Message("table {table} of {entity} is gone", table=stored.table, entity=key),
            Message("restore a backup, or the table from one"),
        )
        return
    for field, column in stored.columns.items():
        kind = found.columns.get(column.name)
        expected = catalogued(column.kind, column.scale, dialect)
        name = f"{stored.table}.{column.name}"
        if kind is None:
            yield _drift(
                Message("column {column} of {field} is gone", column=name, field=f"{key}.{field}"),
                Message("put it back as {type}, or restore a backup", type=expected),
            )
        elif kind != expected:
            yield _drift(
                Message(
                    "column {column} is {found}; the engine made it {expected}",
                    column=name,
                    found=kind,
                    expected=expected,
                ),
                Message("change it back; the type of a field is changed in its document"),
            )


def strangers(connection: Connection, changes: Sequence[Change], storage: StorageMap) -> Iterator[Problem]:
    """Yield tables and columns that a plan would make and that are there already, made by somebody else."""
    tables = {change.link or change.table for change in changes if change.kind in {"create_table", "create_link"}}
    columns = [
        (change.table, change.column.name)
        for change in changes
        if change.kind in {"add_column", "retype_column"} and change.sql and change.column is not None
    ]
    found = inspect(connection, {*tables, *(table for table, _ in columns)})
    for table in sorted(tables & set(found)):
        yield _drift(
            Message("there is a table {table} that the engine did not make", table=table),
            Message("rename it or drop it, if nobody needs it"),
        )
    for table, column in columns:
        if table in found and column in found[table].columns:
            yield _drift(
                Message("there is a column {column} that the engine did not make", column=f"{table}.{column}"),
                Message("rename it or drop it, if nobody needs it"),
            )


def repairs(connection: Connection, storage: StorageMap) -> Iterator[Problem]:
    """Yield indexes that are missing or broken; the engine can make them again."""
    for key, name in _missing(connection, storage):
        yield Problem(
            Message("index {name} of {entity} is gone or broken", name=name, entity=key),
            code="drift_index",
            advice=Message("repair makes it anew"),
            severity="warning",
        )


def missing_indexes(connection: Connection, model: Model, storage: StorageMap) -> list[Index]:
    """Return the indexes that are missing or broken."""
    dialect = connection.dialect.name
    found: list[Index] = []
    for key, name in _missing(connection, storage):
        entity = model.entities.get(key)
        indexes = wanted(model, entity, storage.entities[key], dialect) if entity is not None else ()
        found += [index for index in indexes if index.name(dialect) == name]
    return found


def _missing(connection: Connection, storage: StorageMap) -> Iterator[tuple[str, str]]:
    found = inspect(connection, [stored.table for stored in storage.entities.values()])
    for key, stored in storage.entities.items():
        table = found.get(stored.table)
        if table is not None:
            yield from ((key, name) for name in stored.indexes if not table.indexes.get(name, False))


class Looker:
    """Looks at rows for a plan: counts them, finds values that would be lost and rules that are broken."""

    def __init__(
        self, connection: Connection, model: Model, previous: Model | None, *, counted: bool, accept: dict[str, int]
    ) -> None:
        self._connection = connection
        self._model, self._previous = model, previous
        self._counted, self._accept = counted, accept
        self._dialect = connection.dialect.name
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []

    def look(self, change: Change, fresh: Container[tuple[str, str]]) -> Change:
        """Return the change with what was found; `fresh` has tables and columns that are not there yet."""
        if (change.table, "") in fresh:
            return change
        if self._counted and change.kind in _COUNTED:
            rows = self._count(change)
            slow = rows >= SLOW_ROWS and (change.copies or change.kind in {"add_index", "index_search"})
            change = replace(change, rows=rows, risk="slow" if slow else change.risk)
        if change.kind == "retype_column":
            return self._retype(change)
        if change.kind == "reread_column":
            self._reread(change)
        elif change.kind == "add_unique" and not _on_new(change, fresh):
            return self._unique(change)
        return change

    def _count(self, change: Change) -> int:
        if change.link and change.kind == "retire_link":
            return self._number(f"SELECT count(*) FROM {quoted(change.link)}")
        table = quoted(change.table)
        column = change.column if change.kind == "retire_column" else change.source
        if change.kind in {"retire_column", "retype_column"} and column is not None:
            return self._number(f"SELECT count({quoted(column.name)}) FROM {table}")
        return self._number(f"SELECT count(*) FROM {table}")

    def _number(self, statement: str) -> int:
        number: int = run(self._connection, statement, access=ENTITY_ACCESS).fetchone()[0]
        return number

    def _retype(self, change: Change) -> Change:
        if change.link or change.source_link:
            losses, samples = self._link_losses(change)
        else:
            losses, samples = self._losses(change)
        if not losses:
            return change
        accepted = losses <= self._accept.get(change.target, 0)
        return replace(change, risk="lossy", losses=losses, samples=tuple(samples), accepted=accepted)

    def _losses(self, change: Change) -> tuple[int, list[Sample]]:
        convert = self.converter(change)
        if change.source is None or convert is None:
            return 0, []
        losses = 0
        samples: list[Sample] = []
        for record, value in self._values(change.table, change.source.name):
            try:
                convert(value)
            except BadValue:
                losses += 1
                if len(samples) < SAMPLES:
                    samples.append(Sample(record, convert.shown(value)))
        return losses, samples

    def _link_losses(self, change: Change) -> tuple[int, list[Sample]]:
        """From many links to one: all but the first are lost."""
        if not change.source_link:
            return 0, []
        link = quoted(change.source_link)
        rows = run(
            self._connection,
            f"SELECT record_id, count(*) FROM {link} GROUP BY record_id HAVING count(*) > 1",
            access=ENTITY_ACCESS,
        ).fetchall()
        return len(rows), [Sample(record, str(count)) for record, count in rows[:SAMPLES]]

    def _reread(self, change: Change) -> None:
        field, column = self._model.entities[change.entity].fields[change.field], change.column
        if column is None or change.source is None:
            return
        convert = Converter(
            change.source, column, field, change.field_before(self._previous), self._dialect, self._model.timezone
        )
        strange = 0
        for _, value in self._values(change.table, column.name):
            try:
                convert(value)
            except BadValue:
                strange += 1
        if strange:
            self.warnings.append(
                Problem(
                    Message(
                        "values of {field} that are none of its new type: {count}", field=change.target, count=strange
                    ),
                    code="reread",
                    advice=Message("they stay as they are until somebody edits them"),
                    severity="warning",
                )
            )

    def _unique(self, change: Change) -> Change:
        count, samples = find_duplicates(self._connection, change)
        if not count:
            return change
        self.problems.append(duplicates(change, count, samples))
        return replace(change, risk="refused", rows=count, samples=samples)

    def _values(self, table: str, column: str) -> Iterator[tuple[str, Any]]:
        """Yield (id, value) of all rows that have one, a batch at a time: PostgreSQL's driver would hold them all."""
        name, mark = quoted(column), "?" if self._dialect == "sqlite" else "%s"
        statement = (
            f'SELECT "id", {name} FROM {quoted(table)} WHERE "id" > {mark} AND {name} IS NOT NULL'
            f' ORDER BY "id" LIMIT {_BATCH}'
        )
        last = LOWEST
        while True:
            rows = run(self._connection, statement, (last,), access=ENTITY_ACCESS).fetchall()
            yield from rows
            if len(rows) < _BATCH:
                return
            last = rows[-1][0]

    def converter(self, change: Change) -> Converter | None:
        """Return what converts the values of a retype; None when links are concerned."""
        if change.source is None or change.column is None:
            return None
        field = self._model.entities[change.entity].fields[change.field]
        former = change.field_before(self._previous)
        return Converter(change.source, change.column, field, former, self._dialect, self._model.timezone)


def _on_new(change: Change, fresh: Container[tuple[str, str]]) -> bool:
    """Say whether a column of an index is made by the same plan, so that nothing can be said of its values yet."""
    return change.index is not None and any((change.table, part.column) in fresh for part in change.index.parts)


def find_duplicates(connection: Connection, change: Change) -> tuple[int, tuple[Sample, ...]]:
    """Return how many values stand more than once under a unique rule, and some of them."""
    if change.guard is None:
        return 0, ()
    rows = run(connection, change.guard, access=ENTITY_ACCESS).fetchall()
    samples = (Sample(str(row[-1]), f"{', '.join(map(str, row[:-2]))} ({row[-2]})") for row in rows[:SAMPLES])
    return len(rows), tuple(samples)


def duplicates(change: Change, count: int, samples: Sequence[Sample]) -> Problem:
    """Return what is wrong when values stand more than once."""
    return Problem(
        Message(
            "values that stand more than once in {fields}: {count}, such as {examples}",
            count=count,
            fields=", ".join(change.index.fields) if change.index is not None else change.target,
            examples="; ".join(sample.value for sample in samples[:5]),
        ),
        path=change.target,
        code="duplicates",
        advice=Message("merge or change these records, then publish again"),
    )


def _drift(message: Message, advice: Message) -> Problem:
    return Problem(message, code="drift", advice=advice)
