"""What there is to choose when records are merged: whose value of each field, and which record stays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from engine.data.batch import SEALED
from engine.data.shape import Shape
from engine.data.steps.load import Stored, load_links
from engine.data.unit import Unit
from engine.metadata.model import Field

MERGE_ALL = "all"
"""As a choice for a field of several values: those of all records."""


@dataclass(frozen=True, slots=True)
class MergeChoice:
    """One field of records that are to be merged.

    Attributes:
        values: by record; SEALED or a mark for what may not be read.
        chosen: the record whose value is taken unless somebody says otherwise, or MERGE_ALL.
        differs: whether the records have different values.
        free: whether the person may choose; otherwise what is chosen stands.
        several: whether it holds several values, which can be taken together.
    """

    field: Field
    values: Mapping[str, Any]
    chosen: str
    differs: bool
    free: bool
    several: bool


def fullest(shape: Shape, stored: Mapping[str, Stored]) -> str:
    """Return the record with most values; of equals the oldest."""

    def emptiness(id_: str) -> tuple[int, str]:
        values = stored[id_].values
        return -sum(values[key] is not None for key in shape.told), id_

    return min(stored, key=emptiness)


def choices_of(unit: Unit, shape: Shape, stored: Mapping[str, Stored], survivor: str) -> tuple[MergeChoice, ...]:
    """Return every field that has a value of its own, with whose value is taken unless somebody says otherwise."""
    mask, writable = unit.access.mask(shape.entity.key), unit.access.writable(shape.entity.key)
    links = {field.key: load_links(unit, field, list(stored)) for field in shape.link_fields}
    found = []
    for field in shape.entity.fields.values():
        if not _is_merged(shape, field):
            continue
        if field.key in links:
            values: dict[str, Any] = {id_: links[field.key].get(id_) or None for id_ in stored}
        else:
            values = {id_: each.values[field.key] for id_, each in stored.items()}
        free = field.key in writable and mask.get(field.key) in {"read", "write"} and field.key not in shape.sealed
        found.append(_choice(field, values, stored, survivor, free=free and not field.read_only))
    return tuple(found)


def _is_merged(shape: Shape, field: Field) -> bool:
    """Say whether a field has a value of its own that may be taken over."""
    if not field.writable or field.type.links == "children" or field.key == shape.entity.parent_field:
        return False
    return field.key in shape.by_key or field.type.links == "many"


def _choice(
    field: Field, values: Mapping[str, Any], stored: Mapping[str, Stored], survivor: str, *, free: bool
) -> MergeChoice:
    filled = [id_ for id_, value in values.items() if value not in (None, "", ())]
    several = field.type.links == "many" or isinstance(next((values[id_] for id_ in filled), None), tuple)
    newest = max(filled, key=lambda id_: (stored[id_].values["updated_at"], id_), default=survivor)
    chosen = MERGE_ALL if several and len(filled) > 1 else survivor if survivor in filled else newest
    # A secret differs in its cipher text even where it is the same.
    differs = len({_comparable(values[id_]) for id_ in filled}) > 1 or (SEALED in values.values() and len(filled) > 1)
    return MergeChoice(field, values, chosen, differs, free, several)


def _comparable(value: Any) -> Any:
    return orjson.dumps(value, default=str) if isinstance(value, (dict, list)) else value
