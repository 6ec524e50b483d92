"""Distances: the records of a list by how far they are from a point, without a map and without a network."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from flask import render_template
from markupsafe import Markup

from engine import BadValue, Entity, Point, Query, Reader, View, field_types
from ui.frame import words
from ui.pages import displays
from ui.pages.boards.cards import Card, Wish, cards, readable
from ui.pages.displays import Display, Drawn
from ui.pages.listing import Listing, locale_of

KEY = "nearby"
RADII = (1, 5, 10, 25, 50, 100, 500, 20_100)
"""Kilometres; the last one is half around the earth."""
USUAL = 25
ROWS = 200
_FACTS = 2
_METRES_BELOW = 1
_SUGGESTED = 8


@dataclass(slots=True)
class Found:
    """A record with its distance."""

    card: Card
    km: str
    place: str
    """As a geo: address (RFC 5870), which phones open in their map."""


@dataclass(frozen=True, slots=True)
class Start:
    """The point that distances are measured from."""

    point: Point
    said: str


def place_of(reader: Reader, entity: Entity, view: View) -> str:
    """Return the field that says where a record is; "" where there is none."""
    said = (view.nearby or {}).get("place", "")
    own = (each.key for each in entity.fields.values() if each.type.name == "geo" and each.stored and not each.hidden)
    return next((key for key in filter(None, (said, *own)) if readable(reader, entity, key) is not None), "")


def _fits(reader: Reader, entity: Entity, view: View) -> bool:
    return bool(place_of(reader, entity, view))


def draw(reader: Reader, asked: Listing) -> Drawn:
    """Return the list by distance."""
    wanted = asked.wanted
    entity, path = wanted.entity, place_of(reader, wanted.entity, wanted.view)
    typed = wanted.extra.get("near", "")
    start, others = _start(reader, entity, path, typed)
    radius = _radius(wanted.extra.get("within", ""))
    found = _found(reader, asked, path, start.point, radius) if start is not None else []
    shown: dict[str, Any] = {
        "entity": entity,
        "wanted": wanted,
        "typed": typed,
        "start": start,
        "radius": radius,
        "radii": [
            (each, words("{km} km", km=f"{each:,}") if each < RADII[-1] else words("Anywhere")) for each in RADII
        ],
        "found": found,
        "full": len(found) == ROWS,
        "others": [(title, wanted.address(extra={**wanted.extra, "near": id_})) for id_, title in others],
        "kept": [(name, value) for name, value in wanted.parameters() if name not in {"near", "within", "as", "view"}],
    }
    return Drawn(Markup(render_template("boards/nearby.html", **shown)))  # noqa: S704


displays.register(Display(KEY, "Distances", "map-pin", _fits, draw, ("near", "within"), order=80))


def _radius(text: str) -> int:
    return int(text) if text.isdigit() and int(text) in RADII else USUAL


def _start(reader: Reader, entity: Entity, path: str, typed: str) -> tuple[Start | None, list[tuple[str, str]]]:
    """Return (the point that was typed, or that of the record that was named; records that fit what was typed)."""
    if not typed:
        return None, []
    try:
        pair = field_types()["geo"].parse(typed, {})
    except BadValue:
        pair = None
    if pair is not None:
        return Start(Point(pair["lat"], pair["lng"]), typed), []
    title = entity.title
    known = readable(reader, entity, title)
    select = (path, title) if known is not None else (path,)
    query = Query(entity.key, select=select, limit=_SUGGESTED)
    ids = reader.readable(entity.key, (typed,))
    if ids:
        rows = reader.query(replace(query, ids=tuple(ids)))
    elif "search" in entity.features:
        rows = reader.query(replace(query, search=typed))
    else:
        return None, []
    places = [(id_, values) for id_, values in zip(rows.ids, rows.dicts(), strict=True) if values.get(path)]
    titles = reader.titles(entity.key, [id_ for id_, _ in places])
    if not places:
        return None, []
    first_id, first = places[0]
    start = Start(Point(first[path]["lat"], first[path]["lng"]), titles.get(first_id, typed))
    return start, [(id_, titles.get(id_, "…")) for id_, _ in places[1:]]


def _found(reader: Reader, asked: Listing, path: str, point: Point, radius: int) -> list[Found]:
    wanted = asked.wanted
    entity = wanted.entity
    near = reader.near(asked.query, path, point, radius)[:ROWS]
    facts = [each for each in wanted.view.columns if each not in {entity.title, path}][:_FACTS]
    made = cards(reader, entity, Wish(entity.title, tuple(facts)), locale_of(reader))
    ids = tuple(each.id for each in near)
    rows = reader.query(Query(entity.key, select=made.select, ids=ids, limit=max(len(ids), 1)))
    by_id = {card.id: card for card in made.draw(reader, rows)}
    return [
        Found(by_id[each.id], _distance(each.km), f"geo:{each.point.lat:.6f},{each.point.lng:.6f}")
        for each in near
        if each.id in by_id
    ]


def _distance(km: float) -> str:
    if km < _METRES_BELOW:
        return words("{m} m", m=int(round(km * 1000, -1)))
    return words("{km} km", km=f"{km:,.1f}" if km < RADII[4] else f"{km:,.0f}")
