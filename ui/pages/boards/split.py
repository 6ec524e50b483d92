"""A list beside the record that is chosen in it: reading on without going back and forth."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flask import render_template
from markupsafe import Markup

from engine import Entity, Reader, View, is_id
from ui.frame import said
from ui.pages import displays
from ui.pages.boards.cards import Wish, cards
from ui.pages.displays import Display, Drawn
from ui.pages.listing import PAGE, Listing, locale_of
from ui.widgets.facts import facts

KEY = "split"
_FACTS = 2


def _fits(reader: Reader, entity: Entity, view: View) -> bool:
    return entity.parent is None


def draw(reader: Reader, asked: Listing) -> Drawn:
    """Return the list in one column, and beside it the record that its address names, else the first one."""
    wanted = asked.wanted
    entity = wanted.entity
    paths = [path for path, each in wanted.view.columns.items() if path != entity.title and not each.hidden]
    made = cards(reader, entity, Wish(entity.title, tuple(paths[:_FACTS])), locale_of(reader))
    rows = reader.query(replace(asked.query, select=made.select), abilities=("update",))
    found = made.draw(reader, rows)
    at = wanted.extra.get("at", "")
    chosen = at if is_id(at) else (found[0].id if found else "")
    more = wanted.address(cursor=rows.next_cursor, rows=PAGE, extra={}) if rows.next_cursor else ""
    shown: dict[str, Any] = {
        "entity": entity,
        "wanted": wanted,
        "cards": found,
        "chosen": chosen,
        "at": lambda id_: wanted.address(extra={"at": id_}),
        "more": more,
        "first": wanted.address(cursor="", extra={}) if wanted.cursor else "",
        "record": _record(reader, entity, chosen, {each.id for each in found}),
        "named": said(wanted.view.title),
    }
    return Drawn(Markup(render_template("boards/split.html", **shown)))  # noqa: S704


displays.register(Display(KEY, "List and record", "layout-sidebar-right", _fits, draw, ("at",), order=70))


def _record(reader: Reader, entity: Entity, id_: str, listed: set[str]) -> Markup:
    """Return the facts of the chosen record, for browsers without a script; others load its whole page."""
    if not id_:
        return Markup("")
    form = reader.model.form(entity.key)
    tab = form.tabs[0]
    told = facts(reader, entity, tab.sections, locale_of(reader), f"{form.key}/{tab.key}")
    if id_ not in listed and id_ not in reader.readable(entity.key, (id_,)):
        return Markup("")
    select = tuple(dict.fromkeys((entity.title, *told.select)))
    row = reader.record(entity.key, id_, select)
    return told.html(reader, row.values(), id_)
