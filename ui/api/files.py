"""Files over the API: sent once as multipart, named by their id in a record, fetched by who may read them."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, request, send_file

from engine import Message
from ui.api.body import answer, parameters
from ui.api.problems import BadRequest, WrongMediaType
from ui.asking import principal, reading, site
from ui.headers import FILE_POLICY

_FORM = "multipart/form-data"

routes = Blueprint("files", __name__)


@routes.post("/files")
def upload() -> Response:
    """Store a file and return its id; what it is, its bytes say, whatever the sender calls it."""
    parameters()
    who = principal()
    if request.mimetype != _FORM:
        raise WrongMediaType(Message("Send {wanted}, not {sent}", wanted=_FORM, sent=request.mimetype[:100] or "-"))
    sent = request.files.getlist("file")
    if len(sent) != 1 or not sent[0].filename:
        raise BadRequest(Message("Send the file as the part named file of a multipart form"))
    record_id = site().files.add(who, sent[0].stream, name=sent[0].filename, via="api")
    response = answer({"id": record_id}, 201)
    response.headers["Location"] = f"/api/v1/files/{record_id}"
    return response


@routes.get("/files/<uuid:record_id>")
def download(record_id: Any) -> Response:
    """Send a file that the caller may read, the whole or the range that they ask for."""
    parameters()
    with reading() as reader:
        found = site().files.open(reader, str(record_id))
    # Sent to be saved, never to be shown from our origin: it may be a page with a script in it. The bytes of a file
    # never change, so its checksum is its ETag.
    response = send_file(
        found.path, mimetype=found.mimetype, as_attachment=True, download_name=found.name, etag=found.checksum
    )
    response.headers["Content-Security-Policy"] = FILE_POLICY
    return response
