"""Addresses at which other programs tell the site something: `POST /hooks/<token>`.

No cookie is read or set, and no sign-in is asked for: the address, and a signature where the hook wants one, say who
sends. The answer says what was done, so that a sender can look it up.
"""

from __future__ import annotations

from typing import Any

import orjson
from flask import Blueprint, Response, request
from werkzeug.exceptions import RequestEntityTooLarge

from engine import MOST_HOOK_BYTES, GuanxiError, Incoming, NotFound, Taken
from ui.api.problems import problem_response
from ui.asking import program_language, site
from ui.forgery import from_elsewhere

routes = Blueprint("hooks", __name__)


@routes.post("/hooks/<token>")
@from_elsewhere
def take(token: str) -> Response:
    """Carry out what somebody sent."""
    try:
        return _answer(site().webhooks.inbound.receive(token, _incoming()))
    except NotFound as error:
        return problem_response(error, program_language())
    except GuanxiError as error:
        response = problem_response(error, program_language())
        response.headers.setdefault("Retry-After", "5")
        return response


def _incoming() -> Incoming:
    request.max_content_length = MOST_HOOK_BYTES
    try:
        body = request.get_data(cache=False, parse_form_data=False)
    except RequestEntityTooLarge:
        # The hook says so in its own words, and keeps that it did.
        body = b" " * (MOST_HOOK_BYTES + 1)
    headers = {name.lower(): value for name, value in request.headers.items()}
    return Incoming(body, headers, request.mimetype or "application/json", request.remote_addr)


def _answer(taken: Taken) -> Response:
    language = program_language()
    body: dict[str, Any] = {"outcome": taken.outcome}
    if taken.note is not None:
        body["message"] = taken.note.in_(language)
    if taken.records or taken.outcome == "done":
        body["records"] = list(taken.records)
    if taken.problems:
        body["errors"] = [{"path": path, "message": message.in_(language)} for path, message in taken.problems]
    response = Response(orjson.dumps(body), taken.status, mimetype="application/json")
    response.headers["Cache-Control"] = "no-store"
    if taken.retry_after is not None:
        response.headers["Retry-After"] = str(taken.retry_after)
    return response
