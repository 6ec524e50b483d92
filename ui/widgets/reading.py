"""Values as the page of a record shows them: whole, where a list shows the beginning or a number.

Where nothing stands here, a value looks as in a list.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from markupsafe import Markup, escape

from engine import Message, Reader
from ui.widgets.cells import Asked, Cell, Prepare, Values, cell

_PICTURE = Markup('<a class="picture" href="/files/{0}"><img src="/files/{0}" alt="{1}" loading="lazy"></a>')
_FILE = Markup('<a class="attached" href="/files/{}">{}</a>')


def fact_cell(asked: Asked) -> Cell:
    """Return what shows a field on the page of its record."""
    make = _TYPES.get(asked.shown.name) if not asked.masked and not asked.widget else None
    return make(asked) if make is not None else cell(asked)


def _one(asked: Asked, prepare: Prepare, *, safe: bool = True) -> Cell:
    return Cell((".".join(asked.path),), prepare, "{{ $0 }}", safe=safe)


def _each(show: Callable[[Any], str]) -> Prepare:
    def prepare(reader: Reader, columns: Sequence[Values]) -> Iterable[Values]:
        return ([show(value) if value is not None else "" for value in columns[0]],)

    return prepare


def _whole_text(asked: Asked) -> Cell:
    return _one(asked, _each(asked.field.type.displayer(asked.field.options, asked.locale)), safe=False)


def _rich(asked: Asked) -> Cell:
    # The type has cleaned it when it was stored: only harmless tags are left.
    return _one(asked, _each(lambda value: Markup('<div class="rich">{}</div>').format(Markup(value))))  # noqa: S704


def _json(asked: Asked) -> Cell:
    shape = Markup('<pre class="json">{}</pre>')
    return _one(asked, _each(lambda value: shape.format(json.dumps(value, ensure_ascii=False, indent=2))))


def _attached(asked: Asked) -> Cell:
    pictures = asked.shown.name in {"image", "images", "signature"}

    def prepare(reader: Reader, columns: Sequence[Values]) -> Iterable[Values]:
        ids = [each for value in columns[0] for each in _ids(value)]
        names = reader.titles("file", ids) if ids else {}
        unnamed = Message("Attached file").in_(asked.locale.language)
        shape = _PICTURE if pictures else _FILE
        return (
            [
                Markup(" ").join(shape.format(each, names.get(each) or unnamed) for each in _ids(value))
                for value in columns[0]
            ],
        )

    return _one(asked, prepare)


def _ids(value: Any) -> Sequence[str]:
    return (value,) if isinstance(value, str) else tuple(value or ())


def _several(asked: Asked) -> Cell:
    """Links to several records, each leading there, but for people."""
    target = asked.field.target or ""

    def prepare(reader: Reader, columns: Sequence[Values]) -> Iterable[Values]:
        titles = reader.titles(target, [each for value in columns[0] for each in value or ()])
        shape = Markup("{2}") if target == "user" else Markup('<a href="/{0}/{1}">{2}</a>')
        return (
            [
                Markup(", ").join(shape.format(target, each, titles.get(each) or "…") for each in value or ())
                for value in columns[0]
            ],
        )

    return _one(asked, prepare)


def _place(asked: Asked) -> Cell:
    """Where something lies, with the way to a map."""
    display = asked.field.type.displayer(asked.field.options, asked.locale)
    shape = Markup('<a href="geo:{},{}">{}</a>')
    return _one(asked, _each(lambda value: shape.format(value["lat"], value["lng"], display(value))))


def _secret(asked: Asked) -> Cell:
    return _one(asked, _each(lambda _value: str(escape("••••"))))


_TYPES: dict[str, Callable[[Asked], Cell]] = {
    "longtext": _whole_text,
    "address": _whole_text,
    "richtext": _rich,
    "json": _json,
    **dict.fromkeys(("file", "files", "image", "images", "signature"), _attached),
    "lookups": _several,
    "geo": _place,
    "secret": _secret,
}
