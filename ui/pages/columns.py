"""The columns of a list: which, in what order and how wide, as each person likes them for each view.

Without a script every button sends the form, which comes back as it would look. With one, columns are dragged, and
widths are drawn at the heads of the list itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from flask import Blueprint, make_response, redirect, render_template, request
from werkzeug.wrappers import Response

from engine import Field, Message, Reader
from ui.asking import language, principal, reading, site
from ui.frame import is_fragment, notice, page
from ui.pages.chosen_view import NARROWEST, WIDEST, is_seen
from ui.pages.list_state import carried
from ui.pages.listing import MOST_ORDERS, PAGE, Listing, sorted_by
from ui.widgets.offered_paths import PathGroup, path_groups
from ui.widgets.paths import fields_along

MOST = 60
"""Columns of one list."""

routes = Blueprint("columns", __name__)


@dataclass(frozen=True, slots=True)
class Chosen:
    """A column of the form."""

    path: str
    label: str
    width: str


@routes.get("/<entity>/columns")
def show(entity: str) -> str:
    """Show the columns of a list, and those that it could have."""
    with reading() as reader:
        asked = carried(reader, entity)
        columns = [(path, each.width) for path, each in asked.wanted.view.columns.items() if not each.hidden]
        return _page(reader, asked, columns, ())


@routes.post("/<entity>/columns")
def change(entity: str) -> Response:
    """Move, add or take away a column of the form, or keep what it says."""
    act, _, path = request.form.get("do", "save").partition(":")
    with reading() as reader:
        asked = carried(reader, entity)
        columns = _posted(reader, asked)
        opened = [*request.form.getlist("open"), *([path] if act == "open" else [])]
        if act not in {"save", "reset"}:
            return make_response(_page(reader, asked, _moved(reader, asked, columns, act, path), opened))
        view = asked.wanted.view.key
    if act == "save" and not columns:
        notice(Message("A list has at least one column"), "danger")
        return redirect(asked.wanted.address("/columns", cursor="", rows=PAGE), 303)
    site().views.arrange(principal(), entity, columns={view: tuple(columns) if act == "save" else ()})
    return redirect(asked.wanted.address(cursor="", rows=PAGE), 303)


@routes.post("/<entity>/columns/width")
def width(entity: str) -> Response:
    """Keep how wide a column was drawn, or where it was put: `column` names all of them in order."""
    with reading() as reader:
        asked = carried(reader, entity)
        columns = _posted(reader, asked)
        view = asked.wanted.view.key
    if columns:
        site().views.arrange(principal(), entity, columns={view: tuple(columns)})
    return make_response("", 204)


def _posted(reader: Reader, asked: Listing) -> list[tuple[str, int | None]]:
    """Return the columns that a form names, in their order; what nobody may see is left out."""
    found: dict[str, int | None] = {}
    for path in request.form.getlist("column")[:MOST]:
        if is_seen(reader, asked.wanted.entity, path):
            size = None
            with suppress(ValueError):
                size = min(max(int(request.form.get(f"width-{path}", "")), NARROWEST), WIDEST)
            found[path] = size
    return list(found.items())


def _moved(
    reader: Reader, asked: Listing, columns: Sequence[tuple[str, int | None]], act: str, path: str
) -> list[tuple[str, int | None]]:
    order = list(columns)
    place = next((number for number, each in enumerate(order) if each[0] == path), -1)
    known = is_seen(reader, asked.wanted.entity, path)
    if act == "add" and place < 0 and known and len(order) < MOST:
        order.append((path, None))
    elif act == "remove" and place >= 0:
        order.pop(place)
    elif act in {"up", "down"} and place >= 0:
        order.insert(max(place - 1, 0) if act == "up" else place + 1, order.pop(place))
    return order


def _fits(field: Field) -> bool:
    return True


def _page(reader: Reader, asked: Listing, columns: Sequence[tuple[str, int | None]], opened: Sequence[str]) -> str:
    wanted = asked.wanted
    entity, spoken = wanted.entity.key, language()
    taken = {path for path, _width in columns}
    shown = {
        "entity": wanted.entity,
        "title": wanted.view.title,
        "columns": [
            Chosen(path, _label(reader, entity, path, spoken), str(size or ""))
            for path, size in columns
            if is_seen(reader, wanted.entity, path)
        ],
        "groups": _free(path_groups(reader.access, entity, spoken, _fits, opened), taken),
        "opened": opened,
        "arranged": asked.arranged,
        "state": wanted.address(cursor="", rows=PAGE).partition("?")[2],
        "back": wanted.address(cursor="", rows=PAGE),
    }
    if is_fragment():
        return render_template("_columns.html", **shown)
    return page("columns.html", reader, **shown, **_order(asked))


def _order(asked: Listing) -> dict[str, Any]:
    """Return what the form of the order has: the order now, what there is, and all else that the address says."""
    known = {head.sort: head.label for head in asked.table.heads if head.sort}
    now = [
        f"{'-' if falls else ''}{path}" for path, (_place, falls) in sorted_by(asked.wanted).items() if path in known
    ][:MOST_ORDERS]
    shown = replace(asked.wanted, cursor="", rows=PAGE)
    return {
        "orders": [*now, *[""] * (MOST_ORDERS - len(now))],
        "sorts": list(known.items()),
        "others": [(name, value) for name, value in shown.parameters() if name != "order"],
    }


def _free(groups: Sequence[PathGroup], taken: set[str]) -> list[PathGroup]:
    """Return the groups without the columns that are there already."""
    return [
        PathGroup(each.prefix, each.label, tuple(one for one in each.paths if one.path not in taken)) for each in groups
    ]


def _label(reader: Reader, entity: str, path: str, spoken: str) -> str:
    fields = fields_along(reader.model, entity, path.split(".")) or ()
    return " · ".join(each.label.in_(spoken) for each in fields)
