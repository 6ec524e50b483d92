"""Errors as pages: what happened, whose fault it is, and what to do next. The API answers in its own form."""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import dataclass
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
from ui.forgery import FormTooOld
from ui.frame import NOWHERE, Navigation, htmx, listed, navigation, said
from ui.pages.signed_out import Typed, typed
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
_KEPT = Message("Nothing was changed, and what you typed is still here. Save it again, perhaps in a moment.")
_TOO_OLD = Message("This page was open for too long")
_LATER = frozenset({429, 500, 503})
"""What may go well when it is tried once more."""


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
    ways = _Ways()
    too_old = isinstance(error, FormTooOld)
    if status < 500:  # noqa: PLR2004 - whose fault it is
        # An address that leads nowhere was refused before anybody asked who wants it.
        with suppress(GuanxiError), reading() as reader:
            ways = _ways(reader, error if not too_old else None, rights=status in {403, 404} and not too_old)
    # A form that another site made is not offered to be sent.
    form = typed() if status in _LATER or (too_old and "Origin" in request.headers) else None
    # Whoever keeps the site running finds in the log what happened under this number.
    number = number_of() if status >= 500 else ""  # noqa: PLR2004 - as above
    body = render_template(
        "failure.html",
        navigation=ways.navigation,
        status=status,
        title=said(_TOO_OLD if too_old else _TITLES.get(status, _TITLES[400])),
        reason="" if too_old or (status == 404 and ways.is_unknown) else reason,  # noqa: PLR2004 - Not Found
        number=number,
        why=ways.why,
        givers=listed(ways.givers),
        advice=said(_advice(status, ways, form, too_old=too_old)),
        back="" if form is not None else _back(),
        records=ways.records,
        form=form,
        searches=status == 404 and g.get("principal") is not None,  # noqa: PLR2004 - as above
    )
    response = make_response(body, status)
    if status == 503:  # noqa: PLR2004 - Service Unavailable
        response.headers["Retry-After"] = "1"
    return response


def _advice(status: int, ways: _Ways, form: Typed | None, *, too_old: bool) -> Message:
    if form is not None:
        return _KEPT
    if too_old or (status == 403 and not ways.givers):  # noqa: PLR2004 - Forbidden
        return _AGAIN
    return _ADVICE.get(status, _ADVICE[400])


def _back() -> str:
    """Return the page of ours that somebody came from, or where a form is; "" where that is this one, or not known."""
    came = urlsplit(request.referrer or "")
    if came.netloc != request.host:
        return ""
    path = own_path(f"{came.path}?{came.query}" if came.query else came.path, "")
    return "" if request.method == "GET" and path == request.full_path.rstrip("?") else path


@dataclass(frozen=True)
class _Ways:
    """Where to go on from here."""

    navigation: Navigation = NOWHERE
    records: tuple[str, str] | None = None
    """Address and name of the list that the request was about."""
    is_unknown: bool = False
    """Whether the address names no entity that they may know of."""
    why: str = ""
    """The address that says why something of a record was refused."""
    givers: tuple[str, ...] = ()
    """Who gives roles."""


def _ways(reader: Reader, error: GuanxiError | None, *, rights: bool) -> _Ways:
    """Return the ways on; with `rights`, also those to more rights."""
    asked = request.view_args or {}
    denied = error if isinstance(error, AccessDenied) else None
    entity = str(asked.get("entity", "")) or (denied.entity if denied is not None else "")
    known = reader.model.entities.get(entity)
    shown, givers = navigation(reader), people_who_give_roles(reader) if rights else ()
    if known is None or not reader.access.may(entity, "read"):
        # What somebody may not know of is answered as what is not there, word for word.
        return _Ways(shown, is_unknown="entity" in asked, givers=givers)
    records = (f"/{entity}", said(known.plural)) if request.full_path.rstrip("?") != f"/{entity}" else None
    record = asked.get("record_id")
    action = denied.action if denied is not None else ""
    field = denied.field if denied is not None and action else ""
    why = address(entity, str(record) if record else None, action=action or "read", field=field) if rights else ""
    return _Ways(shown, records, why=why, givers=givers)
