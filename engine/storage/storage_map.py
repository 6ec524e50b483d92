"""The storage map of a revision: which table and column holds what, and what is kept of what was.

A column's name is fixed when it is made, so a renamed field is a changed map and nothing else, and the map says
what kind of values each column has, so the next plan needs no Model of the past: its shipped documents may be gone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from engine.fields import StorageKind, StorageType

SYSTEM_NOT_NULL = frozenset({"id", "version", "created_at", "updated_at"})


@dataclass(frozen=True, slots=True)
class StoredColumn:
    """A column that exists."""

    name: str
    kind: StorageKind
    scale: int = 0
    target: str | None = None
    """Table that its foreign key leads to."""
    type: str = ""
    """Name of the field type whose values it holds."""
    made_of: str = ""
    """Mark of how the engine computes it; "" for what people give."""

    @property
    def storage(self) -> StorageType:
        """The neutral type."""
        return StorageType(self.kind, self.scale)


@dataclass(frozen=True, slots=True)
class StoredEntity:
    """A table that exists, with its link tables and its indexes."""

    table: str
    columns: Mapping[str, StoredColumn]
    """By field key."""
    links: Mapping[str, str] = field(default_factory=dict)
    """Field key -> link table."""
    link_targets: Mapping[str, str] = field(default_factory=dict)
    """Field key -> table that its links lead to."""
    indexes: tuple[str, ...] = ()
    """Names of the indexes that the engine made; a name says all of the definition."""
    search: tuple[str, ...] = ()
    """What its search rows hold: `field:weight`, with `*` for names that are also found by pinyin."""
    former: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Field key -> keys that it had before, by which a rollback finds its values; "" is the entity itself."""


@dataclass(frozen=True, slots=True)
class Retired:
    """A column, link table or table that nothing names any more and that is dropped after its grace."""

    kind: Literal["column", "link", "table"]
    entity: str
    field: str
    """"" for a whole table."""
    table: str
    column: StoredColumn | None
    since: int
    """Revision that retired it."""
    until: str
    """Day from which `purge` may drop it, ISO."""
    stored: StoredEntity | None = None
    """Of a retired table: what it was."""
    link: str = ""
    """Of retired links: their table."""
    target: str = ""
    """Of retired links: the table that they lead to."""
    former: tuple[str, ...] = ()
    """Keys that the field had before."""


class StoredEntities(Mapping[str, StoredEntity]):
    """Entities by key, each read from its JSON when it is first asked for: there are thousands of columns."""

    def __init__(self, raw: Mapping[str, Any], made: Mapping[str, StoredEntity] | None = None) -> None:
        self._raw = dict(raw)
        self._made = dict(made or {})

    def __getitem__(self, key: str) -> StoredEntity:
        found = self._made.get(key)
        if found is None:
            found = self._made[key] = _entity_from_json(self._raw[key])
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._raw)

    def __len__(self) -> int:
        return len(self._raw)

    def updated(self, changes: Mapping[str, StoredEntity | None]) -> StoredEntities:
        """Return them with some entities changed; None takes one out."""
        raw, made = dict(self._raw), dict(self._made)
        for key, stored in changes.items():
            raw.pop(key, None)
            made.pop(key, None)
            if stored is not None:
                raw[key], made[key] = _entity_to_json(stored), stored
        return StoredEntities(raw, made)

    def table(self, key: str) -> str:
        """Return the table of an entity without reading the rest of it."""
        name: str = self._raw[key]["table"]
        return name

    def all_tables(self) -> set[str]:
        """Return all tables, of links too."""
        tables = {raw["table"] for raw in self._raw.values()}
        return tables.union(*(raw["links"].values() for raw in self._raw.values() if "links" in raw))

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return dict(self._raw)


