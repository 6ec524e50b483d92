"""Starred records, and those that one opened last: a page, a button on each record, and ticked rows of a list."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, g, redirect, render_template, request
from markupsafe import Markup
from werkzeug.wrappers import Response

from engine import MOST_STARS, Message, Reader, is_id
from ui.asking import language, principal, reading, site
from ui.frame import is_fragment, notice, page
from ui.pages.listing import MOST, entity_of
from ui.safe import own_path
from ui.widgets.remembered import Shown, shown

SHOWN = 100
"""Starred records that a page shows at most of one kind, and the records visited last."""
RECENT = 50

routes = Blueprint("stars", __name__)


@routes.get("/search/starred")
def starred() -> str:
    """Show what somebody starred, by kind, and what they opened last."""
    with reading() as reader:
        stars = shown(reader, reader.remembered("person_star", MOST_STARS))
        groups: dict[str, list[Shown]] = {}
        for each in stars:
            groups.setdefault(each.entity.key, []).append(each)
        visits = shown(reader, reader.remembered("person_visit", RECENT))
        return page("starred.html", reader, groups=list(groups.values()), recent=visits, most=SHOWN)


@routes.post("/<entity>/<uuid:record_id>/star")
def star(entity: str, record_id: Any) -> Response | str:
    """Star a record, or take its star away; with htmx the button as it is then."""
    on = request.form.get("star") != "0"
    with reading() as reader:
        known = entity_of(reader, entity)
        reader.record(known.key, str(record_id), ("id",))
    if on:
        site().stars.put(principal(), entity, [str(record_id)])
    else:
        site().stars.take(principal(), entity, [str(record_id)])
    if is_fragment():
        return _button(entity, str(record_id), on=on)
    return redirect(own_path(request.form.get("back", ""), f"/{entity}/{record_id}"), 303)


@routes.post("/<entity>/star")
def star_ticked(entity: str) -> Response:
    """Star the ticked rows of a list; those that one may not read are left out."""
    ids = [each for each in request.form.getlist("id") if is_id(each)][:MOST]
    with reading() as reader:
        known = entity_of(reader, entity)
        found = sorted(reader.readable(known.key, ids), key=ids.index)
    added = site().stars.put(principal(), entity, found) if found else 0
    if added:
        notice(Message("{count} starred", count=added))
    return redirect(own_path(request.form.get("back", ""), f"/{entity}"), 303)


def star_button(entity: str, record_id: str) -> Markup | str:
    """Return the button that stars a record, for templates of pages that are made inside `reading`."""
    reader: Reader | None = g.get("reader")
    who = reader.principal if reader is not None else None
    if reader is None or who is None or who.id is None or who.scopes is not None or who.viewer is not None:
        return ""
    on = bool(site().stars.among(reader.connection, who, entity, [record_id]))
    return _button(entity, record_id, on=on)


def _button(entity: str, record_id: str, *, on: bool) -> Markup:
    html = render_template("_star.html", entity_key=entity, record_id=record_id, on=on, language=language())
    return Markup(html)  # noqa: S704 - rendered by a template
