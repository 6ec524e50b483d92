"""The fields that every record has and no document declares."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from engine.expression import FieldInfo, Type
from engine.fields import FieldType, StorageType, field_types
from engine.i18n import Text
from engine.metadata.model import Field

_LABELS = {
    "id": ("ID", "编号"),
    "version": ("Version", "版本"),
    "created_at": ("Created", "创建时间"),
    "created_by": ("Created by", "创建人"),
    "updated_at": ("Changed", "修改时间"),
    "updated_by": ("Changed by", "修改人"),
    "deleted_at": ("Deleted", "删除时间"),
    "origin": ("Origin", "来源"),
    "external_id": ("External ID", "外部编号"),
    "owner": ("Owner", "负责人"),
}
SYSTEM_FIELDS = frozenset(_LABELS)
"""Keys that no document may give to a field of its own."""


def system_keys(*, owned: bool) -> tuple[str, ...]:
    """Return the keys of the system fields of an entity, in their order."""
    return tuple(key for key in _LABELS if owned or key != "owner")


@cache
def _infos() -> dict[str, FieldInfo]:
    user = FieldInfo(Type.LINK, target="user")
    return {
        "id": FieldInfo(Type.LINK, nullable=False),
        "version": FieldInfo(Type.NUMBER, scale=0, nullable=False),
        "created_at": FieldInfo(Type.DATETIME, nullable=False),
        "created_by": user,
        "updated_at": FieldInfo(Type.DATETIME, nullable=False),
        "updated_by": user,
        "deleted_at": FieldInfo(Type.DATETIME),
        "origin": FieldInfo(Type.TEXT),
        "external_id": FieldInfo(Type.TEXT),
        "owner": user,
    }


def system_infos(*, owned: bool) -> dict[str, FieldInfo]:
    """Return what expressions must know of the system fields of an entity."""
    infos = _infos()
    return {key: infos[key] for key in system_keys(owned=owned)}


def system_fields(entity: str, layer: str, *, owned: bool) -> Iterator[Field]:
    """Yield the system fields of an entity."""
    types = field_types()
    text, integer, datetime, user = types["text"], types["integer"], types["datetime"], types["user"]
    kinds: dict[str, tuple[FieldType, StorageType]] = {
        "id": (text, StorageType("uuid")),
        "version": (integer, StorageType("integer")),
        "created_at": (datetime, StorageType("datetime")),
        "created_by": (user, StorageType("uuid")),
        "updated_at": (datetime, StorageType("datetime")),
        "updated_by": (user, StorageType("uuid")),
        "deleted_at": (datetime, StorageType("datetime")),
        "origin": (text, StorageType("text")),
        "external_id": (text, StorageType("text")),
        "owner": (user, StorageType("uuid")),
    }
    for order, (key, info) in enumerate(system_infos(owned=owned).items()):
        field_type, storage = kinds[key]
        english, chinese = _LABELS[key]
        yield Field(
            key=key,
            entity=entity,
            type=field_type,
            label=Text({"en": english, "zh": chinese}),
            layer=layer,
            order=order,
            system=True,
            read_only=key not in {"external_id", "owner"},
            audit=key in {"external_id", "owner"},
            copy=False,
            unique=key == "external_id",
            value_type=info.type,
            scale=info.scale,
            target=info.target if field_type is user else None,
            targets=("user",) if field_type is user else (),
            on_delete="clear" if field_type is user else "restrict",
            storage=storage,
        )
