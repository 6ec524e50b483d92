"""Why somebody may do something or may not, over REST: the rules that decided, and whom to ask for more."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response

from engine import ACTIONS, AccessDenied, Message, NotFound, Reader, explain
from ui.api.body import answer, parameters
from ui.asking import program_language, reading, site

routes = Blueprint("whys", __name__)


@routes.get("/<entity>/why")
def of_entity(entity: str) -> Response:
    """Say what the rules allow with the records of an entity."""
    return _answered(entity, None)


@routes.get("/<entity>/<uuid:record_id>/why")
def of_record(entity: str, record_id: Any) -> Response:
    """Say what the rules allow with one record."""
    return _answered(entity, str(record_id))


def _answered(entity: str, record_id: str | None) -> Response:
    asked = parameters("action", "field", "person")
    action, field = asked.get("action") or "read", asked.get("field") or None
    with reading() as asker:
        known = asker.model.entities.get(entity)
        if known is None or not any(asker.access.may(entity, each) for each in ACTIONS):
            raise NotFound(Message("There is no {key}", key=entity))
        found = explain(_about(asker, asked.get("person", "")), action, entity, record_id, field, asker=asker)
    language = program_language()
    return answer(
        {
            "action": action,
            "granted": found.granted,
            "answer": found.answer.in_(language),
            "reasons": [line.in_(language) for line in found.lines],
            "roles": list(found.who_could_grant),
            "whom_to_ask": [line.in_(language) for line in found.whom_to_ask],
            "people": [{"id": each.id, "name": each.name, "by": each.by} for each in found.helpers],
        }
    )


def _about(asker: Reader, name: str) -> Reader:
    """Return a reader of the person whom the question is about: who asks, or, for who may know of all, another.

    Raises:
        AccessDenied: it is about somebody else, and who asks may not know of all.
    """
    if not name:
        return asker
    if not asker.access.has("audit"):
        raise AccessDenied(Message("Only who may read the audit log asks what other people may do"))
    known = site()
    return known.reader_within(asker.connection, known.principal(known.identity.find(name).id))
