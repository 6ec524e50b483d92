"""Errors as RFC 9457 `application/problem+json`, each with a status that says whose fault it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
from flask import Response
from werkzeug.exceptions import HTTPException

from engine import (
    AccessDenied,
    ChangesForgotten,
    DatabaseUnavailable,
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
    StaleModel,
    TooManyRequests,
    VersionConflict,
)

_STATUS: tuple[tuple[type[GuanxiError], int, str], ...] = (
    (QuotaExceeded, 413, "quota-exceeded"),
    (RecordInvalid, 422, "record-invalid"),
    (VersionConflict, 409, "version-conflict"),
    (IdempotencyMismatch, 422, "idempotency-key-reused"),
    (ChangesForgotten, 410, "changes-forgotten"),
    (NotFound, 404, "not-found"),
    (SignInNeeded, 401, "sign-in-needed"),
    (AccessDenied, 403, "access-denied"),
    (QueryInvalid, 400, "query-invalid"),
    (ExpressionInvalid, 400, "expression-invalid"),
    (QueryTooSlow, 400, "query-too-slow"),
    (TooManyRequests, 429, "too-many-requests"),
    (StaleModel, 503, "being-published"),
    (DatabaseUnavailable, 503, "database-unavailable"),
)


class BadRequest(GuanxiError):
    """The request itself cannot be read: no JSON, a wrong shape, too much at once."""


class StaleEtag(GuanxiError):
    """`If-Match` names a version that is no longer the stored one."""


def described(error: GuanxiError, language: str) -> tuple[dict[str, Any], int]:
    """Return the problem object of an error, in a language, and its HTTP status."""
    status, code = 400, "bad-request"
    if isinstance(error, StaleEtag):
        status, code = 412, "stale-etag"
    for kind, its_status, its_code in _STATUS:
        if isinstance(error, kind):
            status, code = its_status, its_code
            break
    problem: dict[str, Any] = {"type": f"urn:guanxi:{code}", "title": error.in_(language), "status": status}
    if isinstance(error, QuotaExceeded):
        problem["title"] = " ".join(each.message.in_(language) for each in error.problems)
    if isinstance(error, RecordInvalid):
        problem["errors"] = listed(error.problems, language)
    elif isinstance(error, (QueryInvalid, ExpressionInvalid)) and error.problems:
        problem["errors"] = [
            {"path": f"{each.line}:{each.column}", "code": each.code, "message": each.message.in_(language)}
            for each in error.problems
        ]
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
    response = Response(orjson.dumps(problem, default=str), status, mimetype="application/problem+json")
    if status == 503:  # noqa: PLR2004 - Service Unavailable
        response.headers["Retry-After"] = "1"
    if isinstance(error, TooManyRequests):
        response.headers["Retry-After"] = str(error.seconds)
    if status == 401:  # noqa: PLR2004 - Unauthorized
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def not_json() -> BadRequest:
    """Return the error for a body that is no JSON object."""
    return BadRequest(Message("The body of the request must be a JSON object"))


def http_problem(error: HTTPException) -> Response:
    """Return the answer to an error of the web framework: an unknown address, a wrong method, too large a body."""
    status = error.code or 500
    problem = {"type": "about:blank", "title": error.name, "status": status}
    return Response(orjson.dumps(problem), status, mimetype="application/problem+json")
