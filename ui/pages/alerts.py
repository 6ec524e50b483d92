"""The inbox of alarms: what rang, whom and what it is about, and what somebody thought of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, redirect, request
from werkzeug.wrappers import Response

from engine import ALERT_STATES, Message, Raised, Reader, alert_figures, alert_helps, alert_labels, is_id
from ui.asking import language, principal, reading, site
from ui.frame import notice, page
from ui.pages.audit import require_audit
from ui.pages.listing import locale_of
from ui.widgets.log import lines
from ui.widgets.moments import moment_writer, zone

routes = Blueprint("alerts", __name__, url_prefix="/admin/alerts")

PAGE = 50
_STATES = {"new": Message("New"), "seen": Message("Seen"), "closed": Message("Closed")}
_SEVERITIES = {"low": Message("Low"), "medium": Message("Medium"), "high": Message("High")}
_COLOURS = {"low": "secondary", "medium": "orange", "high": "red"}
_DONE = {
    "new": Message("The alert is new again"),
    "seen": Message("The alert was marked as seen"),
    "closed": Message("The alert was closed"),
}


@dataclass(frozen=True, slots=True)
class Shown:
    """One alarm, in the reader's language."""

    id: str
    label: str
    help: str
    said: str
    """What was counted; "" when there is no number."""
    severity: str
    colour: str
    state: str
    state_label: str
    when: str
    last: str
    """When it rang last, "" when only once."""
    times: int
    person: str
    person_id: str | None
    address: str
    place: str
    note: str
    handled: str
    """By whom and when."""


@routes.get("")
def inbox() -> str:
    """Show what rang, the latest first; what nobody has looked at unless something else is asked for."""
    with reading() as reader:
        require_audit(reader)
        state = request.args.get("state", "open")
        states = {"open": ("new", "seen"), "all": ALERT_STATES}.get(
            state, (state,) if state in ALERT_STATES else ("new", "seen")
        )
        alert = request.args.get("alert") or None
        person = request.args.get("person") or None
        found = site().alarms.inbox.page(
            reader.connection, states=states, alert=alert, person_id=person, before=_cursor(), limit=PAGE + 1
        )
        more = ""
        if len(found) > PAGE:
            found = found[:PAGE]
            at = f"{found[-1].raised_at.isoformat(timespec='milliseconds')}~{found[-1].id}"
            more = f"/admin/alerts?{urlencode({'state': state, 'alert': alert or '', 'cursor': at})}"
        labels, spoken = alert_labels(reader.model), language()
        return page(
            "alerts.html",
            reader,
            alerts=shown(reader, found),
            more=more,
            state=state,
            alert=alert or "",
            rules=sorted(((name, text.in_(spoken)) for name, text in labels.items()), key=lambda each: each[1]),
        )


def _cursor() -> tuple[datetime, str] | None:
    moment, _, id_ = request.args.get("cursor", "").partition("~")
    try:
        at = datetime.fromisoformat(moment)
    except ValueError:
        return None

    return (at, id_) if at.tzinfo is not None and is_id(id_) else None


@routes.get("/<uuid:alert_id>")
def one(alert_id: Any) -> str:
    """Show one alarm with the events behind it."""
    with reading() as reader:
        require_audit(reader)
        found = site().alarms.inbox.one(reader.connection, str(alert_id))
        events = site().trail.by_numbers(reader.connection, found.events)
        [alert] = shown(reader, [found])
        return page("alert.html", reader, alert=alert, events=lines(reader, events), more="")


@routes.post("/<uuid:alert_id>")
def handle(alert_id: Any) -> Response:
    """Keep what somebody thinks of an alarm."""
    with reading() as reader:
        require_audit(reader)
        reader.principal.require_own_hands()
    asked = request.form.get("state", "")
    [state, *_] = [each for each in ALERT_STATES if each == asked] or [ALERT_STATES[1]]
    site().alarms.handle(str(alert_id), state, request.form.get("note"), principal().id)
    notice(_DONE[state])
    return redirect("/admin/alerts" if state == "closed" else f"/admin/alerts/{alert_id}", 303)


def shown(reader: Reader, found: Iterable[Raised]) -> list[Shown]:
    """Return alarms in the language of who reads."""
    listed, spoken = list(found), language()
    labels, helps = alert_labels(reader.model), alert_helps(reader.model)
    people = {each for raised in listed for each in (raised.person_id, raised.handled_by) if each is not None}
    names = reader.titles("user", people)
    place, year = zone(locale_of(reader).timezone), reader.access.env()["today"].year
    write = moment_writer(spoken)

    def when(moment: datetime) -> str:
        return write(moment.astimezone(place), year)

    return [
        Shown(
            id=each.id,
            label=labels[each.alert].in_(spoken) if each.alert in labels else each.alert,
            help=helps[each.alert].in_(spoken) if each.alert in helps else "",
            said=_said(reader, each),
            severity=_SEVERITIES[each.severity].in_(spoken) if each.severity in _SEVERITIES else each.severity,
            colour=_COLOURS.get(each.severity, "secondary"),
            state=each.state,
            state_label=_STATES[each.state].in_(spoken),
            when=when(each.raised_at),
            last=when(each.last_at) if each.times > 1 else "",
            times=each.times,
            person=names.get(each.person_id or "", each.person_id or ""),
            person_id=each.person_id,
            address=each.address or "",
            place=" · ".join(str(each.details[name]) for name in ("place", "agent") if each.details.get(name)),
            note=each.note or "",
            handled=_handled(each, names, when),
        )
        for each in listed
    ]


def _said(reader: Reader, raised: Raised) -> str:
    if raised.details.get("value") is None:
        return ""
    entity = reader.model.entities.get(raised.entity or "")
    return alert_figures(raised.details, None if entity is None else entity.plural).in_(language())


def _handled(raised: Raised, names: Any, when: Any) -> str:
    if raised.handled_at is None:
        return ""
    person = names.get(raised.handled_by or "", raised.handled_by or "")
    return Message("{person}, {when}", person=person, when=when(raised.handled_at)).in_(language())
