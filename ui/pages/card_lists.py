"""Records on cards: the first ones of a view or a report, or those of a view on their days."""

from __future__ import annotations

from itertools import groupby

from engine import (
    NULL,
    Call,
    Card,
    Column,
    Entity,
    Expr,
    Message,
    NotFound,
    Order,
    Path,
    Query,
    Reader,
    ReportDoc,
    Type,
    View,
    conjunction,
    field_along,
    to_text,
)
from ui.frame import words
from ui.pages.card_parts import Scope, Shown, narrowed_by
from ui.pages.listing import locale_of
from ui.widgets.grids import narrowed
from ui.widgets.moments import day_writer, zone
from ui.widgets.tables import table

ROWS_SHOWN = 20
"""Records of a list on a card; the whole list is one press away."""


def view_list(reader: Reader, card: Card, scope: Scope) -> Shown:
    """Return the first records of a view, or those on their days."""
    model = reader.model
    view = model.views.get(card.view)
    if view is None or not reader.access.may(view.entity, "read"):
        raise NotFound(Message("There is no {key}", key=card.view))
    entity = model.entity(view.entity)
    more = narrowed_by(reader, card, view.entity, scope, scope.days(reader))
    where = view.where if more is None else more if view.where is None else conjunction(view.where, more)
    address = f"/{view.entity}?view={view.key}"
    if more is not None:
        address = narrowed(address, to_text(more)) or address
    if card.chart == "agenda" and view.calendar:
        return _agenda(reader, view, where, address)
    columns = [each for each in view.columns.values() if not each.hidden]
    shown = _few(reader, entity, columns, card.width)
    prepared = table(reader.access, entity, shown, locale_of(reader), f"card {view.key} {len(shown)}", "plain")
    found = reader.query(Query(entity.key, prepared.select, where, order_by=view.order, limit=ROWS_SHOWN))
    return Shown(
        "_card_list.html",
        {
            "heads": prepared.heads,
            "rows": prepared.rows(reader, found),
            "address": address,
            "more": found.next_cursor is not None,
            "entity": entity,
        },
    )


def _few(reader: Reader, entity: Entity, columns: list[Column], width: int) -> list[Column]:
    """Return as many columns as fit a card of that width: the title, then what tells most in little room."""

    def rank(column: Column) -> int:
        field = field_along(reader.model, entity, ".".join(column.path))
        if column.path == (entity.title,) or field is None:
            return 0
        state = entity.states is not None and column.path == (entity.states.field,)
        brief = field.value_type in {Type.NUMBER, Type.DATE} and not field.choices
        return 1 if brief or state else 2

    kept = sorted(columns, key=rank)[: max(2, width // 2)]
    return [each for each in kept if rank(each) == 0] + [each for each in columns if each in kept and rank(each)]


def _agenda(reader: Reader, view: View, where: Expr | None, address: str) -> Shown:
    """Return the records of a view on their days, from today on; what is overdue stands first."""
    model, locale = reader.model, locale_of(reader)
    entity = model.entity(view.entity)
    start = str((view.calendar or {})["start"])
    title = str((view.calendar or {}).get("title") or entity.title)
    field = field_along(model, entity, start)
    if field is None:
        raise NotFound(Message("There is no {key}", key=start))
    there = Call("!=", (Path(tuple(start.split("."))), NULL))
    query = Query(
        entity.key,
        (title, start),
        there if where is None else conjunction(where, there),
        order_by=(Order(tuple(start.split("."))),),
        limit=ROWS_SHOWN,
    )
    found = reader.query(query)
    place, today = zone(locale.timezone), reader.access.env()["today"]
    write = day_writer(locale.language)
    items = []
    for id_, (name, at) in zip(found.ids, found.values(), strict=True):
        moment = at.astimezone(place) if field.value_type is Type.DATETIME else None
        day = moment.date() if moment is not None else at
        items.append((day, "" if moment is None else f"{moment:%H:%M}", str(name or "—"), f"/{entity.key}/{id_}"))
    days = [
        {
            "label": words("Today") if day == today else write(day, today.year),
            "late": day < today,
            "items": [each[1:] for each in several],
        }
        for day, several in groupby(items, key=lambda each: each[0])
    ]
    return Shown("_card_agenda.html", {"days": days, "address": address, "more": found.next_cursor is not None})


def report_list(reader: Reader, report: ReportDoc, card: Card) -> Shown:
    """Return the first records of a report that counts nothing."""
    question = report.question
    entity = reader.model.entity(question.entity)
    columns = [Column(tuple(path.split("."))) for path in question.columns]
    shown = _few(reader, entity, columns, card.width)
    prepared = table(reader.access, entity, shown, locale_of(reader), f"card {report.key} {len(shown)}", "plain")
    query = Query(entity.key, prepared.select, question.where, order_by=question.order, limit=ROWS_SHOWN)
    found = reader.query(query)
    return Shown(
        "_card_list.html",
        {
            "heads": prepared.heads,
            "rows": prepared.rows(reader, found),
            "address": f"/report/{report.key}",
            "more": found.next_cursor is not None,
            "entity": entity,
        },
    )
