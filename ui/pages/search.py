"""Search over everything that somebody may see: ranked, by kind, with what was found marked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from flask import Blueprint, render_template, request
from markupsafe import Markup

from engine import Entity, Found, Reader, searchable
from ui.asking import language, reading
from ui.frame import Entry, entries, page
from ui.widgets.marking import marker

PER_ENTITY = 6
"""Records that are shown of one kind while all kinds are."""
OF_ONE = 60
"""Records that are shown when one kind is chosen; its own list has the others."""
FOUND = 100
"""Records that are looked at, the best first; kinds that others crowded out are asked for by themselves, afterwards."""

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
        groups, crowded = _groups(reader, words, kinds, chosen) if words else ([], False)
        by_kind = {each.entity.key: each for each in groups}
        later = [each for each in kinds if each.key not in by_kind] if crowded else []
        return page(
            "search.html",
            reader,
            words=words,
            groups=groups,
            by_kind=by_kind,
            kinds=kinds,
            chosen=chosen,
            later=later,
        )


@routes.get("/search/kind")
def kind() -> str:
    """Return what words find of one kind, for a page that others have filled; "" for nothing."""
    words, scope = request.args.get("q", "").strip(), request.args.get("in", "")
    with reading() as reader:
        chosen = next((each for each in searched_kinds(reader) if each.key == scope), None)
        if chosen is None or not words:
            return ""
        found = reader.search(words, (chosen.key,), limit=PER_ENTITY + 1)
        more = len(found) > PER_ENTITY
        group = _group(chosen, found, PER_ENTITY, marker(words), more=more)
        return render_template("_found.html", group=group, words=words, chosen=None) if found else ""


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


def _groups(reader: Reader, words: str, kinds: Sequence[Entity], chosen: Entity | None) -> tuple[list[Group], bool]:
    """Return what was found by kind, the kind of the best hits first, and whether there was more than is looked at."""
    mark = marker(words)
    if chosen is not None:
        found = reader.search(words, (chosen.key,), limit=OF_ONE + 1)
        return ([_group(chosen, found, OF_ONE, mark, more=len(found) > OF_ONE)] if found else []), False
    every = reader.search(words, limit=FOUND)
    full = len(every) >= FOUND
    by_kind: dict[str, list[Found]] = {}
    for each in every:
        by_kind.setdefault(each.entity, []).append(each)
    order = {each.key: place for place, each in enumerate(kinds)}
    best = {key: place for place, key in reversed(list(enumerate(each.entity for each in every[:PER_ENTITY])))}
    keys = sorted(by_kind, key=lambda key: (best.get(key, FOUND), order.get(key, len(order))))
    return [_group(reader.model.entity(key), by_kind[key], PER_ENTITY, mark, more=full) for key in keys], full


def _group(entity: Entity, found: Sequence[Found], most: int, mark: Callable[[str], Markup], *, more: bool) -> Group:
    hits = [Hit(f"/{each.entity}/{each.id}", mark(each.title or "—"), mark(each.snippet)) for each in found[:most]]
    return Group(entity, hits, len(hits) if more and len(found) == most + 1 else len(found), more)


def _flat(reader: Reader) -> list[Entry]:
    return [each for entry in entries(reader, language()) for each in (entry, *entry.entries)]
