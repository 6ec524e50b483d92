"""Files over the API: sent once as multipart, named by their id in a record, fetched by who may read them."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, request, send_file

from engine import Message
from ui.api.problems import BadRequest
from ui.api.records import answer
from ui.asking import principal, reading, site
from ui.headers import FILE_POLICY

routes = Blueprint("files", __name__)


@routes.post("/files")
def upload() -> Response:
    """Store a file and return its id."""
    sent = request.files.get("file")
    if sent is None or not sent.filename:
        raise BadRequest(Message("Send the file as the part named file of a multipart form"))
    record_id = site().files.add(principal(), sent.stream, name=sent.filename)
    return answer({"id": record_id}, 201)


@routes.get("/files/<uuid:record_id>")
def download(record_id: Any) -> Response:
    """Send a file that the caller may read."""
    with reading() as reader:
        found = site().files.open(reader, str(record_id))
    # Sent to be saved, never to be shown from our origin: it may be a page with a script in it.
    response = send_file(found.path, mimetype=found.mimetype, as_attachment=True, download_name=found.name)
    response.headers["Content-Security-Policy"] = FILE_POLICY
    return response
