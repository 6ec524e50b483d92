"""Cells of lists: for each field type, how many values become what stands between <td> and </td>.

A cell is made once per Model, view, language and time zone. It works on a whole column at a time, and its piece of
template is put into one flat template for the row; nothing looks anything up per cell.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from markupsafe import Markup, escape

from engine import Field, FieldType, Locale, Message, Model, Reader
from ui.widgets.moments import day_writer, moment_writer, zone
from ui.widgets.paths import linked_titles

Values = Sequence[Any]
Prepare = Callable[[Reader, Sequence[Values]], Iterable[Values]]
"""(reader, one sequence of Python values for each path) -> one sequence for each variable of the source."""

LONGEST_TEXT = 140
"""Characters of a long text that a list shows."""
COLORS = frozenset(
    ("blue", "azure", "indigo", "purple", "pink", "red", "orange", "yellow", "lime", "green", "teal", "cyan", "gray")
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a cell is made for."""

    model: Model
    field: Field
    path: tuple[str, ...]
    locale: Locale
    widget: str = ""
    masked: bool = False

    @property
    def shown(self) -> FieldType:
        """The type of the values: for a formula, a rollup and a reference that of what they give."""
        return self.field.type.result(self.field.options)


@dataclass(frozen=True, slots=True)
class Cell:
    """One column, prepared."""

    paths: tuple[str, ...]
    """What must be selected for it."""
    prepare: Prepare
    source: str
    """Jinja; `$0`, `$1` ... stand for its variables."""
    align: str = ""
    whole: bool = False
    """Whether its text is never broken into lines."""
    safe: bool = False
    """Whether all that `prepare` gives is HTML already. Otherwise it is text, and is escaped, a column at a time."""


def cell(asked: Asked) -> Cell:
    """Return the cell of a field: what the view's widget says, else what fits the type."""
    dotted = ".".join(asked.path)
    if asked.masked:
        return Cell((dotted,), _whole(str), "{{ $0 }}")
    make = _WIDGETS.get(asked.widget) or _TYPES.get(asked.shown.name) or _FALLBACK.get(asked.shown.links) or _text
    return make(asked)


def _whole(show: Callable[[Any], Any]) -> Prepare:
    """Return what shows each value of one column; nothing stays empty."""

    def prepare(reader: Reader, columns: Sequence[Values]) -> Iterable[Values]:
        return ([show(value) if value is not None else "" for value in columns[0]],)

    return prepare


def _displayer(asked: Asked) -> Callable[[Any], str]:
    return asked.field.type.displayer(asked.field.options, asked.locale)


# --- one value as text


def _text(asked: Asked) -> Cell:
    return Cell((".".join(asked.path),), _whole(_displayer(asked)), "{{ $0 }}")


def _number(asked: Asked) -> Cell:
    return Cell((".".join(asked.path),), _whole(_displayer(asked)), "{{ $0 }}", "end", whole=True, safe=True)


def _day(asked: Asked) -> Cell:
    write = day_writer(asked.locale.language)

    def prepare(reader: Reader, columns: Sequence[Values]) -> Iterable[Values]:
        year = reader.access.env()["today"].year
        return ([write(day, year) if day is not None else "" for day in columns[0]],)

    return Cell((".".join(asked.path),), prepare, "{{ $0 }}", whole=True, safe=True)


def _moment(asked: Asked) -> Cell:
    write, place = moment_writer(asked.locale.language), zone(asked.locale.timezone)

    def local(moment: datetime) -> datetime:
        try:
            return moment.astimezone(place)
        except OverflowError:
            return moment  # on the first or last day that there is

    def prepare(reader: Reader, columns: Sequence[Values]) -> Iterable[Values]:
        year = reader.access.env()["today"].year
        return ([write(local(moment), year) if moment is not None else "" for moment in columns[0]],)

    return Cell((".".join(asked.path),), prepare, "{{ $0 }}", whole=True, safe=True)


def _short(asked: Asked) -> Cell:
    """Long text: its beginning, on one line."""
    display = _displayer(asked)

    def show(value: Any) -> str:
        words = " ".join(display(value)[: LONGEST_TEXT * 4].split())
        return words if len(words) <= LONGEST_TEXT else f"{words[: LONGEST_TEXT - 1]}…"

    return Cell((".".join(asked.path),), _whole(show), "{{ $0 }}")


