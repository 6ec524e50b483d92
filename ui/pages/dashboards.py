"""Dashboards: pages of cards, each of which comes by itself; filters for all of them, and everybody's own order."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, make_response, redirect, render_template, request

from engine import (
    NAMED_PERIODS,
    Card,
    Dashboard,
    Layout,
    Message,
    NotFound,
    Reader,
    all_dashboards,
    card_of,
    cards_for,
    dashboards_for,
    is_offered,
    offered,
    readable_card,
    reports_for,
    write_numbers,
)
from ui.asking import principal, reading, site
from ui.frame import htmx, page, said, words
from ui.pages.card_parts import Scope
from ui.pages.cards import content, table_of
from ui.pages.listing import locale_of
from ui.widgets.grids import Grid

WHOSE = ("me", "team", "all")
_UNPROCESSABLE = 422
_NO_CONTENT = 204
_STEPS = {"earlier": -1, "later": 1}
_SIZES = {"wider": (1, 0), "narrower": (-1, 0), "taller": (0, 1), "lower": (0, -1)}

routes = Blueprint("dashboards", __name__)


@dataclass(frozen=True, slots=True)
class Placed:
    """A card where it stands on the page."""

    card: Card
    width: int
    height: int
    own: bool
    """Whether the person added it."""
    body: str = ""
    """What it shows, when the page brings that at once."""
    address: str = ""
    """Of what it shows, as a fragment."""


@routes.get("/dashboard/<name>")
def board(name: str) -> Response:
    """Show a dashboard; its cards come by themselves, or with `whole=1` at once."""
    with reading() as reader:
        return board_page(reader, board_of(reader, name), f"/dashboard/{name}")


@routes.get("/dashboard/<name>/card/<key>")
def card(name: str, key: str) -> str:
    """Return what one card shows."""
    with reading() as reader:
        found = board_of(reader, name)
        asked = scope_of(found)
        shown = content(reader, card_named(reader, found, key), asked, hidden_table=bool(htmx))
        return render_template(shown.template, **shown.values, card_key=key, around=_around(name, key, asked))


@routes.get("/dashboard/<name>/card/<key>.csv")
def card_file(name: str, key: str) -> Response:
    """Send the numbers of one card as a table."""
    with reading() as reader:
        found = board_of(reader, name)
        one = card_named(reader, found, key)
        shown = table_of(content(reader, one, scope_of(found), hidden_table=False))
        if shown is None:
            raise NotFound(Message("There is no {key}", key=key))
        if one.question is not None:
            reader.access.require(one.question.entity, "export")
        return numbers_file(shown, "csv", said(one.title))


@routes.post("/dashboard/<name>/arrange")
def arrange(name: str) -> Response:
    """Change how a dashboard stands for the person: one step, one size, one card more or less, or all at once."""
    with reading() as reader:
        found = board_of(reader, name)
        layout = site().arrangements.of(reader.connection, reader.principal, name)
        changed = _changed(reader, found, layout)
    if changed != layout:
        site().arrangements.keep(principal(), name, changed)
    if htmx and request.form.get("act") in {"order", "size"}:
        return Response(status=_NO_CONTENT)
    key = request.form.get("card", "")
    query = {**scope_of(found).parameters(), "arrange": "1"}
    return make_response(redirect(f"/dashboard/{name}?{urlencode(query)}#card-{key}", 303))


def board_of(reader: Reader, name: str) -> Dashboard:
    """Return a dashboard that somebody is offered.

    Raises:
        NotFound: there is none.
    """
    found = all_dashboards(reader.model).get(name)
    if found is None or not is_offered(reader.access, found):
        raise NotFound(Message("There is no {key}", key=name))
    return found


def home_board(reader: Reader) -> Dashboard | None:
    """Return the dashboard that is somebody's first page: one for their roles before one for everybody."""
    known = [each for each in dashboards_for(reader.access) if each.home]
    held = reader.principal.roles
    return next(
        (each for each in known if held & set(each.roles)), next((each for each in known if not each.roles), None)
    )


def board_page(reader: Reader, found: Dashboard, address: str, **more: Any) -> Response:
    """Return the page of a dashboard."""
    asked = scope_of(found)
    layout = site().arrangements.of(reader.connection, reader.principal, found.key)
    whole = request.args.get("whole") == "1"
    arranging = request.args.get("arrange") == "1" and reader.principal.viewer is None
    shown = placed(reader, found, layout)
    if whole:
        shown = [_filled(reader, each, found.key, asked) for each in shown]
    query = urlencode(asked.parameters())
    shown = [replace(each, address=f"/dashboard/{found.key}/card/{each.card.key}?{query}") for each in shown]
    values = {
        "board": found,
        "cards": shown,
        "scope": asked,
        "periods": [(key, said(label)) for key, (label, _make) in NAMED_PERIODS.items()],
        "whose": [("me", words("Mine")), ("team", words("My team's")), ("all", words("All that I may see"))],
        "by_period": any(each.card.date for each in shown),
        "by_person": any(each.card.person for each in shown),
        "boards": dashboards_for(reader.access),
        "address": address,
        "arranging": arranging,
        "arranged": not layout.empty,
        "gallery": _gallery(reader, found, layout) if arranging else [],
        "whole": whole,
        "reports": bool(reports_for(reader.access)),
        **more,
    }
    return make_response(page("dashboard.html", reader, **values))


def scope_of(found: Dashboard) -> Scope:
    """Return what the filters of the page say; what they say wrongly is as if it was not said."""
    given = request.args
    period = given.get("period", found.period)
    whose = given.get("whose", found.whose)
    first, last = given.get("from", "").strip(), given.get("to", "").strip()
    if period == "between":
        period = f"{first}..{last}" if first or last else ""
    return Scope(period if period != "any" else "", whose if whose in WHOSE else found.whose)


