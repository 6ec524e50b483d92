"""The line of key facts beside the name of a record: what its form names, else what such records are asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from engine import Entity, Field, Locale, Reader
from ui.widgets.facts import Value, only_value

MOST = 8
_USUAL = 5
_READ = frozenset({"read", "write"})


@dataclass(frozen=True, slots=True)
class Highlight:
    """One key fact."""

    key: str
    label: str
    html: Markup
    number: bool
    """Whether it is a number, which stands in figures of one width."""


@dataclass(frozen=True, slots=True)
class Highlights:
    """The key facts of an entity, prepared for somebody."""

    select: tuple[str, ...]
    _fields: tuple[tuple[Field, Value], ...]

    def shown(self, reader: Reader, values: Mapping[str, Any], language: str) -> list[Highlight]:
        """Return those of a record that say something."""
        return [
            Highlight(
                field.key,
                field.label.in_(language),
                value.html(reader, values),
                field.type.result(field.options).name in {"money", "number", "integer", "percent"},
            )
            for field, value in self._fields
            if any(values.get(path) not in (None, "", (), []) for path in value.paths)
        ]


def highlights(reader: Reader, entity: Entity, locale: Locale) -> Highlights:
    """Return the key facts of an entity that who reads may see."""
    who = reader.access.principal
    key = ("highlights", entity.key, locale, who.roles, who.system, who.scopes)
    return reader.model.derive(key, lambda: _made(reader, entity, locale))


def _made(reader: Reader, entity: Entity, locale: Locale) -> Highlights:
    mask = reader.access.mask(entity.key)
    keys = reader.model.form(entity.key).highlights or usual(entity)
    fields = [entity.fields[key] for key in keys[:MOST] if mask.get(key) in _READ and not entity.fields[key].secret]
    values = tuple((field, only_value(reader, field, locale, masked=False)) for field in fields)
    return Highlights(tuple(dict.fromkeys(path for _field, value in values for path in value.paths)), values)


def usual(entity: Entity) -> tuple[str, ...]:
    """Return fields that a record is often asked for: what it belongs to, how much, whose, how to reach it, when."""
    state = entity.states.field if entity.states is not None else None
    own = [
        each for each in entity.fields.values()
        if not each.system and not each.hidden and each.key not in {entity.title, state, entity.parent_field}
    ]  # fmt: skip
    found: dict[str, None] = {}

    def first(*names: str) -> None:
        fit = next((each.key for each in own if each.type.result(each.options).name in names), None)
        if fit is not None:
            found[fit] = None

    first("lookup")
    first("money")
    first("phone")
    first("email")
    first("date", "datetime")
    if entity.owned:
        found["owner"] = None
    if len(found) < 3:  # noqa: PLR2004 - a line of one or two says too little
        first("select")
        first("number", "integer", "percent")
    return tuple(found)[:_USUAL]
