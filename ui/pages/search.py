"""Search over everything that somebody may see: ranked, by kind, with what was found marked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby

from flask import Blueprint, request
from markupsafe import Markup

from engine import Entity, Found, Reader, searchable
from ui.asking import language, reading
from ui.frame import Entry, entries, page
from ui.widgets.marking import marker

PER_ENTITY = 6
"""Records that are shown of one kind while all kinds are."""
OF_ONE = 60
"""Records that are shown when one kind is chosen; its own list has the others."""
FOUND = 150
"""Records that are looked at, the best first."""
_FEW_KINDS = 8
"""Kinds that are asked for by themselves when others filled what is looked at."""

routes = Blueprint("search", __name__)


@dataclass(frozen=True, slots=True)
class Hit:
    """One record as the page shows it."""

    address: str
    title: Markup
    snippet: Markup


@dataclass(frozen=True, slots=True)
class Group:
    """What was found of one kind."""

    entity: Entity
    hits: list[Hit]
    number: int
    more: bool
    """Whether there are, or may be, others than were counted."""


@routes.get("/search")
def search() -> str:
    """Show what words find, the kinds in the order of the navigation."""
    words, scope = request.args.get("q", "").strip(), request.args.get("in", "")
    with reading() as reader:
        kinds = searched_kinds(reader)
        chosen = next((each for each in kinds if each.key == scope), None)
        groups = _groups(reader, words, kinds, chosen) if words else []
        by_kind = {each.entity.key: each for each in groups}
        return page("search.html", reader, words=words, groups=groups, by_kind=by_kind, kinds=kinds, chosen=chosen)


def searched_kinds(reader: Reader) -> list[Entity]:
    """Return what may be searched, in the order of the navigation."""
    model = reader.model
    order = {entry.mark.partition("?")[0]: place for place, entry in reversed(list(enumerate(_flat(reader))))}
    known = [
        each
        for each in model.entities.values()
        if reader.access.may(each.key, "read") and searchable(model, each) and each.parent is None
    ]
    return sorted(known, key=lambda each: order.get(each.key, len(order)))


def _groups(reader: Reader, words: str, kinds: Sequence[Entity], chosen: Entity | None) -> list[Group]:
    mark = marker(words)
    if chosen is not None:
        found = reader.search(words, (chosen.key,), limit=OF_ONE + 1)
        return [_group(chosen, found, OF_ONE, mark, more=len(found) > OF_ONE)] if found else []
    every = reader.search(words, limit=FOUND)
    full = len(every) >= FOUND
    # What is shown of a kind is all of it, unless there was more to look at.
    open_ended = {each.key: full for each in kinds}
    by_kind: dict[str, list[Found]] = {}
    for key, hits in groupby(sorted(every, key=lambda each: each.entity), lambda each: each.entity):
        by_kind[key] = list(hits)
    if full:
        # One kind with many hits must not hide the others.
        poor = [each.key for each in kinds if len(by_kind.get(each.key, ())) < PER_ENTITY][:_FEW_KINDS]
        for key in poor:
            by_kind[key] = reader.search(words, (key,), limit=PER_ENTITY + 1)
            open_ended[key] = len(by_kind[key]) > PER_ENTITY
    order = {each.key: place for place, each in enumerate(kinds)}
    best = {key: place for place, key in reversed(list(enumerate(each.entity for each in every[:PER_ENTITY])))}
    keys = sorted(
        (key for key in by_kind if by_kind[key]), key=lambda key: (best.get(key, FOUND), order.get(key, len(order)))
    )
    return [
        _group(reader.model.entity(key), by_kind[key], PER_ENTITY, mark, more=open_ended.get(key, full)) for key in keys
    ]


def _group(entity: Entity, found: Sequence[Found], most: int, mark: Callable[[str], Markup], *, more: bool) -> Group:
    hits = [Hit(f"/{each.entity}/{each.id}", mark(each.title or "—"), mark(each.snippet)) for each in found[:most]]
    return Group(entity, hits, len(hits) if more and len(found) == most + 1 else len(found), more)


def _flat(reader: Reader) -> list[Entry]:
    return [each for entry in entries(reader, language()) for each in (entry, *entry.entries)]
