"""The facts of one record: every field of its form as label and value, in one flat template per form and reader.

Like the table of a list it is made once per Model, form, language, time zone and set of roles.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup, escape

from engine import Access, Entity, Field, Locale, Reader, Section
from ui.widgets.cells import Asked, Cell, cell
from ui.widgets.paths import mask_of

_VARIABLE = re.compile(r"\$(\d)")
_environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)


@dataclass(frozen=True, slots=True)
class Facts:
    """Prepared facts of one tab of a form."""

    select: tuple[str, ...]
    """Dotted paths for the query, each once."""
    children: tuple[Field, ...]
    """Child tables of the tab, which are shown as lists."""
    _cells: tuple[tuple[Cell, tuple[str, ...]], ...]
    _template: Any

    def html(self, reader: Reader, values: Mapping[str, Any]) -> Markup:
        """Return the facts of a record, whose Python values stand by dotted path."""
        shown: dict[str, Any] = {}
        for place, (each, paths) in enumerate(self._cells):
            prepared = each.prepare(reader, [[values.get(path)] for path in paths])
            shown.update({f"c{place}_{number}": column[0] for number, column in enumerate(map(list, prepared))})
        return Markup(self._template.render(shown))  # noqa: S704 - autoescaped


def facts(access: Access, entity: Entity, sections: Sequence[Section], locale: Locale, name: str) -> Facts:
    """Return the facts of some sections for somebody; fields that they may not see are left out.

    `name` says which sections they are within the Model.
    """
    who = access.principal
    key = ("facts", name, locale, who.roles, who.system, who.scopes)
    return access.model.derive(key, lambda: _made(access, entity, sections, locale))


def _made(access: Access, entity: Entity, sections: Sequence[Section], locale: Locale) -> Facts:
    cells: list[tuple[Cell, tuple[str, ...]]] = []
    children: list[Field] = []
    source: list[str] = []
    select: dict[str, None] = {}
    for section in sections:
        parts = []
        for item in section.items:
            field = entity.fields[item.field]
            mask = mask_of(access, (field,))
            if mask == "hidden":
                continue
            if field.type.links == "children":
                children.append(field)
                continue
            made = cell(Asked(access.model, field, (field.key,), locale, item.widget, masked=mask == "masked"))
            parts.append(_fact(field, made, len(cells), locale.language))
            cells.append((made, made.paths))
            select.update(dict.fromkeys(made.paths))
        if parts:
            label = f"<h2>{_plain(section.label.in_(locale.language))}</h2>" if section.label else ""
            source.append(
                f'<section>{label}<dl class="facts columns-{section.columns}">{"".join(parts)}</dl></section>'
            )
    return Facts(tuple(select), tuple(children), tuple(cells), _environment.from_string("".join(source)))


def _fact(field: Field, made: Cell, place: int, language: str) -> str:
    inner = _VARIABLE.sub(lambda match: f"c{place}_{match[1]}", made.source)
    wide = " wide" if field.type.name in {"longtext", "richtext", "json"} else ""
    shown = f'<div class="fact{wide}"><dt>{_plain(field.label.in_(language))}</dt><dd>{inner}</dd></div>'
    if field.visible_when is not None:
        # A field that only some records have is not worth a line where it says nothing.
        return f"{{% if c{place}_0 %}}{shown}{{% endif %}}"
    return shown


def _plain(words: str) -> str:
    """Return words of a document as text of a template, in which neither HTML nor Jinja means anything."""
    return str(escape(words)).replace("{", "&#123;").replace("}", "&#125;")


def child_paths(access: Access, entity: Entity) -> Iterable[str]:
    """Return the fields of a child row that a list of them shows."""
    mask = access.mask(entity.key)
    for field in entity.fields.values():
        if field.system or field.hidden or field.key == entity.parent_field or field.type.links in {"children", "many"}:
            continue
        if mask.get(field.key, "hidden") != "hidden":
            yield field.key
