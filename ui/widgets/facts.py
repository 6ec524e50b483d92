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

from engine import Access, Entity, Expr, Field, Locale, Message, Reader, Section
from ui import forgery
from ui.widgets.cells import Asked, Cell
from ui.widgets.conditions import holds, wanted_paths
from ui.widgets.inputs import is_editable
from ui.widgets.paths import mask_of
from ui.widgets.reading import fact_cell

_VARIABLE = re.compile(r"\$(\d)")
_WIDE = frozenset({"longtext", "richtext", "json", "address"})
_environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)


@dataclass(frozen=True, slots=True)
class Facts:
    """Prepared facts of one tab of a form."""

    select: tuple[str, ...]
    """Dotted paths for the query, each once."""
    children: tuple[Field, ...]
    """Child tables of the tab, which are shown as lists."""
    _entity: str
    _cells: tuple[tuple[Cell, tuple[str, ...]], ...]
    _conditions: tuple[Expr, ...]
    """What `w0`, `w1` ... of the template stand for."""
    _template: Any

    def html(self, reader: Reader, values: Mapping[str, Any], record_id: str, *, edit: bool = False) -> Markup:
        """Return the facts of a record, whose Python values stand by dotted path; with `edit`, to be filled in."""
        shown: dict[str, Any] = {
            f"w{place}": holds(reader, self._entity, expr, values, record_id) is not False
            for place, expr in enumerate(self._conditions)
        }
        shown.update(here=f"/{self._entity}/{record_id}", token=forgery.token(), edit=edit)
        for place, (each, paths) in enumerate(self._cells):
            shown[f"e{place}"] = is_empty(values, paths)
            shown.update({f"c{place}_{number}": words for number, words in enumerate(_prepared(reader, each, values))})
        return Markup(self._template.render(shown))  # noqa: S704 - autoescaped

    def empty(self, values: Mapping[str, Any]) -> int:
        """Return how many of the facts say nothing of a record."""
        return sum(is_empty(values, paths) for _cell, paths in self._cells)


def is_empty(values: Mapping[str, Any], paths: Iterable[str]) -> bool:
    """Say whether a record has nothing at some paths."""
    return all(values.get(path) in (None, "", (), []) for path in paths)


def _prepared(reader: Reader, each: Cell, values: Mapping[str, Any]) -> Iterable[Any]:
    for column in each.prepare(reader, [[values.get(path)] for path in each.paths]):
        [words] = column
        yield Markup(words) if each.safe else words  # noqa: S704 - the cell says that it is HTML


def facts(reader: Reader, entity: Entity, sections: Sequence[Section], locale: Locale, name: str) -> Facts:
    """Return the facts of some sections for somebody; fields that they may not see are left out.

    `name` says which sections they are within the Model.
    """
    who = reader.access.principal
    key = ("facts", name, locale, who.roles, who.system, who.scopes, reader.access.revealable(entity.key))
    return reader.model.derive(key, lambda: _Maker(reader, entity, locale).made(sections))


