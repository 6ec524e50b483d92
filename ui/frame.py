"""The frame of every page: what templates may use, the navigation, notices that survive one redirect."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from typing import Any

from flask import Flask, flash, g, get_flashed_messages, render_template, request
from flask_htmx import HTMX
from markupsafe import Markup

from engine import (
    LANGUAGES,
    NO_TASTES,
    Entity,
    MenuItem,
    Message,
    Principal,
    Reader,
    Text,
    View,
    humanise,
    offered,
    translate,
)
from ui import assets, cookies, forgery
from ui.asking import language, site
from ui.bell import bell_of
from ui.branding import brand_of
from ui.widgets.moments import zone

THEME_COOKIE = "guanxi_theme"
THEMES = ("auto", "light", "dark")
FOLDED_COOKIE = "guanxi_folded"
"""Groups of the navigation that are folded in this browser, with dots between; its script writes it."""
_MOST_FOLDED = 50
IN_DOCK = 4
"""Entries at the lower edge of a phone; the others are behind "More"."""

htmx = HTMX()


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the navigation, in the reader's language."""

    label: str
    address: str
    icon: str
    mark: str = ""
    """What `data-nav` says: the entity, and its view when the entry leads to one of several."""
    entries: tuple[Entry, ...] = ()
    key: str = ""
    """Of a group: under which name browsers remember that it is folded."""
    letter: str = ""
    """What is pressed after "g" to go there; "" for none."""


@dataclass(frozen=True, slots=True)
class Navigation:
    """Where one can go from every page."""

    side: Markup
    """Beside the page; on a phone it opens from below."""
    dock: Markup
    """The first entries, at the lower edge of a phone."""

    def __html__(self) -> str:
        """Return what stands beside the page."""
        return str(self.side)


NOWHERE = Navigation(Markup(), Markup())


@cache
def translator(language: str) -> Callable[..., str]:
    """Return what templates call `_`: the sentences of the product in one language."""

    def words(template: str, **values: Any) -> str:
        return Message(template, **values).in_(language) if values else translate(template, language)

    return words


def words(template: str, **values: Any) -> str:
    """Return a sentence of the product in the reader's language: `_("Save")`."""
    return translator(language())(template, **values)


def said(text: Text | Message | str | None) -> str:
    """Return a label or message in the reader's language."""
    return text.in_(language()) if isinstance(text, (Text, Message)) else text or ""


def within(text: Text) -> str:
    """Return a label as it stands inside a sentence: English ones begin small there, but for names like CRM."""
    spoken = said(text)
    capital = spoken[:1].isascii() and spoken[:1].isupper() and spoken[1:2].islower()
    return spoken[0].lower() + spoken[1:] if capital and language().startswith("en") else spoken


def listed(parts: Iterable[str]) -> str:
    """Return some names one after the other, as the reader's language does that."""
    whole = ""
    for each in parts:
        whole = words("{first}, {second}", first=whole, second=each) if whole else each
    return whole


@lru_cache(maxsize=1024)
def icon(name: str, words: str = "") -> Markup:
    """Return an icon; with words it says them to who cannot see it, else it is decoration."""
    shown = name if name in assets.icons() else "point-filled"
    label = Markup('role="img" aria-label="{}"').format(words) if words else Markup('aria-hidden="true"')
    return Markup('<svg class="icon" {}><use href="{}#{}"></use></svg>').format(
        label, assets.address("icons.svg"), shown
    )


def notice(message: Message | str, kind: str = "success", undo: str = "") -> None:
    """Say something on the next page.

    Args:
        message: what to say.
        kind: success, info, warning or danger.
        undo: the address that undoing is posted to; "" when it cannot be undone.
    """
    flash(json.dumps([said(message), undo]), kind)


def notices() -> list[dict[str, str]]:
    """Return what is to be said on this page, once."""
    found = []
    for kind, told in get_flashed_messages(with_categories=True):  # type: ignore[str-unpack]
        text, undo = json.loads(told)
        found.append({"text": text, "kind": kind, "undo": undo})
    return found


def is_fragment() -> bool:
    """Say whether only a part of the page is wanted: htmx asks, and not for a whole page."""
    return bool(htmx) and not htmx.boosted and not htmx.history_restore_request


def page(template: str, reader: Reader | None = None, /, **values: Any) -> str:
    """Render a page inside the frame; with a reader, the navigation shows what they may see."""
    shown, rung, invited = NOWHERE, None, False
    if reader is not None:
        shown = navigation(reader)
        # Who is new is asked once, on the first page, whether they want to be shown around.
        own = reader.principal.scopes is None and reader.principal.viewer is None
        invited = request.path == "/" and own and reader.principal.tastes.tour == "due"
        rung = bell_of(reader)
    return render_template(template, navigation=shown, rung=rung, invited=invited, **values)


def furnish(app: Flask) -> None:
    """Give templates what they use on every page."""
    htmx.init_app(app)
    app.jinja_env.globals.update(
        _=words,
        said=said,
        within=within,
        icon=icon,
        asset=assets.address,
        form_token=forgery.token,
        notices=notices,
        languages=LANGUAGES,
    )
    app.context_processor(_who)


def _who() -> dict[str, Any]:
    known: Principal | None = g.get("principal")
    spoken = language()
    tastes = known.tastes if known is not None else NO_TASTES
    brand = brand_of(site().config)
    return {
        "_": translator(spoken),
        "language": spoken,
        "theme": theme(),
        "tastes": tastes,
        "accent": tastes.accent or brand.accent,
        "brand": brand,
        "brand_name": brand.name(spoken) or words("Guanxi"),
        "person": known,
        "rung": None,
        "invited": False,
        "navigation": NOWHERE,
        "view_ends": _view_ends(known),
    }


