"""Blind indexes: beside a secret field that is unique or indexed stands a column that tells equal values, and no more.

The column is a field of the Model that nobody sees and nobody writes. The secret field itself is neither unique nor
indexed: its cipher texts differ even where its values are equal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from engine.fields import field_types
from engine.fields.base import StorageType
from engine.metadata.model import EMPTY, Field, UniqueRule

_END = "__blind"


def with_blind_indexes(
    fields: Mapping[str, Field], unique: Mapping[str, UniqueRule]
) -> tuple[dict[str, Field], dict[str, UniqueRule]]:
    """Return the fields of an entity with the blind indexes of its secrets, and its unique rules over these."""
    ruled = {key for rule in unique.values() for key in rule.fields}
    found = dict(fields)
    blind: dict[str, str] = {}
    for key, field in fields.items():
        if _is_sealed(field) and (field.unique or field.index or key in ruled) and key + _END not in fields:
            blind[key] = key + _END
            found[key] = replace(field, unique=False, index=False)
            found[key + _END] = _companion(field, len(found))
    rules = {
        key: replace(rule, fields=tuple(blind.get(each, each) for each in rule.fields)) for key, rule in unique.items()
    }
    return found, rules


def _is_sealed(field: Field) -> bool:
    return field.secret and field.storage is not None and field.storage.kind == "text" and not field.type.computed


def _companion(field: Field, order: int) -> Field:
    return Field(
        key=field.key + _END,
        entity=field.entity,
        type=field_types()["text"],
        label=field.label,
        options=EMPTY,
        layer=field.layer,
        order=order,
        hidden=True,
        read_only=True,
        audit=False,
        copy=False,
        unique=field.unique,
        index=bool(field.index) and not field.unique,
        storage=StorageType("text"),
        blind_of=field.key,
    )
