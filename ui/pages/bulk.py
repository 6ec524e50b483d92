"""What is done to the ticked rows of a list at once: into the recycle bin, or one field set to one value.

Each is one change set, and the notice afterwards takes it back as a whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, make_response, redirect, request
from werkzeug.wrappers import Response

from engine import (
    Change,
    Entity,
    Field,
    GuanxiError,
    Locale,
    Message,
    NotFound,
    Query,
    Reader,
    RecordInvalid,
    is_id,
)
from ui.asking import language, principal, reading, site
from ui.frame import notice, page, within, words
from ui.pages.listing import MOST, entity_of, locale_of
from ui.safe import own_path

TOLD = 5
"""Records that an undo left as they are and that are named; of more only the number is told."""

routes = Blueprint("bulk", __name__)


@routes.get("/<entity>/bulk")
def choose(entity: str) -> str:
    """Ask which field the ticked records get which value in."""
    with reading() as reader:
        return page("bulk.html", reader, **_form(reader, entity_of(reader, entity), _ticked(), "", ""))


@routes.post("/<entity>/bulk")
def change(entity: str) -> Response:
    """Do what was asked to the ticked records that it may be done to."""
    return _delete(entity, _ticked()) if request.form.get("delete") else _set(entity)


def _ticked() -> list[str]:
    return [each for each in request.values.getlist("id") if is_id(each)][:MOST]


def _back(entity: str) -> str:
    return own_path(request.values.get("back", ""), f"/{entity}")


def _delete(entity: str, ids: Sequence[str]) -> Response:
    with reading() as reader:
        shown = entity_of(reader, entity)
        allowed = _allowed(reader, entity, ids, "delete")
    if allowed:
        change_set = site().records.begin_set(principal(), "delete", entity=entity)
        site().records.delete(principal(), entity, allowed, via="web", change_set=change_set)
        notice(_moved(shown, len(allowed)), undo=f"/{entity}/undo/{change_set}")
    _tell_rest(len(ids) - len(allowed))
    return redirect(_back(entity), 303)


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
    for kept in report.kept[:TOLD]:
        notice(Message("{title}: {why}", title=kept.title or "—", why=kept.why), "warning")
    if len(report.kept) > TOLD:
        notice(Message("{count} more records were left as they are", count=len(report.kept) - TOLD), "warning")
    return redirect(_back(entity), 303)


# --- one field


def settable(reader: Reader, entity: Entity) -> dict[str, Field]:
    """Return the fields that many records may get one value in, in display order."""
    writable = reader.access.writable(entity.key)
    return {
        key: field
        for key, field in entity.fields.items()
        if key in writable
        and field.writable
        and not (field.read_only or field.hidden or field.unique or field.secret or field.key == "external_id")
        and field.type.links in {"", "one"}
        and field.type.name not in {"file", "files", "image", "signature", "json", "richtext"}
    }


def _form(
    reader: Reader, entity: Entity, ids: Sequence[str], value: str, refusal: str, chosen: str | None = None
) -> dict[str, Any]:
    fields = settable(reader, entity)
    field = fields.get(request.values.get("field", "") if chosen is None else chosen)
    return {
        "entity": entity,
        "ids": ids,
        "back": _back(entity.key),
        "fields": fields.values(),
        "field": field,
        "choices": None if field is None else _choices(reader, field, locale_of(reader)),
        "kind": "text" if field is None else INPUTS.get(str(field.value_type), "text"),
        "value": value,
        "refusal": refusal,
    }


INPUTS = {"date": "date", "datetime": "datetime-local", "time": "time"}


def _choices(reader: Reader, field: Field, locale: Locale) -> list[tuple[str, str]] | None:
    """Return the values that may be chosen; None where a value is typed."""
    if field.choices and str(field.value_type) != "list":
        return [(key, each.label.in_(locale.language)) for key, each in field.choices.items() if not each.hidden]
    if str(field.value_type) == "boolean":
        return [("true", words("Yes")), ("false", words("No"))]
    if field.type.links == "one":
        return [(key, str(title)) for key, title in reader.options(field.entity, field.key, "", None, limit=200)]
    return None


def _set(entity: str) -> Response:
    ids, raw = _ticked(), request.form.get("value", "")
    with reading() as reader:
        shown = entity_of(reader, entity)
        field = settable(reader, shown).get(request.form.get("field", ""))
        if field is None:
            raise NotFound(Message("There is no such field"))
        allowed = _allowed(reader, entity, ids, "update")
        locale = locale_of(reader)
    try:
        value = field.type.read(raw, field.options, locale) if raw else None
        change_set = site().records.begin_set(principal(), "update", entity=entity)
        changes = [Change(each, {field.key: value}) for each in allowed]
        written = site().records.update(principal(), entity, changes, via="web", change_set=change_set)
    except GuanxiError as error:
        return _refused(shown, ids, field, raw, error)
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


def _refused(entity: Entity, ids: Sequence[str], field: Field, raw: str, error: GuanxiError) -> Response:
    refusal = error.in_(language())
    if isinstance(error, RecordInvalid):
        refusal = " ".join(dict.fromkeys(each.message.in_(language()) for each in error.problems))
    with reading() as reader:
        return make_response(page("bulk.html", reader, **_form(reader, entity, ids, raw, refusal, field.key)), 422)
