"""Search over everything that somebody may see, grouped by entity."""

from __future__ import annotations

from itertools import groupby

from flask import Blueprint, request

from engine import Entity, Found, Reader
from ui.asking import language, reading
from ui.frame import Entry, entries, page

PER_ENTITY = 8
"""Records that are shown of one entity; its own list has the others."""
FOUND = 120
"""Records that are looked at, the best first."""

routes = Blueprint("search", __name__)


@routes.get("/search")
def search() -> str:
    """Show what words find, the entities in the order of the navigation."""
    words = request.args.get("q", "").strip()
    with reading() as reader:
        groups = _groups(reader, words) if words else []
        return page("search.html", reader, words=words, groups=groups)


def _groups(reader: Reader, words: str) -> list[tuple[Entity, list[Found]]]:
    found = reader.search(words, limit=FOUND)
    order = {entry.mark.partition("?")[0]: place for place, entry in enumerate(_flat(reader))}
    ranked = sorted(found, key=lambda each: (order.get(each.entity, len(order)), each.entity))
    groups = groupby(ranked, lambda each: each.entity)
    return [(reader.model.entity(key), list(group)[:PER_ENTITY]) for key, group in groups]


def _flat(reader: Reader) -> list[Entry]:
    return [each for entry in entries(reader, language()) for each in (entry, *entry.entries)]
