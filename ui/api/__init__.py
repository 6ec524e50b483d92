"""The REST API under `/api/v1`: generic over entities, problem+json for every refusal."""

from __future__ import annotations

import orjson
from flask import Blueprint, Response, request
from werkzeug.exceptions import HTTPException

from engine import GuanxiError
from ui.api import files, meta, records
from ui.api.problems import problem_response
from ui.asking import language, refuse_foreign_origin


def blueprint() -> Blueprint:
    """Return the API, to be mounted once in an application that `ui.asking` serves."""
    api = Blueprint("api", __name__, url_prefix="/api/v1")
    api.register_blueprint(meta.routes)
    api.register_blueprint(files.routes)
    api.register_blueprint(records.routes)
    api.before_request(_from_here)
    api.register_error_handler(GuanxiError, lambda error: problem_response(error, language()))
    api.register_error_handler(HTTPException, _http_problem)
    return api


def _from_here() -> None:
    """A cookie is sent by a browser whichever site asks; a token is not."""
    if request.method not in {"GET", "HEAD", "OPTIONS"} and "Authorization" not in request.headers:
        refuse_foreign_origin()


def _http_problem(error: HTTPException) -> Response:
    """An error of the web framework itself: an unknown address, a wrong method, too large a body."""
    status = error.code or 500
    problem = {"type": "about:blank", "title": error.name, "status": status}
    return Response(orjson.dumps(problem), status, mimetype="application/problem+json")
