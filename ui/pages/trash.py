"""The recycle bin of an entity: what was deleted, to be taken back, or deleted for good after a second question."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from flask import Blueprint, make_response, redirect, render_template, request
from werkzeug.wrappers import Response

from engine import Column, Entity, Message, Order, Query, Reader, Text, is_id
from ui.asking import principal, reading, site
from ui.frame import is_fragment, notice, page, within
from ui.pages.deleting import lines
from ui.pages.listing import MOST, PAGE, entity_of, locale_of
from ui.widgets.cells import Asked, Cell, register_cell
from ui.widgets.moments import day_writer, zone
from ui.widgets.tables import Table, table

_END = "end of the bin"
_ENDS = Message("Deleted for good on")

routes = Blueprint("trash", __name__)


@routes.get("/<entity>/trash")
def trash(entity: str) -> Response | str:
    """Show what lies in the recycle bin, the last first; with htmx the rows after a cursor."""
    with reading() as reader:
        shown = entity_of(reader, entity)
        table = _table(reader, shown)
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
            "days": site().config.limits.trash_days,
            "more": {"page": following, "rows": following} if found.next_cursor else None,
        }
        if is_fragment():
            return make_response(render_template("_rows.html", **values))
        return page("trash.html", reader, **values, style=f"/{entity}/trash/columns.css?v={table.style_key}")


@routes.get("/<entity>/trash/columns.css")
def style(entity: str) -> Response:
    """Return what the columns of the bin need of style."""
    with reading() as reader:
        made = _table(reader, entity_of(reader, entity))
    response = make_response(made.style)
    response.mimetype = "text/css"
    response.headers["Cache-Control"] = "private, max-age=31536000, immutable"
    return response


def _table(reader: Reader, entity: Entity) -> Table:
    """Return the table of the usual view, with the day on which each record goes for good."""
    view = reader.model.default_view(entity.key)
    columns = [each for each in view.columns.values() if not each.hidden]
    if site().config.limits.trash_days:
        columns.insert(1, Column(("deleted_at",), _END, Text({each: _ENDS.in_(each) for each in ("en", "zh")})))
    return table(reader.access, entity, columns, locale_of(reader), f"bin of {view.key}", "bin")


def _end(asked: Asked) -> Cell:
    """Return the cell that says when a record goes for good."""
    write, place = day_writer(asked.locale.language), zone(asked.locale.timezone)

    def prepare(reader: Reader, columns: Sequence[Sequence[Any]]) -> Iterable[Sequence[Any]]:
        waits, year = timedelta(days=site().config.limits.trash_days), reader.access.env()["today"].year
        return ([write((moment + waits).astimezone(place).date(), year) if moment else "" for moment in columns[0]],)

    return Cell((".".join(asked.path),), prepare, "{{ $0 }}", whole=True)


register_cell(_END, _end)


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
        records = _named(reader, shown, _ticked())
        told = lines(reader, shown, [each[0] for each in records], for_good=True)
        return page("purge.html", reader, entity=shown, records=records, lines=told)


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
