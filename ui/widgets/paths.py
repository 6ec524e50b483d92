"""What a dotted path of a view leads to, and whether somebody may see it."""

from __future__ import annotations

from collections.abc import Sequence

from engine import Access, Field, Model, Path

_DEEPEST = 4
"""Titles that are links themselves are followed so far."""


def fields_along(model: Model, entity: str, path: Sequence[str]) -> tuple[Field, ...] | None:
    """Return the fields that a path goes along, links first; None when it leads nowhere."""
    found: list[Field] = []
    at = model.entities.get(entity)
    for key in path:
        field = at.fields.get(key) if at is not None else None
        if field is None:
            return None
        found.append(field)
        at = model.entities.get(field.target) if field.target and field.type.links == "one" else None
    return tuple(found)


def mask_of(access: Access, fields: Sequence[Field]) -> str:
    """Return what somebody may see at the end of a path: "hidden", "masked" or "read"."""
    masks = [access.mask(each.entity).get(each.key, "hidden") for each in fields]
    if "hidden" in masks or "masked" in masks[:-1]:
        return "hidden"
    return "masked" if masks[-1] == "masked" else "read"


def title_path(model: Model, entity: str) -> tuple[str, ...]:
    """Return the path from a record to the value that names it, along links where its title is a link."""
    path: list[str] = []
    at = model.entities.get(entity)
    while at is not None and len(path) < _DEEPEST:
        field = at.fields[at.title]
        path.append(field.key)
        at = model.entities.get(field.target) if field.target and field.type.links == "one" else None
    return tuple(path)


def linked_titles(model: Model, field: Field, path: Sequence[str]) -> tuple[str, ...] | None:
    """Return the path to the title of the record that a to-one link leads to; None when it is no such link.

    A reference that shows a link of a linked record is followed along the path that it stands for.
    """
    if field.type.links == "one" and field.target:
        return (*path, *title_path(model, field.target))
    if field.target and isinstance(field.expr, Path) and field.type.result(field.options).links == "one":
        return (*path[:-1], *field.expr.keys, *title_path(model, field.target))
    return None
