"""Records that are there already: while a form is filled in, beside a record, and all of an entity in a row."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, redirect, render_template, request
from werkzeug.wrappers import Response

from engine import (
    MOST_MERGED,
    DuplicatesFound,
    Entity,
    Locale,
    Message,
    NotFound,
    Reader,
    Row,
    Suspects,
    Text,
    Twin,
    is_id,
)
from ui.asking import language, principal, reading, site
from ui.frame import listed, notice, page, said, within, words
from ui.pages.acts import Act, register
from ui.pages.drafts import told
from ui.pages.editing import editing
from ui.pages.listing import entity_of, locale_of
from ui.widgets.inputs import kind_of
from ui.widgets.posted import UNCHANGED, posted

routes = Blueprint("duplicates", __name__)


@dataclass(frozen=True, slots=True)
class ShownTwin:
    """A record that is there already, in words."""

    address: str
    """Empty for one that who reads may not see."""
    id: str
    entity: str
    kind: str
    title: str
    score: int | None
    why: str
    owner: str
    when: str


@dataclass(frozen=True, slots=True)
class Group:
    """Records that look like one another, as a person works through them."""

    members: tuple[ShownTwin, ...]
    pairs: tuple[str, ...]
    why: tuple[str, ...]
    score: int
    merge: str
    """Address of the page that merges them; empty for records of different kinds."""


# --- while a form is filled in


@routes.post("/<entity>/duplicates")
def check(entity: str) -> str:
    """Return what looks like the record that is being typed; `record` is the id of one that is being changed."""
    record_id = request.form.get("record", "")
    with reading() as reader:
        shown = entity_of(reader, entity)
        found = site().duplicates.check(
            reader, entity, _values(reader, shown, record_id), id=record_id if is_id(record_id) else None
        )
        return render_template(
            "_duplicates.html",
            twins=shown_twins(reader, found.twins),
            blocked=found.blocked,
            may_override=found.may_override,
            ready=found.ready,
        )


def _values(reader: Reader, entity: Entity, record_id: str) -> dict[str, Any]:
    """Return what was typed into the fields by which duplicates are told."""
    watched = site().duplicates.watches(reader.model, entity.key)
    form, locale = editing(reader, entity, "update" if record_id else "create"), locale_of(reader)
    found = {}
    for key in watched & form.fields.keys():
        each = form.fields[key]
        if kind_of(each) in {"file", "files", "secret"} or each.type.links == "children":
            continue
        value = posted(each, request.form, locale, {}, creating=True)
        if value is not UNCHANGED:
            found[key] = value.get("id") if isinstance(value, dict) and set(value) == {"id"} else value
    return found


def watching(reader: Reader, entity: str) -> str:
    """Return where a form asks what its record looks like; empty where nobody asks."""
    return f"/{entity}/duplicates" if site().duplicates.watches(reader.model, entity) else ""


def twins_of(reader: Reader, found: DuplicatesFound) -> dict[str, Any]:
    """Return what a form shows of records that kept it from being saved."""
    return {
        "twins": shown_twins(reader, found.twins),
        "blocked": found.blocked,
        "may_override": found.may_override,
        "saving": True,
        "said_why": found.in_(language()) if found.told else "",
    }


def shown_twins(reader: Reader, twins: Sequence[Twin]) -> list[ShownTwin]:
    """Return in words what may be told of records."""
    locale = locale_of(reader)
    return [_shown(reader, twin, locale) for twin in twins]


def _shown(reader: Reader, twin: Twin, locale: Locale) -> ShownTwin:
    kind = reader.model.entity(twin.entity).label
    return ShownTwin(
        address=f"/{twin.entity}/{twin.id}" if twin.readable else "",
        id=twin.id or "",
        entity=twin.entity,
        kind=said(kind),
        title=twin.title or "—",
        score=twin.score,
        why=_in_words(twin.reasons),
        owner=twin.owner,
        when=told(twin.updated_at, locale, reader.access.env()) if twin.updated_at is not None else "",
    )


def _in_words(reasons: Iterable[Message]) -> str:
    return listed(_word(reason) for reason in reasons)


def _word(reason: Message) -> str:
    """Return a reason as it stands in a row of them: labels begin small in English."""
    values = {key: within(value) if isinstance(value, Text) else value for key, value in reason.values.items()}
    return Message(reason.template, **values).in_(language())


# --- beside a record


@routes.get("/<entity>/<uuid:record_id>/duplicates")
def of_record(entity: str, record_id: Any) -> str:
    """Show what looks like a record."""
    with reading() as reader:
        shown = entity_of(reader, entity)
        row = reader.record(entity, str(record_id), (shown.title,), ("update",))
        twins = site().duplicates.like(reader, entity, row.id)
        return page(
            "twins.html",
            reader,
            entity=shown,
            record_id=row.id,
            title=str(row.values().get(shown.title) or "—"),
            twins=shown_twins(reader, twins),
            may_merge=row.may("update") and _may_merge(reader, entity),
            most=MOST_MERGED - 1,
        )


@register
def _acts(reader: Reader, entity: Entity, row: Row) -> Iterable[Act]:
    if site().duplicates.watches(reader.model, entity.key) and row.may("update"):
        yield Act(words("Find duplicates"), f"/{entity.key}/{row.id}/duplicates", "arrow-merge", order=40)


def _may_merge(reader: Reader, entity: str) -> bool:
    access = reader.access
    return access.may(entity, "update") and (access.may(entity, "delete") or access.has("merge"))


# --- all of an entity


@routes.get("/<entity>/duplicates")
def suspects(entity: str) -> str:
    """Show records that look like one another, the most alike first."""
    score, _, id_ = request.args.get("after", "").partition("-")
    after = (int(score), id_) if score.isdecimal() and len(score) <= len("100") and is_id(id_) else None
    with reading() as reader:
        shown = entity_of(reader, entity)
        if not site().duplicates.watches(reader.model, entity):
            raise NotFound(Message("No document says when {plural} are the same", plural=shown.plural))
        reader.access.require(entity, "update")
        found = site().duplicates.suspects(reader, entity, after=after)
        return page(
            "duplicates.html",
            reader,
            entity=shown,
            groups=_groups(reader, entity, found.suspects),
            following=f"/{entity}/duplicates?after={found.after[0]}-{found.after[1]}" if found.after else "",
            job=site().duplicates.last_search(reader.connection, entity),
            may_merge=_may_merge(reader, entity),
        )


def _groups(reader: Reader, entity: str, found: Sequence[Suspects]) -> list[Group]:
    """Return pairs that share records as groups, as far as they can be merged at once."""
    groups: list[list[Suspects]] = []
    places: list[set[tuple[str, str]]] = []
    for pair in found:
        here = {(side.entity, side.id) for side in (pair.one, pair.other)}
        for number, known in enumerate(places):
            both = known | here
            if known & here and len(both) <= MOST_MERGED and len({each for each, _ in both}) == 1:
                places[number] = both
                groups[number].append(pair)
                break
        else:
            places.append(here)
            groups.append([pair])
    return [_group(reader, entity, group) for group in groups]


def _group(reader: Reader, entity: str, group: Sequence[Suspects]) -> Group:
    locale = locale_of(reader)
    sides = {(side.entity, side.id): side for pair in group for side in (pair.one, pair.other)}
    members = tuple(
        _shown(
            reader,
            Twin("", side.entity, side.id, side.title, None, (), side.owner, side.values["updated_at"]),
            locale,
        )
        for side in sides.values()
    )
    alike = all(member.entity == entity for member in members)
    ids = "&".join(f"id={member.id}" for member in members)
    return Group(
        members,
        tuple(pair.id for pair in group),
        tuple(dict.fromkeys(_word(reason) for pair in group for reason in pair.reasons)),
        max(pair.score for pair in group),
        f"/{entity}/merge?{ids}&back=/{entity}/duplicates" if alike else "",
    )


@routes.post("/<entity>/duplicates/search")
def search(entity: str) -> Response:
    """Let a job look through all records."""
    with reading() as reader:
        entity_of(reader, entity)
        reader.access.require(entity, "update")
    with site().database.write() as connection:
        site().duplicates.search(connection, principal(), entity)
    notice(Message("The search has begun; what it finds appears here."))
    return redirect(f"/{entity}/duplicates", 303)


@routes.post("/<entity>/duplicates/different")
def different(entity: str) -> Response:
    """Say that records are not the same, so that they are not named again."""
    with reading() as reader:
        entity_of(reader, entity)
    pairs = [each for each in request.form.getlist("pair") if is_id(each)]
    for each in pairs:
        site().duplicates.differ(principal(), each)
    if pairs:
        notice(Message("They will not be named again."))
    return redirect(f"/{entity}/duplicates", 303)
