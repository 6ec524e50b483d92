"""The change feed: `GET /api/v1/changes`, for programs that keep a copy of what they may see.

A request may wait for the next change. It holds a thread while it does, so only some of them wait at a time; the rest
are answered at once and told when to come again.
"""

from __future__ import annotations

import threading
import time

import orjson
from flask import Blueprint, Response, request

from engine import FeedPage, Message, changes_after
from ui.api.problems import BadRequest
from ui.asking import reading, site

MOST_WAIT_S = 30
MOST_WAITING = 3
"""Requests of one process that wait at the same time; the others have its threads."""
MOST_CHANGES = 1_000
_USUAL_CHANGES = 100
_LOOK_S = 0.25
_PARAMETERS = frozenset({"after", "entity", "limit", "wait"})
_LARGEST = 2**62

routes = Blueprint("changes", __name__)
_places = threading.BoundedSemaphore(MOST_WAITING)


@routes.get("/changes")
def changes() -> Response:
    """Return the changes after a number, the oldest first, and the number to go on from."""
    for name in request.args.keys() - _PARAMETERS:
        known = ", ".join(sorted(_PARAMETERS))
        raise BadRequest(Message("The change feed has no parameter {name}; it has {known}", name=name, known=known))
    entities = [key for text in request.args.getlist("entity") for key in text.split(",") if key]
    limit = _number("limit", _USUAL_CHANGES, 1, MOST_CHANGES)
    wait = _number("wait", 0, 0, 10**6)
    if request.args.get("after") == "now":
        with reading():  # whoever may not sign in learns no number either
            pass
        return _answer(FeedPage((), site().feed.settled(), more=False))
    after = _number("after", 0, 0, _LARGEST)
    page = _page(after, entities, limit)
    if page.entries or page.more or not wait:
        return _answer(page)
    if not _places.acquire(blocking=False):
        response = _answer(page)
        response.headers["Retry-After"] = "5"
        return response
    try:
        return _answer(_waited(page, entities, limit, time.monotonic() + min(wait, MOST_WAIT_S)))
    finally:
        _places.release()


def _waited(page: FeedPage, entities: list[str], limit: int, ends: float) -> FeedPage:
    """Return the next page that has something on it, or the last empty one; no transaction is open meanwhile."""
    while not page.entries and not page.more and time.monotonic() < ends:
        time.sleep(min(_LOOK_S, max(ends - time.monotonic(), 0)))
        if site().feed.newest() > page.next:
            page = _page(page.next, entities, limit)
    return page


def _page(after: int, entities: list[str], limit: int) -> FeedPage:
    settled = site().feed.settled()
    with reading() as reader:
        for key in entities:
            reader.access.require(reader.model.entity(key).key, "read")
        return changes_after(reader, after, settled, entities, limit)


def _number(name: str, usual: int, least: int, most: int) -> int:
    text = request.args.get(name, "")
    if not text:
        return usual
    if not (text.isascii() and text.isdecimal() and least <= int(text[:20]) <= most):
        raise BadRequest(Message("{name} is a whole number from {least} to {most}", name=name, least=least, most=most))
    return int(text)


def _answer(page: FeedPage) -> Response:
    told = [entry.json() for entry in page.entries]
    for each in told:
        each["changed"] = list(each["changes"])
    body = {"data": told, "next": page.next, "more": page.more}
    return Response(orjson.dumps(body), mimetype="application/json", headers={"Cache-Control": "no-store"})
