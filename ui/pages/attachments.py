"""Files of a record as a whole: several at once, looked at within the page, taken away again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath
from typing import Any

from flask import Blueprint, Response, redirect, request, send_file
from werkzeug.datastructures import FileStorage
from werkzeug.wrappers import Response as AnyResponse

from engine import AccessDenied, GuanxiError, Message, NotFound, RecordInvalid, attach_files, versions_of
from ui.asking import language, principal, reading, site
from ui.frame import is_fragment, notice, page
from ui.headers import CONTENT_POLICY
from ui.pages.account import moments
from ui.pages.editing import said_title
from ui.pages.listing import entity_of, locale_of
from ui.pages.stream import Compose, answered
from ui.pages.told import size_said
from ui.safe import own_path

MOST_AT_ONCE = 20
UNPROCESSABLE = 422
_LONGEST_TEXT = 200_000
PICTURES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "image/avif", "image/bmp"})
"""Kinds of pictures that a browser draws and that hold no script."""
_PDF = "application/pdf"
_TEXTS = frozenset({"text/plain", "text/csv", "text/markdown", "application/json", "application/yaml"})
_INLINE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'self'"
"""For a file that a page of ours frames: it loads nothing and runs nothing."""
_FRAMING = CONTENT_POLICY.replace("frame-src 'none'", "frame-src 'self'")

routes = Blueprint("attachments", __name__)


@routes.post("/<entity>/<uuid:record_id>/files")
def add(entity: str, record_id: Any) -> AnyResponse:
    """Attach files to a record."""
    id_ = str(record_id)
    with reading() as reader:
        known = entity_of(reader, entity)
        reader.record(entity, id_, (known.title,))
        if "attachments" not in known.features:
            raise NotFound(Message("{plural} have no files", plural=known.plural))
    sent = [each for each in request.files.getlist("files") if each.filename]
    problems = received(entity, id_, sent) if sent else [Message("Choose a file").in_(language())]
    if not problems and not is_fragment():
        notice(Message("1 file attached") if len(sent) == 1 else Message("{count} files attached", count=len(sent)))
    return answered(entity, id_, Compose(problems=problems))


@routes.route("/<entity>/<uuid:record_id>/files/<uuid:file_id>/versions", methods=["GET", "POST"])
def versions(entity: str, record_id: Any, file_id: Any) -> AnyResponse:
    """Show the files of one name that hang on a record, the latest first, and take one more in."""
    id_ = str(record_id)
    address = f"/{entity}/{id_}/files/{file_id}/versions"
    problems: list[str] = []
    with reading() as reader:
        known = entity_of(reader, entity)
        row = reader.record(entity, id_, (known.title,), ("update",))
        found = versions_of(reader, entity, id_, str(file_id))
        name, may = found[0].name, row.may("update") and "attachments" in known.features
        title = said_title(row.values(), known, locale_of(reader))
    if request.method == "POST":
        sent = [each for each in request.files.getlist("file") if each.filename]
        problems = _further(entity, id_, name, sent)
        if not problems:
            notice(Message("{name} has a new version", name=name))
            return redirect(address, 303)
    with reading() as reader:
        people = reader.titles("user", [each.by for each in found if each.by])
        html = page(
            "versions.html",
            reader,
            entity=known,
            here=f"/{entity}/{id_}",
            title=title,
            name=name,
            address=address,
            versions=[(each, people.get(each.by or "", ""), size_said(each.size)) for each in found],
            when=moments(reader),
            may=may,
            problems=problems,
        )
    return Response(html, UNPROCESSABLE if problems else 200)


def _further(entity: str, record_id: str, name: str, sent: Sequence[FileStorage]) -> list[str]:
    """Store one more version of a file; return what is wrong with it."""
    if not sent:
        return [Message("Choose a file").in_(language())]
    kinds = [PurePath(each or "").suffix.lower() for each in (name, sent[0].filename)]
    if kinds[0] != kinds[1]:
        return [Message("A version of {name} is a file of the same kind", name=name).in_(language())]
    return received(entity, record_id, sent[:1], name)


def received(entity: str, record_id: str, sent: Sequence[FileStorage], called: str = "") -> list[str]:
    """Store files and let them hang on a record; return what is wrong, with the names of the files.

    `called` is the name to keep them by, instead of what each was called where it came from.
    """
    if len(sent) > MOST_AT_ONCE:
        return [Message("At most {most} files at once", most=MOST_AT_ONCE).in_(language())]
    known, ids, problems = site(), list[str](), list[str]()
    for each in sent:
        name = called or each.filename or ""
        try:
            ids.append(known.files.add(principal(), each.stream, name=name, via="web"))
        except RecordInvalid as refused:
            problems += [f"{name}: {one.message.in_(language())}" for one in refused.problems]
        except (AccessDenied, GuanxiError) as refused:
            problems.append(f"{name}: {refused.in_(language())}")
    if ids:
        try:
            attach_files(known.records, principal(), entity, record_id, ids)
        except AccessDenied as refused:
            problems.append(refused.in_(language()))
    return problems


@routes.post("/<entity>/<uuid:record_id>/files/<uuid:file_id>/delete")
def remove(entity: str, record_id: Any, file_id: Any) -> AnyResponse:
    """Take a file away from a record; the notice brings it back."""
    change_set = site().records.begin_set(principal(), "delete", entity="file")
    site().records.delete(principal(), "file", [str(file_id)], via="web", change_set=change_set)
    notice(Message("The file was taken away"), undo=f"/file/undo/{change_set}")
    return redirect(own_path(request.form.get("back", ""), f"/{entity}/{record_id}/stream"), 303)


@routes.get("/files/<uuid:record_id>/preview")
def preview(record_id: Any) -> Response:
    """Show a file within a page: pictures, PDF and texts; of others what they are called and how large they are."""
    with reading() as reader:
        found = site().files.open(reader, str(record_id))
        kind = found.mimetype.partition(";")[0]
        look = "picture" if kind in PICTURES else "pdf" if kind == _PDF else "text" if kind in _TEXTS else ""
        text, cut = "", False
        if look == "text":
            with found.path.open("rb") as stream:
                data = stream.read(_LONGEST_TEXT)
            text, cut = data.decode("utf-8", "replace"), found.size > _LONGEST_TEXT
        html = page(
            "preview.html",
            reader,
            file_id=str(record_id),
            name=found.name,
            size=size_said(found.size),
            look=look,
            text=text,
            cut=cut,
            back=own_path(request.args.get("back", ""), ""),
        )
    response = Response(html)
    if look == "pdf":
        response.headers["Content-Security-Policy"] = _FRAMING
    return response


@routes.get("/files/<uuid:record_id>/inline")
def inline(record_id: Any) -> Response:
    """Send a PDF or a picture to be shown where it is asked for, by a page of ours."""
    with reading() as reader:
        found = site().files.open(reader, str(record_id))
    kind = found.mimetype.partition(";")[0]
    if kind != _PDF and kind not in PICTURES:
        raise NotFound(Message("This file is not shown, only saved"))
    response = send_file(found.path, mimetype=kind, download_name=found.name, etag=found.checksum)
    response.headers["Content-Security-Policy"] = _INLINE_POLICY
    response.headers["X-Frame-Options"] = "SAMEORIGIN"
    response.headers["Cache-Control"] = "private, no-cache"
    return response
