"""Exports over the API: asked for, looked after and fetched. A job makes the file; it is kept for whoever asked."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, request

from engine import ExportFile, Message, NotFound, read_export_options
from ui.api.body import answer, given_if_any, parameters
from ui.api.deprecation import named
from ui.asking import principal, program_language, reading, site
from ui.sending import sent

routes = Blueprint("transfers", __name__)


@routes.post("/<entity>/export")
def ask(entity: str) -> Response:
    """Have the records that fit written into a file: `format filter q ids order fields headers links values …`."""
    parameters()
    options = read_export_options(given_if_any())
    made = site().exports.ask(principal(), entity, options)
    with reading() as reader:
        named(reader, entity, options.fields)
    response = answer(_shown(made), 202)
    response.headers["Location"] = _address(made)
    return response


@routes.get("/<entity>/export/<uuid:export_id>")
def state(entity: str, export_id: Any) -> Response:
    """Say how far a file is."""
    parameters()
    return answer(_shown(_own(entity, export_id)))


@routes.delete("/<entity>/export/<uuid:export_id>")
def delete(entity: str, export_id: Any) -> Response:
    """Throw a file away; a job that makes it ends."""
    parameters()
    site().exports.delete(principal(), _own(entity, export_id).id)
    return Response(status=204)


@routes.get("/<entity>/export/<uuid:export_id>/file")
def fetch(entity: str, export_id: Any) -> Response:
    """Send a file that is ready."""
    parameters()
    with reading() as reader:
        made = _own(entity, export_id)
        found = site().exports.fetch(reader, made.id)
    return sent(found)


def _own(entity: str, export_id: Any) -> ExportFile:
    made = site().exports.get(principal(), str(export_id))
    if made.entity != entity:
        raise NotFound(Message("There is no such export"))
    return made


def _address(made: ExportFile) -> str:
    return f"{request.root_path}/api/v1/{made.entity}/export/{made.id}"


def _shown(made: ExportFile) -> dict[str, Any]:
    job = None if made.ready else site().exports.job(made)
    body: dict[str, Any] = {
        "id": made.id,
        "state": "done" if made.ready else job.state if job is not None else "failed",
        "file": made.name,
        "records": made.number if made.ready else None,
        "bytes": made.size if made.ready else None,
        "expires_at": made.ends_at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }
    if made.ready:
        body["href"] = f"{_address(made)}/file"
    if job is not None:
        body |= {"done": job.done, "total": job.total}
        if job.error is not None:
            body["error"] = job.error.in_(program_language())
    return body
