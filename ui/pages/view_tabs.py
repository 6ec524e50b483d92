"""The views of a list that stand in sight, and those behind the menu beside them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from engine import Reader, Text, View, Views
from ui.asking import site
from ui.pages.chosen_view import views_of
from ui.pages.listing import Listing

_WAITING = frozenset({"starred", "seen"})


@dataclass(frozen=True, slots=True)
class Tab:
    """One view."""

    key: str
    title: Text
    address: str
    saved: bool = False
    shared: bool = False
    own: bool = True
    pinned: bool = True
    current: bool = False


@dataclass(frozen=True, slots=True)
class Tabs:
    """The views of a list."""

    shown: tuple[Tab, ...]
    more: tuple[Tab, ...]
    may_change: bool
    """Whether who reads may save changes into the view that is shown."""


def tabs_of(reader: Reader, asked: Listing) -> Tabs:
    """Return the views that are offered to who reads, the one that is shown always in sight."""
    wanted = asked.wanted
    tabs = list(known_tabs(reader, wanted.entity.key, asked.known, wanted.view.key))
    may_change = wanted.saved is not None and site().views.may_change(reader.access, wanted.saved)
    return Tabs(
        tuple(each for each in tabs if each.pinned or each.current),
        tuple(each for each in tabs if not (each.pinned or each.current)),
        may_change,
    )


def known_tabs(reader: Reader, entity: str, known: Views, current: str = "") -> Iterable[Tab]:
    """Yield every view of an entity for who reads: as they ordered them, then those of the site, then saved ones."""
    arranged, me = known.arranged, reader.principal.id
    first = reader.model.default_view(entity)
    plain = next(iter(known.first_for(reader.principal)), first.key) == first.key
    found: dict[str, Tab] = {}
    for view in views_of(reader, entity):
        address = f"/{entity}" if view is first and plain else _address(entity, view)
        # What one starred and opened is looked up now and then; it waits in the menu until somebody puts it in sight.
        waits = view.scene in _WAITING and view.key not in arranged.pinned
        pinned = view.key not in arranged.hidden and not waits
        found[view.key] = Tab(view.key, view.title, address, pinned=pinned, current=view.key == current)
    for saved in known.saved.values():
        own = saved.owner_id == me
        pinned = saved.id in arranged.pinned or (own and saved.id not in arranged.hidden)
        found[saved.id] = Tab(
            saved.id, Text(saved.name), f"/{entity}?view={saved.id}", saved=True, own=own,
            shared=saved.audience.anybody, pinned=pinned, current=saved.id == current,
        )  # fmt: skip
    yield from _ordered(found, arranged.pinned)


def _ordered(found: Mapping[str, Tab], pinned: Iterable[str]) -> Iterable[Tab]:
    places = {key: place for place, key in enumerate(pinned)}
    return sorted(found.values(), key=lambda each: places.get(each.key, len(places)))


def _address(entity: str, view: View) -> str:
    return f"/{entity}?{urlencode({'view': view.key})}"
