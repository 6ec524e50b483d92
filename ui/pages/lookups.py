"""The choices of a link while somebody types, narrowed by what stands in the other fields of the form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, render_template, request

from engine import BadValue, Call, Entity, Expr, Field, Locale, NotFound, Path, Reader, Var
from ui.asking import reading
from ui.frame import within, words
from ui.pages.listing import entity_of, locale_of
from ui.pages.titles import facts_of
from ui.widgets.inputs import about

CHOICES = 20
RECENT = 5
"""Records that who asks has opened last, offered before the others while nothing is typed."""
_VISITS = 100

routes = Blueprint("lookups", __name__)


@dataclass(frozen=True, slots=True)
class Fresh:
    """A way to make the record that a link is to lead to."""

    address: str
    label: str
    title: str
    """The field that holds what the record is called."""


@routes.get("/lookup/<entity>/<field>")
def choices(entity: str, field: str) -> str:
    """Return the records that a link may lead to: `q` is what was typed, `prefix` that of a child row's inputs."""
    typed = request.args.get("q", "").strip()
    with reading() as reader:
        shown = entity_of(reader, entity)
        link = shown.fields.get(field)
        record = _record(reader, shown, link, locale_of(reader)) if link is not None else None
        found = reader.options(entity, field, typed, record, limit=CHOICES)
        recent = [] if typed or link is None else _recent(reader, shown, link, record)
        known = {id_ for id_, _title in recent}
        found = [*recent, *(each for each in found if each[0] not in known)][:CHOICES]
        told = facts_of(reader, link, found) if link is not None else {}
        labels: dict[str, Any] = {}
        if link is not None and link.type.links == "any":
            labels = {key: reader.model.entities[key].label for key in link.targets if key in reader.model.entities}
        fresh = list(_fresh(reader, link, typed, record)) if link is not None else []
    return render_template("_choices.html", options=found, labels=labels, told=told, recent=len(recent), fresh=fresh)


def _recent(reader: Reader, entity: Entity, link: Field, record: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    """Return those of the choices that who asks has opened last."""
    if link.type.links == "any" or link.target is None:
        return []
    visited = [each.id for each in reader.remembered("person_visit", _VISITS) if each.entity == link.target]
    if not visited:
        return []
    found = dict(reader.options(entity.key, link.key, "", record, limit=_VISITS, among=visited))
    return [(id_, found[id_]) for id_ in visited if id_ in found][:RECENT]


def _fresh(reader: Reader, link: Field, typed: str, record: Mapping[str, Any] | None) -> Iterator[Fresh]:
    """Yield a way to make a record for each entity that the link may lead to and of which they may make one."""
    for key in link.targets or ((link.target,) if link.target else ()):
        target = reader.model.entities.get(key)
        if target is None or target.parent is not None or target.layer == "core":
            continue
        if not reader.access.may(key, "create"):
            continue
        label = within(target.label)
        words_ = words("New {label} “{name}”", label=label, name=typed) if typed else words("New {label}", label=label)
        given = {target.title: typed, **given_by(link, record)} if typed else given_by(link, record)
        yield Fresh(f"/{key}/quick?{_query(given)}", words_, target.title)


def _query(given: Mapping[str, Any]) -> str:
    return urlencode({key: str(value) for key, value in given.items() if value})


def given_by(link: Field, record: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return what a record has to hold to be a choice, as far as the `where` of the link says so plainly."""
    found: dict[str, Any] = {}
    for each in _parts(link.where):
        if not (isinstance(each, Call) and each.name == "==" and len(each.args) == 2):  # noqa: PLR2004 - left and right
            continue
        left, right = each.args
        if isinstance(right, Path) and isinstance(left, Var):
            left, right = right, left
        if isinstance(left, Path) and len(left.keys) == 1 and isinstance(right, Var):
            value = (record or {}).get(right.name.partition(".")[2])
            if right.name.startswith(("record.", "input.")) and value is not None:
                found[left.keys[0]] = value
    return found


def _parts(expr: Expr | None) -> Iterator[Expr]:
    if isinstance(expr, Call) and expr.name == "and":
        for each in expr.args:
            yield from _parts(each)
    elif expr is not None:
        yield expr


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
