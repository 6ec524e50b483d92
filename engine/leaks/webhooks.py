"""What receivers of webhooks are told, as a channel: each event by the rights of whoever owns the endpoint."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import orjson

from engine.i18n import Message
from engine.leaks.channels import Asking, channel
from engine.leaks.told import Row, Told
from engine.webhooks import WEBHOOK_EVENTS, Delivery
from engine.webhooks.body import OutOfReach, body_of

_SOME = 12
_LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@channel("webhook", Message("webhooks"))
def webhook(asking: Asking) -> Iterator[Told]:
    """The body that would be sent of each record, and the names of fields in it."""
    entity = asking.entity
    first = Delivery(
        "", "", 1, entity.key, "", 1, "updated", tuple(entity.fields), None, _LONG_AGO, "waiting", 0, None, None, None,
        None,
    )  # fmt: skip
    for row in asking.some(_SOME):
        for event in WEBHOOK_EVENTS:
            try:
                body = body_of(asking.reader, replace(first, record_id=row["id"], event=event))
            except OutOfReach:
                continue
            data = orjson.loads(body)["data"]
            values = {key: value for key, value in (data["record"] or {}).items() if value is not None}
            yield Row(entity.key, row["id"], values, part=event)
            hidden = [key for key in data["changed"] if asking.oracle.mask(entity.key, key) == "hidden"]
            yield Row(entity.key, row["id"], dict.fromkeys(hidden, "a field that is hidden"), part="changed")
