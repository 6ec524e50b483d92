"""The other ways in which a list shows its records: `/<entity>?view=V&as=kanban`, with the same filters and words.

A module of ui/pages/boards says so once, when it is imported:

    register(Display("kanban", "Board", "layout-kanban", order=20, fits=..., draw=...))

`fits` sends no statement: the Model, the rights and the view answer. `draw` returns what stands in the place of the
table. What else a display wants to find in its address it names in `parameters`, so that filters keep it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from markupsafe import Markup

from engine import Entity, Reader, View
from ui.pages.listing import PAGE, TABLE, Listing, Wanted

Fits = Callable[[Reader, Entity, View], bool]


@dataclass(frozen=True, slots=True)
class Drawn:
    """What stands in the place of the table, and with which status."""

    html: Markup
    status: int = 200
    script: bool = True
    """Whether it is better with the script of the displays."""


@dataclass(frozen=True, slots=True)
class Display:
    """One way to show the records of a list."""

    key: str
    label: str
    """In English, as a sentence of the catalogue."""
    icon: str
    fits: Fits
    draw: Callable[[Reader, Listing], Drawn]
    parameters: tuple[str, ...] = ()
    """Parameters of the address that are its own."""
    order: int = 50


@dataclass(frozen=True, slots=True)
class Choice:
    """A display as the switcher offers it."""

    key: str
    label: str
    icon: str
    address: str
    chosen: bool


_known: dict[str, Display] = {}


def register(display: Display) -> Display:
    """Offer a display wherever it fits; returns it."""
    _known[display.key] = display
    return display


def offered(reader: Reader, entity: Entity, view: View) -> list[Display]:
    """Return the displays that fit a view for who reads, in order."""
    found = (each for each in _known.values() if each.fits(reader, entity, view))
    return sorted(found, key=lambda each: each.order)


def settle(reader: Reader, asked: Listing, given: Mapping[str, str]) -> tuple[Listing, Display | None]:
    """Return the list as its address wants it shown, and the display that does it; None for the table.

    What does not fit is as if it was not asked for.
    """
    wanted = asked.wanted
    key = wanted.display
    display = _known.get(key)
    if display is None or not display.fits(reader, wanted.entity, wanted.view):
        return replace(asked, wanted=replace(wanted, display=TABLE)), None
    kept = {name: given[name] for name in display.parameters if given.get(name)}
    return replace(asked, wanted=replace(wanted, extra=kept)), display


def choices(reader: Reader, wanted: Wanted) -> list[Choice]:
    """Return what the switcher offers: the table, then what fits; empty where there is nothing to choose."""
    found = offered(reader, wanted.entity, wanted.view)
    shown = [(TABLE, "Table", "table"), *((each.key, each.label, each.icon) for each in found)]
    return [
        Choice(
            key,
            label,
            icon,
            wanted.address(display=key, extra={}, cursor="", rows=PAGE),
            chosen=key == wanted.display,
        )
        for key, label, icon in (shown if found else ())
    ]