# --- one value that leads somewhere


def _mail(asked: Asked) -> Cell:
    return Cell(
        (".".join(asked.path),),
        _whole(_displayer(asked)),
        '{% if $0 %}<a href="mailto:{{ $0 }}">{{ $0 }}</a>{% endif %}',
    )


def _phone(asked: Asked) -> Cell:
    display = _displayer(asked)

    def prepare(reader: Reader, columns: Sequence[Values]) -> Iterable[Values]:
        given = columns[0]
        return ([display(value) if value is not None else "" for value in given], [value or "" for value in given])

    return Cell(
        (".".join(asked.path),), prepare, '{% if $0 %}<a href="tel:{{ $1 }}">{{ $0 }}</a>{% endif %}', whole=True
    )


def _address_of_page(asked: Asked) -> Cell:
    def prepare(reader: Reader, columns: Sequence[Values]) -> Iterable[Values]:
        given = [value or "" for value in columns[0]]
        safe = [value if value.startswith(("https://", "http://")) else "" for value in given]
        return (safe, [value.split("://", 1)[-1].removeprefix("www.").rstrip("/") for value in given])

    link = '<a href="{{ $0 }}" target="_blank" rel="noopener noreferrer">{{ $1 }}</a>'
    source = f"{{% if $0 %}}{link}{{% else %}}{{{{ $1 }}}}{{% endif %}}"
    return Cell((".".join(asked.path),), prepare, source)


def _lookup(asked: Asked) -> Cell:
    """The title of the linked record; it leads there, but for people, whose names are no reason to go anywhere."""
    dotted = ".".join(asked.path)
    titles = linked_titles(asked.model, asked.field, asked.path)
    if titles is None:
        return _text(asked)
    named = _title_display(asked)
    if asked.field.target == "user":
        return Cell((".".join(titles),), _whole(named), "{{ $0 }}", whole=True)

    def prepare(reader: Reader, columns: Sequence[Values]) -> Iterable[Values]:
        ids, names = columns
        return ([named(name) if name is not None else "" for name in names], [value or "" for value in ids])

    source = f'{{% if $1 %}}<a href="/{asked.field.target}/{{{{ $1 }}}}">{{{{ $0 or "…" }}}}</a>{{% endif %}}'
    return Cell((dotted, ".".join(titles)), prepare, source)


def _title_display(asked: Asked) -> Callable[[Any], str]:
    target = asked.model.entities[asked.field.target or ""]
    title = target.fields[target.title]
    if title.type.links:
        return str
    return title.type.displayer(title.options, asked.locale)


# --- choices


def option_markup(field: Field, key: str, language: str, *, pill: bool = False) -> Markup:
    """Return an option as lists and record pages show it: its words, with a dot of its colour."""
    option = field.choices.get(key)
    if option is None:
        return escape(key)
    words = option.label.in_(language)
    color = option.color if option.color in COLORS else ""
    if not color and not pill:
        return escape(words)
    classes = " ".join(filter(None, ("tag" if pill else "", f"dot-{color}" if color else "")))
    return Markup('<span class="{}">{}</span>').format(classes, words)


def _select(asked: Asked) -> Cell:
    field, language = asked.field, asked.locale.language
    pill = asked.widget == "badge"
    if not field.choices:
        return _text(asked)
    made = {key: option_markup(field, key, language, pill=pill) for key in field.choices}
    return Cell(
        (".".join(asked.path),),
        _whole(lambda key: made.get(key) or escape(key)),
        "{{ $0 }}",
        whole=True,
        safe=True,
    )


def _multiselect(asked: Asked) -> Cell:
    field, language = asked.field, asked.locale.language
    made = {key: option_markup(field, key, language, pill=True) for key in field.choices}
    return Cell(
        (".".join(asked.path),), _whole(lambda keys: _joined(made.get(key, key) for key in keys)), "{{ $0 }}", safe=True
    )


def _tags(asked: Asked) -> Cell:
    shape = Markup('<span class="tag">{}</span>')
    return Cell(
        (".".join(asked.path),), _whole(lambda tags: _joined(shape.format(tag) for tag in tags)), "{{ $0 }}", safe=True
    )


def _joined(parts: Iterable[Markup | str]) -> Markup:
    return Markup(" ").join(parts)


