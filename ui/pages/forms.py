"""Forms: a new record, and changes to one.

What is wrong stands at its field; what two people changed stands side by side; nothing that was typed is lost.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from flask import Blueprint, Response, make_response, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from engine import (
    AccessDenied,
    Change,
    Draft,
    DuplicatesFound,
    FieldProblem,
    IdempotencyMismatch,
    Locale,
    Message,
    NotFound,
    Reader,
    RecordInvalid,
    VersionConflict,
    minding_duplicates,
    new_id,
)
from ui.asking import principal, reading, site
from ui.frame import notice, page, within, words
from ui.pages.child_rows import done_with_rows
from ui.pages.conflicts import Conflict, of_cells, of_fields, who_and_when
from ui.pages.copying import asked_for, copied
from ui.pages.drafts import draft_asked_for, drop, offers, told, values_of
from ui.pages.duplicates import twins_of, watching
from ui.pages.editing import Editing, Filling, blank, blocks, editing, said_title, stored, tabs_of, unplaced, wrongs
from ui.pages.listing import entity_of, locale_of
from ui.pages.live import live_of
from ui.pages.logic import asks_server
from ui.pages.posting import Sent, read
from ui.pages.signed_out import kept_without_sign_in
from ui.pages.typed import go_on_with, is_again
from ui.safe import own_path
from ui.widgets import conditions
from ui.widgets.inputs import is_secret

OK, NOT_FOUND, UNPROCESSABLE, CONFLICT = 200, 404, 422, 409

routes = Blueprint("forms", __name__)

WITHOUT = {"tabs": (), "wrongs": (), "goes_on": "", "offers": (), "draft": "", "live": ""}
"""What the page of a whole form has, and that of a part of one has not."""


@routes.get("/<entity>/new")
def new(entity: str) -> Response:
    """Show an empty form; parameters named like fields fill some in."""
    with reading() as reader:
        shown = entity_of(reader, entity)
        reader.access.require(entity, "create")
        form = editing(reader, shown, "create")
        draft = draft_asked_for(reader, entity)
        if draft is not None:
            return _go_on(reader, form, draft)
        source = asked_for()
        if source:
            return _show(reader, form, copied(reader, form, source, locale_of(reader)), copy=source)
        return _show(reader, form, blank(reader, form, request.args.to_dict(), locale_of(reader)))


@routes.post("/<entity>/new")
@kept_without_sign_in
def create(entity: str) -> AnyResponse:
    """Make a record of a posted form."""
    with reading() as reader:
        shown = entity_of(reader, entity)
        reader.access.require(entity, "create")
        form = editing(reader, shown, "create")
        sent = read(reader, form, locale_of(reader))
    if "more" in request.form:
        return _more(entity)
    if sent.problems:
        return _again(entity, sent, sent.problems)
    try:
        with minding_duplicates("screen", force="anyway" in request.form):
            [written] = site().records.create(
                principal(), entity, [sent.values], key=request.form.get("once") or None, via="web"
            )
    except DuplicatesFound as found:
        return _again(entity, sent, (), "", CONFLICT, found=found)
    except RecordInvalid as error:
        return _again(entity, sent, sent.placed(form, error.problems))
    except IdempotencyMismatch:
        message = Message("This form was saved once already. Save again to make another {label}.", label=shown.label)
        return _again(entity, sent, [FieldProblem("", message, "twice")], once=new_id())
    drop(entity)
    _tell(Message("{label} created", label=shown.label), written.warnings)
    return redirect(own_path(request.form.get("back", ""), f"/{entity}/{written.id}"), 303)


@routes.get("/<entity>/<uuid:record_id>/edit")
def edit(entity: str, record_id: Any) -> Response:
    """Show the form of a record."""
    with reading() as reader:
        id_ = str(record_id)
        draft = draft_asked_for(reader, entity, id_)
        if draft is not None:
            return _go_on(reader, editing(reader, entity_of(reader, entity), "update"), draft)
        return _stored(reader, entity, id_)


@routes.post("/<entity>/<uuid:record_id>/edit")
@kept_without_sign_in
def update(entity: str, record_id: Any) -> AnyResponse:
    """Store what a posted form changes."""
    id_ = str(record_id)
    with reading() as reader:
        shown = entity_of(reader, entity)
        form = editing(reader, shown, "update")
        try:
            reader.record(entity, id_, (shown.title,))
        except NotFound:
            return _deleted(reader, entity, id_)
        sent = read(reader, form, locale_of(reader), id_)
    if "more" in request.form:
        return _more(entity, id_)
    if sent.problems:
        return _again(entity, sent, sent.problems, id_)
    if sent.conflicts:
        return _again(entity, sent, (), id_, CONFLICT)
    change = Change(id_, sent.values, request.form.get("version", type=int))
    try:
        with minding_duplicates("screen", force="anyway" in request.form):
            [written] = site().records.update(principal(), entity, [change], via="web")
    except DuplicatesFound as found:
        return _again(entity, sent, (), id_, CONFLICT, found=found)
    except RecordInvalid as error:
        return _again(entity, sent, sent.placed(form, error.problems), id_)
    except VersionConflict as conflict:
        return _again(entity, sent, (), id_, CONFLICT, conflict)
    except NotFound:
        with reading() as reader:
            return _deleted(reader, entity, id_)
    drop(entity, id_)
    if written.action == "unchanged":
        notice(Message("Nothing was changed"), "info")
    else:
        _tell(Message("{label} saved", label=shown.label), written.warnings)
    return redirect(own_path(request.form.get("back", ""), f"/{entity}/{record_id}"), 303)


def _go_on(reader: Reader, form: Editing, draft: Draft) -> Response:
    """Show a form as its draft has it."""
    go_on_with(values_of(draft))
    locale, entity = locale_of(reader), form.entity
    sent = read(reader, form, locale, draft.record)
    more: dict[str, Any] = {"once": draft.key, "goes_on": told(draft.at, locale, reader.access.env())}
    if draft.record:
        return _stored(reader, entity.key, draft.record, sent.problems, OK, None, sent, version=draft.version, **more)
    filling = blank(reader, form, {}, locale)
    filling.uploads, filling.typed = sent.uploads, sent.values
    return _show(reader, form, filling, sent.problems, OK, **more)


def _again(
    entity: str,
    sent: Sent,
    problems: Sequence[FieldProblem] = (),
    record_id: str = "",
    status: int = UNPROCESSABLE,
    conflict: VersionConflict | None = None,
    *,
    found: DuplicatesFound | None = None,
    **more: Any,
) -> Response:
    """Show a posted form once more, with what is wrong."""
    with reading() as reader:
        if found is not None:
            status = UNPROCESSABLE if found.blocked and not found.may_override else status
            more |= twins_of(reader, found)
        if record_id:
            return _stored(reader, entity, record_id, problems, status, conflict, sent, **more)
        form = editing(reader, entity_of(reader, entity), "create")
        filling = blank(reader, form, {}, locale_of(reader))
        filling.uploads, filling.typed = sent.uploads, sent.values
        return _show(reader, form, filling, problems, status, **more)


def _more(entity: str, record_id: str = "") -> Response:
    """Show a posted form once more, with what a button of its child rows does."""
    with reading() as reader:
        form = editing(reader, entity_of(reader, entity), "update" if record_id else "create")
        go_on_with(done_with_rows(reader, form.fields, request.form))
        sent = read(reader, form, locale_of(reader), record_id)
    return _again(entity, sent, (), record_id, OK)


def _deleted(reader: Reader, entity: str, record_id: str) -> Response:
    """Show the form of a record that somebody put into the recycle bin while it was filled in."""
    label = entity_of(reader, entity).label
    message = Message("Somebody moved this {label} to the recycle bin. Restore it, then save again.", label=label)
    return _stored(reader, entity, record_id, [FieldProblem("", message, "gone")], NOT_FOUND, trashed=True)


def _stored(
    reader: Reader,
    entity: str,
    record_id: str,
    problems: Sequence[FieldProblem] = (),
    status: int = OK,
    conflict: VersionConflict | None = None,
    sent: Sent | None = None,
    *,
    trashed: bool = False,
    **more: Any,
) -> Response:
    """Show the form of a stored record, as it was posted when it was."""
    shown = entity_of(reader, entity)
    form = editing(reader, shown, "update")
    filling, version, may_update = stored(reader, form, record_id, trashed=trashed)
    if not may_update and not trashed:
        reader.access.require(entity, "update")
        raise AccessDenied(Message("You may not change this record"), entity=entity, action="update")
    locale = locale_of(reader)
    conflicts: list[Conflict] = []
    if sent is not None:
        filling.uploads, filling.typed = sent.uploads, sent.values
        conflicts = of_cells(reader, form, sent.conflicts, locale) if status == CONFLICT else []
    if conflict is not None:
        conflicts += of_fields(reader, shown, conflict.fields, locale, who_and_when(reader, shown, conflict))
    posted = request.form.get("version", type=int)
    return _show(
        reader,
        form,
        filling,
        problems,
        status,
        title=said_title(filling.values, shown, locale),
        record_id=record_id,
        conflicts=conflicts,
        **{"version": conflict.version if conflict is not None else posted or version, **more},
    )


def _show(
    reader: Reader,
    form: Editing,
    filling: Filling,
    problems: Sequence[FieldProblem] = (),
    status: int = OK,
    **more: Any,
) -> Response:
    record_id, entity = more.get("record_id"), form.entity
    locale: Locale = locale_of(reader)
    home = f"/{entity.key}/{record_id}" if record_id else f"/{entity.key}"
    back = own_path(request.values.get("back", ""), "")
    made = blocks(reader, form, filling, locale, problems)
    shown: dict[str, Any] = {
        "entity": entity,
        "blocks": made,
        "tabs": tabs_of(form, made),
        "steps": form.form.steps and not record_id,
        "wrongs": wrongs(made),
        "unplaced": unplaced(form, problems),
        "wrong": len(problems),
        "version": None,
        "record_id": None,
        "title": words("New"),
        "heading": _heading(form, record_id),
        "conflicts": (),
        "once": request.form.get("once") or new_id(),
        "back": back,
        "home": back or home,
        "action": f"/{entity.key}/{record_id}/edit" if record_id else f"/{entity.key}/new",
        "save": words("Save"),
        "touched": is_again(),
        "goes_on": "",
        "offers": () if is_again() else offers(reader, entity.key, record_id or "", locale),
        "draft": f"/{entity.key}/draft",
        "live": live_of(reader, form),
        "logic": asks_server(reader, form),
        "watching": watching(reader, entity.key),
        **for_conditions(reader, form, filling),
        **more,
    }
    return make_response(page("form.html", reader, **shown), status)


def _heading(form: Editing, record_id: str | None) -> Message:
    label = within(form.entity.label)
    return Message("Edit {label}", label=label) if record_id else Message("New {label}", label=label)


def for_conditions(reader: Reader, form: Editing, filling: Filling) -> dict[str, str]:
    """Return what conditions in the browser read besides the inputs: variables (`env`) and stored values (`row`)."""
    entity, env = form.entity, dict(reader.access.env())
    env["now"] = env["now"].isoformat()
    read, olds = conditions.read_by(reader.model, entity.key, conditions.of_form(form.form, entity, form.fields))
    open_ = {
        path: value for path, value in filling.values.items() if not (f := entity.fields.get(path)) or not is_secret(f)
    }
    stored_row = {path: open_[path] for path in read if path in open_ and path not in form.fields}
    before = {key: open_[key] for key in olds if key in open_ and not form.creating}
    row = conditions.row_for_browser(reader.model, entity, before)
    env.update({f"old.{key}": value for key, value in json.loads(row).items()})
    return {
        "env": json.dumps(env, ensure_ascii=False, default=str),
        "row": conditions.row_for_browser(reader.model, entity, stored_row),
    }


def _tell(message: Message, warnings: Sequence[FieldProblem]) -> None:
    notice(message)
    for each in warnings:
        notice(each.message, "warning")
