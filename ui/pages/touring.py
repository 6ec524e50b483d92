"""What helps somebody find their way: all keys on one sheet, and the tour of what stands on a page."""

from __future__ import annotations

from dataclasses import dataclass, replace

from flask import Blueprint, render_template, request

from engine import Entity, Reader
from ui.asking import language, reading
from ui.frame import Entry, entries, is_fragment, page, said, with_letters, within, words

routes = Blueprint("touring", __name__)


@dataclass(frozen=True, slots=True)
class Step:
    """One stop of the tour: what stands there, and what it is for."""

    anchors: str
    """Selectors; the first that is on the page and in sight counts. Without any the step is left out."""
    title: str
    text: str


def _said(template: str) -> str:
    """Name a sentence that is said later, in the language of who reads then."""
    return template


_STEPS = (
    (
        ".shell-side, .dock",
        _said("Everything has its place here"),
        _said("What your roles let you see, by what it is about. Headings fold; g and a letter go there too."),
    ),
    (
        ".shell-search, .shell-find",
        _said("Search and go, from anywhere"),
        _said("Ctrl K opens it. Type a name, a part of a phone number, initials of a Chinese name, or where to go."),
    ),
    (
        "main .views",
        _said("Views"),
        _said("The same records, each time narrowed and laid out for one purpose."),
    ),
    (
        "main .filters",
        _said("Narrow it down"),
        _said("Search, pick values, or write a condition. The address keeps all of it, so it can be sent to others."),
    ),
    (
        "main .head a[href$='/new']",
        _said("Add something"),
        _said("Press n for the same from the keyboard."),
    ),
    (
        "main .head .menu",
        _said("What else can be done"),
        _said("Import, export, the recycle bin, and why you see what you see."),
    ),
    (
        ".person",
        _said("How you like it"),
        _said("Language, light or dark, colour, density, time zone, and this tour again."),
    ),
)


@routes.get("/search/keys")
def keys() -> str:
    """Show every shortcut, those of the navigation by the entries that this person has."""
    with reading() as reader:
        lettered = with_letters(entries(reader, language()))
        going = [each for each in _flat(lettered) if each.letter]
        if is_fragment():
            return render_template("_keys.html", going=going)
        return page("keys.html", reader, going=going)


@routes.get("/search/tour")
def tour() -> str:
    """Return the steps of the tour for the page that `at` names; the script shows those whose place is there."""
    with reading() as reader:
        key = request.args.get("at", "").strip("/").partition("/")[0]
        entity = reader.model.entities.get(key)
        known = entity if entity is not None and reader.access.may(entity.key, "read") else None
        steps = _steps(reader, known)
        if is_fragment():
            return render_template("_tour.html", steps=steps)
        return page("tour.html", reader, steps=steps)


def _steps(reader: Reader, entity: Entity | None) -> list[Step]:
    first = next((each for each in _flat(entries(reader, language())) if each.mark), None)
    begin = f" {words('Begin with {label}.', label=first.label)}" if first is not None else ""
    steps = [Step(anchors, words(title), words(text)) for anchors, title, text in _STEPS]
    steps[0] = replace(steps[0], text=steps[0].text + begin)
    if entity is not None:
        about = said(entity.help) or words("All {plural} that you may see.", plural=within(entity.plural))
        steps.insert(2, Step(".head h1", said(entity.plural), about))
    return steps


def _flat(shown: list[Entry] | tuple[Entry, ...]) -> list[Entry]:
    return [each for entry in shown for each in (entry, *_flat(entry.entries))]
