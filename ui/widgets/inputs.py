"""Inputs of forms: how each field type is filled in.

An `Input` is plain data for the macros of `_inputs.html`; `posted.py` holds the way back.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from markupsafe import Markup
from werkzeug.datastructures import MultiDict

from engine import MARK, Access, Field, Locale, Message, Model, Reader, variables
from ui.widgets.conditions import for_browser, of_field, options_for_browser

Posted = MultiDict[str, str]

_KINDS = {
    "longtext": "area", "richtext": "area", "json": "area", "boolean": "check", "select": "select",
    "multiselect": "several", "date": "date", "datetime": "moment", "time": "time", "email": "email",
    "phone": "tel", "url": "url", "integer": "number", "number": "number", "percent": "number", "money": "number",
    "rating": "select", "secret": "secret", "file": "file", "image": "file", "signature": "file", "files": "files",
    "images": "files", "address": "parts", "geo": "parts", "color": "color",
}  # fmt: skip
_BY_LINK = {"one": "link", "many": "links", "any": "any", "children": "rows"}
PARTS: Mapping[str, tuple[str, ...]] = {
    "address": ("country", "province", "city", "district", "street", "postcode"),
    "geo": ("lat", "lng"),
}
_ABOUT = ("record.", "input.")


@dataclass(frozen=True, slots=True)
class Input:
    """One input, ready for its macro."""

    name: str
    kind: str
    label: str
    value: Any = ""
    """Text; a list of texts for several; a map for parts; HTML of what is only shown."""
    was: str = ""
    """The value when the form was made, as posted back to tell what was changed."""
    help: str = ""
    required: bool = False
    options: Sequence[tuple[str, str]] = ()
    problems: Sequence[str] = ()
    why: str = ""
    """Where the rules behind a problem are told, of one that the rights have with it."""
    title: str = ""
    """Of a link: the words that stand there."""
    known: str = ""
    """Of a link: the title of the record whose id it holds; other words are another record."""
    typed: str = ""
    """Of several links: what was typed to add one."""
    address: str = ""
    """Of a link: where its choices are had."""
    target: str = ""
    """Of a link to one entity: that entity."""
    include: str = ""
    """Of a link: which other inputs its choices depend on, as a selector."""
    kinds: Sequence[tuple[str, str]] = ()
    """Of a link to several entities: their keys and labels."""
    candidates: Sequence[tuple[str, str]] = ()
    """Of a link whose typed title several records have: (id, words that tell them apart)."""
    affix: str = ""
    """Currency or unit behind a number."""
    accept: str = ""
    longest: int | None = None
    filled: bool = False
    """Of a secret: whether there is one."""
    when: Mapping[str, str] = field(default_factory=dict)
    """visible, required, read-only, options -> condition as JSON, for the browser."""
    off: bool = False
    """As things stand it is not to be seen."""
    locked: bool = False
    """As the record is stored it cannot be changed."""
    heads: Sequence[Head] = ()
    """Of child rows: what stands above each column, and below it."""
    place: str = ""
    """Of child rows: the field that says where a row stands, where rows can be moved."""
    rows: Sequence[Row] = ()
    wide: bool = False
    photo: bool = False
    """Of a file: whether a camera can take it."""
    pad: bool = False
    """Of a file: whether it can be written by hand, as a signature."""


@dataclass(frozen=True, slots=True)
class Head:
    """One column of child rows."""

    key: str
    label: str
    required: bool = False
    number: bool = False
    total: str = ""
    """Field of the parent that sums the column up, shown below it."""
    told: str = ""
    """What that sum is called."""


@dataclass(frozen=True, slots=True)
class Row:
    """One child row of a form."""

    id: str
    """"" for one that is not stored yet."""
    inputs: Sequence[Input]
    removed: bool = False
    problems: Sequence[str] = ()


def kind_of(shown: Field) -> str:
    """Return the kind of input that a field is filled in with."""
    if is_secret(shown):
        return "secret"
    return _KINDS.get(shown.type.name) or _BY_LINK.get(shown.type.links) or "text"


def is_secret(shown: Field) -> bool:
    """Say whether the values of a field are never shown."""
    return shown.secret or shown.type.name == "secret"


def can_stand_in_cell(shown: Field) -> bool:
    """Say whether a field can be filled in where its value stands in a list."""
    return kind_of(shown) not in {"rows", "file", "files", "secret"} and shown.writable and not shown.read_only


def is_editable(access: Access, shown: Field) -> bool:
    """Say whether somebody may fill in a field where its value stands, as far as the record lets them."""
    may = access.mask(shown.entity).get(shown.key) == "write" and shown.key in access.writable(shown.entity)
    return may and can_stand_in_cell(shown)


def masked(reader: Reader, shown: Field, value: Any) -> bool:
    """Say whether a value is what stands for one that who reads may write, but not see."""
    mask = reader.access.mask(shown.entity).get(shown.key)
    return mask == "masked" and not is_secret(shown) and isinstance(value, str) and MARK in value


def _help(shown: Field, language: str, *, unseen: bool) -> str:
    words = shown.help.in_(language) if shown.help is not None else ""
    if unseen:
        kept = Message("There is a value that you may not see; it stays unless you fill this in.").in_(language)
        words = f"{words} {kept}".strip()
    return words


def make(
    reader: Reader,
    shown: Field,
    value: Any,
    locale: Locale,
    *,
    prefix: str = "",
    title: str = "",
    titles: Mapping[str, str] | None = None,
    record_id: str = "",
) -> Input:
    """Return the input of a field with a Python value.

    `title` is that of the record that a link leads to; `titles` are those of several, or the names of files, by id.
    """
    kind, language = kind_of(shown), locale.language
    there = value is not None
    unseen = masked(reader, shown, value)
    if unseen:
        # What stands for the value must not be sent back as if it were one; left empty, it is not touched.
        value, title, titles = None, "", None
    text = _text(shown, kind, value, locale)
    given = Input(
        name=f"{prefix}{shown.key}",
        kind=kind,
        label=shown.label.in_(language),
        value=text,
        was=as_was(text),
        help=_help(shown, language, unseen=unseen),
        required=shown.required and not unseen,
        options=_options(shown, value, locale),
        affix=_affix(reader.model, shown),
        accept=_accept(shown),
        longest=shown.options.get("max_length"),
        when=_when(reader.model, shown) if not prefix else {},
        filled=kind == "secret" and there,
        wide=kind in {"area", "rows", "parts", "links"},
        photo=shown.type.name in {"image", "images"},
        pad=shown.type.name == "signature",
    )
    if kind in {"file", "files", "links"}:
        ids = text if isinstance(text, list) else [text] if text else []
        given = replace(given, options=[(each, (titles or {}).get(each) or "…") for each in ids])
    if kind in {"link", "links", "any"}:
        return _link(reader.model, shown, given, prefix, title, record_id, language)
    return given


def _link(model: Model, shown: Field, given: Input, prefix: str, title: str, record_id: str, language: str) -> Input:
    asked = "&".join(f"{key}={value}" for key, value in (("prefix", prefix), ("record", record_id)) if value)
    address = f"/lookup/{shown.entity}/{shown.key}"
    include = [f"[name='{mark}{prefix}{key}']" for key in about(shown) for mark in ("", "id-")]
    kinds = [(key, model.entities[key].label.in_(language)) for key in shown.targets if key in model.entities]
    return replace(
        given,
        title=title,
        known=title,
        address=f"{address}?{asked}" if asked else address,
        include=", ".join(include),
        kinds=kinds if given.kind == "any" else (),
        target=shown.target or "",
    )


def about(shown: Field) -> tuple[str, ...]:
    """Return the fields of the record itself that the choices of a link depend on."""
    if shown.where is None:
        return ()
    names = (name for name in variables(shown.where) if name.startswith(_ABOUT))
    return tuple(sorted({name.split(".")[1] for name in names}))


def _options(shown: Field, value: Any, locale: Locale) -> list[tuple[str, str]]:
    if shown.type.name == "rating":
        display = shown.type.displayer(shown.options, locale)
        return [(str(stars), display(stars)) for stars in range(1, int(shown.options.get("max") or 5) + 1)]
    had = (value,) if isinstance(value, str) else tuple(value or ()) if shown.choices else ()
    return [
        (each.key, each.label.in_(locale.language))
        for each in shown.choices.values()
        if not each.hidden or each.key in had
    ]


def _affix(model: Model, shown: Field) -> str:
    if shown.type.name == "money":
        return str(shown.options.get("currency") or model.currency)
    return "%" if shown.type.name == "percent" else ""


def _accept(shown: Field) -> str:
    accept = getattr(shown.type, "accept", None)
    return ",".join(accept(shown.options)) if accept is not None else ""


def _text(shown: Field, kind: str, value: Any, locale: Locale) -> Any:
    if kind in {"secret", "rows"}:
        return ""
    if kind in {"several", "links", "files"}:
        return list(value or ())
    if kind == "parts":
        return {part: _part((value or {}).get(part)) for part in PARTS[shown.type.name]}
    if value is None:
        return ""
    if kind == "check":
        return "true" if value else "false"
    if kind == "moment":
        return getattr(shown.type, "local")(value, locale)  # noqa: B009 - datetimes alone are of this kind
    if kind in {"date", "time"}:
        return value.isoformat()
    if kind in {"link", "any", "file"}:
        return str(value)
    return shown.type.format(value, shown.options, locale)


def _part(value: Any) -> str:
    return "" if value is None else str(value)


def as_was(text: Any) -> str:
    """Return the value of an input as one text, to be compared with what comes back."""
    return text if isinstance(text, str) else json.dumps(text, ensure_ascii=False, separators=(",", ":"))


def _when(model: Model, shown: Field) -> Mapping[str, str]:
    """Return the conditions of a field for the browser; one that it cannot work out is left to the server."""

    def find() -> Mapping[str, str]:
        found = {name: for_browser(model, shown.entity, expr) for name, expr in of_field(shown).items()}
        found["options"] = options_for_browser(model, shown)
        return {name: tree for name, tree in found.items() if tree}

    return model.derive(("browser conditions", shown.entity, shown.key), find)


def only_shown(shown: Field, html: Markup, language: str) -> Input:
    """Return what stands in a form for a field that is not filled in there."""
    wide = shown.type.name in {"longtext", "richtext", "json"}
    return Input(f"{shown.key}", "shown", shown.label.in_(language), value=html, wide=wide)


def kept(made: Input, form: Posted, problems: Iterable[str]) -> Input:
    """Return an input as it was posted, so that nothing that somebody typed is lost, with what is wrong with it."""
    wrong = tuple(problems)
    if f"was-{made.name}" not in form:
        return replace(made, problems=wrong)
    value: Any = form.get(made.name, "")
    options = made.options
    if made.kind == "several":
        value = form.getlist(made.name)
        options = _with(options, value)
    elif made.kind == "select":
        options = _with(options, [value])
    elif made.kind == "parts":
        value = {part: form.get(f"{made.name}.{part}", "") for part in made.value}
    elif made.kind == "check":
        value = "true" if form.get(made.name) else "false"
    elif made.kind in {"file", "files", "rows", "links"}:
        value = made.value  # the caller knows better
    again = replace(made, value=value, options=options, was=form[f"was-{made.name}"], problems=wrong)
    if made.kind in {"link", "any"}:
        return replace(
            again,
            value=form.get(f"id-{made.name}", ""),
            title=form.get(made.name, ""),
            known=form.get(f"title-{made.name}", ""),
        )
    return again


def _with(options: Sequence[tuple[str, str]], chosen: Sequence[str]) -> list[tuple[str, str]]:
    """Return options with what was chosen from another list: the field may have had others when the form was made."""
    known = {key for key, _label in options}
    return [*options, *((each, each) for each in chosen if each and each not in known)]