class _Maker:
    """Writes the template of some sections."""

    def __init__(self, reader: Reader, entity: Entity, locale: Locale) -> None:
        self.reader, self.entity, self.locale = reader, entity, locale
        self.cells: list[tuple[Cell, tuple[str, ...]]] = []
        self.children: list[Field] = []
        self.conditions: list[Expr] = []

    def made(self, sections: Sequence[Section]) -> Facts:
        source = "".join(self._section(section) for section in sections)
        select = dict.fromkeys(path for _cell, paths in self.cells for path in paths)
        select.update(dict.fromkeys(wanted_paths(self.reader, self.entity, self.conditions)))
        return Facts(
            tuple(select),
            tuple(self.children),
            self.entity.key,
            tuple(self.cells),
            tuple(self.conditions),
            _environment.from_string(source),
        )

    def _section(self, section: Section) -> str:
        parts = []
        for item in section.items:
            field = self.entity.fields[item.field]
            mask = mask_of(self.reader.access, (field,))
            if mask == "hidden" or field.hidden:
                continue
            if field.type.links == "children":
                self.children.append(field)
                continue
            made = fact_cell(
                Asked(self.reader.model, field, (field.key,), self.locale, item.widget, masked=mask == "masked")
            )
            alone = len(section.items) == 1 and section.label is not None
            parts.append(self._fact(field, made, alone=alone, masked=mask == "masked"))
        if not parts:
            return ""
        label = f"<h2>{_plain(section.label.in_(self.locale.language))}</h2>" if section.label else ""
        whole = f'<section>{label}<dl class="facts columns-{section.columns}">{"".join(parts)}</dl></section>'
        own = [self.entity.fields[item.field].visible_when for item in section.items]
        if all(own):
            # Where none of its fields is to be seen, its name would stand there alone.
            self.conditions += [expr for expr in own if expr is not None]
            names = [f"w{place}" for place in range(len(self.conditions) - len(own), len(self.conditions))]
            whole = f"{{% if {' or '.join(names)} %}}{whole}{{% endif %}}"
        return self._when(section.visible_when, whole)

    def _fact(self, field: Field, made: Cell, *, alone: bool, masked: bool) -> str:
        place = len(self.cells)
        self.cells.append((made, made.paths))
        inner = _VARIABLE.sub(lambda match: f"c{place}_{match[1]}", made.source)
        if masked:
            inner += f"{{% if c{place}_0 %}}{self._way_in(field)}{{% endif %}}"
        classes = " ".join(("fact", *(["wide"] if field.type.name in _WIDE else []), *(["alone"] if alone else [])))
        label = _plain(field.label.in_(self.locale.language))
        # Where a section holds one field and is called like it, its name is not said twice on the screen.
        classes += f"{{% if e{place} %}} is-empty{{% endif %}}"
        mark, pencil = "", ""
        if is_editable(self.reader.access, field):
            mark = f'{{% if edit %}} data-cell="{field.key}"{{% endif %}}'
            pencil = f'{{% if edit %}}<dd class="fact-way">{self._pencil(field)}</dd>{{% endif %}}'
        fact = f'<div class="{classes}"{mark}><dt>{label}</dt><dd>{inner}</dd>{pencil}</div>'
        return self._when(field.visible_when, fact)

    def _pencil(self, field: Field) -> str:
        """Return the way to fill in a fact: its place in the form, which a script opens where the fact stands."""
        words = _plain(Message("Edit {label}", label=field.label).in_(self.locale.language))
        return (
            f'<a class="fact-edit" href="{{{{ here }}}}/edit#f-{field.key}" title="{words}" aria-label="{words}"></a>'
        )

    def _way_in(self, field: Field) -> str:
        """Return what stands beside a masked value: the way to see it, or to learn why it is masked."""
        if field.key not in self.reader.access.revealable(self.entity.key):
            why = _plain(Message("Why?").in_(self.locale.language))
            return f' <a class="why" href="{{{{ here }}}}/why?action=read&amp;field={field.key}">{why}</a>'
        show = _plain(Message("Show").in_(self.locale.language))
        address = f"{{{{ here }}}}/reveal/{field.key}"
        return (
            f' <form class="reveal" method="post" action="{address}" hx-post="{address}" hx-target="closest dd">'
            '<input type="hidden" name="_token" value="{{ token }}">'
            f'<button class="btn btn-sm">{show}</button></form>'
        )

    def _when(self, expr: Expr | None, source: str) -> str:
        if expr is None:
            return source
        self.conditions.append(expr)
        return f"{{% if w{len(self.conditions) - 1} %}}{source}{{% endif %}}"


def _plain(words: str) -> str:
    """Return words of a document as text of a template, in which neither HTML nor Jinja means anything."""
    return str(escape(words)).replace("{", "&#123;").replace("}", "&#125;")


@dataclass(frozen=True, slots=True)
class Value:
    """One field of a record, shown by itself."""

    paths: tuple[str, ...]
    """What must be selected for it."""
    _cell: Cell
    _template: Any

    def html(self, reader: Reader, values: Mapping[str, Any]) -> Markup:
        """Return the value of the field of a record, whose Python values stand by dotted path."""
        prepared = {f"c{number}": words for number, words in enumerate(_prepared(reader, self._cell, values))}
        return Markup(self._template.render(prepared))  # noqa: S704 - autoescaped


def only_value(reader: Reader, field: Field, locale: Locale, *, masked: bool | None = None) -> Value:
    """Return what shows a field by itself, as the page of the record does; masked as the rights say unless given."""
    if masked is None:
        masked = reader.access.mask(field.entity).get(field.key) == "masked"

    def make() -> Value:
        made = fact_cell(Asked(reader.model, field, (field.key,), locale, masked=masked))
        source = _VARIABLE.sub(lambda match: f"c{match[1]}", made.source)
        return Value(made.paths, made, _environment.from_string(source))

    return reader.model.derive(("value", field.entity, field.key, locale, masked), make)


def child_paths(access: Access, entity: Entity) -> Iterable[str]:
    """Return the fields of a child row that a list of them shows."""
    mask = access.mask(entity.key)
    for field in entity.fields.values():
        if field.system or field.hidden or field.key == entity.parent_field or field.type.links in {"children", "many"}:
            continue
        if mask.get(field.key, "hidden") != "hidden":
            yield field.key
