"""The frame of every page: what templates may use, the navigation, notices that survive one redirect."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from flask import Flask, flash, g, get_flashed_messages, render_template, request
from flask_htmx import HTMX
from markupsafe import Markup

from engine import (
    LANGUAGES,
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
from ui.widgets.moments import zone

THEME_COOKIE = "guanxi_theme"
THEMES = ("auto", "light", "dark")

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
    shown, rung = Markup(""), None
    if reader is not None:
        shown = navigation(reader)
        # What the process last heard: no page asks the database for it.
        rung = site().alarms.unread if reader.access.has("audit") else None
    return render_template(template, navigation=shown, rung=rung, **values)


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
    theme = cookies.read(THEME_COOKIE)
    known: Principal | None = g.get("principal")
    spoken = language()
    return {
        "_": translator(spoken),
        "language": spoken,
        "theme": theme if theme in THEMES else "auto",
        "person": known,
        "rung": None,
        "view_ends": _view_ends(known),
    }


def _view_ends(who: Principal | None) -> str:
    """Return when a look as somebody else ends, as the clock of that person says; "" for who looks as themselves."""
    if who is None or who.viewer is None:
        return ""
    return who.viewer.ends_at.astimezone(zone(who.timezone)).strftime("%H:%M")


# --- navigation


def navigation(reader: Reader) -> Markup:
    """Return the navigation of who reads, with the current entry marked.

    It is the same for everybody with the same roles, so it is rendered once for them.
    """
    who, model, spoken = reader.access.principal, reader.model, language()
    html: str = model.derive(
        ("navigation", who.roles, who.system, who.scopes, spoken, _conditions(reader)),
        lambda: _rendered(entries(reader, spoken)),
    )
    parts = request.path.split("/")
    entity = parts[1]
    for mark in ("/".join(parts[:3]), f"{entity}?{request.args.get('view', '')}", entity):
        found = f'data-nav="{mark}"'
        if found in html:
            return Markup(html.replace(found, f'{found} aria-current="page"'))  # noqa: S704 - `found` stands in it
    return Markup(html)  # noqa: S704 - rendered by a template


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


def _rendered(shown: Iterable[Entry]) -> str:
    home = Entry(words("Home"), "/", "home", "")
    return render_template("_navigation.html", home=home, entries=shown)


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
        return Entry(label or humanise(item.key), item.url or "", item.icon or "folder", item.url or "", inner)
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
