"""The filter builder: a condition put together from rows and groups, which becomes the expression of the list.

Every button works without a script: the form comes back with one row more or less. With one only the form is swapped,
and how many records fit is told while somebody types.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from flask import Blueprint, make_response, redirect, render_template, request
from werkzeug.wrappers import Response

from engine import (
    Expr,
    ExpressionInvalid,
    Field,
    GuanxiError,
    Message,
    Query,
    QueryInvalid,
    Reader,
    conjunction,
    parse,
    to_text,
)
from ui.asking import language, reading
from ui.frame import htmx, is_fragment, page, words
from ui.pages.list_state import carried
from ui.pages.listing import PAGE, Listing, Wanted
from ui.safe import own_path
from ui.widgets.criteria import Condition, Grammar, Group, Part, Words, replaced
from ui.widgets.criteria_rows import Filled, Form, first_row, read_form
from ui.widgets.offered_paths import OfferedPath, path_groups
from ui.widgets.operators import kind_of

MOST_TEXT = 6_000
"""Characters of an expression that an address carries."""

routes = Blueprint("filter_builder", __name__)


@routes.get("/<entity>/filter")
def show(entity: str) -> str:
    """Show the conditions of a list."""
    with reading() as reader:
        asked = carried(reader, entity)
        grammar = Grammar(reader.model, entity, reader.access)
        tree = tree_of(grammar, asked.wanted.filter)
        if not tree.parts:
            tree = replace(tree, parts=(first_row(reader, grammar),))
        return _page(reader, asked, Filled(tree))


@routes.post("/<entity>/filter")
def change(entity: str) -> Response:
    """Add or take away a row, or narrow the list by what the form says."""
    act, _, place = request.form.get("do", "apply").partition(":")
    with reading() as reader:
        asked = carried(reader, entity)
        grammar = Grammar(reader.model, entity, reader.access)
        filled = read_form(reader, grammar, request.form)
        if act != "apply":
            filled.tree = _rebuilt(reader, grammar, filled.tree, act, place)
            return make_response(_page(reader, asked, filled))
        expr = _written(reader, asked, grammar, filled)
        if filled.problems:
            return make_response(_page(reader, asked, filled), 422)
        text = to_text(expr) if expr is not None else ""
        report = _report()
        if report:
            return redirect(f"{report}{'&' if '?' in report else '?'}{urlencode({'filter': text})}", 303)
        return redirect(asked.wanted.address(filter=text, cursor="", rows=PAGE), 303)


@routes.post("/<entity>/filter/count")
def count(entity: str) -> str:
    """Tell how many records fit what the form says now."""
    with reading() as reader:
        asked = carried(reader, entity)
        grammar = Grammar(reader.model, entity, reader.access)
        filled = read_form(reader, grammar, request.form)
        expr = _written(reader, asked, grammar, filled)
        if filled.problems or asked.problems:
            return words("Not complete yet")
        found = reader.count(Query(entity, where=expr) if _report() else _query(asked, expr))
    number = f"{found.number:,}{'+' if found.capped else ''}"
    return words("1 record fits") if number == "1" else words("{count} records fit", count=number)


def _report() -> str:
    """Return the address of the report that the conditions are for, without them; "" for a list."""
    back = own_path(request.values.get("back", ""), "")
    return back if back.startswith("/report/") else ""


def _back(address: str, text: str) -> str:
    """Return where one goes who changes nothing."""
    report = _report()
    return f"{report}{'&' if '?' in report else '?'}{urlencode({'filter': text})}" if report else address


def tree_of(grammar: Grammar, text: str) -> Group:
    """Return the tree of an expression; of one that cannot be read a row with its words."""
    if not text:
        return Group(())
    try:
        return grammar.read(parse(text))
    except ExpressionInvalid:
        return Group((Words(text),))


def _rebuilt(reader: Reader, grammar: Grammar, tree: Group, act: str, place: str) -> Group:
    at = tuple(int(each) for each in place.split(".") if each.isdigit())
    added: Part
    match act:
        case "row":
            added = first_row(reader, grammar)
        case "words":
            added = Words("")
        case "group":
            added = Group((first_row(reader, grammar),), every=False)
        case "remove":
            return replaced(tree, at, lambda _part: None) if at else Group(())
        case _:
            return tree
    return replaced(tree, at, lambda part: _with(part, added))


def _with(part: Part, added: Part) -> Part:
    return replace(part, parts=(*part.parts, added)) if isinstance(part, Group) else part


def _written(reader: Reader, asked: Listing, grammar: Grammar, filled: Filled) -> Expr | None:
    """Return the expression of a form; what is wrong with it stands in its problems, by place."""
    for place, part in _leaves(filled.tree):
        if place in filled.problems:
            continue
        try:
            expr = grammar.write(part)
            if expr is not None and isinstance(part, Words):
                reader.count(Query(asked.wanted.entity.key, where=expr), limit=1)
        except (ExpressionInvalid, QueryInvalid) as error:
            filled.problems[place] = error.problems[0].message if error.problems else error.message
        if isinstance(part, Condition) and part.path and not grammar.operators(part.path):
            filled.problems[place] = Message("This field is gone, or hidden from you")
    if filled.problems:
        return None
    expr = grammar.write(filled.tree)
    if expr is not None and len(to_text(expr)) > MOST_TEXT:
        filled.problems["0"] = Message("This is too much for one filter")
    return expr


def _leaves(part: Part, place: str = "") -> Iterator[tuple[str, Part]]:
    if isinstance(part, Group):
        for number, each in enumerate(part.parts):
            yield from _leaves(each, f"{place}.{number}" if place else str(number))
    else:
        yield place, part


def _query(asked: Listing, expr: Expr | None) -> Query:
    """Return the query of a list with another expression than its own."""
    parts = [each for each in (asked.without_filter, expr) if each is not None]
    return replace(asked.query, where=conjunction(*parts) if parts else None, cursor=None)


def _fits(field: Field) -> bool:
    return bool(kind_of(field))


def _page(reader: Reader, asked: Listing, filled: Filled) -> str:
    wanted, grammar = asked.wanted, Grammar(reader.model, asked.wanted.entity.key, reader.access)
    opened = [each.path.rpartition(".")[0] for _place, each in _leaves(filled.tree) if isinstance(each, Condition)]
    opened += [each.path for _place, each in _leaves(filled.tree) if isinstance(each, Condition)]
    groups = path_groups(reader.access, wanted.entity.key, language(), _fits, [each for each in opened if "." in each])
    own = groups[0]
    record = OfferedPath("id", words("Record"), wanted.entity.fields["id"], leads_on=False)
    groups[0] = replace(own, paths=(*own.paths, record))
    shown = {
        "entity": wanted.entity,
        "root": Form(reader, grammar, language(), filled).inputs(),
        "groups": groups,
        "state": wanted.address(cursor="", rows=PAGE).partition("?")[2],
        "back": _back(wanted.address(cursor="", rows=PAGE), wanted.filter),
        "report": _report(),
        "alone": not is_fragment() or f"/{wanted.entity.key}/filter" in (htmx.current_url or ""),
    }
    if is_fragment():
        return render_template("_builder.html", **shown)
    return page("filter.html", reader, **shown)


@dataclass(frozen=True, slots=True)
class Said:
    """One condition of a list, as people say it, and the list without it."""

    words: str
    without: str


def said_filter(reader: Reader, wanted: Wanted) -> list[Said]:
    """Return the conditions of a list's expression, each with the address of the list without it."""
    return [
        Said(told, wanted.address(filter=without, cursor="", rows=PAGE))
        for told, without in said_of(reader, wanted.entity.key, wanted.filter)
    ]


def said_of(reader: Reader, entity: str, text: str) -> list[tuple[str, str]]:
    """Return the conditions of an expression as people say them, each with the expression without it."""
    if not text:
        return []
    grammar = Grammar(reader.model, entity, reader.access)
    tree = tree_of(grammar, text)
    form = Form(reader, grammar, language(), Filled(tree))
    form.inputs()
    if not tree.every:
        return [(form.sentence(tree), "")]
    return [(form.sentence(each), _without(grammar, tree, place)) for place, each in enumerate(tree.parts)]


def _without(grammar: Grammar, tree: Group, place: int) -> str:
    try:
        expr = grammar.write(replace(tree, parts=(*tree.parts[:place], *tree.parts[place + 1 :])))
    except GuanxiError:
        return ""
    return to_text(expr) if expr is not None else ""