def placed(reader: Reader, found: Dashboard, layout: Layout) -> list[Placed]:
    """Return the cards of a dashboard as they stand for the person."""
    cards = {each.key: each for each in cards_for(reader.access, found) if each.key not in layout.hidden}
    own = {each.key: each for each in _added(reader, layout)}
    everything = {**cards, **own}
    return [
        Placed(everything[key], *layout.sizes.get(key, (everything[key].width, everything[key].height)), key in own)
        for key in layout.ordered(list(everything))
    ]


def _added(reader: Reader, layout: Layout) -> Iterator[Card]:
    for key, (kind, name) in layout.added.items():
        made = card_of(reader.model, key, {kind: name, "width": 6, "height": 5})
        if readable_card(reader.access, made):
            yield made


def card_named(reader: Reader, found: Dashboard, key: str) -> Card:
    """Return a card of a dashboard that somebody is offered.

    Raises:
        NotFound: there is none.
    """
    known = found.cards.get(key)
    if known is not None and is_offered(reader.access, known):
        return known
    layout = site().arrangements.of(reader.connection, reader.principal, found.key)
    own = next((each for each in _added(reader, layout) if each.key == key), None)
    if own is None:
        raise NotFound(Message("There is no {key}", key=key))
    return own


def _filled(reader: Reader, each: Placed, name: str, asked: Scope) -> Placed:
    shown = content(reader, each.card, asked, hidden_table=False)
    around = _around(name, each.card.key, asked)
    return replace(each, body=render_template(shown.template, **shown.values, card_key=each.card.key, around=around))


def _around(name: str, key: str, asked: Scope) -> dict[str, str]:
    return {"file": f"/dashboard/{name}/card/{key}.csv?{urlencode(asked.parameters())}"}


def numbers_file(shown: Grid, kind: str, title: str) -> Response:
    """Return a table of numbers as a file."""
    heads = [each.label for each in shown.heads]
    if shown.over:
        spread = [each.label for each in shown.over for _ in range(each.span)]
        heads = [f"{above} · {below}" if above else below for above, below in zip(spread, heads, strict=True)]
    lines = [[*(name.text for name in row.names), *(cell.value for cell in row.cells)] for row in shown.rows]
    stream = io.BytesIO()
    write_numbers(stream, kind, title, heads, lines)
    response = Response(stream.getvalue(), mimetype=_MIMETYPES[kind])
    name = "".join(letter if letter.isalnum() or letter in " -_" else "-" for letter in title).strip() or "numbers"
    response.headers.set("Content-Disposition", "attachment", filename=f"{name}.{kind}")
    return response


_MIMETYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


# --- arranging


def _changed(reader: Reader, found: Dashboard, layout: Layout) -> Layout:
    """Return the arrangement after what was posted; what makes no sense changes nothing."""
    act, key = request.form.get("act", ""), request.form.get("card", "")
    shown = placed(reader, found, layout)
    keys = [each.card.key for each in shown]
    if act == "reset":
        return Layout()
    if act == "order":
        wanted = [each for each in request.form.get("order", "").split(",") if each in keys]
        return replace(layout, order=tuple(layout.ordered(keys) if len(wanted) < len(keys) else wanted))
    if act == "add":
        kind, _, name = request.form.get("what", "").partition(":")
        known = {value for value, _label in _choices(reader)}
        return layout.adding(kind, name) if f"{kind}:{name}" in known else layout  # type: ignore[arg-type]
    if act == "show":
        return layout.showing(key)
    placed_card = next((each for each in shown if each.card.key == key), None)
    if placed_card is None:
        return layout
    if act == "hide":
        return layout.without(key)
    if act in _STEPS:
        return layout.moved(keys, key, _STEPS[act])
    if act in _SIZES:
        wider, taller = _SIZES[act]
        return layout.sized(key, placed_card.width + wider, placed_card.height + taller)
    if act == "size":
        width = request.form.get("width", placed_card.width, type=int)
        return layout.sized(key, width, request.form.get("height", placed_card.height, type=int))
    return layout


def _gallery(reader: Reader, found: Dashboard, layout: Layout) -> list[tuple[str, list[dict[str, str]]]]:
    """Return what can be put on the page, under headings: hidden cards of it, reports, lists."""
    back = [
        {"act": "show", "card": each.key, "what": "", "label": said(each.title), "icon": "eye"}
        for each in cards_for(reader.access, found)
        if each.key in layout.hidden
    ]
    made: dict[str, list[dict[str, str]]] = {"report": [], "view": []}
    for value, label in _choices(reader):
        kind = value.partition(":")[0]
        drawing = "chart-bar" if kind == "report" else "list-details"
        made[kind].append({"act": "add", "card": "", "what": value, "label": label, "icon": drawing})
    return [(words("Taken away"), back), (words("Reports"), made["report"]), (words("Lists"), made["view"])]


def _choices(reader: Reader) -> list[tuple[str, str]]:
    spoken = locale_of(reader).language
    made = [(f"report:{each.key}", each.title.in_(spoken)) for each in reports_for(reader.access)]
    for view in reader.model.views.values():
        entity = reader.model.entities.get(view.entity)
        daily = entity is not None and entity.layer != "core" and entity.parent is None
        if entity is not None and daily and reader.access.may(view.entity, "read") and offered(reader.access, view):
            made.append((f"view:{view.key}", f"{entity.plural.in_(spoken)}: {view.title.in_(spoken)}"))
    return made
