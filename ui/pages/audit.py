"""The audit log: who did what that somebody may have to answer for, filtered, and as a table to take away."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from tempfile import SpooledTemporaryFile
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, make_response, render_template, request, send_file

from engine import (
    EVENT_LABELS,
    AccessDenied,
    Entity,
    Event,
    GuanxiError,
    LogEntry,
    Message,
    Reader,
    Row,
    Wanted,
    event_sentence,
    guarded,
    is_id,
)
from ui.asking import language, reading, site
from ui.frame import is_fragment, page, words
from ui.pages import acts
from ui.pages.listing import locale_of
from ui.widgets.log import LOG, lines, names_of
from ui.widgets.moments import zone

routes = Blueprint("audit", __name__, url_prefix="/admin/audit")

PAGE = 50
_PART = 1_000
_MOST = 200_000
"""Events that one table holds."""
_IN_MEMORY = 4 * 2**20
_DETAILED = ("at", "kind", "sentence", "actor", "entity", "record", "number", "via", "address", "agent", "details")


def require_audit(reader: Reader) -> None:
    """Refuse whoever may not read the log.

    Raises:
        AccessDenied: they lack the permission.
    """
    if not reader.access.has("audit"):
        raise AccessDenied(Message("Only who holds the permission audit may read the audit log"))


@acts.register
def _acts(reader: Reader, entity: Entity, row: Row) -> Iterable[acts.Act]:
    if reader.access.has("audit"):
        if entity.key == "user":
            yield acts.Act(words("What they did"), f"/admin/audit?{urlencode({'person': row.id})}", "history", order=60)
        address = f"/admin/audit?{urlencode({'entity': entity.key, 'record': row.id})}"
        yield acts.Act(words("In the audit log"), address, "history", order=61)


@dataclass(slots=True)
class Asked:
    """What the address asks for, and what is wrong with it."""

    values: dict[str, str]
    wanted: Wanted = field(default_factory=Wanted)
    problems: dict[str, str] = field(default_factory=dict)

    @property
    def query(self) -> str:
        """Return it as the query of an address."""
        return urlencode({name: value for name, value in self.values.items() if value})


def asked(reader: Reader, given: Mapping[str, str]) -> Asked:
    """Read the filters of a page."""
    names = ("kind", "person", "entity", "record", "address", "since", "until")
    found = Asked({name: given.get(name, "").strip()[:200] for name in names})
    values, problems = found.values, found.problems
    if values["kind"] and values["kind"] not in EVENT_LABELS:
        problems["kind"] = words("There is no such kind of event")
    actor = _person(values["person"], problems)
    if values["entity"] and values["entity"] not in reader.model.entities:
        problems["entity"] = words("There is no such object")
    if values["record"] and not is_id(values["record"]):
        problems["record"] = words("This is no id of a record")
    since, until = (_day(reader, values, name, problems) for name in ("since", "until"))
    if not problems:
        found.wanted = Wanted(
            kinds=(values["kind"],) if values["kind"] else (),
            actor_id=actor,
            entity=values["entity"] or None,
            record_id=values["record"] or None,
            address=values["address"] or None,
            since=since,
            until=None if until is None else until + timedelta(days=1),
        )
    return found


def _person(text: str, problems: dict[str, str]) -> str | None:
    if not text:
        return None
    if is_id(text):
        return text
    try:
        return site().identity.find(text).id
    except GuanxiError as error:
        problems["person"] = error.in_(language())
        return None


def _day(reader: Reader, values: Mapping[str, str], name: str, problems: dict[str, str]) -> datetime | None:
    if not values[name]:
        return None
    try:
        day = date.fromisoformat(values[name])
        return datetime(day.year, day.month, day.day, tzinfo=zone(locale_of(reader).timezone))
    except ValueError:
        problems[name] = words("This is no day")
        return None


@routes.get("")
def log() -> Response | tuple[str, int] | str:
    """Show the log, the latest first; with htmx the events after a cursor."""
    with reading() as reader:
        require_audit(reader)
        wanted = asked(reader, request.args)
        found: list[LogEntry] = []
        if not wanted.problems:
            before = _cursor(request.args.get("cursor", ""))
            found = site().trail.entries(reader.connection, wanted.wanted, PAGE + 1, before)
        more = ""
        if len(found) > PAGE:
            del found[PAGE:]
            more = f"/admin/audit?{wanted.query}&{urlencode({'cursor': _written(found[-1])})}"
        values: dict[str, Any] = {"events": lines(reader, found), "more": more}
        if is_fragment() and request.args.get("cursor"):
            return make_response(render_template("_events.html", **values))
        spoken = language()
        html = page(
            "audit.html",
            reader,
            **values,
            asked=wanted.values,
            problems=wanted.problems,
            query=wanted.query,
            about=_about(reader, wanted),
            kinds=sorted(((key, label.in_(spoken)) for key, label in EVENT_LABELS.items()), key=lambda each: each[1]),
            entities=sorted(
                ((each.key, each.plural.in_(spoken)) for each in reader.model.entities.values()),
                key=lambda each: each[1],
            ),
        )
        return (html, 422) if wanted.problems else html


def _about(reader: Reader, wanted: Asked) -> str:
    """Return the title of the record, or the person, that the page is about."""
    entity, record = wanted.values["entity"], wanted.values["record"]
    person = wanted.wanted.actor_id
    if entity in reader.model.entities and is_id(record):
        return reader.titles(entity, reader.readable(entity, [record])).get(record, "")
    return reader.titles("user", [person]).get(person, "") if person else ""


def _written(event: LogEntry) -> str:
    return f"{event.at.isoformat(timespec='milliseconds')}~{event.seq}"


def _cursor(text: str) -> tuple[datetime, int] | None:
    """Return the place of a page; None for what is none, which shows the first one."""
    moment, _, seq = text.partition("~")
    try:
        at = datetime.fromisoformat(moment)
        return (at, int(seq)) if at.tzinfo is not None else None
    except ValueError:
        return None


@routes.get("/export.csv")
def export() -> Response:
    """Send what the filters leave as a table; taking the log away is an event itself."""
    with reading() as reader:
        require_audit(reader)
        wanted = asked(reader, request.args)
        if wanted.problems:
            raise GuanxiError(Message("{why}", why=next(iter(wanted.problems.values()))))
        count = 0
        file = SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - closed when it was sent
        file.write("\ufeff".encode())
        for part in _parts(reader, wanted.wanted):
            file.write(_rows(reader, part, head=count == 0))
            count += len(part)
        if count == 0:
            file.write(_rows(reader, [], head=True))
        details = {"format": "csv", "filter": {name: value for name, value in wanted.values.items() if value}}
        who = reader.principal.viewer or reader.principal
        site().trail.tell(Event("export", who.id, LOG, None, count, details))
        name = f"audit-{reader.access.env()['today'].isoformat()}.csv"
    file.seek(0)
    return send_file(file, mimetype="text/csv", as_attachment=True, download_name=name)


def _parts(reader: Reader, wanted: Wanted) -> Iterator[list[LogEntry]]:
    before, count = None, 0
    while count < _MOST:
        part = site().trail.entries(reader.connection, wanted, _PART, before)
        if part:
            yield part
        if len(part) < _PART:
            return
        count, before = count + len(part), (part[-1].at, part[-1].seq)


def _rows(reader: Reader, events: list[LogEntry], *, head: bool) -> bytes:
    text, names, spoken = io.StringIO(newline=""), names_of(reader, events), language()
    writer = csv.writer(text)
    if head:
        writer.writerow(_DETAILED)
    for each in events:
        cells = (
            each.at.isoformat(timespec="milliseconds"), each.kind, event_sentence(each, names).in_(spoken),
            names.people.get(each.actor_id or "", each.actor_id or ""), each.entity or "", each.record_id or "",
            each.number, each.via, each.address or "", each.agent or "",
            "; ".join(f"{key}={value}" for key, value in each.details.items()),
        )  # fmt: skip
        writer.writerow([guarded(cell) if isinstance(cell, str) else cell for cell in cells])
    return text.getvalue().encode()
