"""Inputs of forms: how each field type is filled in, with the value as it was so that only changes are sent on.

An `Input` is plain data for the macros of `_inputs.html`; the way back, from what a browser posts to a raw value,
stands beside the way there, by kind of input.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from werkzeug.datastructures import MultiDict

from engine import BadValue, EntityScope, ExpressionInvalid, Field, Locale, Model, Reader, to_browser

UNCHANGED = object()
"""What a posted form says of a field that was left as it was."""
_CHOICES = 100
"""Records that a list to choose several from offers."""

_KINDS = {
    "longtext": "area", "richtext": "area", "json": "area", "boolean": "check", "select": "select",
    "multiselect": "several", "tags": "text", "date": "date", "datetime": "moment", "time": "time", "email": "email",
    "phone": "tel", "url": "url", "integer": "number", "number": "number", "percent": "number", "money": "number",
    "rating": "number", "secret": "secret", "file": "file", "image": "file", "signature": "file", "files": "files",
    "images": "files", "address": "parts", "geo": "parts", "color": "color",
}  # fmt: skip
_BY_LINK = {"one": "link", "many": "links", "any": "any", "children": "rows"}
_PARTS = {
    "address": ("country", "province", "city", "district", "street", "postcode"),
    "geo": ("lat", "lng"),
}


@dataclass(frozen=True, slots=True)
class Input:
    """One input, ready for its macro."""

    name: str
    kind: str
    label: str
    value: Any = ""
    """Text; a list of texts for several; a map for parts."""
    was: str = ""
    """The value when the form was made, as posted back to tell what was changed."""
    help: str = ""
    required: bool = False
    options: Sequence[tuple[str, str]] = ()
    problems: Sequence[str] = ()
    title: str = ""
    """Of a link: the words that stand for its id."""
    address: str = ""
    """Of a link: where its choices are had."""
    affix: str = ""
    """Currency or unit behind a number."""
    accept: str = ""
    longest: int | None = None
    when: Mapping[str, str] = field(default_factory=dict)
    """visible, required, read_only -> expression as JSON, for the browser."""
    heads: Sequence[str] = ()
    rows: Sequence[tuple[str, Sequence[Input]]] = ()
    """Of child rows: (id or "", inputs)."""
    wide: bool = False


def kind_of(shown: Field) -> str:
    """Return the kind of input that a field is filled in with."""
    return _KINDS.get(shown.type.name) or _BY_LINK.get(shown.type.links) or "text"


def make(reader: Reader, shown: Field, value: Any, locale: Locale, *, prefix: str = "", title: str = "") -> Input:
    """Return the input of a field with a Python value; `title` is that of the linked record."""
    kind, language = kind_of(shown), locale.language
    choices = [
        (each.key, each.label.in_(language)) for each in shown.choices.values() if not each.hidden or each.key == value
    ]
    text = _text(shown, kind, value, locale)
    given = Input(
        name=f"{prefix}{shown.key}",
        kind=kind,
        label=shown.label.in_(language),
        value=text,
        was=_was(text),
        help=shown.help.in_(language) if shown.help is not None else "",
        required=shown.required,
        options=choices,
        affix=str(shown.options.get("currency") or reader.model.currency) if shown.type.name == "money" else "",
        accept=",".join(
            shown.options.get("accept") or (("image/*",) if shown.type.name in {"image", "images"} else ())
        ),
        longest=shown.options.get("max_length"),
        when=_conditions(reader.model, shown),
        wide=kind in {"area", "rows", "parts"},
    )
    if kind in {"link", "any"}:
        return replace(given, title=title, address=f"/lookup/{shown.entity}/{shown.key}")
    if kind == "links":
        return replace(given, options=_several(reader, shown, value or ()))
    return given


def _text(shown: Field, kind: str, value: Any, locale: Locale) -> Any:
    if kind in {"secret", "rows"}:
        return ""
    if kind == "several" or kind in {"links", "files"}:
        return list(value or ())
    if kind == "parts":
        return {part: str((value or {}).get(part) or "") for part in _PARTS[shown.type.name]}
    if value is None:
        return ""
    if kind == "check":
        return "true" if value else "false"
    if kind == "moment":
        local: str = shown.type.local(value, locale)  # type: ignore[attr-defined] - only datetime is of this kind
        return local
    if kind in {"date", "time"}:
        return value.isoformat()
    if kind in {"link", "any", "file"}:
        return str(value)
    return shown.type.format(value, shown.options, locale)


def _was(text: Any) -> str:
    return text if isinstance(text, str) else json.dumps(text, ensure_ascii=False, separators=(",", ":"))


def _conditions(model: Model, shown: Field) -> Mapping[str, str]:
    """Return the conditions of a field for the browser; one that it cannot work out is left to the server."""
    return model.derive(("browser conditions", shown.entity, shown.key), lambda: _browser_conditions(model, shown))


def _browser_conditions(model: Model, shown: Field) -> Mapping[str, str]:
    scope = EntityScope(model, shown.entity)
    found = {}
    for key, each in (
        ("visible", shown.visible_when),
        ("required", shown.required_when),
        ("read-only", shown.read_only_when),
    ):
        if each is not None:
            with suppress(ExpressionInvalid):
                found[key] = json.dumps(to_browser(each, scope), ensure_ascii=False, default=str)
    return found


def _several(reader: Reader, shown: Field, ids: Sequence[str]) -> list[tuple[str, str]]:
    offered = dict(reader.options(shown.entity, shown.key, limit=_CHOICES))
    missing = [each for each in ids if each not in offered]
    if missing and shown.target:
        offered = {**reader.titles(shown.target, missing), **offered}
    return list(offered.items())


# --- the way back

Posted = MultiDict[str, str]


def posted(shown: Field, form: Posted, locale: Locale, *, prefix: str = "") -> Any:
    """Return the raw value of a field in a posted form, UNCHANGED when it is as it was or was not in the form."""
    name = f"{prefix}{shown.key}"
    kind = kind_of(shown)
    if f"was-{name}" not in form:
        return UNCHANGED
    text = _READERS.get(kind, _plain)(shown, form, name)
    if text is UNCHANGED or _was(text) == form[f"was-{name}"].replace("\r\n", "\n"):
        return UNCHANGED
    if kind == "link" and isinstance(text, Mapping):
        return text
    return _read(shown, _filled(text), locale)


def _read(shown: Field, text: Any, locale: Locale) -> Any:
    """Return the value of what was typed; what cannot be read goes on as it is, and `Records` says what is wrong."""
    try:
        return shown.type.read(text, shown.options, locale)
    except BadValue:
        return text


def _plain(shown: Field, form: Posted, name: str) -> Any:
    return form.get(name, "").replace("\r\n", "\n")


def _checked(shown: Field, form: Posted, name: str) -> Any:
    return "true" if form.get(name) else "false" if form[f"was-{name}"] else _unticked(form, name)


def _unticked(form: Posted, name: str) -> str:
    """A box that was never ticked says no on a new record, and nothing on one that had no value."""
    return "false" if form.get(f"new-{name}") else ""


def _chosen(shown: Field, form: Posted, name: str) -> Any:
    return [each for each in form.getlist(name) if each]


def _secret(shown: Field, form: Posted, name: str) -> Any:
    if form.get(f"clear-{name}"):
        return None
    return form.get(name) or UNCHANGED


def _linked(shown: Field, form: Posted, name: str) -> Any:
    """A link is typed by title; the id counts while the title that it was chosen with stands there."""
    typed = form.get(name, "").strip()
    if not typed:
        return ""
    chosen = form.get(f"id-{name}", "")
    if chosen and typed == form.get(f"title-{name}", ""):
        return chosen
    return {"title": typed}


def _parts(shown: Field, form: Posted, name: str) -> Any:
    return {part: form.get(f"{name}.{part}", "").strip() for part in _PARTS[shown.type.name]}


def _filled(text: Any) -> Any:
    """Return parts without the empty ones; nothing when all are."""
    return {part: words for part, words in text.items() if words} or "" if isinstance(text, Mapping) else text


_READERS: Mapping[str, Callable[[Field, Posted, str], Any]] = {
    "check": _checked,
    "several": _chosen,
    "links": _chosen,
    "secret": _secret,
    "link": _linked,
    "any": _linked,
    "parts": _parts,
}


def kept(made: Input, form: Posted, problems: Iterable[str]) -> Input:
    """Return an input as it was posted, so that nothing that somebody typed is lost, with what is wrong with it."""
    if f"was-{made.name}" not in form:
        return replace(made, problems=tuple(problems))
    value: Any = form.get(made.name, "")
    if made.kind in {"several", "links"}:
        value = form.getlist(made.name)
    elif made.kind == "parts":
        value = {part: form.get(f"{made.name}.{part}", "") for part in made.value}
    elif made.kind == "check":
        value = "true" if form.get(made.name) else "false"
    elif made.kind in {"file", "files", "secret", "rows"}:
        value = made.value
    was = form[f"was-{made.name}"]
    if made.kind in {"link", "any"}:
        return replace(
            made,
            value=form.get(f"id-{made.name}", ""),
            title=form.get(made.name, ""),
            was=was,
            problems=tuple(problems),
        )
    return replace(made, value=value, was=was, problems=tuple(problems))
