"""Forms: a new record, and changes to one.

What is wrong stands at its field; what two people changed stands side by side.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from flask import Blueprint, Response, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from engine import (
    AccessDenied,
    Change,
    Entity,
    FieldConflict,
    FieldProblem,
    Locale,
    Message,
    Reader,
    RecordInvalid,
    VersionConflict,
    is_id,
    new_id,
)
from ui.asking import language, principal, reading, site
from ui.frame import notice, page, words
from ui.pages.editing import (
    Editing,
    blocks,
    changed_elsewhere,
    defaults_of,
    editing,
    raw_values,
    said_title,
    titles_of,
    unplaced,
)
from ui.pages.listing import entity_of, locale_of
from ui.safe import own_path

UNPROCESSABLE, CONFLICT = 422, 409
THEIRS = "theirs"

routes = Blueprint("forms", __name__)


@routes.get("/<entity>/new")
def new(entity: str) -> Response:
    """Show an empty form; parameters named like fields fill some in."""
    with reading() as reader:
        shown = entity_of(reader, entity)
        reader.access.require(entity, "create")
        form = editing(reader, shown, "create")
        values = defaults_of(reader.model, form)
        given = {key: value for key, value in request.args.items() if key in form.fields and value}
        titles = _given_titles(reader, form, given)
        values.update(given)
        return _show(reader, form, values, titles, locale_of(reader))


@routes.post("/<entity>/new")
def create(entity: str) -> AnyResponse:
    """Make a record of a posted form."""
    with reading() as reader:
        shown = entity_of(reader, entity)
        reader.access.require(entity, "create")
        locale = locale_of(reader)
        form = editing(reader, shown, "create")
        values = _values(reader, form, locale)
    if "more" in request.form:
        return _again(entity, None, (), 200)
    try:
        [written] = site().records.create(
            principal(), entity, [values], key=request.form.get("once") or None, via="web"
        )
    except RecordInvalid as error:
        return _again(entity, None, error.problems)
    _tell(Message("{label} created", label=shown.label), written.warnings)
    return redirect(own_path(request.form.get("back", ""), f"/{entity}/{written.id}"), 303)


@routes.get("/<entity>/<uuid:record_id>/edit")
def edit(entity: str, record_id: Any) -> Response:
    """Show the form of a record."""
    with reading() as reader:
        return _stored(reader, entity, str(record_id))


@routes.post("/<entity>/<uuid:record_id>/edit")
def update(entity: str, record_id: Any) -> AnyResponse:
    """Store what a posted form changes."""
    with reading() as reader:
        shown = entity_of(reader, entity)
        locale = locale_of(reader)
        form = editing(reader, shown, "update")
        values = _values(reader, form, locale)
    if "more" in request.form:
        return _again(entity, str(record_id), (), 200)
    for key in list(values):
        if request.form.get(f"choose-{key}") == THEIRS:
            del values[key]
    change = Change(str(record_id), values, request.form.get("version", type=int))
    try:
        [written] = site().records.update(principal(), entity, [change], via="web")
    except RecordInvalid as error:
        return _again(entity, str(record_id), error.problems)
    except VersionConflict as conflict:
        return _again(entity, str(record_id), (), CONFLICT, conflict)
    if written.action == "unchanged":
        notice(Message("Nothing was changed"), "info")
    else:
        _tell(Message("{label} saved", label=shown.label), written.warnings)
    return redirect(own_path(request.form.get("back", ""), f"/{entity}/{record_id}"), 303)


@routes.get("/lookup/<entity>/<field>")
def choices(entity: str, field: str) -> str:
    """Return the records that a link may lead to, as options of a datalist."""
    # The input's own name carries what was typed; a child row's has a prefix.
    typed = request.args.get("q") or next((value for key, value in request.args.items() if key.endswith(field)), "")
    with reading() as reader:
        entity_of(reader, entity)
        found = reader.options(entity, field, typed.strip(), None, limit=20)
    return render_template("_choices.html", options=found)


def _values(reader: Reader, form: Editing, locale: Locale) -> dict[str, Any]:
    return raw_values(reader, form, locale)


def _given_titles(reader: Reader, form: Editing, given: Mapping[str, str]) -> dict[str, str]:
    found = {}
    for key, value in given.items():
        field = form.fields[key]
        if field.type.links == "one" and field.target and is_id(value):
            found[key] = reader.titles(field.target, [value]).get(value, "")
    return found


def _stored(
    reader: Reader,
    entity: str,
    record_id: str,
    problems: Sequence[FieldProblem] = (),
    status: int = 200,
    conflict: VersionConflict | None = None,
) -> Response:
    """Show the form of a stored record, as it was posted when it was."""
    shown = entity_of(reader, entity)
    form = editing(reader, shown, "update")
    paths = titles_of(reader, form)
    select = dict.fromkeys((*form.select, shown.title, *paths.values()))
    row = reader.record(entity, record_id, tuple(select), abilities=("update",))
    if not row.may("update"):
        reader.access.require(entity, "update")
        raise AccessDenied(Message("You may not change this record"), entity=entity, action="update")
    values = dict(row.values())
    for key, field in form.fields.items():
        if field.type.links == "children":
            values[key] = list(values[key].dicts()) if values.get(key) is not None else []
    titles = {key: str(values.get(path) or "") for key, path in paths.items()}
    more: dict[str, Any] = {
        "version": conflict.version if conflict is not None else request.form.get("version") or row.version,
        "title": said_title(values, shown, locale_of(reader)),
        "record_id": record_id,
    }
    if conflict is not None:
        more["conflicts"] = _conflicts(reader, shown, conflict.fields, locale_of(reader))
        more["conflict"] = changed_elsewhere(shown)
    return _show(reader, form, values, titles, locale_of(reader), problems, status, **more)


def _show(
    reader: Reader,
    form: Editing,
    values: Mapping[str, Any],
    titles: Mapping[str, str],
    locale: Locale,
    problems: Sequence[FieldProblem] = (),
    status: int = 200,
    **more: Any,
) -> Response:
    record_id = more.get("record_id")
    shown: dict[str, Any] = {
        "entity": form.entity,
        "blocks": blocks(reader, form, values, titles, locale, problems),
        "unplaced": unplaced(form, problems),
        "wrong": len(problems),
        "version": None,
        "record_id": None,
        "title": words("New"),
        "conflicts": (),
        "conflict": None,
        "once": request.form.get("once") or new_id(),
        "back": own_path(request.values.get("back", ""), ""),
        "action": f"/{form.entity.key}/{record_id}/edit" if record_id else f"/{form.entity.key}/new",
        "env": json.dumps(reader.access.env(), ensure_ascii=False, default=str),
        **more,
    }
    return make_response(page("form.html", reader, **shown), status)


def _again(
    entity: str,
    record_id: str | None,
    problems: Sequence[FieldProblem],
    status: int = UNPROCESSABLE,
    conflict: VersionConflict | None = None,
) -> Response:
    """Show a posted form once more, with what is wrong."""
    with reading() as reader:
        if record_id is not None:
            return _stored(reader, entity, record_id, problems, status, conflict)
        form = editing(reader, entity_of(reader, entity), "create")
        return _show(reader, form, defaults_of(reader.model, form), {}, locale_of(reader), problems, status)


def _conflicts(
    reader: Reader, entity: Entity, fields: Mapping[str, FieldConflict], locale: Locale
) -> list[dict[str, Any]]:
    """Return for each field that two people changed what each of them wrote, in words."""
    found = []
    for key, each in fields.items():
        field = entity.fields[key]
        found.append(
            {
                "key": key,
                "label": field.label.in_(language()),
                "mine": spoken(reader, entity, key, each.mine, locale),
                "theirs": spoken(reader, entity, key, each.theirs, locale),
            }
        )
    return found


def spoken(reader: Reader, entity: Entity, key: str, value: Any, locale: Locale) -> str:
    """Return a value of a field in words: with labels, titles of linked records, local times."""
    field = entity.fields[key]
    if value is None or value in ((), []):
        return "—"
    if field.type.links in {"one", "many"} and field.target:
        ids = [value] if isinstance(value, str) else list(value)
        titles = reader.titles(field.target, ids)
        return ", ".join(titles.get(each, "…") for each in ids)
    if field.type.links:
        return str(len(value)) if field.type.links == "children" else str(value)
    if field.choices:
        keys = [value] if isinstance(value, str) else list(value)
        return ", ".join(
            field.choices[each].label.in_(locale.language) if each in field.choices else str(each) for each in keys
        )
    return field.type.displayer(field.options, locale)(value)


def _tell(message: Message, warnings: Sequence[FieldProblem]) -> None:
    notice(message)
    for each in warnings:
        notice(each.message, "warning")
