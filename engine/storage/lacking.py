# ruff: noqa: S608
# Names in statements come from the storage map.
"""Records that lack what they are to have from now on: told with the plan, for each has to be given it when edited."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence

from sqlalchemy import Connection

from engine.errors import Problem
from engine.i18n import Message
from engine.metadata.model import Entity, Field, Model
from engine.storage.changes import Change
from engine.storage.columns import quoted
from engine.storage.database import run
from engine.storage.guard import ENTITY_ACCESS
from engine.storage.storage_map import StorageMap, StoredEntity


def lacking(
    connection: Connection,
    entities: Iterable[Entity],
    previous: Model | None,
    storage: StorageMap,
    changes: Sequence[Change],
) -> Iterator[Problem]:
    """Yield a warning for every field that becomes required while records have nothing in it.

    `storage` is the map that results from the changes.
    """
    tables = {change.table for change in changes if change.kind == "create_table"}
    empty = {
        f"{change.table}.{change.column.name}" for change in changes if change.kind == "add_column" and change.column
    }
    empty |= {change.link for change in changes if change.kind == "create_link"}
    # What a column of another type will hold is not known before it is copied; values that are lost are told elsewhere.
    copied = {change.target for change in changes if change.kind == "retype_column"}
    for entity in entities:
        stored = storage.entities.get(entity.key)
        if stored is None or stored.table in tables:
            continue
        before = previous.entities.get(entity.key) if previous is not None else None
        for field in entity.fields.values():
            if not field.required or field.system or _was_required(before, field):
                continue
            if f"{entity.key}.{field.key}" in copied:
                continue
            number = _number(connection, stored, field, empty)
            if number:
                yield Problem(
                    Message(
                        "{field} becomes required, and records have nothing there: {count}",
                        field=f"{entity.key}.{field.key}",
                        count=number,
                    ),
                    code="lacking",
                    advice=Message("they stay as they are until somebody edits them, and then have to be given it"),
                    severity="warning",
                )


def _was_required(before: Entity | None, field: Field) -> bool:
    known = None if before is None else before.fields.get(field.renamed_from or "") or before.fields.get(field.key)
    return known is not None and known.required


def _number(connection: Connection, stored: StoredEntity, field: Field, empty: Container[str]) -> int:
    condition = "deleted_at IS NULL"
    column, link = stored.columns.get(field.key), stored.links.get(field.key)
    if column is not None:
        if f"{stored.table}.{column.name}" not in empty:
            condition += f" AND {quoted(column.name)} IS NULL"
    elif link is None:
        return 0
    elif link not in empty:
        condition += f" AND id NOT IN (SELECT record_id FROM {quoted(link)})"
    statement = f"SELECT count(*) FROM {quoted(stored.table)} WHERE {condition}"
    number: int = run(connection, statement, access=ENTITY_ACCESS).fetchone()[0]
    return number
