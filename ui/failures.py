"""Errors as pages: what happened, whose fault it is, and what to do next. The API answers in its own form."""

from __future__ import annotations

import logging
from contextlib import suppress
from urllib.parse import quote, urlsplit

from flask import Flask, Response, g, make_response, redirect, render_template, request
from werkzeug.exceptions import HTTPException, InternalServerError, MethodNotAllowed
from werkzeug.wrappers import Response as AnyResponse

from engine import (
    AccessDenied,
    DuplicatesFound,
    ExpressionInvalid,
    GuanxiError,
    Message,
    NotFound,
    QueryInvalid,
    QueryTooSlow,
    Reader,
    SignInNeeded,
    SiteBroken,
    StaleModel,
    TooManyRequests,
    people_who_give_roles,
)
from ui.api.problems import http_problem
from ui.asking import language, reading
from ui.frame import NOWHERE, htmx, listed, navigation
from ui.pages.why import address
from ui.requests import number_of, shown_path
from ui.safe import own_path

log = logging.getLogger(__name__)

_STATUS: tuple[tuple[type[GuanxiError], int], ...] = (
    (DuplicatesFound, 409),
    (NotFound, 404),
    (AccessDenied, 403),
    (QueryInvalid, 400),
    (ExpressionInvalid, 400),
    (QueryTooSlow, 400),
    (TooManyRequests, 429),
    (StaleModel, 503),
    (SiteBroken, 503),
)
_TITLES = {
    400: Message("This cannot be answered"),
    403: Message("You may not do this"),
    404: Message("This does not exist, or you may not see it"),
    405: Message("This cannot be done here"),
    409: Message("Somebody else was faster"),
    413: Message("What you sent is too large"),
    422: Message("This cannot be taken as it is"),
    429: Message("That was too often"),
    500: Message("Something went wrong on our side"),
    503: Message("Please try again in a moment"),
}
_ADVICE = {
    400: Message("Go back, correct it, and try again. Nothing was changed."),
    403: Message("Nothing was changed. Who looks after roles can let you do it."),
    404: Message("It may have been moved or deleted, or the address has a mistake. Search for it, or look in a list."),
    405: Message("Go back, and use the buttons of the page. Nothing was changed."),
    409: Message("Go back, look at how it is now, and do it again if it still has to be done."),
    413: Message("Send it in smaller parts, or ask who runs the site to allow more. Nothing was changed."),
    422: Message("Go back, correct it, and try again. Nothing was changed."),
    429: Message("Wait a little, then go on. Nothing is lost."),
    500: Message("Try again. If it happens once more, tell who runs the site; what you did last was not kept."),
    503: Message("The site is busy, or is being looked after. Load the page again in a moment; nothing was changed."),
}
"""What to do then."""
_AGAIN = Message("Go back, load the page again, and try once more. Nothing was changed.")


def handle(app: Flask) -> None:
    """Turn every error of a screen into a page."""
    app.register_error_handler(SignInNeeded, _to_sign_in)
    app.register_error_handler(GuanxiError, _refused)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _broken)


def _to_sign_in(error: SignInNeeded) -> AnyResponse:
    back = quote(request.full_path.rstrip("?")) if request.method == "GET" else ""
    address = f"/login?next={back}" if back and back != "/" else "/login"
    if htmx:
        response = make_response("", 200)
        response.headers["HX-Redirect"] = address
        return response
    return redirect(address, 303)


def _refused(error: GuanxiError) -> Response:
    status = next((status for kind, status in _STATUS if isinstance(error, kind)), 400)
    response = failure(status, error.in_(language()), error)
    if isinstance(error, TooManyRequests):
        response.headers["Retry-After"] = str(error.seconds)
    return response


def _http(error: HTTPException) -> Response:
    if request.path.startswith("/api/"):
        return http_problem(error)
    status = error.code or 500
    reason = Message("The request can be read only in part, so nothing was done") if status == 400 else None  # noqa: PLR2004
    response = failure(status, reason.in_(language()) if reason is not None else "")
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        response.headers["Allow"] = ", ".join(error.valid_methods)
    return response


def _broken(error: Exception) -> Response:
    # What went wrong goes to the log with its trace, never to the page: it may quote somebody's data.
    log.error("%s %s failed", request.method, shown_path(), exc_info=error)
    if request.path.startswith("/api/"):
        return http_problem(InternalServerError())
    return failure(500, "")


def failure(status: int, reason: str, error: GuanxiError | None = None) -> Response:
    """Return the page of an error, with the ways on for who is signed in and the database answers."""
    shown, why = NOWHERE, ""
    givers: tuple[str, ...] = ()
    if status < 500:  # noqa: PLR2004 - whose fault it is
        # An address that leads nowhere was refused before anybody asked who wants it.
        with suppress(GuanxiError), reading() as reader:
            shown = navigation(reader)
            if status in {403, 404}:
                why, givers = _why(reader, error), people_who_give_roles(reader)
    title = _TITLES.get(status, _TITLES[400]).in_(language())
    # Whoever keeps the site running finds in the log what happened under this number.
    number = number_of() if status >= 500 else ""  # noqa: PLR2004 - as above
    body = render_template(
        "failure.html",
        navigation=shown,
        status=status,
        title=title,
        reason=reason,
        number=number,
        why=why,
        givers=listed(givers),
        advice=(_ADVICE.get(status, _ADVICE[400]) if status != 403 or givers else _AGAIN).in_(language()),  # noqa: PLR2004
        back=_back(),
        searches=status == 404 and g.get("principal") is not None,  # noqa: PLR2004 - Not Found
    )
    response = make_response(body, status)
    if status == 503:  # noqa: PLR2004 - Service Unavailable
        response.headers["Retry-After"] = "1"
    return response


def _back() -> str:
    """Return the page of ours that somebody came from; "" where that is this one, or not known."""
    came = urlsplit(request.referrer or "")
    if came.netloc != request.host:
        return ""
    path = own_path(f"{came.path}?{came.query}" if came.query else came.path, "")
    return "" if path == request.full_path.rstrip("?") else path


def _why(reader: Reader, error: GuanxiError | None) -> str:
    """Return the address that says why something of a record was refused; "" where it is about none."""
    asked = request.view_args or {}
    denied = error if isinstance(error, AccessDenied) else None
    entity = str(asked.get("entity", "")) or (denied.entity if denied is not None else "")
    known = reader.model.entities.get(entity)
    if known is None or not reader.access.may(entity, "read"):
        return ""
    record = asked.get("record_id")
    action = denied.action if denied is not None else ""
    field = denied.field if denied is not None and action else ""
    return address(entity, str(record) if record else None, action=action or "read", field=field)
