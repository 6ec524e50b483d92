"""What the command palette offers: where to go, what to add, what was starred or opened last, and records by words.

Its script asks for it while somebody types. Without one the same words lead to the search page.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, render_template, request
from markupsafe import Markup, escape

from engine import Entity, Found, Reader, dashboards_for, name_forms, reports_for
from ui.asking import language, reading
from ui.frame import Entry, entries, is_fragment, page, said, words
from ui.pages.chosen_view import views_of
from ui.pages.search import searched_kinds
from ui.widgets.marking import marker
from ui.widgets.remembered import Shown, recent, starred

RECORDS = 12
LOOKED_AT = 60
OF_ONE = 4
"""Records of one kind that come before those of others."""
PLACES = 8
KEPT = 6
_KINDS = 8
"""Kinds that a search may be narrowed to from here."""

routes = Blueprint("palette", __name__)


@dataclass(frozen=True, slots=True)
class Choice:
    """One line of the palette."""

    label: Markup
    address: str
    icon: str
    beside: Markup | str = ""
    """What it is, or where the words were found."""


@dataclass(frozen=True, slots=True)
class Part:
    """Some lines under one heading."""

    title: str
    choices: list[Choice]


@dataclass(frozen=True, slots=True)
class Place:
    """Somewhere to go, and the forms in which its name is typed."""

    label: str
    address: str
    icon: str
    forms: tuple[str, ...]
    adds: bool = False


@routes.get("/search/palette")
def palette() -> str:
    """Return what fits the words; with none, what is likely wanted next."""
    typed, scope = request.args.get("q", "").strip(), request.args.get("in", "")
    with reading() as reader:
        kinds = searched_kinds(reader)
        chosen = next((each for each in kinds if each.key == scope), None)
        parts = [each for each in _parts(reader, typed, chosen) if each.choices]
        shown: dict[str, Any] = {"words": typed, "parts": parts, "kinds": kinds[:_KINDS], "chosen": chosen}
        if is_fragment():
            return render_template("_palette.html", **shown)
        return page("palette.html", reader, **shown)


def _parts(reader: Reader, typed: str, chosen: Entity | None) -> Iterator[Part]:
    if not typed:
        seen = recent(reader, KEPT)
        yield Part(words("Opened last"), [_kept(each) for each in seen])
        known = {each.address for each in seen}
        yield Part(words("Starred"), [_kept(each) for each in starred(reader, KEPT) if each.address not in known])
    places = list(_places(reader)) if chosen is None else []
    fitting = places if not typed else [each for each in places if fits(each.forms, typed)]
    going = [each for each in fitting if not each.adds]
    adding = [each for each in fitting if each.adds]
    if typed:
        yield Part(words("Go to"), [_place(each, typed) for each in going[:PLACES]])
        yield Part(words("Add something"), [_place(each, typed) for each in adding[:PLACES]])
        yield Part(words("Records"), [_record(reader, each, typed) for each in _found(reader, typed, chosen)])
    elif chosen is None:
        yield Part(words("Add something"), [_place(each, "") for each in adding[:PLACES]])
        yield Part(words("Go to"), [_place(each, "") for each in going])


def _found(reader: Reader, typed: str, chosen: Entity | None) -> list[Found]:
    """Return what words find; unless one kind is asked for, no kind takes all the room from the others."""
    if chosen is not None:
        return reader.search(typed, (chosen.key,), limit=RECORDS)
    found = reader.search(typed, limit=LOOKED_AT)
    seen: Counter[str] = Counter()
    first: list[Found] = []
    rest: list[Found] = []
    for each in found:
        seen[each.entity] += 1
        (first if seen[each.entity] <= OF_ONE else rest).append(each)
    return [*first, *rest][:RECORDS]


def fits(forms: Sequence[str], typed: str) -> bool:
    """Say whether each word that was typed begins a form of a name, or stands in the name itself."""
    return all(any(form.startswith(word) for form in forms) or word in forms[0] for word in typed.casefold().split())


def _forms(label: str, *more: str) -> tuple[str, ...]:
    """Return how a name may be typed: as it is, by its words, by its pinyin and by its key."""
    return (label.casefold(), *name_forms(label), *more)


def _places(reader: Reader) -> Iterator[Place]:
    """Yield where somebody may go, in the order of the navigation."""
    spoken = language()
    yield Place(words("Home"), "/", "home", _forms(words("Home"), "home"))
    listed: list[str] = []
    for entry in _flat(entries(reader, spoken)):
        if not entry.address:
            continue
        key = entry.mark.partition("?")[0]
        yield Place(entry.label, entry.address, entry.icon or "point-filled", _forms(entry.label, key))
        if key in reader.model.entities and key not in listed:
            listed.append(key)
    for key in listed:
        yield from _of_entity(reader, reader.model.entity(key))
    for board in dashboards_for(reader.access):
        title = said(board.title)
        yield Place(title, f"/dashboard/{board.key}", "layout-dashboard", _forms(title, board.key))
    for report in reports_for(reader.access):
        title = said(report.title)
        yield Place(title, f"/report/{report.key}", "report-analytics", _forms(title, report.key))
    for label, address, icon in _OWN:
        yield Place(words(label), address, icon, _forms(words(label), label.casefold()))


_OWN = (
    ("Starred and recent", "/search/starred", "star"),
    ("Your settings", "/login/account/settings", "adjustments"),
    ("Your account", "/login/account", "shield-lock"),
    ("Your jobs", "/login/account/jobs", "list-check"),
    ("Keyboard shortcuts", "/search/keys", "keyboard"),
)


def _of_entity(reader: Reader, entity: Entity) -> Iterator[Place]:
    plural, label, icon = said(entity.plural), said(entity.label), entity.icon or "point-filled"
    for view in views_of(reader, entity.key)[1:]:
        title = f"{plural} · {said(view.title)}"
        yield Place(title, f"/{entity.key}?view={view.key}", icon, _forms(title, entity.key))
    if reader.access.may(entity.key, "create") and entity.parent is None:
        title = words("New: {label}", label=label)
        yield Place(title, f"/{entity.key}/new", "plus", _forms(title, "new", entity.key), adds=True)


def _flat(shown: Iterable[Entry]) -> Iterator[Entry]:
    for entry in shown:
        yield entry
        yield from _flat(entry.entries)


def _place(place: Place, typed: str) -> Choice:
    return Choice(marker(typed)(place.label), place.address, place.icon)


def _kept(kept: Shown) -> Choice:
    return Choice(escape(kept.title), kept.address, kept.entity.icon or "point-filled", escape(said(kept.entity.label)))


def _record(reader: Reader, found: Found, typed: str) -> Choice:
    entity, mark = reader.model.entity(found.entity), marker(typed)
    beside = Markup(" · ").join(filter(None, (escape(said(entity.label)), mark(found.snippet))))
    return Choice(mark(found.title or "—"), f"/{found.entity}/{found.id}", entity.icon or "point-filled", beside)
