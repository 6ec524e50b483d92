"""The REST API under `/api/v1`: generic over entities, problem+json for every refusal."""

from __future__ import annotations

from flask import Blueprint, Response, request
from werkzeug.exceptions import HTTPException

from engine import GuanxiError, NotFound
from ui.api import changes, files, lists, many, merging, meta, openapi, records, shares, transfers, whys
from ui.api.body import require_text, wants_json
from ui.api.problems import BadRequest, WrongMediaType, http_problem, problem_response
from ui.asking import program_language, refuse_foreign_origin


def blueprint() -> Blueprint:
    """Return the API, to be mounted once in an application that `ui.asking` serves."""
    api = Blueprint("api", __name__, url_prefix="/api/v1")
    api.register_blueprint(meta.routes)
    api.register_blueprint(openapi.routes)
    api.register_blueprint(files.routes)
    api.register_blueprint(shares.routes)
    api.register_blueprint(changes.routes)
    api.register_blueprint(whys.routes)
    api.register_blueprint(lists.routes)
    api.register_blueprint(many.routes)
    api.register_blueprint(transfers.routes)
    api.register_blueprint(merging.routes)
    api.register_blueprint(records.routes)
    api.before_request(require_text)
    api.before_request(wants_json)
    api.before_request(_from_here)
    api.before_request(openapi.allow)
    api.register_error_handler(GuanxiError, _refused)
    api.register_error_handler(HTTPException, http_problem)
    return api


def _refused(error: GuanxiError) -> Response:
    method = openapi.method_refused() if isinstance(error, (BadRequest, WrongMediaType, NotFound)) else None
    return http_problem(method) if method is not None else problem_response(error, program_language())


def _from_here() -> None:
    """A cookie is sent by a browser whichever site asks; a token is not."""
    if request.method not in {"GET", "HEAD", "OPTIONS"} and "Authorization" not in request.headers:
        refuse_foreign_origin()
