"""Who can see this record? - the people, by which rule, and which of them can change it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask import Blueprint, request

from engine import Entity, Reader, Row, who_can_see
from ui.asking import reading, site
from ui.frame import page, said, words
from ui.pages.acts import Act, register
from ui.pages.editing import said_title
from ui.pages.listing import entity_of, locale_of

PAGE = 50
"""People that are shown at a time."""

routes = Blueprint("who", __name__)


@register
def _who(reader: Reader, entity: Entity, row: Row) -> Iterable[Act]:
    # Whoever the page refuses after all is told why; here nothing is asked of the database.
    owner = row.values().get("owner") if "owner" in row.columns.paths else None
    if reader.access.has("audit") or owner in reader.access.env()["user.covered"]:
        yield Act(words("Who can see this?"), f"/{entity.key}/{row.id}/who", "users", order=70)


@routes.get("/<entity>/<uuid:record_id>/who")
def who(entity: str, record_id: Any) -> str:
    """List the people who can read a record, a page at a time."""
    id_ = str(record_id)
    with reading() as reader:
        shown = entity_of(reader, entity)
        row = reader.record(entity, id_, (shown.title,))
        sight = who_can_see(reader, entity, id_, site().identity.principals(reader.connection))
        seers = [each for each in sight.seers if each.may_update] if "edit" in request.args else list(sight.seers)
        first = max(request.args.get("from", 0, type=int), 0)
        part = seers[first : first + PAGE]
        return page(
            "who.html",
            reader,
            entity=shown,
            home=f"/{entity}/{id_}",
            title=said_title(row.values(), shown, locale_of(reader)),
            sight=sight,
            unnamed=sight.readers - len(sight.seers),
            editing="edit" in request.args,
            seers=[(each, [said(line) for line in each.why]) for each in part],
            first=first,
            before=max(first - PAGE, 0) if first else None,
            after=first + PAGE if first + PAGE < len(seers) else None,
        )
