"""What columns of a file may go into, as a page offers it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from engine.data.access import Access
from engine.data.transfer.matching import STAMPS, importable
from engine.i18n import Text
from engine.metadata.model import Entity, Field, Model

Kind = Literal["text", "date", "number", "options", "list", "link"]
_MOST_PARTS = 30
"""Fields of a linked record that are offered."""


@dataclass(frozen=True, slots=True)
class ImportTarget:
    """A field, or one of a linked record."""

    key: str
    """As a mapping names it."""
    label: Text
    group: Text | None
    """The link that it belongs to; None for fields of the records themselves."""
    kind: Kind
    required: bool = False
    options: Mapping[str, Text] | None = None
    """What options are called."""
    field: Field | None = None


def targets(model: Model, access: Access, entity: Entity) -> list[ImportTarget]:
    """Return what columns may go into, in display order, what belongs to links behind it."""
    own: list[ImportTarget] = []
    parts: list[ImportTarget] = []
    writable, system = access.writable(entity.key), access.principal.system
    for key, each in entity.fields.items():
        stamp = key in STAMPS and access.has("admin")
        allowed = stamp or key == "id" or (importable(each) and key in writable and (system or not each.read_only))
        if not allowed or each.type.links in {"children", "any"} or each.blind_of or _is_file(each):
            continue
        required = each.required and each.default is None and each.default_expr is None
        own.append(ImportTarget(key, each.label, None, _kind(each), required, _options(each), each))
        if each.target is not None and not stamp:
            parts += _parts(model, access, each)
    return own + parts


def _parts(model: Model, access: Access, link: Field) -> Iterator[ImportTarget]:
    target = model.entity(link.target or "")
    mask = access.mask(target.key)
    found = 0
    for key, each in target.fields.items():
        plain = not each.type.links and not each.secret and each.stored and mask.get(key) in {"read", "write"}
        if not plain or not importable(each) or key == "id" or _is_file(each) or found >= _MOST_PARTS:
            continue
        if link.type.links != "one" and key not in {"external_id", target.title}:
            continue
        found += 1
        yield ImportTarget(f"{link.key}.{key}", each.label, link.label, "link", options=None, field=each)


def _is_file(each: Field) -> bool:
    return each.type.name in {"file", "files", "image", "signature"}


def _options(each: Field) -> Mapping[str, Text] | None:
    return {key: option.label for key, option in each.choices.items()} or None


def _kind(each: Field) -> Kind:
    kind: Any = each.type.value_type
    if each.type.links:
        return "link"
    if each.choices:
        return "options"
    if kind in {"date", "datetime"}:
        return "date"
    if kind == "number":
        return "number"
    return "list" if kind in {"list", "many"} else "text"
