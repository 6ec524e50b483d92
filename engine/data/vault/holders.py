"""Who keeps sealed values: fields of records, and whatever else registers itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from engine.metadata.model import Model
from engine.storage.storage_map import StorageMap, StoredColumn


@dataclass(frozen=True, slots=True)
class Holder:
    """A column of sealed values; the row's key and `entity`, `field` are the place that they were sealed for."""

    table: str
    key: str
    """Column that names the row; it is the `record_id` of the place."""
    column: str
    entity: str
    field: str
    also: tuple[tuple[str, str], ...] = ()
    """(entity, field) under which older values were sealed."""
    where: str = ""
    """Condition in SQL, where the key names a row only among some; the rows of one holder have one key each."""
    about: str = ""
    """`lead.id_card`; what people call it."""
    record: bool = False
    """Whether it is a field of an entity, or was."""


_REGISTERED: dict[tuple[str, str, str], Holder] = {}


def register_holder(holder: Holder) -> None:
    """Say that a column of an engine table holds sealed values, so that a new data key reaches them."""
    _REGISTERED[holder.table, holder.column, holder.where] = holder


def holders(model: Model | None, storage: StorageMap) -> Iterator[Holder]:
    """Yield every column that may hold sealed values, those of retired fields included."""
    yield from _REGISTERED.values()
    for key, stored in storage.entities.items():
        entity = model.entities.get(key) if model is not None else None
        for field_key, column in stored.columns.items():
            known = entity.fields.get(field_key) if entity is not None else None
            if column.type == "secret" or (known is not None and known.secret and column.kind == "text"):
                yield of_field(stored.table, column, key, field_key, storage)
    for entry in storage.retired:
        if entry.column is not None and entry.column.type == "secret":
            yield of_field(entry.table, entry.column, entry.entity, entry.field, storage)
        for field_key, column in entry.stored.columns.items() if entry.stored is not None else ():
            if column.type == "secret":
                yield of_field(entry.table, column, entry.entity, field_key, storage)


def of_field(table: str, column: StoredColumn, entity: str, field_key: str, storage: StorageMap) -> Holder:
    """Return the holder of a field: sealed for its table and column, which a renamed field keeps."""
    return Holder(
        table,
        "id",
        column.name,
        table,
        column.name,
        former_places(entity, field_key, storage),
        about=f"{entity}.{field_key}",
        record=True,
    )


def former_places(entity: str, field_key: str, storage: StorageMap) -> tuple[tuple[str, str], ...]:
    """Return (entity, field) by the keys that a field has and had: what `v1:` values were sealed for."""
    stored = storage.entities.get(entity)
    former = stored.former if stored is not None else {}
    return tuple(
        (entity_key, key)
        for entity_key in (entity, *former.get("", ()))
        for key in (field_key, *former.get(field_key, ()))
    )
