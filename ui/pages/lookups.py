"""The choices of a link while somebody types, narrowed by what stands in the other fields of the form."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from flask import Blueprint, render_template, request

from engine import BadValue, Entity, Field, Locale, NotFound, Reader
from ui.asking import reading
from ui.pages.listing import entity_of, locale_of
from ui.pages.titles import candidates
from ui.widgets.inputs import about

CHOICES = 20

routes = Blueprint("lookups", __name__)


@routes.get("/lookup/<entity>/<field>")
def choices(entity: str, field: str) -> str:
    """Return the records that a link may lead to: `q` is what was typed, `prefix` that of a child row's inputs."""
    with reading() as reader:
        shown = entity_of(reader, entity)
        link = shown.fields.get(field)
        record = _record(reader, shown, link, locale_of(reader)) if link is not None else None
        found = reader.options(entity, field, request.args.get("q", "").strip(), record, limit=CHOICES)
        labels: dict[str, Any] = {}
        told = _told_apart(reader, link, found) if link is not None else {}
        if link is not None and link.type.links == "any":
            labels = {key: reader.model.entities[key].label for key in link.targets if key in reader.model.entities}
    return render_template("_choices.html", options=found, labels=labels, told=told)


def _told_apart(reader: Reader, link: Field, found: Sequence[tuple[str, str]]) -> Mapping[str, str]:
    """Return by id the words that tell records of one title from each other."""
    titles = Counter((id_.rpartition("/")[0], title) for id_, title in found)
    return {
        id_: words.removeprefix(title).removeprefix(" · ")
        for (entity, title), count in titles.items()
        if count > 1
        for id_, words in candidates(reader, link, entity or link.target or "", title)
    }


def _record(reader: Reader, entity: Entity, link: Field, locale: Locale) -> Mapping[str, Any] | None:
    """Return the values that the choices depend on: as typed so far, else as the record is stored."""
    wanted = about(link)
    if not wanted:
        return None
    prefix = request.args.get("prefix", "")
    found: dict[str, Any] = {}
    for key in wanted:
        field = entity.fields.get(key)
        if field is None:
            continue
        typed = request.args.get(f"id-{prefix}{key}", request.args.get(f"{prefix}{key}"))
        if typed is None:
            continue
        try:
            found[key] = field.type.read(typed, field.options, locale)
        except BadValue:
            found[key] = None
    missing = tuple(key for key in wanted if key not in found and _seen(reader, entity, key))
    record_id = request.args.get("record", "")
    if missing and record_id:
        with suppress(NotFound):
            found.update(reader.record(entity.key, record_id, missing).values())
    return found


def _seen(reader: Reader, entity: Entity, key: str) -> bool:
    return reader.access.mask(entity.key).get(key) in {"read", "write"}
