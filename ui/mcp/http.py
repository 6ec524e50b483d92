"""`/mcp`: the protocol over HTTP, each request answered at once with JSON.

A token of an agent says in whose name; a browser's cookie never does, and no page of another site gets an answer.
There are no sessions to keep: what a program calls itself when it begins comes back with each request in a signed id.
"""

from __future__ import annotations

import logging
from typing import Any
from urllib.parse import urlsplit

import orjson
from flask import Blueprint, Response, current_app, g, request
from itsdangerous import BadSignature, URLSafeSerializer

from engine import AccessDenied, DatabaseUnavailable, GuanxiError, Message, SignInNeeded, TooManyRequests
from ui.asking import program_language, site
from ui.forgery import from_elsewhere
from ui.mcp.caller import Caller
from ui.sizes import is_too_deep

log = logging.getLogger(__name__)

PATH = "/mcp"
SESSION = "Mcp-Session-Id"
_MOST_BYTES = 1_000_000
_REFUSED = -32000
"""Errors of ours that the protocol has no code for."""
_PARSE_ERROR = -32700

routes = Blueprint("mcp", __name__)


@routes.route(PATH, methods=["GET", "POST", "DELETE", "PUT", "PATCH"])
@from_elsewhere
def exchange() -> Response:
    """Answer one message."""
    if request.method != "POST":
        # There is no stream to listen to and no session to end.
        return Response(status=405, headers={"Allow": "POST"})
    try:
        _require_own_origin()
        return _exchange()
    except SignInNeeded as error:
        response = _failed(401, error)
        response.headers["WWW-Authenticate"] = 'Bearer realm="guanxi"'
        return response
    except AccessDenied as error:
        return _failed(403, error)
    except TooManyRequests as error:
        response = _failed(429, error)
        response.headers["Retry-After"] = str(error.seconds)
        return response
    except DatabaseUnavailable as error:
        response = _failed(503, error)
        response.headers["Retry-After"] = "1"
        return response
    except GuanxiError as error:
        return _failed(400, error)


def _exchange() -> Response:
    caller = _caller()
    try:
        from ui.mcp import protocol
    except ImportError:
        return _failed(501, GuanxiError(missing()))
    problem = _unacceptable()
    if problem is not None:
        return problem
    id_ = None
    try:
        message = _message()
        if isinstance(message, dict) and isinstance(message.get("id"), (str, int)):
            id_ = message["id"]
        said = protocol.understand(message, request.headers.get)
        if said.method != "initialize" and SESSION in request.headers:
            client = _client_of_session(caller)
            if client is None:
                # The program begins anew, and gets an id that is good.
                return _json(protocol.Refused(_REFUSED, "The session is over").json(id_), 404)
            caller = _named(caller, client)
        caller = _named(caller, said.client)
        if said.id is None:
            return Response(status=202)
        response = _json(protocol.answer(site(), caller, said))
        if said.method == "initialize":
            response.headers[SESSION] = _signer().dumps([caller.principal.id, said.client])
    except protocol.Refused as refused:
        return _json(refused.json(id_), refused.status)
    except GuanxiError:
        raise
    except Exception:
        # What went wrong goes to the log, never to an agent: it may quote somebody's data.
        log.exception("%s failed", PATH)
        return _json(protocol.internal_error().json(id_), 500)
    return response


def missing() -> Message:
    """Return what to say where the extra is not installed."""
    return Message("Agents need the extra mcp: install guanxi[mcp] and start the server again")


def _require_own_origin() -> None:
    """Refuse what a page of another site sends: a name of theirs may lead to an address of ours.

    Raises:
        AccessDenied: the browser names another origin than ours.
    """
    sender = request.headers.get("Origin")
    own = {request.host, urlsplit(site().config.base_url or "").netloc} - {""}
    if sender is not None and urlsplit(sender).netloc not in own:
        raise AccessDenied(Message("The request came from another site"))


def _caller() -> Caller:
    """Return who calls.

    Raises:
        SignInNeeded: no token was shown, or it is no longer good.
        AccessDenied: the token is not for agents.
    """
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise SignInNeeded(Message("Show the token of an agent: Authorization: Bearer gx_..."))
    principal, known = site().identity.agent_of_token(token.strip(), address=request.remote_addr)
    g.principal = principal
    return Caller(principal, known.id, known.name, "", request.remote_addr)


def _named(caller: Caller, client: str) -> Caller:
    if not client:
        return caller
    return Caller(caller.principal, caller.token_id, caller.token_name, client, caller.address)


def _unacceptable() -> Response | None:
    """Return the refusal of a request that is not sent as the protocol says."""
    if request.mimetype != "application/json":
        return _failed(415, GuanxiError(Message("The body must be application/json")))
    accepts = request.accept_mimetypes
    if accepts and not accepts["application/json"]:
        return _failed(406, GuanxiError(Message("The answer is application/json, which the request does not accept")))
    # One byte more than is taken tells that there is more; whoever sends without a length is measured, too.
    if (request.content_length or 0) > _MOST_BYTES or len(_body()) > _MOST_BYTES:
        return _failed(413, GuanxiError(Message("A message has at most {most} bytes", most=_MOST_BYTES)))
    return None


def _body() -> bytes:
    """Return the body, or the beginning of one that is too large."""
    request.max_content_length = None
    known: bytes | None = g.get("mcp_body")
    if known is None:
        known = g.mcp_body = request.stream.read(_MOST_BYTES + 1)
    return known


def _message() -> Any:
    """Return the message in the body.

    Raises:
        Refused: it is no JSON, or lies too deep within itself.
    """
    from ui.mcp.protocol import Refused

    try:
        message = orjson.loads(_body())
    except orjson.JSONDecodeError as error:
        raise Refused(_PARSE_ERROR, f"The body is not JSON: {error}") from None
    if is_too_deep(message):
        raise Refused(_PARSE_ERROR, "The body lies too deep within itself")
    return message


def _client_of_session(caller: Caller) -> str | None:
    """Return how the program of a session named itself; None when the session is none of the caller's."""
    try:
        person, client = _signer().loads(request.headers[SESSION])
    except (BadSignature, TypeError, ValueError):
        return None
    return str(client) if person == caller.principal.id else None


def _signer() -> URLSafeSerializer:
    return URLSafeSerializer(str(current_app.secret_key), salt="mcp session")


def _failed(status: int, error: GuanxiError) -> Response:
    """Return an error that is not about a message, or that comes before it is read."""
    body = {"jsonrpc": "2.0", "id": None, "error": {"code": _REFUSED, "message": error.in_(program_language())}}
    return _json(body, status)


def _json(body: Any, status: int = 200) -> Response:
    response = Response(orjson.dumps(body, default=str), status, mimetype="application/json")
    response.headers["Cache-Control"] = "no-store"
    return response
