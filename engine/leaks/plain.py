"""Rows as they stand in the database, read by nobody's right: what the oracle decides over.

Each row is a dict of Python values by field key, with the ids of fields with many links beside the columns. Rows are
fetched when they are asked for and kept, so that a check of a few people on a large site reads little.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import Connection

from engine.ids import is_id
from engine.metadata.model import Entity
from engine.publish import Published
from engine.storage.codec import decoder
from engine.storage.columns import quoted
from engine.storage.database import run
from engine.storage.guard import ENTITY_ACCESS

Record = dict[str, Any]
SEALED = "sealed"
"""Stands for the value of a secret field, which nobody may see."""
_CHUNK = 400
_MOST_HOLDERS = 200


class Plain:
    """The rows of a site in one transaction."""

    def __init__(self, connection: Connection, published: Published) -> None:
        self.connection = connection
        self.published = published
        self.model = published.model
        self._as_text = "changes" if connection.dialect.name == "sqlite" else "changes::text"
        self._mark = "?" if connection.dialect.name == "sqlite" else "%s"
        self._kept: dict[str, dict[str, Record | None]] = {}
        self._whole: set[str] = set()
        self._places: dict[str, str] = {}
        self._back: dict[tuple[str, str, str], tuple[str, ...]] = {}
        self._shares: dict[tuple[str, str], list[Record]] = {}
        self._history: dict[tuple[str, str], list[dict[str, list[Any]]]] = {}

    # --- rows -----------------------------------------------------------------------------------------------------

    def row(self, entity: str, id_: str | None) -> Record | None:
        """Return one record, live or in the recycle bin; None when there is none."""
        if id_ is None or entity not in self.model.entities:
            return None
        kept = self._kept.setdefault(entity, {})
        if id_ not in kept:
            kept[id_] = None
            if is_id(id_) and entity not in self._whole:
                self._fetch(entity, "id", [id_])
        return kept[id_]

    def rows(self, entity: str) -> list[Record]:
        """Return every record of an entity, those in the recycle bin too."""
        if entity not in self._whole:
            self._whole.add(entity)
            self._select(entity, "", ())
        return [row for row in self._kept.setdefault(entity, {}).values() if row is not None]

    def some(self, entity: str, count: int) -> list[Record]:
        """Return up to `count` records of an entity, the newest, one in five of them from the recycle bin."""
        if entity in self._whole:
            return self.rows(entity)[:count]
        found: list[Record] = []
        for state, most in (("IS NULL", count - count // 5), ("IS NOT NULL", count // 5)):
            order = f" WHERE deleted_at {state} ORDER BY id DESC LIMIT {int(most)}"
            found += self._select(entity, order, ())
        return found

    def many(self, entity: str, key: str, id_: str) -> list[Record]:
        """Return the live records that a relation, or a field with many links, of a record leads to."""
        here = self.model.entity(entity)
        own = here.fields.get(key)
        if own is not None and own.type.links == "many":
            row = self.row(entity, id_)
            found = [self.row(own.target or "", each) for each in (row or {}).get(key) or ()]
        else:
            relation = here.relations[key]
            wanted = f"{entity}/{id_}" if relation.kind == "any" else id_
            found = [self.row(relation.entity, each) for each in self.leading(relation.entity, relation.field, wanted)]
        return [row for row in found if row is not None and row["deleted_at"] is None]

    def leading(self, entity: str, key: str, value: str) -> tuple[str, ...]:
        """Return the ids of the records whose field leads to a record."""
        place = (entity, key, value)
        found = self._back.get(place)
        if found is None:
            found = self._back[place] = self._leading(entity, key, value, None)
        return found

    def _leading(self, entity: str, key: str, value: str, most: int | None) -> tuple[str, ...]:
        field, tables = self.model.entity(entity).fields[key], self.published.tables
        if field.type.links != "many" and entity in self._whole:
            return tuple(row["id"] for row in self.rows(entity) if row[key] == value)
        if field.type.links == "many":
            table, names = quoted(tables.link_name(entity, key)), ("record_id", "target_id")
        else:
            table, names = quoted(tables.name(entity)), ("id", quoted(tables.column_name(entity, key)))
        limit = "" if most is None else f" ORDER BY {names[0]} DESC LIMIT {most}"
        text = f"SELECT {names[0]} FROM {table} WHERE {names[1]} = {self._mark}{limit}"  # noqa: S608 - names of the Model
        return tuple(str(row[0]) for row in self._run(text, [value]))

    def holders(self, entity: str, id_: str) -> Iterator[tuple[str, Record]]:
        """Yield (entity, row) of records that lead to a record, now or in their history; of many, the newest."""
        for key, known in self.model.entities.items():
            for field in known.fields.values():
                wanted = f"{entity}/{id_}" if field.type.links == "any" else id_
                if field.target != entity and (field.type.links != "any" or entity not in field.targets):
                    continue
                if field.type.links == "many" or (field.storage is not None and field.stored):
                    rows = (self.row(key, each) for each in self._leading(key, field.key, wanted, _MOST_HOLDERS))
                    yield from ((key, row) for row in rows if row is not None)
        text = (
            f"SELECT entity, record_id FROM record_change WHERE {self._as_text} LIKE {self._mark} LIMIT {_MOST_HOLDERS}"  # noqa: S608
        )
        for key, holder in self._run(text, [f"%{id_}%"]):
            row = self.row(key, str(holder))
            if row is not None:
                yield key, row

    def times(self, entity: str, key: str, value: str) -> int:
        """Return how many records hold a text in a field."""
        tables = self.published.tables
        column, table = quoted(tables.column_name(entity, key)), quoted(tables.name(entity))
        text = f"SELECT count(*) FROM {table} WHERE {column} = {self._mark}"  # noqa: S608 - names of the Model
        return int(self._run(text, [value])[0][0])

    def places(self) -> Mapping[str, str]:
        """Return the entity of every record that was fetched, by id."""
        if len(self._places) != (count := sum(map(len, self._kept.values()))) or not count:
            self._places = {id_: entity for entity, kept in self._kept.items() for id_ in kept}
        return self._places

    # --- beside the rows ------------------------------------------------------------------------------------------

    def shares(self, entity: str, id_: str) -> list[Record]:
        """Return the shares of one record, each a dict by column of the table `share`."""
        key = (entity, id_)
        if key not in self._shares:
            text = f"SELECT * FROM share WHERE entity = {self._mark} AND record_id = {self._mark}"  # noqa: S608 - constants
            cursor = run(self.connection, text, [entity, id_], access=ENTITY_ACCESS)
            names = [column[0] for column in cursor.description]
            self._shares[key] = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        return self._shares[key]

    def past(self, entity: str, id_: str) -> list[dict[str, list[Any]]]:
        """Return what each version of a record changed: field -> [before, after], in JSON values."""
        key = (entity, id_)
        if key not in self._history:
            text = f"SELECT changes FROM record_change WHERE entity = {self._mark} AND record_id = {self._mark}"  # noqa: S608
            rows = self._run(text, [entity, id_])
            self._history[key] = [orjson.loads(row[0]) if isinstance(row[0], str) else row[0] for row in rows]
        return self._history[key]

    # --- inside ---------------------------------------------------------------------------------------------------

    def _fetch(self, entity: str, key: str, values: Sequence[str]) -> list[Record]:
        column = quoted(self.published.tables.column_name(entity, key))
        found: list[Record] = []
        for start in range(0, len(values), _CHUNK):
            part = values[start : start + _CHUNK]
            found += self._select(entity, f" WHERE {column} IN ({', '.join([self._mark] * len(part))})", part)
        return found

    def _select(self, entity: str, rest: str, values: Sequence[Any]) -> list[Record]:
        known, tables = self.model.entity(entity), self.published.tables
        keys = [field.key for field in known.columns]
        columns = ", ".join(quoted(tables.column_name(entity, key)) for key in keys)
        text = f"SELECT {columns} FROM {quoted(tables.name(entity))}{rest}"  # noqa: S608 - names of the Model
        decode = [self._decoder(known, key) for key in keys]
        rows = [
            {key: value if read is None or value is None else read(value)
             for key, read, value in zip(keys, decode, row, strict=True)}
            for row in self._run(text, values)
        ]  # fmt: skip
        for row in rows:
            row["id"] = str(row["id"])
        self._add_links(known, rows)
        kept = self._kept.setdefault(entity, {})
        for row in rows:
            kept[row["id"]] = row
        return rows

    def _decoder(self, entity: Entity, key: str) -> Any:
        field = entity.fields[key]
        if field.secret or field.type.name == "secret":
            return lambda _value: SEALED
        return decoder(field, self.connection.dialect.name)

    def _add_links(self, entity: Entity, rows: Iterable[Record]) -> None:
        by_id = {row["id"]: row for row in rows}
        for field in entity.fields.values():
            if field.type.links != "many":
                continue
            for row in by_id.values():
                row[field.key] = ()
            table = quoted(self.published.tables.link_name(entity.key, field.key))
            ids = list(by_id)
            for start in range(0, len(ids), _CHUNK):
                part = ids[start : start + _CHUNK]
                marks = ", ".join([self._mark] * len(part))
                text = f"SELECT record_id, target_id FROM {table} WHERE record_id IN ({marks}) ORDER BY position"  # noqa: S608
                for record, target in self._run(text, part):
                    by_id[str(record)][field.key] += (str(target),)

    def _run(self, text: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        found: list[tuple[Any, ...]] = run(self.connection, text, list(values), access=ENTITY_ACCESS).fetchall()
        return found
