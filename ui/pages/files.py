"""Attached files, for who may read the record that names them: to be saved, never shown as a page of ours."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, send_file

from ui.asking import reading, site
from ui.headers import FILE_POLICY

routes = Blueprint("files", __name__)


@routes.get("/files/<uuid:record_id>")
def download(record_id: Any) -> Response:
    """Send a file."""
    with reading() as reader:
        found = site().files.open(reader, str(record_id))
    response = send_file(
        found.path, mimetype=found.mimetype, as_attachment=True, download_name=found.name, etag=found.checksum
    )
    response.headers["Content-Security-Policy"] = FILE_POLICY
    # What it says may be kept by this browser, but whether it may be read is asked again each time.
    response.headers["Cache-Control"] = "private, no-cache"
    return response
