"""The first page after signing in: what is mine and new, what others changed, and the way to add something."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flask import Blueprint, Response, make_response
from markupsafe import Markup

from engine import Call, Column, Entity, Expr, Order, Path, Query, Reader, RowSet, Var
from ui.asking import language, reading, site
from ui.frame import entries, page
from ui.pages.dashboards import board_page, home_board
from ui.pages.listing import locale_of
from ui.widgets.moments import moment_writer, zone
from ui.widgets.paths import title_path
from ui.widgets.tables import table

MOST_ENTITIES = 6
"""Entities that the page shows; the navigation has all of them."""
NEWEST = 5
RECENT = 10

routes = Blueprint("home", __name__)


@dataclass(frozen=True, slots=True)
class Block:
    """One entity on the page."""

    entity: Entity
    rows: Markup
    mine: bool
    """Whether the rows are those of the person, not those of everybody."""
    may_create: bool


@dataclass(frozen=True, slots=True)
class Change:
    """One record that was changed lately."""

    entity: Entity
    id: str
    title: str
    who: str
    when: str
    at: datetime


@routes.get("/")
def home() -> Response:
    """Show the dashboard that is the first page for the person's roles, else blocks of the first entities."""
    with reading() as reader:
        waiting = site().proposals.number_waiting(reader.principal, reader.connection)
        board = home_board(reader)
        if board is not None:
            return board_page(reader, board, "/", proposals=waiting)
        return make_response(_blocks(reader, waiting))


def _blocks(reader: Reader, waiting: int) -> str:
    entities = _entities(reader)
    return page(
        "home.html",
        reader,
        blocks=[_block(reader, each) for each in entities],
        recent=_recent(reader, entities),
        proposals=waiting,
    )


def _entities(reader: Reader) -> list[Entity]:
    model = reader.model
    shown = entries(reader, language())
    marks = [each.mark for entry in shown for each in (entry, *entry.entries)]
    keys = dict.fromkeys(mark.partition("?")[0] for mark in marks if mark)
    found = [model.entities[key] for key in keys if key in model.entities]
    # Who is in which team is for administrators to care for, not what somebody's day begins with.
    daily = [each for each in found if each.layer != "core"] or found
    return daily[:MOST_ENTITIES]


def _block(reader: Reader, entity: Entity) -> Block:
    prepared = table(reader.access, entity, _columns(reader, entity), locale_of(reader), "home", "plain")
    where: Expr | None = Call("==", (Path(("owner",)), Var("user.id"))) if entity.owned else None
    order = (Order(("created_at" if entity.owned else "updated_at",), descending=True),)
    found = reader.query(Query(entity.key, prepared.select, where, order_by=order, limit=NEWEST))
    return Block(
        entity,
        prepared.rows(reader, found),
        entity.owned,
        reader.access.may(entity.key, "create") and entity.parent is None,
    )


def _columns(reader: Reader, entity: Entity) -> list[Column]:
    """Return two columns that say most: the title, and the state, else what stands beside the title in the list."""
    title = (entity.title,)
    if entity.states is not None:
        return [Column(title), Column((entity.states.field,))]
    listed = reader.model.default_view(entity.key).columns.values()
    return [Column(title), *[each for each in listed if each.path != title and not each.hidden][:1]]


def _recent(reader: Reader, entities: Sequence[Entity]) -> list[Change]:
    """Return the records that others changed last, over all entities."""
    changes: list[Change] = []
    locale, year = locale_of(reader), reader.access.env()["today"].year
    write, place = moment_writer(locale.language), zone(locale.timezone)
    others = Call("!=", (Path(("updated_by",)), Var("user.id")))
    for entity in entities:
        title = ".".join(title_path(reader.model, entity.key))
        select = (title, "updated_by.name", "updated_at")
        found: RowSet = reader.query(
            Query(entity.key, select, others, order_by=(Order(("updated_at",), descending=True),), limit=RECENT)
        )
        changes += [
            Change(entity, record_id, str(name or "—"), who or "", write(at.astimezone(place), year), at)
            for record_id, (name, who, at) in zip(found.ids, found.values(), strict=True)
        ]
    return sorted(changes, key=lambda each: each.at, reverse=True)[:RECENT]
