"""What a receiver is told of a change: the record as it is when it is sent, as far as the owner may read it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import orjson

from engine.data.place import visible
from engine.data.reader import Reader
from engine.errors import GuanxiError, NotFound
from engine.i18n import Message
from engine.webhooks.endpoint import TEST, Delivery


class OutOfReach(GuanxiError):
    """The owner may not read the record any more, so nothing is sent of it."""


def body_of(reader: Reader, delivery: Delivery) -> bytes:
    """Return the body for a delivery, as the reader's principal may know it.

    Raises:
        OutOfReach: they may know nothing of it.
    """
    entity = reader.model.entities.get(delivery.entity)
    if entity is None:
        raise OutOfReach(Message("There are no such records any more"))
    record: dict[str, Any] | None = None
    if delivery.event != "deleted":
        record = _record(reader, delivery)
    elif not _may_hear_of(reader, delivery):
        raise OutOfReach(Message("Its owner may not read this record"))
    changed = [key for key in delivery.changed if key in entity.fields and visible(reader.access.roles, entity, key)]
    return _written(
        f"{delivery.entity}.{delivery.event}",
        delivery.at,
        {
            "id": delivery.record_id,
            "entity": delivery.entity,
            "version": delivery.version,
            "actor": delivery.actor_id,
            "changed": changed,
            "record": record,
        },
    )


def _record(reader: Reader, delivery: Delivery) -> dict[str, Any]:
    try:
        return reader.record(delivery.entity, delivery.record_id).json()
    except NotFound:
        if reader.readable(delivery.entity, [delivery.record_id]):
            raise OutOfReach(Message("The record is in the recycle bin by now")) from None
        raise OutOfReach(Message("Its owner may not read this record")) from None


def _may_hear_of(reader: Reader, delivery: Delivery) -> bool:
    """Say whether the owner may know that a record was deleted: it was in their reach when that was noted.

    One that was deleted for good meanwhile can no longer be asked about, and nothing but its id is told.
    """
    ids = [delivery.record_id]
    return bool(reader.readable(delivery.entity, ids)) or not reader.as_system().readable(delivery.entity, ids)


def trial_body(at: datetime, name: str) -> bytes:
    """Return the body of a trial."""
    return _written(f"webhook.{TEST}", at, {"name": name})


def _written(kind: str, at: datetime, data: dict[str, Any]) -> bytes:
    stamp = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return orjson.dumps({"type": kind, "timestamp": stamp, "data": data}, default=str)
