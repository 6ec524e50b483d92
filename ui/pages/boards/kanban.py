"""The board: a column for each option of a field, a card for each record, sums and counts above them.

A card goes to another column by dragging, by its menu, or by the page of its menu where there is no script. Where the
field is the state, that is a transition with all of its guards; else it is a change of the field like any other.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import quote

from flask import Blueprint, make_response, redirect, render_template, request
from markupsafe import Markup
from werkzeug.wrappers import Response as AnyResponse

from engine import Entity, Message, NotFound, Query, Reader, View, lane
from ui.asking import reading
from ui.frame import htmx, page, said
from ui.pages import displays
from ui.pages.boards.cards import Card, Cards, Wish, cards, readable
from ui.pages.boards.columns import NOTHING, Board, Column, board_of, columns_of, fields_by, value_of
from ui.pages.boards.moving import Move, Refused, move, steps_to
from ui.pages.displays import Display, Drawn
from ui.pages.listing import Listing, listing, locale_of
from ui.safe import own_path

CARDS = 20
"""Cards of a column that come at a time."""
KEY = "kanban"

routes = Blueprint("boards_kanban", __name__)


def _fits(reader: Reader, entity: Entity, view: View) -> bool:
    found = next(fields_by(reader, entity, view), None)
    if found is None:
        return False
    # Any link would do, but a board by owner is worth an offer only where a document says so or options are there.
    field = readable(reader, entity, found)
    return view.kanban is not None or (field is not None and bool(field.choices))


def draw(reader: Reader, asked: Listing) -> Drawn:
    """Return the board of a list."""
    wanted = asked.wanted
    board = board_of(reader, wanted.entity, wanted.view, wanted.extra.get("by", ""))
    if board is None:
        return Drawn(Markup(""))
    found = columns_of(reader, asked, board)
    made = _cards(reader, wanted.entity, board)
    query = replace(asked.query, select=made.select, limit=CARDS, cursor=None)
    filled = [column.value for column in found if column.count]
    rows = reader.lanes(query, board.by, filled, abilities=("update",))
    drawn = {column.name: made.draw(reader, rows[column.value]) for column in found if column.value in rows}
    more = {
        column.name: _more(asked, column, cursor)
        for column in found
        if column.value in rows and (cursor := rows[column.value].next_cursor)
    }
    shown = _shown(reader, asked, board, found)
    return Drawn(Markup(render_template("boards/kanban.html", cards=drawn, more=more, **shown)))  # noqa: S704


displays.register(Display(KEY, "Board", "layout-kanban", _fits, draw, ("by",), order=20))


def _shown(reader: Reader, asked: Listing, board: Board, found: list[Column]) -> dict[str, Any]:
    wanted = asked.wanted
    entity = wanted.entity
    moves = board.moves and board.by in reader.access.writable(entity.key) and reader.access.may(entity.key, "update")
    bys = [
        (said(field.label), wanted.address(extra={"by": key}), key == board.by)
        for key in fields_by(reader, entity, wanted.view)
        if (field := readable(reader, entity, key)) is not None
    ]
    return {
        "entity": entity,
        "wanted": wanted,
        "board": board,
        "columns": found,
        "bys": bys,
        "moves": moves,
        "takes": _takes(reader, entity, board, found) if moves else {},
        "adds": moves and reader.access.may(entity.key, "create") and not entity.parent,
        "titled": entity.title in reader.access.writable(entity.key)
        and entity.fields[entity.title].type.name in {"text", "longtext"},
        "named": said(board.field.label),
        "back": wanted.address(),
        "query": wanted.address().partition("?")[2],
        "tables": {column.name: _as_table(asked, board, column) for column in found},
        "collapsed": {column.name for column in found if column.ends and not column.count},
    }


def _takes(reader: Reader, entity: Entity, board: Board, found: list[Column]) -> dict[str, str]:
    """Return for each column from which others a card may come into it; "*" for any."""
    if entity.states is None or entity.states.field != board.by:
        return {column.name: "*" for column in found}
    return {
        column.name: " ".join(
            each.name for each in found if each is not column and steps_to(reader, entity, each.value, column.value)
        )
        for column in found
    }


def _cards(reader: Reader, entity: Entity, board: Board) -> Cards:
    owner = "owner" if entity.owned and board.by != "owner" else ""
    wish = Wish(entity.title, (*((board.sum,) if board.sum else ()), *board.card), owner, board.due, board.stale)
    return cards(reader, entity, wish, locale_of(reader))


def _more(asked: Listing, column: Column, cursor: str) -> str:
    address = asked.wanted.address("/board/cards", cursor=cursor)
    return f"{address}&column={quote(column.name)}"


def _as_table(asked: Listing, board: Board, column: Column) -> str:
    """Return the address of a column as a table: what "more" leads to without a script."""
    wanted = asked.wanted
    chosen = {**wanted.chosen, board.by: (column.name,)}
    return wanted.address(display="table", extra={}, chosen=chosen, cursor="")


# --- further cards


@routes.get("/<entity>/board/cards")
def more_cards(entity: str) -> AnyResponse:
    """Return the next cards of one column."""
    with reading() as reader:
        asked, board = _asked(reader, entity)
        value = _value(board, request.args.get("column", NOTHING))
        made = _cards(reader, asked.wanted.entity, board)
        query = replace(asked.query, select=made.select, limit=CARDS, where=lane(board.by, value, asked.query.where))
        rows = reader.query(query, abilities=("update",))
        column = Column(value, request.args.get("column", NOTHING), Markup(""))
        more = _more(asked, column, rows.next_cursor) if rows.next_cursor else ""
        shown = {
            "entity": asked.wanted.entity,
            "drawn": made.draw(reader, rows),
            "name": column.name,
            "more": more,
            "table": _as_table(asked, board, column),
            "moves": board.moves and board.by in reader.access.writable(entity),
            "query": replace(asked.wanted, cursor="").address().partition("?")[2],
        }
        return make_response(render_template("boards/_cards.html", **shown))


def _asked(reader: Reader, entity: str) -> tuple[Listing, Board]:
    asked, display = displays.settle(reader, listing(reader, entity, _parameters()), _parameters())
    board = board_of(reader, asked.wanted.entity, asked.wanted.view, request.args.get("by", ""))
    if board is None or display is None:
        raise NotFound(Message("There is no {key}", key="kanban"))
    return asked, board


def _parameters() -> Any:
    """Return what the address says, as an address of a board whatever the usual display of its view is."""
    given = request.args.copy()
    given["as"] = KEY
    return given


def _value(board: Board, name: str) -> Any:
    try:
        return value_of(board.field, name)
    except KeyError:
        raise NotFound(Message("There is no {key}", key=name[:80])) from None


# --- moves


@routes.get("/<entity>/<uuid:record_id>/board/move")
def ways(entity: str, record_id: Any) -> AnyResponse:
    """Show where a card can go: the menu of the card, or a page where there is no script."""
    with reading() as reader:
        asked, board = _asked(reader, entity)
        shown = asked.wanted.entity
        made = _cards(reader, shown, board)
        select = tuple(dict.fromkeys((*made.select, board.by)))
        found = reader.query(Query(entity, select=select, ids=(str(record_id),), limit=1), abilities=("update",))
        if not found.rows:
            raise NotFound(Message("There is no such record"))
        now = next(iter(found.dicts()))[board.by]
        card = made.draw(reader, found)[0]
        values = {
            "entity": shown,
            "board": board,
            "named": said(board.field.label),
            "card": card,
            "now": now,
            "columns": columns_of(reader, asked, board),
            "reachable": lambda column: (
                steps_to(reader, shown, now, column.value)
                if shown.states is not None and shown.states.field == board.by
                else True
            ),
            "query": asked.wanted.address().partition("?")[2],
            "back": asked.wanted.address(),
        }
        if htmx:
            return make_response(render_template("boards/_ways.html", **values))
        return make_response(page("boards/ways.html", reader, title=card.title, **values))


@routes.post("/<entity>/<uuid:record_id>/board/move")
def moved(entity: str, record_id: Any) -> AnyResponse:
    """Bring a card into another column; what that still needs is asked for on a page of its own."""
    id_, name = str(record_id), request.form.get("to", "")
    back = own_path(request.form.get("back", ""), f"/{entity}?as={KEY}")
    with reading() as reader:
        asked, board = _asked(reader, entity)
        value = _value(board, name)
        found = columns_of(reader, asked, board)
        target = next((each for each in found if each.name == name), None)
    wish = Move(asked.wanted.entity, id_, board, value, request.form.get("version", type=int), back, target)
    outcome = move(wish)
    if isinstance(outcome, Refused) and outcome.form:
        return _leave(outcome.form)
    if not htmx:
        outcome.tell()
        return redirect(back, 303)
    outcome.tell()
    with reading() as reader:
        asked, board = _asked(reader, entity)
        return make_response(_answer(reader, asked, board, id_), outcome.status)


def _leave(address: str) -> AnyResponse:
    """Send the browser to another page, also where a script asked."""
    if not htmx:
        return redirect(address, 303)
    response = make_response("", 200)
    response.headers["HX-Redirect"] = address
    return response


def _answer(reader: Reader, asked: Listing, board: Board, record_id: str) -> str:
    """Return the card as it is now, and the heads of all columns with their numbers."""
    found = columns_of(reader, asked, board)
    made = _cards(reader, asked.wanted.entity, board)
    select = tuple(dict.fromkeys((*made.select, board.by)))
    where = asked.query.where
    query = Query(asked.wanted.entity.key, select=select, where=where, ids=(record_id,), limit=1)
    rows = reader.query(query, abilities=("update",))
    card: Card | None = None
    name = ""
    if rows.rows:
        card = made.draw(reader, rows)[0]
        value = next(iter(rows.dicts()))[board.by]
        name = next((each.name for each in found if each.value == value), NOTHING)
    shown = _shown(reader, asked, board, found)
    return render_template("boards/_moved.html", card=card, name=name, record_id=record_id, **shown)
