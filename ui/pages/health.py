"""Whether the site runs: for the programs that keep it running, so without a sign-in and without a page."""

from __future__ import annotations

from flask import Blueprint, Response

from engine import SiteBroken
from ui.asking import site

routes = Blueprint("health", __name__)


@routes.get("/healthz")
def health() -> Response:
    """Say which revision runs, once the database has answered; 503 when it does not."""
    try:
        return Response(f"ok {site().revision}\n", mimetype="text/plain")
    except SiteBroken:
        return Response("the database does not answer\n", 503, {"Retry-After": "1"}, mimetype="text/plain")
