"""Errors as RFC 9457 `application/problem+json`, each with a status that says whose fault it is.

`type` and `title` name the kind of the problem, `detail` says what happened this time, `errors` has every value that
was wrong with its path, `instance` is the request as the log knows it, and `why` leads to the rules behind a refusal.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote, urlencode

import orjson
from flask import Response, has_request_context, request
from werkzeug.exceptions import HTTPException

from engine import (
    AccessDenied,
    ChangesForgotten,
    DatabaseUnavailable,
    DuplicatesFound,
    ExpressionInvalid,
    FieldProblem,
    GuanxiError,
    IdempotencyMismatch,
    Message,
    NotFound,
    QueryInvalid,
    QueryTooSlow,
    QuotaExceeded,
    RecordInvalid,
    SignInNeeded,
    SiteBroken,
    StaleModel,
    TooManyRequests,
    VersionConflict,
)
from ui.asking import program_language
from ui.requests import number_of

PREFIX = "urn:guanxi:"
"""Begins the `type` of every problem."""
MEDIA_TYPE = "application/problem+json"


class BadRequest(GuanxiError):
    """The request itself cannot be read: no JSON, a wrong shape, too much at once."""


class StaleEtag(GuanxiError):
    """`If-Match` names a version that is no longer the stored one."""


class MergedAway(GuanxiError):
    """A record was merged into another one, which the caller may read."""

    def __init__(self, survivor: str) -> None:
        self.survivor = survivor
        super().__init__(Message("This record was merged into {id}", id=survivor))


class WrongMediaType(GuanxiError):
    """The body is of a kind that is not read here."""


class NotAcceptable(GuanxiError):
    """The caller takes none of the forms that an answer can have."""


_KINDS: tuple[tuple[type[GuanxiError], int, str, Message], ...] = (
    (QuotaExceeded, 413, "quota-exceeded", Message("There is no room left")),
    (RecordInvalid, 422, "record-invalid", Message("The record is not valid")),
    (DuplicatesFound, 409, "duplicates-found", Message("It looks like a record that is there already")),
    (VersionConflict, 409, "version-conflict", Message("Somebody else changed the record")),
    (StaleEtag, 412, "stale-etag", Message("The record is no longer the version that was read")),
    (IdempotencyMismatch, 422, "idempotency-key-reused", Message("The idempotency key cannot be used")),
    (ChangesForgotten, 410, "changes-forgotten", Message("These changes are no longer kept")),
    (MergedAway, 410, "merged", Message("The record was merged into another one")),
    (NotFound, 404, "not-found", Message("This does not exist, or you may not see it")),
    (SignInNeeded, 401, "sign-in-needed", Message("A valid token is needed")),
    (AccessDenied, 403, "access-denied", Message("You may not do this")),
    (QueryInvalid, 400, "query-invalid", Message("The query cannot be answered")),
    (ExpressionInvalid, 400, "expression-invalid", Message("The expression cannot be read")),
    (QueryTooSlow, 400, "query-too-slow", Message("The query takes too long")),
    (TooManyRequests, 429, "too-many-requests", Message("That was too often")),
    (WrongMediaType, 415, "unsupported-media-type", Message("The body is of a kind that is not read here")),
    (NotAcceptable, 406, "not-acceptable", Message("There is no such form of the answer")),
    (StaleModel, 503, "being-published", Message("The site is being published")),
    (DatabaseUnavailable, 503, "database-unavailable", Message("The database does not answer")),
    (SiteBroken, 503, "site-not-ready", Message("The site is not ready")),
)
_BAD_REQUEST = (400, "bad-request", Message("The request cannot be read"))
_HTTP = {
    400: Message("The request cannot be read"),
    404: Message("There is nothing at this address"),
    405: Message("This address does not take this method"),
    413: Message("What you sent is too large"),
    416: Message("The file has no such part"),
    500: Message("Something went wrong on our side"),
}
_LATER = 503
"""Service Unavailable: the same request may go well in a moment."""


def kind_of(error: GuanxiError) -> tuple[int, str, Message]:
    """Return (HTTP status, name, title) of an error."""
    for kind, status, name, title in _KINDS:
        if isinstance(error, kind):
            return status, name, title
    return _BAD_REQUEST


def described(error: GuanxiError, language: str) -> tuple[dict[str, Any], int]:
    """Return the problem object of an error, in a language, and its HTTP status."""
    status, name, title = kind_of(error)
    problem: dict[str, Any] = {
        "type": PREFIX + name,
        "title": title.in_(language),
        "status": status,
        "detail": error.in_(language),
    }
    if isinstance(error, QuotaExceeded):
        problem["detail"] = " ".join(each.message.in_(language) for each in error.problems)
    if isinstance(error, RecordInvalid):
        problem["errors"] = listed(error.problems, language)
    elif isinstance(error, (QueryInvalid, ExpressionInvalid)) and error.problems:
        problem["errors"] = [
            {"path": f"{each.line}:{each.column}", "code": each.code, "message": each.message.in_(language)}
            for each in error.problems
        ]
    elif isinstance(error, DuplicatesFound):
        problem["duplicates"] = [twin.json(language) for twin in error.twins]
        problem["blocked"] = error.blocked and not error.may_override
    elif isinstance(error, MergedAway):
        problem["merged_into"] = error.survivor
    elif error.row is not None:
        problem["errors"] = [{"path": f"operations/{error.row}", "code": name, "message": error.in_(language)}]
    elif isinstance(error, VersionConflict):
        problem["version"] = error.version
        problem["errors"] = [
            {"path": path, "code": "conflict", "message": error.in_(language), "theirs": each.theirs, "mine": each.mine}
            for path, each in error.fields.items()
        ]
    return problem, status


def listed(problems: Sequence[FieldProblem], language: str) -> list[dict[str, str]]:
    """Return field problems as the contract's `errors` list."""
    return [{"path": each.path, "code": each.code, "message": each.message.in_(language)} for each in problems]


