"""Which fields lead to an entity, and which records hold such a link."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from engine.data.unit import Unit
from engine.metadata.model import Field, Model

OnDelete = Literal["restrict", "clear", "cascade", "leave"]


@dataclass(frozen=True, slots=True)
class Incoming:
    """A field that leads to an entity, and what becomes of its records when what it leads to is deleted."""

    field: Field
    on_delete: OnDelete
    entity: str
    """What it leads to."""

    @property
    def many(self) -> bool:
        """Say whether a link table holds it."""
        return self.field.type.links == "many"


_STAMPS = frozenset({"created_by", "updated_by"})


def incoming(model: Model, entity: str) -> tuple[Incoming, ...]:
    """Return the fields that lead to an entity, worked out once per Model."""
    return model.derive(("incoming", entity), lambda: tuple(_find(model, entity)))


def _find(model: Model, entity: str) -> Iterable[Incoming]:
    for other in model.entities.values():
        for field in other.fields.values():
            if field.type.links == "any" and entity in field.targets:
                yield Incoming(field, field.on_delete, entity)
            elif (
                field.target != entity
                or field.type.links not in {"one", "many"}
                or (field.type.links == "one" and (field.storage is None or not field.stored))
            ):
                continue
            elif other.parent == entity and field.key == other.parent_field:
                yield Incoming(field, "cascade", entity)
            elif field.key in _STAMPS and field.system:
                # Who made a record stays known when the person leaves.
                yield Incoming(field, "leave", entity)
            else:
                yield Incoming(field, field.on_delete, entity)


def linking_rows(
    unit: Unit, link: Incoming, targets: Iterable[str], *, trashed: bool | None = False
) -> list[tuple[str, str]]:
    """Return (record, target) for the records that lead to some of the targets by a field.

    `trashed` is False for live records, True for those in the recycle bin, None for both.
    """
    phrases, tables = unit.phrases, unit.published.tables
    shape = unit.shape(link.field.entity)
    identity, deleted = shape.by_key["id"].name, shape.by_key["deleted_at"].name
    state = {False: f" AND t.{deleted} IS NULL", True: f" AND t.{deleted} IS NOT NULL", None: ""}[trashed]
    wanted = list(targets)
    if link.many:
        table = phrases.name(tables.link_name(link.field.entity, link.field.key))
        text = (
            f"SELECT l.record_id, l.target_id FROM {table} l JOIN {shape.table} t ON t.{identity} = l.record_id "  # noqa: S608
            f"WHERE {phrases.is_in('l.target_id')}{state}"
        )
        return [(row[0], row[1]) for row in unit.run(text, [unit.ids(wanted)]).fetchall()]
    column = shape.by_key[link.field.key].name
    prefix = f"{link.entity}/" if link.field.type.links == "any" else ""
    condition = phrases.is_in(f"t.{column}", "text" if prefix else "uuid")
    text = f"SELECT t.{identity}, t.{column} FROM {shape.table} t WHERE {condition}{state}"  # noqa: S608
    found = unit.run(text, [phrases.values(prefix + target for target in wanted)]).fetchall()
    return [(row[0], row[1].removeprefix(prefix)) for row in found]
