"""The table of a list: which columns somebody sees, what to select for them, and one flat template for its rows.

A table is made once per Model, view, language, time zone and set of roles. What it needs for a page of rows is one
pass over each column and one run of a template that looks nothing up.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import Any, Literal

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup, escape

from engine import Access, Column, Entity, Field, Locale, Message, Model, Reader, Recent, RowSet
from ui.widgets.cells import Asked, Cell, cell
from ui.widgets.inputs import is_editable
from ui.widgets.paths import fields_along, linked_titles, mask_of

Mode = Literal["list", "bin", "plain", "related", "belonging"]
FACTS = 3
"""Columns beside the name that a row has on a phone, where it is a card."""
OWN_KEPT = 300
"""Tables with columns of somebody's own choice that are kept."""

_VARIABLE = re.compile(r"\$(\d)")
# What goes into rows was escaped before, a column at a time: a call for each cell would cost more than all the rest.
_environment = Environment(autoescape=False, undefined=StrictUndefined)  # noqa: S701
_BETWEEN = "\x00"
"""Stands between values that are escaped together."""


@dataclass(frozen=True, slots=True)
class Head:
    """What stands above a column."""

    label: str
    sort: str = ""
    """Dotted path that the list is sorted by when the head is pressed; "" = it cannot be sorted by this."""
    help: str = ""
    path: str = ""
    """Dotted path of what the column shows; behind a colon the widget that shows it."""
    editable: bool = False
    """Whether its cells can be filled in where they stand, in records that may be changed."""
    width: int | None = None
    """In pixels, where somebody set it."""


@dataclass(frozen=True, slots=True)
class Table:
    """A prepared list of one entity."""

    heads: tuple[Head, ...]
    select: tuple[str, ...]
    """Dotted paths for the query, each once."""
    style: str
    """A style sheet: labels of cells on a phone, alignment, widths. It is served, since pages hold no styles."""
    style_key: str
    mode: Mode
    _cells: tuple[tuple[Cell, tuple[int, ...]], ...]
    _template: Any

    def rows(self, reader: Reader, found: RowSet) -> Markup:
        """Return the rows as HTML; each has the controls that its own rights allow, where the query asked for them."""
        if not found.rows:
            return Markup("")
        columns = list(zip(*found.values(), strict=True))
        ids = found.ids
        asked, nobody = found.columns.abilities or {}, [False] * len(ids)
        edits = found.abilities("update") if "update" in asked else nobody
        drops = found.abilities("delete") if "delete" in asked else nobody
        made: list[Sequence[Any]] = [ids, edits, drops]
        for each, places in self._cells:
            prepared = each.prepare(reader, [columns[place] for place in places])
            made.extend(prepared if each.safe else map(escaped, prepared))
        return Markup(self._template.render(rows=zip(*made, strict=True)))  # noqa: S704 - escaped above

    @property
    def sorts(self) -> frozenset[str]:
        """Dotted paths that the list can be sorted by at its heads."""
        return frozenset(head.sort for head in self.heads if head.sort)

    @property
    def ends(self) -> tuple[bool, ...]:
        """Whether the values of each column stand at the end of it, as numbers do."""
        return tuple(each.align == "end" for each, _places in self._cells)

    @property
    def width(self) -> int:
        """How many columns there are, with those of the tick and of the actions."""
        return len(self.heads) + (2 if self.mode == "list" else 1)


def escaped(values: Sequence[str]) -> Sequence[str]:
    """Return texts as HTML, in one call for all of them."""
    found = str(escape(_BETWEEN.join(values))).split(_BETWEEN)
    if len(found) != len(values):
        return [str(escape(value)) for value in values]  # one of them holds the mark
    return found


def table(
    access: Access,
    entity: Entity,
    columns: Iterable[Column],
    locale: Locale,
    name: str,
    mode: Mode = "list",
    *,
    own: bool = False,
) -> Table:
    """Return the table of some columns for somebody; columns that they may not see are left out.

    `name` says which table it is within the Model: equal names mean equal columns. Columns that a person chose say so
    by `own`; their tables go by the columns themselves, and only those used last are kept. Of the modes, "list" has
    ticks, a link to the record and what can be done with it, "bin" ticks alone, "plain" the link alone.
    """
    who, model = access.principal, access.model
    key = ("table", name, mode, entity.key, locale, who.roles, who.system, who.scopes)
    if own:
        chosen = list(columns)
        known: Recent[Table] = model.derive("tables of persons", lambda: Recent(OWN_KEPT))
        said = tuple((each.path, each.width, each.widget, each.align, str(each.label), each.wrap) for each in chosen)
        return known.get((*key, said), lambda: _made(access, entity, chosen, locale, mode))
    return model.derive(key, lambda: _made(access, entity, list(columns), locale, mode))


