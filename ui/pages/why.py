"""Why? - what somebody may do with a record, an entity or a field, by which rule, and whom to ask for more."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from flask import Blueprint, request

from engine import ACTIONS, Entity, Explanation, Message, NotFound, Reader, Row, explain
from ui.asking import reading, site
from ui.frame import page, said, words
from ui.pages.acts import Act, register
from ui.pages.editing import said_title
from ui.pages.listing import entity_of, locale_of

if TYPE_CHECKING:
    from collections.abc import Iterator

WHOLE = ("read", "create", "update", "delete", "export", "transfer", "import")
OF_RECORD = ("read", "update", "delete", "export", "transfer")
ACTION_LABELS = {
    "read": Message("See it"),
    "create": Message("Add records"),
    "update": Message("Change it"),
    "delete": Message("Move it to the recycle bin"),
    "export": Message("Export it"),
    "transfer": Message("Hand it over to somebody else"),
    "import": Message("Import records"),
}

routes = Blueprint("why", __name__)


@dataclass(frozen=True, slots=True)
class Line:
    """One answer of the page that lists them all."""

    label: str
    granted: bool
    address: str
    words: str = ""


@register
def _what_may_i(reader: Reader, entity: Entity, row: Row) -> Iterable[Act]:
    yield Act(words("What may I do here?"), f"/{entity.key}/{row.id}/why", "shield-check", order=80)


@routes.get("/<entity>/why")
def of_entity(entity: str) -> str:
    """Say what the rules allow with the records of an entity."""
    return _page(entity, None)


@routes.get("/<entity>/<uuid:record_id>/why")
def of_record(entity: str, record_id: Any) -> str:
    """Say what the rules allow with one record."""
    return _page(entity, str(record_id))


def _page(entity: str, record_id: str | None) -> str:
    action, field = request.args.get("action", ""), request.args.get("field", "") or None
    with reading() as asker:
        shown = entity_of(asker, entity)
        with _about(asker) as reader:
            home, title = _home(asker, shown, record_id)
            values: dict[str, Any] = {
                "entity": shown,
                "home": home,
                "title": title,
                "subject": reader.principal.name,
                "others": asker.access.has("audit"),
                "asked": request.args.get("person", ""),
                "action": action,
                "field": field or "",
            }
            if not action:
                found = _all(asker, reader, shown, record_id if title else None)
                return page("what_may_i.html", asker, **values, **found)
            answer = explain(reader, action, entity, record_id, field, asker=asker)
            return page("why.html", asker, **values, answer=answer, lines=told(answer), whom=asked(answer))


@contextmanager
def _about(asker: Reader) -> Iterator[Reader]:
    """Read as the person whom the question is about: who asks, or, for those who may know of all, somebody else."""
    name = request.args.get("person", "").strip()
    if not name or not asker.access.has("audit"):
        yield asker
        return
    known = site()
    principal = known.principal(known.identity.find(name).id)
    yield known.reader_within(asker.connection, principal)


def _home(asker: Reader, entity: Entity, record_id: str | None) -> tuple[str, str]:
    """Return (address, title) of what the question is about; no title where it may not be known of."""
    if record_id is not None:
        try:
            row = asker.record(entity.key, record_id, (entity.title,))
        except NotFound:
            return f"/{entity.key}", ""
        return f"/{entity.key}/{record_id}", said_title(row.values(), entity, locale_of(asker))
    return f"/{entity.key}", ""


def told(answer: Explanation) -> list[str]:
    """Return the rules behind an answer as sentences."""
    return [said(line) for line in answer.lines]


def asked(answer: Explanation) -> list[str]:
    """Return as sentences whom to ask."""
    return [said(line) for line in answer.whom_to_ask]


# --- everything at once


def _all(asker: Reader, reader: Reader, entity: Entity, record_id: str | None) -> dict[str, Any]:
    """Return every action and field with its answer; hidden fields only for who may know of them."""
    base = f"/{entity.key}/{record_id}/why" if record_id else f"/{entity.key}/why"

    def line(label: str, action: str, field: str | None = None) -> Line:
        answer = explain(reader, action, entity.key, record_id, field, asker=asker, helping=False)
        person = request.args.get("person", "")
        given = {"action": action, **({"field": field} if field else {}), **({"person": person} if person else {})}
        return Line(label, answer.granted, f"{base}?{urlencode(given)}")

    actions = [line(said(ACTION_LABELS[each]), each) for each in (OF_RECORD if record_id else WHOLE)]
    if record_id and entity.states is not None:
        steps = entity.states.transitions.values()
        actions += [line(said(step.label), f"transition:{step.key}") for step in steps]
    return {"actions": actions, "fields": list(_fields(asker, reader, entity, base))}


def _fields(asker: Reader, reader: Reader, entity: Entity, base: str) -> Iterator[Line]:
    """Yield what may be seen and done of each field: the masks say so, without asking the database."""
    access, whole = reader.access, asker.access.has("audit")
    mask, writable, opens = access.mask(entity.key), access.writable(entity.key), access.revealable(entity.key)
    person = request.args.get("person", "")
    for field in entity.fields.values():
        seen = mask.get(field.key, "hidden")
        if field.system or field.hidden or (seen == "hidden" and not whole):
            continue
        if field.key in opens:
            said_of = Message("masked; you may have it shown")
        elif seen in {"hidden", "masked"}:
            said_of = Message("hidden") if seen == "hidden" else Message("masked")
        elif field.key in writable and not field.read_only:
            said_of = Message("seen and changed")
        else:
            said_of = Message("seen")
        action = "update" if seen in {"read", "write"} else "read"
        given = {"action": action, "field": field.key, **({"person": person} if person else {})}
        yield Line(said(field.label), seen in {"read", "write"}, f"{base}?{urlencode(given)}", said(said_of))


def address(entity: str, record_id: str | None = None, **asked_about: str) -> str:
    """Return the address of an answer: `action` and, of a field, `field`."""
    base = f"/{entity}/{record_id}/why" if record_id else f"/{entity}/why"
    known = {key: value for key, value in asked_about.items() if value}
    return f"{base}?{urlencode(known)}" if known else base


assert set(WHOLE) == set(ACTIONS), "every action has a line"  # noqa: S101 - a list that must not fall behind
