"""Transitions: a button moves a record to another state; what that still needs is asked for on a page of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from flask import Blueprint, make_response, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from engine import Entity, FieldProblem, Message, NotFound, Reader, RecordInvalid, Transition, VersionConflict, new_id
from ui.asking import principal, reading, site
from ui.frame import notice, page, said, words
from ui.pages.editing import Block, Editing, Filling, blocks, editing, said_title, stored, unplaced
from ui.pages.forms import WITHOUT, for_conditions
from ui.pages.listing import entity_of, locale_of
from ui.pages.posting import Sent, read
from ui.pages.signed_out import kept_without_sign_in
from ui.safe import own_path

routes = Blueprint("moves", __name__)

_ASKED = "asked"
"""Names the fields that the page of a transition asks for."""


@routes.post("/<entity>/<uuid:record_id>/transition/<name>")
@kept_without_sign_in
def transition(entity: str, record_id: Any, name: str) -> AnyResponse:
    """Move a record to another state, with what was filled in for it."""
    id_ = str(record_id)
    with reading() as reader:
        shown = entity_of(reader, entity)
        step = _step(shown, name)
        form = _asking(editing(reader, shown, "update"), request.form.getlist(_ASKED))
        sent = read(reader, form, locale_of(reader), id_) if form.fields else Sent()
    if "more" in request.form:
        return _ask(entity, id_, step, form, sent, (), 200)
    if sent.problems:
        return _ask(entity, id_, step, form, sent, sent.problems)
    change_set = site().records.begin_set(principal(), "transition", entity=entity)
    try:
        [written] = site().records.transition(
            principal(),
            entity,
            [id_],
            name,
            sent.values,
            version=request.form.get("version", type=int),
            via="web",
            change_set=change_set,
        )
    except RecordInvalid as error:
        return _ask(entity, id_, step, form, sent, sent.placed(form, error.problems))
    except VersionConflict as error:
        return _ask(entity, id_, step, form, sent, [FieldProblem("", error.message, "conflict")], 409)
    if shown.states is not None:
        option = shown.fields[shown.states.field].choices.get(str(written.values.get(shown.states.field)))
        state = option.label if option is not None else shown.label
        notice(Message("Now {state}", state=state), undo=f"/{entity}/undo/{change_set}")
    for each in written.warnings:
        notice(each.message, "warning")
    return redirect(own_path(request.form.get("back", ""), f"/{entity}/{record_id}"), 303)


@routes.get("/<entity>/<uuid:record_id>/transition/<name>")
def needed(entity: str, record_id: Any, name: str) -> AnyResponse:
    """Show the page that asks for what a transition needs: what leads here knows that something is missing."""
    with reading() as reader:
        shown = entity_of(reader, entity)
        step = _step(shown, name)
        form = _asking(editing(reader, shown, "update"), ())
    return _ask(entity, str(record_id), step, form, Sent(), (), 200)


def _step(entity: Entity, name: str) -> Transition:
    found = entity.states.transitions.get(name) if entity.states is not None else None
    if found is None:
        raise NotFound(Message("There is no {key}", key=name))
    return found


def _asking(form: Editing, keys: Sequence[str]) -> Editing:
    """Return a form with some of its fields only."""
    return Editing(form.entity, form.form, {key: each for key, each in form.fields.items() if key in keys})


def _ask(
    entity: str,
    record_id: str,
    step: Transition,
    asked: Editing,
    sent: Sent,
    problems: Sequence[FieldProblem],
    status: int = 422,
) -> AnyResponse:
    """Show the page that asks for what a transition needs; its own refusals are said above."""
    with reading() as reader:
        shown = entity_of(reader, entity)
        whole = editing(reader, shown, "update")
        keys = {*asked.fields, *step.requires, *(each.path.partition("/")[0] for each in problems)}
        if shown.states is not None:
            keys.discard(shown.states.field)
        form = _asking(whole, tuple(keys))
        if not form.fields:
            # Nothing that they could fill in would help.
            for each in unplaced(form, problems):
                notice(each, "danger")
            return redirect(f"/{entity}/{record_id}", 303)
        filling, version, _may = stored(reader, form, record_id)
        filling.uploads, filling.typed = sent.uploads, sent.values
        locale = locale_of(reader)
        home = f"/{entity}/{record_id}"
        shown_blocks = _named(_inputs(reader, form, filling, problems), step)
        said_above = unplaced(form, problems)
        first = not asked.fields and not said_above
        title = said_title(filling.values, shown, locale)
        return make_response(
            page(
                "form.html",
                reader,
                entity=shown,
                record_id=record_id,
                title=title,
                heading=step.label,
                blocks=shown_blocks,
                unplaced=said_above,
                wrong=0 if first else len(problems),
                lead=words("Fill this in to go on") if first else "",
                version=request.form.get("version", type=int) or version,
                conflicts=(),
                once=new_id(),
                back=own_path(request.values.get("back", ""), ""),
                home=home,
                action=f"{home}/transition/{step.key}",
                save=said(step.label),
                asked=sorted(form.fields),
                touched=bool(asked.fields),
                **WITHOUT,
                **for_conditions(reader, form, filling),
            ),
            status,
        )


def _inputs(reader: Reader, form: Editing, filling: Filling, problems: Sequence[FieldProblem]) -> list[Block]:
    return blocks(reader, form, filling, locale_of(reader), problems)


def _named(found: Sequence[Block], step: Transition) -> list[Block]:
    """Return blocks with their inputs alone, all to be seen: they are asked for, whatever hides them otherwise."""
    return [
        Block(
            each.key,
            "",
            each.columns,
            [
                replace(
                    one,
                    off=False,
                    required=one.required or one.name in step.requires,
                    when={name: tree for name, tree in one.when.items() if name not in {"visible", "required"}},
                )
                for one in each.inputs
                if one.kind != "shown"
            ],
        )
        for each in found
    ]
