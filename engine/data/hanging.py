"""What hangs on records: how many others go with them, or lose their link, when they are deleted.

Only what who asks may read is counted, so the numbers tell nothing that a list would not.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from engine.data.incoming import Incoming, incoming
from engine.data.query import Query
from engine.data.reader import Count, Reader
from engine.expression import Call, Expr, Path
from engine.expression import Literal as Value
from engine.metadata.model import Entity, Field

Effect = Literal["goes", "loses", "keeps"]


@dataclass(frozen=True, slots=True)
class Hanging:
    """Records of one kind that lead to those that are deleted, by one field."""

    entity: Entity
    field: Field
    count: Count
    effect: Effect
    """Whether they go too, lose the link, or keep what they lead to from being deleted."""


def hanging(reader: Reader, entity: str, ids: Sequence[str], *, for_good: bool = False) -> tuple[Hanging, ...]:
    """Return what hangs on records and would change with them, one statement for each field that leads to them.

    Args:
        reader: who is told.
        entity: of the records.
        ids: the records.
        for_good: whether they go for good, not into the recycle bin; then every link to them is emptied.
    """
    return tuple(_found(reader, entity, ids, for_good=for_good)) if ids else ()


def _found(reader: Reader, entity: str, ids: Sequence[str], *, for_good: bool) -> Iterator[Hanging]:
    model = reader.model
    for link in incoming(model, entity):
        effect = _effect(model.entities[link.field.entity], link, for_good=for_good)
        if effect is None or not _may_ask(reader, link):
            continue
        counted = reader.count(Query(link.field.entity, where=_leads_to(link, ids)))
        if counted.number:
            yield Hanging(model.entities[link.field.entity], link.field, counted, effect)


def _effect(holder: Entity, link: Incoming, *, for_good: bool) -> Effect | None:
    if link.on_delete == "leave":
        return None
    if link.on_delete == "cascade" and (not for_good or holder.parent == link.entity):
        return "goes"
    if link.on_delete == "restrict" and not for_good:
        return "keeps"
    return "loses"


def _may_ask(reader: Reader, link: Incoming) -> bool:
    """Say whether who reads may filter by the field."""
    holder = link.field.entity
    if not reader.access.may(holder, "read"):
        return False
    return reader.access.mask(holder).get(link.field.key, "hidden") in {"read", "write"}


def _leads_to(link: Incoming, ids: Sequence[str]) -> Expr:
    path = Path((link.field.key,))
    if link.many:
        return Call("any", (path, Call("in", (Path(("id",)), Value(tuple(ids))))))
    if link.field.type.links == "any":
        return Call("in", (path, Value(tuple(f"{link.entity}/{each}" for each in ids))))
    return Call("in", (path, Value(tuple(ids))))