def problem_response(error: GuanxiError, language: str) -> Response:
    """Return the answer to a request that was refused."""
    problem, status = described(error, language)
    problem["instance"] = f"{PREFIX}request:{number_of()}"
    why = _why(error)
    if why:
        problem["why"] = why
    response = Response(orjson.dumps(problem, default=str), status, mimetype=MEDIA_TYPE)
    headers = response.headers
    headers["Content-Language"] = language
    if status == _LATER:
        headers["Retry-After"] = "1"
    if isinstance(error, TooManyRequests):
        headers["Retry-After"] = str(error.seconds)
    if isinstance(error, SignInNeeded):
        # RFC 6750: what is wrong is said only of a token that was shown.
        shown = ', error="invalid_token"' if "Authorization" in request.headers else ""
        headers["WWW-Authenticate"] = f'Bearer realm="guanxi"{shown}'
    if isinstance(error, WrongMediaType):
        headers["Accept-Patch" if request.method == "PATCH" else "Accept-Post"] = "application/json"
    return response


def _why(error: GuanxiError) -> str:
    """Return the address that says which rule refused, "" where none did; it tells each caller what they may know."""
    if not isinstance(error, (AccessDenied, NotFound)) or not has_request_context():
        return ""
    asked = request.view_args or {}
    denied = error if isinstance(error, AccessDenied) else None
    entity = str(asked.get("entity") or "") or (denied.entity if denied is not None else "")
    if not entity or (denied is not None and not denied.action):
        return ""
    record = str(asked.get("record_id") or "")
    action, field = (denied.action, denied.field) if denied is not None else (_action(asked), "")
    words = {"action": action, **({"field": field} if field else {})}
    return f"/api/v1/{quote(entity)}{'/' if record else ''}{record}/why?{urlencode(words)}"


def _action(asked: dict[str, Any]) -> str:
    """Return as what the rules know that which was asked for."""
    if "name" in asked and (request.endpoint or "").endswith(".transition"):
        return f"transition:{asked['name']}"
    if request.method == "POST":
        return "delete" if request.path.endswith("/restore") else "read"
    return {"PATCH": "update", "DELETE": "delete"}.get(request.method, "read")


def not_json() -> BadRequest:
    """Return the error for a body that is no JSON object."""
    return BadRequest(Message("The body of the request must be a JSON object"))


def http_problem(error: HTTPException) -> Response:
    """Return the answer to an error of the web framework: an unknown address, a wrong method, too large a body."""
    status = error.code or 500
    language = program_language()
    title = _HTTP[status].in_(language) if status in _HTTP else error.name
    instance = f"{PREFIX}request:{number_of()}"
    problem = {"type": "about:blank", "title": title, "status": status, "instance": instance}
    response = Response(orjson.dumps(problem), status, mimetype=MEDIA_TYPE)
    response.headers["Content-Language"] = language
    for name, value in error.get_headers():
        # Which methods an address takes, how long a file is: what the framework knows about its refusal.
        if name.lower() not in {"content-type", "content-length"}:
            response.headers[name] = value
    return response