def theme() -> str:
    """Return light, dark or auto: as the person chose, else as this browser was told."""
    known: Principal | None = g.get("principal")
    chosen = known.tastes.theme if known is not None else ""
    kept = chosen or cookies.read(THEME_COOKIE)
    return kept if kept in THEMES else "auto"


def _view_ends(who: Principal | None) -> str:
    """Return when a look as somebody else ends, as the clock of that person says; "" for who looks as themselves."""
    if who is None or who.viewer is None:
        return ""
    return who.viewer.ends_at.astimezone(zone(who.timezone)).strftime("%H:%M")


# --- navigation


def navigation(reader: Reader) -> Navigation:
    """Return the navigation of who reads, with the current entry marked.

    It is the same for everybody with the same roles, so it is rendered once for them.
    """
    who, model, spoken = reader.access.principal, reader.model, language()
    side, dock = model.derive(
        ("navigation", who.roles, who.system, who.scopes, spoken, _conditions(reader)),
        lambda: _rendered(entries(reader, spoken)),
    )
    for key in request.cookies.get(FOLDED_COOKIE, "").split(".")[:_MOST_FOLDED]:
        side = side.replace(f'data-group="{key}" open', f'data-group="{key}"') if key.isidentifier() else side
    side, dock = _marked(side, "data-nav"), _marked(dock, "data-dock")
    return Navigation(Markup(side), Markup(dock))  # noqa: S704 - rendered by a template


def _marked(html: str, by: str) -> str:
    """Return the navigation with the entry marked that leads to this page."""
    parts = request.path.split("/")
    entity = parts[1]
    for mark in ("/".join(parts[:3]), f"{entity}?{request.args.get('view', '')}", entity):
        found = f'{by}="{mark}"'
        if found in html:
            return html.replace(found, f'{found} aria-current="page"')
    return html


def _conditions(reader: Reader) -> tuple[bool, ...]:
    """Return what the conditions of the menus say of who reads: people of equal roles may differ in these alone."""
    model = reader.model

    def conditional() -> list[MenuItem | View]:
        items = [item for menu in model.menus.values() for item in _all(menu)]
        views = [view for item in items if (view := model.views.get(item.view or "")) is not None]
        known: list[MenuItem | View] = [*items, *views]
        return [each for each in known if each.when is not None]

    found: list[MenuItem | View] = model.derive("conditional entries", conditional)
    return tuple(offered(reader.access, each) for each in found)


def _rendered(shown: Iterable[Entry]) -> tuple[str, str]:
    home = Entry(words("Home"), "/", "home", "", letter="h")
    lettered = [home, *with_letters(shown)]
    plain = [entry for entry in lettered if not entry.entries]
    first = [*plain, *(each for entry in lettered for each in entry.entries)][:IN_DOCK]
    return (
        render_template("_navigation.html", entries=lettered),
        render_template("_dock.html", entries=first),
    )


def with_letters(shown: Iterable[Entry], taken: str = "h") -> list[Entry]:
    """Return entries with the letter that leads to each: the first of its key that no other has before it.

    Those outside of groups choose first: they are what people work with all day.
    """
    known, used = list(shown), set(taken)
    found: dict[str, str] = {}
    every = [each for entry in known for each in (entry, *entry.entries)]
    for entry in sorted(every, key=lambda each: each not in known):
        name = entry.mark.partition("?")[0].rpartition("/")[2]
        letter = next((each for each in name if each.isalpha() and each.isascii() and each not in used), "")
        if letter and not entry.entries and entry.mark not in found:
            used.add(letter)
            found[entry.mark] = letter

    def lettered(entry: Entry) -> Entry:
        return replace(
            entry, letter=found.get(entry.mark, entry.letter), entries=tuple(lettered(each) for each in entry.entries)
        )

    return [lettered(each) for each in known]


def entries(reader: Reader, spoken: str) -> tuple[Entry, ...]:
    """Return what the menus offer to who reads, and behind it what no menu names but they may read."""
    model, access = reader.model, reader.access
    items = [item for menu in model.menus.values() for item in menu]
    named = {item.entity for item in _all(items)}
    offered = [entry for item in items if (entry := _entry(reader, item, spoken)) is not None]
    rest = [
        _entity_entry(each, spoken)
        for each in model.entities.values()
        if each.layer != "core" and each.parent is None and each.key not in named and access.may(each.key, "read")
    ]
    return (*offered, *rest)


def _all(items: Iterable[MenuItem]) -> Iterable[MenuItem]:
    for item in items:
        yield item
        yield from _all(item.items)


def _entry(reader: Reader, item: MenuItem, spoken: str) -> Entry | None:
    if not offered(reader.access, item):
        return None
    inner = tuple(entry for each in item.items if (entry := _entry(reader, each, spoken)) is not None)
    label = item.label.in_(spoken) if item.label is not None else ""
    if item.entity is None:
        if item.url is None and not inner:
            return None
        return Entry(
            label or humanise(item.key), item.url or "", item.icon or "folder", item.url or "", inner, item.key
        )
    entity = reader.model.entities.get(item.entity)
    if entity is None or not reader.access.may(entity.key, "read"):
        return None
    view = reader.model.views.get(item.view) if item.view else None
    if view is None:
        return _entity_entry(entity, spoken, label, item.icon)
    if not offered(reader.access, view):
        return None
    return Entry(
        label or view.title.in_(spoken),
        f"/{entity.key}?view={view.key}",
        item.icon or entity.icon,
        f"{entity.key}?{view.key}",
    )


def _entity_entry(entity: Entity, spoken: str, label: str = "", shown: str = "") -> Entry:
    return Entry(label or entity.plural.in_(spoken), f"/{entity.key}", shown or entity.icon, entity.key)
