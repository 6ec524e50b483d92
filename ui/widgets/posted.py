"""The way back from a form: what a browser posts for each kind of input, as the raw value that `Records` takes."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from engine import BadValue, Field, Locale, paths
from ui.widgets.inputs import PARTS, Posted, as_was, kind_of

UNCHANGED = object()
"""What a posted form says of a field that was left as it was."""
Uploads = Mapping[str, Sequence[str]]
"""Name of an input -> ids of the files that were sent with it."""

_BETWEEN = re.compile(r"\s*[;；\n]\s*")


def posted(
    shown: Field, form: Posted, locale: Locale, uploads: Uploads, *, prefix: str = "", creating: bool = False
) -> Any:
    """Return the raw value of a field in a posted form, UNCHANGED when it is as it was or was not in the form.

    On a new record what stood there already counts too, since it was seen and left; but for a default that depends
    on other fields, which is worked out again, and for what is empty and was so from the start.
    """
    name = f"{prefix}{shown.key}"
    if f"was-{name}" not in form:
        return UNCHANGED
    text = _READERS.get(kind_of(shown), _plain)(shown, form, name, uploads)
    if text is UNCHANGED:
        return UNCHANGED
    if creating and not text and kind_of(shown) == "check":
        text = "false"  # on a new record, a box that nobody ticked says no
    was = form[f"was-{name}"].replace("\r\n", "\n")
    same = as_was(text) == was
    value = _filled(text)
    if creating:
        if (same and _follows(shown)) or (value in ("", [], None) and was in {"", "[]", as_was(text)}):
            return UNCHANGED
    elif same:
        return UNCHANGED
    return _read(shown, value, locale)


def touched(shown: Field, form: Posted, uploads: Uploads, prefix: str) -> bool:
    """Say whether somebody filled in an input of a new child row."""
    name = f"{prefix}{shown.key}"
    if f"was-{name}" not in form:
        return False
    if kind_of(shown) == "check":
        return bool(form.get(name)) != (form[f"was-{name}"] == "true")
    text = _READERS.get(kind_of(shown), _plain)(shown, form, name, uploads)
    return text is not UNCHANGED and as_was(text) != form[f"was-{name}"].replace("\r\n", "\n")


def _follows(shown: Field) -> bool:
    """Say whether the default of a field depends on other fields of the record."""
    return shown.default_expr is not None and bool(paths(shown.default_expr))


def _read(shown: Field, text: Any, locale: Locale) -> Any:
    """Return the value of what was typed; what cannot be read goes on as it is, and `Records` says what is wrong."""
    if isinstance(text, (list, Mapping)) and shown.type.links:
        return text
    try:
        return shown.type.read(text, shown.options, locale)
    except BadValue:
        return text


def _filled(text: Any) -> Any:
    """Return parts without the empty ones; nothing when all are."""
    return {part: words for part, words in text.items() if words} or "" if isinstance(text, Mapping) else text


# --- by kind of input: (field, form, name, uploads) -> text, or UNCHANGED


def _plain(shown: Field, form: Posted, name: str, uploads: Uploads) -> Any:
    return form.get(name, "").replace("\r\n", "\n")


def _checked(shown: Field, form: Posted, name: str, uploads: Uploads) -> Any:
    """Return yes or no; a box that nobody ticked says nothing where nothing was said before, unless it must."""
    if form.get(name):
        return "true"
    return "false" if form[f"was-{name}"] or shown.required else ""


def _several(shown: Field, form: Posted, name: str, uploads: Uploads) -> Any:
    return [each for each in form.getlist(name) if each]


def _secret(shown: Field, form: Posted, name: str, uploads: Uploads) -> Any:
    typed = form.get(name, "")
    if typed:
        return typed
    return None if form.get(f"clear-{name}") else UNCHANGED


def _link(shown: Field, form: Posted, name: str, uploads: Uploads) -> Any:
    """Return what a link leads to: an id while the title that it was chosen with stands there, else by title."""
    picked = form.get(f"pick-{name}", "")
    if picked:
        return picked
    typed = form.get(name, "").strip()
    if not typed:
        return ""
    chosen = form.get(f"id-{name}", "")
    if chosen and typed == form.get(f"title-{name}", "").strip():
        return chosen
    return _named(shown, typed, form.get(f"kind-{name}", ""))


def _links(shown: Field, form: Posted, name: str, uploads: Uploads) -> Any:
    """Return those still ticked, and those whose titles were typed, one or several with ; between them."""
    found: list[Any] = [each for each in form.getlist(name) if each]
    found += [each for each in (form.get(f"pick-{name}", ""),) if each]
    typed = form.get(f"add-{name}", "").strip()
    if typed and not form.get(f"pick-{name}"):
        chosen = form.get(f"id-{name}", "")
        if chosen and typed == form.get(f"title-{name}", "").strip():
            found.append(chosen)
        else:
            found += [_named(shown, each, "") for each in _BETWEEN.split(typed) if each]
    return found


def _named(shown: Field, title: str, entity: str) -> dict[str, str]:
    if shown.type.links != "any":
        return {"title": title}
    return {"entity": entity or (shown.targets[0] if shown.targets else ""), "title": title}


def _parts(shown: Field, form: Posted, name: str, uploads: Uploads) -> Any:
    return {part: form.get(f"{name}.{part}", "").strip() for part in PARTS[shown.type.name]}


def _file(shown: Field, form: Posted, name: str, uploads: Uploads) -> Any:
    fresh = uploads.get(name, ())
    return fresh[-1] if fresh else next((each for each in form.getlist(f"keep-{name}") if each), "")


def _files(shown: Field, form: Posted, name: str, uploads: Uploads) -> Any:
    return [*(each for each in form.getlist(f"keep-{name}") if each), *uploads.get(name, ())]


Read = Callable[[Field, Posted, str, Uploads], Any]
_READERS: Mapping[str, Read] = {
    "check": _checked,
    "several": _several,
    "links": _links,
    "secret": _secret,
    "link": _link,
    "any": _link,
    "parts": _parts,
    "file": _file,
    "files": _files,
}
