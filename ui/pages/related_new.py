"""A record that belongs to the one on the page, made in place: a short form in its list, then the list with it."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

from flask import Blueprint, make_response, redirect, render_template, request
from werkzeug.wrappers import Response

from engine import (
    DuplicatesFound,
    Entity,
    FieldProblem,
    Message,
    NotFound,
    Reader,
    RecordInvalid,
    minding_duplicates,
    new_id,
)
from ui.asking import principal, reading, site
from ui.frame import is_fragment, notice
from ui.pages.belonging import Belonging, link_of, new_address, related_list, relation_of
from ui.pages.duplicates import twins_of
from ui.pages.editing import Editing, blank, blocks, unplaced
from ui.pages.forms import for_conditions
from ui.pages.listing import entity_of, locale_of
from ui.pages.posting import Sent, read
from ui.pages.quick import short_form

OK, CONFLICT, UNPROCESSABLE = 200, 409, 422

routes = Blueprint("related_new", __name__)


class _Wanted:
    """What is to be made: of which entity, in which list, with what filled in already."""

    def __init__(self, reader: Reader, entity: str, record_id: str, relation: str) -> None:
        self.reader, self.relation = reader, relation
        self.entity = entity_of(reader, entity)
        self.row = reader.record(entity, record_id, (self.entity.title,))
        self.here = f"/{entity}/{record_id}"
        self.tab = request.args.get("tab", "")
        known = relation_of(reader, self.entity, link_of(reader, entity, relation))
        self.whole = new_address(reader, *known, self.here, self.tab) if known is not None else ""
        if known is None or not self.whole:
            raise NotFound(Message("There is no {key}", key=relation))
        self.other: Entity = known[1]
        self.given = {key: values[0] for key, values in parse_qs(urlsplit(self.whole).query).items() if key != "back"}
        self.form: Editing = short_form(reader, self.other.key, self.given)

    def belonging(self) -> Belonging:
        """Return the list as it stands.

        Raises:
            NotFound: who reads may not look at it.
        """
        link = link_of(self.reader, self.entity.key, self.relation)
        found = related_list(self.reader, self.entity, self.row, link, counted=True, tab=self.tab)
        if found is None:
            raise NotFound(Message("There is no {key}", key=self.relation))
        return found

    def show(
        self,
        sent: Sent | None = None,
        problems: tuple[FieldProblem, ...] = (),
        found: DuplicatesFound | None = None,
        status: int = OK,
    ) -> Response:
        """Return the short form, as it was sent where that was refused."""
        reader, locale = self.reader, locale_of(self.reader)
        filling = blank(reader, self.form, self.given, locale)
        if sent is not None:
            filling.uploads, filling.typed = sent.uploads, sent.values
        made = [each for block in blocks(reader, self.form, filling, locale, problems) for each in block.inputs]
        body = render_template(
            "_related_new.html",
            entity=self.other,
            heading=Message("New {label}", label=self.other.label),
            inputs=made,
            unplaced=unplaced(self.form, problems),
            once=request.form.get("once") or new_id(),
            address=request.full_path.rstrip("?"),
            whole=self.whole,
            list=self.relation,
            **for_conditions(reader, self.form, filling),
            **(twins_of(reader, found) if found is not None else {}),
        )
        response = make_response(body, status)
        if status != OK:
            # What was made takes the place of the whole list; what was refused stays where it was filled in.
            response.headers["HX-Retarget"] = f"#new-{self.relation}"
            response.headers["HX-Reswap"] = "innerHTML"
        return response


@routes.get("/<entity>/<uuid:record_id>/related/<relation>/new")
def show(entity: str, record_id: Any, relation: str) -> Response:
    """Return the short form; without a script the whole one, which leads back."""
    with reading() as reader:
        wanted = _Wanted(reader, entity, str(record_id), relation)
        return wanted.show() if is_fragment() else redirect(wanted.whole, 303)


@routes.post("/<entity>/<uuid:record_id>/related/<relation>/new")
def create(entity: str, record_id: Any, relation: str) -> Response:
    """Make the record; answers with the list that it stands in now."""
    id_ = str(record_id)
    with reading() as reader:
        wanted = _Wanted(reader, entity, id_, relation)
        sent = read(reader, wanted.form, locale_of(reader))
        if sent.problems:
            return wanted.show(sent, tuple(sent.problems), status=UNPROCESSABLE)
        other = wanted.other
    try:
        with minding_duplicates("screen", force="anyway" in request.form):
            [written] = site().records.create(
                principal(), other.key, [sent.values], key=request.form.get("once") or None, via="web"
            )
    except DuplicatesFound as found:
        with reading() as reader:
            return _Wanted(reader, entity, id_, relation).show(sent, found=found, status=CONFLICT)
    except RecordInvalid as error:
        with reading() as reader:
            wanted = _Wanted(reader, entity, id_, relation)
            placed = tuple(sent.placed(wanted.form, error.problems))
            return wanted.show(sent, placed, status=UNPROCESSABLE)
    with reading() as reader:
        title = reader.titles(other.key, [written.id]).get(written.id, "")
        notice(Message("{label} “{title}” created", label=other.label, title=title))
        wanted = _Wanted(reader, entity, id_, relation)
        if not is_fragment():
            return redirect(f"{wanted.here}#list-{relation}", 303)
        return make_response(render_template("_related_made.html", list=wanted.belonging(), tab=wanted.tab))
