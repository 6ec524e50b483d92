"""Notes which records somebody opens, after the answer is made: it costs a page nothing but a place in memory."""

from __future__ import annotations

from flask import Flask, Response, g, request

from ui.asking import site

_OPENED = 200


def note(app: Flask) -> None:
    """Note every page of a record that was shown whole."""

    @app.after_request
    def _note(response: Response) -> Response:
        if request.endpoint == "records.record" and response.status_code == _OPENED and request.method == "GET":
            known, given = g.get("principal"), request.view_args or {}
            if known is not None and "HX-Request" not in request.headers:
                site().visits.note(known, str(given["entity"]), str(given["record_id"]))
        return response