def _made(access: Access, entity: Entity, columns: Sequence[Column], locale: Locale, mode: Mode) -> Table:
    model = access.model
    visible = [
        (column, fields, mask)
        for column in columns
        if (fields := fields_along(model, entity.key, column.path)) and (mask := mask_of(access, fields)) != "hidden"
    ]
    heads: list[Head] = []
    select: dict[str, int] = {}
    cells: list[tuple[Cell, tuple[int, ...]]] = []
    widths: list[int | None] = []
    aligns: list[_Manner] = []
    titled = next((place for place, (column, _, _) in enumerate(visible) if column.path == (entity.title,)), 0)
    for column, fields, mask in visible:
        asked = Asked(model, fields[-1], column.path, locale, column.widget, masked=mask == "masked")
        made = cell(asked)
        cells.append((made, tuple(select.setdefault(path, len(select)) for path in made.paths)))
        sort = "" if mask == "masked" else _sort(model, fields, column.path)
        told = (_label(column, fields, locale.language), sort, _help(fields[-1], locale.language))
        shows = f"{'.'.join(column.path)}{':' + column.widget if column.widget else ''}"
        heads.append(Head(*told, shows, len(fields) == 1 and is_editable(access, fields[0]), column.width))
        widths.append(column.width)
        align = {"right": "end", "left": "start"}.get(column.align, column.align) or made.align
        aligns.append((align, made.whole, column.wrap))
    source = _source(entity.key, [each for each, _places in cells], titled, locale.language, mode)
    style = _style([head.label for head in heads], aligns, widths, titled)
    return Table(
        tuple(heads),
        tuple(select),
        style,
        blake2b(style.encode(), digest_size=6).hexdigest(),
        mode,
        tuple(cells),
        _environment.from_string(source),
    )


def one_cell(reader: Reader, made: Cell, values: Mapping[str, Any]) -> Markup:
    """Return what a cell shows of one record, whose Python values stand by dotted path."""
    prepared = made.prepare(reader, [[values.get(path)] for path in made.paths])
    shown = [next(iter(each if made.safe else escaped(list(map(str, each))))) for each in prepared]
    source = _VARIABLE.sub(lambda match: f"c{match[1]}", made.source)
    return Markup(_small(source).render({f"c{place}": words for place, words in enumerate(shown)}))  # noqa: S704 - escaped above


@lru_cache(maxsize=256)
def _small(source: str) -> Any:
    return _environment.from_string(source)


def _label(column: Column, fields: Sequence[Field], language: str) -> str:
    if column.label is not None:
        return column.label.in_(language)
    return " · ".join(each.label.in_(language) for each in (fields[-2:] if len(fields) > 1 else fields))


def _help(field: Field, language: str) -> str:
    return field.help.in_(language) if field.help is not None else ""


def _sort(model: Model, fields: Sequence[Field], path: tuple[str, ...]) -> str:
    """Return what a column is sorted by: a link by the title of what it leads to."""
    field = fields[-1]
    titles = linked_titles(model, field, path)
    if titles is not None:
        along = fields_along(model, fields[0].entity, titles)
        return ".".join(titles) if along and along[-1].type.sortable and not along[-1].type.links else ""
    if field.type.links or not field.type.result(field.options).sortable or field.secret:
        return ""
    return ".".join(path)


# --- what is generated


