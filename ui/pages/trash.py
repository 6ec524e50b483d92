"""The recycle bin of an entity: what was deleted, to be taken back, or deleted for good after a second question."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from flask import Blueprint, make_response, redirect, render_template, request
from werkzeug.wrappers import Response

from engine import Entity, Message, Order, Query, Reader, is_id
from ui.asking import principal, reading, site
from ui.frame import is_fragment, notice, page, within
from ui.pages.listing import MOST, PAGE, entity_of, table_of

routes = Blueprint("trash", __name__)


@routes.get("/<entity>/trash")
def trash(entity: str) -> Response | str:
    """Show what lies in the recycle bin, the last first; with htmx the rows after a cursor."""
    with reading() as reader:
        shown = entity_of(reader, entity)
        table = table_of(reader, shown, reader.model.default_view(entity), "bin")
        query = Query(entity, select=table.select, order_by=(Order(("updated_at",), descending=True),), trashed=True)
        found = reader.query(
            replace(query, limit=PAGE, cursor=request.args.get("cursor") or None), abilities=("delete",)
        )
        following = f"/{entity}/trash?cursor={found.next_cursor}"
        values = {
            "entity": shown,
            "heads": table.heads,
            "width": table.width,
            "rows": table.rows(reader, found),
            "any": bool(found),
            "may": any(found.abilities("delete")),
            "may_purge": reader.access.has("admin"),
            "more": {"page": following, "rows": following} if found.next_cursor else None,
        }
        if is_fragment():
            return make_response(render_template("_rows.html", **values))
        return page("trash.html", reader, **values, style=f"/{entity}/columns.css?bin=1&v={table.style_key}")


@routes.post("/<entity>/trash")
def restore(entity: str) -> Response:
    """Take the ticked records out of the recycle bin."""
    ids = _ticked()
    with reading() as reader:
        shown = entity_of(reader, entity)
    if ids:
        site().records.restore(principal(), entity, ids, via="web")
        notice(_restored(shown, len(ids)))
    return redirect(f"/{entity}/trash", 303)


def _restored(entity: Entity, count: int) -> Message:
    if count == 1:
        return Message("{label} restored", label=entity.label)
    return Message("{count} {plural} restored", count=count, plural=within(entity.plural))


@routes.get("/<entity>/trash/purge")
def ask(entity: str) -> str:
    """Ask again before anything is lost, and say what."""
    with reading() as reader:
        shown = entity_of(reader, entity)
        return page("purge.html", reader, entity=shown, records=_named(reader, shown, _ticked()))


@routes.post("/<entity>/trash/purge")
def purge(entity: str) -> Response:
    """Delete the ticked records for good."""
    ids = _ticked()
    with reading() as reader:
        shown = entity_of(reader, entity)
    if ids:
        site().records.purge(principal(), entity, ids, via="web")
        notice(_purged(shown, len(ids)), "info")
    return redirect(f"/{entity}/trash", 303)


def _purged(entity: Entity, count: int) -> Message:
    if count == 1:
        return Message("{label} deleted for good", label=entity.label)
    return Message("{count} {plural} deleted for good", count=count, plural=within(entity.plural))


def _ticked() -> list[str]:
    return [each for each in request.values.getlist("id") if is_id(each)][:MOST]


def _named(reader: Reader, entity: Entity, ids: Sequence[str]) -> list[tuple[str, str]]:
    if not ids:
        return []
    found = reader.query(
        Query(entity.key, select=(entity.title,), ids=tuple(ids), limit=len(ids), trashed=True), abilities=("delete",)
    )
    titled = zip(found.ids, found.values(), found.abilities("delete"), strict=True)
    return [(record_id, str(values[0] or "—")) for record_id, values, may in titled if may]
