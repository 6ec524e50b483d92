"""What is kept of the values of records outside of their tables: it goes when they go."""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from engine.data.unit import Unit


def forget_copies(unit: Unit, entity: str, ids: Sequence[str]) -> None:
    """Empty what receivers of webhooks answered about records, and what was sent in for them; that it was, stays."""
    mark, phrases = unit.phrases.mark, unit.phrases
    about = f"entity = {mark} AND {phrases.is_in('record_id')}"
    unit.run(
        "UPDATE webhook_attempt SET answer = NULL WHERE answer IS NOT NULL AND delivery_id IN"  # noqa: S608 - constants
        f" (SELECT id FROM webhook_delivery WHERE {about})",
        [entity, unit.ids(ids)],
    )
    gone = set(ids)
    text = f"SELECT id, records FROM inbound_call WHERE entity = {mark} AND body IS NOT NULL"  # noqa: S608 - constants
    calls = [row[0] for row in unit.run(text, [entity]).fetchall() if not gone.isdisjoint(orjson.loads(row[1]))]
    if calls:
        unit.run(
            f"UPDATE inbound_call SET body = NULL WHERE {phrases.is_in('id')}",  # noqa: S608 - constants
            [unit.ids(calls)],
        )
