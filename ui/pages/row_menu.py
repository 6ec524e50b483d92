"""The menu of one row of a list: what the page of the record offers, without going there."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template

from engine import Reader
from ui.asking import reading
from ui.frame import is_fragment, page
from ui.pages.acts import acts
from ui.pages.listing import entity_of

ABILITIES = ("update", "delete", "transfer")

routes = Blueprint("row_menu", __name__)


@routes.get("/<entity>/<uuid:record_id>/acts")
def show(entity: str, record_id: Any) -> str:
    """Show what can be done with a record: as a menu beside its row, or as a page of its own."""
    with reading() as reader:
        shown = entity_of(reader, entity)
        row = reader.record(entity, str(record_id), (shown.title,), _abilities(reader, entity))
        title = reader.titles(entity, [row.id]).get(row.id) or "—"
        told = {
            "entity": shown,
            "title": title,
            "home": f"/{entity}/{row.id}",
            "may_update": row.may("update"),
            "acts": acts(reader, shown, row),
        }
        if is_fragment():
            return render_template("_row_acts.html", **told)
        return page("row_acts.html", reader, **told)


def _abilities(reader: Reader, entity: str) -> tuple[str, ...]:
    return ABILITIES if "owner" in reader.model.entity(entity).fields else ABILITIES[:2]
