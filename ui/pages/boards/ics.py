"""Calendars of other programs: a secret address for a list, and one event as a file (RFC 5545)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode

from flask import Blueprint, Response, g, make_response, redirect, request
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as AnyResponse

from engine import (
    GuanxiError,
    Message,
    NotFound,
    Query,
    Reader,
    SignInNeeded,
    TooManyRequests,
)
from ui.asking import language, principal, reading, site
from ui.frame import notice, page, said
from ui.pages import displays
from ui.pages.boards.calendar import KEY
from ui.pages.boards.days import Event, Spec, calendar_spec, events_of
from ui.pages.listing import Listing, listing
from ui.widgets.moments import zone

PAST, AHEAD = 60, 400
"""Days around today that a feed tells of."""
MOST = 3_000
"""Events of a feed."""
_KIND = "text/calendar"

routes = Blueprint("boards_ics", __name__)


# --- the page where addresses are made and revoked


@routes.get("/<entity>/calendar/feed")
def feeds(entity: str) -> str:
    """Show what an address is, and the addresses that there are."""
    return _page(entity)


@routes.post("/<entity>/calendar/feed")
def make(entity: str) -> AnyResponse:
    """Make an address; it is shown once."""
    with reading() as reader:
        asked = _asked(reader, entity, request.args)
        name = f"{said(asked.wanted.entity.plural)} · {said(asked.wanted.view.title)}"
        query = urlencode([(name, value) for name, value in _kept(asked)])
    try:
        _feed, secret = site().feeds.make(principal(), entity, query, name)
    except GuanxiError as error:
        notice(error.message, "danger")
        return redirect(request.full_path.rstrip("?"), 303)
    response = make_response(_page(entity, secret))
    response.headers["Cache-Control"] = "no-store"
    return response


@routes.post("/<entity>/calendar/feed/<uuid:feed_id>/revoke")
def revoke(entity: str, feed_id: Any) -> AnyResponse:
    """Let an address be good for nothing from now on."""
    site().feeds.revoke(principal(), str(feed_id))
    notice(Message("The address is good for nothing any more"))
    return redirect(f"/{entity}/calendar/feed", 303)


def _page(entity: str, secret: str = "") -> str:
    with reading() as reader:
        asked = _asked(reader, entity, request.args)
        wanted = asked.wanted
        where = zone(reader.access.principal.timezone)
        known = [(each, f"{each.read_at.astimezone(where):%Y-%m-%d %H:%M}" if each.read_at else "") for each in _mine()]
        base = (site().config.base_url or request.host_url).rstrip("/")
        address = f"{base}/files/calendar/{secret}.ics" if secret else ""
        return page(
            "boards/feed.html",
            reader,
            entity=wanted.entity,
            view=wanted.view,
            narrowed=wanted.narrowed,
            address=address,
            webcal=address.replace("https://", "webcal://").replace("http://", "webcal://"),
            known=known,
            back=wanted.address(),
            query=wanted.address().partition("?")[2],
        )


def _mine() -> Iterable[Any]:
    return site().feeds.of(principal())


def _asked(reader: Reader, entity: str, given: Mapping[str, str]) -> Listing:
    """Return the list of an address, as a calendar.

    Raises:
        NotFound: there is no such list, or nothing in it has a date.
    """
    said_ = MultiDict(given)
    said_["as"] = KEY
    asked, _display = displays.settle(reader, listing(reader, entity, said_), said_)
    if asked.problems or calendar_spec(reader, asked.wanted.entity, asked.wanted.view, given.get("by", "")) is None:
        raise NotFound(Message("There is no {key}", key=KEY))
    return asked


def _kept(asked: Listing) -> Iterable[tuple[str, str]]:
    """Return what a feed remembers of its list: the view, filters and words, not which month was shown."""
    left_out = {"on", "span", "as", "cursor", "rows", "order"}
    yield from ((name, value) for name, value in asked.wanted.parameters() if name not in left_out and name != "view")
    yield "view", asked.wanted.view.key


# --- the calendar itself


@routes.get("/files/calendar/<token>.ics")
def feed(token: str) -> Response:
    """Tell a calendar of another program what is on which day, in the name of who made the address."""
    try:
        found = site().feeds.opened(token)
    except TooManyRequests:
        return Response("", 429, {"Retry-After": "60"}, mimetype="text/plain")
    try:
        g.principal = site().principal(found.user_id)
    except SignInNeeded:
        # Who may not sign in any more reads nothing by an old address either.
        raise NotFound(Message("There is no such address")) from None
    with site().reading(g.principal) as reader:
        text = calendar_of(reader, found.entity, MultiDict(parse_qsl(found.query)), found.name)
    return _sent(text, f"{found.entity}.ics", inline=True)


@routes.get("/<entity>/<uuid:record_id>/calendar.ics")
def one(entity: str, record_id: Any) -> Response:
    """Send one record as an event for any calendar."""
    with reading() as reader:
        asked = _asked(reader, entity, request.args)
        spec = calendar_spec(reader, asked.wanted.entity, asked.wanted.view, request.args.get("by", ""))
        assert spec is not None  # noqa: S101 - found by _asked
        reader.record(entity, str(record_id), (asked.wanted.entity.title,))
        query = Query(entity, ids=(str(record_id),), limit=1)
        events, _more = events_of(reader, spec, query, *_ever(), most=1)
        if not events:
            raise NotFound(Message("This record has no day"))
        text = _written(reader, spec, events, said(asked.wanted.entity.label))
    return _sent(text, f"{entity}.ics", inline=False)


def _ever() -> tuple[Any, Any]:
    return datetime(1, 1, 3, tzinfo=UTC).date(), datetime(9999, 12, 29, tzinfo=UTC).date()


def calendar_of(reader: Reader, entity: str, given: MultiDict[str, str], name: str) -> bytes:
    """Return the calendar of a list, as its reader may see it.

    Raises:
        NotFound: the list is not there any more, or not for them.
    """
    asked = _asked(reader, entity, given)
    spec = calendar_spec(reader, asked.wanted.entity, asked.wanted.view, given.get("by", ""))
    assert spec is not None  # noqa: S101 - found by _asked
    today = reader.access.env()["today"]
    days = (today - timedelta(PAST), today + timedelta(AHEAD))
    events, _more = events_of(reader, spec, asked.query, *days, most=MOST)
    return _written(reader, spec, events, name)


def _written(reader: Reader, spec: Spec, events: Iterable[Event], name: str) -> bytes:
    # It takes a while to load, and few requests need it.
    from icalendar import Calendar

    made = Calendar()
    made.add("prodid", "-//Guanxi//Guanxi//EN")
    made.add("version", "2.0")
    made.add("method", "PUBLISH")
    made.add("x-wr-calname", name)
    made.add("x-published-ttl", "PT1H")
    where = zone(reader.access.principal.timezone)
    base = (site().config.base_url or "").rstrip("/")
    for event in events:
        made.add_component(_entry(spec, event, where, base, reader.access.env()["now"]))
    return bytes(made.to_ical())


def _entry(spec: Spec, event: Event, where: Any, base: str, now: datetime) -> Any:
    from icalendar import Event as Entry

    entry = Entry()
    entry.add("uid", f"{event.id}.{spec.start}@guanxi")
    entry.add("dtstamp", now.replace(microsecond=0))
    entry.add("sequence", event.version)
    entry.add("summary", event.title)
    if event.begins is None:
        entry.add("dtstart", event.first)
        entry.add("dtend", event.last + timedelta(1))
        entry.add("transp", "TRANSPARENT")
    else:
        entry.add("dtstart", event.begins.replace(tzinfo=where).astimezone(UTC))
        if event.ends is not None:
            entry.add("dtend", event.ends.replace(tzinfo=where).astimezone(UTC))
    if event.meaning:
        entry.add("categories", [event.meaning])
    if base:
        entry.add("url", f"{base}/{event.entity}/{event.id}")
    return entry


def _sent(text: bytes, name: str, *, inline: bool) -> Response:
    response = Response(text, mimetype=_KIND)
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["Content-Language"] = language()
    how = "inline" if inline else "attachment"
    response.headers["Content-Disposition"] = f'{how}; filename="{name}"'
    return response
