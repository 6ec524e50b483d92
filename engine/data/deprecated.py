"""What somebody names that is going away: deprecated objects and fields among the paths of a request."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from engine.data.access import Access
from engine.data.query import Query
from engine.expression import Expr, paths
from engine.metadata.model import Deprecation, Entity, Model


@dataclass(frozen=True, slots=True)
class Deprecated:
    """An object, or a field of one, that programs shall stop using."""

    entity: str
    field: str | None
    """None = the object itself."""
    about: Deprecation

    @property
    def name(self) -> str:
        """Return `lead`, or `lead.fax`."""
        return self.entity if self.field is None else f"{self.entity}.{self.field}"


def every_deprecated(model: Model) -> tuple[Deprecated, ...]:
    """Return all that is deprecated: objects with their fields behind them."""
    return model.derive("deprecated", lambda: tuple(_all(model)))


def _all(model: Model) -> Iterator[Deprecated]:
    for entity in model.entities.values():
        if entity.deprecated is not None:
            yield Deprecated(entity.key, None, entity.deprecated)
        for field in entity.fields.values():
            if field.deprecated is not None:
                yield Deprecated(entity.key, field.key, field.deprecated)


def seen_deprecated(access: Access) -> Iterator[Deprecated]:
    """Yield what is deprecated and the asker may know of."""
    for each in every_deprecated(access.model):
        if access.may(each.entity, "read") and (each.field is None or _knows(access, each.entity, each.field)):
            yield each


def named_deprecated(access: Access, entity: str, dotted: Iterable[str]) -> list[Deprecated]:
    """Return what is deprecated of what paths of an entity lead to or through; what is hidden is left out.

    The entity itself is the first; a path that leads nowhere is nobody's business here.
    """
    if not every_deprecated(access.model):
        return []
    found: dict[Deprecated, None] = {}
    for path in ("", *dotted):
        for each in _along(access, entity, path):
            found.setdefault(each)
    return list(found)


def _along(access: Access, entity: str, dotted: str) -> Iterator[Deprecated]:
    here: Entity | None = access.model.entities.get(entity)
    for key in (*dotted.split("."), ""):
        if here is None:
            return
        if here.deprecated is not None:
            yield Deprecated(here.key, None, here.deprecated)
        field = here.fields.get(key)
        if field is not None and not _knows(access, here.key, key):
            return
        if field is not None and field.deprecated is not None:
            yield Deprecated(here.key, key, field.deprecated)
        relation = here.relations.get(key)
        target = relation.entity if relation is not None else field.target if field is not None else None
        here = access.model.entities.get(target) if target is not None else None


def _knows(access: Access, entity: str, field: str) -> bool:
    return access.mask(entity).get(field, "hidden") != "hidden" or field in access.writable(entity)


def query_paths(query: Query) -> Iterator[str]:
    """Yield every path that a query names."""
    yield from query.select
    yield from (".".join(each.path) for each in query.order_by)
    yield from (each.path for each in query.group_by)
    yield from (each.path for each in query.aggregates if each.path)
    conditions: list[Expr | None] = [query.where, query.having, *(each.where for each in query.aggregates)]
    for condition in conditions:
        yield from (".".join(keys) for keys in (() if condition is None else paths(condition)))


def value_paths(values: Mapping[str, Any]) -> Iterator[str]:
    """Yield every path that the JSON values of a record give, those of its child rows too."""
    for key, value in values.items():
        yield key
        for row in value if isinstance(value, list) else ():
            if isinstance(row, Mapping):
                yield from (f"{key}.{inner}" for inner in row)


__all__ = ["Deprecated", "every_deprecated", "named_deprecated", "query_paths", "seen_deprecated", "value_paths"]
