"""A record on paper: all of its facts and child rows on one clean page, for the printer or a PDF."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from flask import Blueprint
from markupsafe import Markup

from engine import Column, Entity, Field, Order, Query, Reader, Row
from ui.asking import reading
from ui.frame import page, said, words
from ui.pages.acts import Act, register
from ui.pages.editing import said_title
from ui.pages.listing import entity_of, locale_of
from ui.widgets.facts import child_paths, facts
from ui.widgets.tables import Head, table

MOST_ROWS = 1_000
"""Child rows of a table that are printed; a longer table is exported."""

routes = Blueprint("printing", __name__)


@dataclass(frozen=True, slots=True)
class PrintedRows:
    """The child rows of a record."""

    label: str
    heads: tuple[Head, ...]
    rows: Markup
    more: bool
    """Whether there are more than are printed."""


@routes.get("/<entity>/<uuid:record_id>/print")
def show(entity: str, record_id: Any) -> str:
    """Show a record as it goes on paper."""
    with reading() as reader:
        shown = entity_of(reader, entity)
        form, locale = reader.model.form(entity), locale_of(reader)
        sections = [section for tab in form.tabs for section in tab.sections]
        told = facts(reader, shown, sections, locale, f"{form.key} on paper")
        mask = reader.access.mask(entity)
        kept = [key for key in ("created_at", "updated_at") if mask.get(key) in {"read", "write"}]
        row = reader.record(entity, str(record_id), tuple(dict.fromkeys((shown.title, *told.select, *kept))))
        values = row.values()
        now = reader.access.env()["now"]
        moment = shown.fields["updated_at"].type.displayer(shown.fields["updated_at"].options, locale)
        return page(
            "print.html",
            reader,
            entity=shown,
            record_id=row.id,
            title=said_title(values, shown, locale),
            facts=told.html(reader, values, row.id),
            tables=[_rows(reader, shown, each, row) for each in told.children],
            at=moment(now),
        )


def _rows(reader: Reader, entity: Entity, field: Field, row: Row) -> PrintedRows:
    child = reader.model.entity(field.target or "")
    columns = [Column((key,)) for key in child_paths(reader.access, child)]
    shown = table(reader.access, child, columns, locale_of(reader), f"children of {child.key}", "plain")
    query = Query(child.key, select=shown.select, order_by=child.order or (Order(("id",)),), limit=MOST_ROWS)
    found = reader.related(entity.key, row.id, field.key, query)
    return PrintedRows(said(field.label), shown.heads, shown.rows(reader, found), bool(found.next_cursor))


@register
def _print(reader: Reader, entity: Entity, row: Row) -> Iterable[Act]:
    yield Act(words("Print"), f"/{entity.key}/{row.id}/print", "printer", order=45)
