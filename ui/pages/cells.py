"""One field of one record, filled in where it stands: in the cell of a list or among the facts of a record.

The whole form is the way without a script; whoever opens such an address by itself is led there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from flask import Blueprint, make_response, redirect, render_template, request
from markupsafe import Markup, escape
from werkzeug.wrappers import Response

from engine import (
    AccessDenied,
    Change,
    Entity,
    FieldProblem,
    FormItem,
    Message,
    NotFound,
    Reader,
    RecordInvalid,
    Section,
    Tab,
    VersionConflict,
)
from ui.asking import principal, reading, site
from ui.frame import is_fragment, notice
from ui.pages.conflicts import of_fields, who_and_when
from ui.pages.editing import Editing, Filling, blocks, said_title, stored, unplaced
from ui.pages.forms import for_conditions
from ui.pages.listing import entity_of, locale_of
from ui.pages.posting import Sent, read
from ui.widgets.cells import Asked, Cell, cell
from ui.widgets.facts import only_value
from ui.widgets.inputs import Input, can_stand_in_cell
from ui.widgets.paths import fields_along, mask_of
from ui.widgets.tables import one_cell

OK, UNPROCESSABLE, CONFLICT = 200, 422, 409
MOST_COLUMNS = 60

routes = Blueprint("cells", __name__)


@routes.get("/<entity>/<uuid:record_id>/cell/<field>")
def show(entity: str, record_id: Any, field: str) -> Response:
    """Return the input of a field, filled with what is stored."""
    if not is_fragment():
        return redirect(f"/{entity}/{record_id}/edit#f-{field}", 303)
    with reading() as reader:
        return _form(reader, only(reader, entity_of(reader, entity), field), str(record_id))


@routes.post("/<entity>/<uuid:record_id>/cell/<field>")
def save(entity: str, record_id: Any, field: str) -> Response:
    """Store one field; answers with what the cells of its row show now."""
    id_ = str(record_id)
    with reading() as reader:
        form = only(reader, entity_of(reader, entity), field)
        reader.record(entity, id_, (form.entity.title,))
        sent = read(reader, form, locale_of(reader), id_)
        if sent.problems:
            return _form(reader, form, id_, sent, sent.problems)
    change_set = site().records.begin_set(principal(), "update", entity=entity)
    change = Change(id_, sent.values, request.form.get("version", type=int))
    try:
        [written] = site().records.update(principal(), entity, [change], via="web", change_set=change_set)
    except RecordInvalid as error:
        with reading() as reader:
            return _form(reader, form, id_, sent, error.problems)
    except VersionConflict as conflict:
        with reading() as reader:
            return _form(reader, form, id_, sent, (), conflict)
    if written.action != "unchanged":
        message = Message("{label} saved", label=form.fields[field].label)
        notice(message, undo=f"/{entity}/undo/{change_set}")
    for each in written.warnings:
        notice(each.message, "warning")
    with reading() as reader:
        cells = list(_cells(reader, form.entity, id_))
    return make_response(render_template("_cell_saved.html", cells=cells, version=written.version))


def only(reader: Reader, entity: Entity, key: str) -> Editing:
    """Return the form of one field.

    Raises:
        NotFound: there is no such field that who asks may know of.
        AccessDenied: they may not fill it in, or nobody may in a cell.
    """
    field = entity.fields.get(key)
    if field is None or field.hidden or reader.access.mask(entity.key).get(key, "hidden") == "hidden":
        raise NotFound(Message("There is no {key}", key=key))
    if key not in reader.access.writable(entity.key) or not can_stand_in_cell(field):
        message = Message("“{field}” cannot be changed here", field=field.label)
        raise AccessDenied(message, entity=entity.key, action="update", field=key)
    section = Section("cell", None, 1, (FormItem(key, 1),))
    form = replace(reader.model.form(entity.key), tabs=(Tab("cell", field.label, (section,), ()),))
    return Editing(entity, form, {key: field})


def _form(
    reader: Reader,
    form: Editing,
    record_id: str,
    sent: Sent | None = None,
    problems: Sequence[FieldProblem] = (),
    conflict: VersionConflict | None = None,
) -> Response:
    """Return the input of a field in a form of its own, with what is wrong."""
    entity, locale = form.entity, locale_of(reader)
    filling, version, may_update = stored(reader, form, record_id)
    if not may_update:
        reader.access.require(entity.key, "update")
        raise AccessDenied(Message("You may not change this record"), entity=entity.key, action="update")
    if sent is not None:
        filling.typed = sent.values
    made = _input(reader, form, filling, problems)
    if made is None or made.kind == "shown":
        # As the record is stored, the field is locked.
        [field] = form.fields.values()
        raise AccessDenied(Message("“{field}” cannot be changed now", field=field.label), entity=entity.key)
    posted = request.form.get("version", type=int)
    body = render_template(
        "_cell.html",
        each=made,
        action=f"/{entity.key}/{record_id}/cell/{made.name}",
        version=conflict.version if conflict is not None else posted or version,
        title=said_title(filling.values, entity, locale),
        unplaced=unplaced(form, problems),
        theirs=_theirs(reader, form, conflict),
        **for_conditions(reader, form, filling),
    )
    status = CONFLICT if conflict is not None else UNPROCESSABLE if problems else OK
    return make_response(body, status)


def _input(reader: Reader, form: Editing, filling: Filling, problems: Sequence[FieldProblem]) -> Input | None:
    made = [each for block in blocks(reader, form, filling, locale_of(reader), problems) for each in block.inputs]
    return next((replace(each, off=False, when={}) for each in made if each.kind != "shown"), None)


def _theirs(reader: Reader, form: Editing, conflict: VersionConflict | None) -> tuple[str, str]:
    """Return (what somebody else wrote into the field, who and when); empty without a conflict."""
    if conflict is None:
        return "", ""
    found = of_fields(reader, form.entity, conflict.fields, locale_of(reader))
    return (found[0].theirs if found else ""), who_and_when(reader, form.entity, conflict)


# --- what the cells show now


def _cells(reader: Reader, entity: Entity, record_id: str) -> Iterator[tuple[str, Markup]]:
    """Yield (dotted path, HTML) of what was asked for: `columns` holds paths, with a widget behind `:`."""
    wanted = [each for each in request.form.get("columns", "").split(",") if each][:MOST_COLUMNS]
    facts = request.form.get("as") == "facts"
    made = dict(_made(reader, entity, wanted, facts=facts))
    select = tuple(dict.fromkeys(path for _dotted, each in made.items() for path in each.paths))
    row = reader.record(entity.key, record_id, select or (entity.title,))
    values = row.values()
    for dotted, each in made.items():
        if facts:
            yield dotted, only_value(reader, entity.fields[dotted], locale_of(reader)).html(reader, values)
        else:
            shown = one_cell(reader, each, values)
            if dotted == entity.title:
                shown = Markup('<a href="/{}/{}">{}</a>').format(entity.key, record_id, shown or escape("—"))
            yield dotted, shown


def _made(reader: Reader, entity: Entity, wanted: Iterable[str], *, facts: bool) -> Iterator[tuple[str, Any]]:
    locale = locale_of(reader)
    for each in wanted:
        dotted, _, widget = each.partition(":")
        path = tuple(dotted.split("."))
        fields = fields_along(reader.model, entity.key, path)
        mask = mask_of(reader.access, fields) if fields else "hidden"
        if not fields or mask == "hidden":
            continue
        if facts:
            if len(path) == 1 and fields[0].type.links != "children":
                yield dotted, only_value(reader, fields[0], locale)
            continue
        asked: Cell = cell(Asked(reader.model, fields[-1], path, locale, widget, masked=mask == "masked"))
        yield dotted, asked
