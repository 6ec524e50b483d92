"""What is done to the ticked rows of a list at once: into the recycle bin, or one field set to one value.

Each is one change set, and the notice afterwards takes it back as a whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode, urlsplit

from flask import Blueprint, make_response, redirect, request
from werkzeug.wrappers import Response

from engine import (
    Change,
    Entity,
    Field,
    GuanxiError,
    Hanging,
    Locale,
    Message,
    NotFound,
    Query,
    Reader,
    RecordInvalid,
    hanging,
    is_id,
)
from ui.asking import language, principal, reading, site
from ui.frame import notice, page, within, words
from ui.pages.deleting import has_consequences
from ui.pages.listing import MOST, entity_of, locale_of
from ui.safe import own_path
from ui.widgets.inputs import Input, kept, kind_of, make
from ui.widgets.posted import UNCHANGED, posted

TOLD = 5
"""Records that an undo left as they are and that are named; of more only the number is told."""

routes = Blueprint("bulk", __name__)


@routes.get("/<entity>/bulk")
def choose(entity: str) -> str | Response:
    """Ask which field the ticked records get which value in."""
    if request.args.get("all"):
        return redirect(many_address(entity, "update"), 303)
    with reading() as reader:
        shown = entity_of(reader, entity)
        field = settable(reader, shown).get(request.args.get("field", ""))
        return page("bulk.html", reader, **_form(reader, shown, _ticked(), field))


@routes.post("/<entity>/bulk")
def change(entity: str) -> Response:
    """Do what was asked to the ticked records that it may be done to."""
    if request.form.get("all") and request.form.get("delete"):
        return redirect(many_address(entity, "delete"), 303)
    return _delete(entity, _ticked()) if request.form.get("delete") else _set(entity)


def many_address(entity: str, act: str, ids: Sequence[str] = ()) -> str:
    """Return the page that does something to some records, or to all that fit the list which a form came from."""
    which = [("id", each) for each in ids] or [("all", "1")]
    state = urlsplit(_back(entity)).query
    return f"/{entity}/many?{urlencode([('act', act), ('state', state), *which])}"


def _ticked() -> list[str]:
    return [each for each in request.values.getlist("id") if is_id(each)][:MOST]


def _back(entity: str) -> str:
    return own_path(request.values.get("back", ""), f"/{entity}")


def _delete(entity: str, ids: Sequence[str]) -> Response:
    with reading() as reader:
        shown = entity_of(reader, entity)
        allowed = _allowed(reader, entity, ids, "delete")
        if has_consequences(reader.model, entity) and told_first(hanging(reader, entity, allowed)):
            return redirect(many_address(entity, "delete", allowed), 303)
    if allowed:
        change_set = site().records.begin_set(principal(), "delete", entity=entity)
        site().records.delete(principal(), entity, allowed, via="web", change_set=change_set)
        notice(_moved(shown, len(allowed)), undo=f"/{entity}/undo/{change_set}")
    _tell_rest(len(ids) - len(allowed))
    return redirect(_back(entity), 303)


def told_first(found: Iterable[Hanging]) -> bool:
    """Say whether what hangs on records is told before they are deleted: others go too, or keep them from going."""
    return any(each.effect != "loses" for each in found)


def _moved(entity: Entity, count: int) -> Message:
    if count == 1:
        return Message("{label} moved to the recycle bin", label=entity.label)
    return Message("{count} {plural} moved to the recycle bin", count=count, plural=within(entity.plural))


def _tell_rest(count: int) -> None:
    if count == 1:
        notice(Message("1 record stayed as it is: you may not do this to it"), "warning")
    elif count:
        notice(Message("{count} records stayed as they are: you may not do this to them", count=count), "warning")


def _allowed(reader: Reader, entity: str, ids: Sequence[str], action: str) -> list[str]:
    """Return those of the ids that somebody may do something to, in their order."""
    if not ids or not reader.access.may(entity, action):
        return []
    found = reader.query(Query(entity, select=("id",), ids=tuple(ids), limit=len(ids)), abilities=(action,))
    allowed = {row_id for row_id, may in zip(found.ids, found.abilities(action), strict=True) if may}
    return [each for each in ids if each in allowed]


@routes.post("/<entity>/undo/<uuid:change_set>")
def undo(entity: str, change_set: Any) -> Response:
    """Take a change set back, and say what was left because somebody edited it since."""
    report = site().records.undo(principal(), str(change_set), via="web")
    if report.undone == 1:
        notice(Message("1 record is as it was before"))
    elif report.undone:
        notice(Message("{count} records are as they were before", count=report.undone))
    for left in report.kept[:TOLD]:
        notice(Message("{title}: {why}", title=left.title or "—", why=left.why), "warning")
    if len(report.kept) > TOLD:
        notice(Message("{count} more records were left as they are", count=len(report.kept) - TOLD), "warning")
    return redirect(_back(entity), 303)


# --- one field

PREFIX = "set-"
"""What the name of the input begins with, so that no field is taken for something else of the form."""
NOT_FOR_MANY = frozenset(("rows", "file", "files", "secret"))
"""Kinds of input whose values belong to one record."""


def settable(reader: Reader, entity: Entity) -> dict[str, Field]:
    """Return the fields that many records may get one value in, in display order."""
    writable = reader.access.writable(entity.key)
    return {
        key: field
        for key, field in entity.fields.items()
        if key in writable
        and field.writable
        and not (field.read_only or field.hidden or field.unique or field.key == "external_id")
        and kind_of(field) not in NOT_FOR_MANY
    }


def _form(
    reader: Reader, entity: Entity, ids: Sequence[str], field: Field | None, problems: Sequence[str] = ()
) -> dict[str, Any]:
    return {
        "entity": entity,
        "ids": ids,
        "back": _back(entity.key),
        "fields": settable(reader, entity).values(),
        "field": field,
        "input": None if field is None else input_of(reader, field, problems),
    }


def input_of(reader: Reader, field: Field, problems: Sequence[str]) -> Input:
    """Return the input of the one value that many records get."""
    made = replace(make(reader, field, None, locale_of(reader), prefix=PREFIX), required=False, when={})
    if made.kind == "check":
        # A box says yes or no; here there is a third: nothing.
        made = replace(made, kind="select", options=[("true", words("Yes")), ("false", words("No"))])
    return kept(made, request.form, problems) if problems else made


def value_of(field: Field, locale: Locale) -> Any:
    """Return the raw value that was filled in; None where it was left empty."""
    name = f"{PREFIX}{field.key}"
    if kind_of(field) == "check":
        return {"true": True, "false": False}.get(request.form.get(name, ""))
    found = posted(field, request.form, locale, {}, prefix=PREFIX)
    return None if found is UNCHANGED else found


def _set(entity: str) -> Response:
    ids = _ticked()
    with reading() as reader:
        shown = entity_of(reader, entity)
        field = settable(reader, shown).get(request.form.get("field", ""))
        if field is None:
            raise NotFound(Message("There is no such field"))
        allowed = _allowed(reader, entity, ids, "update")
        value = value_of(field, locale_of(reader))
    try:
        change_set = site().records.begin_set(principal(), "update", entity=entity)
        changes = [Change(each, {field.key: value}) for each in allowed]
        written = site().records.update(principal(), entity, changes, via="web", change_set=change_set)
    except GuanxiError as error:
        return _refused(shown, ids, field, error)
    changed = sum(each.action == "updated" for each in written)
    if changed:
        notice(_changed(shown, changed), undo=f"/{entity}/undo/{change_set}")
    else:
        notice(Message("Nothing had to be changed"), "info")
    _tell_rest(len(ids) - len(allowed))
    return redirect(_back(entity), 303)


def _changed(entity: Entity, count: int) -> Message:
    if count == 1:
        return Message("{label} changed", label=entity.label)
    return Message("{count} {plural} changed", count=count, plural=within(entity.plural))


def _refused(entity: Entity, ids: Sequence[str], field: Field, error: GuanxiError) -> Response:
    told = [error.message]
    if isinstance(error, RecordInvalid):
        told = [each.message for each in error.problems]
    problems = list(dict.fromkeys(each.in_(language()) for each in told))[:TOLD]
    with reading() as reader:
        return make_response(page("bulk.html", reader, **_form(reader, entity, ids, field, problems)), 422)
