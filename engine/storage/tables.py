"""SQLAlchemy tables of the entities of one Model, each made when it is first asked for."""

from __future__ import annotations

from sqlalchemy import Column, MetaData, Table

from engine.errors import NotFound
from engine.i18n import Message
from engine.metadata.model import Model
from engine.storage.columns import Stored
from engine.storage.guard import GUARD
from engine.storage.storage_map import StorageMap


class Tables:
    """The tables of one Model as its storage map places them. Safe to share between threads."""

    def __init__(self, model: Model, storage: StorageMap) -> None:
        self.model = model
        self.storage = storage
        self._tables: dict[str, Table] = {}
        self._links: dict[tuple[str, str], Table] = {}
        GUARD.protect(storage.all_tables())

    def name(self, entity: str) -> str:
        """Return the name of an entity's table.

        Raises:
            NotFound: the entity has none.
        """
        stored = self.storage.entities.get(entity)
        if stored is None:
            raise NotFound(Message("There is no {key}", key=entity))
        return stored.table

    def column_name(self, entity: str, field: str) -> str:
        """Return the name of the column that holds a field.

        Raises:
            NotFound: no column of the entity's table does.
        """
        stored = self.storage.entities.get(entity)
        column = stored.columns.get(field) if stored is not None else None
        if column is None:
            raise NotFound(Message("There is no {key}", key=f"{entity}.{field}"))
        return column.name

    def table(self, entity: str) -> Table:
        """Return an entity's table; a column's `key` is its field's key.

        Raises:
            NotFound: the entity has none.
        """
        table = self._tables.get(entity)
        if table is None:
            name = self.name(entity)
            columns = self.storage.entities[entity].columns
            # Two threads may both make it: each in a MetaData of its own, and one of them is kept.
            made = Table(
                name,
                MetaData(),
                *(
                    Column(column.name, Stored(column.kind, column.scale), key=key, primary_key=key == "id")
                    for key, column in columns.items()
                ),
            )
            table = self._tables.setdefault(entity, made)
        return table

    def column(self, entity: str, field: str) -> Column[object]:
        """Return the column that holds a field.

        Raises:
            NotFound: no column of the entity's table does.
        """
        self.column_name(entity, field)
        return self.table(entity).columns[field]

    def link_name(self, entity: str, field: str) -> str:
        """Return the name of the link table of a field.

        Raises:
            NotFound: the field has none.
        """
        stored = self.storage.entities.get(entity)
        name = stored.links.get(field) if stored is not None else None
        if name is None:
            raise NotFound(Message("There is no {key}", key=f"{entity}.{field}"))
        return name

    def link(self, entity: str, field: str) -> Table:
        """Return the link table of a field: record_id, target_id, position.

        Raises:
            NotFound: the field has none.
        """
        table = self._links.get((entity, field))
        if table is None:
            made = Table(
                self.link_name(entity, field),
                MetaData(),
                Column("record_id", Stored("uuid"), primary_key=True),
                Column("target_id", Stored("uuid"), primary_key=True),
                Column("position", Stored("integer")),
            )
            table = self._links.setdefault((entity, field), made)
        return table
