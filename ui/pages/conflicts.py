"""What two people changed at once, side by side, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine import Entity, Field, FieldConflict, Locale, Reader, VersionConflict
from ui.asking import language
from ui.pages.child_rows import CellConflict
from ui.pages.editing import Editing
from ui.pages.listing import locale_of


@dataclass(frozen=True, slots=True)
class Conflict:
    """One field, or one cell of a child row, with two new values."""

    key: str
    """`choose-<key>` is what the choice is called."""
    label: str
    mine: str
    theirs: str
    who: str = ""
    """Who else changed it, and when."""


def of_fields(
    reader: Reader, entity: Entity, fields: Mapping[str, FieldConflict], locale: Locale, who: str = ""
) -> list[Conflict]:
    """Return for each field that two people changed what each of them wrote; `who` says who else, and when."""
    return [
        Conflict(
            key,
            entity.fields[key].label.in_(language()),
            spoken(reader, entity.fields[key], each.mine, locale),
            spoken(reader, entity.fields[key], each.theirs, locale),
            who,
        )
        for key, each in fields.items()
    ]


def who_and_when(reader: Reader, entity: Entity, conflict: VersionConflict) -> str:
    """Return who changed a record last, and when, in words; what of it who reads may know."""
    mask = reader.access.mask(entity.key)
    said = ("updated_at", "updated_by.name")
    wanted = tuple(key for key in said if mask.get(key.partition(".")[0]) in {"read", "write"})
    if not wanted:
        return ""
    values = reader.record(entity.key, conflict.record_id, wanted).values()
    field, locale = entity.fields["updated_at"], locale_of(reader)
    at = values.get("updated_at")
    when = field.type.displayer(field.options, locale)(at) if at is not None else ""
    return " · ".join(filter(None, (values.get("updated_by.name"), when)))


def of_cells(reader: Reader, form: Editing, cells: Sequence[CellConflict], locale: Locale) -> list[Conflict]:
    """Return for each cell of a child row that two people changed what each of them wrote."""
    found = []
    for each in cells:
        table, place, _key = each.path.split("/")
        label = f"{form.fields[table].label.in_(language())} {int(place) + 1} · {each.field.label.in_(language())}"
        found.append(
            Conflict(
                each.path,
                label,
                spoken(reader, each.field, each.mine, locale),
                spoken(reader, each.field, each.theirs, locale),
            )
        )
    return found


def spoken(reader: Reader, field: Field, value: Any, locale: Locale) -> str:
    """Return a value of a field in words: with labels, titles of linked records, local times."""
    if value is None or value in ((), [], ""):
        return "—"
    kind = field.type.links
    if field.type.name in {"file", "files", "image", "images", "signature"} or kind in {"one", "many"}:
        target = field.target or "file"
        ids = [value] if isinstance(value, (str, Mapping)) else list(value)
        titles = reader.titles(target, [each for each in ids if isinstance(each, str)])
        return ", ".join(each["title"] if isinstance(each, Mapping) else titles.get(each) or "…" for each in ids)
    if kind == "any":
        if isinstance(value, Mapping):
            return str(value.get("title", "…"))
        entity, _, id_ = str(value).partition("/")
        return reader.titles(entity, [id_]).get(id_) or "…"
    if kind == "children":
        return str(len(value))
    if field.choices:
        keys = [value] if isinstance(value, str) else list(value)
        return ", ".join(
            field.choices[each].label.in_(locale.language) if each in field.choices else str(each) for each in keys
        )
    try:
        return field.type.displayer(field.options, locale)(value)
    except (TypeError, ValueError, AttributeError):
        return str(value)  # what was typed is no value of the field; Records will say so