def _boolean(asked: Asked) -> Cell:
    display = _displayer(asked)
    made = {
        value: Markup('<span class="{}">{}</span>').format(name, display(value))
        for value, name in ((True, "yes"), (False, "no"))
    }
    return Cell((".".join(asked.path),), _whole(lambda value: made[bool(value)]), "{{ $0 }}", safe=True)


def _color(asked: Asked) -> Cell:
    # A style attribute is forbidden by the content policy; an attribute of a drawing is not.
    shape = Markup(
        '<svg class="swatch" viewBox="0 0 1 1" aria-hidden="true"><path fill="{0}" d="M0 0h1v1H0z"/></svg> {0}'
    )
    return Cell((".".join(asked.path),), _whole(shape.format), "{{ $0 }}", safe=True)


def _progress(asked: Asked) -> Cell:
    display = _displayer(asked)
    shape = Markup('<progress max="100" value="{}"></progress> {}')
    return Cell(
        (".".join(asked.path),), _whole(lambda value: shape.format(value, display(value))), "{{ $0 }}", "end", safe=True
    )


# --- several records, and files


def _lookups(asked: Asked) -> Cell:
    target = asked.field.target or ""

    def prepare(reader: Reader, columns: Sequence[Values]) -> Iterable[Values]:
        ids = {each for value in columns[0] for each in value or ()}
        titles = reader.titles(target, sorted(ids)) if ids else {}
        return ([", ".join(str(titles.get(each, "…")) for each in value or ()) for value in columns[0]],)

    return Cell((".".join(asked.path),), prepare, "{{ $0 }}")


def _any_lookup(asked: Asked) -> Cell:
    def prepare(reader: Reader, columns: Sequence[Values]) -> Iterable[Values]:
        wanted: dict[str, set[str]] = {}
        for value in filter(None, columns[0]):
            entity, _, record_id = value.partition("/")
            wanted.setdefault(entity, set()).add(record_id)
        titles = {
            f"{entity}/{record_id}": title
            for entity, ids in wanted.items()
            for record_id, title in reader.titles(entity, sorted(ids)).items()
        }
        shown = [str(titles.get(value, "…")) if value else "" for value in columns[0]]
        return (shown, [value or "" for value in columns[0]])

    return Cell((".".join(asked.path),), prepare, '{% if $1 %}<a href="/{{ $1 }}">{{ $0 }}</a>{% endif %}')


def _children(asked: Asked) -> Cell:
    return Cell((".".join(asked.path),), _whole(lambda rows: str(len(rows) or "")), "{{ $0 }}", "end", safe=True)


def _files(asked: Asked) -> Cell:
    """How many files there are: their names would be one more statement for little use."""
    words = {
        count: Message("{count} file" if count == 1 else "{count} files", count=count).in_(asked.locale.language)
        for count in range(1, 21)
    }

    def show(value: Any) -> str:
        count = 1 if isinstance(value, str) else len(value)
        return words.get(count, str(count)) if count else ""

    return Cell((".".join(asked.path),), _whole(show), "{{ $0 }}")


Make = Callable[[Asked], Cell]

_TYPES: dict[str, Make] = {
    **dict.fromkeys(("integer", "number", "money", "percent", "duration"), _number),
    **dict.fromkeys(("longtext", "richtext", "address", "json"), _short),
    **dict.fromkeys(("file", "files", "image", "signature"), _files),
    "date": _day,
    "datetime": _moment,
    "email": _mail,
    "phone": _phone,
    "url": _address_of_page,
    "select": _select,
    "multiselect": _multiselect,
    "tags": _tags,
    "boolean": _boolean,
    "color": _color,
}
"""By the type of the values; whatever is not here is shown as the text that the type makes of it."""

_FALLBACK: dict[str, Make] = {"one": _lookup, "many": _lookups, "any": _any_lookup, "children": _children}
"""By the way in which a type links."""

_WIDGETS: dict[str, Make] = {"badge": _select, "progress": _progress, "plain": _text}
"""By the name that a column of a view gives."""


def register_cell(name: str, make: Make, *types: str) -> None:
    """Add a widget that columns may name; it becomes the usual one of the types that are given."""
    _WIDGETS[name] = make
    _TYPES.update(dict.fromkeys(types, make))
