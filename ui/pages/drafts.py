"""Drafts: what somebody types is kept while they type, offered when they come back, and gone once it is saved.

Nothing of it stays in the browser. What is secret is never kept, and neither are files: they are chosen again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from flask import Blueprint, redirect, request
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from engine import Draft, Entity, Locale, Message, NotFound, Reader, RecordInvalid, is_id
from ui.asking import principal, reading, site
from ui.frame import notice, words
from ui.pages.child_rows import child_fields
from ui.pages.editing import Editing, editing
from ui.pages.listing import entity_of, locale_of
from ui.safe import own_path
from ui.widgets.inputs import Posted, is_secret
from ui.widgets.moments import day_writer, zone

OFFERED = 1
"""Drafts that a form offers to go on with: the latest; the one before it comes when that is gone."""

routes = Blueprint("drafts", __name__)

_NAME = re.compile(
    r"(?:(?:was|id|title|kind|pick|add|keep|count|clear)-)?([a-z][a-z0-9_]*)(?:-\d{1,5}-([a-z][a-z0-9_]*))?(?:\.[a-z]+)?"
)


@dataclass(frozen=True, slots=True)
class Offer:
    """A draft that somebody may go on with."""

    key: str
    when: str
    """In words: 14:05, or a day with the time."""
    address: str
    """Where they go on."""


@routes.post("/<entity>/draft")
def keep(entity: str) -> tuple[str, int]:
    """Keep what stands in a form; answers with one line that says so."""
    who = principal()
    who.require_own_hands()
    with reading() as reader:
        shown = entity_of(reader, entity)
        record = _record(reader, shown)
        form = editing(reader, shown, "update" if record else "create")
        pairs = list(kept(reader, form, request.form))
        locale = locale_of(reader)
    version = request.form.get("version", type=int)
    try:
        at = site().drafts.keep(who.id or "", entity, record, request.form.get("once", ""), pairs, version)
    except RecordInvalid as error:
        return error.problems[0].message.in_(locale.language), 422
    if at is None:
        return "", 200
    return words("Draft kept at {time}", time=at.astimezone(zone(locale.timezone)).strftime("%H:%M")), 200


@routes.post("/<entity>/draft/discard")
def discard(entity: str) -> Response:
    """Throw a draft away and go back to the form."""
    who = principal()
    who.require_own_hands()
    with reading() as reader:
        entity_of(reader, entity)
    given = request.form.get("record", "")
    record = given if is_id(given) else ""
    if site().drafts.drop(who.id or "", entity, record, request.form.get("once", "")):
        notice(Message("Draft discarded"))
    home = f"/{entity}/{record}/edit" if record else f"/{entity}/new"
    return redirect(own_path(request.form.get("back", ""), home), 303)


def _record(reader: Reader, shown: Entity) -> str:
    """Return the id of the record that the form is about, "" for a new one.

    Raises:
        NotFound: there is no such record, or who types may not see it.
        AccessDenied: they may not make records of the kind.
    """
    given = request.form.get("record", "")
    if not given:
        reader.access.require(shown.key, "create")
        return ""
    if not is_id(given):
        raise NotFound(Message("There is no such record"))
    reader.record(shown.key, given, (shown.title,))
    return given


def kept(reader: Reader, form: Editing, posted: Posted) -> Iterator[tuple[str, str]]:
    """Yield what a draft keeps of a posted form: the inputs of its fields, but for what is secret."""
    tables: dict[str, Iterable[str]] = {}
    for name, values in posted.lists():
        found = _NAME.fullmatch(name)
        field = form.fields.get(found[1]) if found is not None else None
        if found is None or field is None or is_secret(field):
            continue
        inner = found[2]
        if inner is not None:
            if field.key not in tables:
                open_ = [each.key for each in child_fields(reader, field) if not is_secret(each)]
                tables[field.key] = {"id", "delete", *open_}
            if inner not in tables[field.key]:
                continue
        yield from ((name, value) for value in values)


def drafts_of(reader: Reader, entity: str, record_id: str = "") -> list[Draft]:
    """Return the drafts of who reads for a record, or for new ones; the latest first."""
    who = reader.principal
    if who.id is None or who.viewer is not None:
        return []
    return site().drafts.of(reader.connection, who.id, entity, record_id)


def draft_asked_for(reader: Reader, entity: str, record_id: str = "") -> Draft | None:
    """Return the draft that the address names; None when it names none, or one that is gone."""
    key = request.args.get("draft", "")
    return next((each for each in drafts_of(reader, entity, record_id) if each.key == key), None) if key else None


def values_of(draft: Draft) -> Posted:
    """Return what a draft holds, as a form would post it."""
    return MultiDict(list(draft.pairs))


def offers(reader: Reader, entity: str, record_id: str, locale: Locale) -> list[Offer]:
    """Return the drafts that a form offers to go on with."""
    home = f"/{entity}/{record_id}/edit" if record_id else f"/{entity}/new"
    return [
        Offer(each.key, told(each.at, locale, reader.access.env()), f"{home}?draft={each.key}")
        for each in drafts_of(reader, entity, record_id)[:OFFERED]
    ]


def told(at: datetime, locale: Locale, env: Mapping[str, object]) -> str:
    """Return when something was, in words: the time of today, else the day with it."""
    local = at.astimezone(zone(locale.timezone))
    today = env["today"]
    clock = local.strftime("%H:%M")
    return clock if local.date() == today else f"{day_writer(locale.language)(local.date(), local.year)} {clock}"


def drop(entity: str, record_id: str = "") -> None:
    """Throw the draft of a form away that was saved; the form says whether it has sent any, arrived or not."""
    if request.form.get("drafted"):
        site().drafts.saved(principal().id or "", entity, record_id, request.form.get("once", ""))
