"""The tree of a list whose records are part of one another: departments, categories, accounts and their subsidiaries.

Which branches are open stands in the address. Where the list is narrowed down it shows what fits, each with the way
down to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote

from flask import Blueprint, make_response, redirect, render_template, request
from markupsafe import Markup
from werkzeug.wrappers import Response as AnyResponse

from engine import (
    NULL,
    Aggregate,
    Bucket,
    Call,
    Change,
    Entity,
    FieldProblem,
    GuanxiError,
    Literal,
    Message,
    NotFound,
    Path,
    Query,
    Reader,
    RecordInvalid,
    View,
    disjunction,
    is_id,
    new_id,
)
from ui.asking import principal, reading, site
from ui.frame import htmx, notice, page, words
from ui.pages import displays
from ui.pages.boards.cards import Card, Cards, Wish, cards, readable
from ui.pages.displays import Display, Drawn
from ui.pages.editing import Editing, blocks, editing, said_title, stored, unplaced
from ui.pages.forms import WITHOUT, for_conditions
from ui.pages.listing import Listing, entity_of, listing, locale_of
from ui.pages.posting import Sent, read
from ui.safe import own_path
from ui.widgets.paths import title_path

KEY = "tree"
ROOTS, CHILDREN, OPEN = 200, 1_000, 100
"""Records without a parent, records below all open ones, open ones, of one page."""
_WAY = 4
"""Levels of the way down to a record that was found."""
_DEEPEST = 200
_DOWN = " \N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK} "
_FACTS = 3

routes = Blueprint("boards_tree", __name__)


@dataclass(slots=True)
class Node:
    """A record in the tree."""

    card: Card
    count: int = 0
    """How many records are part of it, as far as who reads may see."""
    turn: str = ""
    """Address of the tree with it opened or closed."""
    is_open: bool = False
    below: list[Node] = field(default_factory=list)
    way: str = ""
    new: str = ""


def parent_of(reader: Reader, entity: Entity, view: View) -> str:
    """Return the link from a record to the one that it is part of; "" where there is none."""
    said_ = (view.tree or {}).get("parent", "")
    own = (each.key for each in entity.fields.values() if each.type.links == "one" and each.target == entity.key)
    for key in filter(None, (said_, *own)):
        known = readable(reader, entity, key)
        if known is not None and "." not in key and known.stored:
            return str(key)
    return ""


def _fits(reader: Reader, entity: Entity, view: View) -> bool:
    return bool(parent_of(reader, entity, view))


def draw(reader: Reader, asked: Listing) -> Drawn:
    """Return the tree of a list."""
    wanted = asked.wanted
    entity, parent = wanted.entity, parent_of(reader, wanted.entity, wanted.view)
    flat = wanted.narrowed or wanted.view.where is not None
    made = _cards(reader, asked, parent, ways=flat)
    nodes, cut = _found(reader, asked, made, parent) if flat else _branches(reader, asked, made, parent)
    shown = {
        "entity": entity,
        "wanted": wanted,
        "nodes": nodes,
        "cut": cut,
        "flat": flat,
        "parent": parent,
        "moves": parent in reader.access.writable(entity.key) and reader.access.may(entity.key, "update"),
        "adds": parent in reader.access.writable(entity.key) and reader.access.may(entity.key, "create"),
        "back": wanted.address(),
        "query": wanted.address().partition("?")[2],
    }
    return Drawn(Markup(render_template("boards/tree.html", **shown)))  # noqa: S704


displays.register(Display(KEY, "Tree", "hierarchy-2", _fits, draw, ("open",), order=60))


def _facts(view: View, entity: Entity, parent: str) -> tuple[str, ...]:
    left_out = {entity.title, parent, "updated_at"}
    flags = {key for key, each in entity.fields.items() if each.storage is not None and each.storage.kind == "boolean"}
    return tuple(path for path in view.columns if path not in left_out | flags)[:_FACTS]


def _cards(reader: Reader, asked: Listing, parent: str, *, ways: bool) -> Cards:
    entity = asked.wanted.entity
    up = title_path(reader.model, entity.key)
    way = tuple(".".join((*([parent] * level), *up)) for level in range(1, _WAY + 1)) if ways else ()
    wish = Wish(entity.title, _facts(asked.wanted.view, entity, parent), more=(parent, *way))
    return cards(reader, entity, wish, locale_of(reader))


# --- what is in it


def _branches(reader: Reader, asked: Listing, made: Cards, parent: str) -> tuple[list[Node], bool]:
    """Return the records without a parent, and below those that are open what is part of them."""
    entity = asked.wanted.entity
    opened = [each for each in asked.wanted.extra.get("open", "").split(",") if is_id(each)][:OPEN]
    up = Path((parent,))
    none: Any = Call("==", (up, NULL))
    if not reader.access.rule(entity.key, "read").everybody:
        # What is part of something out of reach would never be seen.
        none = disjunction(none, Call("==", (Path((parent, "created_at")), NULL)))
    query = replace(asked.query, select=made.select, cursor=None)
    roots = reader.query(replace(query, where=none, limit=ROOTS), abilities=("update",))
    cut = roots.next_cursor is not None
    nodes = [Node(card) for card in made.draw(reader, roots)]
    known = {node.card.id: node for node in nodes}
    if opened:
        inside = Call("in", (up, Literal(tuple(opened))))
        rows = reader.query(replace(query, where=inside, limit=CHILDREN), abilities=("update",))
        cut = cut or rows.next_cursor is not None
        children = [Node(card) for card in made.draw(reader, rows)]
        known.update({node.card.id: node for node in children})
        for node in children:
            above = known.get(node.card.values.get(parent) or "")
            if above is not None and above is not node:
                above.below.append(node)
    _count(reader, entity, parent, known)
    for node in known.values():
        node.is_open = node.card.id in opened
        turned = [each for each in opened if each != node.card.id] if node.is_open else [*opened, node.card.id]
        node.turn = asked.wanted.address(extra={"open": ",".join(turned)} if turned else {})
    return nodes, cut


def _count(reader: Reader, entity: Entity, parent: str, known: dict[str, Node]) -> None:
    """Say of each record how many are part of it, in one statement."""
    if not known:
        return
    counted = reader.aggregate(
        Query(
            entity.key,
            where=Call("in", (Path((parent,)), Literal(tuple(known)))),
            group_by=(Bucket(parent),),
            aggregates=(Aggregate("count"),),
            limit=len(known),
        )
    )
    for above, number in counted.values():
        if above in known:
            known[above].count = number


def _found(reader: Reader, asked: Listing, made: Cards, parent: str) -> tuple[list[Node], bool]:
    """Return what a search or a filter finds, each with the way down to it."""
    rows = reader.query(replace(asked.query, select=made.select, limit=ROOTS, cursor=None), abilities=("update",))
    nodes = []
    for card in made.draw(reader, rows):
        above = [str(title) for path, title in card.values.items() if path != parent and title]
        nodes.append(Node(card, way=_DOWN.join(reversed(above))))
    return nodes, rows.next_cursor is not None


# --- a record becomes part of another one


@routes.get("/<entity>/<uuid:record_id>/board/under")
def under(entity: str, record_id: Any) -> AnyResponse:
    """Ask what a record is to be part of."""
    return _ask(entity, str(record_id), (), Sent(), 200)


@routes.post("/<entity>/<uuid:record_id>/board/under")
def moved(entity: str, record_id: Any) -> AnyResponse:
    """Let a record be part of another one, or of none: as it was dragged, or as it was chosen."""
    id_ = str(record_id)
    back = own_path(request.form.get("back", ""), f"/{entity}?as={KEY}")
    with reading() as reader:
        shown = entity_of(reader, entity)
        parent = _parent(reader, shown)
        dragged = "to" in request.form
        if dragged:
            sent = Sent({parent: request.form["to"] or None})
        else:
            sent = read(reader, _form(reader, shown, parent), locale_of(reader), id_)
        target = sent.values.get(parent)
        problems = list(sent.problems)
        if isinstance(target, str) and is_id(target):
            problems += _circle(reader, shown, parent, id_, target)
    if not problems and sent.values:
        problems = _write(shown, Change(id_, sent.values, request.form.get("version", type=int)))
    if problems and not dragged:
        return _ask(entity, id_, problems, sent, 422)
    for each in problems:
        notice(each.message, "danger")
    if htmx:
        with reading() as reader:
            asked, _display = displays.settle(reader, listing(reader, entity, request.args), request.args)
            html = draw(reader, asked).html + render_template("_notices.html")
            return make_response(html, 422 if problems else 200)
    return redirect(back, 303)


def _parent(reader: Reader, entity: Entity) -> str:
    view = reader.model.views.get(request.args.get("view", "")) or reader.model.default_view(entity.key)
    found = parent_of(reader, entity, view)
    if not found:
        raise NotFound(Message("There is no {key}", key=KEY))
    return found


def _form(reader: Reader, entity: Entity, parent: str) -> Editing:
    form = editing(reader, entity, "update")
    fields = {parent: entity.fields[parent]} if parent in reader.access.writable(entity.key) else {}
    return Editing(entity, form.form, fields)


def _circle(reader: Reader, entity: Entity, parent: str, record_id: str, target: str) -> Sequence[FieldProblem]:
    """Return what is wrong where a record would become part of itself, or of what is part of it."""
    # The way up is no secret that could be told by a refusal, and who reads may not see all of it.
    everything = reader.as_system()
    at: str | None = target
    for _ in range(_DEEPEST):
        if at is None:
            return ()
        if at == record_id:
            title = reader.titles(entity.key, [target]).get(target, "")
            if target == record_id:
                return [FieldProblem(parent, Message("Nothing is part of itself"), "circle")]
            message = Message("“{title}” is part of it already, so it cannot be part of “{title}”", title=title)
            return [FieldProblem(parent, message, "circle")]
        try:
            at = everything.record(entity.key, at, (parent,)).values()[parent]
        except NotFound:
            return ()
    return [FieldProblem(parent, Message("The tree is too deep"), "circle")]


def _write(entity: Entity, change: Change) -> list[FieldProblem]:
    change_set = site().records.begin_set(principal(), "update", entity=entity.key)
    try:
        [written] = site().records.update(principal(), entity.key, [change], via="web", change_set=change_set)
    except RecordInvalid as error:
        return list(error.problems)
    except GuanxiError as error:
        return [FieldProblem("", error.message, "refused")]
    if written.action != "unchanged":
        notice(Message("Moved in the tree"), undo=f"/{entity.key}/undo/{change_set}")
    return []


def _ask(entity: str, record_id: str, problems: Sequence[FieldProblem], sent: Sent, status: int) -> AnyResponse:
    """Show the form that asks for the record above."""
    with reading() as reader:
        shown = entity_of(reader, entity)
        parent = _parent(reader, shown)
        form = _form(reader, shown, parent)
        filling, version, may = stored(reader, form, record_id)
        if not may or not form.fields:
            notice(Message("You may not change this record"), "danger")
            return redirect(f"/{entity}/{record_id}", 303)
        filling.uploads, filling.typed = sent.uploads, sent.values
        locale = locale_of(reader)
        back = own_path(request.values.get("back", ""), f"/{entity}?as={KEY}")
        shown_blocks = [
            replace(block, inputs=[each for each in block.inputs if each.kind != "shown"])
            for block in blocks(reader, form, filling, locale, problems)
        ]
        return make_response(
            page(
                "form.html",
                reader,
                entity=shown,
                record_id=record_id,
                title=said_title(filling.values, shown, locale),
                heading=words("Move in the tree"),
                blocks=[block for block in shown_blocks if block.inputs],
                unplaced=unplaced(form, problems),
                wrong=len(problems),
                lead="",
                version=request.form.get("version", type=int) or version,
                conflicts=(),
                once=new_id(),
                back=back,
                home=back,
                action=f"/{entity}/{record_id}/board/under?view={quote(request.args.get('view', ''))}",
                save=words("Move"),
                asked=(),
                touched=bool(problems),
                **WITHOUT,
                **for_conditions(reader, form, filling),
            ),
            status,
        )
