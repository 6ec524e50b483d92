"""Saved views as view documents, and back: for whoever writes documents, and to take a view to another site."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, make_response, redirect, request
from werkzeug.wrappers import Response

from engine import (
    BadValue,
    ExpressionInvalid,
    Message,
    NotFound,
    Reader,
    RecordInvalid,
    SavedView,
    Shown,
    conjunction,
    dump,
    parse,
    read_documents,
    to_text,
)
from ui.asking import reading, site
from ui.frame import notice
from ui.pages.list_state import lasting, state_of
from ui.pages.listing import TABLE, entity_of, listing, sorted_by

routes = Blueprint("view_documents", __name__)


def may_see_documents(reader: Reader) -> bool:
    """Say whether somebody works with documents."""
    return reader.access.has("developer")


def document_of(reader: Reader, saved: SavedView) -> str:
    """Return a saved view as the text of a view document."""
    asked = listing(reader, saved.entity, state_of(urlencode({"view": saved.id})))
    view, wanted = asked.wanted.view, asked.wanted
    try:
        parts = [each for each in (view.where, lasting(reader, asked)) if each is not None]
    except (BadValue, ExpressionInvalid):
        parts = [view.where] if view.where is not None else []
    order = [
        f"{'-' if falls else ''}{path}" for path, (_place, falls) in sorted_by(wanted).items() if path != "user.seen"
    ]
    body: dict[str, Any] = {
        "view": f"{saved.entity}.{_slug(saved.name)}",
        "entity": saved.entity,
        "title": saved.name,
        **({"where": to_text(conjunction(*parts))} if parts else {}),
        "columns": {path: {"width": each.width} if each.width else {} for path, each in view.columns.items()},
        **({"order": order} if order else {}),
        **({"group_by": [wanted.group]} if wanted.group and "(" not in wanted.group else {}),
        **({"filters": list(view.filters)} if view.filters else {}),
        **({"display": saved.shown.display} if saved.shown.display else {}),
    }
    return dump(body)


def _slug(name: str) -> str:
    plain = "".join(letter if letter.isascii() and letter.isalnum() else "_" for letter in name.lower()).strip("_")
    return plain if plain[:1].isalpha() else f"view_{plain}".rstrip("_")


@routes.get("/<entity>/views/<uuid:view>/document")
def document(entity: str, view: Any) -> Response:
    """Send a view as a document."""
    with reading() as reader:
        entity_of(reader, entity)
        saved = site().views.get(reader.connection, reader.principal, str(view))
        if saved.entity != entity or not may_see_documents(reader):
            raise NotFound(Message("There is no page at this address"))
        response = make_response(document_of(reader, saved))
    response.headers["Content-Type"] = "application/yaml; charset=utf-8"
    response.headers["Content-Disposition"] = f'attachment; filename="{entity}-view.yaml"'
    return response


@routes.post("/<entity>/views/import")
def take(entity: str) -> Response:
    """Save the view of a document that somebody pasted."""
    with reading() as reader:
        entity_of(reader, entity)
        access = reader.access
    found, problems = read_documents(request.form.get("document", ""))
    body = next((each.body for each in found if each.kind == "view" and each.body.get("entity") == entity), None)
    if body is None:
        why = problems[0].message if problems else Message("There is no view of this list in the text")
        notice(Message("The view cannot be read: {why}", why=why), "danger")
        return redirect(f"/{entity}/views", 303)
    try:
        made = site().views.save(access, entity, _title(body), _shown(body))
    except (RecordInvalid, ExpressionInvalid) as error:
        notice(Message("The view cannot be read: {why}", why=error.problems[0].message), "danger")
        return redirect(f"/{entity}/views", 303)
    notice(Message("The view was saved"))
    return redirect(f"/{entity}?{urlencode({'view': made})}", 303)


def _title(body: Mapping[str, Any]) -> str:
    title = body.get("title")
    if isinstance(title, Mapping):
        title = title.get("en") or next(iter(title.values()), "")
    return str(title or body.get("view", ""))


def _shown(body: Mapping[str, Any]) -> Shown:
    """Return what a document shows; what it says in a wrong shape is left out.

    Raises:
        ExpressionInvalid: its condition cannot be read.
    """
    where = str(body.get("where") or "")
    columns, order, groups = body.get("columns"), body.get("order"), body.get("group_by")
    groups = [groups] if isinstance(groups, str) else groups
    display = str(body.get("display") or "")
    return Shown(
        filter=to_text(parse(where)) if where else "",
        order=",".join(map(str, order)) if isinstance(order, list) else "",
        group=str(groups[0]) if isinstance(groups, list) and groups else "",
        display="" if display == TABLE else display,
        columns=tuple(
            (str(path), each.get("width") if isinstance(each, Mapping) else None) for path, each in columns.items()
        )
        if isinstance(columns, Mapping)
        else (),
    )
