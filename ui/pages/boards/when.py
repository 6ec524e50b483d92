"""Another day for a record: what is dragged on a calendar or a timeline, and the form that does the same without."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from flask import Blueprint, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from engine import (
    BadValue,
    Change,
    Entity,
    GuanxiError,
    Message,
    NotFound,
    Reader,
    RecordInvalid,
    VersionConflict,
)
from ui.asking import principal, reading, site
from ui.frame import htmx, notice, page
from ui.pages import displays
from ui.pages.boards.cards import readable
from ui.pages.boards.days import Spec, calendar_spec, timeline_spec
from ui.pages.displays import Display
from ui.pages.editing import said_title
from ui.pages.listing import Listing, listing, locale_of
from ui.safe import own_path
from ui.widgets.moments import zone

UNPROCESSABLE, CONFLICT = 422, 409

routes = Blueprint("boards_when", __name__)


def _asked(reader: Reader, entity: str) -> tuple[Listing, Display | None, Spec]:
    """Return the list that an address names, its display, and which fields say when its records are.

    Raises:
        NotFound: there is no such list, or nothing in it has a date.
    """
    asked, display = displays.settle(reader, listing(reader, entity, request.args), request.args)
    wanted = asked.wanted
    spec = (
        timeline_spec(reader, wanted.entity, wanted.view)
        if wanted.display == "timeline"
        else calendar_spec(reader, wanted.entity, wanted.view, request.args.get("by", ""))
    )
    if spec is None:
        raise NotFound(Message("There is no {key}", key="calendar"))
    return asked, display, spec


@routes.get("/<entity>/<uuid:record_id>/board/when")
def when(entity: str, record_id: Any) -> AnyResponse:
    """Ask for another day."""
    with reading() as reader:
        return _ask(reader, entity, str(record_id), {}, 200)


@routes.post("/<entity>/<uuid:record_id>/board/when")
def moved(entity: str, record_id: Any) -> AnyResponse:
    """Give a record another day: as it was typed, or as far away as it was dragged."""
    id_ = str(record_id)
    back = own_path(request.form.get("back", ""), f"/{entity}?as=calendar")
    with reading() as reader:
        asked, _display, spec = _asked(reader, entity)
        row = reader.record(entity, id_, tuple(filter(None, (spec.start, spec.end, asked.wanted.entity.title))))
        wrong, values = _wanted(reader, spec, row.values())
        locale = locale_of(reader)
        title = said_title(row.values(), asked.wanted.entity, locale)
    dragged = "days" in request.form
    change_set = ""
    if not wrong and values:
        change_set = site().records.begin_set(principal(), "update", entity=entity)
        wrong = _write(asked.wanted.entity, Change(id_, values, request.form.get("version", type=int)), change_set)
    if wrong and not dragged and not htmx:
        with reading() as reader:
            return _ask(reader, entity, id_, wrong, UNPROCESSABLE)
    for key, message in wrong.items():
        known = asked.wanted.entity.fields.get(key)
        label = known.label if known is not None else ""
        notice(Message("{field}: {message}", field=label, message=message) if label else message, "danger")
    if change_set and not wrong:
        notice(Message("“{title}” has another day", title=title), undo=f"/{entity}/undo/{change_set}")
    if not htmx:
        return redirect(back, 303)
    return _drawn(entity, UNPROCESSABLE if wrong else 200)


def _drawn(entity: str, status: int) -> AnyResponse:
    """Return the display as it is now, and what there is to say."""
    with reading() as reader:
        asked, display, _spec = _asked(reader, entity)
        drawn = display.draw(reader, asked) if display is not None else None
        html = drawn.html if drawn is not None else ""
        return make_response(html + render_template("_notices.html"), status)


def _write(entity: Entity, change: Change, change_set: str) -> dict[str, Message]:
    """Write a change; return what is wrong by field, "" for what is not about one."""
    try:
        site().records.update(principal(), entity.key, [change], via="web", change_set=change_set)
    except RecordInvalid as error:
        return {each.path.partition("/")[0]: each.message for each in error.problems}
    except VersionConflict:
        return {"": Message("Somebody else changed it meanwhile; this is how it is now")}
    except GuanxiError as error:
        return {"": error.message}
    return {}


def _wanted(reader: Reader, spec: Spec, now: dict[str, Any]) -> tuple[dict[str, Message], dict[str, Any]]:
    """Return (what is wrong by field, new values) of what was typed or dragged."""
    if "days" in request.form:
        return {}, _dragged(reader, spec, now)
    wrong, values = {}, {}
    for key in filter(None, (spec.start, spec.end)):
        field = readable(reader, spec.entity, key)
        if field is None or key not in request.form:
            continue
        try:
            values[key] = field.type.read(request.form[key], field.options, locale_of(reader))
        except BadValue as error:
            wrong[key] = error.message
    return wrong, values


def _dragged(reader: Reader, spec: Spec, now: dict[str, Any]) -> dict[str, Any]:
    """Return new values of what was dragged some days and minutes away, or made longer at one edge."""
    away = timedelta(days=request.form.get("days", 0, type=int), minutes=request.form.get("minutes", 0, type=int))
    edge = request.form.get("edge", "")
    place = zone(reader.access.principal.timezone)
    start, end = now.get(spec.start), now.get(spec.end) if spec.end else None
    values: dict[str, Any] = {}
    try:
        if edge != "end" and start is not None:
            values[spec.start] = shifted(start, away, place)
        last = end if end is not None else start
        if edge != "start" and spec.end and last is not None and (end is not None or edge == "end"):
            values[spec.end] = shifted(last, away, place)
    except OverflowError:
        return {}
    writable = reader.access.writable(spec.entity.key)
    return {key: each for key, each in values.items() if key in writable}


def shifted(value: date, away: timedelta, place: Any) -> date:
    """Return a day or moment so far away by the clock on the wall: 9 o'clock stays 9 o'clock when clocks change."""
    if not isinstance(value, datetime):
        return value + timedelta(days=away.days)
    local = value.astimezone(place).replace(tzinfo=None) + away
    return local.replace(tzinfo=place).astimezone(value.tzinfo)


def _ask(reader: Reader, entity: str, record_id: str, wrong: dict[str, Message], status: int) -> AnyResponse:
    """Show the form: in a small window where a script asks, else as a page."""
    asked, _display, spec = _asked(reader, entity)
    shown = asked.wanted.entity
    select = tuple(dict.fromkeys(filter(None, (shown.title, spec.start, spec.end))))
    row = reader.record(entity, record_id, select, ("update",))
    inputs = []
    locale = locale_of(reader)
    for key in filter(None, (spec.start, spec.end)):
        field = readable(reader, shown, key)
        if field is None or key not in reader.access.writable(entity):
            continue
        timed = field.type.result(field.options).name == "datetime"
        value = row.values().get(key)
        typed = _input(value, timed=timed, place=zone(locale.timezone)) if key not in request.form else ""
        inputs.append(
            {
                "name": key,
                "label": field.label,
                "kind": "datetime-local" if timed else "date",
                "value": request.form.get(key) or typed,
                "wrong": wrong.get(key),
            }
        )
    values = {
        "entity": shown,
        "record_id": record_id,
        "title": said_title(row.values(), shown, locale),
        "inputs": inputs,
        "said_above": [message for key, message in wrong.items() if key not in {each["name"] for each in inputs}],
        "version": row.version,
        "back": own_path(request.values.get("back", ""), asked.wanted.address()),
        "query": asked.wanted.address().partition("?")[2],
        "may": row.may("update") and bool(inputs),
    }
    if htmx:
        return make_response(render_template("boards/_when.html", **values), status)
    return make_response(page("boards/when.html", reader, **values), status)


def _input(value: Any, *, timed: bool, place: Any) -> str:
    if value is None:
        return ""
    if timed and isinstance(value, datetime):
        return value.astimezone(place).replace(tzinfo=None).isoformat("T", "minutes")
    return str(value)
