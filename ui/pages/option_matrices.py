"""Options that depend on another field, edited as a table: ticks say which goes with which."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, make_response, redirect, request
from werkzeug.wrappers import Response

from engine import (
    Entity,
    Field,
    GuanxiError,
    Matrix,
    Message,
    Model,
    NotFound,
    Reader,
    decider_of,
    deciding_fields,
    depending_fields,
    matrix_of,
)
from ui.asking import language, reading, site
from ui.frame import notice, page, said, words
from ui.pages.account import own, own_id
from ui.pages.changes import CHANGES, require_developer

HOME = "/admin/options"
_MOST_FIELDS = 60
_MEANWHILE = "Somebody else changed this table meanwhile. Your ticks stand below; save again to keep them."

routes = Blueprint("option_matrices", __name__, url_prefix=HOME)


@dataclass(frozen=True, slots=True)
class Listed:
    """One field whose options may depend on another."""

    entity: str
    label: str
    address: str
    by: str
    """The field that it depends on; "" when it depends on none."""
    other: bool
    """Whether its conditions are such as no table can say."""


def drafted_model(reader: Reader) -> tuple[Model, GuanxiError | None]:
    """Return the Model with what is drafted, else the one that runs and why the drafts cannot be one."""
    try:
        return site().drafting.model(), None
    except GuanxiError as error:
        return reader.model, error


@routes.get("")
def overview() -> str:
    """List the fields with options of each object, those that depend on others first."""
    own()
    with reading() as reader:
        require_developer(reader)
        model, wrong = drafted_model(reader)
        listed = [each for entity in model.entities.values() for each in _of(entity)]
        return page(
            "options.html",
            reader,
            matrices=[each for each in listed if each.by or each.other],
            others=[each for each in listed if not (each.by or each.other)],
            drafts=len(site().drafting.documents()),
            wrong=wrong.in_(language()) if wrong is not None else "",
            changes=CHANGES,
        )


def _of(entity: Entity) -> list[Listed]:
    found = []
    for field in depending_fields(entity):
        # What the engine itself goes by, such as the states of users, is not for a site to narrow.
        if field.layer == "core" or not deciding_fields(entity, field):
            continue
        by = decider_of(entity, field)
        found.append(
            Listed(
                said(entity.label),
                said(field.label),
                f"{HOME}/{entity.key}/{field.key}",
                said(by.label) if by is not None else "",
                bool(field.options_when) and by is None,
            )
        )
    return found


@dataclass(frozen=True, slots=True)
class Open:
    """The table that is being edited."""

    entity: Entity
    field: Field
    by: Field | None
    matrix: Matrix | None

    @property
    def mark(self) -> str:
        """Tells whether somebody else changed the conditions meanwhile."""
        known = sorted((key, repr(expr)) for key, expr in self.field.options_when.items())
        return hashlib.sha256(json.dumps(known).encode()).hexdigest()[:16]


def _opened(model: Model, entity: str, field: str, by: str) -> Open:
    """Return the table of a field by another.

    Raises:
        NotFound: there is no such field, or its options cannot depend on that one.
    """
    known = model.entities.get(entity)
    found = known.fields.get(field) if known is not None else None
    if known is None or found is None or found not in depending_fields(known):
        raise NotFound(Message("There is no {key}", key=f"{entity}.{field}"))
    chosen = decider_of(known, found)
    if by:
        chosen = next((each for each in deciding_fields(known, found) if each.key == by), None)
        if chosen is None:
            raise NotFound(Message("There is no {key}", key=f"{entity}.{by}"))
    return Open(known, found, chosen, matrix_of(known, found, chosen) if chosen is not None else None)


@routes.get("/<entity>/<field>")
def show(entity: str, field: str) -> str:
    """Show the table; until a field is chosen on which the options depend, ask for that."""
    own()
    with reading() as reader:
        require_developer(reader)
        model, wrong = drafted_model(reader)
        opened = _opened(model, entity, field, request.args.get("by", ""))
        return _page(reader, opened, None, wrong.in_(language()) if wrong is not None else "")


def _page(reader: Reader, opened: Open, ticked: Mapping[str, Any] | None, wrong: str) -> str:
    matrix = opened.matrix
    given = {} if matrix is None else {each.key: each.ticked for each in matrix.columns}
    return page(
        "options_matrix.html",
        reader,
        home=HOME,
        changes=CHANGES,
        entity=opened.entity,
        field=opened.field,
        by=opened.by,
        matrix=matrix,
        ticked=given if ticked is None else ticked,
        rows=[(row.key, said(row.label) if row.label is not None else _named(row.key)) for row in matrix.rows]
        if matrix is not None
        else (),
        choices=deciding_fields(opened.entity, opened.field)[:_MOST_FIELDS],
        mark=opened.mark,
        wrong=wrong,
    )


def _named(row: str) -> str:
    return {"true": words("Yes"), "false": words("No")}.get(row, words("(nothing chosen)"))


@routes.post("/<entity>/<field>")
def keep(entity: str, field: str) -> Response:
    """Keep the ticks as a draft, and lead to what publishing it would change."""
    author = own_id()
    with reading() as reader:
        require_developer(reader)
        model = site().drafting.model()
        opened = _opened(model, entity, field, request.form.get("by", ""))
        matrix = opened.matrix
        if matrix is None:
            raise NotFound(Message("There is no {key}", key=f"{entity}.{field}"))
        known = {row.key for row in matrix.rows}
        ticked = {each.key: known.intersection(request.form.getlist(f"o.{each.key}")) for each in matrix.columns}
        if request.form.get("mark") != opened.mark:
            wrong = words(
                "Somebody else changed this table meanwhile. Your ticks stand below; save again to keep them."
            )
            return make_response(_page(reader, opened, ticked, wrong), 409)
        never = [said(each.label) for each in matrix.columns if not each.other and not ticked[each.key]]
        if len(never) == len(matrix.columns):
            wrong = words("Without any tick nothing could ever be chosen: tick at least one.")
            return make_response(_page(reader, opened, ticked, wrong), 422)
        before = matrix.conditions({each.key: each.ticked for each in matrix.columns})
    now = {key: text for key, text in matrix.conditions(ticked).items() if text != before[key]}
    if not now:
        notice(Message("Nothing was changed"), "info")
        return redirect(request.full_path.rstrip("?"), 303)
    site().drafting.set_options(entity, field, now, author=author)
    notice(Message("Drafted: nobody works with it before it is published"), "info")
    return redirect(CHANGES, 303)