def _source(entity: str, cells: Sequence[Cell], titled: int, language: str, mode: Mode) -> str:
    """Return the template of the rows. Language and entity are written into it; a row brings values only."""
    names: list[str] = []
    parts: list[str] = []
    for place, each in enumerate(cells):
        count = 1 + max((int(found) for found in _VARIABLE.findall(each.source)), default=0)
        mine = [f"c{place}_{number}" for number in range(count)]
        names += mine
        inner = _VARIABLE.sub(lambda match, mine=mine: mine[int(match[1])], each.source)  # type: ignore[misc]
        if place == titled and mode != "bin":
            inner = f'<a href="/{entity}/{{{{ id }}}}">{{{{ {mine[0]} or "—" }}}}</a>'
        end = ' class="end"' if each.align == "end" and mode not in {"list", "bin"} else ""
        parts.append(f"<td{end}>{inner}</td>")
    # HTML, such as that of an option, cannot stand in an attribute.
    plain = bool(cells) and not cells[titled].safe
    name = f"{{{{ c{titled}_0 }}}}" if plain else Message("Tick").in_(language)
    tick = f'<input type="checkbox" name="id" value="{{{{ id }}}}" aria-label="{name}">'
    bare = mode not in {"list", "bin"}
    parts.insert(0, "<td></td>" if bare else f"<td>{{% if edit or drop %}}{tick}{{% endif %}}</td>")
    if mode == "list":
        link = f'<a class="act" href="/{entity}/{{{{ id }}}}/edit" title="{Message("Edit").in_(language)}"></a>'
        parts.append(f"<td>{{% if edit %}}{link}{{% endif %}}</td>")
    if mode in {"related", "belonging"}:
        parts.append(f"<td>{_row_acts(mode, language, name)}</td>")
    return f"{{% for {', '.join(['id', 'edit', 'drop', *names])} in rows %}}<tr>{''.join(parts)}</tr>\n{{% endfor %}}"


def _row_acts(mode: Mode, language: str, name: str) -> str:
    """Return the buttons that let go of a record that belongs to another, and that delete it."""
    acts = (("edit", "unlink", Message("Unlink")), ("drop", "delete", Message("Delete")))
    return "".join(
        f'{{% if {may} %}}<button class="row-{does}" name="{does}" value="{{{{ id }}}}" title="{label.in_(language)}"'
        f' aria-label="{label.in_(language)}: {name}"></button>{{% endif %}}'
        for may, does, label in acts
        if mode == "related" or does == "delete"
    )


_Manner = tuple[str, bool, bool]
"""How a column is aligned, whether its values never break, and whether its texts have as many lines as they need."""


def _style(labels: Sequence[str], aligns: Sequence[_Manner], widths: Sequence[int | None], titled: int) -> str:
    rules: list[str] = []
    wide: list[str] = []
    facts = 0
    phone: list[str] = []
    for place, (label, (align, whole, wrap), width) in enumerate(zip(labels, aligns, widths, strict=True)):
        # The first column of the table holds the tick.
        cell = f".list tr>:nth-child({place + 2})"
        if align in {"end", "center"}:
            rules.append(f"{cell}{{text-align:{align};font-variant-numeric:tabular-nums}}")
        if whole:
            rules.append(f"{cell}{{white-space:nowrap}}")
        elif not width:
            wide.append(f"{cell}{{min-inline-size:{9 if place == titled else 7}rem}}")
        if width:
            rules.append(f"{cell}{{inline-size:{width}px;min-inline-size:{width}px}}")
            wide.append(f"{cell}{{max-inline-size:{width}px}}")
        elif whole:
            # What never breaks has just the room that it needs; texts share the rest.
            wide.append(f"{cell}{{inline-size:1px}}{cell}>a{{display:inline;white-space:nowrap;word-break:normal}}")
        if wrap:
            wide.append(
                f"{cell}{{white-space:normal;max-inline-size:28rem}}{cell}>a{{display:inline;word-break:normal}}"
            )
        if place == titled:
            # What can be done with the row stands at the end of this line.
            name = "font-weight:600;order:-1;inline-size:100%;padding-inline-end:8rem"
            phone.append(f".list td:nth-child({place + 2}){{{name}}}")
        else:
            facts += 1
            told = f".list td:nth-child({place + 2})"
            phone.append(
                f"{told}::before{{content:{css_text(label)}}}" if facts <= FACTS else f"{told}{{display:none}}"
            )
    desk = f"@media (min-width:640px){{{''.join(wide)}}}" if wide else ""
    return f"{''.join(rules)}{desk}@media (max-width:639.98px){{{''.join(phone)}}}"


def css_text(words: str) -> str:
    """Return words as a CSS string that nothing can break out of."""
    return '"{}"'.format("".join(each if each.isalnum() or each == " " else f"\\{ord(each):x} " for each in words))


def dotted(orders: Iterable[Any]) -> tuple[str, ...]:
    """Return a sort order as texts: ("-amount", "account.name")."""
    return tuple(f"{'-' if each.descending else ''}{'.'.join(each.path)}" for each in orders)
