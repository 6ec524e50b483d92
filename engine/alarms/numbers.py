"""Alarms over records: a number of an entity that is above or below what it should be."""

from __future__ import annotations

from datetime import datetime

from engine.alarms.raised import Ring
from engine.alarms.rules import RecordWatch, Rule
from engine.data.query import Aggregate, Query
from engine.data.reader import Reader
from engine.expression import Call, Expr, Literal, Path, conjunction


def rings(reader: Reader, rule: Rule, watch: RecordWatch, now: datetime) -> Ring | None:
    """Return that an alarm rings, or None; `reader` reads as the product itself.

    Raises:
        QueryTooSlow: the database took too long.
    """
    value = _value(reader, watch, now)
    above = watch.above is not None and value > watch.above
    below = watch.below is not None and value < watch.below
    if not above and not below:
        return None
    shown = int(value) if value == int(value) else round(value, 4)
    details = {"value": shown, "limit": watch.above if above else watch.below, "above": above}
    return Ring(rule, "", now, entity=watch.entity, details=details)


def _value(reader: Reader, watch: RecordWatch, now: datetime) -> float:
    """Return the number; nothing at all counts as 0."""
    parts: list[Expr] = []
    if watch.where is not None:
        parts.append(watch.where)
    if watch.within is not None:
        parts.append(Call(">=", (Path(("updated_at",)), Literal(now - watch.within))))
    where = conjunction(*parts) if parts else None
    # `count` of a field counts the records that have a value there.
    number = Aggregate(watch.function, watch.path, "value")
    rows = reader.aggregate(Query(watch.entity, where=where, aggregates=(number,), limit=1)).dicts()
    found = next((row["value"] for row in rows), None)
    return float(found) if found is not None else 0.0