@dataclass(frozen=True, slots=True)
class StorageMap:
    """All of it."""

    entities: StoredEntities = field(default_factory=lambda: StoredEntities({}))
    retired: tuple[Retired, ...] = ()
    rules: str = ""
    """By which rules columns and indexes were derived: other rules may derive others from the same documents."""

    @property
    def tables(self) -> Mapping[str, str]:
        """Entity -> table."""
        return {key: self.entities.table(key) for key in self.entities}

    @property
    def columns(self) -> Mapping[str, str]:
        """`entity.field` -> column."""
        return {
            f"{entity}.{key}": column.name
            for entity, stored in self.entities.items()
            for key, column in stored.columns.items()
        }

    def all_tables(self) -> set[str]:
        """Return every table with records, links and retired ones included."""
        found = self.entities.all_tables()
        found.update(each.link for each in self.retired if each.link)
        for each in self.retired:
            if each.stored is not None:
                found.update((each.stored.table, *each.stored.links.values()))
        return found

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values.

        A column is "kind[.scale][>target][=type][~made_of][:name]", short because there are thousands.
        """
        retired = [_retired_to_json(each) for each in self.retired]
        return {"entities": self.entities.to_json(), "retired": retired, "rules": self.rules}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> StorageMap:
        """Return the map that `to_json` wrote."""
        return cls(
            StoredEntities(data.get("entities", {})),
            tuple(_retired_from_json(value) for value in data.get("retired", ())),
            data.get("rules", ""),
        )


def _column_to_text(key: str, column: StoredColumn) -> str:
    text: str = column.kind
    if column.scale:
        text += f".{column.scale}"
    if column.target:
        text += f">{column.target}"
    if column.type and column.type != column.kind:
        text += f"={column.type}"
    if column.made_of:
        text += f"~{column.made_of}"
    return text if column.name == key else f"{text}:{column.name}"


def _column_from_text(key: str, text: str) -> StoredColumn:
    text, _, name = text.partition(":")
    text, _, made_of = text.partition("~")
    text, _, type_ = text.partition("=")
    text, _, target = text.partition(">")
    kind, _, scale = text.partition(".")
    return StoredColumn(name or key, kind, int(scale or 0), target or None, type_ or kind, made_of)  # type: ignore[arg-type]


def _entity_to_json(stored: StoredEntity) -> dict[str, Any]:
    data: dict[str, Any] = {
        "table": stored.table,
        "columns": {key: _column_to_text(key, column) for key, column in stored.columns.items()},
    }
    if stored.links:
        data["links"] = dict(stored.links)
        data["link_targets"] = dict(stored.link_targets)
    if stored.indexes:
        data["indexes"] = list(stored.indexes)
    if stored.search:
        data["search"] = list(stored.search)
    if stored.former:
        data["former"] = {key: list(keys) for key, keys in stored.former.items()}
    return data


def _entity_from_json(data: Mapping[str, Any]) -> StoredEntity:
    return StoredEntity(
        data["table"],
        {key: _column_from_text(key, text) for key, text in data["columns"].items()},
        dict(data.get("links", {})),
        dict(data.get("link_targets", {})),
        tuple(data.get("indexes", ())),
        tuple(data.get("search", ())),
        {key: tuple(keys) for key, keys in data.get("former", {}).items()},
    )


def _retired_to_json(each: Retired) -> dict[str, Any]:
    data: dict[str, Any] = {
        "kind": each.kind,
        "entity": each.entity,
        "table": each.table,
        "since": each.since,
        "until": each.until,
    }
    if each.field:
        data["field"] = each.field
    if each.link:
        data["link"], data["target"] = each.link, each.target
    if each.former:
        data["former"] = list(each.former)
    if each.column is not None:
        data["column"] = _column_to_text(each.field, each.column)
    if each.stored is not None:
        data["stored"] = _entity_to_json(each.stored)
    return data


def _retired_from_json(data: Mapping[str, Any]) -> Retired:
    key = data.get("field", "")
    return Retired(
        kind=data["kind"],
        entity=data["entity"],
        field=key,
        table=data["table"],
        column=_column_from_text(key, data["column"]) if "column" in data else None,
        since=data["since"],
        until=data["until"],
        link=data.get("link", ""),
        target=data.get("target", ""),
        stored=_entity_from_json(data["stored"]) if "stored" in data else None,
        former=tuple(data.get("former", ())),
    )


def retired_links(retired: Iterable[Retired], table: str) -> list[tuple[str, str]]:
    """Return (table, column) of retired foreign keys that still lead to `table`.

    Whoever deletes rows of it for good empties these first: nobody can see them, yet they would hold the rows.
    """
    found = []
    for each in retired:
        if each.column is not None and each.column.target == table:
            found.append((each.table, each.column.name))
        if each.stored is not None:
            found += [
                (each.stored.table, column.name) for column in each.stored.columns.values() if column.target == table
            ]
    return found


def retired_link_rows(retired: Iterable[Retired], table: str) -> list[tuple[str, str]]:
    """Return (link table, column) of retired links from or to records of `table`.

    Whoever deletes rows of it for good deletes those links first, as with `retired_links`.
    """
    found = []
    for each in retired:
        if each.kind == "link":
            found += [
                (each.link, end) for end, to in (("record_id", each.table), ("target_id", each.target)) if to == table
            ]
        if each.stored is not None:
            found += [
                (each.stored.links[key], "target_id") for key, to in each.stored.link_targets.items() if to == table
            ]
    return found
