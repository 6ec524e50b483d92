"""Rows of endpoints, deliveries and attempts as what they are."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import orjson

from engine.audit.statements import text_of, time_of
from engine.i18n import Message
from engine.jobs.job import message_from_json, message_to_json
from engine.webhooks.endpoint import Attempt, Delivery, Endpoint

ENDPOINT = (
    "id, name, url, entity, events, fields, condition, owner_id, skip_own, state, reason, place, failures, hold_until,"
    " old_until, created_at, created_by, changed_at"
)
DELIVERY = (
    "id, endpoint_id, seq, entity, record_id, version, event, changed, actor_id, at, state, attempts, next_at, done_at,"
    " status, note"
)
ATTEMPT = "id, at, milliseconds, status, note, answer"


def endpoint_of(row: Sequence[Any]) -> Endpoint:
    """Return an endpoint from a row of `ENDPOINT`."""
    return Endpoint(
        id=str(row[0]),
        name=row[1],
        url=row[2],
        entity=row[3],
        events=tuple(orjson.loads(row[4])),
        fields=tuple(orjson.loads(row[5])),
        condition=row[6] or "",
        owner_id=str(row[7]),
        skip_own=bool(row[8]),
        state=row[9],
        reason=read_message(row[10]),
        place=int(row[11]),
        failures=row[12],
        hold_until=_time(row[13]),
        old_until=_time(row[14]),
        created_at=time_of(row[15]),
        created_by=text_of(row[16]),
        changed_at=time_of(row[17]),
    )


def delivery_of(row: Sequence[Any]) -> Delivery:
    """Return a delivery from a row of `DELIVERY`."""
    return Delivery(
        id=str(row[0]),
        endpoint_id=str(row[1]),
        seq=row[2],
        entity=row[3],
        record_id=str(row[4]),
        version=row[5],
        event=row[6],
        changed=tuple(orjson.loads(row[7])),
        actor_id=text_of(row[8]),
        at=time_of(row[9]),
        state=row[10],
        attempts=row[11],
        next_at=_time(row[12]),
        done_at=_time(row[13]),
        status=row[14],
        note=read_message(row[15]),
    )


def attempt_of(row: Sequence[Any]) -> Attempt:
    """Return an attempt from a row of `ATTEMPT`."""
    return Attempt(str(row[0]), time_of(row[1]), row[2], row[3], read_message(row[4]), row[5])


def _time(value: Any) -> datetime | None:
    return None if value is None else time_of(value)


def kept_message(message: Message | None) -> str | None:
    """Return a message as a row has it, so that each reader has it in their language."""
    return None if message is None else orjson.dumps(message_to_json(message)).decode()


def read_message(text: str | None) -> Message | None:
    """Return a message that `kept_message` wrote."""
    return None if text is None else message_from_json(orjson.loads(text))
