"""Shares of a record over REST: who has it, giving it to somebody, taking it back."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response

from engine import Message, Share
from ui.api.body import answer, given
from ui.api.problems import BadRequest
from ui.asking import principal, reading, site

_KNOWN = frozenset({"kind", "principal", "level", "until", "cascade"})

routes = Blueprint("shares", __name__)


@routes.get("/<entity>/<uuid:record_id>/shares")
def listing(entity: str, record_id: Any) -> Response:
    """Return with whom a record is shared just now."""
    with reading() as reader:
        return answer({"data": [_json(each) for each in reader.shares(entity, str(record_id))]})


@routes.post("/<entity>/<uuid:record_id>/shares")
def share(entity: str, record_id: Any) -> Response:
    """Share a record, or change how it is shared with somebody."""
    body = given()
    for name in body.keys() - _KNOWN:
        known = ", ".join(sorted(_KNOWN))
        raise BadRequest(Message("A share has no {name}; it has {known}", name=name, known=known))
    texts = {name: body.get(name, default) for name, default in (("kind", ""), ("principal", ""), ("level", "read"))}
    if not all(isinstance(each, str) for each in texts.values()) or not isinstance(body.get("cascade", True), bool):
        raise BadRequest(Message("kind, principal and level are texts, cascade is true or false"))
    made = site().records.share(
        principal(),
        entity,
        str(record_id),
        texts["kind"],
        texts["principal"],
        texts["level"],
        until=_moment(body.get("until")),
        cascade=body.get("cascade", True),
        via="api",
    )
    return answer(_json(made), 201)


@routes.delete("/<entity>/<uuid:record_id>/shares/<uuid:whom>")
def unshare(entity: str, record_id: Any, whom: Any) -> Response:
    """Take back what was shared with somebody by hand."""
    site().records.unshare(principal(), entity, str(record_id), str(whom), via="api")
    return Response(status=204)


def _moment(text: Any) -> datetime | None:
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
        known = found.tzinfo is not None
        found = found.astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        known = False
    if not known:
        raise BadRequest(Message("until is a moment with its zone, such as 2026-12-31T23:59:59Z"))
    return found


def _json(given_: Share) -> dict[str, Any]:
    return {
        "kind": given_.kind,
        "principal": given_.principal_id,
        "level": given_.level,
        "until": _iso(given_.until),
        "cascade": given_.cascade,
        "cause": given_.cause,
        "made_by": given_.made_by,
        "made_at": _iso(given_.made_at),
    }


def _iso(moment: datetime | None) -> str | None:
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
