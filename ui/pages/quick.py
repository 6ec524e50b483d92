"""A record made from within the form of another: its name and what it cannot do without, and back to where one was."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from urllib.parse import quote

from flask import Blueprint, make_response, redirect, render_template, request
from werkzeug.wrappers import Response

from engine import FieldProblem, FormItem, Message, Reader, RecordInvalid, Section, Tab, new_id
from ui.asking import principal, reading, site
from ui.frame import is_fragment
from ui.pages.editing import Editing, blank, blocks, editing, unplaced
from ui.pages.forms import for_conditions
from ui.pages.listing import entity_of, locale_of
from ui.pages.posting import Sent, read

CREATED, UNPROCESSABLE = 201, 422

routes = Blueprint("quick", __name__)


@routes.get("/<entity>/quick")
def show(entity: str) -> Response:
    """Return the short form of a new record; parameters named like fields fill some in."""
    if not is_fragment():
        return redirect(f"/{quote(entity, safe='')}/new?{request.query_string.decode(errors='replace')}", 303)
    with reading() as reader:
        return _form(reader, _short(reader, entity))


@routes.post("/<entity>/quick")
def create(entity: str) -> Response:
    """Make the record; answers with its id and its title."""
    with reading() as reader:
        form = _short(reader, entity)
        sent = read(reader, form, locale_of(reader))
        if sent.problems:
            return _form(reader, form, sent, sent.problems)
    try:
        [written] = site().records.create(
            principal(), entity, [sent.values], key=request.form.get("once") or None, via="web"
        )
    except RecordInvalid as error:
        with reading() as reader:
            return _form(reader, form, sent, error.problems)
    with reading() as reader:
        title = reader.titles(entity, [written.id]).get(written.id, "")
    return make_response(render_template("_quick_made.html", id=written.id, title=title), CREATED)


def _short(reader: Reader, entity: str) -> Editing:
    return short_form(reader, entity, {*request.args, *(name.removeprefix("was-") for name in request.form)})


def short_form(reader: Reader, entity: str, given: Iterable[str]) -> Editing:
    """Return the form with the title, what is required, and what is filled in already.

    Raises:
        AccessDenied: who reads may not make such records.
    """
    shown = entity_of(reader, entity)
    reader.access.require(entity, "create")
    whole = editing(reader, shown, "create")
    given = set(given)
    fields = {
        key: each
        for key, each in whole.fields.items()
        if each.type.links != "children" and (key == shown.title or each.required or key in given)
    }
    section = Section("quick", None, 1, tuple(FormItem(key, 1) for key in fields))
    return Editing(shown, replace(whole.form, tabs=(Tab("quick", shown.label, (section,), ()),)), fields, creating=True)


def _form(reader: Reader, form: Editing, sent: Sent | None = None, problems: Sequence[FieldProblem] = ()) -> Response:
    locale = locale_of(reader)
    filling = blank(reader, form, request.args.to_dict(), locale)
    if sent is not None:
        filling.uploads, filling.typed = sent.uploads, sent.values
    made = [each for block in blocks(reader, form, filling, locale, problems) for each in block.inputs]
    # The page has inputs of these names already, so those of this form have ids of their own.
    body = render_template(
        "_quick.html",
        entity=form.entity,
        heading=Message("New {label}", label=form.entity.label),
        inputs=made,
        unplaced=unplaced(form, problems),
        once=request.form.get("once") or new_id(),
        **for_conditions(reader, form, filling),
    )
    return make_response(body, UNPROCESSABLE if problems else 200)
